"""What joins an open alert is no second alert; what comes after its end is."""

from __future__ import annotations

import pytest

from benchmarks._month_desk import MonthDesk

FAULT, TRAP = ("lift", "12"), ("lift", "1")
MINUTE = 60_000


@pytest.fixture
def desk() -> MonthDesk:
    return MonthDesk({"1": True, "12": False})


def test_a_fault_that_comes_back_before_anybody_looked_joins(desk):
    assert desk.raised(FAULT, 0)
    desk.cleared(FAULT, 20_000)
    assert not desk.raised(FAULT, 40_000)


def test_a_fault_seen_and_gone_is_over(desk):
    assert desk.raised(FAULT, 0)
    desk.cleared(FAULT, 2 * MINUTE)
    assert desk.raised(FAULT, 3 * MINUTE)


def test_gone_before_it_was_seen_it_is_over_once_somebody_looked(desk):
    assert desk.raised(FAULT, 0)
    desk.cleared(FAULT, 20_000)
    assert desk.raised(FAULT, 2 * MINUTE)


def test_a_latched_alert_waits_for_its_verification(desk):
    assert desk.raised(TRAP, 0)
    desk.cleared(TRAP, 10 * MINUTE)
    assert not desk.raised(TRAP, 20 * MINUTE)
    desk.cleared(TRAP, 21 * MINUTE)
    assert not desk.raised(TRAP, 35 * MINUTE)  # a quarter of an hour counts from the last end
    desk.cleared(TRAP, 36 * MINUTE)
    assert desk.raised(TRAP, 52 * MINUTE)


def test_nobody_verifies_what_is_still_seen(desk):
    assert desk.raised(TRAP, 0)
    desk.cleared(TRAP, MINUTE)
    desk.raised(TRAP, 2 * MINUTE)
    assert not desk.raised(TRAP, 60 * MINUTE)


def test_lifts_and_rules_are_apart(desk):
    assert desk.raised(FAULT, 0) and desk.raised(TRAP, 0) and desk.raised(("other", "12"), 0)


def test_a_clear_of_what_nobody_raised_is_nothing(desk):
    desk.cleared(FAULT, 0)
    assert desk.raised(FAULT, 1)
