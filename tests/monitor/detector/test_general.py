"""The general method: its kernels equal their slow twins; what it says of machines and series."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detector.method import shift
from monitor.detector.method.general import THRESHOLD, General
from monitor.detector.method.novelty import Memory
from monitor.detector.method.ring import HOLD, Ring
from monitor.detector.method.series import Series
from monitor.detector.method.tail import Tail
from tests.naive.general import NaiveMachine, NaiveMemory, surprises


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 2.0])), min_size=28, max_size=230
    )
)
def test_tail_is_its_twin(numbers):
    tail = Tail()
    np.testing.assert_allclose([tail.surprise(x) for x in numbers], surprises(numbers), atol=1e-9)


def test_surprise_has_no_unit_and_grows_beyond_all_that_was():
    rng = np.random.default_rng(2)
    numbers = rng.pareto(3, 3000) + 1
    a, b = Tail(), Tail()
    told = [(a.surprise(x), b.surprise(1000 * x)) for x in numbers]
    np.testing.assert_allclose([t[0] for t in told], [t[1] for t in told], rtol=1e-6)
    # of 3,000 numbers about 3000 / 150 = 20 come up that are rarer than once in 150
    assert 5 < sum(t[0] > math.log(150) for t in told[200:]) < 60
    assert a.surprise(1000.0) > 12


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(30, 300), st.sampled_from([(32, 3), (64, 0), (48, 11)]))
def test_memory_is_its_twin(seed, n, size):
    rng = np.random.default_rng(seed)
    weight = np.array([1.0, 2.0])
    fast, slow = Memory(2, *size), NaiveMemory(*size)
    for row in rng.integers(0, 50, (n, 2)).astype(float):
        np.testing.assert_allclose(fast.nearest(row, weight), slow.nearest(row, weight))
        fast.keep(row)
        slow.keep(row)
        assert len(fast) == len(slow.past()) <= size[0]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 3), st.integers(0, 2**31), st.integers(0, 60), st.booleans()
)
def test_shift_is_its_twin(channels, k, seed, learn, gaps):
    rng = np.random.default_rng(seed)
    x = rng.normal(5, 1, (160, channels, k)).round(2)
    x[90:130] += rng.choice([0, 8.0], (channels, k))
    if gaps:
        x[rng.random(x.shape) < 0.1] = math.nan
    state = shift.blank(channels, k)
    spans = np.array([8.0, 4.0, 5.0])[:k]
    twins = [NaiveMachine(channels, span) for span in spans.tolist()]
    for t, row in enumerate(x):
        state, z = shift.advance(state, row, np.full(k, t < learn), spans)
        for i, twin in enumerate(twins):
            np.testing.assert_allclose(z[:, i], twin.see(row[:, i].tolist(), t < learn), rtol=1e-6)
            assert (state.held[i], state.wait[i], state.n[i]) == (twin.held, twin.wait, twin.n)


def test_no_machine_is_no_trouble_and_float32_stays():
    state, z = shift.advance(shift.blank(2, 0), np.zeros((2, 0)), np.zeros(0, bool), np.zeros(0))
    assert z.shape == (2, 0)
    state, spans = shift.blank(2, 3, np.float32), np.full(3, 8, np.float32)
    for _ in range(40):
        state, z = shift.advance(state, np.ones((2, 3), np.float32), np.zeros(3, bool), spans)
    assert {column.dtype for column in state} == {np.dtype(np.float32)}
    assert z.dtype == np.float32
    assert not state.held.any()


def walk(seed, n=900, channels=3):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (n, channels))
    noise[:, 0] = np.cumsum(rng.normal(0, 0.05, n))  # a temperature that wanders
    return noise + 20


def test_a_machine_is_held_from_the_shift_until_it_is_back():
    x = walk(7)
    x[500:650, 2] += 4
    judge = General(3, 300)
    said = [judge.judge(row, math.nan) for row in x]
    heard = np.array([one.anomaly for one in said])
    assert not heard[:500].any()
    assert heard[512:650].all()
    assert not heard[670:].any()
    assert {one.channel for one in said[500:650] if one.score > 0.6} == {2}
    assert all((one.score >= THRESHOLD) == one.anomaly and 0 <= one.score < 1 for one in said)


def day(n, seed, noise=1.0):
    t = np.arange(n)
    return 50 + 20 * np.sin(2 * np.pi * t / 96) + np.random.default_rng(seed).normal(0, noise, n)


def test_a_series_rings_once_for_what_never_was():
    x = day(3000, 5)
    x[2000:2040] = 50 + 60
    judge = General(1)
    heard = np.flatnonzero([judge.judge(np.array([v]), 900.0 * i).anomaly for i, v in enumerate(x)])
    assert [2000 <= i < 2005 for i in heard].count(True) == 1
    assert len(heard) <= 6


def test_a_noisy_series_that_stands_still_rings():
    x = np.random.default_rng(1).normal(0, 1, 1200).cumsum() * 0.01 + 5
    x[700:800] = x[700]
    series = Series()
    why = [series.judge(v, math.nan, silent=False) for v in x]
    assert any(v.rings and v.why == "flat" for v in why[720:725])


def test_missing_numbers_are_passed_over():
    x = day(800, 3)
    plain, gappy = General(1), General(1)
    for i, v in enumerate(x):
        a = plain.judge(np.array([v]), 900.0 * i)
        b = gappy.judge(np.array([v]), 900.0 * i)
        assert a.score == b.score
        if i == 100:
            silent = gappy.judge(np.array([math.nan]), 900.0 * i)
            assert (silent.score, silent.anomaly) == (0.0, False)
            plain.judge(np.array([math.nan]), 900.0 * i)


def test_ring_is_silent_while_the_event_lasts_and_asks_for_more_of_who_rings_often():
    ring = Ring()
    near, rings = ring.judge(1000, 3.0, silent=False)
    assert rings and near == pytest.approx(3.0 / 2.5)
    assert not ring.judge(1001, 5.0, silent=False)[1]
    assert ring.holds(1000 + HOLD - 1) and not ring.holds(1000 + HOLD)
    assert ring.judge(1000 + HOLD, 3.0, silent=False)[0] < near
    assert ring.judge(1002, 9.0, silent=False)[1]  # a small event hides no great one
    assert not Ring().judge(1000, 9.0, silent=True)[1]


@pytest.mark.parametrize(("channels", "learn"), [(0, 5), (2, -1)])
def test_what_cannot_be_is_named(channels, learn):
    with pytest.raises(ValueError, match="at least"):
        General(channels, learn)


def test_what_rings_while_it_is_learned_from_is_remembered_as_normal():
    taught, fresh = Ring(), Ring()
    for n in range(200, 1000, 200):
        assert not taught.judge(n, 9.0, silent=True)[1]
    assert taught.judge(1000, 3.0, silent=False)[0] < fresh.judge(1000, 3.0, silent=False)[0]
    # and what was silent does not hide the first event after it
    taught, n = Ring(), 500
    taught.judge(n, 9.0, silent=True)
    assert taught.judge(n + 1, 99.0, silent=False)[1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 12), st.booleans()), min_size=1, max_size=400))
def test_ring_is_its_twin(told):
    ring, rang, until, loud, was_silent = Ring(), [], 0, 1.0, False
    for i, (surprise, silent) in enumerate(told):
        n = 7 * i
        near, rings = ring.judge(n, surprise, silent)
        if was_silent and not silent:
            until = n
        was_silent = silent
        recent = 0.0  # every ring so far, faded one after another
        for before, after in zip(rang, [*rang, n][1:], strict=True):
            recent = (recent + 1) * math.exp((before - after) / 4000)
        more = 0.8 * math.log(max(n, 100) / 1000) + 0.6 * math.log(1 + recent)
        assert near == pytest.approx(max(surprise - more, 0) / 2.5, abs=1e-9)
        due = near >= 1 and (n >= until or near >= 2 * loud)
        assert rings == (due and not silent)
        if due:
            rang.append(n)
            until, loud = n + int(max(50, 0.03 * n)), near


@pytest.mark.parametrize("channels", [2, 300])
def test_a_flag_that_never_was_up_rings_and_a_counter_does_not(channels):
    x = np.random.default_rng(4).normal(0, 1, (500, channels))
    x[:, 0] = np.arange(500.0)  # kWh: only ever grows
    x[:, 1] = np.arange(500) >= 400
    judge = General(channels, 300)
    said = [judge.judge(row, math.nan) for row in x]
    heard = [i for i, one in enumerate(said) if one.anomaly and one.channel == 1]
    assert heard[0] in range(400, 404)
    assert not any(one.anomaly and one.channel == 0 for one in said)
