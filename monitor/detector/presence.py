"""Signs of people since the door last opened: what belief about the car rests on.

People get in and out through an open door only, so a door opening ends every sign from before
it. What a sensor said while the door was shut stands until then, also when it says so no more:
a camera loses who sits down in a corner, a light barrier who stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from monitor.detector.columns import DerivedColumn
from monitor.detector.reading import CLOSING, OPENING
from monitor.detector.step import Mask, Memory, Step
from monitor.detector.table import NEVER

UNSEEN_MS: Final = 20_000  # a door opens, lets people out and closes in less
STEADY_MS: Final = 3_000  # a shorter sight of somebody may be a flicker
# A sensor may hold on to somebody who has left: only what it says later than this after the
# door closed is a sight of somebody inside.
LAG_MS: Final = 10_000
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
    for name in SENSORS:
        _sight(s, name, opens)


def _door(s: Step, opens: Mask) -> None:
    """Since when it is shut, whether the car has run since, since when the door works."""
    t, at, now = s.t, s.at, s.now
    t["shut"] = np.where(now.shut, np.where(t["shut"] == NEVER, at, t["shut"]), NEVER)
    t["travel"] = np.where(now.runs & ~now.opened, at, np.where(opens, NEVER, t["travel"]))
    state = s.u.new["door_state"]
    works = (state == CLOSING) | (state == OPENING)
    same = works & (state == s.u.old["door_state"]) & (t["door_works"] != NEVER)
    t["door_works"] = np.where(works, np.where(same, t["door_works"], at), NEVER)


def _buttons(s: Step, opens: Mask) -> None:
    """A call or an alarm counts from the moment its signal rose, so a stuck button fades away.

    A call from before a silence ends with it where a sensor now says that nobody is inside: the
    door may have opened unseen. An alarm does not: somebody has to look.
    """
    t, u, at = s.t, s.u, s.at
    passenger, count = u.new["passenger"], u.new["people"]
    empty = ((passenger == 0) | (count == 0)) & ~(passenger == 1) & ~(count >= 1)
    blind = (s.unseen_ms > UNSEEN_MS) & empty
    for sign in ("call", "call_edge"):
        t[sign] = np.where(blind, NEVER, t[sign])
    for sign, channel in (("call", "car_call"), ("alarm", "alarm_button")):
        on = u.new[channel] == 1
        rises = on & (u.old[channel] != 1)
        edge = np.where(rises, at, t[f"{sign}_edge"])
        kept = np.where(opens, NEVER, t[sign])
        t[sign] = np.where(rises | (on & ~s.now.opened), edge, kept)
        t[f"{sign}_edge"] = edge


def _sight(s: Step, name: str, opens: Mask) -> None:
    """When a sensor last saw somebody for STEADY_MS behind a shut door."""
    t, at = s.t, s.at
    on = s.u.new[name] >= 1
    since = np.where(on, np.where(t[f"{name}_since"] == NEVER, at, t[f"{name}_since"]), NEVER)
    t[f"{name}_since"] = since
    steady = on & (at - since >= STEADY_MS) & s.now.shut & (at - t["shut"] >= LAG_MS)
    lost = opens | ((s.unseen_ms > UNSEEN_MS) & ~on)
    seen = np.where(lost, NEVER, t[f"{name}_seen"])
    t[f"{name}_seen"] = np.where(steady, at, seen)
