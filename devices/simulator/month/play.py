"""One lift's part in an event: verbs that write segments, messages and labels, one after another.

An event takes over a lift at a moment of its ordinary day, with whoever is in it, and gives it
back at a landing, empty and shut. Events are few, so they are ordinary Python.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from devices.batch import STATE_OFF, STATE_ON, STATE_ONCE
from devices.simulator.month.dialects import Dialect
from devices.simulator.month.fleet import Fleet
from devices.simulator.month.segments import (
    CLOSED,
    CLOSING,
    OPEN,
    OPENING,
    PULL,
    REST,
    RIDE,
    SCRIPTED,
    Segments,
    blank,
    motion,
)
from devices.simulator.month.window import Told

_STATE: Final = (
    "people", "mass", "call", "alarm", "mode", "chain", "power", "drive", "lost", "door", "drag",
    "effort",
)  # fmt: skip
PERSON_KG: Final = 66.0
BUFFER_M: Final = 0.5  # pit and overhead: a car gets no further than this beyond a landing


class Play:
    """The state of one car and what became of it since the cut. Times in ms of the month."""

    def __init__(self, fleet: Fleet, row: int, line: Segments, t: int, at: int) -> None:
        """Take the lift over at `t`, in segment `at` of its line."""
        one = line[at : at + 1]
        x, v, _ = motion(one, np.array([t]) - one["t0"])
        self.fleet, self.row, self.t = fleet, row, t
        self.storey, self.top = float(fleet.storey[row]), int(fleet.top[row])
        self.rated = float(fleet.rated[row])
        self.x, self.v, self.sign = float(x[0]), float(v[0]), int(one["sign"][0]) or 1
        self.state: dict[str, Any] = {name: one[name][0].item() for name in _STATE}
        self._rows: list[dict[str, Any]] = []
        self.told: list[Told] = []
        self.shocks: list[tuple[int, int, float, float]] = []

    @property
    def dialect(self) -> Dialect:
        """The vendor of this lift's device."""
        found: Dialect = self.fleet.dialects[self.row]
        return found

    @property
    def people(self) -> int:
        """How many are in the car."""
        return int(self.state["people"])

    @property
    def floor(self) -> int:
        """The nearest landing, from 0."""
        return min(self.top, max(0, round(self.x / self.storey)))

    @property
    def off(self) -> float:
        """Metres above the nearest landing."""
        return self.x - self.floor * self.storey

    def put(self, **state: Any) -> None:
        """Change the state from now on."""
        self.state |= state

    def _add(self, seconds: float, **law: Any) -> None:
        ms = max(1, round(seconds * 1000))
        self._rows.append(
            self.state | {"t0": self.t, "t1": self.t + ms, "x": self.x, "sign": self.sign} | law
        )
        self.t += ms

    def stay(self, seconds: float, **state: Any) -> None:
        """Stand still."""
        self.put(**state)
        if seconds > 0:
            self._add(seconds, law=REST)

    def stay_until(self, t: int) -> None:
        """Stand still until a moment."""
        self.stay((t - self.t) / 1000)

    def ride(self, floor: int, fastest: float | None = None, rise: float = 0.0) -> None:
        """Run to a landing (plus `rise` metres), to standstill."""
        way = floor * self.storey + rise - self.x
        length = abs(way)
        if length < 1e-3:
            return
        acc = float(self.fleet.acc[self.row])
        peak = min(fastest or self.rated, (length * acc) ** 0.5)
        self.sign = 1 if way > 0 else -1
        self.put(drive=1)
        self._add(peak / acc + length / peak, law=RIDE, length=length, peak=peak, ramp=peak / acc)
        self.x, self.v = self.x + way, 0.0
        self.put(drive=0)

    def ride_part(self, floor: int, share: float) -> None:
        """Run towards a landing and be interrupted at a share of the time, still moving."""
        self.ride(floor)
        row = self._rows[-1]
        whole = row["t1"] - row["t0"]
        self.t = row["t1"] = row["t0"] + max(1, int(whole * share))
        one = self._made([row])
        x, v, _ = motion(one, one["t1"] - one["t0"])
        self.x, self.v = float(x[0]), float(v[0])
        self.put(drive=1)

    def pull(self, seconds: float, acc: float) -> None:
        """Move on for seconds under a constant acceleration (up positive)."""
        self.sign = 1 if self.v + acc * seconds >= 0 else -1
        self._add(seconds, law=PULL, peak=self.v, ramp=acc)
        self.x += self.v * seconds + 0.5 * acc * seconds * seconds
        self.v += acc * seconds

    def brake(self, decel: float) -> None:
        """The brake falls: to standstill at a constant deceleration, at the latest on buffers."""
        self.put(drive=0)
        room = (self.top * self.storey - self.x if self.v > 0 else self.x) + BUFFER_M
        decel = max(decel, self.v * self.v / (2 * max(room, 0.05)))
        if abs(self.v) > 1e-6:
            self.pull(abs(self.v) / decel, -decel if self.v > 0 else decel)
        self.v = 0.0

    def open(self, slow: float = 1.0, keep: bool = False) -> None:
        """Open the door, if it is not; the call is answered, unless others are to be kept."""
        if not keep:
            self.put(call=0)
        if self.state["door"] != OPEN:
            self.stay(float(self.fleet.open_s[self.row]) * slow, door=OPENING)
            self.put(door=OPEN)

    def close(self, share: float = 1.0) -> None:
        """Close the door, or only a share of the way."""
        self.stay(float(self.fleet.close_s[self.row]) * share, door=CLOSING)
        if share >= 1.0:
            self.put(door=CLOSED)

    def leave(self) -> None:
        """Everybody walks out of the open door; what they had pressed stays lit."""
        if self.people:
            self.stay(1.0 + 1.1 * self.people)
        self.put(people=0, mass=0.0)
        self.stay(1.5)

    def board(self, people: int, call: int = 1) -> None:
        """So many walk in and press a button, or none."""
        self.stay(1.0 + 1.1 * people)
        self.put(people=people, mass=people * PERSON_KG, call=call)
        self.stay(1.5)

    def carry_on(self) -> None:
        """What was pressed is served: the door shuts, the car rides, everybody gets out."""
        if self.state["door"] != CLOSED:
            self.close()
        self.stay(0.7)
        self.ride(self.top if self.floor < (self.top + 1) / 2 else 0)
        self.freed()

    def press(self, seconds: float) -> None:
        """Somebody presses the alarm button; the controller filters the first second."""
        begun = self.t
        self.stay(seconds, alarm=1)
        self.put(alarm=0)
        if seconds >= 1.0:
            self.told.append(Told(self.row, begun + 1000, 90, STATE_ON))
            self.told.append(Told(self.row, self.t, 90, STATE_OFF))

    def tell(self, code: int, state: int = STATE_ONCE, after_s: float = 0.0) -> None:
        """The controller reports a code."""
        self.told.append(Told(self.row, self.t + round(after_s * 1000), code, state))

    def fault(self, code: int, after_s: float = 0.0) -> None:
        """The controller reports that a fault has come."""
        self.tell(code, STATE_ON, after_s)

    def over(self, code: int) -> None:
        """The controller reports that a fault has gone."""
        self.tell(code, STATE_OFF)

    def shock(self, high: float, low: float) -> None:
        """The acceleration sensor keeps these extremes for its next sample, m/s² with gravity."""
        self.shocks.append((self.row, self.t, high, low))

    def freed(self) -> None:
        """The car is at a landing: the door opens, all leave, the door shuts, all is well."""
        self.put(mode=1, chain=0, power=0, lost=0, drag=1.0, effort=0.0, alarm=0)
        self.open()
        self.leave()
        self.close()

    def to_level(self, speed: float = 0.25) -> None:
        """Creep to the nearest landing (by hand, by rescue device, by correction run)."""
        self.ride(self.floor, fastest=speed)

    def _made(self, rows: list[dict[str, Any]]) -> Segments:
        made = blank(len(rows))
        made["lift"], made["part"] = self.row, SCRIPTED
        for name in (*_STATE, "t0", "t1", "x", "sign"):
            made[name] = [row[name] for row in rows]
        for name in ("law", "length", "peak", "ramp"):
            made[name] = [row.get(name, 0) for row in rows]
        return made

    def segments(self) -> Segments:
        """Return what was written."""
        return self._made(self._rows)

    def off_to(self, floor: int) -> float:
        """Metres from here up to a landing."""
        return floor * self.storey - self.x
