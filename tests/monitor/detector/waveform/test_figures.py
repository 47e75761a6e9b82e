"""Figures of signals whose answer is known without us."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detector.waveform import FIGURES, analyse, bearing, rows
from monitor.detector.waveform.weighting import WD, WK, response
from tests.monitor.detector.waveform import signals


def figures(burst):
    return {name: float(column[0]) for name, column in analyse([burst]).columns.items()}


def of_one_sine(amplitude, hz, weighting):
    return 2 * amplitude * abs(response(weighting, np.array([hz]))[0])


def test_a_sine_has_one_height_from_peak_to_peak():
    t = np.arange(4000) / 400
    y = np.stack([0.3 * np.sin(2 * np.pi * 3 * t), 0 * t, np.ones_like(t)])
    most, usual = rows.peak_to_peak(y, np.ones(y.shape, np.bool_))
    assert most[0] == pytest.approx(0.6, rel=1e-3)
    assert usual[0] == pytest.approx(0.6, rel=1e-3)
    assert np.isnan(most[1:]).all() and np.isnan(usual[1:]).all()


def test_a95_leaves_out_the_largest_twentieth():
    """100 heights: of each half wave 1, and a single one of 9."""
    y = np.tile([1.0, -1.0], 51)[:101]
    y[50] = 9
    most, usual = rows.peak_to_peak(y[None], np.ones((1, 101), np.bool_))
    assert (most[0], usual[0]) == (10, 2)


@pytest.mark.parametrize("rate", [50.0, 100.0, 800.0])
@pytest.mark.parametrize("down", [False, True])
def test_a_ride_with_limited_jerk(rate, down):
    found = figures(signals.ride(rate=rate, down=down, across=0.1, constant_s=6.0))
    assert found["ride_speed"] == pytest.approx(1.75, rel=0.01)
    assert found["ride_v95"] == pytest.approx(1.75, rel=0.01)
    assert found["ride_acc"] == pytest.approx(0.8, rel=0.02)
    assert found["ride_dec"] == pytest.approx(0.8, rel=0.02)
    assert found["ride_acc_a95"] == pytest.approx(0.8, rel=0.02)
    assert found["ride_jerk"] == pytest.approx(1.0, rel=0.02)
    ramp_s = 1.75 / 0.8 + 0.8
    assert found["ride_distance"] == pytest.approx(1.75 * (6 + ramp_s), rel=0.01)
    slow_s = np.sqrt(2 * 0.05 * 1.75)  # below 5 % of the speed, at each end
    assert found["ride_travel_s"] == pytest.approx(6 + 2 * (ramp_s - slow_s), abs=0.06)
    across = of_one_sine(0.1, 2.0, WD)
    assert found["ride_a95_h"] == pytest.approx(across, rel=0.03)
    assert found["ride_max_h"] == pytest.approx(across, rel=0.06)


def test_vertical_vibration_is_weighted_and_read_at_constant_speed():
    burst = signals.ride(rate=400.0, constant_s=8.0)
    t = np.arange(len(burst.axes["z"])) / 400
    burst.axes["z"] += np.float32(0.2) * np.sin(2 * np.pi * 6 * t).astype(np.float32)
    found = figures(burst)
    assert found["ride_a95_v"] == pytest.approx(of_one_sine(0.2, 6.0, WK), rel=0.05)


def test_the_offset_of_the_sensor_does_not_matter():
    one, other = (figures(signals.ride(offset=g, across=0.05)) for g in (9.81, 10.31))
    for name in ("ride_speed", "ride_a95_h", "ride_a95_v", "ride_jerk"):
        assert one[name] == pytest.approx(other[name], rel=1e-3)


@pytest.mark.parametrize(
    "cut",
    [slice(0, 900), slice(400, None), slice(300, 900), slice(0, 200)],
    ids=["no end", "no start", "neither", "rest only"],
)
def test_no_whole_ride_no_figures(cut):
    whole = signals.ride(noise=0.01)
    part = signals.burst(0, 1, 100.0, {n: a[cut] for n, a in whole.axes.items()})
    assert all(np.isnan(v) for n, v in figures(part).items() if n.startswith("ride"))


def test_amplitude_modulation_is_one_line_of_known_height():
    rate, n = 3200.0, bearing.usable(16_000)
    t = np.arange(n) / rate
    line = round(7.0 * n / rate) * rate / n
    carrier = np.sin(2 * np.pi * 1000 * t)
    x = (1 + 0.5 * np.cos(2 * np.pi * line * t)) * carrier
    (part,) = bearing.envelopes(x[None] + 1e-3 * np.random.default_rng(0).normal(size=n), rate)
    place = round(line / part.hz[1])
    assert part.amplitude[0, place] == pytest.approx(2 * 0.5 / (1 + 0.125), rel=0.02)
    assert part.amplitude[0, 2 * place] == pytest.approx(0.125 / (1 + 0.125), rel=0.05)
    assert bearing.at_frequencies(part, np.array([line, 5000.0]))[0, 0] > 50
    assert np.isnan(bearing.at_frequencies(part, np.array([5000.0])))[0, 0]


@pytest.mark.parametrize(("knocks", "ring"), [(31.4, 1000.0), (12.7, 600.0), (87.0, 1250.0)])
def test_knocks_are_found_without_knowing_the_bearing(knocks, ring):
    found = figures(signals.machine(knocks_hz=knocks, ring_hz=ring))
    assert found["bearing_line_hz"] == pytest.approx(knocks, abs=0.3)
    assert found["bearing_prominence"] > 8
    assert found["bearing_harmonics"] >= 2
    assert found["bearing_kurtosis"] > 0.3


def test_noise_has_no_line():
    for seed in range(8):
        found = figures(signals.machine(seed=seed))
        assert found["bearing_prominence"] < 6
        assert found["bearing_harmonics"] <= 1


def test_a_machine_that_stands_is_not_judged():
    still = signals.burst(0, 1, 800, {"x": np.random.default_rng(0).normal(0, 0.005, 4000)})
    slow = signals.machine(rate=200.0)
    assert np.isnan([figures(b)["bearing_prominence"] for b in (still, slow)]).all()


def test_a_door_movement():
    found = figures(signals.door())
    assert found["door_time_s"] == pytest.approx(3.0, abs=0.05)
    assert found["door_plateau"] == pytest.approx(1.5, rel=0.02)
    assert 3.5 < found["door_inrush"] <= 4.1
    assert found["door_ripple"] < 0.03
    assert found["door_reversal"] == 0
    # ∫(1.5 + 2.5·e^(−t/0.15))² dt over 3 s
    assert found["door_energy"] == pytest.approx(2.25 * 3 + 7.5 * 0.15 + 6.25 * 0.075, rel=0.05)


def test_a_door_that_reverses():
    paused = signals.door(move_s=5.0, pause=(2.0, 2.4))
    assert figures(paused)["door_reversal"] == 1
    turned = signals.door(move_s=4.0)
    half = len(turned.axes["door"]) // 2
    turned.axes["door"][half:] *= -1
    assert figures(turned)["door_reversal"] == 1


@pytest.mark.parametrize("kind", ["idle", "not ended", "too short"])
def test_no_whole_movement_no_figures(kind):
    current = {
        "idle": np.random.default_rng(0).normal(0, 0.005, 2000),
        "not ended": np.r_[np.zeros(500), np.full(1500, 2.0)],
        "too short": np.r_[np.zeros(500), np.full(100, 2.0), np.zeros(500)],
    }[kind]
    found = figures(signals.burst(0, 1, 400, {"door": current}, "A"))
    assert all(np.isnan(v) for v in found.values())


def test_a_drive_current_is_nobodys_door():
    found = figures(signals.burst(0, 1, 400, {"motor": signals.door().axes["door"]}, "A"))
    assert set(found) == set(FIGURES)
    assert all(np.isnan(v) for v in found.values())
