"""One group of lifts through detector and rules over the whole span.

Round r takes event r of every lift, whatever its time: lifts know nothing of one another and
event times decide (docs/rules.md). The fixed cost of a round is shared by all lifts in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

import numpy as np
from numpy.typing import NDArray

from devices.batch import STATE_OFF, STATE_ON, MessageRows, TelemetryBatch
from devices.vocabulary import Vocabulary
from monitor.backtest.lane import NOW, Lane
from monitor.backtest.windows import Window
from monitor.detector import Detector
from monitor.detector.codes import ONCE_MS

BLOCK_ROWS = 65_536  # samples gathered at once: 9 MB of float32 columns
Index = NDArray[np.int64]


@dataclass(slots=True)
class Spent:
    """CPU seconds by what they went into, and how many samples and rounds they bought."""

    reading: float = 0.0
    gathering: float = 0.0
    detecting: float = 0.0
    rules: float = 0.0
    silence: float = 0.0
    samples: int = 0
    rounds: int = 0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.reading + self.gathering + self.detecting + self.rules + self.silence

    def add(self, other: Spent) -> None:
        """Add the time of another group."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def walk(window: Window, detector: Detector, lane: Lane, vocab: Vocabulary, spent: Spent) -> None:
    """Take a window's events in their order; windows of one group follow one another."""
    event, starts, counts = order_of_events(window, detector.n)
    spent.samples += len(window)
    for first, last in _blocks(counts):
        begun = process_time()
        rounds, values = _gather(window, vocab, event, starts, counts, first, last)
        spent.gathering += process_time() - begun
        for samples, messages, at in rounds:
            _one_round(window, samples, messages, values[at], detector, lane, spent)
    spent.rounds += int(counts.max(initial=0))


def _one_round(
    window: Window,
    samples: Index,
    messages: Index,
    values: NDArray[np.float32],
    detector: Detector,
    lane: Lane,
    spent: Spent,
) -> None:
    begun = process_time()
    lift, ts = window.lift[samples], window.ts_ms[samples]
    said = _messages(window.messages, messages)
    if len(said):
        lane.catch_up(np.concatenate([lift, said.lift]), np.concatenate([ts, said.ts_ms]), detector)
    else:
        lane.catch_up(lift, ts, detector)
    ready = process_time()
    batch = TelemetryBatch(lift, ts, values, np.zeros(len(lift), np.bool_), said)
    signals = detector.update(batch, NOW)
    seen = process_time()
    for one in signals:
        lane.evaluate(one.rows, one.at_ms, one.columns, one.sampled)
    if len(said):
        _note_single_reports(said, detector, lane)
    spent.detecting += seen - ready
    spent.rules += ready - begun + process_time() - seen


def _note_single_reports(said: MessageRows, detector: Detector, lane: Lane) -> None:
    once = (said.state != STATE_ON) & (said.state != STATE_OFF) & detector.codes.known(said.code)
    if once.any():
        rows = said.lift[once]
        lane.single_report(rows, detector.fleet.at_ms[rows] + ONCE_MS)


def _messages(all_of: MessageRows, which: Index) -> MessageRows:
    if not len(which):
        return MessageRows.empty()
    on_time = np.zeros(len(which), np.bool_)  # what came late is judged at its own time too
    return MessageRows(
        all_of.lift[which], all_of.ts_ms[which], all_of.code[which], all_of.state[which], on_time
    )


def order_of_events(window: Window, n: int) -> tuple[Index, Index, Index]:
    """Return (event, starts, counts): the events of lift i are event[starts[i]:][:counts[i]].

    An event is a sample's index, or −1 − a message's index. Per lift by time; of equal times
    samples before messages.
    """
    samples = len(window)
    counts = np.bincount(window.lift, minlength=n).astype(np.int64)
    event: Index = np.arange(samples, dtype=np.int64)
    said = window.messages
    if len(said):
        begin = min(int(window.ts_ms.min(initial=said.ts_ms.min())), int(said.ts_ms.min()))
        end = max(int(window.ts_ms.max(initial=said.ts_ms.max())), int(said.ts_ms.max()))
        width = end - begin + 1
        keys = window.lift.astype(np.int64) * width + (window.ts_ms - begin)
        own = said.lift.astype(np.int64) * width + (said.ts_ms - begin)
        places = np.searchsorted(keys, own, "right")
        event = np.insert(event, places, -1 - np.arange(len(said), dtype=np.int64))
        counts += np.bincount(said.lift, minlength=n)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    return event, starts, counts


def _blocks(counts: Index) -> Iterator[tuple[int, int]]:
    """Cut the rounds into runs of about BLOCK_ROWS events, as (first, after the last)."""
    rounds = int(counts.max(initial=0))
    first = 0
    while first < rounds:
        width = int(np.count_nonzero(counts > first))
        last = min(rounds, first + max(1, BLOCK_ROWS // width))
        yield first, last
        first = last


def _gather(
    window: Window,
    vocab: Vocabulary,
    event: Index,
    starts: Index,
    counts: Index,
    first: int,
    last: int,
) -> tuple[list[tuple[Index, Index, slice]], NDArray[np.float32]]:
    """Return the rounds [first, last) as (samples, messages, where in values), and the values."""
    lifts = np.flatnonzero(counts > first)
    lifts = lifts[np.argsort(-counts[lifts], kind="stable")]  # who has most events goes first,
    left = counts[lifts]  # so who is still there in a round is a beginning of the list
    begins = starts[lifts]
    rounds: list[tuple[Index, Index, slice]] = []
    at = 0
    for r in range(first, last):
        width = int(np.searchsorted(-left, -r, "left"))
        now = event[begins[:width] + r]
        samples, messages = now, now[:0]
        if len(window.messages) and (now < 0).any():
            samples, messages = now[now >= 0], -1 - now[now < 0]
        rounds.append((samples, messages, slice(at, at + len(samples))))
        at += len(samples)
    which = np.concatenate([samples for samples, _, _ in rounds])
    values = np.full((len(which), len(vocab)), np.nan, np.float32)
    for index, column in window.columns.items():
        values[:, index] = column[which]
    return rounds, values
