"""Clock offsets are told apart from delay; a backlog is never taken for a slow clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.link.clocks import LONG_PROOF_MS, NEVER, PROOF_MS, Clocks
from tests.naive.clocks import NaiveClock

T0 = 1_790_000_000_000
LATE = 120_000
HOUR = 3_600_000


def one(clocks: Clocks, age: int, at: int, front: bool = True, witness: int = NEVER) -> int | None:
    """A sample of lift 0; what is added to its time where it is of now by correction."""
    row, told = np.zeros(1, np.int32), np.array([age])
    now, shift = clocks.place(row, told, np.array([front]), LATE)
    if front:
        told_at = np.array([T0 if witness != NEVER else NEVER])
        clocks.hear(row, told, np.array([at]), np.array([witness]), told_at)
    return int(shift[0]) if now[0] else None


def jitter(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


EVENT = st.tuples(
    st.integers(0, 2),  # lift
    st.sampled_from([0, 500, 20_000, 59_000, 61_000, 600_000]),  # time since the event before
    st.sampled_from([0, 100_000, 600_000, 600_900, 603_000, -400_000, -399_500]),  # age
    st.integers(0, 900),  # jitter
    st.booleans(),
)


@given(st.lists(EVENT, max_size=120), st.sampled_from([NEVER, 0, 600_300, -400_000]))
@settings(deadline=None, max_examples=300)
def test_it_agrees_with_its_naive_twin(events: list[tuple[int, ...]], witness: int) -> None:
    clocks, naive = Clocks(3), [NaiveClock() for _ in range(3)]
    at = T0
    for lift, step, told, more, front in events:
        at += step
        age = told + more
        row = np.array([lift], np.int32)
        twin = naive[lift]
        twin.disproved(age, bool(front))
        now, shift = clocks.place(row, np.array([age]), np.array([bool(front)]), LATE)
        assert (int(shift[0]) if now[0] else None) == twin.of_now(age, bool(front), LATE)
        if front:
            told_at = np.array([NEVER if witness == NEVER else at])
            clocks.hear(row, np.array([age]), np.array([at]), np.array([witness]), told_at)
            twin.hear(age, at, None if witness == NEVER else witness)
        offset = clocks.offset_s()[lift]
        told_s = None if twin.offset is None else np.float32(twin.offset / 1000)
        assert (None if np.isnan(offset) else offset) == told_s


@pytest.mark.parametrize("offset", [600_000, 8 * HOUR, -8 * HOUR, 65_000])
def test_a_clock_that_is_off_and_stays_so_is_found(offset: int) -> None:
    clocks, rng = Clocks(1), jitter(1)
    one(clocks, 100, T0 - 5000)  # it was right before
    found = []
    for i in range(240):
        age = offset + int(rng.exponential(300))
        found.append(one(clocks, age, T0 + 1000 * i))
    first = next(i for i, shift in enumerate(found) if shift is not None)
    assert PROOF_MS / 1000 <= first <= PROOF_MS / 1000 + 45
    assert all(shift is not None and abs(shift - offset) < 1000 for shift in found[first:])


@pytest.mark.parametrize("gain", [100.0, 2.0, 1.05, 1.01])
def test_a_backlog_is_never_of_now(gain: float) -> None:
    """Ten hours of outage, then all of it from the front, faster than it is made or hardly so."""
    clocks, rng = Clocks(1), jitter(2)
    one(clocks, 100, T0 - 10 * HOUR)
    for i in range(3600):
        age = 10 * HOUR - (gain - 1) * 1000 * i + int(rng.exponential(200))
        assert one(clocks, max(100, int(age)), T0 + 1000 * i) is None


def test_a_backlog_behind_the_live_samples_is_never_of_now() -> None:
    clocks = Clocks(1)
    for i in range(1800):
        assert one(clocks, 150, T0 + 1000 * i) is None
        for k in range(20):
            assert one(clocks, 5 * HOUR - 20_000 * i + 1000 * k, T0 + 1000 * i) is None


def test_what_fills_a_gap_is_never_of_now() -> None:
    clocks = Clocks(1)
    for i in range(300):
        one(clocks, 600_200, T0 + 1000 * i + LONG_PROOF_MS)
    for i in range(2000):
        one(clocks, 600_200, T0 + 1000 * i + 2 * LONG_PROOF_MS)
    at = T0 + 2000_000 + 2 * LONG_PROOF_MS
    assert one(clocks, 600_200, at) == 600_200
    assert one(clocks, 600_200, at, front=False) is None
    assert one(clocks, 600_200 + LATE + 1, at) is None, "late by its own clock, too"


def test_after_a_silence_as_long_as_the_age_it_takes_longer() -> None:
    """A clock without a battery goes on where it stopped; a backlog that stands looks alike."""
    clocks = Clocks(1)
    one(clocks, 100, T0 - HOUR)
    found = [one(clocks, HOUR + 100, T0 + 1000 * i) for i in range(1200)]
    first = next(i for i, shift in enumerate(found) if shift is not None)
    assert LONG_PROOF_MS / 1000 <= first <= LONG_PROOF_MS / 1000 + 130


def test_a_gateway_that_tells_the_same_clock_proves_it_at_once() -> None:
    clocks = Clocks(1)
    one(clocks, 100, T0 - HOUR)
    found = [one(clocks, HOUR + 100, T0 + 1000 * i, witness=HOUR) for i in range(120)]
    assert next(i for i, shift in enumerate(found) if shift is not None) <= 62
    doubted = Clocks(1)
    one(doubted, 100, T0 - 1000)
    found = [one(doubted, HOUR + 100, T0 + 1000 * i, witness=50) for i in range(800)]
    assert not any(found), "a gateway whose clock is right says that this is a backlog"


def test_a_clock_that_is_set_right_counts_at_once() -> None:
    clocks = Clocks(1)
    one(clocks, 100, T0 - 2000)
    for i in range(400):
        one(clocks, 600_100, T0 + 1000 * i)
    assert clocks.offset_s()[0] == pytest.approx(600.1)
    assert one(clocks, 150, T0 + 401_000) is None
    assert np.isnan(clocks.offset_s()[0]), "nothing is added to its time any more"
    for i in range(200):
        one(clocks, 150, T0 + 402_000 + 1000 * i)
    assert clocks.offset_s()[0] == pytest.approx(0.15)


def test_a_clock_that_jumps_further_back_is_late_until_proved_anew() -> None:
    clocks = Clocks(1)
    one(clocks, 100, T0 - 2000)
    for i in range(400):
        one(clocks, 600_100, T0 + 1000 * i)
    at = T0 + 400_000
    found = [one(clocks, 2 * HOUR, at + 1000 * i) for i in range(300)]
    first = next(i for i, shift in enumerate(found) if shift is not None)
    assert first >= PROOF_MS / 1000
    assert found[first] == 2 * HOUR


def test_drift_is_told_by_the_day() -> None:
    clocks = Clocks(1)
    one(clocks, 100, T0 - 2000)
    for i in range(0, 4 * 3600, 10):
        one(clocks, 600_000 + round(i * 50e-3), T0 + 1000 * i)  # 50 ppm
    assert clocks.drift_s_day()[0] == pytest.approx(50e-6 * 86_400, rel=0.02)
    assert clocks.offset_s()[0] == pytest.approx(600 + 4 * 3600 * 50e-6, abs=0.1)


def test_many_samples_at_once_count_by_the_youngest() -> None:
    """A device that sends a minute at once is as old as its newest sample."""
    clocks = Clocks(2)
    lift = np.tile(np.array([0, 1], np.int32), 60)
    for minute in range(20):
        age = np.repeat(np.arange(60), 2) * 1000 + 200
        at = np.full(120, T0 + 60_000 * minute)
        none = np.full(120, NEVER)
        clocks.hear(lift, age.astype(np.int64), at, none, none)
    assert clocks.offset_s() == pytest.approx([0.2, 0.2])
