from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.registry import Registry
from devices.simulator.cars import RUN, G
from devices.simulator.drive import highest_bit, lowest_bit
from devices.simulator.world import STEP_MS, World
from tests.devices.simulator.conftest import MORNING_MS, MakeWorld

HOUR_MS = 3_600_000


def _steps(world: World, seconds: int) -> range:
    return range(world.now_ms + STEP_MS, world.now_ms + seconds * 1000 + 1, STEP_MS)


@pytest.mark.parametrize("hour", [0, 8, 18])
def test_the_laws_hold_in_every_step_of_ordinary_life(
    registry: Registry, make: MakeWorld, hour: int
) -> None:
    world = make(registry, seed=hour, start_ms=MORNING_MS + (hour - 9) * HOUR_MS)
    cars = world.cars
    reach = cars.top * cars.storey
    before = cars.x.copy()
    for now_ms in _steps(world, 200):
        world.advance(now_ms)
        moved = np.abs(cars.x - before)
        assert not np.any((moved > 1e-9) & (cars.door > 0)), "moved with the door open"
        assert np.all(np.abs(cars.v) <= cars.rated * (1 + 1e-9)), "faster than rated"
        assert np.all(moved <= cars.rated * STEP_MS / 1000 + 1e-6), "jumped"
        assert np.all((cars.x >= -0.05) & (cars.x <= reach + 0.05)), "left the shaft"
        assert np.all((cars.people >= 0) & (cars.people <= cars.capacity))
        assert np.array_equal(cars.people, cars.onboard.sum(axis=1))
        assert np.all((cars.mass >= 30.0 * cars.people - 1e-6) | (cars.people > 0))
        assert np.all(np.abs(cars.mass[cars.people == 0]) < 1e-6), "load without people"
        assert np.all((cars.door >= 0) & (cars.door <= 1))
        assert np.all(np.abs(cars.off_level(np.flatnonzero(cars.door > 0))) < 0.05)
        before = cars.x.copy()


def test_people_are_carried_and_nobody_is_forgotten(registry: Registry, make: MakeWorld) -> None:
    world = make(registry)
    carried, trips = world.cars.carried.copy(), world.cars.trips.copy()
    world.advance(MORNING_MS + 500_000)
    assert (world.cars.carried - carried).sum() > 400
    assert np.mean(world.cars.trips > trips) > 0.8
    stuck = (world.cars.people > 0) & (world.cars.car_calls == 0) & (world.cars.phase == 0)
    assert not stuck.any(), "somebody rides without a call"


def test_acceleration_is_what_speed_does(house: Registry, make: MakeWorld) -> None:
    """The S-curve against a naive sum: speed is the integral of a, position of v."""
    world = make(house)
    cars = world.cars
    position, speed = [], []
    for now_ms in _steps(world, 600):
        world.advance(now_ms)
        if cars.phase[0] == RUN:
            position.append(cars.x[0])
            speed.append(cars.v[0])
        elif len(position) > 12:
            break
        else:
            position, speed = [], []
    x, v = np.array(position), np.array(speed)
    mid = 0.5 * (v[1:] + v[:-1]) * STEP_MS / 1000
    assert np.allclose(np.diff(x), mid, atol=0.02)
    assert np.abs(np.diff(v)).max() <= 1.5 * cars.acc[0] * STEP_MS / 1000 + 1e-9


def test_same_seed_same_samples_in_whatever_pieces(registry: Registry, make: MakeWorld) -> None:
    whole, pieces, other = make(registry, 5), make(registry, 5), make(registry, 6)
    end_ms = MORNING_MS + 120_000
    whole.advance(end_ms)
    other.advance(end_ms)
    while pieces.now_ms < end_ms:
        pieces.advance(min(end_ms, pieces.now_ms + 1750))
    a, b, c = whole.drain(), pieces.drain(), other.drain()
    assert np.array_equal(a.lift, b.lift) and np.array_equal(a.ts_ms, b.ts_ms)
    assert np.array_equal(a.values, b.values, equal_nan=True)
    assert not np.array_equal(a.values, c.values, equal_nan=True)


def test_each_lift_has_its_own_period_and_lacks_what_its_vendor_lacks(
    registry: Registry, make: MakeWorld
) -> None:
    world = make(registry)
    world.advance(MORNING_MS + 60_000)
    batch = world.drain()
    assert np.all((batch.values >= world.vocab.lo) | np.isnan(batch.values))
    assert np.all((batch.values <= world.vocab.hi) | np.isnan(batch.values))
    whole = batch.values[:, world.vocab.integral]
    assert np.all((whole == np.rint(whole)) | np.isnan(whole))
    for row in (0, 20, 40, 60, 70, 90):
        mine = batch.lift == row
        period_ms = int(registry.lift(row).period_s * 1000)
        assert set(np.diff(batch.ts_ms[mine]).tolist()) == {period_ms}
        vendor = world.cars.vendors[row]
        said = ~np.isnan(batch.values[mine]).all(axis=0)
        for channel in world.vocab.channels:
            if channel.name in vendor.lacks:
                assert not said[channel.index]
            elif channel.name != "level_offset":
                assert said[channel.index], channel.name


def test_load_people_and_presence_agree(house: Registry, make: MakeWorld) -> None:
    world = make(house)
    world.advance(MORNING_MS + 900_000)
    batch, index = world.drain(), world.vocab.index
    people, load = batch.values[:, index("people")], batch.values[:, index("load")]
    assert np.array_equal(batch.values[:, index("passenger")], (people > 0).astype(np.float32))
    rated = np.array([lift.rated_load_kg for lift in house.lifts])[batch.lift]
    kilos = load * rated / 100
    assert np.all(load[people == 0] == 0)
    assert np.all(np.abs(kilos - 66 * people) < 40 * people + 15)


def test_traffic_follows_the_hour(registry: Registry, make: MakeWorld) -> None:
    def carried(hour: int) -> int:
        world = make(registry, start_ms=MORNING_MS + (hour - 9) * HOUR_MS)
        before = world.cars.carried.sum()
        world.advance(world.now_ms + 120_000)
        return int(world.cars.carried.sum() - before)

    assert carried(8) > 8 * carried(3)


def test_gravity_is_in_the_acceleration(house: Registry, make: MakeWorld) -> None:
    world = make(house)
    world.advance(MORNING_MS + 300_000)
    batch, index = world.drain(), world.vocab.index
    peak, low = batch.values[:, index("acc_peak")], batch.values[:, index("acc_min")]
    assert np.all(peak >= G) and np.all(low <= G)
    assert peak.max() < 1.3 * G and low.min() > 0.7 * G


@given(st.integers(1, 2**60 - 1))
def test_bits_are_found_as_a_naive_search_finds_them(mask: int) -> None:
    column = np.array([mask], np.uint64)
    assert lowest_bit(column)[0] == (mask & -mask).bit_length() - 1
    assert highest_bit(column)[0] == mask.bit_length() - 1
