"""What a back-test found, as tables for people, one JSON document, or single transitions."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from config.text import Text
from devices.registry import Registry, place_and_name
from monitor.backtest.ask import DAY_MS, MONTH_DAYS, Span
from monitor.backtest.compare import Difference, Tally
from monitor.backtest.course import Spent
from monitor.backtest.pieces import Seams
from monitor.backtest.times import told

LANGUAGES = ("both", "zh", "en")


@dataclass(frozen=True)
class Report:
    """Everything there is to show. `sides`: what A and B are · `names`: rule id → its name."""

    difference: Difference
    sides: tuple[Text, Text]
    names: Mapping[str, Text]
    registry: Registry
    span: Span
    zone: ZoneInfo
    lifts: int
    with_labels: bool
    left_out: Sequence[str] = ()
    copied: bool = False
    spent: Spent = field(default_factory=Spent)
    seams: Seams = field(default_factory=Seams)
    pieces: int = 1
    seconds: float = 0.0

    @property
    def lift_months(self) -> float:
        """How much was judged, warm-up included."""
        return self.lifts * (self.span.to_ms - self.span.begin_ms) / DAY_MS / MONTH_DAYS

    @property
    def rules(self) -> list[tuple[str, Tally]]:
        """Tallies of rules that have something to tell, in the order of the rule files."""
        by_rule = self.difference.by_rule
        return [(r, by_rule[r]) for r in self.names if r in by_rule and not by_rule[r].empty]

    def worst_lifts(self, top: int) -> list[tuple[str, Tally]]:
        """Lifts by how much the sides differ, then by how much they rang; `top` of them."""
        found = [one for one in self.difference.by_lift.items() if not one[1].empty]
        found.sort(key=lambda one: (-one[1].differs, -sum(one[1].rang), one[0]))
        return found[:top]

    def lift_name(self, code: str) -> str:
        """Return place and name of a lift."""
        lift = self.registry.find(code)
        return place_and_name(lift.place, lift.name) if lift else ""

    def differing(self, code: str) -> list[str]:
        """Rules in which the sides differ on a lift, in the order of the rule files."""
        rules = self.difference.rules_of_lift.get(code, set())
        return [rule for rule in self.names if rule in rules]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the single transitions."""
        return {
            "a": self.sides[0].as_json(),
            "b": self.sides[1].as_json(),
            "from": told(self.span.from_ms, self.zone),
            "to": told(self.span.to_ms, self.zone),
            "warm_up_from": told(self.span.begin_ms, self.zone),
            "lifts": self.lifts,
            "lift_months": round(self.lift_months, 2),
            "samples": self.spent.samples,
            "seconds": round(self.seconds, 1),
            "pieces": self.pieces,
            "standing_at_cuts": self.seams.standing,
            "disagree_at_cuts": self.seams.disagree,
            "labels": self.with_labels,
            "rules_not_judged": list(self.left_out),
            "total": self.difference.total.as_json(),
            "rules": [
                {"rule": rule, "name": self.names[rule].as_json(), **tally.as_json()}
                for rule, tally in self.rules
            ],
            "lifts_by_difference": [
                {"reg_code": code, "name": self.lift_name(code), "differs": self.differing(code),
                 **tally.as_json()}
                for code, tally in self.worst_lifts(len(self.difference.by_lift))
            ],
        }  # fmt: skip


# -- tables -----------------------------------------------------------------------------------

_COUNTS = (
    Text("触发", "rang"),
    Text("仅此", "alone"),
    Text("同", "both"),
    Text("B 晚 (秒)", "B later"),
    Text("恢复", "cleared"),
    Text("仍在", "stands"),
)
_JUDGED = (Text("漏报", "missed"), Text("误报", "false"))
_PAIRS = Text(
    "成对的数：A · B。仅此：另一方没有；B 晚：同时触发的，平均秒数",
    "pairs of figures are A · B; alone: the other side did not ring; B later: mean seconds of both",
)


def say(text: Text, lang: str, between: str = " ") -> str:
    """Return a text in one language or in both, Chinese first."""
    return f"{text.zh}{between}{text.en}" if lang == "both" else text.of(lang)


def cells(tally: Tally, with_labels: bool) -> list[str]:
    """Return what stands in a row of a table."""
    later = "–" if tally.later_s is None else f"{tally.later_s:+.1f}"
    judged = (tally.missed, tally.false) if with_labels else ()
    first, second = (tally.rang, tally.alone), (tally.cleared, tally.stands, *judged)
    told_a, told_b = ([f"{a} · {b}" for a, b in pairs] for pairs in (first, second))
    return [*told_a, str(tally.both), later, *told_b]


def headings(lang: str, with_labels: bool, between: str = "\n") -> list[str]:
    """Return the headings of the counts."""
    return [say(one, lang, between) for one in (*_COUNTS, *(_JUDGED if with_labels else ()))]


def notes(report: Report, lang: str, of_tables: bool = True) -> list[str]:
    """Return what a reader must know about these figures."""
    span = f"{told(report.span.from_ms, report.zone)} … {told(report.span.to_ms, report.zone)}"
    warm = (report.span.from_ms - report.span.begin_ms) / 3_600_000
    found = [
        Text(f"A = {report.sides[0].zh}；B = {report.sides[1].zh}",
             f"A = {report.sides[0].en}; B = {report.sides[1].en}"),
        Text(f"{span}，预热 {warm:g} 小时不计；{report.lifts} 台",
             f"{span}, {warm:g} h of warm-up not counted; {report.lifts} lifts"),
    ]  # fmt: skip
    if report.copied:
        found.append(Text("服务正在运行：用的是一致的副本",
                          "the service runs: judged on a consistent copy"))  # fmt: skip
    if report.pieces > 1:
        seams = report.seams
        found.append(
            Text(
                f"时间分 {report.pieces} 段并行，各预热 24 小时；接缝处在列 {seams.standing}，"
                f"不符 {seams.disagree}（--exact 不分段）",
                f"time cut into {report.pieces} pieces, each begun 24 h early; standing at cuts "
                f"{seams.standing}, of these not on both sides {seams.disagree} (--exact: no cuts)",
            )
        )
    if report.left_out:
        rules = ", ".join(report.left_out)
        found.append(Text(f"未回测的规则（沉默与采样并用）：{rules}",
                          f"rules not judged (silence mixed with samples): {rules}"))  # fmt: skip
    if of_tables:
        found.append(_PAIRS)
    return [line for one in found for line in _lines(one, lang)]


def _lines(text: Text, lang: str) -> list[str]:
    """One language a line: notes are long."""
    return [text.zh, text.en] if lang == "both" else [text.of(lang)]


def show(report: Report, console: Console, lang: str = "both", top: int = 20) -> None:
    """Print the tables."""
    for note in notes(report, lang):
        console.print(note, style="dim", markup=False)
    console.print(_rules_table(report, lang))
    worst = report.worst_lifts(top)
    if worst:
        console.print(_lifts_table(report, lang, worst))


def _rules_table(report: Report, lang: str) -> Table:
    title = say(Text("各规则", "By rule"), lang)
    table = _table(title, (Text("规则", "rule"), Text("名称", "name")), report, lang)
    for rule, tally in report.rules:
        name = say(report.names[rule], lang)
        table.add_row(rule, name, *cells(tally, report.with_labels))
    table.add_section()
    total = say(Text("合计", "all"), lang)
    table.add_row("", total, *cells(report.difference.total, report.with_labels), style="bold")
    return table


def _lifts_table(report: Report, lang: str, worst: Iterable[tuple[str, Tally]]) -> Table:
    title = say(Text("差别最大的电梯", "Lifts that differ most"), lang)
    firsts = (Text("注册代码", "code"), Text("电梯；有差别的规则", "lift; rules that differ"))
    table = _table(title, firsts, report, lang)
    for code, tally in worst:
        name = "; ".join(filter(None, (report.lift_name(code), " ".join(report.differing(code)))))
        table.add_row(code, name, *cells(tally, report.with_labels))
    return table


def _table(title: str, firsts: tuple[Text, Text], report: Report, lang: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold",
                  box=SIMPLE_HEAD, padding=(0, 1, 0, 0))  # fmt: skip
    table.add_column(say(firsts[0], lang, "\n"), no_wrap=True)
    table.add_column(say(firsts[1], lang, "\n"), overflow="fold", min_width=12)
    for heading in headings(lang, report.with_labels):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


# -- single transitions -----------------------------------------------------------------------


def write_csv(report: Report, file: Path) -> None:
    """Write every transition of both sides within the span, in order of time."""
    rows = []
    for pair in report.difference.pairs:
        for side, ring in zip(("A", "B"), pair, strict=True):
            if ring is None:
                continue
            other = "yes" if None not in pair else "no"
            begin, end = report.span.counted
            for what, at in (("raised", ring.at_ms), ("cleared", ring.cleared_ms)):
                if at is not None and begin <= at < end:
                    rows.append((at, side, ring.lift, ring.rule, what, ring.since_ms, other))
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["at", "side", "reg_code", "rule", "transition", "since", "on_other_side", "at_ms"]
        )
        for at, side, lift, rule, what, since, other in sorted(rows):
            moments = told(at, report.zone), told(since, report.zone)
            writer.writerow([moments[0], side, lift, rule, what, moments[1], other, at])
