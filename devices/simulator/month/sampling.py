"""When devices sample, and when what they sampled is received."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from devices.simulator.month.chance import mix, places, uniform
from devices.simulator.month.dialects import ACTIVE, CHANGE, FIXED
from devices.simulator.month.fleet import F64, I64, Bool, Fleet
from devices.simulator.month.segments import CLOSED, REST, Segments

HOUR_MS: Final = 3_600_000
_NODE_MS: Final = 60_000  # the delay of a link changes from minute to minute, without a jump
_CLOCK_WEEK: Final = 168  # hours after which the drift of a clock has been taken back


@dataclass(slots=True)
class Moments:
    """n samples to be taken: segment, time (ms), receipt (ms); `late`: sent after an outage."""

    segment: I64
    t: I64
    received: I64
    place: I64
    slow: Bool
    late: Bool

    def keep(self, which: Bool | I64) -> Moments:
        """Return only these."""
        return Moments(*(getattr(self, name)[which] for name in Moments.__slots__))


def moments(fleet: Fleet, made: Segments, start: int, end: int, seed: int) -> Moments:
    """Return the samples taken in start..end of these segments, by lift and time.

    `slow` marks those that carry temperatures; the first sample of a lift never does.
    """
    lift = made["lift"]
    sampling = fleet.sampling[lift]
    calling = (made["alarm"] != 0) & fleet.has_alarm[lift]
    busy = (made["law"] != REST) | (made["door"] != CLOSED) | calling
    step = np.where((sampling == FIXED) | busy, fleet.period_ms[lift], fleet.heartbeat_ms[lift])
    told = made["t0"] >= start  # a sample at the very change of state
    rests = np.zeros(len(made), np.bool_)
    rests[1:] = busy[:-1] & ~busy[1:]
    told &= (sampling == CHANGE) | ((sampling == ACTIVE) & (rests | calling))
    phase = fleet.phase_ms[lift]
    begun = np.maximum(made["t0"], start)
    first = -((phase - begun) // step)
    first = np.where(told, (made["t0"] - phase) // step + 1, first)
    last = -((phase - np.minimum(made["t1"], end)) // step)
    count = np.maximum(0, last - first) + told
    segment = np.repeat(np.arange(len(made)), count)
    before = np.cumsum(count) - count
    base = phase + (first - told - before) * step
    t = np.repeat(base, count) + np.arange(len(segment)) * np.repeat(step, count)
    t[before[told]] = made["t0"][told]
    owner = np.repeat(lift, count)
    slot = t // np.repeat(fleet.slow_ms[lift], count)
    slow = np.zeros(len(t), np.bool_)
    slow[1:] = (slot[1:] != slot[:-1]) & (owner[1:] == owner[:-1])
    place = places(mix(owner, t, seed))
    received = t + _delay(fleet, owner, t, start, end, seed)
    moved = uniform(place, 1) < fleet.reorder[owner]
    behind = (uniform(place, 2) * 1.5 + 1.0) * fleet.period_ms[owner]
    received += np.where(moved, behind + 300, 0).astype(np.int64)
    return Moments(segment, t, received, place, slow, np.zeros(len(t), np.bool_))


def _delay(fleet: Fleet, lift: I64, t: I64, start: int, end: int, seed: int) -> I64:
    first = start // _NODE_MS
    nodes = np.arange(first, end // _NODE_MS + 2)
    gateways = np.arange(len(fleet.gateway_dialects))
    grid = mix(np.repeat(gateways, len(nodes)), np.tile(nodes, len(gateways)), seed + 7)
    table = uniform(places(grid), 5).reshape(len(gateways), len(nodes))
    gateway = fleet.gateway[lift]
    node = t // _NODE_MS
    part = (t - node * _NODE_MS) / _NODE_MS
    cell = gateway * len(nodes) + (node - first)
    flat = table.ravel()
    share = flat[cell] * (1.0 - part) + flat[cell + 1] * part
    lo, hi = fleet.delay_lo[lift], fleet.delay_hi[lift]
    found: I64 = (lo + (hi - lo) * share).astype(np.int64)
    return found


def repeats(fleet: Fleet, made: Segments, found: Moments) -> tuple[I64, I64]:
    """Return which samples come a second time, and when (ms): some seconds after the first."""
    lift = made["lift"][found.segment]
    twice = np.flatnonzero(uniform(found.place, 3) < fleet.repeat[lift])
    after = (500 + 4000 * uniform(found.place[twice], 4)).astype(np.int64)
    return twice, found.received[twice] + after


def clock_table(fleet: Fleet, hour: int) -> I64:
    """Return int64[2, lifts]: device clock minus time, ms, in the hour before and in this one."""
    hours = np.array([hour - 1, hour])
    saw = np.abs((hours + 84) % _CLOCK_WEEK - 84)  # h: to and fro, so that time never jumps
    drift: F64 = saw[:, None] * HOUR_MS * fleet.clock_drift
    return (fleet.clock_ms + drift).astype(np.int64)
