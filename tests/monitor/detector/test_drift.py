"""Healthy lifts stay quiet over hundreds of thousands of trips; what wears speaks in time."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detector.features import PLACE, F
from tests.monitor.detector.healthy import Healthy, told


@pytest.mark.parametrize("noise", ["laplace", "t3"])
def test_healthy_lifts_stay_quiet(noise):
    """360,000 trips, a tenth of a month of 1,000 lifts: one false word at most."""
    fleet, said = Healthy(300, 11, noise), np.zeros(F, int)
    for _ in range(1200):
        said += fleet.trip().sum(axis=1)
    assert said.sum() <= 1, told(said)


@pytest.mark.long
@pytest.mark.parametrize("noise", ["laplace", "t3"])
def test_healthy_lifts_stay_quiet_for_a_month(noise):
    """4.5 million trips, 1,000 lifts at 150 a day: a handful at most."""
    fleet, said = Healthy(1000, 12, noise), np.zeros(F, int)
    for _ in range(4500):
        said += fleet.trip().sum(axis=1)
    assert said.sum() <= 5, told(said)


SHIFTS = {  # what a mechanic would call a fault, in the unit of the feature
    "travel_time": 6.0, "motor_current": 4.0, "vibration": 0.06, "levelling": 12.0,
    "opening_time": 8.0, "closing_time": 8.0, "door_current": 0.5, "load_zero": 6.0,
    "motor_heat": 30.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def settled():
    """200 lifts after 600 healthy trips."""
    fleet = Healthy(200, 13)
    for _ in range(600):
        fleet.trip()
    return fleet


@pytest.mark.parametrize("name", SHIFTS)
def test_a_fault_speaks_within_some_trips(settled, name):
    fleet = copy_of(settled)
    before, began = fleet.held[PLACE[name]].copy(), fleet.at.copy()
    fleet.worn = {name: SHIFTS[name]}
    trips = 30 * (15 if name == "load_zero" else 1)  # weighed only after idle times
    said = np.zeros(200, bool)
    for _ in range(trips):
        said |= fleet.trip()[PLACE[name]]
    held = fleet.held[PLACE[name]]
    assert not before.any()
    assert said.mean() >= (0.9 if name == "load_zero" else 0.98)
    # it tells when it began: not long before, and no more than some trips after
    told_at = fleet.since[PLACE[name]][held]
    day = 86_400_000
    assert np.quantile(told_at - began[held], 0.05) > -0.5 * day
    assert np.quantile((told_at - began[held]) / (day / fleet.a_day[held]), 0.9) < trips


def copy_of(fleet):
    import copy

    return copy.deepcopy(fleet)


def test_wear_of_weeks_is_not_learned_away(settled):
    """Door current creeps by 0.6 A in 3,000 trips: some three thousandths of a sigma a trip."""
    fleet, said = copy_of(settled), np.zeros(200, bool)
    for k in range(3000):
        fleet.worn = {"door_current": 0.6 * k / 3000}
        said |= fleet.trip()[PLACE["door_current"]]
    assert said.mean() >= 0.9


def test_channels_that_part_company_are_heard_before_either_leaves_its_own_normal(settled):
    """More current in the ride and less at the start, two sigma each: never so before."""
    fleet, joint, alone = copy_of(settled), np.zeros(200, bool), np.zeros(200, bool)
    fleet.worn_sigmas = {"motor_current": 2, "start_current": -2}
    for _ in range(60):
        said = fleet.trip()
        joint |= said[PLACE["joint"]] & ~alone
        alone |= said[PLACE["motor_current"]]
    assert joint.mean() >= 0.6


def test_what_was_repaired_falls_silent_again(settled):
    fleet = copy_of(settled)
    for worn, held in (({"vibration": 0.06}, True), ({}, False)):
        fleet.worn = worn
        for _ in range(80):
            fleet.trip()
        assert (fleet.held[PLACE["vibration"]] == held).mean() >= 0.98
