from __future__ import annotations

import pytest

from devices.registry import Registry
from devices.simulator.errors import SimulatorError
from devices.simulator.faults import CATALOGUE
from devices.simulator.plan import SCHEDULE, Plan
from devices.simulator.publisher import make_world, run_to
from devices.vocabulary import Vocabulary
from tests.devices.simulator.conftest import MORNING_MS

NIGHT_MS = MORNING_MS + 18 * 3_600_000


@pytest.mark.parametrize(("seed", "start_ms"), [(2012, MORNING_MS), (1, NIGHT_MS), (7, MORNING_MS)])
def test_somebody_is_trapped_ten_to_twelve_seconds_after_the_start(
    registry: Registry, vocab: Vocabulary, seed: int, start_ms: int
) -> None:
    plan = Plan(seed, start_ms)
    world = make_world(registry, vocab, seed, start_ms, plan)
    assert world.now_ms == start_ms and world.labels == []
    run_to(world, plan, start_ms + 30_000)
    (label,) = world.labels
    assert (label.rule, label.people) == ("1", 2)
    assert 10_000 <= label.start_ms - start_ms <= 12_500


def test_the_schedule_is_mixed_seeded_and_calm(registry: Registry, vocab: Vocabulary) -> None:
    def faults(intensity: float, seconds: int = 300) -> list[tuple[str, int]]:
        plan = Plan(2012, MORNING_MS, intensity)
        world = make_world(registry, vocab, 2012, MORNING_MS, plan)
        run_to(world, plan, MORNING_MS + seconds * 1000)
        return [(label.fault, label.start_ms) for label in world.labels]

    calm = faults(1.0)
    assert 3 <= len(calm) <= 20
    assert calm == faults(1.0)
    assert [fault for fault, _ in faults(0.0, 100)] == ["trap_between_floors"]


def test_the_plan_is_the_same_in_whatever_pieces(house: Registry, vocab: Vocabulary) -> None:
    def faults(piece_ms: int) -> list[tuple[str, int]]:
        plan = Plan(4, MORNING_MS, 3.0, first_trap=False)
        world = make_world(house, vocab, 4, MORNING_MS, plan)
        while world.now_ms < MORNING_MS + 400_000:
            run_to(world, plan, world.now_ms + piece_ms)
        return [(label.fault, label.start_ms) for label in world.labels]

    whole = faults(400_000)
    assert len(whole) >= 3
    assert faults(250) == whole


def test_faults_and_near_misses_share_the_schedule() -> None:
    near = sum(entry.weight for entry in SCHEDULE if CATALOGUE[entry.fault].rule is None)
    share = near / sum(entry.weight for entry in SCHEDULE)
    assert 0.3 < share < 0.6


@pytest.mark.parametrize("intensity", [-1, 101, float("nan")])
def test_intensity_has_bounds(intensity: float) -> None:
    with pytest.raises(SimulatorError, match=r"0\.\.100"):
        Plan(1, MORNING_MS, intensity)
