"""Signs of people since the door last opened: what belief about the car rests on.

People get in and out through an open door only, so a door opening ends every sign from before
it. What a sensor said while the door was shut stands until then, also when it says so no more:
a camera loses who sits down in a corner, a light barrier who stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn
from monitor.detector.fleet import Rows, Times
from monitor.detector.reading import CLOSING, OPENING
from monitor.detector.step import Mask, Memory, Step
from monitor.detector.table import NEVER, Table

# A door opens, lets people out and closes in less, where nobody looks; but who reports by change
# and is heard of only every period_s would have told it.
UNSEEN_MS: Final = 20_000
UNSEEN_PERIODS: Final = np.float32(1_200)  # ms for a period of one second
STEADY_MS: Final = 3_000  # a shorter sight of somebody may be a flicker
# A sensor may hold on to somebody who has left: only what it says later than this after the
# door closed is a sight of somebody inside.
LAG_MS: Final = 10_000
INSPECTION: Final = 2  # service_mode
SENSORS: Final = ("passenger", "people")
SIGNS: Final = ("call", "alarm", "travel")

MEMORY = Memory(
    times=(
        "call_edge", "call", "alarm_edge", "alarm", "shut", "travel", "door_works",
        *(f"{name}_{what}" for name in SENSORS for what in ("since", "seen")),
    ),
)  # fmt: skip
COLUMNS: Mapping[str, DerivedColumn] = {}


def advance(s: Step) -> None:
    """Move the signs of k lifts by one sample each; before the part that remembers the door."""
    opens = s.now.opened & (s.m["door_open"] != 1)
    longest = np.fmax(UNSEEN_PERIODS * s.registry["period_s"], np.float32(UNSEEN_MS))
    unseen = s.unseen_ms > longest
    _door(s, opens, unseen)
    _buttons(s, opens, unseen)
    for name in SENSORS:
        _sight(s, name, opens, unseen)


def opened_before(times: Table[np.int64], rows: Rows, at: Times) -> None:
    """A sample that younger ones overtook says that the door stood open, rows int32[k], at
    int64[k] when. What told of people before it ends, as if it had come in its turn.
    """
    held = times.data[rows]
    for sign in SIGNS:
        column = held[:, times.index[sign]]
        column[column <= at] = NEVER
    shut = held[:, times.index["shut"]]
    shut[:] = np.where((shut != NEVER) & (shut < at), at, shut)
    for name in SENSORS:
        seen = held[:, times.index[f"{name}_seen"]]
        seen[seen <= at + LAG_MS] = NEVER
    times.data[rows] = held


def _door(s: Step, opens: Mask, unseen: Mask) -> None:
    """Since when it is known to be shut, whether the car has run since, since when it works."""
    t, at, now = s.t, s.at, s.now
    unset = t["shut"] == NEVER
    t.assign("shut", now.shut & (unset | unseen), at)
    t.assign("shut", ~(now.shut | unset), NEVER)
    t.assign("travel", opens, NEVER)
    t.assign("travel", now.runs & ~now.opened, at)
    state = s.u.new["door_state"]
    works = (state == CLOSING) | (state == OPENING)
    unset = t["door_works"] == NEVER
    t.assign("door_works", works & (unset | (state != s.u.old["door_state"])), at)
    t.assign("door_works", ~(works | unset), NEVER)


def _buttons(s: Step, opens: Mask, unseen: Mask) -> None:
    """A call or an alarm counts from the moment its signal rose, so a stuck button fades away.

    A call from before a silence ends with it where a sensor now says that nobody is inside: the
    door may have opened unseen. An alarm does not: somebody has to look.
    """
    for sign, channel in (("call", "car_call"), ("alarm", "alarm_button")):
        on, signs = s.u.new[channel] == 1, s.t[sign]
        some = np.flatnonzero(on | (signs != NEVER))  # where nothing stands nothing changes
        if not len(some):
            continue
        on, at, edges = on[some], s.at[some], s.t[f"{sign}_edge"]
        kept, edge = signs[some], edges[some]
        if sign == "call":
            blind = unseen[some] & _says_empty(s, some)
            kept, edge = np.where(blind, NEVER, kept), np.where(blind, NEVER, edge)
        rises = on & (s.u.old[channel][some] != 1)
        edge = np.where(rises, at, edge)
        opened = s.now.opened[some]
        if sign == "alarm":  # who presses it in an open door can walk out; a mechanic tests it
            tests = opened | (s.u.new["service_mode"][some] == INSPECTION)
            edge, rises = np.where(on & tests, NEVER, edge), rises & ~tests
        kept = np.where(opens[some], NEVER, kept)
        s.t.edit(sign)[some] = np.where(rises | (on & ~opened), edge, kept)
        s.t.edit(f"{sign}_edge")[some] = edge


def _says_empty(s: Step, some: NDArray[np.intp]) -> Mask:
    passenger, count = s.u.new["passenger"][some], s.u.new["people"][some]
    empty: Mask = ((passenger == 0) | (count == 0)) & ~(passenger == 1) & ~(count >= 1)
    return empty


def _sight(s: Step, name: str, opens: Mask, unseen: Mask) -> None:
    """When a sensor last saw somebody for STEADY_MS behind a shut door."""
    on, sinces, sights = s.u.new[name] >= 1, s.t[f"{name}_since"], s.t[f"{name}_seen"]
    some = np.flatnonzero(on | (sinces != NEVER) | (sights != NEVER))
    if not len(some):
        return
    on, at, since = on[some], s.at[some], sinces[some]
    since = np.where(on, np.where(since == NEVER, at, since), NEVER)
    steady = on & (at - since >= STEADY_MS)
    steady &= s.now.shut[some] & (at - s.t["shut"][some] >= LAG_MS)
    lost = opens[some] | (unseen[some] & ~on)
    seen = np.where(lost, NEVER, sights[some])
    s.t.edit(f"{name}_since")[some] = since
    s.t.edit(f"{name}_seen")[some] = np.where(steady, at, seen)
