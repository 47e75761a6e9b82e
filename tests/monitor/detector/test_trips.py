"""Features of whole lives: fast equals slow over hundreds of trips, and means what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from monitor.detector import Detector
from monitor.detector.features import NAMES
from tests.monitor.detector.fleets import T0, VOCAB, batch, registry
from tests.monitor.detector.lives import Life
from tests.monitor.detector.stories import Story
from tests.monitor.detector.test_detector import same
from tests.naive.detector import NaiveLift

PERIODS = (1.0, 2.0, 5.0)
CHANNELS = [c.name for c in VOCAB.channels]


def fleet(n=3, periods=PERIODS):
    return Detector(VOCAB, registry(n) | {"period_s": np.array(periods, np.float32)}, n, codes=())


def lives(seed, sparse=False, trips=60):
    """Samples of three lifts, merged by time: (ts, lift, values)."""
    makers = [
        Life(seed, PERIODS[0], hole=0.1, repeat=0.05, idle_s=4),
        Life(seed + 1, PERIODS[1], sparse=sparse, lacks=("motor_temp",), idle_s=4),
        Life(seed + 2, PERIODS[2], lacks=("load", "car_position"), idle_s=4),
    ]
    found = []
    for lift, life in enumerate(makers):
        for k in range(trips):
            life.worn = {"closing": 6, "amps": 9} if k > trips * 0.7 else {}
            life.mode = 2 if lift == 1 and k == 40 else 1
            found += [(at, lift, said) for at, said in life.trip()]
    return sorted(found, key=lambda x: x[:2])


def own(fast, table, row):
    t = fast.own[table]
    return dict(zip(t.names, t.data[row].tolist(), strict=True))


def check_memory(fast, slow, row):
    normal, drift = own(fast, "normal", row), own(fast, "drift", row)
    n = slow.trips.normals
    for f in NAMES:
        assert normal[f"n.{f}"] == n.n[f], f
        assert same(normal[f"level.{f}"], n.level[f]), f
        assert same(normal[f"spread.{f}"], n.spread[f]), f
        for field, side in (("up", n.drift.up[f]), ("down", n.drift.down[f])):
            assert same(drift[f"{field}.{f}"], side.sum), f
            assert drift[f"{field}_n.{f}"] == side.n, f
            assert same(drift[f"{field}_total.{f}"], side.total), f
        assert drift[f"held.{f}"] == n.drift.held[f], f
    together = own(fast, "together", row)
    assert together["n"] == n.together.n
    for i, x in enumerate(n.together.s.values()):
        assert same(together[f"s.{i}"], x), i
    for i, x in enumerate(n.expected.factors):
        assert same(normal[f"factor.{i}"], x), i


@settings(max_examples=2, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 10_000), st.booleans())
def test_whole_lives_are_read_as_the_slow_twin_reads_them(seed, sparse):
    fast = fleet()
    slow = [NaiveLift(CHANNELS, 1.75, period=period) for period in PERIODS]
    drifted = set()
    for ts, lift, said in lives(seed, sparse):
        slow[lift].sample(ts, {n: np.float32(x) for n, x in said.items()})
        (signals,) = fast.update(batch([(lift, ts, said)]), ts)
        want = slow[lift].trips.columns(slow[lift].at)
        for name, value in want.items():
            assert same(signals.columns[name][0], value), (lift, ts - T0, name)
        drifted |= {name for name in want if name.endswith("_drift") and want[name] == 1}
    fast.settling.all(fast.registry)
    for row in range(3):
        slow[row].trips.settle()
        check_memory(fast, slow[row], row)
    assert {"motor_current_drift", "door_time_drift"} <= drifted


def pending(life, n=6, **changed):
    """Every feature that was put down, by name, in order; read from the table after each sample."""
    fast, found = fleet(1, (life.period_s,)), {name: [] for name in NAMES}
    before = np.full(len(NAMES), np.nan)
    for ts, said in life.trips(n):
        fast.update(batch([(0, ts, said | changed)]), ts)
        now = fast.own["pending"].data[0, : len(NAMES)].copy()
        for i, name in enumerate(NAMES):
            if not np.isnan(now[i]) and not same(now[i], before[i]):
                found[name].append(float(now[i]))
        before = now
    return found


@pytest.mark.parametrize("period_s", PERIODS)
def test_times_are_those_of_the_machine_to_within_a_period(period_s):
    found = pending(Life(3, period_s), n=12)
    for name, true in (("opening_time", 2.4), ("closing_time", 2.9)):
        if period_s < 5:
            assert found[name], name
        assert all(abs(x - true) <= period_s + 0.2 for x in found[name]), name
    # T = d / v + 2.2 s in this life; the profile takes v / a = 2.1875 s
    assert found["travel_time"]
    assert all(abs(x) <= period_s + 0.4 for x in found["travel_time"])


def test_a_hole_or_a_mechanic_in_a_trip_leaves_no_feature_of_it():
    assert pending(Life(4, hole=1.0, far=True), n=5)["travel_time"] == []
    assert pending(Life(4), n=5, service_mode=2)["travel_time"] == []
    assert len(pending(Life(4), n=5)["travel_time"]) >= 4


def test_by_change_only_gives_the_same_features():
    full, sparse = pending(Life(5, 1.0), n=8), pending(Life(5, 1.0, sparse=True), n=8)
    for name in ("travel_time", "opening_time", "closing_time"):
        assert full[name] == sparse[name]


def rings(life, healthy, worn, trips, **changed):
    """Rules that rang in the healthy trips, and in those after."""
    s = Story(tick_s=5, period=life.period_s)

    def live(n):
        for ts, said in life.trips(n):
            s.say((ts - T0) / 1000, **said | changed)
        return set(s.all)

    before = live(healthy)
    life.worn = worn
    return before, live(trips) - before


@pytest.mark.parametrize(
    ("worn", "rule"),
    [
        ({"ride": 9}, "27d"),
        ({"closing": 12}, "27e"),
        ({"amps": 9}, "27f"),
    ],
)
def test_27_what_wears_rings_within_some_trips_and_health_does_not(worn, rule):
    life = Life(6, 2.0, idle_s=3, lacks=("passenger",))
    before, after = rings(life, 60, worn, 16)
    assert before == set()
    assert rule in after
    assert after <= {rule, "27h"}


def test_32c_presence_that_says_somebody_for_ever_is_not_believed():
    life = Life(7, 2.0, idle_s=3, lacks=("load",))
    before, after = rings(life, 20, {"passenger": 1}, 95)
    assert before == set()
    assert "32c" in after


def test_32b_a_load_cell_that_shows_one_value_only():
    """Until that is known its word counts, for there is no other; from then on it does not."""
    life, s = Life(8, 2.0, idle_s=3, lacks=("passenger",)), Story(tick_s=5, period=2.0)
    for ts, said in life.trips(150):
        s.say((ts - T0) / 1000, **said | {"load": 24.0})
    assert s.all == {"2", "32b"}
    assert max(s.rang("2")) < s.rang("32b")[0]
