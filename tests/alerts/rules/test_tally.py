"""raised(…): counts events as its slow twin does, over save, load and growth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules import RuleEngine, RuleError, RuleTransitions, parse_rules
from alerts.rules.tally import Tally, count_of
from tests.alerts.rules.columns import SCHEMA
from tests.alerts.rules.test_engine import T0, Fleet, one, toml
from tests.naive.tally import NaiveTally

H, DAY = 3_600_000, 86_400_000
RULES = parse_rules(
    toml('when = "a"', 'when = "b"', 'when = "raised(30, 0, 1) >= 3"', 'when = "raised(2, 1) > 0"'),
    SCHEMA,
)
BOTH, ONE = "raised(30,0,1)", "raised(2,1)"
MOVE = st.tuples(
    st.sampled_from([0, 1, 60_000, H - 1, H, 5 * H, 2 * DAY, 29 * DAY]),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=4),
)


def moves(found, at_ms):
    lift, rule, raised = zip(*found, strict=True) if found else ((), (), ())
    times = np.full(len(found), at_ms, np.int64)
    return RuleTransitions(
        np.array(lift, np.int32), np.array(rule, np.int16), np.array(raised, bool), times, times
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(MOVE, max_size=14))
def test_counts_are_those_of_the_slow_twin(steps):
    tally, now = Tally(RULES, 4), T0
    slow = [(NaiveTally(), NaiveTally()) for _ in range(4)]
    for step, found in steps:
        now += step
        told = moves(found, now)
        assert tally.note(told) is told
        for lift, rule, raised in found:
            if raised and rule in (0, 1):
                slow[lift][0].raised(now)
            if raised and rule == 1:
                slow[lift][1].raised(now)
        columns = tally.beside({}, now)
        assert columns[BOTH].dtype == np.float32
        assert columns[BOTH].tolist() == [both.count(now, 30) for both, _ in slow]
        assert columns[ONE].tolist() == [single.count(now, 2) for _, single in slow]


def test_the_third_event_within_thirty_days_rings_and_fades():
    engine = RuleEngine(RULES, 2, asleep_s=40 * 86_400)
    fleet = Fleet([0, 0])
    rang = []

    def event(at):
        one(engine, at, a=1)
        one(engine, at + 1000, a=0)
        one(engine, at + 2000, b=1)  # the same event by another rule
        one(engine, at + 3000, b=0)
        look(at + 4000)

    def look(at):
        told = engine.tick(at, fleet)
        rang.extend((int(told.lift[i]), bool(told.raised[i])) for i in range(len(told))
                    if told.rule[i] == 2)  # fmt: skip

    event(T0)
    event(T0 + 5 * DAY)
    assert rang == []
    event(T0 + 29 * DAY)
    assert rang == [(0, True)]
    assert engine.tally.evidence(0, BOTH, T0 + 29 * DAY + 5000) == (BOTH, 3.0, T0)
    look(T0 + 30 * DAY)
    assert rang == [(0, True)]
    look(T0 + 30 * DAY + 1000)
    assert rang == [(0, True), (0, False)]


def test_counts_survive_save_load_growth_and_a_new_rule_file(tmp_path):
    engine = RuleEngine(RULES, 1)
    for k in range(3):
        one(engine, T0 + 2 * k * H, a=1)
        one(engine, T0 + 2 * k * H + 1, a=0, b=1)
        one(engine, T0 + 2 * k * H + 2, b=0)
    engine.save(tmp_path)
    other = parse_rules(
        toml('when = "a"', 'when = "b"', 'when = "raised(9, 0) > 1 or raised(30, 0, 1) > 1"'),
        SCHEMA,
    )
    again = RuleEngine(other, 3)
    again.load(tmp_path)
    again.grow(9)
    columns = again.tally.beside({}, T0 + 5 * H)
    assert columns[BOTH].tolist() == [3.0] + [0.0] * 8
    assert columns["raised(9,0)"].tolist() == [0.0] * 9
    same = RuleEngine(RULES, 1)
    same.load(tmp_path)
    assert np.array_equal(same.tally.at_ms, engine.tally.at_ms)


def test_a_lift_that_was_replaced_has_counted_nothing():
    tally = Tally(RULES, 2)
    tally.note(moves([(0, 0, True), (1, 0, True)], T0))
    tally.forget(np.array([0], np.int32))
    assert tally.beside({}, T0)[BOTH].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("when", "word"),
    [
        ("raised(30) > 1", "rule ids"),
        ("raised(0, 1) > 1", "1..400"),
        ("raised(1.5, 1) > 1", "1..400"),
        ("raised(30, a) > 1", "rule ids"),
        ("raised(30, 'a,b') > 1", "rule ids"),
        ("raised(30, 1)", ">= 1"),
        ("raised(30, 1) >= 9", "8 at most"),
        ("raised(30, 7) >= 2", "unknown name"),
        ("raised(30, 0) >= 2", "itself"),
        ("raised(30, 1) > x", "m/s"),
    ],
)
def test_what_cannot_be_counted_is_named(when, word):
    with pytest.raises(RuleError) as caught:
        parse_rules(toml(f'when = "{when}"', 'when = "a"'), SCHEMA)
    assert caught.value.rule == "0"
    assert word in caught.value.way_out.en
    assert caught.value.way_out.zh


def test_a_count_is_found_by_its_name():
    assert count_of("silent_s") is None
    found = count_of("raised(30,1,16b)")
    assert (found.days, found.rules) == (30, ("1", "16b"))
    assert "1, 16b in 30 days" in found.text.en
    assert "30 天" in found.text.zh
