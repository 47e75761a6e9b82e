"""What no single sample shows: trips, door cycles, hard stops, movement with an open door.

`advance` moves the memory of k lifts by one sample each. Limits are domain defaults (o) of
domain.md 6 unless a source is named.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import (
    DerivedColumn,
    count,
    mark,
    number,
    recent,
    seconds_since,
    truth,
)
from monitor.detector.fleet import Update
from monitor.detector.reading import CLOSING, OPEN, OPENING, STANDSTILL, Now
from monitor.detector.step import Memory, Step
from monitor.detector.table import NEVER, Block

Values = NDArray[np.float32]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEVELLING = np.float32(0.3)  # m/s; EN 81-20 5.12.1.4: re-levelling with the door open
RAN_OPEN = np.float32(0.1)  # m/s, rule 7
FAST = np.float32(1.0)  # m/s, rule 19
HALT = np.float32(0.1)  # m/s, rule 19
HARD_WITHIN_MS = 4_000  # rule 19
HARD = np.float32(1.5)  # m/s²; GB/T 10058 3.3.2: largest deceleration of a normal ride
# A door that opens again and again by itself does so at its own pace, 10 to 20 s a cycle; who
# works at it or cleans the car takes longer. After a longer pause cycles are counted anew.
CYCLE_PAUSE_MS = 30_000
FLOOR_M = np.float32(2.2)  # lowest storey height, for impossible jumps of position
RACE = np.float32(1.3)  # × rated speed, for impossible jumps of position
FLAT_SPEED = np.float32(0.3)  # m/s; while faster than this an analog channel is noisy
MOVING, DOOR = ("car_status", "speed"), ("door_closed", "door_state")
FLAT_MOST = np.float32(10_000)
RAN_OPEN_MS = 2_000  # rule 7
FAILED_CLOSE_MS = 300_000  # rule 16
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
NORMAL = 1
BY_HAND = (2, 3, 4, 6)  # service_mode: inspection, fire return, firefighter, seismic

MEMORY = Memory(
    times=(
    "moved", "position", "cycle",
    "ran_open", "fast", "stop1", "stop2", "stop3", "close1", "close2", "close3",
        "jump1", "jump2",
    ),
    marks=(
    "running", "door_open", "zone", "armed", "left_zone", "started_open", "cycles", "closing",
        "hard_stop", "flat_acc", "flat_motor", "fast_speed",
    ),
    unknown=("running", "door_open", "zone"),
)  # fmt: skip


COLUMNS: Mapping[str, DerivedColumn] = {
    "still_s": number(
        "静止时长", "time without movement", "s", seconds_since("moved"), "car_position", *MOVING
    ),
    "position_still_s": number(
        "楼层未变时长", "time at the same position", "s", seconds_since("position"), "car_position"
    ),
    "ran_with_door_open": truth(
        "2 秒内曾开门运行", "ran with the door open within 2 s",
        lambda c: (c.at_ms - c.times["ran_open"] <= RAN_OPEN_MS).astype(np.float32),
        *MOVING, *DOOR,
    ),
    "start_with_door_open": truth(
        "开门启动", "started with the door open", mark("started_open"), *MOVING, *DOOR
    ),
    "left_zone_with_door_open": truth(
        "开门离开门区", "left the door zone with the door open", mark("left_zone"), "door_zone",
        *DOOR,
    ),
    "cycles_here": count(
        "本层开关门次数", "door cycles without leaving", mark("cycles"), *DOOR
    ),
    "failed_closes": count(
        "5 分钟内关门失败次数", "failed closes in 5 min",
        recent(("close1", "close2", "close3"), FAILED_CLOSE_MS), "door_state",
    ),
    "hard_stop": truth("急停", "hard stop in this sample", mark("hard_stop"), "speed"),
    "hard_stops_day": count(
        "24 小时内急停次数", "hard stops in 24 h", recent(("stop1", "stop2", "stop3"), DAY_MS),
        "speed",
    ),
    "flat_samples": count(
        "数值不变的样本数", "samples without any noise",
        lambda c: np.maximum(c.marks["flat_acc"], c.marks["flat_motor"]), "acc_rms",
    ),
    "position_jumps": count(
        "1 小时内楼层跳变次数", "jumps of position in 1 h", recent(("jump1", "jump2"), HOUR_MS),
        "car_position",
    ),
}  # fmt: skip


def advance(s: Step) -> None:
    """Move the memory of k lifts by one sample each."""
    movement(s.u, s.now, s.at, s.t, s.m, s.registry["rated_speed"])
    doors(s.u, s.now, s.at, s.t, s.m)
    open_movement(s.u, s.now, s.at, s.t, s.m)
    hard_stops(s.now, s.at, s.t, s.m)
    flat_lines(s.u, s.now, s.m)
    s.m["running"], s.m["door_open"] = s.now.running, s.now.door_open
    s.m["zone"] = s.u.new["door_zone"]


def movement(
    u: Update, now: Now, at: Times, t: Block[np.int64], m: Block[np.float32], rated: Values
) -> None:
    """Remember when the car last moved, and jumps of position no car can make.

    A jump: floors · 2.2 m > 1.3 · rated speed · time since the last position + 2 floors.
    """
    here, before = u.new["car_position"], u.old["car_position"]
    changes = u.have["car_position"] & (here != before)
    moves = changes & ~np.isnan(before)
    first = t["moved"] == NEVER
    t.assign("moved", first | moves | now.runs, at)
    t.assign("position", changes, at)
    anew = moves | (now.runs & ~now.opened)
    mode = u.new["service_mode"]
    odd = (mode > NORMAL).nonzero()[0]
    if len(odd):
        anew[odd] |= np.isin(mode[odd], BY_HAND)  # a mechanic's door cycles are no fault
    m.assign("cycles", anew & (m["cycles"] != 0), 0)
    if moves.any():
        seconds = (at - u.position_at).astype(np.float32) / np.float32(1000)
        reach = RACE * rated * seconds + 2 * FLOOR_M
        jumps = moves & (np.abs(here - before) * FLOOR_M > reach)
        push(t, ("jump1", "jump2"), jumps, at)


def doors(u: Update, now: Now, at: Times, t: Block[np.int64], m: Block[np.float32]) -> None:
    """Count door cycles at one floor, and closings that turned into openings."""
    closes = now.shut & (m["door_open"] == 1)
    some = closes.nonzero()[0]
    if len(some):
        soon = at[some] - t["cycle"][some] <= CYCLE_PAUSE_MS
        counted = np.where(soon, m["cycles"][some] + 1, 1)
        m.edit("cycles")[some] = np.minimum(counted, 100)
        t.edit("cycle")[some] = at[some]
    state = u.new["door_state"]
    reopens = (m["closing"] == 1) & ((state == OPENING) | (state == OPEN))
    push(t, ("close1", "close2", "close3"), reopens, at)
    fails = (now.shut & (t["close1"] != NEVER)).nonzero()[0]
    if len(fails):  # a door that closes after all is no failure
        for slot in ("close1", "close2", "close3"):
            t.edit(slot)[fails] = NEVER
    was, closing = m["closing"] == 1, state == CLOSING
    m.assign("closing", was & ~closing & (reopens | now.shut), 0)
    m.assign("closing", closing & ~was, 1)


def open_movement(u: Update, now: Now, at: Times, t: Block[np.int64], m: Block[np.float32]) -> None:
    """Movement with the door open: started, left the zone, ran. See rules 6, 7 and 8.

    armed: has stood in the zone with the door open or unlocked, and has not been safe since.
    """
    unsafe = now.opened | (u.new["landing_locked"] == 0)
    leaves = (m["armed"] == 1) & now.out_of_zone & (m["zone"] == 1) & unsafe
    m["left_zone"] = leaves | ((m["left_zone"] == 1) & unsafe & ~now.in_zone)
    stood = unsafe & now.in_zone & ~now.runs
    m["armed"] = stood | ((m["armed"] == 1) & unsafe)
    starts = now.runs & (m["running"] == 0) & now.opened
    # a stop between two samples: it stood, its drive still on, with the door open, and now moves
    moves = now.runs & now.opened & (m["door_open"] == 1) & (now.speed > LEVELLING)
    starts |= moves & (np.abs(u.old["speed"]) < STANDSTILL)
    m["started_open"] = starts | ((m["started_open"] == 1) & now.runs & now.opened)
    levelling = now.in_zone & (now.speed <= LEVELLING)
    ran = now.runs & now.opened & (now.speed > RAN_OPEN) & ~levelling
    t.assign("ran_open", ran, at)


def hard_stops(now: Now, at: Times, t: Block[np.int64], m: Block[np.float32]) -> None:
    """>1 m/s → <0.1 m/s within 4 s, faster than a normal ride brakes or outside a door zone."""
    fast = now.speed > FAST
    within = (at - t["fast"]) <= HARD_WITHIN_MS
    halts = within & (now.speed < HALT) & ~now.runs
    m.assign("hard_stop", m["hard_stop"] != 0, 0)
    if halts.any():
        seconds = (at - t["fast"]).astype(np.float32) / np.float32(1000)
        braked = (m["fast_speed"] - now.speed) > HARD * seconds
        hard = halts & (braked | now.out_of_zone)
        m["hard_stop"] = hard
        push(t, ("stop1", "stop2", "stop3"), hard, at)
    t.assign("fast", halts, NEVER)
    t.assign("fast", fast, at)
    m.assign("fast_speed", fast, now.speed)


def flat_lines(u: Update, now: Now, m: Block[np.float32]) -> None:
    """Count samples of a running car whose noisy channels do not change by a single bit."""
    moving = now.runs & (now.speed > FLAT_SPEED)
    for slot, channel in (("flat_acc", "acc_rms"), ("flat_motor", "motor_current")):
        if channel not in u.have.columns:
            continue
        looked = moving & u.have[channel]
        same = u.new[channel] == u.old[channel]
        m.assign(slot, looked & ~same & (m[slot] != 0), 0)
        some = (looked & same).nonzero()[0]
        if len(some):
            m.edit(slot)[some] = np.minimum(m[slot][some] + 1, FLAT_MOST)


def push(t: Block[np.int64], slots: tuple[str, ...], happened: Mask, at: Times) -> None:
    """Keep the latest times of an event, newest in the first slot."""
    some = happened.nonzero()[0]
    if not len(some):
        return
    for older, newer in zip(reversed(slots), [*reversed(slots[:-1]), ""], strict=True):
        t.edit(older)[some] = (t[newer] if newer else at)[some]
