"""One hour of what is received, of all lifts: samples and messages in order of receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.batch import STATE_OFF, STATE_ON, STATE_ONCE, MessageRows, TelemetryBatch
from devices.simulator.month.chance import F32, mix, places
from devices.simulator.month.channels import CHUNK, FULL_SCALE, Channels
from devices.simulator.month.fleet import I64, Bool, Fleet
from devices.simulator.month.sampling import Moments, clock_table, moments, repeats
from devices.simulator.month.segments import SEGMENT, Segments

HOUR_MS: Final = 3_600_000
LATE_MS: Final = 120_000  # older on arrival: history only (the codecs' default)
_OVERLAP_MS: Final = 90_000  # above the longest heartbeat and delay together
_DRAIN_MS: Final = 240_000  # what was kept back is sent within so long after an outage

Change = Callable[[F32, I64], None]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A sensor that lies: `change(values[k, C], t[k])` in place, for one lift from t0 to t1."""

    lift: int
    t0: int
    t1: int
    change: Change


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing of these lifts is received from t0 to t1; `kept`: it is sent afterwards."""

    lifts: tuple[int, ...]
    t0: int
    t1: int
    kept: bool


@dataclass(slots=True)
class Line:
    """The timeline of one lift, without gaps; `ends`: its column t1 once more, to search in."""

    segments: Segments
    ends: I64

    @staticmethod
    def of(segments: Segments) -> Line:
        """Return the line of these segments."""
        return Line(segments, np.ascontiguousarray(segments["t1"]))


@dataclass(frozen=True, slots=True)
class Told:
    """A message: lift, time, code, state."""

    lift: int
    t: int
    code: int
    state: int


@dataclass(slots=True)
class Part:
    """Rows as in a batch, in order of receipt (`received`, ms of the month)."""

    lift: NDArray[np.int32]
    ts: I64
    values: F32
    late: Bool
    received: I64

    def between(self, start: int, end: int) -> Part:
        """Return what was received in start..end."""
        a, b = np.searchsorted(self.received, (start, end))
        return Part(*(getattr(self, name)[a:b] for name in Part.__slots__))


@dataclass(slots=True)
class Window:
    """What is received from start to end, ms of the month: live rows, and what was kept back."""

    start: int
    end: int
    parts: list[Part]
    messages: MessageRows
    messages_received: I64

    def __len__(self) -> int:
        return sum(len(part.lift) for part in self.parts)

    def strides(self, stride_ms: int) -> Iterator[tuple[int, TelemetryBatch]]:
        """Cut into batches of so many ms, rows in order of receipt; yields (end, batch)."""
        edges = np.arange(self.start, self.end, stride_ms)
        m = self.messages
        said = np.searchsorted(self.messages_received, edges)
        for i, begin in enumerate(edges.tolist()):
            end = min(begin + stride_ms, self.end)
            whole = self.rows(begin, end)
            a, b = said[i], said[i + 1] if i + 1 < len(said) else len(m)
            messages = MessageRows(m.lift[a:b], m.ts_ms[a:b], m.code[a:b], m.state[a:b],
                                   m.late[a:b])  # fmt: skip
            yield end, TelemetryBatch(whole.lift, whole.ts, whole.values, whole.late, messages)

    def rows(self, start: int, end: int) -> Part:
        """Return the rows received in start..end, in order."""
        some = [part.between(start, end) for part in self.parts]
        some = [some[0], *(part for part in some[1:] if len(part.lift))]
        if len(some) == 1:
            return some[0]
        names = Part.__slots__
        whole = Part(*(np.concatenate([getattr(p, n) for p in some]) for n in names))
        order = np.argsort(whole.received, kind="stable")
        return Part(*(getattr(whole, n)[order] for n in names))


@dataclass(slots=True)
class Noted:
    """What lies over the timeline: lying sensors, silences, messages, shocks (lift, t, hi, lo)."""

    overlays: list[Overlay] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    shocks: list[tuple[int, int, float, float]] = field(default_factory=list)


class Reader:
    """Reads windows off the timelines."""

    def __init__(self, fleet: Fleet, channels: Channels, seed: int, start_ms: int) -> None:
        self._fleet, self._channels, self._seed, self._zero = fleet, channels, seed, start_ms
        self.noted = Noted()
        self._trips = fleet.trips0.copy()
        self._metres = fleet.metres0.copy()
        self.carried: I64 = (fleet.trips0 * 1.5).astype(np.int64)

    def read(self, lifts: Sequence[Line], hour: int) -> Window:
        """Return the hour; `lifts`: the timeline of each, known to the end of the hour at least."""
        start, end = hour * HOUR_MS, (hour + 1) * HOUR_MS
        made = _between(lifts, start - _OVERLAP_MS, end)
        found = self._live(moments(self._fleet, made, start - _OVERLAP_MS, end, self._seed), made,
                           start, end)  # fmt: skip
        parts = [self._values(made, found, hour)]
        parts += self._kept_back(lifts, start, end, hour)
        self._count(made, start, end)
        return Window(start, end, parts, *self._messages(start, end))

    def _live(self, found: Moments, made: Segments, start: int, end: int) -> Moments:
        """Drop what falls into a silence and what is received in another hour."""
        audible = np.ones(len(found.t), np.bool_)
        lift = made["lift"]
        for one in self.noted.silences:
            if one.t1 > start - _OVERLAP_MS and one.t0 < end:
                hit = np.isin(lift, one.lifts)[found.segment]
                audible &= ~(hit & (found.t >= one.t0) & (found.t < one.t1))
        twice, again = repeats(self._fleet, made, found)
        rows = np.concatenate([np.arange(len(found.t)), twice])
        received = np.concatenate([found.received, again])
        heard = np.flatnonzero(audible[rows] & (received >= start) & (received < end))
        rows, received = rows[heard], received[heard]
        # in order of receipt before the values are made, so that no wide row moves again
        order = np.sort((received - start << 32) | np.arange(len(rows))) & 0xFFFFFFFF
        found = found.keep(rows[order])
        found.received = received[order]
        return found

    def _kept_back(self, lifts: Sequence[Line], start: int, end: int, hour: int) -> list[Part]:
        """What devices kept through an outage and send after it, in order, as late rows."""
        parts = []
        for one in self.noted.silences:
            if not one.kept or one.t1 + _DRAIN_MS <= start or one.t1 >= end:
                continue
            made = _between([lifts[i] for i in one.lifts], one.t0, one.t1)
            found = moments(self._fleet, made, one.t0, one.t1, self._seed)
            pace = _DRAIN_MS / (one.t1 - one.t0)
            found.received = one.t1 + ((found.t - one.t0) * pace).astype(np.int64)
            found = found.keep((found.received >= start) & (found.received < end))
            found.late = found.received - found.t > LATE_MS
            parts.append(self._values(made, found, hour, first=False))
        return parts

    def _values(self, made: Segments, found: Moments, hour: int, first: bool = True) -> Part:
        channels, lift = self._channels, made["lift"]
        n = len(found.t)
        form = channels.form(made, places(mix(lift, made["arrived"], self._seed + 3)))
        out = np.empty((n, len(channels.col)), np.float32)
        for a in range(0, n, CHUNK):
            b = min(n, a + CHUNK)
            channels.fill(out[a:b], form, found.segment[a:b], found.t[a:b], found.place[a:b])
        owner = lift[found.segment]
        rows = np.flatnonzero(found.slow)
        part = out[rows]
        channels.slow(part, owner[rows], found.t[rows], found.place[rows])
        out[rows] = part
        if first:
            self._hourly(out, owner, found.t, hour)
            self._shaken(out, owner, found.t)
        self._lies(out, owner, found.t)
        table_ms = clock_table(self._fleet, hour)
        here = (found.t >= hour * HOUR_MS).astype(np.int64)
        ts = self._zero + found.t + table_ms[here, owner]
        return Part(owner.astype(np.int32), ts, out, found.late, found.received)

    def _hourly(self, out: F32, owner: I64, t: I64, hour: int) -> None:
        """Counters come with the first sample of the hour."""
        rows = np.flatnonzero(t >= hour * HOUR_MS)
        first = np.full(self._fleet.n, -1, np.int64)
        first[owner[rows[::-1]]] = rows[::-1]
        lift, col = np.flatnonzero(first >= 0), self._channels.col
        rows = first[lift]
        trips, metres = self._trips[lift], self._metres[lift]
        put = {
            "total_running_time": np.rint(metres / 1.1 / 36) / 100, "trip_count": trips,
            "door_open_count": trips + trips // 8, "rope_bend_count": 2 * trips,
            "lift_mileage": np.rint(metres), "energy": np.rint(metres / 30) / 10,
            "passenger_counter": self.carried[lift],
        }  # fmt: skip
        for name, value in put.items():
            out[rows, col[name]] = np.where(self._channels.lacks[lift, col[name]], np.nan, value)

    def _lies(self, out: F32, owner: I64, t: I64) -> None:
        """Put lying sensors over the values; what a device lacks stays absent."""
        if not len(t):
            return
        first, last = int(t.min()), int(t.max())
        for one in self.noted.overlays:
            if one.t0 <= last and one.t1 > first:
                rows = np.flatnonzero((owner == one.lift) & (t >= one.t0) & (t < one.t1))
                if len(rows):
                    part = out[rows]
                    absent = self._channels.lacks[one.lift]
                    one.change(part, t[rows])
                    part[:, absent] = np.nan
                    out[rows] = part

    def _shaken(self, out: F32, owner: I64, t: I64) -> None:
        """Write extremes of acceleration into the next sample of their lift, once."""
        col, due = self._channels.col, []
        for shock in self.noted.shocks:
            lift, at, high, low = shock
            rows = np.flatnonzero((owner == lift) & (t >= at)) if len(t) and at <= t.max() else ()
            if not len(rows):
                due.append(shock)
                continue
            row = rows[np.argmin(t[rows])]
            for name, value in (("acc_peak", high), ("acc_min", low)):
                if not self._channels.lacks[lift, col[name]]:
                    out[row, col[name]] = np.clip(value, 0, FULL_SCALE)
        self.noted.shocks = due

    def _messages(self, start: int, end: int) -> tuple[MessageRows, I64]:
        fleet = self._fleet
        rows: list[tuple[int, int, int, int, int, bool]] = []
        for one in self.noted.told:
            dialect = fleet.dialects[one.lift]
            if not start - 48 * HOUR_MS <= one.t < end or not dialect.passes(one.code):
                continue
            if dialect.once and one.state == STATE_OFF:
                continue
            state = STATE_ONCE if dialect.once and one.state == STATE_ON else one.state
            heard = self._heard(one)
            if heard is not None and start <= heard < end:
                clock = clock_table(fleet, one.t // HOUR_MS)[1, one.lift]
                ts = self._zero + one.t + int(clock)
                rows.append((heard, one.lift, ts, one.code, state, heard - one.t > LATE_MS))
        rows.sort()
        table = np.array(rows, np.int64).reshape(len(rows), 6)
        return MessageRows(
            table[:, 1].astype(np.int32), table[:, 2].copy(), table[:, 3].astype(np.int32),
            table[:, 4].astype(np.int8), table[:, 5].astype(np.bool_),
        ), table[:, 0].copy()  # fmt: skip

    def _heard(self, one: Told) -> int | None:
        """When a message is received, ms; None: never."""
        for silence in self.noted.silences:
            if one.lift in silence.lifts and silence.t0 <= one.t < silence.t1:
                return silence.t1 + 1_000 if silence.kept else None
        return one.t + int(self._fleet.delay_hi[one.lift]) + 150

    def _count(self, made: Segments, start: int, end: int) -> None:
        done = made[(made["law"] == 1) & (made["t1"] > start) & (made["t1"] <= end)]
        n = self._fleet.n
        self._trips += np.bincount(done["lift"], minlength=n)
        self._metres += np.bincount(done["lift"], done["length"], minlength=n)
        self.carried += np.bincount(done["lift"], done["people"], minlength=n).astype(np.int64)


def _between(lifts: Sequence[Line], start: int, end: int) -> Segments:
    """Return the segments of all these lifts that overlap start..end."""
    pieces = []
    for one in lifts:
        first, last = one.ends.searchsorted((start + 1, end))  # each begins where one ends
        pieces.append(one.segments[first : last + 1])
    made: Segments = np.empty(sum(map(len, pieces)), SEGMENT)
    at = 0
    for piece in pieces:
        made[at : at + len(piece)] = piece
        at += len(piece)
    return made
