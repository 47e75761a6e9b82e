"""The vectorised engine says what one small state machine a pair says, in any order of things."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules import RuleEngine, parse_rules
from devices.arrays_file import StoredError
from tests.alerts.rules.columns import SCHEMA
from tests.naive.engine import NaiveEngine
from tests.naive.expression import evaluate

T0 = 1_800_000_000_000
NAN = float("nan")


def toml(*rules: str) -> str:
    return "\n".join(
        f'[[rule]]\nid = "{i}"\nname_zh = "规则"\nname_en = "rule"\n{body}\n'
        for i, body in enumerate(rules)
    )


BODIES = (
    'when = "a"',
    'when = "a"\nhold_s = 3\nclear_s = 2\nseen_s = 0',
    'when = "a and b"\nmin_samples = 3\nclear_s = 1',
    'when = "b"\nhold_s = 2\nmin_samples = 2\nseen_s = 1',
    'when = "a"\nat_once = "c"\nhold_s = 5\nclear_s = 4',
    'when = "a or b"\nat_once = "b"\nsuppressed_by = "c"\nhold_s = 1\nclear_s = 3\nseen_s = 0',
)
RULES = parse_rules(toml(*BODIES), SCHEMA)
SPECS = [(r.hold_s * 1000, r.clear_s * 1000, r.min_samples, r.seen_s * 1000) for r in RULES.rules]
SOURCES = [
    ("a", "false", "false"), ("a", "false", "false"), ("a and b", "false", "false"),
    ("b", "false", "false"), ("a", "c", "false"), ("a or b", "b", "c"),
]  # fmt: skip
HELD = parse_rules(toml(BODIES[1]), SCHEMA)  # one rule: 3 s to hold, 2 s to clear
TRUTH = st.sampled_from([0.0, 1.0, 1.0, NAN])
STEP_MS = st.sampled_from([0, 100, 500, 1000, 1500, 3000, 5000, 20_000, 40_000, 130_000])
SAMPLE = st.tuples(st.integers(0, 3), TRUTH, TRUTH, TRUTH, st.booleans())
EVENT = st.tuples(STEP_MS, st.sampled_from(["round", "round", "tick"]), st.lists(SAMPLE))


def truths(row):
    found = []
    for when, once, mute in SOURCES:
        whole = f"(({when}) or ({once})) and not certain({mute})"
        at_once = evaluate(f"({once}) and not certain({mute})", row, SCHEMA, {})
        found.append((evaluate(whole, row, SCHEMA, {}), at_once is True))
    return found


def arrays(samples, at):
    rows = np.array([s[0] for s in samples], np.int32)
    columns = {n: np.zeros(len(rows), np.float32) for n in SCHEMA}
    for k, name in enumerate("abc"):
        columns[name] = np.array([s[1 + k] for s in samples], np.float32)
    return rows, np.full(len(rows), at, np.int64), columns, np.array([s[4] for s in samples], bool)


def play(engine, events, slow=None):
    """Run the events; returns {pair: transitions}."""
    log, now = {}, T0

    def note(t):
        for lift, rule, *rest in zip(t.lift, t.rule, t.raised, t.at_ms, t.since_ms, strict=True):
            log.setdefault((int(lift), int(rule)), []).append(
                (bool(rest[0]), int(rest[1]), int(rest[2]))
            )

    for step, kind, samples in events:
        now += step
        if kind == "tick":
            note(engine.tick(now))
            if slow:
                slow.tick(now)
            continue
        at = now - 700  # the way here takes a while
        once = list({s[0]: s for s in samples if s[0] < engine.n}.values())
        rows, at_ms, columns, sampled = arrays(once, at)
        note(engine.evaluate(rows, at_ms, columns, now, sampled))
        if slow:
            if not once:
                slow._wake(now)
            for lift, a, b, c, counts in once:
                slow.sample(lift, at, truths({**dict.fromkeys(SCHEMA, 0.0), "a": a, "b": b,
                                              "c": c}), now, counts)  # fmt: skip
    return log


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENT, max_size=25), st.integers(0, 4))
def test_engine_equals_the_slow_twin(events, n):
    slow = NaiveEngine(SPECS, n)
    assert play(RuleEngine(RULES, n), events, slow) == slow.log()


@settings(max_examples=30, deadline=None)
@given(st.lists(EVENT, max_size=20), st.data())
def test_ticks_change_only_how_early_one_is_told(events, data):
    """Same samples, other ticks: the same transitions with the same times."""
    rounds = [(min(step, 20_000), "round", samples) for step, _, samples in events]
    rounds.append((20_000, "tick", []))
    more = []
    for step, kind, samples in rounds:
        half = step // 2
        early = data.draw(st.booleans())
        more += [(half, "tick", []), (step - half, kind, samples)] if early else [
            (step, kind, samples)
        ]  # fmt: skip
    assert play(RuleEngine(RULES, 4), rounds) == play(RuleEngine(RULES, 4), more)


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENT, max_size=16), st.integers(0, 16))
def test_save_and_load_in_the_middle_change_nothing(tmp_path_factory, events, cut):
    cut = min(cut, len(events))
    folder = tmp_path_factory.mktemp("state")
    whole = RuleEngine(RULES, 4)
    play(whole, events[:cut])
    whole.save(folder)
    again = RuleEngine(RULES, 4)
    again.load(folder)
    start = sum(step for step, _, _ in events[:cut])
    rest = [(start, "round", []), *events[cut:]]
    assert play(whole, rest) == play(again, rest)
    for engine in (whole, again):
        engine.save(folder / str(engine is whole))
    names = ("state", "count", "since", "clear_since")
    for name in names:
        assert np.array_equal(getattr(whole.holds, name), getattr(again.holds, name))
    assert np.array_equal(whole.offset, again.offset)
    assert np.array_equal(np.sort(whole.holds.waiting()), np.sort(again.holds.waiting()))


def one(engine, at, now=None, row=0, **columns):
    rows, at_ms, zero, _ = arrays([(row, 0.0, 0.0, 0.0, True)], at)
    zero |= {name: np.array([v], np.float32) for name, v in columns.items()}
    return engine.evaluate(rows, at_ms, zero, at if now is None else now)


def test_our_own_sleep_is_no_evidence():
    engine = RuleEngine(HELD, 1)
    one(engine, T0, a=1)
    assert len(engine.tick(T0 + 600_000)) == 0  # ten minutes in which nobody listened
    assert len(engine.tick(T0 + 601_000)) == 0
    told = engine.tick(T0 + 603_000)
    assert told.rule.tolist() == [0]


def test_a_gateway_whose_clock_is_behind_rings_no_earlier():
    engine = RuleEngine(HELD, 1)
    one(engine, T0 - 50_000, now=T0, a=1)
    assert len(engine.tick(T0 + 2_900)) == 0
    assert engine.tick(T0 + 3_000).at_ms.tolist() == [T0 - 47_000]


def test_growing_keeps_what_is_pending():
    engine = RuleEngine(HELD, 1)
    one(engine, T0, a=1)
    for n in (2, 3, 50, 51):
        engine.grow(n)
    one(engine, T0, row=50, a=1)
    told = engine.tick(T0 + 3_000)
    assert sorted(told.lift.tolist()) == [0, 50]


def test_what_stands_can_be_listed_after_a_load(tmp_path):
    engine = RuleEngine(RULES, 2)
    one(engine, T0, row=1, a=1)
    engine.save(tmp_path)
    again = RuleEngine(RULES, 3)
    assert again.load(tmp_path) == ()
    stands = again.active()
    assert (stands.lift.tolist(), stands.rule.tolist()) == ([1], [0])
    assert stands.since_ms.tolist() == [T0]


def test_rules_are_found_again_by_id_and_lost_ones_are_named(tmp_path):
    engine = RuleEngine(RULES, 1)
    one(engine, T0, a=1)
    engine.save(tmp_path)
    text = toml(*BODIES).replace('id = "0"', 'id = "new"')
    other = RuleEngine(parse_rules(text, SCHEMA), 1)
    assert other.load(tmp_path) == ("0",)
    assert other.tick(T0 + 3_000).rule.tolist() == [1, 5]


def test_a_foreign_or_torn_state_is_refused(tmp_path):
    engine = RuleEngine(RULES, 3)
    with pytest.raises(StoredError, match="missing"):
        engine.load(tmp_path)
    engine.save(tmp_path)
    with pytest.raises(StoredError, match="3 lifts"):
        RuleEngine(RULES, 2).load(tmp_path)
    file = tmp_path / "rules.npz"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(StoredError, match="unreadable"):
        engine.load(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["rules.npz"]


class Fleet:
    due = None

    def __init__(self, silent):
        self.columns = {n: np.zeros(len(silent), np.float32) for n in SCHEMA}
        self.columns["silent_s"] = np.array(silent, np.float32)


def test_rules_on_silence_run_over_the_fleet_once_a_second():
    rules = parse_rules(toml('when = "silent_s >= 60"\nhold_s = 2'), SCHEMA)
    engine = RuleEngine(rules, 3)
    assert len(engine.tick(T0, Fleet([60, 59, NAN]))) == 0
    assert len(engine.tick(T0 + 500, Fleet([0, 99, 99]))) == 0  # not looked at
    assert engine.tick(T0 + 2_000, Fleet([62, 61, NAN])).lift.tolist() == [0]
    assert engine.tick(T0 + 4_000, Fleet([62, 61, NAN])).lift.tolist() == [1]
    assert len(one(engine, T0 + 4_500, row=0, silent_s=0)) == 0
    cleared = engine.tick(T0 + 5_000, Fleet([0, 62, NAN]))
    assert (cleared.lift.tolist(), cleared.raised.tolist()) == ([0], [False])


def test_a_forgotten_lift_ends_what_stood_on_it_and_waits_for_nothing():
    engine = RuleEngine(HELD, 3)
    yes = arrays([(lift, 1.0, 0.0, 0.0, True) for lift in range(3)], T0)
    engine.evaluate(*yes[:3], T0)
    engine.tick(T0 + 3_000)
    assert engine.active().lift.tolist() == [0, 1, 2]
    over = engine.forget(np.array([1], np.int32), T0 + 4_000)
    assert (over.lift.tolist(), over.raised.tolist(), over.at_ms.tolist()) == (
        [1], [False], [T0 + 4_000],
    )  # fmt: skip
    assert engine.active().lift.tolist() == [0, 2]
    engine.forget(np.array([0, 2], np.int32), T0 + 5_000)
    assert len(engine.tick(T0 + 60_000)) == 0


def test_other_rules_take_over_what_the_old_ones_knew():
    """Rules 0 and 1 stand, 2 is pending; then 0 is gone, 1 is held longer, 2 is as it was."""
    old = parse_rules(toml('when = "a"', 'when = "a"', 'when = "b"\nhold_s = 5'), SCHEMA)
    engine = RuleEngine(old, 2)
    on = {n: np.zeros(1, np.float32) for n in SCHEMA}
    on["a"][:] = on["b"][:] = 1.0
    row = np.zeros(1, np.int32)
    moved = engine.evaluate(row, np.array([T0]), on, T0)
    assert moved.rule.tolist() == [0, 1]
    text = toml('when = "a"', 'when = "a"\nhold_s = 60\nclear_s = 1', 'when = "b"\nhold_s = 5')
    new = parse_rules(
        text.split("[[rule]]", 2)[0] + "[[rule]]" + text.split("[[rule]]", 2)[2], SCHEMA
    )
    assert new.ids == ("1", "2")
    over = engine.take_up(new, T0 + 500)
    assert (over.rule.tolist(), over.raised.tolist(), over.at_ms.tolist()) == (
        [0],
        [False],
        [T0 + 500],
    )
    assert engine.active().rule.tolist() == [0], "rule 1 stands on, by its new number"
    moved = engine.evaluate(row, np.array([T0 + 5000]), on, T0 + 5000)
    assert (moved.rule.tolist(), moved.since_ms.tolist()) == ([1], [T0]), "its hold went on"
    on["a"][:] = 0.0
    for at in (T0 + 6000, T0 + 7000):
        moved = engine.evaluate(row, np.array([at]), on, at)
    assert (moved.rule.tolist(), moved.raised.tolist()) == ([0], [False])
