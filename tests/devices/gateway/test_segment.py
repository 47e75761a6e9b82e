"""Segments give back every bit; ranges and thinning agree with their plain twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from devices.gateway.ranges import Ranges
from devices.gateway.rows import Rows, column_of, join
from devices.gateway.segment import seal, unseal
from devices.gateway.trim import KEEP_EVERY, thinned
from tests.naive.kept import NaiveRanges, naive_thinned

FLOATS = npst.arrays(np.float32, 24, elements=st.floats(width=32, allow_nan=True))
DECIMAL = npst.arrays(np.float32, 24, elements=st.integers(-3000, 3000).map(lambda n: n / 100))
FLAT = npst.arrays(np.float32, 24, elements=st.sampled_from([1.0, float("nan")]))


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    columns = draw(st.lists(st.one_of(FLOATS, DECIMAL, FLAT), min_size=1, max_size=4))
    n = draw(st.integers(0, 24))
    lift = draw(npst.arrays(np.int32, n, elements=st.integers(0, 5)))
    ts_ms = draw(npst.arrays(np.int64, n, elements=st.integers(-(2**40), 2**45)))
    channel = np.arange(len(columns), dtype=np.int32) * 3
    return Rows(lift, ts_ms, channel, np.array(columns, np.float32)[:, :n])


def same(a: Rows, b: Rows) -> None:
    assert a.lift.tolist() == b.lift.tolist() and a.ts_ms.tolist() == b.ts_ms.tolist()
    assert a.channel.tolist() == b.channel.tolist()
    absent = np.isnan(a.values)
    assert (absent == np.isnan(b.values)).all()
    bits = [np.ascontiguousarray(one.values).view(np.uint32) for one in (a, b)]
    assert (bits[0][~absent] == bits[1][~absent]).all()


@given(some_rows())
@settings(max_examples=120, deadline=None)
def test_every_bit_comes_back(rows: Rows) -> None:
    same(unseal(seal(rows)), rows)
    same(Rows.unpack(rows.pack()), rows)


@given(some_rows())
@settings(max_examples=100, deadline=None)
def test_thinning_agrees_with_its_twin(rows: Rows) -> None:
    kept = thinned(rows) if len(rows) else rows
    found = list(zip(kept.lift.tolist(), kept.ts_ms.tolist(), strict=True))
    assert found == naive_thinned(rows, KEEP_EVERY)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_ranges_agree_with_a_set(steps: list[tuple[bool, int, int]]) -> None:
    ours, plain = Ranges(), NaiveRanges()
    for add, a, b in steps:
        low, high = min(a, b), max(a, b)
        (ours.add if add else ours.remove)(low, high)
        (plain.add if add else plain.remove)(low, high)
        assert list(ours) == plain.spans() and ours.size == len(plain.members)
        assert ours.covers(low, high) == all(i in plain.members for i in range(low, high)) or (
            low == high
        )
        first = ours.first(a, b) if a < b else None
        within = [i for i in range(a, b) if i in plain.members]
        assert (first is None) == (not within)
        assert first is None or first[0] == within[0]


def test_a_thousand_lifts_take_few_bytes_each() -> None:
    rng = np.random.default_rng(1)
    n = 32_768
    values = np.zeros((20, n), np.float32)
    for k in range(6):  # sensors with two decimals and noise, and fourteen that rarely change
        values[k] = (10 + rng.normal(0, 0.1, n)).round(2)
    lift = np.tile(np.arange(50, dtype=np.int32), n // 50 + 1)[:n]
    ts_ms = 1_700_000_000_000 + np.arange(n) // 50 * 1000
    rows = Rows(lift, ts_ms, np.arange(20, dtype=np.int32), values)
    assert len(seal(rows)) / n < 80 / 10  # a tenth of float32


def test_joined_parts_have_the_channels_of_all() -> None:
    a = Rows(np.int32([1]), np.int64([5]), np.int32([2, 7]), np.float32([[1], [2]]))
    b = Rows(np.int32([1]), np.int64([6]), np.int32([4]), np.float32([[3]]))
    both = join([a, b])
    assert both.channel.tolist() == [2, 4, 7]
    np.testing.assert_array_equal(both.values, [[1, np.nan], [np.nan, 3], [2, np.nan]])


@pytest.mark.parametrize(
    ("name", "given_", "found"),
    [
        ("car_status", ["stopped", "running", None], [0, 1, np.nan]),
        ("door_zone", [True, None, False], [1, np.nan, 0]),
        ("speed", [1, 2.5, float("inf")], [1, 2.5, np.nan]),
        ("speed", np.array([1e300]), None),
        ("speed", ["1.5"], None),
        ("speed", [2**400], None),
        ("car_status", ["flying"], None),
    ],
)
def test_what_a_column_may_be(name: str, given_: object, found: object) -> None:
    got = column_of(name, given_)  # type: ignore[arg-type]
    if found is None:
        assert got is None
    else:
        np.testing.assert_array_equal(got, np.float32(found))  # type: ignore[arg-type]
