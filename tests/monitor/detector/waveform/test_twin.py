"""Batched figures are those of the slow twin, and the same bits in whatever company."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from devices.batch import Waveform
from monitor.detector.waveform import FIGURES, analyse, bearing
from monitor.detector.waveform.weighting import filters
from tests.monitor.detector.waveform import signals
from tests.naive import waveform as naive

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # whole bursts shrink for minutes
SEED = st.integers(0, 10_000)
RIDES = st.builds(
    signals.ride,
    rate=st.sampled_from([50.0, 100.0]),
    speed=st.sampled_from([0.15, 0.63, 1.0, 2.5]),
    acc=st.sampled_from([0.4, 0.7]),
    constant_s=st.sampled_from([0.5, 3.0, 5.0]),
    rest_s=st.sampled_from([0.2, 1.0, 2.0]),
    down=st.booleans(),
    across=st.sampled_from([0.0, 0.1]),
    noise=st.sampled_from([0.01, 0.05]),
    seed=SEED,
)
MACHINES = st.builds(
    signals.machine,
    rate=st.sampled_from([400.0, 800.0]),
    seconds=st.sampled_from([1.0, 1.5, 2.0]),
    knocks_hz=st.sampled_from([0.0, 9.0, 25.0]),
    ring_hz=st.sampled_from([150.0, 300.0]),
    seed=SEED,
)
DOORS = st.builds(
    signals.door,
    rate=st.sampled_from([50.0, 210.0]),
    plateau=st.sampled_from([0.02, 1.0, 2.0]),
    move_s=st.sampled_from([0.3, 2.0, 3.3]),
    end_bump=st.sampled_from([0.0, 2.0]),
    sign=st.sampled_from([1, -1]),
    pause=st.sampled_from([None, (1.0, 1.06), (1.0, 1.3)]),
    seed=SEED,
)


@st.composite
def absurd(draw):
    """NaN, infinite, constant, empty, of another unit, of odd rates and ragged axes."""
    n = draw(st.sampled_from([0, 1, 2, 7, 120, 500]))
    value = draw(st.sampled_from([0.0, 9.81, math.nan, math.inf, 3e38]))
    x = np.full(n, value, np.float32)
    if n and draw(st.booleans()):
        x[draw(st.integers(0, n - 1))] = draw(st.sampled_from([math.nan, 1.0, -3e38]))
    axes = draw(
        st.sampled_from([{"z": x}, {"x": x, "z": x}, {"x": x, "y": x[1:]}, {"door": x}, {}])
    )
    rate = draw(st.sampled_from([0.0, math.nan, math.inf, 1.0, 50.0, 3200.0]))
    return Waveform(0, 5, rate, draw(st.sampled_from(["m/s2", "A", "V"])), axes)


ANY = st.one_of(RIDES, MACHINES, DOORS, absurd())


def slow(burst):
    """Every figure of one burst by the twin; NaN where it has none."""
    found = dict.fromkeys(FIGURES, math.nan)
    axes = {name: np.asarray(a, np.float64) for name, a in burst.axes.items()}
    if burst.unit == "A":
        done = naive.door(axes["door"], burst.rate_hz)
        return found | (done[0] if done else {}), done
    if "z" in axes:
        f = filters(burst.rate_hz, len(axes["z"]))
        return found | (naive.ride(axes, burst.rate_hz, f.size, f.step) or {}), None
    n = bearing.usable(len(axes["x"]))
    return found | (naive.bearing(axes["x"], burst.rate_hz, n) or {}), None


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(st.lists(st.one_of(RIDES, MACHINES, DOORS), min_size=1, max_size=4))
def test_batched_equals_the_slow_twin(bursts):
    fast = analyse(bursts)
    for i, burst in enumerate(bursts):
        want, done = slow(burst)
        for name in FIGURES:
            got = float(fast.columns[name][i])
            if name.startswith("bearing") and "z" in burst.axes:
                continue
            assert got == pytest.approx(want[name], rel=2e-4, abs=2e-6, nan_ok=True), name
        if done:
            np.testing.assert_allclose(fast.signature[i], done[1], rtol=1e-5)
            assert fast.backwards[i] == done[2]


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(st.lists(ANY, max_size=7))
def test_company_order_and_absurd_bursts_change_no_bit(bursts):
    together = analyse(bursts)
    backwards = analyse(bursts[::-1])
    assert len(together) == len(bursts)
    for i, burst in enumerate(bursts):
        alone = analyse([burst])
        for name in FIGURES:
            assert same(together.columns[name][i], alone.columns[name][0])
            assert same(together.columns[name][i], backwards.columns[name][len(bursts) - 1 - i])
        assert same(together.signature[i], alone.signature[0])


@settings(max_examples=100, deadline=None, phases=QUICK)
@given(absurd())
def test_an_absurd_burst_has_no_figures_and_raises_nothing(burst):
    found = analyse([burst])
    assert all(c.dtype == np.float32 and c.shape == (1,) for c in found.columns.values())
    assert all(np.isnan(c[0]) for name, c in found.columns.items() if name.startswith("ride"))


def test_no_burst_at_all():
    none = analyse([])
    assert len(none) == 0
    assert none.signature.shape == (0, 16)
