"""Doors and the people who go through them, one at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.simulator.cars import (
    CLOSING,
    IDLE,
    JAM_OPEN,
    JAM_SHUT,
    OPEN,
    OPENING,
    Bool,
    Cars,
    Rows,
)
from devices.simulator.drive import ONE
from devices.simulator.traffic import Traffic

PERSON_S: Final = 1.0  # one person through the door
REACT_S: Final = 0.8  # from door open to the first person
NUDGE_AFTER: Final = 2  # re-openings after which the door closes without waiting for latecomers
JAM_AT: Final = 0.25  # a door that will not close stops here and turns back


class Doors:
    """Moves all doors and lets people out and in."""

    def __init__(self, cars: Cars, traffic: Traffic, rng: np.random.Generator) -> None:
        self._cars, self._traffic, self._rng = cars, traffic, rng

    def step(self, dt: float) -> None:
        """Advance doors and boarding by `dt` seconds. Without power nothing moves."""
        cars = self._cars
        phase = cars.phase
        rows = np.flatnonzero((phase >= OPENING) & (phase <= CLOSING))
        if not len(rows):
            return
        now = phase[rows]
        power = ~cars.no_power[rows] | cars.driving[rows]
        opening, closing = rows[(now == OPENING) & power], rows[(now == CLOSING) & power]
        opened = rows[now == OPEN]  # people walk out of an open car even in the dark
        if len(opening):
            self._open(opening, dt)
        if len(opened):
            self._stand_open(opened)
        if len(closing):
            self._close(closing, dt)

    def _open(self, rows: Rows, dt: float) -> None:
        cars = self._cars
        # a car that arrived in this very step has not yet come to rest for its door
        rows = rows[(cars.jam[rows] != JAM_SHUT) & (cars.clock[rows] > 0.0)]
        pace = dt / (cars.open_s[rows] * np.sqrt(cars.door_drag[rows]))
        cars.door[rows] = np.minimum(cars.door[rows] + pace, 1.0)
        wide = rows[cars.door[rows] >= 1.0]
        cars.phase[wide], cars.clock[wide] = OPEN, 0.0
        cars.next_person_s[wide] = REACT_S
        cars.openings[wide] += 1
        self._clear(wide)

    def _clear(self, rows: Rows) -> None:
        """Put out the calls of the landing where the doors are open."""
        cars = self._cars
        here = ONE << cars.level[rows].astype(np.uint64)
        cars.car_calls[rows] &= ~here
        cars.hall_calls[rows] &= ~here

    def _stand_open(self, rows: Rows) -> None:
        cars = self._cars
        clock = cars.clock[rows]
        due = rows[clock >= cars.next_person_s[rows]]
        if len(due):
            self._exchange(due)  # puts off the next person, and with that the closing
        quiet = clock >= np.maximum(cars.dwell_s[rows], cars.next_person_s[rows] + PERSON_S)
        shuts = ~(cars.held[rows] | cars.no_power[rows]) & (cars.mode[rows] != 0)
        done = rows[quiet & shuts]
        cars.phase[done], cars.clock[done] = CLOSING, 0.0

    def _exchange(self, rows: Rows) -> None:
        """Let one person out or in where somebody wants to."""
        cars = self._cars
        here = cars.level[rows]
        leave = cars.onboard[rows, here] > 0
        out = rows[leave]
        cars.onboard[out, here[leave]] -= 1
        cars.mass[out] -= cars.mass[out] / cars.people[out]
        cars.people[out] -= 1
        party = cars.party[rows] > 0
        wants = party | ((cars.waiting[rows, here] > 0) & ~cars.booked[rows])
        room = cars.people[rows] < cars.capacity[rows]
        room &= cars.mass[rows] < cars.rated_kg[rows] - 60.0
        enter = ~leave & wants & room
        self._board(rows[enter], party[enter])
        moved = rows[leave | enter]
        self._clear(moved)
        cars.next_person_s[moved] = cars.clock[moved] + PERSON_S

    def _board(self, rows: Rows, party: Bool) -> None:
        if not len(rows):
            return
        cars = self._cars
        here = cars.level[rows]
        to = np.where(party, cars.party_to[rows], self._traffic.destination(rows))
        cars.party[rows] -= party
        others = rows[~party]
        cars.waiting[others, here[~party]] -= 1
        cars.onboard[rows, to] += 1
        cars.people[rows] += 1
        cars.mass[rows] += self._traffic.mass(len(rows))
        cars.car_calls[rows] |= ONE << to.astype(np.uint64)
        cars.carried[rows] += 1

    def _close(self, rows: Rows, dt: float) -> None:
        cars = self._cars
        pace = dt / (cars.close_s[rows] * np.sqrt(cars.door_drag[rows]))
        cars.door[rows] = np.maximum(cars.door[rows] - pace, 0.0)
        here = cars.level[rows]
        late = (cars.waiting[rows, here] > 0) & ~cars.booked[rows]
        late |= cars.party[rows] > 0
        late &= (cars.people[rows] < cars.capacity[rows]) & (cars.door[rows] > 0.3)
        late &= (cars.reopened[rows] < NUDGE_AFTER) & (self._rng.random(len(rows)) < 0.6)
        stuck = (cars.jam[rows] == JAM_OPEN) & (cars.door[rows] <= JAM_AT)
        again = rows[late | stuck]
        cars.phase[again], cars.clock[again] = OPENING, 0.0
        cars.reopened[again] += 1
        shut = rows[cars.door[rows] <= 0.0]
        cars.phase[shut], cars.clock[shut] = IDLE, 0.0
        behind = cars.waiting[shut, cars.level[shut]] > 0
        left = shut[behind]
        cars.hall_calls[left] |= ONE << cars.level[left].astype(np.uint64)
