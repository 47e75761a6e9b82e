"""The simulated month through detector and rules: one process makes it, this one judges it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any, Final

from alerts.directory.subjects import Subjects
from alerts.grouping.incidents import SILENCE_RULES, fold
from alerts.model import Transition
from alerts.rules import DEFAULT_RULES, load_rules
from benchmarks._district import say
from benchmarks._month_desk import MonthDesk
from benchmarks._month_kept import Kept, KeptMonth
from devices.registry import Registry
from devices.simulator.month.dialects import load_month
from devices.simulator.month.fleet import Fleet
from devices.simulator.month.month import START_MS, Month
from devices.simulator.month.scene import MonthLabel
from devices.simulator.month.schedule import Rate, rates
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.judge import Judge

_AHEAD: Final = 2  # windows that may wait to be judged
_LOOK_S: Final = 5
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One month to be run. stride_ms: simulated time from batch to batch."""

    lifts: int
    days: int
    seed: int
    intensity: float
    stride_ms: int


@dataclass(frozen=True, slots=True)
class Rang:
    """A ring: subject, rule, when the service knew (ms), when it was so by event time (ms).

    `anew`: an alert of its own on the desk; else it joined one that was open.
    """

    subject: str
    rule: str
    now_ms: int
    at_ms: int
    anew: bool = True


@dataclass(slots=True)
class Ran:
    """What came of a month."""

    asked: Asked
    registry: Registry
    vendor_of: dict[str, str]
    rates: list[Rate]
    rings: list[Rang] = field(default_factory=list)
    labels: list[MonthLabel] = field(default_factory=list)
    samples: int = 0
    messages: int = 0
    unplaced: int = 0
    judged_s: float = 0.0
    made_s: float = 0.0
    took_s: float = 0.0

    @property
    def end_ms(self) -> int:
        """The end of the month, ms since epoch."""
        return START_MS + self.asked.days * DAY_MS


def _make(asked: Asked, queue: Any) -> None:
    month = Month(load_vocabulary(), asked.lifts, asked.days, asked.seed, asked.intensity)
    for window in month.windows():
        queue.put(window)
    queue.put((month.labels, month.unplaced, time.process_time()))


def run_month(asked: Asked, keep: Path | None = None) -> Ran:
    """Simulate and judge; progress on standard error. Raises RuntimeError if the maker dies.

    `keep`: a folder for the state after each day, taken up by the next run that asks the same.
    """
    vocab, data = load_vocabulary(), load_month()
    fleet = Fleet(asked.lifts, asked.seed, data)
    vendors = {lift.reg_code: fleet.dialects[i].id for i, lift in enumerate(fleet.registry.lifts)}
    ran = Ran(asked, fleet.registry, vendors, rates(data.events))
    context = multiprocessing.get_context("fork")
    queue = context.Queue(maxsize=_AHEAD)
    maker = context.Process(target=_make, args=(asked, queue), daemon=True)
    maker.start()
    judge = Judge(vocab, fleet.registry, load_rules(DEFAULT_RULES, rule_schema(vocab)))
    try:
        _listen(ran, judge, _windows(queue, maker), KeptMonth(keep, asked))
    finally:
        maker.terminate()
        maker.join()
    return ran


def _windows(queue: Any, maker: Any) -> Iterator[Any]:
    """Yield what the maker puts. Raises RuntimeError when it has died."""
    while True:
        try:
            yield queue.get(timeout=_LOOK_S)
        except Empty:
            if not maker.is_alive():
                raise RuntimeError(f"the maker ended with {maker.exitcode}; see above") from None


class _Desk:
    """Transitions of lifts → rings on the desk; a gateway that is silent speaks for its lifts.

    Not played: a lift that stays silent after its gateway is back gets an alert of its own.
    """

    def __init__(self, ran: Ran, latched: Mapping[str, bool]) -> None:
        self._ran, self._desk = ran, MonthDesk(latched)
        self._subjects = Subjects(ran.registry)
        self._spoken: dict[str, set[str]] = {rule: set() for rule in SILENCE_RULES}

    @property
    def state(self) -> tuple[MonthDesk, dict[str, set[str]]]:
        """What the desk remembers, to be kept over the end of a run."""
        return self._desk, self._spoken

    @state.setter
    def state(self, kept: tuple[MonthDesk, dict[str, set[str]]]) -> None:
        self._desk, self._spoken = kept

    def take(self, moved: list[Transition], silent: Collection[str], now_ms: int) -> None:
        """Take what moved until now, in order."""
        for rule, spoken in self._spoken.items():
            moved = fold(
                moved, silent, self._subjects, spoken_for=spoken, now_ms=now_ms, rule=rule
            ).transitions
            spoken &= set(silent)
            spoken |= {m.subject for m in moved if m.subject_kind == "gateway" and m.rule == rule
                       and m.raised}  # fmt: skip
        for one in moved:
            key = one.subject, one.rule
            if one.raised:
                anew = self._desk.raised(key, now_ms)
                self._ran.rings.append(Rang(*key, now_ms, one.at_ms, anew))
            else:
                self._desk.cleared(key, now_ms)


def _listen(ran: Ran, judge: Judge, windows: Iterator[Any], keeper: KeptMonth) -> None:
    desk = _Desk(ran, {ident: meta.latched for ident, meta in judge.rules.meta.items()})
    done_ms = _take_up(ran, judge, desk, keeper)
    earlier_s, begun = ran.took_s, time.monotonic()
    for window in windows:
        if isinstance(window, tuple):
            ran.labels, ran.unplaced, ran.made_s = window
            return
        if window.end <= done_ms:
            begun = time.monotonic()  # judged in an earlier run
            continue
        before = time.process_time()
        for end, batch in window.strides(ran.asked.stride_ms):
            now_ms = START_MS + end
            moved = judge.judge(batch, now_ms, 0) + judge.tick(now_ms)
            desk.take(moved, judge.silent_gateways(), now_ms)
        ran.judged_s += time.process_time() - before
        ran.samples += len(window)
        ran.messages += len(window.messages)
        ran.took_s = earlier_s + time.monotonic() - begun
        hours = window.end / 3_600_000
        say(f"day {hours / 24:5.2f} of {ran.asked.days}, {ran.samples / 1e6:.1f} M samples, "
            f"{len(ran.rings)} rings, {hours * 3600 / ran.took_s:,.0f} × real time")  # fmt: skip
        if window.end % DAY_MS == 0:
            keeper.write(Kept(window.end, ran.rings, desk.state, ran.samples, ran.messages,
                              ran.judged_s, ran.took_s), judge.parts)  # fmt: skip


def _take_up(ran: Ran, judge: Judge, desk: _Desk, keeper: KeptMonth) -> int:
    """Go on where an earlier run was stopped; return the ms of the month that are judged."""
    kept = keeper.read(judge.parts)
    if kept is None:
        return 0
    ran.rings, desk.state = kept.rings, kept.desk
    ran.samples, ran.messages = kept.samples, kept.messages
    ran.judged_s, ran.took_s = kept.judged_s, kept.took_s
    return kept.end_ms
