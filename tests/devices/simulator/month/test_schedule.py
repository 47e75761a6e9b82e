"""The plan of a month: near its rates, nothing on top of another, no unknown event."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from devices.simulator.errors import SimulatorError
from devices.simulator.month.dialects import load_month
from devices.simulator.month.fleet import Fleet
from devices.simulator.month.month import ALL_EVENTS
from devices.simulator.month.scene import EVENTS, LIFE
from devices.simulator.month.schedule import Schedule, rates

DATA = load_month()
FLEET = Fleet(1000, 2, DATA)
TABLE = rates(DATA.events)


@pytest.fixture(scope="module")
def plan() -> Schedule:
    return Schedule(FLEET, TABLE, 30, 3, 1.0)


def test_every_event_is_in_the_table_and_every_rule_of_a_lift_is_met():
    assert ALL_EVENTS
    assert {one.event.name for one in TABLE} == set(EVENTS)
    rules = {event.rule for event in EVENTS.values() if event.rule}
    assert rules >= {str(n) for n in (*range(1, 25), 26, 27, 28, 32)}
    assert {event.near for event in EVENTS.values()} >= {"1", "2", "3", "4", "6", "9", "10", "11"}


def test_a_month_has_enough_of_what_a_life_hangs_on(plan: Schedule):
    count = Counter(one.event.name for one in plan.planned)
    life = sum(n for name, n in count.items() if EVENTS[name].rule in LIFE)
    assert life > 500
    for one in TABLE:
        if not one.every_days:
            lifts = sum(d.sees(one.event.only_with) for d in FLEET.dialects)
            wanted = one.rate * lifts * (30 - one.after_days) / 30
            assert abs(count[one.event.name] - wanted) < 4 * wanted**0.5 + 3, one.event.name
    assert 1.7 < count["maintenance_visit"] / FLEET.n < 2.2
    assert plan.refused < 0.02 * len(plan.planned)


def test_real_life_is_rarer_than_the_target_of_alerts():
    """0.43 alerts a lift and month, all rules: what truly happens must leave room below it."""
    true = sum(
        one.natural * sum(d.sees(one.event.only_with) for d in FLEET.dialects) / FLEET.n
        for one in TABLE if one.event.rule
    )  # fmt: skip
    assert 0.15 < true < 0.40


def test_nothing_meets_on_one_lift(plan: Schedule):
    hours = {one.event.name: one.hours for one in TABLE}
    spans = defaultdict(list)
    for one in plan.planned:
        if hours[one.event.name]:
            for row in one.options["rows"]:
                spans[row].append((one.t, one.t + int(hours[one.event.name] * 3_600_000)))
    for row in spans:
        row_spans = sorted(spans[row])
        assert all(a[1] <= b[0] for a, b in pairwise(row_spans))


def test_only_what_endangers_life_grows_with_intensity():
    calm, wild = (Schedule(FLEET, TABLE, 30, 3, x) for x in (0.5, 2.0))
    count = [Counter(p.event.rule in LIFE for p in plan.planned) for plan in (calm, wild)]
    assert count[1][True] > 3 * count[0][True]
    assert abs(count[1][False] - count[0][False]) < 0.1 * count[0][False]


def test_drifts_wait_until_there_is_a_past(plan: Schedule):
    after = {one.event.name: one.after_days for one in TABLE}
    assert after["rising_vibration"] > 0
    assert all(p.t >= after[p.event.name] * 24 * 3_600_000 for p in plan.planned)


def test_an_unknown_event_is_refused_by_name():
    with pytest.raises(SimulatorError, match="earthquake_of_the_century"):
        rates([{"name": "earthquake_of_the_century", "rate": 1.0}])
