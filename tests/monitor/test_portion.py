"""How much is done in one turn: as much as costs the time that is set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.portion import GROW, Portion

TURN_S = 0.1


def settled(portion: Portion, base_s: float, row_s: float, turns: int = 60) -> float:
    """Work for some turns at a fixed price; return what the last one took."""
    took = 0.0
    for _ in range(turns):
        took = base_s + row_s * portion.size
        portion.took(portion.size, took)
    return took


@given(st.floats(0, 0.05), st.floats(1e-7, 1e-3))
def test_a_turn_comes_to_cost_what_it_may(base_s: float, row_s: float) -> None:
    portion = Portion(TURN_S, 10_000, 10, 100_000)
    took = settled(portion, base_s, row_s)
    if portion.size > portion.least:
        assert took <= TURN_S * GROW + row_s
    if portion.size < portion.most:
        assert took >= TURN_S / 2 - base_s / 2, "and no less than that for nothing"


def test_it_follows_a_machine_that_becomes_slow_and_quick_again() -> None:
    portion = Portion(TURN_S, 1_000, 10, 100_000)
    settled(portion, 0, 1e-5)
    quick = portion.size
    assert 8_000 < quick <= 10_000 * GROW
    portion.took(quick, quick * 1e-3)
    portion.took(portion.size, portion.size * 1e-3)
    portion.took(portion.size, portion.size * 1e-3)
    assert portion.size <= 200, "within a few turns"
    settled(portion, 0, 1e-5)
    assert portion.size > 8_000


def test_a_small_turn_says_nothing_of_a_large_one() -> None:
    portion = Portion(TURN_S, 1_000, 10, 100_000)
    for _ in range(100):
        portion.took(5, 0.001)
    assert portion.size == 1_000
    portion.took(0, 5.0)
    assert portion.size == 1_000


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1e4)), max_size=50))
def test_it_stays_within_its_bounds(turns: list[tuple[int, float]]) -> None:
    portion = Portion(TURN_S, 100, 10, 1_000)
    for done, seconds in turns:
        portion.took(done, seconds)
        assert 10 <= portion.size <= 1_000


@pytest.mark.parametrize("wrong", [(0.0, 5, 1, 10), (1.0, 0, 1, 10), (1.0, 11, 1, 10)])
def test_bounds_that_cannot_be_are_refused(wrong: tuple[float, int, int, int]) -> None:
    with pytest.raises(ValueError, match="≤"):
        Portion(*wrong)
