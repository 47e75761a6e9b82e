"""What a back-test found as a picture: a bar a rule and side, and when it rang."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from config.errors import ConfigError
from config.text import Text
from monitor.backtest.compare import Tally
from monitor.backtest.report import Report, cells, headings, notes, say

KINDS = (".svg", ".html")
WIDTH, LEFT, BAR_WIDTH = 960, 300, 365
PLOT_LEFT, PLOT_RIGHT, PLOT_HEIGHT = 64, 936, 150
ROW, MOST_RULES = 42, 20
WIDEST = 24  # of a column of the timeline
FILLS = ("#1f6fb2", "#d9730d")
PATTERNS = ("alone-a", "alone-b")
TITLE = Text("规则回测", "Rules back-tested")
HOURLY_UP_TO_DAYS = 3


def check(file: Path | None) -> None:
    """Raise ConfigError for a picture of a kind that is not made."""
    if file is not None and file.suffix.lower() not in KINDS:
        way_out = Text(
            "应以 .svg 或 .html 结尾；需要位图时用浏览器打开 .html 另存或截图",
            "must end in .svg or .html; for a bitmap open the .html in a browser and save it",
        )
        raise ConfigError("backtest", "--picture", str(file), way_out)


def write(report: Report, file: Path, lang: str = "both", top: int = 20) -> None:
    """Write the picture; .html is the picture with the tables below it."""
    drawn = svg(report, lang)
    if file.suffix.lower() == ".html":
        drawn = (
            _environment()
            .get_template("page.html")
            .render(
                lang="en" if lang == "en" else "zh-CN",
                title=say(TITLE, lang, " · "),
                svg=Markup(drawn),  # noqa: S704 - made by our own escaping template
                tables=_tables(report, lang, top),
            )
        )
    file.write_text(drawn, "utf-8")


def svg(report: Report, lang: str = "both") -> str:
    """Return the picture as SVG."""
    told = notes(report, lang, of_tables=False)
    legend_y = 58 + 19 * len(told) + 10
    bars_y = legend_y + 48
    rules = sorted(report.rules, key=lambda one: (-one[1].differs, -sum(one[1].rang)))
    shown = {rule for rule, _ in rules[:MOST_RULES]}
    bars = _bars(report, [one for one in report.rules if one[0] in shown], bars_y, lang)
    more_y = bars_y + ROW * len(bars) + 14
    line_y = more_y + (58 if len(rules) > MOST_RULES else 36)
    left_out = len(rules) - len(shown)
    return _environment().get_template("picture.svg").render(
        width=WIDTH,
        height=line_y + PLOT_HEIGHT + 44,
        title=say(TITLE, lang, " · "),
        notes=told,
        legend_y=legend_y,
        legend=_legend(lang),
        bars_title=say(Text("各规则触发次数", "Rings of each rule"), lang, " · "),
        bars_y=bars_y,
        bars=bars,
        left=LEFT,
        more=say(Text(f"另有 {left_out} 条规则", f"{left_out} more rules"), lang, " · ")
        if left_out > 0 else "",
        more_y=more_y,
        line_y=line_y,
        plot_left=PLOT_LEFT,
        plot_right=PLOT_RIGHT,
        base=line_y + PLOT_HEIGHT,
        **_timeline(report, line_y + PLOT_HEIGHT, lang),
    )  # fmt: skip


def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)


def _legend(lang: str) -> list[dict[str, Any]]:
    parts = (
        (FILLS[0], Text("A，B 亦然", "A, B too")),
        (f"url(#{PATTERNS[0]})", Text("仅 A", "A alone")),
        (FILLS[1], Text("B，A 亦然", "B, A too")),
        (f"url(#{PATTERNS[1]})", Text("仅 B", "B alone")),
    )
    step = 190 if lang == "both" else 150
    return [
        {"x": i * step, "fill": fill, "text": say(text, lang, " · ")}
        for i, (fill, text) in enumerate(parts)
    ]


def _bars(
    report: Report, rules: list[tuple[str, Tally]], top: int, lang: str
) -> list[dict[str, Any]]:
    most = max((max(tally.rang) for _, tally in rules), default=0) or 1
    made = []
    for i, (rule, tally) in enumerate(rules):
        name = report.names[rule]
        lines = (name.zh, name.en) if lang == "both" else (name.of(lang), "")
        sides = []
        for side, letter in enumerate("AB"):
            alone, rang = tally.alone[side], tally.rang[side]
            sides.append(
                {
                    "letter": letter,
                    "rang": rang,
                    "only": alone,
                    "only_text": f"{say(Text('仅此', 'alone'), lang)} {alone}",
                    "y": 2 + 16 * side,
                    "both": round((rang - alone) / most * BAR_WIDTH, 1),
                    "alone": round(alone / most * BAR_WIDTH, 1),
                    "fill": FILLS[side],
                    "pattern": PATTERNS[side],
                    "later": "",
                }
            )
        later = tally.later_s or 0
        word = Text("晚", "later") if later > 0 else Text("早", "earlier")
        if abs(later) >= 0.5:
            sides[1]["later"] = f"{say(word, lang)} {abs(later):.0f} s"
        made.append({"rule": rule, "zh": lines[0], "en": lines[1], "sides": sides,
                     "y": top + ROW * i})  # fmt: skip
    return made


def _timeline(report: Report, base: int, lang: str) -> dict[str, Any]:
    """Return a pair of columns for each day, or each hour of a short span, in the site's zone."""
    begin, end = (datetime.fromtimestamp(at / 1000, report.zone) for at in report.span.counted)
    hourly = (end - begin) <= timedelta(days=HOURLY_UP_TO_DAYS)
    counts = _counts(report, hourly)
    slots = _slots(begin, end, hourly)
    most = max((sum(counts[side, alone, slot] for alone in (False, True))
                for side in (0, 1) for slot in slots), default=0) or 1  # fmt: skip
    pitch = (PLOT_RIGHT - PLOT_LEFT) / len(slots)
    wide, scale = min(max(pitch * 0.4, 0.5), WIDEST), (PLOT_HEIGHT - 10) / most
    every = max(1, -(-len(slots) // 14))
    columns = []
    for i, slot in enumerate(slots):
        left = PLOT_LEFT + pitch * (i + 0.5) - wide
        sides = []
        for side in (0, 1):
            both, alone = (counts[side, one, slot] * scale for one in (False, True))
            sides.append(
                {"x": round(left + wide * side, 1), "y_both": round(base - both, 1),
                 "both": round(both, 1), "y_alone": round(base - both - alone, 1),
                 "alone": round(alone, 1), "fill": FILLS[side], "pattern": PATTERNS[side]}
            )  # fmt: skip
        total = [counts[side, False, slot] + counts[side, True, slot] for side in (0, 1)]
        columns.append(
            {"sides": sides, "width": round(wide, 1), "middle": round(left + wide, 1),
             "label": _label(slot, hourly) if i % every == 0 else "",
             "title": f"{slot}: A {total[0]}, B {total[1]}"}
        )  # fmt: skip
    step = max(1, -(-most // 3))
    what = Text("每小时触发", "Rings by hour") if hourly else Text("每日触发", "Rings by day")
    return {
        "line_title": say(what, lang, " · "),
        "columns": columns,
        "levels": [{"y": round(base - n * scale, 1), "text": str(n)}
                   for n in range(step, most + 1, step)],
    }  # fmt: skip


def _counts(report: Report, hourly: bool) -> Counter[tuple[int, bool, str]]:
    found: Counter[tuple[int, bool, str]] = Counter()
    for pair in report.difference.pairs:
        for side, ring in enumerate(pair):
            if ring is not None and ring.rang(report.span.counted):
                at = datetime.fromtimestamp(ring.at_ms / 1000, report.zone)
                found[side, None in pair, _slot(at, hourly)] += 1
    return found


def _slot(at: datetime, hourly: bool) -> str:
    return at.strftime("%Y-%m-%d %H:00" if hourly else "%Y-%m-%d")


def _slots(begin: datetime, end: datetime, hourly: bool) -> list[str]:
    """All days or hours from begin to end, in order, none twice where clocks go back."""
    found: dict[str, None] = {}
    at = begin
    while at < end:
        found[_slot(at, hourly)] = None
        at = (at.astimezone(tz=None) + timedelta(hours=1)).astimezone(begin.tzinfo)
    found[_slot(end - timedelta(milliseconds=1), hourly)] = None
    return list(found)


def _label(slot: str, hourly: bool) -> str:
    return slot[11:] if hourly else slot[5:]


def _tables(report: Report, lang: str, top: int) -> list[dict[str, Any]]:
    counts = headings(lang, report.with_labels, " ")
    rules = [[rule, say(report.names[rule], lang), *cells(tally, report.with_labels)]
             for rule, tally in report.rules]  # fmt: skip
    lifts = [
        [code, f"{report.lift_name(code)} {' '.join(report.differing(code))}",
         *cells(tally, report.with_labels)]
        for code, tally in report.worst_lifts(top)
    ]  # fmt: skip
    return [
        {
            "title": say(Text("各规则", "By rule"), lang),
            "headings": [*(say(t, lang) for t in (Text("规则", "Rule"), Text("名称", "Name"))),
                         *counts],
            "rows": rules,
        },
        {
            "title": say(Text("差别最大的电梯", "Lifts that differ most"), lang),
            "headings": [
                *(say(t, lang) for t in (
                    Text("注册代码", "Code"), Text("电梯与规则", "Lift and rules"))),
                *counts,
            ],
            "rows": lifts,
        },
    ]  # fmt: skip
