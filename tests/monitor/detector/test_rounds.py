"""Rounds: order per lift, nobody twice, and cutting them into steps changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detector import Detector, rounds
from monitor.detector.table import NEVER
from tests.monitor.detector.fleets import T0, VOCAB, batch, registry

EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 4), st.booleans(), st.booleans()), max_size=40
)


def _batch(events):
    samples = [
        (lift, T0 + 1000 * second, {"car_status": second % 2, "people": lift}, late)
        for lift, second, late, message in events
        if not message
    ]
    messages = [
        (lift, T0 + 1000 * second, 93, "on" if second % 2 else "off", late)
        for lift, second, late, message in events
        if message
    ]
    return batch(samples, messages)


def _slow_order(given_batch, lift):
    """Events of one lift in order: (ts, is message, arrival)."""
    told = given_batch.messages
    mine = [
        (int(ts), False, i)
        for i, (row, ts, late) in enumerate(
            zip(given_batch.lift, given_batch.ts_ms, given_batch.late, strict=True)
        )
        if row == lift and not late
    ]
    mine += [
        (int(ts), True, i)
        for i, (row, ts, late) in enumerate(zip(told.lift, told.ts_ms, told.late, strict=True))
        if row == lift and not late
    ]
    return sorted(mine)


@given(EVENTS, st.integers(1, 4))
@settings(deadline=None, max_examples=150)
def test_every_event_once_in_its_lifts_order_and_no_lift_twice_in_a_round(events, chunk):
    made = _batch(events)
    found = {lift: [] for lift in range(6)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "CHUNK", chunk)
        for part in rounds.rounds(made):
            lifts = [*made.lift[part.samples], *made.messages.lift[part.messages]]
            assert len(set(lifts)) == len(lifts)
            assert len(part.samples) <= chunk
            for i in part.samples.tolist():
                found[int(made.lift[i])].append((int(made.ts_ms[i]), False, i))
            for i in part.messages.tolist():
                found[int(made.messages.lift[i])].append((int(made.messages.ts_ms[i]), True, i))
    for lift, mine in found.items():
        assert mine == _slow_order(made, lift)


@given(EVENTS, EVENTS)
@settings(deadline=None, max_examples=60)
def test_small_steps_leave_the_same_bits(first, second):
    states = []
    for chunk in (2, 4096):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rounds, "CHUNK", chunk)
            detector = Detector(VOCAB, registry(6), 6)
            for number, events in enumerate((first, second)):
                detector.update(_batch(events), T0 + 10_000 * (number + 1))
            states.append({k: table.data.tobytes() for k, table in detector.tables.items()})
    assert states[0] == states[1]


def test_lifts_taken_up_beyond_what_was_reserved_begin_with_nothing():
    detector = Detector(VOCAB, registry(2), 2)
    detector.update(batch([(0, T0, {"people": 3}), (1, T0, {"people": 1})]), T0)
    for n in (3, 4, 9):  # 4 is reserved, 9 is not
        detector.grow(n, registry(n))
    fresh = Detector(VOCAB, registry(9), 9)
    for name, table in detector.tables.items():
        if name in ("heard", "upkeep"):
            assert (table.data[2:, 0] == T0).all()  # whoever is new has been known from now on
            table.data[2:, 0] = NEVER
        np.testing.assert_array_equal(table.data[2:], fresh.tables[name].data[2:], name)
    assert detector.live(0)["people"][0] == 3.0
