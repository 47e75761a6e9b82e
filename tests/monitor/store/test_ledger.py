"""The ledger equals a plain set of numbers, whatever the order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.store.ledger import MAX_RANGES, Ledger, SeqRanges, Taken
from tests.naive.ledger import NaiveRanges

numbers = st.integers(1, 60)
steps = st.lists(st.tuples(st.sampled_from(["add", "give_up"]), numbers), max_size=80)


@given(steps)
def test_ranges_equal_a_plain_set(moves: list[tuple[str, int]]) -> None:
    fast, slow = SeqRanges(), NaiveRanges()
    for kind, number in moves:
        if kind == "add" and number >= slow.first:
            fast.add(number)
            slow.add(number)
        elif kind == "give_up":
            fast.give_up_below(number)
            slow.give_up_below(number)
        assert fast.durable == slow.durable
        missing = {n for low, high in fast.gaps(999) for n in range(low, high + 1)}
        assert missing == slow.missing()
        assert [n in fast for n in range(1, 62)] == [n in slow for n in range(1, 62)]


@given(steps)
def test_what_was_stored_reads_back_the_same(moves: list[tuple[str, int]]) -> None:
    ranges = SeqRanges()
    for kind, number in moves:
        (ranges.add if kind == "add" else ranges.give_up_below)(number)
    again = SeqRanges(ranges.dump())
    assert again.dump() == ranges.dump()
    assert (again.durable, again.gaps(99)) == (ranges.durable, ranges.gaps(99))


def test_a_sender_that_always_loses_cannot_fill_the_memory() -> None:
    ranges = SeqRanges()
    for seq in range(1, 10 * MAX_RANGES, 2):
        ranges.add(seq)
    assert len(ranges.lows) <= MAX_RANGES


def test_a_repeat_is_recognised_per_gateway_and_boot() -> None:
    ledger = Ledger([("gw-1", 7, "1;1-10;0")])
    assert ledger.take("gw-1", 7, 10, None) is Taken.REPEAT
    assert ledger.take("gw-1", 7, 11, None) is Taken.NEW
    assert ledger.take("gw-1", 8, 1, None) is Taken.NEW
    assert ledger.take("gw-2", 7, 1, None) is Taken.NEW
    assert ledger.dirty() == {
        ("gw-1", 7): "1;1-11;0",
        ("gw-1", 8): "1;1;0",
        ("gw-2", 7): "1;1;0",
    }
    assert ledger.dirty() == {}


def test_first_tells_the_service_to_stop_asking() -> None:
    ledger = Ledger()
    ledger.take("gw-1", 1, 100, None)
    assert ledger.ranges("gw-1", 1).gaps() == [(1, 99)]
    ledger.take("gw-1", 1, 101, 90)
    assert ledger.ranges("gw-1", 1).gaps() == [(90, 99)]
    ledger.take("gw-1", 1, 102, 100)
    assert ledger.ranges("gw-1", 1).durable == 102


def test_a_number_used_again_for_something_newer_is_no_repeat() -> None:
    ledger = Ledger()
    assert ledger.take("gw-1", 1, 1, None, newest_ms=100) is Taken.NEW
    assert ledger.take("gw-1", 1, 2, None, newest_ms=200) is Taken.NEW
    assert ledger.take("gw-1", 1, 1, None, newest_ms=100) is Taken.REPEAT
    assert ledger.take("gw-1", 1, 1, None, newest_ms=201) is Taken.BACK
    (text,) = ledger.dirty().values()
    again = Ledger([("gw-1", 1, text)])
    assert again.take("gw-1", 1, 1, None, newest_ms=201) is Taken.BACK
