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
from monitor.detector.reading import CLOSING, OPENING
from monitor.detector.step import Mask, Memory, Step
from monitor.detector.table import NEVER

UNSEEN_MS: Final = 20_000  # a door opens, lets people out and closes in less
STEADY_MS: Final = 3_000  # a shorter sight of somebody may be a flicker
# A sensor may hold on to somebody who has left: only what it says later than this after the
# door closed is a sight of somebody inside.
LAG_MS: Final = 10_000
INSPECTION: Final = 2  # service_mode
SENSORS: Final = ("passenger", "people")

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
    _door(s, opens)
    _buttons(s, opens)
    _sights(s, opens)


def _door(s: Step, opens: Mask) -> None:
    """Since when it is shut, whether the car has run since, since when the door works."""
    t, now = s.t, s.now
    turned = (now.shut != (t["shut"] != NEVER)).nonzero()[0]
    if len(turned):
        t.edit("shut")[turned] = np.where(now.shut[turned], s.at[turned], NEVER)
    t.assign("travel", opens, NEVER)
    t.assign("travel", now.rides, s.at)
    state = s.u.new["door_state"]
    works = (state == CLOSING) | (state == OPENING)
    turned = (works != (t["door_works"] != NEVER)) | (works & (state != s.u.old["door_state"]))
    some = turned.nonzero()[0]
    if len(some):
        t.edit("door_works")[some] = np.where(works[some], s.at[some], NEVER)


def _buttons(s: Step, opens: Mask) -> None:
    """A call or an alarm counts from the moment its signal rose, so a stuck button fades away.

    A call from before a silence ends with it where a sensor now says that nobody is inside: the
    door may have opened unseen. An alarm does not: somebody has to look.
    """
    for sign, channel in (("call", "car_call"), ("alarm", "alarm_button")):
        on, signs = s.u.new[channel] == 1, s.t[sign]
        some = (on | (signs != NEVER)).nonzero()[0]  # where nothing stands nothing changes
        if not len(some):
            continue
        on, at, edges = on[some], s.at[some], s.t[f"{sign}_edge"]
        kept, edge = signs[some], edges[some]
        if sign == "call":
            blind = s.unseen_ms[some] > UNSEEN_MS
            if np.count_nonzero(blind):
                blind &= _says_empty(s, some)
                kept[blind] = edge[blind] = NEVER
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


def _sights(s: Step, opens: Mask) -> None:
    """When each sensor last saw somebody for STEADY_MS behind a shut door."""
    sees = np.array([s.u.new[name] for name in SENSORS]) >= 1
    since, seen = s.t.stack(_SINCE), s.t.stack(_SEEN)
    which, i = (sees | (since != NEVER) | (seen != NEVER)).nonzero()
    if not len(i):
        return
    s.t.edited.update(_SINCE, _SEEN)
    on, at, began = sees[which, i], s.at[i], since[which, i]
    began = np.where(on, np.where(began == NEVER, at, began), NEVER)
    steady = on & (at - began >= STEADY_MS)
    steady &= s.now.shut[i] & (at - s.t["shut"][i] >= LAG_MS)
    lost = opens[i] | ((s.unseen_ms[i] > UNSEEN_MS) & ~on)
    since[which, i] = began
    seen[which, i] = np.where(steady, at, np.where(lost, NEVER, seen[which, i]))


_SINCE, _SEEN = (tuple(f"{name}_{what}" for name in SENSORS) for what in ("since", "seen"))
