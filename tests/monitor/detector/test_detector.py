"""The columns of the fast detector are those of the slow twin, whatever comes in what order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.arrays_file import StoredError
from devices.vocabulary import Kind, Vocabulary
from monitor.detector import Detector
from tests.monitor.detector.fleets import STATES, T0, VOCAB, batch, registry
from tests.naive.detector import NaiveLift

CODES = (4, 5, 8, 41, 43, 90, 93)
RATED = (1.75, 0.5, float("nan"))
RATED_KG = (630.0, float("nan"), 1600.0)
CHOICES = {
    "speed": [0, 0.02, 0.08, 0.3, 0.5, 1.2, 1.75, -1.75],
    "car_position": [1, 2, 3, 19],
    "people": [0, 0, 1, 3],
    "load": [0, 3.5, 6, 12, 80],
    "level_offset": [0, 5, -60, 150],
    "acc_rms": [0.1, 0.11, 0.12, 0.9],
    "door_current": [1.0, 1.1, 4.0],
    "motor_current": [9.0, 9.0, 9.1],
}


def values_of(channel):
    if channel.name in CHOICES:
        return st.sampled_from(CHOICES[channel.name])
    if channel.kind is Kind.BOOL:
        return st.sampled_from([0, 1])
    if channel.kind is Kind.ENUM:
        return st.sampled_from(sorted(channel.values))
    return st.sampled_from([channel.lo, channel.hi, 0.0])


LIVELY = [
    c for c in VOCAB.channels
    if c.name in (*CHOICES, "car_status", "door_zone", "door_closed", "door_state",
                  "landing_locked", "passenger", "car_call", "alarm_button", "service_mode",
                  "brake", "power")
]  # fmt: skip
VALUES = st.fixed_dictionaries({}, optional={c.name: values_of(c) for c in LIVELY})
LIFT, BACK_MS = st.integers(0, 2), st.sampled_from([0, 0, 0, 0, 200, 1000, 5000, 70_000])
SAMPLE = st.tuples(LIFT, BACK_MS, VALUES, st.sampled_from([False] * 9 + [True]))
MESSAGE = st.tuples(
    LIFT, BACK_MS, st.sampled_from([4, 5, 8, 41, 43, 90, 93, 7]), st.sampled_from(sorted(STATES)),
    st.sampled_from([False] * 9 + [True]),
)  # fmt: skip
STEP_MS = st.sampled_from([0, 200, 900, 1000, 2500, 20_000, 61_000, 200_000])
BATCH = st.tuples(STEP_MS, st.lists(SAMPLE, max_size=6), st.lists(MESSAGE, max_size=3))


def fast_fleet(n):
    told = {"rated_speed": np.array(RATED[:n]), "rated_load_kg": np.array(RATED_KG[:n])}
    return Detector(VOCAB, registry(n) | told, n, codes=CODES)


def written(steps):
    """Yield (now, samples, messages) with absolute times."""
    now = T0
    for step, samples, messages in steps:
        now += step
        yield (
            now,
            [(lift, now - back, values, late) for lift, back, values, late in samples],
            [(lift, now - back, *rest) for lift, back, *rest in messages],
        )


def same(a, b):
    return bool(((a == b) | ((a != a) & (b != b))).all())


def slow_rows(lifts, samples, messages):
    """One event after the other, in the order of time; samples before messages."""
    events = [(s[1], 0, i, s) for i, s in enumerate(samples) if not s[3]]
    events += [(m[1], 1, i, m) for i, m in enumerate(messages) if not m[4]]
    out = []
    for ts, kind, _, event in sorted(events, key=lambda e: e[:3]):
        lift = lifts[event[0]]
        if kind == 0:
            found = lift.sample(ts, {n: np.float32(x) for n, x in event[2].items()})
            if found is not None:
                out.append((event[0], *found, lift.columns(CODES)))
        else:
            at = lift.message(ts, event[2], STATES[event[3]], CODES)
            if at is not None:
                out.append((event[0], at, False, lift.columns(CODES)))
    return out


def fast_rows(signals):
    out = []
    for s in signals:
        assert len(np.unique(s.rows)) == len(s.rows)
        for i, row in enumerate(s.rows.tolist()):
            columns = {n: s.columns[n][i] for n in s.columns if n not in ("silent_s",)}
            out.append((row, int(s.at_ms[i]), bool(s.sampled[i]), columns))
    return out


def by_lift(rows):
    return sorted(rows, key=lambda r: r[0])  # stable: each lift's own order stays


@settings(max_examples=50, deadline=None)
@given(st.lists(BATCH, max_size=14))
def test_detector_equals_the_slow_twin(steps):
    fast = fast_fleet(3)
    names = [c.name for c in VOCAB.channels]
    lifts = [NaiveLift(names, *facts) for facts in zip(RATED, RATED_KG, strict=True)]
    for now, samples, messages in written(steps):
        expected = by_lift(slow_rows(lifts, samples, messages))
        found = by_lift(fast_rows(fast.update(batch(samples, messages), now)))
        assert [f[:3] for f in found] == [e[:3] for e in expected]
        for (row, _, _, got), (_, _, _, want) in zip(found, expected, strict=True):
            for name, value in want.items():
                assert same(got[name], value), (row, name, got[name], value)
    for row, lift in enumerate(lifts):
        for name, at in lift.time.items():
            c = VOCAB.index(name)
            assert fast.fleet.reported.data[row, c] == at // 1000
            assert fast.fleet.changed.data[row, c] == lift.changed[name] // 1000


@settings(max_examples=15, deadline=None)
@given(st.lists(BATCH, max_size=10), st.integers(0, 10), st.booleans())
def test_save_and_load_in_the_middle_change_nothing(tmp_path_factory, steps, cut, grown):
    folder = tmp_path_factory.mktemp("state")
    whole = fast_fleet(3)
    events = list(written(steps))
    for now, samples, messages in events[:cut]:
        whole.update(batch(samples, messages), now)
    whole.save(folder)
    again = fast_fleet(3)
    again.load(folder)
    if grown:
        again.grow(
            9,
            registry(9)
            | {
                "rated_speed": np.array([*RATED, *[1.0] * 6]),
                "rated_load_kg": np.array([*RATED_KG, *[1.0] * 6]),
            },
        )
    for now, samples, messages in events[cut:]:
        whole.update(batch(samples, messages), now)
        again.update(batch(samples, messages), now)
        a, b = whole.tick(now + 50), again.tick(now + 50)
        assert (a.due is None) == (b.due is None)
        for name in a.columns:
            np.testing.assert_array_equal(a.columns[name], b.columns[name][:3], name)
    for name, table in whole.tables.items():
        assert same(table.data, again.tables[name].data[:3]), name


def test_no_lift_and_no_row():
    none = Detector(VOCAB, registry(0), 0)
    assert none.update(batch(), T0) == []
    assert len(none.tick(T0).columns["silent_s"]) == 0
    assert fast_fleet(1).update(batch(), T0) == []


def test_late_rows_move_nothing():
    fast = fast_fleet(1)
    late = batch([(0, T0, {"speed": 1.0}, True)], [(0, T0, 90, "on", True)])
    assert fast.update(late, T0 + 200_000) == []
    assert fast.live(0) == {}


def test_other_vocabulary_or_torn_file_is_refused(tmp_path):
    fast = fast_fleet(3)
    with pytest.raises(StoredError, match="missing"):
        fast.load(tmp_path)
    fast.save(tmp_path)
    with pytest.raises(StoredError, match="3 lifts"):
        fast_fleet(2).load(tmp_path)
    other = Vocabulary("2023.1", VOCAB.channels, VOCAB.messages)
    with pytest.raises(StoredError, match=r"vocabulary is '2017.1'.*'2023.1'"):
        Detector(other, registry(3), 3).load(tmp_path)
    file = tmp_path / "detector.npz"
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(StoredError, match="unreadable"):
        fast.load(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["detector.npz"]


def test_codes_are_found_again_when_rules_name_others(tmp_path):
    before = Detector(VOCAB, registry(1), 1, codes=(5, 43))
    before.update(batch((), [(0, T0, 43, "on"), (0, T0 + 1, 5, "on")]), T0 + 5)
    before.save(tmp_path)
    after = Detector(VOCAB, registry(1), 1, codes=(7, 43, 90))
    after.load(tmp_path)
    columns = after.tick(T0 + 10).columns
    assert [columns[f"code({c})"][0] for c in (7, 43, 90)] == [0, 1, 0]


def test_memory_of_a_lift_stays_below_4096_bytes():
    from alerts.rules import DEFAULT_RULES, RuleEngine, load_rules
    from monitor.detector import rule_schema

    rules = load_rules(DEFAULT_RULES, rule_schema(VOCAB))
    detector = Detector(VOCAB, registry(1), 1, codes=rules.codes)
    assert detector.bytes_per_lift + RuleEngine(rules, 1).bytes_per_lift <= 4096


def test_silence_counts_from_first_sight_and_not_while_we_sleep():
    fast = Detector(VOCAB, registry(4, gateways=2) | {"period_s": np.array([1, 1, 30, 1])}, 4)
    fast.tick(T0)
    for k in range(1, 13):  # rows 0 and 2: gateway 0, rows 1 and 3: gateway 1
        fast.update(batch([(1, T0 + 5000 * k, {"speed": 0})]), T0 + 5000 * k)
    columns = fast.tick(T0 + 61_000).columns
    assert columns["silent_s"].tolist() == [61, 1, 61, 61]
    assert columns["gateway_silent"].tolist() == [0, 0, 0, 0]  # row 2 reports each 30 s only
    for k in range(4):
        fast.tick(T0 + 61_000 + 10_000 * k)
    columns = fast.tick(T0 + 91_000).columns
    assert columns["gateway_silent"].tolist() == [1, 0, 1, 0]
    asleep = fast.tick(T0 + 691_000).columns
    assert asleep["silent_s"].tolist() == [91, 31, 91, 91]


def test_a_reserved_row_is_never_silent():
    reg = registry(2) | {"gateway_row": np.array([0, -1])}
    fast = Detector(VOCAB, reg, 2)
    fast.tick(T0)
    columns = fast.tick(T0 + 20_000).columns
    assert columns["silent_s"][0] == 20
    assert np.isnan(columns["silent_s"][1])
    assert columns["gateway_silent"].tolist() == [0, 0]


def test_evidence_says_which_value_and_since_when():
    fast = fast_fleet(1)
    for k in range(4):
        values = {"passenger": k > 0, "speed": 0, "door_zone": 0}
        fast.update(batch([(0, T0 + 1000 * k, values)]), T0 + 1000 * k)
    fast.update(batch((), [(0, T0 + 3500, 43, "on")]), T0 + 3500)
    names = ["with_people", "speed", "humidity", "code(43)", "once(43)", "rated_speed"]
    assert fast.evidence(0, names) == [
        ("with_people", 1.0, T0 + 1000),
        ("speed", 0.0, T0),
        ("humidity", None, T0 + 3500),
        ("code(43)", 1.0, T0 + 3500),
        ("once(43)", 0.0, 0),
        ("rated_speed", 1.75, T0 + 3500),
    ]
    assert fast.live(0)["passenger"] == (1.0, T0 + 3000)
    with pytest.raises(IndexError):
        fast.live(1)
    with pytest.raises(IndexError):
        fast.evidence(-1, ["speed"])


def test_signals_keep_the_values_of_their_round():
    fast = fast_fleet(1)
    first, second = fast.update(
        batch([(0, T0, {"speed": 1.0}), (0, T0 + 500, {"speed": 0.0})]), T0 + 500
    )
    assert (first.columns["speed"][0], second.columns["speed"][0]) == (1, 0)
    assert (first.columns["running"][0], second.columns["running"][0]) == (1, 0)


def test_a_single_report_ends_after_ten_seconds_without_further_samples():
    fast = fast_fleet(2)
    fast.update(batch((), [(1, T0 - 5_000, 43, "once")]), T0)
    assert fast.tick(T0 + 9_900).due is None
    due = fast.tick(T0 + 10_000).due
    assert (due.rows.tolist(), due.at_ms.tolist()) == ([1], [T0 + 5_000])
    assert due.columns["code(43)"].tolist() == [0]
    assert fast.tick(T0 + 11_000).due is None


def test_a_lift_that_is_forgotten_is_as_new_and_the_others_stay():
    fast, fresh = fast_fleet(3), fast_fleet(3)
    for k in range(50):
        values = {"speed": 1.0 * (k % 5), "car_status": 1, "passenger": 1, "acc_rms": 0.1 + k}
        fast.update(batch([(lift, T0 + 1000 * k, values) for lift in range(3)]), T0 + 1000 * k)
    fast.update(batch((), [(1, T0 + 50_000, 43, "once")]), T0 + 50_000)
    kept = {name: table.data[[0, 2]].copy() for name, table in fast.tables.items()}
    fast.forget(np.array([1], np.int32))
    assert fast.tick(T0 + 70_000).due is None
    for name, table in fast.tables.items():
        assert same(table.data[[0, 2]], kept[name]), name
        if name not in ("heard", "upkeep"):  # clocks of a lift that has just joined
            assert same(table.data[1], fresh.tables[name].data[1]), name
