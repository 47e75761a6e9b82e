"""Rings are paired as they overlap; labels say what was missed and what was false."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigError
from monitor.backtest.compare import compare
from monitor.backtest.labels import AFTER_MS, Label, load_labels
from monitor.backtest.rings import Ring, pairs_of
from monitor.backtest.times import moment, told

ZONE = ZoneInfo("Asia/Shanghai")
SPAN = (1_000_000, 2_000_000)


def ring(at: int, end: int | None, lift: str = "x", rule: str = "1", hold: int = 10) -> Ring:
    return Ring(lift, rule, at - hold, at, end)


@st.composite
def sides(draw: st.DrawFn) -> list[Ring]:
    found = []
    for lift in draw(st.lists(st.sampled_from("xyz"), unique=True)):
        at = 900_000
        steps = st.tuples(st.integers(1, 400_000), st.integers(20, 400_000))
        for length, pause in draw(st.lists(steps, max_size=5)):
            at += pause
            found.append(ring(at, at + length, lift))
            at += length
        if draw(st.booleans()):
            found.append(ring(at + 20, None, lift))
    return found


@given(sides())
def test_rules_against_themselves_make_no_difference(a: list[Ring]) -> None:
    found = compare(pairs_of(a, a), SPAN)
    total = found.total
    assert total.alone == [0, 0] and not found.rules_of_lift
    assert total.rang == [sum(one.rang(SPAN) for one in a)] * 2
    assert total.both == total.rang[0] and total.later_ms == 0


@given(sides(), sides())
def test_every_ring_is_in_one_pair_and_pairs_overlap(a: list[Ring], b: list[Ring]) -> None:
    pairs = pairs_of(a, b)
    by_place = lambda one: (one.lift, one.rule, one.at_ms)  # noqa: E731
    for side, rings in enumerate((a, b)):
        mine = [pair[side] for pair in pairs if pair[side]]
        assert sorted(mine, key=by_place) == sorted(rings, key=by_place)
    for left, right in pairs:
        if left and right:
            assert left.since_ms <= right.end_ms and right.since_ms <= left.end_ms
        else:  # nobody alone could have been paired with another who is alone
            one = left or right
            for other in (p[0 if right else 1] for p in pairs if None in p):
                if other and (one.lift, one.rule) == (other.lift, other.rule):
                    assert one.end_ms < other.since_ms or other.end_ms < one.since_ms
    turned = pairs_of(b, a)
    count = lambda some: sum(None in pair for pair in some)  # noqa: E731
    assert count(pairs) == count(turned)


def test_counts_of_one_story() -> None:
    a = [ring(900_000, 1_100_000), ring(1_300_000, 1_310_000), ring(1_900_000, None)]
    b = [ring(1_050_000, 1_150_000), ring(1_900_400, None), ring(1_500_000, None, "y", "2")]
    found = compare(pairs_of(a, b), SPAN)
    one, two = found.by_rule["1"], found.by_rule["2"]
    assert (one.rang, one.alone, one.both) == ([2, 2], [1, 0], 2)
    assert one.later_s == pytest.approx((150 + 0.4) / 2, abs=0.1)
    assert (one.cleared, one.stands) == ([2, 1], [1, 1])
    assert (two.rang, two.alone, two.stands) == ([0, 1], [0, 1], [0, 1])
    assert found.rules_of_lift == {"x": {"1"}, "y": {"2"}}
    assert found.total.rang == [2, 3]


def test_missed_and_false_by_labels() -> None:
    labels = [
        Label("x", "1", 1_200_000, 1_250_000),
        Label("x", "1", 1_800_000, 1_810_000),
        Label("y", "1", 1_200_000, 1_900_000),
        Label("y", "1", 100, 200),  # long before: says nothing
    ]
    a = [ring(1_240_000, 1_260_000), ring(1_750_000, None), ring(1_300_000, None, "y")]
    b = [ring(1_250_000 + AFTER_MS + 1, 2_500_000), ring(1_500_000, 1_600_000, "z", "9")]
    found = compare(pairs_of(a, b), SPAN, labels)
    tally = found.by_rule["1"]
    assert tally.labels == 3
    assert tally.missed == [0, 3 - 1]  # B heard the second label alone, by a ring that lasts
    assert tally.false == [0, 0]
    assert found.by_rule["9"].false == [0, 0], "no label speaks of rule 9"
    none = compare(pairs_of([], [ring(1_250_000, 1_260_000, "z")]), SPAN, labels)
    assert (none.total.missed, none.total.false) == ([3, 3], [0, 1])


def test_label_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("reg_code,rule,start,end\n7,1,2026-03-02T08:00,\n7,2,2026-03-02,2026-03-02\n")
    first, second = load_labels(file, ZONE, {"1", "2"})
    assert told(first.start_ms, ZONE) == "2026-03-02T08:00:00+08:00"
    assert second.end_ms - second.start_ms == 86_400_000
    for text, words in (
        ("reg_code,rule\n", ("header", "start,end", "reg_code,rule,start,end")),
        ("reg_code,rule,start,end\n7,88,2026-03-02,\n", ("line 2, rule", "'88'", "编号")),
        ("reg_code,rule,start,end\n7,1,yesterday,\n", ("line 2, start", "yesterday", "2026-")),
        ("reg_code,rule,start,end\n7,1,2026-03-02,2026-02-27\n", ("line 2, end", "before start")),
    ):
        file.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load_labels(file, ZONE, {"1", "2"})
        for word in words:
            assert word in str(caught.value)


def test_moments() -> None:
    at = moment("2026-03-02T08:00", ZONE, ("", ""))
    assert at == moment("2026-03-02T00:00+00:00", ZONE, ("", ""))
    assert moment("2026-03-02", ZONE, ("", ""), to_the_end=True) == at + 16 * 3_600_000
    assert moment(told(at, ZONE), ZONE, ("", "")) == at
    with pytest.raises(ConfigError, match="02/03/2026"):
        moment("02/03/2026", ZONE, ("", ""))
