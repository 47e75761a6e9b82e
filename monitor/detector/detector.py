"""The detector: batches in, signals out; one state for the whole fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch
from devices.vocabulary import Vocabulary
from monitor.detector import baseline, stored, trips
from monitor.detector.codes import ONCE_MS, CodeState
from monitor.detector.fleet import FleetState, Rows, Times
from monitor.detector.rounds import rounds
from monitor.detector.schema import DERIVED, REGISTRY
from monitor.detector.signals import SignalColumns, Signals
from monitor.detector.silence import Silence
from monitor.detector.table import NEVER, Table

Values = NDArray[np.float32]
SIGNS_OF_PEOPLE = (90, 93)  # alarm button, trapped at a floor: somebody is inside
_UNKNOWN_AT_FIRST = ("running", "door_open", "zone", "was_running", "was_open")


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
    ) -> None:
        """`codes`: message codes that rules name (RuleSet.codes); None: all of the vocabulary.

        `asleep_s`: two calls further apart than this mean that the service slept, not the
        lifts; where time is simulated in long strides, give more than a stride.
        """
        self.vocab = vocab
        self.asleep_ms = asleep_s * 1000
        self.fleet = FleetState(vocab, n_lifts)
        marks = (*trips.MARKS, *baseline.MARKS)
        fill = [np.nan if name in _UNKNOWN_AT_FIRST else 0.0 for name in marks]
        self.marks: Table[np.float32] = Table(marks, np.float32, fill, n_lifts)
        self.times: Table[np.int64] = Table(trips.TIMES, np.int64, NEVER, n_lifts)
        self.codes = CodeState(vocab.messages.keys() if codes is None else codes, n_lifts)
        self.silence = Silence(n_lifts)
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
        if self.silence.last_now_ms != NEVER:
            self.silence.first_seen(self.silence.last_now_ms)

    # -- samples --------------------------------------------------------------------------

    def update(self, batch: TelemetryBatch, now_ms: int) -> list[Signals]:
        """Take a batch, return its rounds in order: the k-th event of each lift in time order.

        Late rows are skipped. A sample older than the lift's last one does not move its state;
        a message is taken whenever it comes, at the lift's present.
        """
        self.silence.wake(now_ms, self.asleep_ms)
        for rows, late in ((batch.lift, batch.late), (batch.messages.lift, batch.messages.late)):
            self.silence.hear(rows[~late], now_ms)
        found: list[Signals] = []
        for part in rounds(batch):
            if len(part.samples):
                self._samples(batch, part.samples, found)
            if len(part.messages):
                self._messages(batch, part.messages, found)
        return found

    def _samples(
        self, batch: TelemetryBatch, which: NDArray[np.int64], found: list[Signals]
    ) -> None:
        rows, ts = batch.lift[which], batch.ts_ms[which]
        seen = self.fleet.seen_ms[rows]
        fresh = ts >= seen
        if not fresh.all():
            rows, ts, seen, which = rows[fresh], ts[fresh], seen[fresh], which[fresh]
        if not len(rows):
            return
        at = np.maximum(ts, self.fleet.at_ms[rows])
        update = self.fleet.update(rows, at, batch.values[which])
        self.fleet.seen_ms[rows] = ts
        self.fleet.at_ms[rows] = at
        times, marks = self.times.take(rows), self.marks.take(rows)
        rated = self.registry["rated_speed"][rows]
        with np.errstate(invalid="ignore"):
            now = trips.advance(update, at, times, marks, rated)
            baseline.advance(update, now, marks, rated)
        self.times.put(rows, times)
        self.marks.put(rows, marks)
        columns = SignalColumns(
            update.new, times, marks, at, self.registry, rows, self._extra(rows, at)
        )
        found.append(Signals(rows, at, columns, ts > seen))

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
        column = self.times.index["alarm"]
        self.times.data[rows[people], column] = at[people]
        self.codes.update(rows[known], at[known], code[known], state[known])
        found.append(self._as_known(rows, at))

    def _as_known(self, rows: Rows, at: Times) -> Signals:
        """Return signals of these lifts from what is known, without a new sample."""
        columns = SignalColumns(
            self.fleet.values.take(rows),
            self.times.take(rows),
            self.marks.take(rows),
            at,
            self.registry,
            rows,
            self._extra(rows, at),
        )
        return Signals(rows, at, columns, np.zeros(len(rows), np.bool_))

    def _extra(self, rows: Rows, at: Times) -> dict[str, Values]:
        none = np.zeros(len(rows), np.float32)
        return {**self.codes.take(rows, at), "silent_s": none, "gateway_silent": none}

    # -- time -----------------------------------------------------------------------------

    def tick(self, now_ms: int) -> FleetColumns:
        """Return the fleet at this moment, for `RuleEngine.tick`; cheap until looked into."""
        self.silence.wake(now_ms, self.asleep_ms)
        rows, at = self.codes.ended(lambda lifts: self._local(lifts, now_ms))
        due = None
        if len(rows):
            at = np.maximum(at, self.fleet.at_ms[rows])
            self.fleet.at_ms[rows] = at
            due = self._as_known(rows, at)
        return FleetColumns(self, now_ms, due)

    def _local(self, rows: Rows, now_ms: int) -> Times:
        """A lift's own present: its last event time and the time since it was heard."""
        local: Times = self.fleet.at_ms[rows] + (now_ms - self.silence.heard.data[rows, 0])
        return local

    def fleet_columns(self, now_ms: int) -> SignalColumns:
        """Return every column of all lifts, float32[N]; views where nothing is computed."""
        at = self.fleet.at_ms
        extra = {**self.codes.take(None, at), **self.silence.columns(now_ms, self.registry)}
        return SignalColumns(
            self.fleet.values.view(),
            self.times.view(),
            self.marks.view(),
            at,
            self.registry,
            None,
            extra,
        )

    # -- what a person asks ---------------------------------------------------------------

    def evidence(self, row: int, names: Sequence[str]) -> list[tuple[str, float | None, int]]:
        """Return (name, value or None when unknown, since_ms) of a lift as last known.

        since_ms of a derived column: the last change of the channels it is made of.
        """
        columns = self._one(row)
        return [(name, _plain(columns[name]), self._since(row, name)) for name in names]

    def live(self, row: int) -> dict[str, tuple[float, int]]:
        """Return name → (value, ts_ms) of all that is known of a lift, derived columns too."""
        columns = self._one(row)
        found: dict[str, tuple[float, int]] = {}
        for name, index in self.fleet.values.index.items():
            value = _plain(columns[name])
            if value is not None:
                found[name] = (value, int(self.fleet.time_ms.data[row, index]))
        at = int(self.fleet.at_ms[row])
        for name, column in DERIVED.items():
            value = None if column.time_driven else _plain(columns[name])
            if value is not None and at != NEVER:
                found[name] = (value, at)
        return found

    def _one(self, row: int) -> SignalColumns:
        if not 0 <= row < self.n:
            raise IndexError(f"row {row}: the fleet has rows 0..{self.n - 1}")
        rows = np.array([row], np.int32)
        signals = self._as_known(rows, self.fleet.at_ms[rows])
        now_ms = self.silence.last_now_ms
        fleet = self.silence.columns(now_ms, self.registry)
        signals.columns.replace({name: column[rows] for name, column in fleet.items()})
        return signals.columns

    def _since(self, row: int, name: str) -> int:
        index = self.fleet.values.index
        sources = (name,) if name in index else DERIVED[name].sources if name in DERIVED else ()
        known = [int(self.fleet.changed_ms.data[row, index[source]]) for source in sources]
        since = max(known, default=NEVER)
        if "(" in name:
            since = self.codes.since(row, name)
        elif name in ("silent_s", "gateway_silent"):
            since = int(self.silence.heard.data[row, 0])
        at = int(self.fleet.at_ms[row])
        return max(0, at if since == NEVER else since)

    # -- save, load -----------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write folder/detector.npz atomically. Raises OSError where the disk refuses."""
        stored.save(self, folder)

    def load(self, folder: Path) -> None:
        """Take up folder/detector.npz, bit for bit.

        Raises StoredError for a missing or torn file, another vocabulary version, other
        channels, or more lifts than the registry has; nothing is changed then.
        """
        stored.load(self, folder)


def _plain(column: Values) -> float | None:
    value = float(column[0])
    return None if np.isnan(value) else value


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
