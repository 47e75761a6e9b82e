"""The detector: batches in, signals out; one state for the whole fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch, Waveform
from devices.vocabulary import Vocabulary
from monitor.detector import (
    asking,
    peers,
    presence,
    reading,
    silence,
    stored,
    suite,
    upkeep,
    waveform,
)
from monitor.detector.codes import ONCE_MS, CodeState
from monitor.detector.fleet import FleetState, Rows, Times, present_in
from monitor.detector.link import Links
from monitor.detector.rounds import rounds
from monitor.detector.schema import REGISTRY
from monitor.detector.settling import Settling
from monitor.detector.signals import SignalColumns, Signals
from monitor.detector.silence import Silence
from monitor.detector.step import Registry, Step
from monitor.detector.table import NEVER, Table, place_of

Values = NDArray[np.float32]
TRAPPED = 93  # at a floor, as the device judges
SIGNS_OF_PEOPLE = (90, TRAPPED)  # alarm button: somebody is inside


class FleetColumns:
    """The whole fleet at one moment, for rules that waiting alone makes true.

    `due`: lifts whose single report ended; None where there is none. `columns`: float32[N] of
    every name, built when first asked for; last known values are as of each lift's last word.
    """

    def __init__(self, detector: Detector, now_ms: int, due: Signals | None) -> None:
        self.now_ms, self.due = now_ms, due
        self._detector = detector
        self._columns: SignalColumns | None = None

    @property
    def columns(self) -> SignalColumns:
        """Every column of all lifts."""
        if self._columns is None:
            self._columns = self._detector.fleet_columns(self.now_ms)
        return self._columns


class Detector:
    """FleetState, memory of trips, learned normals, messages and silence, run in order."""

    def __init__(
        self,
        vocab: Vocabulary,
        registry_columns: Mapping[str, NDArray[Any]],
        n_lifts: int,
        codes: Sequence[int] | None = None,
        asleep_s: float = 30.0,
        zone: tzinfo = upkeep.CHINA,
    ) -> None:
        """`codes`: message codes that rules name (RuleSet.codes); None: all of the vocabulary.
        `zone`: whose calendar the days of the registry belong to.

        `asleep_s`: two calls further apart than this mean that the service slept, not the
        lifts; where time is simulated in long strides, give more than a stride.
        """
        self.vocab, self.zone = vocab, zone
        self.asleep_ms = asleep_s * 1000
        self.fleet = FleetState(vocab, n_lifts)
        self.marks = suite.marks_table(n_lifts)
        self.times = suite.times_table(n_lifts)
        self.own = suite.own_tables(n_lifts) | waveform.tables(n_lifts)
        self.codes = CodeState(vocab.messages.keys() if codes is None else codes, n_lifts)
        self.silence = Silence(n_lifts)
        self.links = Links()
        self.settling = Settling(self.own, self.times, self.marks)
        self.registry = _registry(registry_columns, n_lifts)

    @property
    def n(self) -> int:
        """Number of lifts."""
        return self.fleet.n

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All state by name."""
        return {
            **self.fleet.tables,
            "trip_marks": self.marks,
            "trip_times": self.times,
            **self.own,
            **self.codes.tables,
            **self.silence.tables,
        }

    @property
    def bytes_per_lift(self) -> int:
        """Memory of one lift."""
        return sum(
            table.data.dtype.itemsize * len(table.names) for table in self.tables.values()
        ) + 4 * len(self.registry)

    def grow(self, n: int, registry_columns: Mapping[str, NDArray[Any]]) -> None:
        """Take up new lifts at the end and the registry as it now is; rows stay."""
        for table in self.tables.values():
            table.grow(n)
        self.registry = _registry(registry_columns, self.n)
        self.first_seen()

    def name_codes(self, codes: Sequence[int]) -> None:
        """From now on keep these message codes too: a changed rule asks for them."""
        if not set(codes) <= set(self.codes.codes):
            self.codes = self.codes.with_more(codes, self.fleet.at_ms)

    def first_seen(self) -> None:
        """Start the clocks of lifts that joined: they must speak too."""
        if self.silence.last_now_ms != NEVER:
            self.silence.first_seen(self.silence.last_now_ms)
            upkeep.first_seen(self.own[upkeep.NAME], self.silence.last_now_ms)

    def _wake(self, now_ms: int) -> None:
        upkeep.wake(self.own[upkeep.NAME], now_ms, self.silence.last_now_ms, self.asleep_ms)
        self.silence.wake(now_ms, self.asleep_ms)

    def forget(self, rows: Rows) -> None:
        """Forget all of these lifts: replaced, rebuilt, or no more of the site; rows int32[k]."""
        for table in self.tables.values():
            table.forget(rows)
        self.codes.relist(self.fleet.at_ms)
        self.first_seen()

    # -- samples --------------------------------------------------------------------------

    def update(self, batch: TelemetryBatch, now_ms: int) -> list[Signals]:
        """Take a batch, return its rounds in order: the k-th event of each lift in time order.

        Late rows are skipped. A sample older than the lift's last one does not move its state;
        a message is taken whenever it comes, at the lift's present.
        """
        self._wake(now_ms)
        upkeep.hear(self.own[upkeep.NAME], batch.messages)
        for rows, late in ((batch.lift, batch.late), (batch.messages.lift, batch.messages.late)):
            self.silence.hear(rows[~late], now_ms)
        found: list[Signals] = []
        present = present_in(batch.values)
        for part in rounds(batch):
            if len(part.samples):
                self._samples(batch, part.samples, present, found)
            if len(part.messages):
                self._messages(batch, part.messages, found)
        if batch.waveforms:
            self._bursts(batch.waveforms, found)
        return found

    def _samples(
        self,
        batch: TelemetryBatch,
        which: NDArray[np.int64],
        present: Sequence[int],
        found: list[Signals],
    ) -> None:
        rows, ts = batch.lift[which], batch.ts_ms[which]
        seen = self.fleet.seen_ms[rows]
        fresh = ts >= seen
        if not fresh.all():
            self._overtaken(batch.values, which[~fresh], rows[~fresh], ts[~fresh])
            rows, ts, seen, which = rows[fresh], ts[fresh], seen[fresh], which[fresh]
        if not len(rows):
            return
        self.settling.before(rows, self.registry)
        place = place_of(rows)
        at = np.maximum(ts, self.fleet.at_ms[place])
        update = self.fleet.update(place, at, batch.values[place_of(which)], present)
        self.fleet.seen_ms[place] = ts
        self.fleet.at_ms[place] = at
        times, marks = self.times.take(place), self.marks.take(place)
        with np.errstate(invalid="ignore"):
            now = reading.read(update.new)
            registry = Registry(self.registry, place)
            step = Step(rows, at, ts - seen, update, now, times, marks, registry, self.own)
            for part in suite.SUITE:
                part.advance(step)
            self.codes.refute(rows, at, update.new, now)
        self.settling.add(rows[step.departs])
        self.times.put(place, times)
        self.marks.put(place, marks)
        columns = SignalColumns(
            update.new, times, marks, at, self.registry, rows, self._extra(rows, at), self.own
        )
        found.append(Signals(rows, at, columns, ts > seen))

    def _overtaken(self, values: Values, which: NDArray[np.int64], rows: Rows, ts: Times) -> None:
        """Samples that younger ones overtook move nothing, but an open door they saw was open."""
        door = {name: values[which, self.vocab.index(name)] for name in reading.DOOR}
        opened = reading.door_open_of(door) == 1
        if opened.any():
            presence.opened_before(self.times, rows[opened], ts[opened])

    def _messages(
        self, batch: TelemetryBatch, which: NDArray[np.int64], found: list[Signals]
    ) -> None:
        messages = batch.messages
        code = messages.code[which]
        people = np.isin(code, SIGNS_OF_PEOPLE) & (messages.state[which] != 0)
        known = self.codes.known(code)
        which = which[known | people]
        if not len(which):
            return
        rows, code, state = messages.lift[which], messages.code[which], messages.state[which]
        at = np.maximum(messages.ts_ms[which], self.fleet.at_ms[rows])
        self.fleet.at_ms[rows] = at
        people, known = people[known | people], known[known | people]
        inside = people & ((code == TRAPPED) | ~self._at_an_open_door(rows))
        column = self.times.index["alarm"]
        self.times.data[rows[inside], column] = at[inside]
        self.codes.update(rows[known], at[known], code[known], state[known])
        found.append(self.as_known(rows, at))

    def _at_an_open_door(self, rows: Rows) -> NDArray[np.bool_]:
        """Where the door stands open or a mechanic is at work: an alarm tells of nobody inside."""
        opened = self.marks.data[rows, self.marks.index["door_open"]] == 1
        mode = self.fleet.values.data[rows, self.vocab.index("service_mode")]
        found: NDArray[np.bool_] = opened | (mode == presence.INSPECTION)
        return found

    def _bursts(self, bursts: Sequence[Waveform], found: list[Signals]) -> None:
        """Bursts of a batch come after its samples and messages, at their lift's present.

        They are seldom, so whoever sampled in this batch keeps what was true before them.
        """
        for signals in found:
            signals.columns.keep(waveform.TEXTS)
        rows = waveform.take(self.own, bursts)
        if len(rows):
            at = self.fleet.at_ms[rows]
            burst = self.own[waveform.TIMES].data[rows].max(axis=1)
            at = self.fleet.at_ms[rows] = np.where(at == NEVER, burst, at)
            found.append(self.as_known(rows, at))

    def as_known(self, rows: Rows, at: Times) -> Signals:
        """Return signals of these lifts from what is known, without a new sample."""
        self.settling.before(rows, self.registry)
        columns = SignalColumns(
            self.fleet.values.take(rows),
            self.times.take(rows),
            self.marks.take(rows),
            at,
            self.registry,
            rows,
            self._extra(rows, at),
            self.own,
        )
        return Signals(rows, at, columns, np.zeros(len(rows), np.bool_))

    def _extra(self, rows: Rows, at: Times) -> dict[str, Values]:
        none = np.zeros(len(rows), np.float32)
        return {**self.codes.take(rows, at), **dict.fromkeys(silence.COLUMNS, none)}

    # -- time -----------------------------------------------------------------------------

    def tick(self, now_ms: int) -> FleetColumns:
        """Return the fleet at this moment, for `RuleEngine.tick`; cheap until looked into."""
        minute = now_ms // peers.MINUTE_MS
        if minute > self.silence.last_now_ms // peers.MINUTE_MS:
            self.settling.all(self.registry)
            peers.compare(self.own, self.marks, self.registry, minute)
        self._wake(now_ms)
        rows, at = self.codes.ended(lambda lifts: self._local(lifts, now_ms), self.fleet.at_ms)
        due = None
        if len(rows):
            at = np.maximum(at, self.fleet.at_ms[rows])
            self.fleet.at_ms[rows] = at
            due = self.as_known(rows, at)
        return FleetColumns(self, now_ms, due)

    def _local(self, rows: Rows, now_ms: int) -> Times:
        """A lift's own present: its last event time and the time since it was heard."""
        local: Times = self.fleet.at_ms[rows] + (now_ms - self.silence.heard.data[rows, 0])
        return local

    def fleet_columns(self, now_ms: int) -> SignalColumns:
        """Return every column of all lifts, float32[N]; views where nothing is computed."""
        self.settling.all(self.registry)
        at = self.fleet.at_ms
        extra = {**self.codes.take(None, at), **self.clocks(now_ms)}
        return SignalColumns(
            self.fleet.values.view(),
            self.times.view(),
            self.marks.view(),
            at,
            self.registry,
            None,
            extra,
            self.own,
        )

    def clocks(self, now_ms: int) -> dict[str, Values]:
        """Return the columns that change by waiting alone, float32[N]."""
        kept = upkeep.columns(self.own[upkeep.NAME], now_ms, self.registry, self.zone)
        said = self.fleet.values.data[:, self.vocab.index("service_mode")]
        inspected = (said == reading.INSPECTION) | self.codes.stands(upkeep.IN_INSPECTION)
        return {
            **self.silence.columns(now_ms, self.registry), **kept, **self.links.columns(self.n),
            "last_in_inspection": inspected.astype(np.float32),
        }  # fmt: skip

    # -- what a person asks ---------------------------------------------------------------

    def evidence(self, row: int, names: Sequence[str]) -> list[tuple[str, float | None, int]]:
        """Return (name, value or None when unknown, since_ms) of a lift as last known.

        since_ms of a derived column: the last change of the channels it is made of.
        Raises IndexError for a row the fleet has not, KeyError for a name no rule may use.
        """
        return self.evidence_of(np.array([row], np.int32), names)[0]

    def evidence_of(
        self, rows: Rows, names: Sequence[str]
    ) -> list[list[tuple[str, float | None, int]]]:
        """Return the evidence of many lifts at once, rows int32[k]; for a power cut."""
        return asking.evidence_of(self, rows, names)

    def live(self, row: int) -> dict[str, tuple[float, int]]:
        """Return name → (value, ts_ms) of all that is known of a lift, derived columns too.

        Raises IndexError for a row the fleet has not.
        """
        return asking.live(self, row)

    # -- save, load -----------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write folder/detector.npz atomically. Raises OSError where the disk refuses."""
        self.settling.all(self.registry)
        stored.save(self, folder)

    def load(self, folder: Path) -> None:
        """Take up folder/detector.npz, bit for bit.

        Raises StoredError for a missing or torn file, another vocabulary version, other
        channels, or more lifts than the registry has; nothing is changed then.
        """
        stored.load(self, folder)
        self.settling.relist()


def _registry(columns: Mapping[str, NDArray[Any]], n: int) -> dict[str, Values]:
    """Every registry column as float32[n]; NaN where the registry does not say."""
    found = {}
    for name in REGISTRY:
        column = np.full(n, np.nan, np.float32)
        given = columns.get(name)
        if given is not None:
            column[: len(given)] = given[:n]
        found[name] = column
    return found


__all__ = ["ONCE_MS", "Detector", "FleetColumns"]
