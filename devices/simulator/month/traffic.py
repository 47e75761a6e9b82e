"""A day of ordinary traffic of all lifts at once: arrivals, stops, segments.

People call a car by a Poisson process of the hour; a car answers one call after the other (a
queue with one server, Lindley's recursion), and on the way from origin to destination it stops
once more where others leave or join. Who would wait longer than five minutes takes the stairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from devices.simulator.month.fleet import F64, I64, Bool, Fleet
from devices.simulator.month.segments import (
    CLOSING,
    FIRST,
    OPEN,
    OPENING,
    RIDE,
    SEGMENT,
    Segments,
    blank,
    history,
)

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_PATIENCE_MS: Final = 300_000
_FAR: Final = 40 * DAY_MS
_START_MS: Final = 700  # doors locked until the car moves
_GROUP: Final = 16
_PARTS: Final = 7  # waits, rides, opens, stands open twice, closes, idle


@dataclass(slots=True)
class Carry:
    """Where each lift stands at the end of what is known, and since when (ms)."""

    floor: I64
    since: I64
    emptied: I64


@dataclass(slots=True)
class _Calls:
    """One row a call: who, when, from where to where, with a stop between or none (−1)."""

    lift: I64
    at: I64
    origin: I64
    goal: I64
    middle: I64
    people: I64
    changed: I64  # people in the car after the stop between
    again: Bool  # the door opens once more at the origin

    def keep(self, which: Bool) -> _Calls:
        return _Calls(*(getattr(self, name)[which] for name in _Calls.__slots__))


@dataclass(slots=True)
class _Legs:
    """One row a stop: the run to it, who is in the car on the way and after it."""

    lift: I64
    call: I64
    first: Bool
    frm: I64
    to: I64
    people: I64
    after: I64
    ride_ms: I64
    doors_ms: I64  # int64[legs, 4]: opening, standing before and after the exchange, closing
    start: I64


def day(fleet: Fleet, seed: int, number: int, carry: Carry) -> list[Segments]:
    """Return the segments of day `number` from the carry on, one array a lift, in time order."""
    rng = np.random.default_rng([seed, 11, number])
    calls = _calls(fleet, rng, number)
    draws = rng.random((len(calls.lift), 4, 3))
    legs, keep = _timed(fleet, calls, carry, draws)
    if not keep.all():
        legs, _ = _timed(fleet, calls.keep(keep), carry, draws[keep])
    mass = rng.normal(66.0, 6.0, len(legs.lift)).clip(45, 90)
    found: list[Segments] = []
    for lo in range(0, fleet.n, _GROUP):  # so many as the cache holds
        hi = min(fleet.n, lo + _GROUP)
        first, last = np.searchsorted(legs.lift, (lo, hi))
        part = _Legs(*(getattr(legs, name)[first:last] for name in _Legs.__slots__))
        found += _segments(fleet, mass[first:last], part, carry, (lo, hi, (number + 1) * DAY_MS))
    return found


def _calls(fleet: Fleet, rng: np.random.Generator, number: int) -> _Calls:
    weekend = number % 7 >= 5
    persons = np.array([p.persons for p in fleet.patterns], np.float64)
    factor = np.array([p.weekend for p in fleet.patterns]) if weekend else np.ones(fleet.n)
    persons *= (factor * fleet.popularity)[:, None]
    extra = np.minimum(2.0, persons / 40.0)  # more people to a call in the peaks
    counts = rng.poisson(persons / (1.2 + extra))
    lift, hour = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), 24)
    n = len(lift)
    at = (hour * HOUR_MS + rng.random(n) * HOUR_MS).astype(np.int64) + number * DAY_MS
    order = np.lexsort((at, lift))
    lift, hour, at = lift[order], hour[order], at[order]
    up = np.array([p.up for p in fleet.patterns])[lift, hour]
    down = np.array([p.down for p in fleet.patterns])[lift, hour]
    way = rng.random(n)
    some = (rng.random((2, n)) * (fleet.top[lift] + 1)).astype(np.int64)
    origin = np.where(way < up, fleet.lobby[lift], some[0])
    goal = np.where((way >= up) & (way < up + down), fleet.lobby[lift], some[1])
    goal = np.where(goal == origin, (goal + 1 + some[1] % np.maximum(1, fleet.top[lift]))
                    % (fleet.top[lift] + 1), goal)  # fmt: skip
    people = np.minimum(1 + rng.poisson(extra[lift, hour] * 0.9), fleet.capacity[lift])
    span = np.abs(goal - origin)
    between = (rng.random(n) < 0.25 + 0.15 * np.minimum(people, 3)) & (span >= 2)
    offset = 1 + (rng.random(n) * np.maximum(1, span - 1)).astype(np.int64)
    middle = np.where(between, origin + np.sign(goal - origin) * offset, -1)
    share = 1 + (rng.random(n) * people).astype(np.int64)
    leaves = (way < up) & (people > 1)
    fewer = np.maximum(1, people - np.minimum(share, people - 1))
    changed = np.where(leaves, fewer, np.minimum(people + share, fleet.capacity[lift]))
    changed = np.where(between, changed, people)
    again = rng.random(n) < 0.05
    return _Calls(lift, at, origin, goal, middle, people.astype(np.int64), changed, again)


def _legs(calls: _Calls) -> _Legs:
    """Cut calls into stops: origin, perhaps once more, perhaps between, destination."""
    n = len(calls.lift)
    exists = np.ones((n, 4), np.bool_)
    exists[:, 1], exists[:, 2] = calls.again, calls.middle >= 0
    to = np.stack([calls.origin, calls.origin, calls.middle, calls.goal], 1)
    none = np.zeros(n, np.int64)
    people = np.stack([none, calls.people, calls.people, calls.changed], 1)
    after = np.stack([calls.people, calls.people, calls.changed, none], 1)
    call = np.broadcast_to(np.arange(n)[:, None], (n, 4))
    first = np.zeros((n, 4), np.bool_)
    first[:, 0] = True
    lift = calls.lift[call[exists]]
    gone = np.zeros(0, np.int64)
    return _Legs(lift, call[exists], first[exists], gone, to[exists], people[exists],
                 after[exists], gone, gone, gone)  # fmt: skip


def _timed(fleet: Fleet, calls: _Calls, carry: Carry, draws: F64) -> tuple[_Legs, Bool]:
    """Return legs with their times, and which calls were answered in patience."""
    legs = _legs(calls)
    lift, n = legs.lift, len(legs.lift)
    head = np.ones(n, np.bool_)
    head[1:] = lift[1:] != lift[:-1]
    legs.frm = np.where(head, carry.floor[lift], np.roll(legs.to, 1)) if n else legs.to
    metres = np.abs(legs.to - legs.frm) * fleet.storey[lift]
    legs.ride_ms = (fleet.seconds_for(lift, metres) * 1000).astype(np.int64)
    place = np.arange(n) - np.searchsorted(legs.call, legs.call)
    legs.doors_ms = _doors(fleet, legs, draws[legs.call, place])
    took = _START_MS + legs.ride_ms + legs.doors_ms.sum(1)
    total = np.bincount(legs.call, took, len(calls.lift)).astype(np.int64)
    begun = _lindley(calls, total, carry)
    before = np.cumsum(took) - took
    base = before[legs.first]
    legs.start = begun[legs.call] + before - base[legs.call]
    return legs, begun - calls.at <= _PATIENCE_MS


def _doors(fleet: Fleet, legs: _Legs, draw: F64) -> I64:
    lift = legs.lift
    moved = np.abs(legs.after - legs.people)
    dwell = 0.5 * fleet.dwell_s[lift] - np.log1p(-draw[:, 0]) * 1.5
    # now and then somebody keeps the door for others, below a minute
    dwell += (draw[:, 1] > 0.985) * draw[:, 2] * 30.0
    exchange = 0.6 + 1.1 * moved
    found = np.stack([fleet.open_s[lift], exchange, dwell, fleet.close_s[lift]], 1)
    ms: I64 = (found * 1000).astype(np.int64)
    return ms


def _lindley(calls: _Calls, took: I64, carry: Carry) -> I64:
    """Return when each call is begun: as it comes, or when the one before is done."""
    lift, n = calls.lift, len(calls.lift)
    if not n:
        return calls.at
    head = np.ones(n, np.bool_)
    head[1:] = lift[1:] != lift[:-1]
    before = np.cumsum(took) - took
    before -= np.maximum.accumulate(np.where(head, before, 0))
    at = np.maximum(calls.at, carry.since[lift])
    wait = np.maximum.accumulate(at - before + lift * _FAR)
    begun: I64 = wait - lift * _FAR + before
    return begun


def _segments(
    fleet: Fleet, mass: F64, legs: _Legs, carry: Carry, span: tuple[int, int, int]
) -> list[Segments]:
    """Return one array for each lift of lo..hi − 1; span: lo, hi, end of the day."""
    lo, hi, end = span
    n, lift = len(legs.lift), legs.lift
    form = blank(_PARTS)
    form["door"][2:6] = [OPENING, OPEN, OPEN, CLOSING]
    form["law"][1], form["drive"][1] = RIDE, 1
    body = np.empty((n, _PARTS), SEGMENT)
    body[:] = form
    body["lift"] = lift[:, None]
    edges = _edges(legs, end)
    body["t0"], body["t1"] = edges[:, :-1], edges[:, 1:]
    storey = fleet.storey[lift]
    body["x"][:, :2] = (legs.frm * storey)[:, None]
    body["x"][:, 2:] = (legs.to * storey)[:, None]
    way = (legs.to - legs.frm) * storey
    metres = np.abs(way)
    peak = np.minimum(fleet.rated[lift], np.sqrt(metres * fleet.acc[lift]))
    ride = body[:, 1]
    ride["length"], ride["sign"] = metres, np.sign(way)
    ride["peak"], ride["ramp"] = peak, peak / fleet.acc[lift]
    for parts, people in ((slice(0, 4), legs.people), (slice(4, 7), legs.after)):
        body["people"][:, parts] = people[:, None]
        body["mass"][:, parts] = (people * mass)[:, None]
    # a call is put out where it is answered; who rides on has one still lit
    body["call"][:, :2] = (legs.people > 0)[:, None]
    body["call"][:, 2:4] = ((legs.people > 0) & (legs.after > 0))[:, None]
    body["call"][:, 4:] = (legs.after > 0)[:, None]
    body["part"][:, 0] = np.where(legs.first, FIRST, 0)
    rows = np.arange(lo, hi)
    edge = np.searchsorted(lift, np.append(rows, hi))
    real = edges[:, 1:] > edges[:, :-1]
    made = [np.concatenate([_head(fleet, legs, carry, row, edge[k], end)[:1],
                            body[edge[k] : edge[k + 1]][real[edge[k] : edge[k + 1]]]])
            for k, row in enumerate(rows.tolist())]  # fmt: skip
    for one in made:
        history(one)
    return made


def _edges(legs: _Legs, end: int) -> I64:
    n = len(legs.lift)
    edges = np.empty((n, _PARTS + 1), np.int64)
    if n == 0:
        return edges
    edges[:, 0] = legs.start
    edges[:, 1] = legs.start + _START_MS
    edges[:, 2] = edges[:, 1] + legs.ride_ms
    edges[:, 3:7] = edges[:, 2:3] + np.cumsum(legs.doors_ms, 1)
    follows = np.append(legs.lift[1:] == legs.lift[:-1], False)
    following = np.append(legs.start[1:], 0)
    edges[:, 7] = np.where(follows, following, np.maximum(edges[:, 6], end))
    return edges


def _head(fleet: Fleet, legs: _Legs, carry: Carry, row: int, first: int, end: int) -> Segments:
    """From the carry to the first call a lift stands; without a call, all day."""
    head = blank(1)
    called = first < len(legs.lift) and legs.lift[first] == row
    head["lift"], head["t0"] = row, carry.since[row]
    head["t1"] = legs.start[first] if called else max(int(carry.since[row]), end)
    head["x"], head["emptied"] = carry.floor[row] * fleet.storey[row], carry.emptied[row]
    return head
