"""The watch over all links: fed by the intake, asked by the pipeline, the web and the rules.

Network, pipeline and web threads meet here, so one lock holds everything. What touches samples
is columns; what touches wire messages is a few additions.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.arrays_file import read_arrays, write_arrays
from devices.batch import MessageRows, Refusal, TelemetryBatch
from devices.codecs.clock import read_ts
from devices.registry import Registry
from monitor.link.clocks import NEVER, WRONG_MS, Clocks, agreed
from monitor.link.counts import Counts
from monitor.link.delays import bucket
from monitor.store.ledger import Ledger

BACKFILL_LASTS_MS = 60_000  # after its last message a gateway's back-fill is over
LATELY_MS = 120_000  # a lift that was heard within this time is not silent
COLUMNS_EVERY_MS = 1_000
FILE = "link.npz"


class Heard(NamedTuple):
    """One wire message of an open batch: its sender, when, in order or not, rows it brought."""

    gateway: int
    at_ms: int
    front: bool
    rows: int
    messages: int
    ahead: bool = False  # read by the sender's clock, which is known to be ahead
    kept: bool = False  # back-fill, as its topic says: its age tells nothing of a clock


class LinkWatch:
    """Counts of gateways, clocks of lifts."""

    def __init__(self, registry: Registry, ledger: Ledger, late_ms: int) -> None:
        self._registry, self._ledger, self._late_ms = registry, ledger, late_ms
        self._lock = threading.RLock()
        self.counts = Counts(len(registry.gateways))
        self.clocks = Clocks(len(registry))
        self._newest: dict[str, tuple[int, int]] = {}  # (boot, seq) a gateway
        # likewise of its back-fill, and when that came: its lane has an order of its own
        self._newest_kept: dict[str, tuple[int, int, int]] = {}
        self._witness: dict[int, tuple[int, int]] = {}  # gateway: (offset, at)
        self._ahead_of: dict[str, int] = {}
        self._foretold: list[tuple[int, int, int]] = []  # refused as ahead: lift, age, receipt
        self._heard = np.full(len(registry), NEVER, np.int64)
        self._made = np.full(len(registry), NEVER, np.int64)
        self._fresh = np.zeros(len(registry), np.int64)  # samples of this minute
        self._told: tuple[int, dict[str, NDArray[np.float32]]] = (
            NEVER, {"clock_offset_s": np.zeros(0, np.float32)},
        )  # fmt: skip
        self.minute = 0
        self._whole = False

    def _grow(self) -> None:
        n, gateways = len(self._registry), len(self._registry.gateways)
        self.counts.grow(gateways)
        if n > len(self._heard):
            more = n - len(self._heard)
            self.clocks.grow(n)
            never = np.full(more, NEVER, np.int64)
            self._heard = np.concatenate([self._heard, never])
            self._made = np.concatenate([self._made, never])
            self._fresh = np.concatenate([self._fresh, np.zeros(more, np.int64)])

    # -- any thread -------------------------------------------------------------------------

    def ahead_ms(self, gateway: str | None) -> int:
        """Return by how much a gateway's clock is known to be ahead: what it calls now is later."""
        return self._ahead_of.get(gateway or "", 0)

    # -- pipeline thread --------------------------------------------------------------------

    def front(
        self, gateway: str, boot: int | None, seq: int | None, kept_ms: int | None = None
    ) -> bool:
        """Note a new message; return False where a later one of its lane had come before.

        kept_ms: when it came, for back-fill.
        """
        if boot is None or seq is None:
            return True
        if kept_ms is None:
            newest = self._newest.get(gateway, (0, 0))
            self._newest[gateway] = max(newest, (boot, seq))
        else:
            newest = self._newest_kept.get(gateway, (0, 0, 0))[:2]
            self._newest_kept[gateway] = (*max(newest, (boot, seq)), kept_ms)
        return (boot, seq) > newest

    def missing(self, gateway: str, boot: int, now_ms: int) -> int:
        """Return how many messages of a boot are missing that others have overtaken.

        While a gateway sends back-fill, live messages overtake it: what lies above its newest
        there is on its way, not missing.
        """
        gaps = self._ledger.ranges(gateway, boot).gaps()
        kept_boot, kept_seq, kept_ms = self._newest_kept.get(gateway, (0, 0, 0))
        if kept_boot == boot and now_ms - kept_ms < BACKFILL_LASTS_MS:
            gaps = [(low, min(high, kept_seq)) for low, high in gaps if low <= kept_seq]
        return sum(high - low + 1 for low, high in gaps)

    def taken(self, gateway: str, front: bool) -> int:
        """Count a wire message of which something was taken; return the gateway's number."""
        with self._lock:
            number = self._number(gateway)
            if number >= 0:
                self.counts.one("messages", number)
                if not front:
                    self.counts.one("disordered", number)
            return number

    def repeated(self, gateway: str) -> None:
        """Count a message that came again."""
        with self._lock:
            number = self._number(gateway)
            if number >= 0:
                self.counts.one("messages", number)
                self.counts.one("repeats", number)

    def refused(self, gateway: str, refusals: Sequence[Refusal], whole: bool, at_ms: int) -> None:
        """Count what was refused; a time that lies ahead tells of its clock."""
        with self._lock:
            number = self._number(gateway)
            if number < 0:
                return
            if whole:
                self.counts.one("messages", number)
                self.counts.one("rejected", number)
            for one in refusals:
                self.counts.refuse(number, one.reason)
                if one.reason == "clock_ahead":
                    self._foretell(number, one, at_ms)

    def _foretell(self, gateway: int, one: Refusal, at_ms: int) -> None:
        told = (one.value or "").strip('"')
        ts_ms = read_ts(int(told) if told.lstrip("-").isdecimal() else told)
        row = self._registry.row_of.get(one.lift or "")
        if row is None:
            own = np.flatnonzero(self._registry.lift_gateway == gateway)
            rows = own.tolist() if len(own) and one.lift is None else []
        else:
            rows = [row]
        if ts_ms is not None:
            self._foretold += [(lift, at_ms - ts_ms, at_ms) for lift in rows]

    def _number(self, gateway: str) -> int:
        number = self._registry.gateway_index.get(gateway, -1)
        if number >= len(self.counts):
            self._grow()
        return number

    # -- asyncio thread ---------------------------------------------------------------------

    def witness(self, gateway: str, clock_off_ms: int, at_ms: int) -> None:
        """A gateway's status, sent this moment, told its clock: ours + clock_off_ms."""
        with self._lock:
            number = self._number(gateway)
            if number >= 0:
                self._witness[number] = (-clock_off_ms, at_ms)

    # -- pipeline thread again --------------------------------------------------------------

    def judge(self, batch: TelemetryBatch, heard: Sequence[Heard]) -> None:
        """Say of each row of a closing batch whether it is of now, and at what time.

        Sets late and shift_ms where a lift's clock is known to be wrong; the rows of `heard` are
        those of the batch, in order.
        """
        with self._lock:
            self._grow()
            told = batch.messages
            rows = _spread(heard, "rows")
            said = _spread(heard, "messages")
            lift = np.concatenate([batch.lift, told.lift])
            ts_ms = np.concatenate([batch.ts_ms, told.ts_ms])
            late = np.concatenate([batch.late, told.late])
            gateway, at_ms, front, ahead, kept = (
                np.concatenate(pair) for pair in zip(rows, said, strict=True)
            )
            witnesses = front & ~kept
            lift, ts_ms, late, at_ms, gateway, front, witnesses = self._with_foretold(
                lift, ts_ms, late, at_ms, gateway, front, witnesses
            )
            age = at_ms - ts_ms
            now, shift = self.clocks.place(lift, age, front, self._late_ms)
            witness, witness_ms = self._told_by(gateway)
            w = witnesses
            self.clocks.hear(lift[w], age[w], at_ms[w], witness[w], witness_ms[w])
            n, m = len(batch), len(told)
            wrong = self.clocks.wrong(lift[: n + m]) | (shift[: n + m] != 0)
            told_age = age[: n + m]
            plain = (told_age > self._late_ms) | (told_age < -WRONG_MS)
            late[: n + m] = np.where(ahead, plain, late[: n + m])
            late[: n + m] = np.where(wrong, ~now[: n + m], late[: n + m])
            if wrong.any() or ahead.any():
                _set(batch, late[:n], shift[:n])
                _set(told, late[n : n + m], shift[n : n + m])
            self._count(lift[:n], gateway[:n], age[:n] - shift[:n], late[:n])
            self._note(lift[: n + m], at_ms[: n + m], (ts_ms + shift)[: n + m])

    def _with_foretold(self, *columns: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Add the rows that were refused as lying ahead: they tell of clocks, and nothing else."""
        if not self._foretold:
            return columns
        found, self._foretold = np.array(self._foretold, np.int64), []
        lift, age, at_ms = found.T
        more = (
            lift.astype(np.int32), at_ms - age, np.ones(len(lift), np.bool_), at_ms,
            self._registry.lift_gateway[lift].astype(np.int64), np.ones(len(lift), np.bool_),
            np.ones(len(lift), np.bool_),
        )  # fmt: skip
        return tuple(np.concatenate(pair) for pair in zip(columns, more, strict=True))

    def _told_by(self, gateway: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        offset = np.full(len(self.counts) + 1, NEVER, np.int64)
        at_ms = offset.copy()
        for number, (told, when) in self._witness.items():
            offset[number], at_ms[number] = told, when
        return offset[gateway], at_ms[gateway]

    def _count(
        self,
        lift: NDArray[np.int32],
        gateway: NDArray[np.int64],
        delay_ms: NDArray[np.int64],
        late: NDArray[np.bool_],
    ) -> None:
        if not len(lift):
            return
        live = ~late
        # while nobody knows a clock, an age of minutes tells of neither clock nor delay
        timed = live & (delay_ms < WRONG_MS)
        # what a batch brings is few, lifts and gateways may be many: no table of all for each
        np.add.at(self.counts.minute["delays"], (gateway[timed], bucket(delay_ms[timed])), 1)
        self.counts.add("samples", gateway[live])
        self.counts.add("late", gateway[late])
        np.add.at(self._fresh, lift[live], 1)

    def _note(
        self, lift: NDArray[np.int32], at_ms: NDArray[np.int64], made_ms: NDArray[np.int64]
    ) -> None:
        np.maximum.at(self._heard, lift, at_ms)
        np.maximum.at(self._made, lift, made_ms)

    def columns(self, now_ms: int, n: int) -> dict[str, NDArray[np.float32]]:
        """Return what the rules may know, float32[n]: clock_offset_s and link_behind_s.

        Made anew once a second: that is as often as rules of time are looked at.
        """
        told_ms, told = self._told
        if 0 <= now_ms - told_ms < COLUMNS_EVERY_MS and len(told["clock_offset_s"]) == n:
            return told
        with self._lock:
            self._grow()
            lately = now_ms - self._heard <= LATELY_MS
            behind = np.where(lately, np.maximum(now_ms - self._made, 0) / 1000, np.nan)
            told = {
                "clock_offset_s": self.clocks.offset_s()[:n],
                "link_behind_s": behind.astype(np.float32)[:n],
            }
        self._told = now_ms, told
        return told

    # -- minutes ----------------------------------------------------------------------------

    def turn(self, now_ms: int) -> bool:
        """Close the minute where one is over; True where it was."""
        minute = now_ms // 60_000
        over = minute != self.minute
        # a walk over all lifts, before anybody has to wait for it
        periods = _periods(self._registry) if over else None
        with self._lock:
            self._grow()
            self._set_ahead()
            if periods is None:
                return False
            if self.minute:
                self._gaps(now_ms)
                if self._whole:  # of its first minute the service saw only the end
                    self._expect(periods)
                self.counts.turn()
            self._fresh[:] = 0
            self._whole = self.minute == minute - 1
            self.minute = minute
            return True

    def _expect(self, period: NDArray[np.float64]) -> None:
        """Count what the reporting periods promise, of lifts that were heard of late at all."""
        n = min(len(period), len(self._fresh))
        gateway, period = self._registry.lift_gateway[:n], period[:n]
        known = (gateway >= 0) & (self._heard[:n] != NEVER) & (period > 0)
        due = np.where(known, np.floor(60 / np.maximum(period, 0.05)), 0).astype(np.int64)
        lacks = np.maximum(due - self._fresh[:n], 0)
        some = np.flatnonzero(known)
        self.counts.add("expected", gateway[some].astype(np.intp), due[some])
        self.counts.add("missing", gateway[some].astype(np.intp), lacks[some])

    def _gaps(self, now_ms: int) -> None:
        for name, (boot, _) in list(self._newest.items()):  # gateways may come meanwhile
            number = self._registry.gateway_index.get(name, -1)
            if 0 <= number < len(self.counts):
                self.counts.gaps[number] = self.missing(name, boot, now_ms)

    def _set_ahead(self) -> None:
        """A gateway all of whose known clocks are ahead by the same is read by its own clock."""
        known = self.clocks.column("known")
        offset = self.clocks.column("offset")
        fast = np.flatnonzero((known == 1) & (offset <= -WRONG_MS))
        found: dict[str, int] = {}
        if len(fast):
            gateway = self._registry.lift_gateway[: len(known)]
            for number in np.unique(gateway[fast]).tolist():
                if number < 0:
                    continue
                mine = (gateway == number) & (known == 1)
                one = agreed(offset[mine])
                if one is not None:
                    found[self._registry.gateways[number].id] = -one
        self._ahead_of = found

    # -- save, load -------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write the state."""
        with self._lock:
            self._grow()
            header = {
                "layout": "link-1",
                "gateways": [one.id for one in self._registry.gateways],
                "newest": [[name, *pair] for name, pair in self._newest.items()],
                "minute": self.minute,
            }
            times = {"heard": self._heard, "made": self._made, "fresh": self._fresh}
            arrays = {**self.counts.arrays, **times, "clocks": self.clocks.dump()}
            write_arrays(folder / FILE, header, arrays)

    def load(self, folder: Path) -> None:
        """Take it up. A snapshot from before there were links leaves everything unknown.

        Raises StoredError for a torn or foreign file.
        """
        if not (folder / FILE).exists():
            return
        header, arrays = read_arrays(folder / FILE, {"layout": "link-1"})
        with self._lock:
            index = self._registry.gateway_index
            place = np.array([index.get(name, -1) for name in header["gateways"]], np.intp)
            self.counts.load(arrays, place)
            self.clocks.load(arrays["clocks"])
            for mine, name in ((self._heard, "heard"), (self._made, "made")):
                k = min(len(mine), len(arrays[name]))
                mine[:k] = arrays[name][:k]
            self._newest = {name: (boot, seq) for name, boot, seq in header["newest"]}
            self.minute = int(header["minute"])
            self._set_ahead()

    # -- reading ----------------------------------------------------------------------------

    def reading(self) -> threading.RLock:
        """Return the lock to hold while `counts` and `clocks` are read."""
        return self._lock


def _spread(heard: Sequence[Heard], what: str) -> tuple[NDArray[Any], ...]:
    """Repeat gateway, receipt, order, clock and lane for each row of each message."""
    times = np.array([getattr(one, what) for one in heard], np.int64)
    return (
        np.repeat(np.array([one.gateway for one in heard], np.int64), times),
        np.repeat(np.array([one.at_ms for one in heard], np.int64), times),
        np.repeat(np.array([one.front for one in heard], np.bool_), times),
        np.repeat(np.array([one.ahead for one in heard], np.bool_), times),
        np.repeat(np.array([one.kept for one in heard], np.bool_), times),
    )


def _periods(registry: Registry) -> NDArray[np.float64]:
    """Return the reporting period of each row, 0 on a reserved one."""
    return np.array([lift.period_s if lift else 0.0 for lift in registry.slots], np.float64)


def _set(rows: TelemetryBatch | MessageRows, late: Any, shift: NDArray[np.int64]) -> None:
    rows.late = late
    if shift.any():
        rows.shift_ms = shift
