"""A month as a service receives it: same bits, in order, as the vendor's devices would send."""

from __future__ import annotations

import numpy as np
import pytest

from devices.batch import concat
from devices.codecs.limits import Limits
from devices.simulator.month.dialects import CHANGE, FIXED
from devices.simulator.month.month import START_MS
from tests.devices.simulator.month.conftest import COL, CUT_MS, DAYS, VOCAB, Small, make, whole

COUNTERS = ("trip_count", "door_open_count", "lift_mileage", "passenger_counter", "energy")


def same(a, b) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "values")
        for name in ("lift", "ts_ms", "values", "late")
    )


def test_the_same_seed_makes_the_same_bits_and_another_does_not():
    first, again, other = (whole(make(seed, 8, 1).windows()) for seed in (3, 3, 4))
    assert same(first, again)
    assert np.array_equal(first.messages.code, again.messages.code)
    assert len(first) != len(other) or not same(first, other)


@pytest.mark.parametrize("stride_ms", [1_000, 7_000, 10_000, 3_600_000])
def test_cut_into_any_strides_it_is_the_same_month(stride_ms):
    windows = list(make(3, 6, 1).windows())
    cut = [part for window in windows for _, part in window.strides(stride_ms)]
    joined, straight = concat(cut, len(VOCAB)), whole(iter(windows))
    assert same(joined, straight)
    assert len(joined.messages) == len(straight.messages)


def test_a_stride_holds_what_was_received_in_it():
    window = next(make(3, 6, 1).windows())
    rows = 0
    for end, part in window.strides(10_000):
        received = window.rows(end - 10_000, end).received
        assert len(received) == len(part)
        assert ((received >= end - 10_000) & (received < end)).all()
        rows += len(part)
    assert rows == len(window)


def test_receipt_is_in_order_and_after_the_sample_and_clocks_are_accepted(small: Small):
    assert (np.diff(small.received) >= 0).all()
    limits, batch = Limits(), small.batch
    behind = small.received + START_MS - batch.ts_ms
    assert behind.min() > -limits.ahead_ms
    fresh = behind[~batch.late]
    assert fresh.max() < limits.late_ms + 30_000  # clocks are off by seconds only
    assert batch.late.any()
    assert behind[batch.late].min() > limits.late_ms - 30_000


def test_what_was_kept_back_comes_after_the_cut_at_its_own_time(small: Small):
    keeps = [i for i, d in enumerate(small.month.fleet.dialects) if d.backfill][:2]
    rows = np.flatnonzero(np.isin(small.batch.lift, keeps))
    t = small.batch.ts_ms[rows] - START_MS
    inside = (t > CUT_MS[0] + 20_000) & (t < CUT_MS[1] - 20_000)
    received = small.received[rows][inside]
    assert inside.sum() > 2 * 7200 / 60
    assert received.min() >= CUT_MS[1]
    assert received.max() < CUT_MS[1] + 300_000
    assert small.batch.late[rows][inside].mean() > 0.9


def test_a_lift_that_neither_reorders_nor_repeats_is_in_order_of_time(small: Small):
    fleet = small.month.fleet
    rows = [i for i, d in enumerate(fleet.dialects) if not d.reorder and not d.repeat]
    assert rows
    for row in rows:
        sent = small.of(row)
        assert (np.diff(sent.ts_ms[~sent.late]) > 0).all()


def test_a_vendor_sends_only_the_channels_its_devices_have(small: Small):
    for row, dialect in enumerate(small.month.fleet.dialects):
        there = ~np.isnan(small.of(row).values).all(0)
        for name, at in COL.items():
            if name in dialect.lacks:
                assert not there[at], (dialect.id, name)
            elif name not in ("acc_min",):
                assert there[at], (dialect.id, name)


def test_values_are_within_the_vocabulary(small: Small):
    values = small.batch.values
    for channel in VOCAB.channels:
        column = values[:, channel.index]
        column = column[~np.isnan(column)]
        assert (column >= channel.lo).all() and (column <= channel.hi).all(), channel.name
        if VOCAB.integral[channel.index]:
            assert (column == np.rint(column)).all(), channel.name


def test_counters_come_hourly_and_never_fall(small: Small):
    for row in range(small.month.fleet.n):
        sent = small.of(row)
        for name in COUNTERS:
            column = sent.values[~sent.late, COL[name]]
            column = column[~np.isnan(column)]
            assert (np.diff(column) >= 0).all()
            assert 0 < len(column) <= 24 * DAYS * 1.1 + 2


def test_sampling_follows_the_dialect(small: Small):
    fleet = small.month.fleet
    for row, dialect in enumerate(fleet.dialects):
        sent = small.of(row)
        gaps = np.diff(np.sort(sent.ts_ms[~sent.late])) / 1000
        usual = np.percentile(gaps, 90)
        if dialect.sampling == FIXED:
            assert abs(np.median(gaps) - dialect.period_s) < 0.01
        else:
            assert usual <= dialect.heartbeat_s + 0.5
            assert (gaps < dialect.period_s - 0.01).mean() > 0.02 or dialect.sampling != CHANGE


def test_labels_lie_in_the_month_and_say_what_is_due(small: Small):
    month = small.month
    assert len(month.labels) > 50
    for label in month.labels:
        assert START_MS <= label.start_ms <= month.end_ms
        assert label.end_ms is None or label.end_ms >= label.start_ms
        if label.rule is None:
            assert label.must_ring_by_ms is None
        else:
            assert label.ripe_ms is not None and label.must_ring_by_ms is not None
            assert label.start_ms <= label.ripe_ms < label.must_ring_by_ms
        assert label.visible == (label.unseen == "")


def test_a_fall_leaves_its_peak_in_the_next_sample_and_only_there(small: Small):
    falls = [x for x in small.month.labels if x.fault == "fall_and_catch" and x.visible]
    assert falls
    for label in falls:
        sent = small.of(label.row)
        about = np.abs(sent.ts_ms - label.start_ms) < 60_000
        peak = sent.values[about, COL["acc_peak"]]
        assert (peak > 16.0).sum() in (1, 2)  # 2: the sample came twice


def test_messages_are_those_the_vendor_passes_on(small: Small):
    messages, fleet = small.batch.messages, small.month.fleet
    assert len(messages) > 50
    for lift, code, state in zip(messages.lift, messages.code, messages.state, strict=True):
        dialect = fleet.dialects[lift]
        assert dialect.passes(int(code))
        assert not dialect.once or state == 2
