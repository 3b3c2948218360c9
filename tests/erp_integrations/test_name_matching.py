"""Names are compared by what firms are called, not by how somebody spelled it."""

import pytest

from erp_integrations.name_matching import (
    MAX_SUGGESTIONS,
    find_suggestions,
    get_comparable_name,
    get_likeness,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("W B MASON COMPANY INC", "W.B. Mason Co., Inc."),
        ("CARR & DUFF INC", "Carr and Duff, Incorporated"),
        ("BUCKLEY & COMPANY INCORPORATED", "Buckley Co"),
        ("The Kompan Corp.", "KOMPAN"),
        ("Müller Söhne LLC", "MULLER SOHNE"),
        ("O'Brien's", "OBRIENS"),
    ],
)
def test_spellings_of_one_firm_are_the_same_name(one: str, other: str) -> None:
    assert get_comparable_name(one) == get_comparable_name(other)
    (suggestion,) = find_suggestions([one], [(other, 1)])[one]
    assert suggestion.is_same_name


@pytest.mark.parametrize(
    ("one", "other"),
    [("ACME MECHANICAL", "ACME ELECTRICAL"), ("SMITH PAVING", "SMITH & SONS"), ("COMPANY INC", "CO")],
)
def test_different_firms_are_never_the_same_name(one: str, other: str) -> None:
    assert not any(each.is_same_name for each in find_suggestions([one], [(other, 1)])[one])


def test_a_shortened_name_is_suggested_and_a_strange_one_is_not() -> None:
    listed = [("GESSLER CONSTRUCTION COMPANY", "G"), ("AGILENT TECHNOLOGIES INC", "A"), ("KOMPAN INC", "K")]
    found = find_suggestions(["Gessler Constr. Co", "Agilent", "Zebra"], listed)
    assert [each.found for each in found["Gessler Constr. Co"]] == ["G"]
    assert [each.found for each in found["Agilent"]] == ["A"]
    assert found["Zebra"] == []


def test_the_best_come_first_and_there_are_few() -> None:
    listed = [(f"HARBOR PAVING {number}", number) for number in range(9)] + [("Harbor Paving, Inc.", 99)]
    found = find_suggestions(["HARBOR PAVING"], listed)["HARBOR PAVING"]
    assert len(found) == MAX_SUGGESTIONS
    assert (found[0].found, found[0].is_same_name) == (99, True)
    assert not found[1].is_same_name


@pytest.mark.parametrize("name", ["", "   ", "---", "漢字", "Inc.", "A"])
def test_a_name_of_which_nothing_is_left_is_like_nothing_else(name: str) -> None:
    assert find_suggestions([name], [("ACME", 1), ("", 2), ("--", 3)])[name] == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("XEROX CORP", "XERXO CORP"),  # swapped
        ("PDIR INC", "PDRR INC"),
        ("FASTENAL CO", "FASTENNAL CO"),
        ("FASTENAL CO", "FASTNAL COMPANY"),
        ("FASTENAL IINC", "FASTENAL INC"),
        ("Tague Lumber, Inc.", "LUMBER TAGUE INC"),
        ("Smith & Sons", "SMITH AND SONS LLC"),
        ("RUSSELL MFG", "Russell Manufacturing Co"),
        ("PR0TEC SYSTEMS", "PROTEC SYSTEMS"),
        ("Müller Straßenbau", "MULLER STRASSENBAU"),
        ("王建设公司有限", "王建设公司有限 "),
    ],
)
def test_a_vendors_name_is_near_with_a_slip(ours: str, theirs: str) -> None:
    assert get_likeness(ours, theirs) >= 85


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("HYDE ELECTRIC CORP", "RUMSEY ELECTRIC CORP"),
        ("LOCAL 98 BUILDERS", "LOCAL 89 BUILDERS"),
        ("DELL INC", "BELL INC"),
        ("PDI INC", "PKI INC"),
        ("王 Inc", "李 Inc"),  # nothing would be left of either
        ("Ромашка", "Северсталь"),
    ],
)
def test_another_firms_name_is_not_near(ours: str, theirs: str) -> None:
    assert get_likeness(ours, theirs) < 85
