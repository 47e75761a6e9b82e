"""When what goes wrong in the demo district: seeded, calm, but never dull.

The first thing is somebody trapped between floors about eleven seconds after the start, so that
a newcomer sees the whole way of an alert at once; then a mixed schedule of faults and near
misses, on the average one every `MEAN_GAP_S` at intensity 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from config.text import Text
from devices.simulator.cars import IDLE
from devices.simulator.errors import SimulatorError
from devices.simulator.world import World

MEAN_GAP_S: Final = 45.0
FIRST_AT_S: Final = 9.5  # the brake falls a second or two later, between two floors
FIRST_LEAD_S: Final = 45.0
QUIET_S: Final = 40.0  # after the first, so that it can be watched
MOST_AT_ONCE: Final = 0.03  # share of lifts with something going on


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the schedule: a fault, how often beside the others, for how long."""

    fault: str
    weight: float
    for_s: tuple[float, float]
    riding: bool = False  # prefer a lift that is under way with people right now


SCHEDULE: Final = (
    Entry("trap_between_floors", 3.0, (200, 420), riding=True),
    Entry("trap_at_level", 2.0, (200, 360), riding=True),
    Entry("alarm_button", 1.5, (4, 8), riding=True),
    Entry("stopped_outside_zone", 1.2, (120, 300)),
    Entry("door_close_fault", 2.0, (120, 240)),
    Entry("door_open_fault", 0.7, (60, 120)),
    Entry("repeated_door_cycles", 1.5, (60, 60)),
    Entry("safety_chain_open", 1.0, (60, 240)),
    Entry("safety_chain_running", 0.5, (60, 240)),
    Entry("prevent_restart", 0.7, (120, 240)),
    Entry("motor_limiter", 0.5, (120, 240)),
    Entry("position_lost", 0.7, (100, 240)),
    Entry("door_opens_while_running", 0.4, (5, 8), riding=True),
    Entry("starts_with_door_open", 0.2, (240, 400)),
    Entry("unintended_movement", 0.2, (240, 400)),
    Entry("overspeed", 0.3, (200, 300)),
    Entry("impact", 0.2, (200, 300), riding=True),
    Entry("overtravel_top", 0.3, (200, 300)),
    Entry("overtravel_bottom", 0.3, (200, 300)),
    Entry("hard_stops", 0.5, (4, 4)),
    Entry("power_cut", 0.5, (120, 300)),
    Entry("fire_service", 0.4, (120, 240)),
    Entry("device_offline", 1.0, (120, 300)),
    Entry("gateway_offline", 0.2, (120, 240)),
    Entry("stuck_sensor", 0.5, (120, 300)),
    Entry("impossible_jump", 0.3, (60, 120)),
    Entry("worn_door", 0.4, (3600, 7200)),
    Entry("rising_vibration", 0.4, (3600, 7200)),
    Entry("short_stop", 2.0, (20, 25), riding=True),
    Entry("slow_door", 1.5, (25, 40), riding=True),
    Entry("door_held", 2.0, (25, 40)),
    Entry("two_failed_closings", 1.0, (20, 20)),
    Entry("four_door_cycles", 1.0, (20, 20)),
    Entry("button_brush", 1.0, (0.25, 0.25), riding=True),
    Entry("one_hard_stop", 0.8, (4, 4)),
    Entry("power_blink", 0.8, (12, 18), riding=True),
    Entry("short_empty_stop", 0.8, (15, 27)),
    Entry("chain_blink", 1.0, (2, 4)),
    Entry("short_restart_block", 0.6, (20, 40)),
    Entry("level_overrun", 0.6, (5, 5)),
    Entry("relevelling", 0.8, (5, 5)),
    Entry("a_little_fast", 0.6, (5, 5)),
    Entry("jumping", 0.8, (3, 5), riding=True),
    Entry("short_silence", 1.5, (20, 40)),
    Entry("mechanic_visit", 1.5, (300, 900)),
)


class Plan:
    """Injects faults into a world as its time goes by."""

    def __init__(
        self, seed: int, start_ms: int, intensity: float = 1.0, first_trap: bool = True
    ) -> None:
        """`start_ms`: when people begin to watch. intensity 0: nothing but the first trap.

        Raises SimulatorError for an intensity outside 0..100.
        """
        if not 0.0 <= intensity <= 100.0:
            way_out = Text("应在 0 到 100 之间", "must be within 0..100")
            raise SimulatorError("intensity", intensity, way_out)
        self._rng = np.random.default_rng([seed, 77])
        self._intensity = intensity
        self._first_ms: int | None = None
        if first_trap:
            self._first_ms = start_ms + int(FIRST_AT_S * 1000)
        self._next_ms = start_ms + int(QUIET_S * 1000) + self._gap_ms()
        weights = np.array([entry.weight for entry in SCHEDULE])
        self._shares = weights / weights.sum()
        self.injected = 0

    def _gap_ms(self) -> int:
        if not self._intensity:
            return 1 << 50
        return int(self._rng.exponential(MEAN_GAP_S / self._intensity) * 1000) + 1

    def step(self, world: World) -> None:
        """Start whatever is due at the world's present time. Call it about once a second."""
        first = self._first_ms
        if first is not None and world.now_ms >= first - int(FIRST_LEAD_S * 1000):
            self._first_ms = None
            self._trap(world, first)
        while world.now_ms >= self._next_ms:
            self._next_ms += self._gap_ms()
            if len(world.jobs) < max(2, MOST_AT_ONCE * world.cars.n * self._intensity):
                self._something(world)

    def _trap(self, world: World, at_ms: int) -> None:
        """Two people, a high building, and a car that waits at the end of its shaft."""
        rows = world.candidates("trap_between_floors")
        if not len(rows):
            return
        cars = world.cars
        travel = cars.top[rows] * cars.storey[rows] / cars.rated[rows]
        ready = (cars.phase[rows] == IDLE) & (cars.people[rows] == 0)
        ready &= (cars.level[rows] == 0) | (cars.level[rows] == cars.top[rows])
        # of the firm whose account the demo prints, so that its page is not empty
        lifts = world.registry
        home = min(lift.maintenance for lift in lifts.lifts)
        own = np.array([lifts.lift(int(row)).maintenance == home for row in rows])
        row = int(rows[np.argmax(np.minimum(travel, 60.0) + 100.0 * ready + 80.0 * own)])
        world.inject("trap_between_floors", row, at_ms=at_ms, people=2, for_s=300.0)
        self.injected += 1

    def _something(self, world: World) -> None:
        entry = SCHEDULE[int(self._rng.choice(len(SCHEDULE), p=self._shares))]
        seconds = float(self._rng.uniform(*entry.for_s))
        draw = float(self._rng.random())
        rows = world.candidates(entry.fault, riding=entry.riding)
        if entry.riding and not len(rows):
            rows = world.candidates(entry.fault)
        if len(rows):
            world.inject(entry.fault, int(rows[int(draw * len(rows))]), for_s=seconds)
            self.injected += 1
