"""The kernels equal their slow twins, and do what their docstrings promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detector.method import change, columns, cusum, flat, multivariate, robust, season
from monitor.detector.table import NEVER, Table
from tests.naive.method import (
    NaiveRobust,
    NaiveSeason,
    NaiveShift,
    NaiveTogether,
    flat_runs,
)

F = np.float32
NAN = float("nan")
NUMBERS = st.one_of(
    st.floats(-100, 100, width=32),
    st.sampled_from([0.0, 1.0, 1.0, 1.125, 40.0, NAN]),
)


def series(numbers=NUMBERS, most_k=4, most_t=60):
    """float32 [T, k], k from 0."""
    return st.integers(0, most_k).flatmap(
        lambda k: st.lists(
            st.lists(numbers, min_size=k, max_size=k), min_size=1, max_size=most_t
        ).map(lambda rows: np.array(rows, F).reshape(len(rows), k))
    )


def blank(kind, k, rows=None):
    return kind(
        *(np.zeros((rows[field], k) if rows and field in rows else k, F) for field in kind._fields)
    )


@settings(max_examples=60, deadline=None)
@given(series(), st.sampled_from([(0.0, 0.0), (0.5, 0.0), (0.01, 0.05)]))
def test_robust_is_its_twin(x, floors):
    state, limits = blank(robust.Robust, x.shape[1]), robust.Limits(F(floors[0]), F(floors[1]))
    twins = [NaiveRobust(*floors) for _ in range(x.shape[1])]
    for row in x:
        state, r = robust.learn(state, row, limits)
        assert r.dtype == state.level.dtype == state.spread.dtype == F
        for i, twin in enumerate(twins):
            np.testing.assert_array_equal(r[i], twin.see(row[i]))
            assert (state.n[i], state.level[i], state.spread[i]) == (
                twin.n,
                twin.level,
                twin.spread,
            )


def test_robust_finds_level_and_sigma_through_outliers():
    rng = np.random.default_rng(3)
    state = blank(robust.Robust, 200)
    for _ in range(600):
        x = rng.normal(50, 2, 200)
        x[rng.random(200) < 0.05] = 500
        state, _ = robust.learn(state, x.astype(F), robust.Limits())
    assert abs(np.median(state.level) - 50) < 0.3
    assert 1.6 < np.median(robust.MAD_TO_SIGMA * state.spread) < 2.6


@settings(max_examples=40, deadline=None)
@given(
    series(most_k=3, most_t=25),
    st.lists(st.integers(-(10**12), 10**13), min_size=25, max_size=25),
    st.sampled_from([season.HOUR_OF_WEEK, (season.Ring(7_000, 7),)]),
    st.sampled_from([0, 8 * season.HOUR_MS]),
)
def test_season_is_its_twin(x, times, rings, shift):
    k = x.shape[1]
    factors = np.zeros((season.size(rings), k), F)
    twins = [NaiveSeason(rings) for _ in range(k)]
    sigma = np.full(k, 2, F)
    for row, time in zip(x, times, strict=False):
        at = np.full(k, time, np.int64) + np.arange(k) * season.HOUR_MS
        where = season.places(at, rings, shift)
        said = season.value(factors, where)
        factors = season.learn(factors, where, row - said, sigma, 0.1)
        assert factors.dtype == F
        for i, twin in enumerate(twins):
            assert said[i] == twin.value(int(at[i]), shift)
            twin.learn(int(at[i]), F(row[i] - said[i]), F(2), 0.1, shift)
            np.testing.assert_array_equal(factors[:, i], np.concatenate(twin.factors))


def test_season_learns_day_and_weekend_and_shouts_at_neither():
    hours = np.arange(0, 24 * 7 * 8, 0.5)
    day, weekday = hours % 24, (hours // 24) % 7
    x = 10 + 3 * np.sin(2 * np.pi * day / 24) - 4 * (weekday >= 5)
    factors, level, off = np.zeros((season.size(), 1), F), F(9), []
    for hour, value in zip(hours, x, strict=True):
        at = np.array([season.MONDAY_MS + round(hour * season.HOUR_MS)])
        where = season.places(at)
        residual = np.array([value], F) - level - season.value(factors, where)
        off.append(abs(float(residual[0])))
        factors = season.learn(factors, where, residual, np.array([2], F))
    assert max(off[:336]) < 9
    assert np.mean(off[-336:]) < 0.5


@settings(max_examples=60, deadline=None)
@given(series(st.one_of(st.floats(-9, 9, width=32), st.just(NAN))), st.sets(st.integers(0, 59)))
def test_cusum_and_change_are_their_twin(z, resets):
    k = z.shape[1]
    sums, since = blank(cusum.Cusum, k), blank(change.Change, k)
    began = change.Began(np.full(k, NEVER), np.full(k, NEVER))
    twins = [NaiveShift() for _ in range(k)]
    for t, row in enumerate(z):
        at = np.full(k, 1000 * t)
        reset = np.full(k, t in resets)
        sums = cusum.advance(sums, row, reset=reset)
        for i, twin in enumerate(twins):
            if t in resets:
                twin.reset()
            twin.see(row[i], 1000 * t)
        since, began = change.advance(since, began, sums, row, at)
        size, start = change.shift(since, sums.held), change.since(began, sums.held, NEVER)
        for i, twin in enumerate(twins):
            assert (sums.up[i], sums.down[i]) == (twin.sums[1], twin.sums[-1])
            held, shift, began_at = twin.told()
            assert (sums.held[i], size[i]) == (held, shift)
            assert start[i] == (NEVER if began_at is None else began_at)


def test_cusum_needs_more_than_one_wild_number_and_tells_a_small_shift():
    sums = blank(cusum.Cusum, 1)
    sums = cusum.advance(sums, np.array([1e6], F))
    assert sums.held[0] == 0
    for _ in range(20):
        sums = cusum.advance(sums, np.array([1.0], F))
    assert sums.held[0] == 1


def test_ewma_ignores_the_unknown_and_its_sigma_is_right():
    z = np.random.default_rng(5).normal(size=(400, 500)).astype(F)
    mean = np.zeros(500, F)
    for row in z:
        mean = cusum.ewma(mean, row)
    assert np.std(mean) == pytest.approx(cusum.ewma_sigma(), rel=0.1)
    np.testing.assert_array_equal(cusum.ewma(mean, np.full(500, NAN, F)), mean)


@settings(max_examples=60, deadline=None)
@given(series(st.sampled_from([0.0, 0.0, 0.0, 1.0, NAN])), st.sampled_from([1.0, 3.0]))
def test_flat_is_its_twin(x, factor):
    k = x.shape[1]
    state, before, spoken = blank(flat.Flat, k), np.full(k, NAN, F), []
    for row in x:
        state, speaks = flat.advance(state, before, row, 2.0, factor)
        spoken.append(speaks)
        before = row
    for i in range(k):
        assert [bool(s[i]) for s in spoken] == flat_runs(x[:, i], 2.0, factor)


def test_jump_needs_both_numbers():
    before = np.array([0, 0, NAN], F)
    x = np.array([3, 9, 9], F)
    out = flat.jump(before, x, np.full(3, 2, F), np.full(3, 2, F), 1.0)
    assert out.tolist() == [False, True, False]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    series(st.one_of(st.floats(-6, 6, width=32), st.just(NAN)), most_k=3, most_t=20),
    st.integers(0, 2**31),
)
def test_multivariate_is_its_twin(channels, z, seed):
    k = z.shape[1]
    mix = np.random.default_rng(seed).normal(size=(channels,)).astype(F)
    state = multivariate.Together(np.zeros(k, F), np.zeros((multivariate.size(channels), k), F))
    twins = [NaiveTogether(channels) for _ in range(k)]
    for t, row in enumerate(z):
        reading = np.stack([np.roll(row, c) * mix[c] + F(0.25 * (t % 3)) for c in range(channels)])
        verdict = multivariate.judge(state, reading)
        state = multivariate.learn(state, reading, verdict)
        assert state.s.dtype == verdict.d2.dtype == F
        for i, twin in enumerate(twins):
            d2, part = twin.judge(reading[:, i])
            twin.learn(reading[:, i], d2)
            np.testing.assert_allclose(verdict.d2[i], d2, rtol=2e-3, atol=2e-3)
            np.testing.assert_allclose(verdict.part[:, i], part, rtol=5e-3, atol=5e-3)


def test_the_channel_that_left_the_common_movement_is_named():
    rng = np.random.default_rng(11)
    state = multivariate.Together(np.zeros(1, F), np.zeros((multivariate.size(3), 1), F))
    for _ in range(400):
        common = rng.normal()
        z = (common + 0.2 * rng.normal(size=3)).astype(F).reshape(3, 1)
        state = multivariate.learn(state, z, multivariate.judge(state, z))
    usual = multivariate.judge(state, np.array([[2.0], [2.1], [1.9]], F))
    odd = multivariate.judge(state, np.array([[2.0], [-0.5], [2.0]], F))
    assert odd.d2[0] > 5 * usual.d2[0]
    assert int(np.argmax(odd.part[:, 0])) == 1  # nearer to its mean than the other two
    assert multivariate.deviation(odd)[0] > 4 > multivariate.deviation(usual)[0]


def test_states_live_in_named_columns_of_a_table():
    rows = {"s": 3}
    listed = columns.names("pair", multivariate.Together._fields, rows)
    assert listed == ("pair.n", "pair.s.0", "pair.s.1", "pair.s.2")
    table = Table(listed, np.float32, 0.0, 5)
    block, which = table.take(np.arange(5, dtype=np.int32)), np.array([1, 3])
    state = columns.read(block, "pair", multivariate.Together, which, rows)
    assert state.s.shape == (3, 2)
    columns.write(block, "pair", multivariate.Together(state.n + 1, state.s + 2), which, rows)
    table.put(np.arange(5, dtype=np.int32), block)
    assert table.data[:, 0].tolist() == [0, 1, 0, 1, 0]
    assert table.data[3].tolist() == [1, 2, 2, 2]
