"""Upkeep says what its slow twin says: order, repeats, late messages, gaps, growth, save."""

from __future__ import annotations

from datetime import timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detector import Detector, upkeep
from tests.monitor.detector.fleets import STATES, T0, VOCAB, batch, registry
from tests.naive.upkeep import NaiveUpkeep, day_of

NAN = float("nan")
TODAY = day_of(T0)
LIFTS = 3
KNOWN = {
    "voice_link": [NAN, 1, 0],
    "inspection_due_day": [NAN, TODAY + 20, TODAY - 1],
    "last_visit_day": [NAN, TODAY - 14, TODAY],
    "planned_visit_day": [TODAY + 1, NAN, TODAY],
}
MIN, H, DAY = 60_000, 3_600_000, 86_400_000
STEP = st.sampled_from([0, 5_000, 20_000, 40_000, 10 * MIN, 5 * H, DAY, 3 * DAY])
BACK = st.sampled_from([0, 0, 0, 1000, 9 * MIN, 10 * MIN, 11 * MIN, 26 * H])
LIFT = st.integers(0, LIFTS - 1)
MESSAGE = st.tuples(
    LIFT, BACK, st.sampled_from([40, 43, 43, 1080, 1081, 1082, 1083, 8]),
    st.sampled_from(sorted(STATES)), st.booleans(),
)  # fmt: skip
SAMPLE = st.tuples(LIFT, BACK, st.sampled_from([1, 2, 2, 3, None]))
STEPS = st.lists(
    st.tuples(STEP, st.lists(MESSAGE, max_size=4), st.lists(SAMPLE, max_size=3)), max_size=12
)


def fleet(n=LIFTS):
    more = {name: np.array([*values, *[NAN] * (n - LIFTS)]) for name, values in KNOWN.items()}
    return registry(n) | more


def rows(step, now):
    _, messages, samples = step
    told = [(lift, now - back, *rest) for lift, back, *rest in messages]
    seen = [(lift, now - back, {} if mode is None else {"service_mode": mode})
            for lift, back, mode in samples]  # fmt: skip
    return seen, told


def slow(lifts, seen, told):
    for lift, ts, code, state, _late in sorted(told, key=lambda m: m[1]):
        lifts[lift].message(ts, code, state)
    for lift, ts, values in sorted(seen, key=lambda s: s[1]):
        lifts[lift].sample(ts, values.get("service_mode"))


def columns(detector, now):
    found = detector.tick(now).columns
    return {name: found[name] for name in upkeep.COLUMNS}


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_columns_are_those_of_the_slow_twin(steps):
    detector, now = Detector(VOCAB, fleet(), LIFTS, codes=()), T0
    lifts = [NaiveUpkeep({k: v[i] for k, v in KNOWN.items()}, T0) for i in range(LIFTS)]
    detector.tick(T0)
    for step in steps:
        if step[0] > 30_000:
            for lift in lifts:
                lift.slept += step[0]
        now += step[0]
        seen, told = rows(step, now)
        slow(lifts, seen, told)
        detector.update(batch(seen, told), now)
        found = columns(detector, now)
        for i, lift in enumerate(lifts):
            want = lift.columns(now)
            got = {name: column[i] for name, column in found.items()}
            assert all(column.dtype == np.float32 for column in found.values())
            np.testing.assert_equal(got, {k: np.float32(v) for k, v in want.items()})


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 12), st.booleans())
def test_save_load_and_growth_change_nothing(tmp_path_factory, steps, cut, grown):
    folder, now = tmp_path_factory.mktemp("state"), T0
    whole = Detector(VOCAB, fleet(), LIFTS, codes=())
    again = whole
    for k, step in enumerate(steps):
        now += step[0]
        if k == cut:
            whole.save(folder)
            again = Detector(VOCAB, fleet(), LIFTS, codes=())
            again.load(folder)
            if grown:
                again.grow(9, fleet(9))
        for detector in {id(whole): whole, id(again): again}.values():
            detector.update(batch(*rows(step, now)), now)
        a, b = columns(whole, now), columns(again, now)
        for name in a:
            np.testing.assert_array_equal(a[name], b[name][:LIFTS], name)
    table = whole.own[upkeep.NAME].data
    np.testing.assert_array_equal(table, again.own[upkeep.NAME].data[:LIFTS])


def test_no_lifts_and_a_reserved_row():
    none = Detector(VOCAB, registry(0), 0)
    assert all(len(column) == 0 for column in columns(none, T0).values())
    blank = Detector(VOCAB, {}, 1)
    assert all(np.isnan(column[0]) for column in columns(blank, T0).values())


def test_lifts_that_joined_while_the_service_was_down_are_known_from_the_start(tmp_path):
    first = Detector(VOCAB, registry(1), 1)
    first.tick(T0)
    first.save(tmp_path)
    more = Detector(VOCAB, registry(2, voice_link=1), 2)
    more.load(tmp_path)
    found = more.tick(T0 + 20_000).columns
    assert found["silent_s"].tolist() == [20, 20]
    assert found["hours_since_voice_test"].tolist() == pytest.approx([20 / 3600] * 2)


def test_days_are_those_of_the_site():
    shanghai, lisbon = upkeep.CHINA, timezone(timedelta(0))
    late_evening = day_of(T0) * DAY + 17 * H  # 01:00 of the next day in China, 17:00 in Lisbon
    for zone, days in ((shanghai, 4), (lisbon, 5)):
        detector = Detector(VOCAB, registry(1, inspection_due_day=TODAY + 5), 1, zone=zone)
        assert detector.tick(late_evening).columns["days_to_inspection"].tolist() == [days]


def test_evidence_says_since_when():
    detector = Detector(VOCAB, fleet(), LIFTS, codes=())
    detector.tick(T0)
    told = [(0, T0 + 5, 1080, "once"), (0, T0 + 10, 1083, "on"), (0, T0 - H, 43, "once")]
    detector.update(batch((), [*told, (0, T0, 40, "once")]), T0 + 20)
    names = ["hours_since_voice_test", "battery_test_failed", "days_since_visit",
             "days_to_inspection"]  # fmt: skip
    found = {name: (value, since) for name, value, since in detector.evidence(0, names)}
    assert found["hours_since_voice_test"] == (pytest.approx(15 / 3_600_000), T0 + 5)
    assert found["battery_test_failed"] == (1.0, T0 + 10)
    assert found["days_since_visit"] == (0.0, T0)
    assert found["days_to_inspection"] == (None, 0)
    days = detector.evidence(2, ["days_to_inspection"])[0]
    assert days[1:] == (-1.0, (TODAY - 1) * DAY - 8 * H)


@pytest.mark.parametrize(("lasted_ms", "days"), [(10 * MIN - 1, 14.0), (10 * MIN, 0.0)])
@pytest.mark.parametrize("late", [False, True])
def test_ten_minutes_of_inspection_are_a_visit(lasted_ms, days, late):
    detector = Detector(VOCAB, registry(1, last_visit_day=TODAY - 14), 1, codes=())
    detector.update(batch((), [(0, T0 + lasted_ms, 40, "once", late), (0, T0, 43, "on", late)]), T0)
    assert columns(detector, T0 + H)["days_since_visit"].tolist() == [days]


def test_of_repeats_the_first_begins_and_a_day_later_it_begins_anew():
    detector = Detector(VOCAB, registry(1, last_visit_day=TODAY - 14), 1, codes=())
    told = [(0, T0, 43, "once"), (0, T0 + 9 * MIN, 43, "once"), (0, T0 + 10 * MIN, 40, "once")]
    detector.update(batch((), told), T0 + H)
    assert columns(detector, T0 + H)["days_since_visit"].tolist() == [0]
    again = Detector(VOCAB, registry(1, last_visit_day=TODAY - 14), 1, codes=())
    end = T0 + DAY + 10 * MIN
    told = [(0, T0, 43, "once"), (0, T0 + DAY + MIN, 43, "once"), (0, end, 40, "once")]
    again.update(batch((), told), end)
    assert columns(again, end)["days_since_visit"].tolist() == [15]
