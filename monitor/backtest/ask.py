"""From what was asked for to groups of lifts that can be walked; what cannot be is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from config.errors import ConfigError
from config.text import Text
from devices.registry import Registry
from monitor.backtest import jobs
from monitor.backtest.both import Plan
from monitor.backtest.listening import deaf
from monitor.backtest.pieces import Piece, cut
from monitor.backtest.source import Source
from monitor.backtest.times import moment, told

Rows = NDArray[np.int32]
SECOND = 1000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
MONTH_DAYS = 30.0  # a lift-month


@dataclass(frozen=True, slots=True)
class Span:
    """begin_ms: where the warm-up begins · from_ms, to_ms: what counts, [from, to)."""

    begin_ms: int
    from_ms: int
    to_ms: int

    @property
    def counted(self) -> tuple[int, int]:
        """What counts, as a pair."""
        return self.from_ms, self.to_ms


def span_of(
    source: Source, from_: str | None, to: str | None, warm_up_h: float, zone: ZoneInfo
) -> Span:
    """Return the span that was asked for, as far as history reaches; all of it by default.

    Raises ConfigError for a wrong time, an empty span, or one without history.
    """
    held = source.span
    if held is None:
        way_out = Text("历史里还没有采样", "history holds no sample yet")
        raise ConfigError("backtest", "history", "", way_out)
    first, last = held[0] // SECOND * SECOND, (held[1] // SECOND + 1) * SECOND
    begin = moment(from_, zone, ("backtest", "--from")) if from_ else first
    end = moment(to, zone, ("backtest", "--to"), to_the_end=True) if to else last
    if begin >= end:
        way_out = Text("--from 应早于 --to", "--from must be before --to")
        raise ConfigError("backtest", "--from … --to", f"{from_} … {to}", way_out)
    if begin >= last or end <= first:
        have = f"{told(first, zone)} … {told(last, zone)}"
        way_out = Text(f"历史只有 {have}", f"history holds {have}")
        raise ConfigError("backtest", "--from … --to", f"{from_} … {to}", way_out)
    begin, end = (_whole(one) for one in (max(begin, first), min(end, last)))
    return Span(max(begin - round(warm_up_h * HOUR_MS), first), begin, end)


def _whole(at_ms: int) -> int:
    return -(-at_ms // SECOND) * SECOND


def chosen_rows(registry: Registry, source: Source, lifts: Sequence[str]) -> Rows:
    """Return the rows of these lifts, of all that are in site and history where none is named.

    Raises ConfigError for a lift that is not there.
    """
    known = {registry.row_of[code] for code in registry.row_of}
    known = {row for row in known if row < len(source.lifts)}
    for code in lifts:
        if registry.row_of.get(code) not in known:
            way_out = Text(
                "应为站点 lifts.csv 中且有历史的注册代码",
                "must be a registration code of the site's lifts.csv that has a history",
            )
            raise ConfigError("backtest", "--lifts", code, way_out)
    rows = [registry.row_of[code] for code in lifts] if lifts else sorted(known)
    if not rows:
        way_out = Text("站点的电梯都没有历史", "no lift of the site has a history")
        raise ConfigError("backtest", "history", "", way_out)
    return np.array(sorted(set(rows)), np.int32)


def tasks_of(
    source: Source,
    plan: Plan,
    registry: Registry,
    rows: Rows,
    span: Span,
    cores: int,
    without_late: bool = False,
    exact: bool = False,
) -> list[jobs.Task]:
    """Return the groups to walk. Where a rule asks for whole gateways, their other lifts too."""
    columns = registry.columns()
    gateway = columns["gateway_row"]
    if plan.whole_gateways:
        others = np.isin(gateway, gateway[rows]) & (np.arange(len(gateway)) < len(source.lifts))
        rows = np.union1d(rows, np.flatnonzero(others)).astype(np.int32)
    samples_a_day = _samples_a_day(source, span) / max(len(source.lifts), 1)
    nobody = deaf(source, span.begin_ms, span.to_ms, len(registry.gateways))
    found = []
    for group in jobs.groups(rows, gateway, plan.whole_gateways, cores):
        pieces: tuple[Piece, ...] = (Piece(span.begin_ms, span.begin_ms, span.to_ms),)
        if not exact:
            pieces = cut(span.begin_ms, span.to_ms, len(group))
        own = {name: column[group] for name, column in columns.items()}
        step = jobs.step_ms(samples_a_day * len(group) * len(pieces))
        found.append(jobs.Task(source, plan, group, own, pieces, step, nobody, without_late))
    return found


def _samples_a_day(source: Source, span: Span) -> float:
    """Samples of all lifts a day, in the files that touch the span."""
    files = [f for f in source.files if f.lo_ms < span.to_ms and f.hi_ms >= span.begin_ms]
    if not files:
        return 0.0
    days = (max(f.hi_ms for f in files) - min(f.lo_ms for f in files)) / DAY_MS
    return sum(f.samples for f in files) / max(days, 1 / 24)
