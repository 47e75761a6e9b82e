"""Rule 27w: bursts of waveform off this lift's normal."""

from __future__ import annotations

import pytest

from tests.monitor.detector.fleets import T0
from tests.monitor.detector.stories import AT_FLOOR, SPECIAL, Story
from tests.monitor.detector.waveform import signals

USUAL = AT_FLOOR | {"passenger": 0}


def shaking(k, worn):
    return signals.ride(ts_ms=ts(k), across=0.25 if worn else 0.05, noise=0.02, seed=k)


def jerky(k, worn):
    return signals.ride(ts_ms=ts(k), jerk=2.6 if worn else 0.8, noise=0.01, seed=k)


def knocking(k, worn):
    return signals.machine(
        ts_ms=ts(k), rate=1600.0, seconds=2.0, knocks_hz=27.0 if worn else 0.0, ring_hz=500.0,
        size=3.0, seed=k,
    )  # fmt: skip


def stiff_door(k, worn):
    return signals.door(ts_ms=ts(k), plateau=3.0 if worn else 1.5, seed=k)


def braking_door(k, worn):
    return signals.door(ts_ms=ts(k), end_bump=3.0 if worn else 0.0, seed=k)


def ts(k):
    return T0 + 60_000 * k


def tell(s, k, burst, **changed):
    return s.burst(60 * k, burst, **USUAL | changed)


@pytest.mark.parametrize("kind", [shaking, jerky, knocking, stiff_door, braking_door])
def test_27w_speaks_after_three_bursts_off_the_normal_and_not_before(kind):
    s = Story(tick_s=10, period=60)
    for k in range(25):
        tell(s, k, kind(k, worn=k in (15, 20)))  # a single bad burst is none
    assert s.all == set()
    for k in range(25, 29):
        tell(s, k, kind(k, worn=True))
    assert s.all == {"27w"}
    assert s.rang("27w") == [60 * 27]


def test_27w_says_nothing_while_it_still_learns():
    s = Story(tick_s=10, period=60)
    for k in range(12):
        tell(s, k, shaking(k, worn=k >= 6))
    assert s.all == set()


def test_27w_clears_when_the_bursts_are_usual_again():
    s = Story(tick_s=10, period=60)
    for k in range(18):
        tell(s, k, shaking(k, worn=k >= 15))
    assert s.rang("27w") == [60 * 17]
    for k in range(18, 33):
        tell(s, k, shaking(k, worn=False))
    assert s.cleared("27w") == [60 * 20 + 600]  # counted down by three bursts, then 10 min


@pytest.mark.parametrize("mode", SPECIAL)
def test_27w_is_silent_in_special_service(mode):
    s = Story(tick_s=10, period=60)
    for k in range(20):
        tell(s, k, shaking(k, worn=k >= 15), service_mode=mode)
    assert "27w" not in s.all


def test_27w_opening_and_closing_are_told_apart_by_the_sign_of_the_current():
    s = Story(tick_s=10, period=60)
    for k in range(60):
        way = {"sign": 1, "plateau": 1.5} if k % 2 else {"sign": -1, "plateau": 2.5}
        tell(s, k, signals.door(ts_ms=ts(k), seed=k, **way))
    assert s.all == set()


def test_27w_absurd_bursts_between_do_not_ring():
    s = Story(tick_s=10, period=60)
    for k in range(40):
        burst = shaking(k, worn=False)
        if k % 3 == 0:
            burst.axes["z"][k] = float("nan")
        if k % 3 == 1:
            burst.axes["x"][:] = 150
            burst.axes["z"][:] = 9.8
        tell(s, k, burst)
    assert s.all == set()
