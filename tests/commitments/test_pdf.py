"""A commitment as PDF: all of it, as text, whatever people wrote."""

import io
from typing import Any

import pytest
from pypdf import PdfReader

from commitments.models import Commitment
from tests.clients import signed_in
from tests.factories import CommitmentFactory, LineItemFactory, ProjectAdminFactory

pytestmark = pytest.mark.django_db


def read(commitment: Commitment) -> tuple[Any, list[str]]:
    answer = signed_in(ProjectAdminFactory(project=commitment.project)).get(
        f"{commitment.get_absolute_url()}pdf/"
    )
    assert answer.status_code == 200
    return answer, [page.extract_text() for page in PdfReader(io.BytesIO(answer.getvalue())).pages]


def test_every_line_the_total_and_the_pages_are_in_it_as_text() -> None:
    commitment = CommitmentFactory(number="SC-1", lines=0)
    for number in range(80):
        LineItemFactory(
            commitment=commitment, description=f"Beam {number}.", unit_cost=None, amount="1000.01"
        )
    answer, pages = read(commitment)
    assert answer["Content-Disposition"] == 'attachment; filename="sc-1.pdf"'
    text = "\n".join(pages)
    assert all(f"Beam {number}." in text for number in range(80))
    assert "80,000.80" in text
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Description" in page  # the headings are repeated


def test_what_people_wrote_is_text_and_never_breaks_it() -> None:
    commitment = CommitmentFactory(
        number='A/..\\"1',
        title="<b>Łódź & Ω</b> <img src='file:///etc/passwd'/>",
        description="東京 {nb}\x01 &amp; </para>\n" + "word " * 20_000 + "x" * 5_000 + " Ende",
        contract_company__name="Ångström—Žižka ООО «Бетон» Αθήνα",
    )
    LineItemFactory(commitment=commitment, description="<script>" + "W" * 240)
    answer, pages = read(commitment)
    text = "".join(pages).replace("\n", " ")
    assert "<b>Łódź & Ω</b> <img src='file:///etc/passwd'/>" in text
    assert "Ångström—Žižka ООО «Бетон» Αθήνα" in text
    assert "?? {nb}? &amp; </para>" in text
    assert (text.count("word"), text.count("x") >= 5_000, "Ende" in text) == (20_000, True, True)
    assert "passwd" not in answer["Content-Disposition"]
    assert len(pages) > 10
