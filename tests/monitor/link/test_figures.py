"""Delays, counts and days: against plain arithmetic, over a restart, and over midnight."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.link.counts import KEPT
from monitor.link.delays import BUCKETS, EDGES, bucket, quantile
from monitor.link.figures import gateway_rows, sums_of, vendor_rows
from monitor.link.keeper import LinkKeeper
from monitor.link.watch import Heard, LinkWatch
from monitor.metrics import Metrics
from monitor.store import link_days
from monitor.store.history import History
from monitor.store.ledger import Ledger
from tests.monitor.web.hours import batch_of
from tests.support.site import write_small_site

CHINA = ZoneInfo("Asia/Shanghai")
MIDNIGHT = 1_790_006_400_000 // 86_400_000 * 86_400_000 - 8 * 3_600_000  # in Shanghai


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return load_registry(write_small_site(tmp_path_factory.mktemp("site")))


@given(st.lists(st.integers(0, 900_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(delays: list[int], q: float) -> None:
    counts = np.bincount(bucket(np.array(delays)), minlength=BUCKETS)
    found = float(quantile(counts[None, :], q)[0])
    true = sorted(delays)[max(0, int(np.ceil(q * len(delays))) - 1)]
    place = int(bucket(np.array([true]))[0])
    low = 0.0 if place == 0 else EDGES[place - 1]
    assert low * 0.999 <= found <= EDGES[min(place, BUCKETS - 2)] * 1.001


def test_nothing_counted_is_no_delay() -> None:
    assert np.isnan(quantile(np.zeros((1, BUCKETS), np.int64), 0.5)).all()


def feed(watch: LinkWatch, at_ms: int, seq: int, lift: int = 0, delay_ms: int = 100) -> None:
    front = watch.front(f"gw-{lift % 3}", 1, seq)
    number = watch.taken(f"gw-{lift % 3}", front)
    watch.judge(batch_of([lift], [at_ms - delay_ms], at_ms), [Heard(number, at_ms, front, 1, 0)])


def test_order_and_repeats_are_counted(registry: Registry) -> None:
    ledger = Ledger()
    watch = LinkWatch(registry, ledger, 120_000)
    watch.turn(MIDNIGHT)
    for seq in (1, 2, 5, 3, 6):
        ledger.take("gw-0", 1, seq, None)
        feed(watch, MIDNIGHT + 1000 * seq, seq)
    watch.repeated("gw-0")
    watch.turn(MIDNIGHT + 60_000)
    told = gateway_rows(sums_of(watch, registry), registry)[0]
    assert (told["messages"], told["disordered"], told["repeats"], told["gaps"]) == (6, 1, 1, 1)
    assert told["shares"]["repeats"] == pytest.approx(1 / 6, abs=1e-6)
    assert told["samples"] == 5 and told["delay_p50_ms"] == pytest.approx(90, abs=11)
    by_vendor = vendor_rows(sums_of(watch, registry), registry)
    assert [(one["vendor"], one["messages"], one["gateways"]) for one in by_vendor] == [
        ("acme", 6, 3)
    ]
    assert sums_of(watch, registry).ring[0, -1, KEPT.index("samples")] == 5


def test_a_snapshot_brings_it_all_back(registry: Registry, tmp_path: Path) -> None:
    watch = LinkWatch(registry, Ledger(), 120_000)
    watch.turn(MIDNIGHT)
    for i in range(300):
        feed(watch, MIDNIGHT + 1000 * i, i + 1)
        watch.turn(MIDNIGHT + 1000 * i)
    watch.save(tmp_path)
    again = LinkWatch(registry, Ledger(), 120_000)
    again.load(tmp_path)
    for one, other in zip(sums_of(watch, registry), sums_of(again, registry), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not again.front("gw-0", 1, 300)
    empty = LinkWatch(registry, Ledger(), 120_000)
    empty.load(tmp_path / "of an older version")
    assert not sums_of(empty, registry).counts.any()


def test_days_are_written_and_begin_anew(registry: Registry, tmp_path: Path) -> None:
    history = History(tmp_path / "history", load_vocabulary())
    watch, now = LinkWatch(registry, Ledger(), 120_000), [MIDNIGHT - 600_000]
    keeper = LinkKeeper(watch, registry, history, lambda: now[0], Metrics(), CHINA, 400)
    for i in range(20):
        keeper.look()
        feed(watch, now[0], i + 1)
        now[0] += 60_000
    yesterday, today = date.fromordinal(719163 + (MIDNIGHT + 28_800_000) // 86_400_000 - 1), None
    today = date.fromordinal(yesterday.toordinal() + 1)
    keeper.stop()
    rows = {row.day: row for row in link_days.read(history, yesterday, today, "gw-0")}
    assert rows[yesterday].figures["samples"] == 10
    assert rows[today].figures["samples"] == 10
    assert int(rows[today].delays.sum()) == 10
    # a start without a snapshot goes on with the day as it was written
    fresh = LinkWatch(registry, Ledger(), 120_000)
    LinkKeeper(fresh, registry, history, lambda: now[0], Metrics(), CHINA, 400).look()
    assert gateway_rows(sums_of(fresh, registry), registry)[0]["samples"] == 10
    history.close()
    shutil.rmtree(tmp_path / "history")
