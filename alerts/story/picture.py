"""The rescue drawn on a line: above it what people did, below it the deadlines, met or missed.

The line runs by the square root of time, as the console's does: the first minutes count most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, Rect, String
from reportlab.lib.colors import HexColor

from alerts.story.sheet import ACCENT, BAD, CALM, INK, LINE, MUTED, SOFT, TONES, Sheet
from config.text import Text

WIDTH, LEVELS = 515.0, 4
_SIDE, _ROW, _SIZE = 18.0, 21.0, 7.2
_TICKS_S = (0, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400)
NOW, END = Text("现在", "now"), Text("结束", "end")
Json = dict[str, Any]


@dataclass
class _Shelf:
    """Places labels on rows so that none covers another."""

    ends: list[float] = field(default_factory=lambda: [-1e9] * LEVELS)

    def row(self, left: float, right: float) -> int | None:
        for level, end in enumerate(self.ends):
            if left > end + 6:
                self.ends[level] = right
                return level
        return None


@dataclass(frozen=True)
class Scale:
    """Time to place. `start_ms` stands at the left, `end_ms` at the right."""

    start_ms: int
    end_ms: int

    def x(self, at_ms: float) -> float:
        """Return the place of a moment, in points from the left."""
        span = max(1, self.end_ms - self.start_ms)
        share = sqrt(min(max(at_ms - self.start_ms, 0), span) / span)
        return _SIDE + share * (WIDTH - 2 * _SIDE)


def scale_of(story: Json) -> Scale:
    """Return a scale that holds all that happened, and every deadline that counted."""
    times = [one["at_ms"] for one in story["milestones"]]
    times += [one["due_ms"] for one in story["deadlines"] if one["result"] != "not_needed"]
    times.append(story["over_ms"] or story["made_ms"])
    return Scale(min(times), max(times))


def picture(story: Json, sheet: Sheet) -> Drawing:
    """Return the drawing of a story, `WIDTH` points wide."""
    scale = scale_of(story)
    counted = [one for one in story["deadlines"] if one["due_ms"] <= scale.end_ms]
    above, below = 14 + LEVELS * _ROW, 24 + LEVELS * _ROW
    drawing = Drawing(WIDTH, above + below)
    drawing.add(Rect(0, 0, WIDTH, above + below, fillColor=SOFT, strokeColor=None))
    _axis(drawing, scale, story, sheet, below)
    _deeds(drawing, scale, story["milestones"], sheet, below)
    _dues(drawing, scale, counted, sheet, below)
    return drawing


def _axis(drawing: Drawing, scale: Scale, story: Json, sheet: Sheet, y: float) -> None:
    end_ms = story["over_ms"] or story["made_ms"]
    drawing.add(
        Line(_SIDE, y, WIDTH - _SIDE, y, strokeColor=LINE, strokeWidth=3)
    )  # the whole span, then what has passed of it
    drawing.add(Line(_SIDE, y, scale.x(end_ms), y, strokeColor=INK, strokeWidth=3))
    last_x = -1e9
    for seconds in _TICKS_S:
        at_ms = scale.start_ms + seconds * 1000
        x = scale.x(at_ms)
        if at_ms > scale.end_ms or x < last_x + 24:
            continue
        last_x = x
        drawing.add(Line(x, y - 3, x, y + 3, strokeColor=MUTED, strokeWidth=0.6))
        _write(drawing, sheet, x, y - 12, f"+{_short(seconds, sheet)}", MUTED, 6.2)
    x = scale.x(end_ms)
    top = y + 14 + LEVELS * _ROW - 4
    drawing.add(Line(x, 8, x, top, strokeColor=ACCENT, strokeWidth=0.8, strokeDashArray=[2, 2]))
    word = sheet.say(END if story["over_ms"] else NOW)
    _write(drawing, sheet, x, 3, word, ACCENT, 6.2)


def _deeds(drawing: Drawing, scale: Scale, deeds: Sequence[Json], sheet: Sheet, y: float) -> None:
    shelf = _Shelf()
    for one in deeds:
        x = scale.x(one["at_ms"])
        word, clock = sheet.say(one["text"]), sheet.clock(one["at_ms"])
        place = _put(shelf, x, max(_wide(sheet, word), _wide(sheet, clock)))
        drawing.add(Circle(x, y, 3.2, fillColor=INK, strokeColor=SOFT, strokeWidth=1))
        if place is None:
            continue
        middle, level = place
        bottom = y + 10 + level * _ROW
        drawing.insert(1, Line(x, y + 3, x, bottom - 1, strokeColor=LINE, strokeWidth=0.6))
        _behind(drawing, sheet, middle, bottom, (word, clock))
        _write(drawing, sheet, middle, bottom + 8, word, INK, _SIZE, bold=True)
        _write(drawing, sheet, middle, bottom, clock, MUTED, _SIZE - 0.8)


def _dues(drawing: Drawing, scale: Scale, dues: Sequence[Json], sheet: Sheet, y: float) -> None:
    shelf = _Shelf()
    weight = {"missed": 0, "open": 1, "met": 2, "not_needed": 3}
    # Limits and what was missed get their words first: there may not be room for all.
    for one in sorted(dues, key=lambda d: (not d["limit"], weight[d["result"]], d["due_ms"])):
        x, tone = scale.x(one["due_ms"]), TONES[one["result"]]
        word, margin = sheet.say(one["text"]), _margin(one, sheet)
        place = _put(shelf, x, max(_wide(sheet, word), _wide(sheet, margin)))
        _mark(drawing, x, y, one["result"], tone)
        if place is None:
            continue
        middle, level = place
        top = y - 24 - level * _ROW
        drawing.insert(1, Line(x, y - 4, x, top + 7, strokeColor=LINE, strokeWidth=0.6))
        _behind(drawing, sheet, middle, top - 8, (word, margin))
        _write(drawing, sheet, middle, top, word, tone, _SIZE)
        _write(drawing, sheet, middle, top - 8, margin, tone, _SIZE - 0.8)


def _margin(one: Json, sheet: Sheet) -> str:
    word = sheet.say(one["result_text"])
    if one["margin_ms"] is None:
        return word
    sign = "–" if one["margin_ms"] < 0 else "+"
    return f"{word} {sign}{sheet.long(one['margin_ms'])}"


def _mark(drawing: Drawing, x: float, y: float, result: str, tone: HexColor) -> None:
    """A shape besides the colour, for print in black: full, crossed out, hollow, or a dash."""
    if result == "met":
        drawing.add(Rect(x - 2.6, y - 2.6, 5.2, 5.2, fillColor=tone, strokeColor=SOFT))
    elif result == "missed":
        points = [x - 4, y - 4, x + 4, y - 4, x, y + 4.5]
        drawing.add(Polygon(points, fillColor=BAD, strokeColor=SOFT, strokeWidth=0.8))
    elif result == "open":
        drawing.add(Rect(x - 2.6, y - 2.6, 5.2, 5.2, fillColor=SOFT, strokeColor=tone))
    else:
        drawing.add(Line(x, y - 4, x, y + 4, strokeColor=CALM, strokeWidth=1))


def _behind(
    drawing: Drawing, sheet: Sheet, middle: float, y: float, lines: tuple[str, ...]
) -> None:
    """A patch under a label, so that no leader runs through its letters."""
    wide = max(_wide(sheet, line) for line in lines)
    patch = Rect(middle - wide / 2 - 1, y - 2, wide + 2, 17.5, fillColor=SOFT, strokeColor=None)
    drawing.add(patch)


def _put(shelf: _Shelf, x: float, wide: float) -> tuple[float, int] | None:
    """Return the middle of a label and its row; None where every row is taken."""
    middle = min(max(x, wide / 2 + 2), WIDTH - wide / 2 - 2)
    level = shelf.row(middle - wide / 2, middle + wide / 2)
    return None if level is None else (middle, level)


def _wide(sheet: Sheet, text: str) -> float:
    return sheet.fonts.width(text, _SIZE, bold=True)


def _write(
    drawing: Drawing,
    sheet: Sheet,
    middle: float,
    y: float,
    text: str,
    color: HexColor,
    size: float,
    bold: bool = False,
) -> None:
    x = middle - sheet.fonts.width(text, size, bold) / 2
    for font, piece in sheet.fonts.runs(text, bold):
        drawing.add(String(x, y, piece, fontName=font, fontSize=size, fillColor=color))
        x += sheet.fonts.width(piece, size, bold)


def _short(seconds: int, sheet: Sheet) -> str:
    zh = sheet.lang.lower().startswith("zh")
    if seconds < 60:
        return f"{seconds}"
    if seconds < 3600:
        return f"{seconds // 60}" + ("分" if zh else " min")
    return f"{seconds // 3600}" + ("小时" if zh else " h")
