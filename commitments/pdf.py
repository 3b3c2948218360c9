"""A commitment on paper: header and Schedule of Values. What people wrote is text, whatever it says."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape  # nosec B406  # it parses nothing

import fontpkg_noto_sans
from django.utils import timezone
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, TableStyle

from commitments.changes import build_details, build_facts, build_line_facts
from commitments.models import Commitment, LineItem
from directory.db.time_zones import format_time

FONT = "Noto Sans"
MARGIN = 18 * mm
WIDTH = letter[0] - 2 * MARGIN
COLUMNS = {"#": 6, "Cost code": 18, "Description": 34, "Quantity": 14, "Unit cost": 12, "Amount": 16}
FIRST_FIGURE = 3
PIECE = re.compile(r"(?s).{1,3000}(?:\s|\Z)|.{3000}")
"""A row of a text: what a page breaks is laid out anew on each page that follows."""
SMALL = ParagraphStyle("small", fontName=FONT, fontSize=8, leading=11)
RIGHT = ParagraphStyle("right", SMALL, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", SMALL, fontSize=14, leading=19, spaceBefore=6 * mm, spaceAfter=3 * mm)
GRID = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor("#9aa3ad")),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)


class NumberedCanvas(Canvas):
    """Each page says of what it is, and which of how many, known only when all are drawn."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pages = list[dict[str, Any]]()

    def showPage(self: Any) -> None:  # noqa: N802
        self.pages.append(dict(self.__dict__))
        self._startPage()

    def save(self: Any) -> None:
        for number, page in enumerate(self.pages, start=1):
            self.__dict__.update(page)
            self.setFont(FONT, 8)
            self.drawString(MARGIN, 10 * mm, self._doc.info.title[:90])
            self.drawRightString(letter[0] - MARGIN, 10 * mm, f"Page {number} of {len(self.pages)}")
            super().showPage()
        super().save()


@cache
def read_glyphs() -> frozenset[int]:
    """The signs that the font has."""
    (path,) = Path(fontpkg_noto_sans.__file__).parent.glob("files/NotoSans[[]*.ttf")
    font = TTFont(FONT, str(path))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def clean_text(text: object) -> str:
    """A sign that the font lacks becomes a question mark."""
    glyphs = read_glyphs()
    return "".join(each if ord(each) in glyphs or each == "\n" else "?" for each in str(text))


def build_paragraph(text: object, style: ParagraphStyle = SMALL) -> Paragraph:
    return Paragraph(escape(clean_text(text)).replace("\n", "<br/>"), style)


def build_row(*cells: object) -> list[Paragraph]:
    return [build_paragraph(cell, RIGHT if at >= FIRST_FIGURE else SMALL) for at, cell in enumerate(cells)]


def build_pdf(commitment: Commitment, lines: Sequence[LineItem]) -> bytes:
    """Of what was agreed, as the page prints it."""
    project, total = commitment.project, sum((line.amount or Decimal(0) for line in lines), Decimal("0.00"))
    title = f"{commitment.get_kind_display()} {commitment.number}, {project.name}"
    facts = {
        "Company": project.company.name,
        "Project": f"{project.name} {project.number}".strip(),
        **build_facts(commitment, str(commitment.contract_company or "")),
        **build_details(commitment),
        f"Total, {project.company.currency}": f"{total:,.2f}",
        "Printed": format_time(timezone.now()),
    }
    header = [
        [build_paragraph("" if at else name), build_paragraph(piece)]
        for name, text in facts.items()
        for at, piece in enumerate(PIECE.findall(text))
    ]
    table = [build_row(*COLUMNS)]
    for line in lines:
        said = build_line_facts(line)
        code = " ".join(filter(None, [said["cost code"], said["cost type"], said["billing item"]]))
        figures = (said["quantity"], said["unit cost"], said["amount"])
        table.append(build_row(line.position, code, said["description"], *figures))
    table.append(build_row("", "", "Total", "", "", f"{total:,.2f}"))
    file, widths = BytesIO(), [WIDTH * share / 100 for share in COLUMNS.values()]
    page = SimpleDocTemplate(
        file,
        pagesize=letter,
        title=clean_text(title),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
    )
    story = [
        build_paragraph(commitment.title or title, TITLE),
        LongTable(header, colWidths=[WIDTH * 0.25, WIDTH * 0.75], style=GRID, splitInRow=1),
        build_paragraph("Schedule of Values", TITLE),
        LongTable(table, colWidths=widths, style=GRID, splitInRow=1, repeatRows=1),
    ]
    page.build(story, canvasmaker=NumberedCanvas)
    return file.getvalue()
