"""Pages of a printed story: footer and exercise banner on each, tables, room to sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Spacer,
    Table,
    TableStyle,
)

from alerts.story.sheet import ACCENT, DRILL, FAINT, INK, LINE, MUTED, SOFT, Sheet
from config.text import Text

MARGIN = 14 * mm
USABLE = A4[0] - 2 * MARGIN
SIGN = Text("签字", "Signature")
DATE = Text("日期", "Date")
NOT_REAL = Text("演练，不是真实警情", "EXERCISE: this is not a real alarm")


@dataclass(frozen=True)
class Frameword:
    """What every page of a document carries."""

    title: str
    subject: str
    foot: str
    exercise: bool


def print_pages(frame: Frameword, sheet: Sheet, flowables: Sequence[Flowable]) -> bytes:
    """Return the PDF."""
    out = BytesIO()
    top = 20 * mm if frame.exercise else 12 * mm
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        title=frame.title,
        subject=frame.subject,
        author="Liftwatch",
        creator="Liftwatch",
        invariant=1,  # the same story gives the same bytes
    )
    body = Frame(
        MARGIN, 15 * mm, USABLE, A4[1] - 15 * mm - top,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    document.addPageTemplates([PageTemplate("page", [body], onPage=_around(frame, sheet))])
    document.build(list(flowables))
    return out.getvalue()


def _around(frame: Frameword, sheet: Sheet) -> Callable[[Canvas, Any], None]:
    def draw(canvas: Canvas, document: Any) -> None:
        canvas.saveState()
        if frame.exercise:
            _banner(canvas, sheet)
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, 12 * mm, A4[0] - MARGIN, 12 * mm)
        number = str(document.page)
        write(canvas, sheet, MARGIN, 8 * mm, frame.foot)
        write(canvas, sheet, A4[0] - MARGIN - sheet.fonts.width(number, 7), 8 * mm, number)
        canvas.restoreState()

    return draw


def _banner(canvas: Canvas, sheet: Sheet) -> None:
    """Across the top and faintly over the whole page: a copy of one page must show it too."""
    text = f"{NOT_REAL.zh} · {NOT_REAL.en}"
    canvas.setFillColor(DRILL)
    canvas.rect(0, A4[1] - 12 * mm, A4[0], 12 * mm, stroke=0, fill=1)
    wide = sheet.fonts.width(text, 13, bold=True)
    write(canvas, sheet, (A4[0] - wide) / 2, A4[1] - 8 * mm, text, 13, SOFT, bold=True)
    canvas.saveState()
    canvas.translate(A4[0] / 2, A4[1] / 2)
    canvas.rotate(52)
    for line, y in (("演练", 20), ("EXERCISE", -90)):
        wide = sheet.fonts.width(line, 100, bold=True)
        write(canvas, sheet, -wide / 2, y, line, 100, FAINT, bold=True)
    canvas.restoreState()


def write(
    canvas: Canvas,
    sheet: Sheet,
    x: float,
    y: float,
    text: str,
    size: float = 7,
    color: Any = MUTED,
    bold: bool = False,
) -> None:
    """Write one line, each piece in its font."""
    canvas.setFillColor(color)
    for font, piece in sheet.fonts.runs(text, bold):
        canvas.setFont(font, size)
        canvas.drawString(x, y, piece)
        x += sheet.fonts.width(piece, size, bold)


def heading(sheet: Sheet, text: Text) -> list[Flowable]:
    """Return the heading of a part."""
    return [Spacer(1, 9), sheet.p(sheet.say(text), 10.5, bold=True, color=ACCENT), Spacer(1, 3)]


def part(sheet: Sheet, text: Text, first: Flowable, *more: Flowable) -> list[Flowable]:
    """Return a part whose heading never stands alone at the foot of a page."""
    if isinstance(first, Table):  # a table splits by itself: its first rows are enough
        return [CondPageBreak(32 * mm), *heading(sheet, text), first, *more]
    return [KeepTogether([*heading(sheet, text), first]), *more]


def table(
    sheet: Sheet,
    head: Sequence[Text],
    rows: Sequence[Sequence[str | Flowable]],
    widths: Sequence[float],
    size: float = 7.8,
) -> Table:
    """Return a table with a repeated head. `widths` are shares of the page's width."""
    cells: list[list[Flowable]] = []
    if head:
        cells.append([sheet.p(sheet.say(one), size - 0.6, color=MUTED) for one in head])
    for row in rows:
        cells.append([sheet.p(c, size) if isinstance(c, str) else c for c in row])
    whole = sum(widths)
    made = Table(cells, colWidths=[USABLE * w / whole for w in widths], repeatRows=1 if head else 0)
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ]
        )
    )
    return made


def signatures(sheet: Sheet, who: Sequence[Text]) -> Table:
    """Return room to sign for everybody who has to."""
    cells = [
        [sheet.p(sheet.say(one), 8), sheet.p(sheet.say(SIGN), 7, color=MUTED),
         sheet.p(sheet.say(DATE), 7, color=MUTED)]
        for one in who
    ]  # fmt: skip
    made = Table(cells, colWidths=[USABLE * 0.3, USABLE * 0.45, USABLE * 0.25], rowHeights=26)
    made.setStyle(
        TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.5, LINE),
                ("INNERGRID", (0, 0), (-1, -1), 0.4, LINE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TEXTCOLOR", (0, 0), (-1, -1), INK),
            ]
        )
    )
    return made
