"""A file that is no good is answered with a sentence that names row and column."""

from pathlib import Path

import pytest

from tests.trials.files import BadFile, read_trial

HEAD = "id,state,project,vendor,number,cost_code,amount"
GOOD = "1,waiting,Tower,Acme,SC-1,03-100,10.00"


def read(folder: Path, *rows: str, head: str = HEAD, truth: str = "") -> object:
    (folder / "file.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    (folder / "truth.csv").write_text(f"id,kind\n{truth}", encoding="utf-8")
    return read_trial(str(folder / "file.csv"), str(folder / "truth.csv"))


def test_optional_columns_have_defaults(tmp_path: Path) -> None:
    read(tmp_path, GOOD, truth="1,Vendor_Name")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1,waiting,Tower,Acme,SC-1,03-100,ten"], "row 2, column amount: 'ten' is not a number."),
        (["1,sent,Tower,Acme,SC-1,03-100,10"], "row 2, column state: 'sent' is neither history nor waiting."),
        ([GOOD, "2,waiting,Tower,,SC-2,03-100,10"], "row 3, column vendor: it is empty."),
        (
            [GOOD, "1,waiting,Tower,Bolt,SC-1,03-100,10"],
            "row 3, column vendor: 'Bolt' is not 'Acme', as row 2",
        ),
        ([GOOD, GOOD + ",more"], "row 3: it has more cells"),
        ([GOOD.replace("1,w", f"{n},w") for n in range(3)], "row 4, column number: SC-1 stands a third time"),
        ([], "has no rows"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(BadFile) as refused:
        read(tmp_path, *rows)
    assert said in str(refused.value)


def test_a_column_that_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="there is no column amount"):
        read(tmp_path, head="id,state,project,vendor,number,cost_code")
    with pytest.raises(BadFile, match="column colour is not known"):
        read(tmp_path, head=f"{HEAD},colour")


@pytest.mark.parametrize(
    ("truth", "said"), [("1,odd", "column kind: 'odd' is none of"), ("9,amount", "column id: no waiting row")]
)
def test_a_truth_of_nothing_that_is_there_is_refused(tmp_path: Path, truth: str, said: str) -> None:
    with pytest.raises(BadFile) as refused:
        read(tmp_path, GOOD, truth=truth)
    assert f"truth.csv, row 2, {said}" in str(refused.value)
