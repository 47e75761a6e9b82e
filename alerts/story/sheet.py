"""Paper: fonts, sizes and colours, and text that mixes Chinese with Latin letters.

Chinese is set in STSong-Light, one of the Asian fonts every PDF reader brings or substitutes
(Adobe-GB1; ISO 32000-1, 9.7.5): the file stays small and embeds nothing. A site that must not
depend on the reader gives a TrueType font of its own, which is then embedded as a subset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import Paragraph

from config.errors import ConfigError
from config.text import Text

CHINESE = "STSong-Light"
INK, MUTED, LINE, SOFT = (HexColor(c) for c in (0x1B1F24, 0x5B6570, 0xC9CFD6, 0xF3F5F7))
GOOD, BAD, CALM, ACCENT = (HexColor(c) for c in (0x1E7B4A, 0xB3261E, 0x8A939C, 0x1F5FA8))
DRILL, FAINT = HexColor(0x6A1B9A), HexColor(0xEFE4F5)
TONES = {"met": GOOD, "missed": BAD, "open": ACCENT, "not_needed": CALM}


@dataclass(frozen=True, slots=True)
class Fonts:
    """Names of fonts known to reportlab: for Latin letters, bold ones, and for all the rest."""

    latin: str = "Helvetica"
    bold: str = "Helvetica-Bold"
    other: str = CHINESE

    def runs(self, text: str, bold: bool = False) -> Iterator[tuple[str, str]]:
        """Yield (font, piece) so that every piece can be set in its font."""
        for latin, letters in groupby(text, key=_is_latin):
            yield (self.bold if bold else self.latin) if latin else self.other, "".join(letters)

    def width(self, text: str, size: float, bold: bool = False) -> float:
        """Return the width of a text in points."""
        return sum(
            float(pdfmetrics.stringWidth(piece, font, size))
            for font, piece in self.runs(text, bold)
        )


def _is_latin(letter: str) -> bool:
    """True for what the standard Latin fonts can show (WinAnsi's letters)."""
    return letter < "\u0100" or letter in "–—‘’“”•…€"


def fonts(file: Path | None = None) -> Fonts:
    """Return the fonts to print with: the site's own TrueType file, or the standard ones.

    Raises ConfigError for a file that cannot be embedded, or one without Chinese.
    """
    if file is None:
        if CHINESE not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
        return Fonts()
    name = f"site-{file.stem}"
    if name not in pdfmetrics.getRegisteredFontNames():
        try:
            font = TTFont(name, str(file))
        except (TTFError, OSError) as error:
            raise _unfit(file, str(error)) from None
        if ord("困") not in font.face.charToGlyph:
            raise _unfit(file, "no 困")
        pdfmetrics.registerFont(font)
    return Fonts(name, name, name)


def _unfit(file: Path, why: str) -> ConfigError:
    way_out = Text(
        "须为含中文的 TrueType 字体文件（.ttf 或 .ttc，非 CFF 轮廓），或删去此键",
        "a TrueType file (.ttf or .ttc, no CFF outlines) with Chinese, or leave this key out",
    )
    return ConfigError("settings", "site.pdf_font", f"{file} ({why})", way_out)


@dataclass(frozen=True)
class Sheet:
    """One language's way to set words and times on paper."""

    lang: str
    tz: tzinfo
    fonts: Fonts

    def say(self, text: Text | dict[str, str] | None) -> str:
        """Return this sheet's side of a text that carries both languages."""
        if text is None:
            return ""
        both = text if isinstance(text, Text) else Text(text["zh"], text["en"])
        said = both.of(self.lang)
        return said[:1].upper() + said[1:]

    def date(self, at_ms: int | None) -> str:
        """Return `2026-03-02 08:15:09` in the site's zone."""
        return "–" if at_ms is None else self._local(at_ms).strftime("%Y-%m-%d %H:%M:%S")

    def clock(self, at_ms: int | None) -> str:
        """Return `08:15:09`."""
        return "–" if at_ms is None else self._local(at_ms).strftime("%H:%M:%S")

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, self.tz)

    def long(self, ms: float | None) -> str:
        """Return a duration: `34 s`, `4 min 10 s`, `2 h 05 min`."""
        if ms is None:
            return "–"
        seconds = int(abs(ms) // 1000)
        zh = self.lang.lower().startswith("zh")
        hour, minute, second = (" 小时", " 分", " 秒") if zh else (" h", " min", " s")
        if seconds < 60:
            return f"{seconds}{second}"
        if seconds < 3600:
            return f"{seconds // 60}{minute} {seconds % 60:02d}{second}"
        if seconds < 48 * 3600:
            return f"{seconds // 3600}{hour} {seconds // 60 % 60:02d}{minute}"
        days = " 天" if zh else " d"
        return f"{seconds // 86400}{days} {seconds // 3600 % 24}{hour}"

    def p(
        self, text: str, size: float = 8.5, bold: bool = False, color: HexColor = INK
    ) -> Paragraph:
        """Return a paragraph; Chinese breaks at any character, English between words."""
        style = ParagraphStyle(
            f"p{size}{bold}",
            fontName=self.fonts.latin,
            fontSize=size,
            leading=size * 1.36,
            textColor=color,
            wordWrap="CJK" if self.lang.lower().startswith("zh") else None,
        )
        marked = "".join(
            f'<font name="{font}">{escape(piece)}</font>'
            for font, piece in self.fonts.runs(text, bold)
        )
        return Paragraph(marked.replace("\n", "<br/>"), style)
