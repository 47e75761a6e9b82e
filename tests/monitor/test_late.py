"""What comes late is judged at its own time, marked, calls nobody, and holds up nothing."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import Transition
from monitor.late import CLOSE_AFTER_MS, QUIET_MS, ROUNDS_A_SLICE, Slices
from tests.monitor.detector.fleets import T0, batch
from tests.monitor.test_pipeline import START_MS, TRAPPED, Hand
from tests.support.site import reg_code

FREE = TRAPPED | {"door_closed": False, "door_state": "open", "door_zone": True}
HOURS_AGO = START_MS - 5 * 3_600_000


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    one = Hand(tmp_path)
    yield one
    one.close()


def backfill(hand: Hand, first_ms: int, samples: list[dict[str, Any]], lift: int = 0) -> None:
    """Offer a second-by-second recording of an outage, in one message."""
    hand.seq += 1
    rows = [{"ts": first_ms + 1000 * i, "values": one} for i, one in enumerate(samples)]
    said = {"v": 1, "boot": 1, "seq": hand.seq, "lift": reg_code(lift), "samples": rows}
    topic = f"lift/v1/gw-{lift % 3}/telemetry"
    hand.service.intake.offer(topic, json.dumps(said).encode(), (0, hand.seq))
    closed = hand.service.intake.take(5)
    assert closed is not None and not closed.quarantine
    hand.pipeline.process(closed)


def through(hand: Hand) -> int:
    """Judge all that is late, nothing more being under way; return how many turns it took."""
    count = 0
    hand.service.late.took = lambda seconds: None  # type: ignore[method-assign]  # as on a machine of one speed
    while hand.service.late.behind:
        hand.pipeline._late_slice(hand.now_ms + QUIET_MS)
        count += 1
        assert count < 1000
    return count


def rows(hand: Hand, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(hand.service.settings.data_dir / "liftwatch.db")
    found = db.execute(sql).fetchall()
    db.close()
    return found


ALERTS = "SELECT rule, since_ms, raised_ms, cleared_ms, late, rescue_state FROM alert ORDER BY id"


def test_a_trap_in_an_outage_is_on_record_at_its_own_time_and_calls_nobody(hand: Hand) -> None:
    hand.say(FREE)
    backfill(hand, HOURS_AGO, [TRAPPED] * 60 + [FREE] * 20)
    assert rows(hand, ALERTS) == []
    assert through(hand) == 1 + 80 // ROUNDS_A_SLICE  # one to read them
    raised, cleared = HOURS_AGO + 30_000, HOURS_AGO + 65_000
    assert rows(hand, ALERTS) == [("1", HOURS_AGO, raised, cleared, 1, "none")]
    for table in ("timer", "outbox"):
        assert rows(hand, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_live_alert_is_neither_joined_nor_cleared_by_what_is_late(hand: Hand) -> None:
    hand.say(TRAPPED)
    hand.pass_time(31)
    backfill(hand, HOURS_AGO, [TRAPPED] * 40 + [FREE] * 20)
    through(hand)
    found = [(rule, late, cleared is None) for rule, _, _, cleared, late, _ in rows(hand, ALERTS)]
    assert found == [("1", 0, True), ("1", 1, False)]


def test_live_samples_are_judged_while_late_ones_wait(hand: Hand) -> None:
    backfill(hand, HOURS_AGO, [TRAPPED] * 1500, lift=1)
    assert hand.service.late.behind
    hand.say(TRAPPED)
    hand.pass_time(31)
    assert hand.alerts() == [("1", reg_code(0), START_MS)]
    assert through(hand) > 90
    assert [rule for rule, subject, _ in hand.alerts() if subject == reg_code(1)] == ["1"]


def test_what_still_stands_ends_when_the_backlog_is_through(hand: Hand) -> None:
    backfill(hand, HOURS_AGO, [TRAPPED] * 40)
    through(hand)
    assert rows(hand, ALERTS)[0][3] is None
    hand.now_ms += QUIET_MS + CLOSE_AFTER_MS
    hand.pipeline._late_slice(hand.now_ms)
    assert rows(hand, ALERTS)[0][3] == HOURS_AGO + 39_000


def test_a_crash_in_the_middle_changes_nothing(hand: Hand, tmp_path: Path) -> None:
    backfill(hand, HOURS_AGO, [TRAPPED] * 60 + [FREE] * 20)
    hand.pipeline._late_slice(hand.now_ms)
    hand.pipeline._snapshot()
    hand.pipeline._late_slice(hand.now_ms)
    assert hand.service.late.behind
    hand.close()
    again = Hand(tmp_path)
    again.now_ms = hand.now_ms
    again.pipeline.recover()
    through(again)
    raised, cleared = HOURS_AGO + 30_000, HOURS_AGO + 65_000
    assert rows(again, ALERTS) == [("1", HOURS_AGO, raised, cleared, 1, "none")]
    assert again.service.late.saved_cursor == 0  # history keeps what a snapshot does not cover
    again.close()


EVENT = st.tuples(st.integers(0, 3), st.integers(0, 40), st.booleans())


@given(st.lists(EVENT, max_size=60), st.lists(st.integers(1, 12), min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_slices_hold_every_event_once_in_the_order_of_its_lift(
    events: list[Any], sizes: list[int]
) -> None:
    samples = [(lift, T0 + 1000 * s, {"people": i % 9}, True)
               for i, (lift, s, said) in enumerate(events) if not said]  # fmt: skip
    told = [(lift, T0 + 1000 * s, 93, "on", True) for lift, s, said in events if said]
    made = batch(samples, told)
    made.lift[made.lift == 3] = -1  # a lift that has left the site
    made.messages.lift[made.messages.lift == 3] = -1
    seen: dict[int, list[tuple[int, int]]] = {}
    cut, rounds = Slices(made), itertools.cycle(sizes)
    while cut:
        most = next(rounds)
        part, done = cut.take(most)
        assert 0 < done <= most
        assert not part.late.any() and not part.messages.late.any()
        count = np.bincount(np.r_[part.lift, part.messages.lift].astype(int), minlength=1)
        assert count.max(initial=0) <= done
        mine: dict[int, list[tuple[int, int]]] = {}
        for lift, ts in zip(part.lift.tolist(), part.ts_ms.tolist(), strict=True):
            mine.setdefault(lift, []).append((ts, 0))
        for lift, ts in zip(part.messages.lift.tolist(), part.messages.ts_ms.tolist(), strict=True):
            mine.setdefault(lift, []).append((ts, 1))
        for lift, found in mine.items():
            seen.setdefault(lift, []).extend(sorted(found))
    for lift in range(3):
        wanted = sorted((T0 + 1000 * s, int(said)) for who, s, said in events if who == lift)
        assert seen.get(lift, []) == wanted


def test_the_lane_says_what_the_live_lane_would_have_said(hand: Hand) -> None:
    """The same recording live and late: the same rules at the same times, but marked."""
    story = [FREE] * 5 + [TRAPPED] * 45 + [FREE] * 30
    live: list[Transition] = []
    judge = hand.service.judge
    codes = {"stopped": 0, "closed": 2, "open": 4}
    for i, one in enumerate(story):
        values = {k: codes.get(v, v) if isinstance(v, str) else v for k, v in one.items()}
        now = HOURS_AGO + 1000 * i
        live += judge.judge(batch([(0, now, values)]), now, 0)
    assert {one.rule for one in live} == {"1"}
    backfill(hand, HOURS_AGO, story, lift=3)
    late: list[Transition] = []
    while hand.service.late.behind:
        late += hand.service.late.work(hand.now_ms + QUIET_MS)
    plain = [replace(one, late=False, subject=reg_code(0), batch=0) for one in late]
    assert all(one.late for one in late)
    assert [(one.key, one.raised, one.at_ms) for one in plain] == [
        (one.key, one.raised, one.at_ms) for one in live
    ]
