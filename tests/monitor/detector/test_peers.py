"""Lifts beside their kind: fast equals slow; a lift wrong from the first day stands out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detector import Detector, peers
from monitor.detector.features import NAMES, PLACE, F
from tests.monitor.detector.fleets import T0, VOCAB, batch, registry
from tests.naive import peers as naive

NUMBERS = st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 8.0, -3.0]), max_size=24)


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.integers(1, 4), st.integers(0, 99))
def test_against_equals_the_slow_twin(numbers, groups, seed):
    rng = np.random.default_rng(seed)
    x = np.array(numbers, np.float32) + rng.normal(0, 0.1, len(numbers)).astype(np.float32)
    group = rng.integers(0, groups, len(x)) * 7  # numbers with gaps
    floor = np.float32(0.05)
    found = peers.against(x, group, floor, np.float32(0.04))
    np.testing.assert_array_equal(found, naive.against(x, group, floor, np.float32(0.04)))


def fleet(n, groups):
    return Detector(VOCAB, registry(n) | {"peer_row": np.array(groups, np.float32)}, n)


def learned(detector, name, level, trips=200):
    normal = detector.own["normal"]
    normal.data[:, normal.index[f"level.{name}"]] = level
    normal.data[:, normal.index[f"n.{name}"]] = trips


def a_quarter_of_an_hour(detector):
    for minute in range(1, F + 2):
        found = detector.tick(T0 + 60_000 * minute)
    return found.columns


def test_a_door_that_was_slow_from_the_first_day_is_seen_beside_its_kind():
    level = 2.5 + 0.1 * np.arange(12)
    level[3] = 9.0  # wrong in its own group, usual in the other
    level[6:] += 6
    detector = fleet(12, [0] * 6 + [1] * 6)
    detector.update(batch([(k, T0, {"speed": 0}) for k in range(12)]), T0)
    learned(detector, "closing_time", level)
    columns = a_quarter_of_an_hour(detector)
    assert np.flatnonzero(np.abs(columns["peer_z"]) > 4).tolist() == [3]
    assert columns["peer_cause"][3] == NAMES.index("closing_time") + 1
    assert (columns["peer_cause"] > 0).sum() == 1


def test_few_lifts_few_trips_or_no_kind_say_nothing():
    for groups, trips in (([0, 0, 0, 0], 200), ([0] * 6, 50), ([float("nan")] * 6, 200)):
        detector = fleet(len(groups), groups)
        learned(detector, "closing_time", np.r_[20.0, np.full(len(groups) - 1, 2.5)], trips)
        assert not a_quarter_of_an_hour(detector)["peer_z"].any()
    assert not a_quarter_of_an_hour(fleet(0, []))["peer_z"].any()


def test_the_share_that_load_or_distance_adds_belongs_to_the_usual():
    detector = fleet(6, [0] * 6)
    learned(detector, "travel_time", np.zeros(6))
    normal = detector.own["normal"]
    first = normal.index["factor.0"]
    normal.data[2, first : first + 6] = 8.0
    columns = a_quarter_of_an_hour(detector)
    assert columns["peer_cause"].tolist() == [0, 0, PLACE["travel_time"] + 1, 0, 0, 0]
