"""Each fault shows its signature, each near miss stays below its limit: naive eyes only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from devices.registry import Registry
from devices.simulator.errors import SimulatorError
from devices.simulator.faults import CATALOGUE
from tests.devices.simulator import signatures
from tests.devices.simulator.conftest import MORNING_MS, MakeWorld
from tests.devices.simulator.played import OWN_WORLD, Played, play

TOGETHER = [name for name in sorted(CATALOGUE) if name not in OWN_WORLD]


@pytest.fixture(scope="module")
def played(house: Registry) -> dict[str, Played]:
    found: dict[str, Played] = {}
    for first in range(0, len(TOGETHER), 5):
        found |= play(TOGETHER[first : first + 5], house)
    for name in OWN_WORLD:
        found |= play([name], house)
    return found


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_signature(name: str, played: dict[str, Played]) -> None:
    look: Callable[[Played], None] = getattr(signatures, name)
    look(played[name])


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_label_says_what_it_must(name: str, played: dict[str, Played]) -> None:
    fault, label = CATALOGUE[name], played[name].label
    assert label.rule == fault.rule and label.near == fault.near
    assert (fault.rule is None) == (label.must_ring_by_ms is None)
    assert fault.rule is not None or fault.near is not None
    assert label.end_ms is not None and label.end_ms >= label.start_ms
    if label.must_ring_by_ms is not None:
        assert label.must_ring_by_ms > label.start_ms


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_life_goes_on_afterwards(name: str, played: dict[str, Played]) -> None:
    world, row = played[name].world, max(0, played[name].label.row)
    cars = world.cars
    assert cars.permitted[row] and not cars.booked[row] and not cars.offline[row]
    assert cars.trips[row] > 0 and cars.jam[row] == 0 and not cars.held[row]


def test_help_ends_a_trap_early(house: Registry, make: MakeWorld) -> None:
    world = make(house)
    world.inject("trap_between_floors", 2, at_ms=MORNING_MS + 200_000, people=2, for_s=3600)
    world.advance(MORNING_MS + 260_000)
    (label,) = world.labels
    assert label.end_ms is None and label.people == 2
    assert world.release(house.lift(2).reg_code)
    world.advance(world.now_ms + 40_000)
    assert label.end_ms is not None and label.end_ms <= MORNING_MS + 290_000
    assert not world.release(2)


def test_what_cannot_happen_is_refused_with_the_reason(registry: Registry, make: MakeWorld) -> None:
    world = make(registry)
    with pytest.raises(SimulatorError, match=r"no_such.*trap_between_floors"):
        world.inject("no_such", 0)
    with pytest.raises(SimulatorError, match="no such lift"):
        world.inject("ride", 200)
    world.inject("ride", 0)
    with pytest.raises(SimulatorError, match="busy with: an ordinary ride"):
        world.inject("ride", 0)
    slow = int(np.argmin(world.cars.rated))
    with pytest.raises(SimulatorError, match="rated_speed"):
        world.inject("hard_stops", slow)


def test_a_fault_that_sensors_cannot_show_is_marked(registry: Registry, make: MakeWorld) -> None:
    world = make(registry)
    makes = [vendor.id for vendor in world.cars.vendors]
    blind, seeing = makes.index("heguang"), makes.index("yunzhi")
    assert not world.shows(CATALOGUE["prevent_restart"], blind)
    assert world.shows(CATALOGUE["prevent_restart"], seeing)
    assert not world.shows(CATALOGUE["repeated_door_cycles"], makes.index("xinglian") + 1)
