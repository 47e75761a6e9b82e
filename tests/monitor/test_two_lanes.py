"""What is live overtakes what was kept; answers stay true, and nothing is lost or doubled."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import Ingest
from devices.registry import Registry, load_registry
from monitor import intake as intakes
from monitor.batches import ClosedBatch
from monitor.intake import Intake
from monitor.metrics import Metrics
from monitor.store.ledger import Ledger, SeqRanges
from tests.monitor.test_intake import NOW_MS, VOCAB
from tests.support.site import reg_code, write_small_site

LIVE, KEPT = "lift/v1/gw-0/telemetry", "lift/v1/gw-0/backfill"
HOURS_AGO = NOW_MS - 5 * 3_600_000


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return load_registry(write_small_site(tmp_path_factory.mktemp("lanes") / "site"))


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine is doing, a backlog does not count as starved."""
    monkeypatch.setattr(intakes, "STARVED_S", 600.0)


def intake(registry: Registry, window: int = 1000, batch_ms: int = 5) -> Intake:
    made = Ingest(batch_ms=batch_ms, batch_rows=100)
    return Intake(registry, VOCAB, Ledger(), made, window, lambda: NOW_MS, Metrics())


def rows(seq: int, many: int, ts_ms: int = HOURS_AGO) -> bytes:
    samples = [{"ts": ts_ms + seq * 100_000 + i, "values": {"speed": 0.0}} for i in range(many)]
    said = {"v": 1, "boot": 5, "seq": seq, "lift": reg_code(0), "samples": samples}
    return json.dumps(said).encode()


def live(seq: int) -> bytes:
    said = {"v": 1, "boot": 5, "seq": seq, "lift": reg_code(0), "ts": NOW_MS}
    return json.dumps(said | {"values": {"speed": 0.0}}).encode()


def take(box: Intake) -> ClosedBatch:
    closed = box.take(5)
    assert closed is not None
    return closed


def test_live_goes_first_and_no_answer_promises_what_still_waits(registry: Registry) -> None:
    box = intake(registry)
    for seq in range(1, 13):
        box.offer(KEPT, rows(seq, 500), (2, seq))
    box.offer(LIVE, live(13), (1, 1))
    threading.Event().wait(0.02)  # both are due now
    first = take(box)
    assert (first.backfill, first.receipts, len(first.batch)) == (False, [(1, 1)], 1)
    (answer,) = first.answers
    assert (answer.durable, answer.gaps, answer.highest) == (0, [(1, 12)], 13)
    assert first.ledger == {("gw-0", 5): f"1;13;{NOW_MS}"}
    second = take(box)
    assert second.backfill and second.batch.late.all()
    held = len(second.receipts)
    assert second.receipts == [(2, seq) for seq in range(1, held + 1)]
    assert 500 <= len(second.batch) <= box.portion.size, "a portion, not all of it"
    (answer,) = second.answers
    assert (answer.durable, answer.gaps) == (held, [(held + 1, 12)])


def test_the_portion_is_as_large_as_costs_its_time(registry: Registry) -> None:
    box = intake(registry)
    for seq in range(1, 21):
        box.offer(KEPT, rows(seq, 500), (2, seq))
    box.portion.took(4000, 60.0)
    box.portion.took(1000, 60.0)
    assert len(take(box).batch) == box.portion.least == 1000


def test_a_full_backlog_makes_only_its_own_connection_wait(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "MOST_BACKFILL", 4000)
    box = intake(registry)
    put: list[int] = []

    def network() -> None:
        for seq in range(1, 31):
            box.offer(KEPT, rows(seq, 500), (2, seq))
            put.append(seq)

    threading.Thread(target=network, daemon=True).start()
    taken: list[tuple[int, int]] = []
    for seq in range(100, 110):
        box.offer(LIVE, live(seq), (1, seq))  # would stand still if it were one queue
        taken += take(box).receipts
        assert box.waiting["backfill"] <= 4000
    while len(taken) < 40:
        taken += take(box).receipts
    assert sorted(taken) == sorted(
        [(2, s) for s in range(1, 31)] + [(1, s) for s in range(100, 110)]
    )
    assert len(put) == 30


def test_a_backlog_gets_its_turn_though_live_never_ends(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "STARVED_S", 0.0)
    box = intake(registry)
    box.offer(KEPT, rows(1, 500), (2, 1))
    box.offer(LIVE, live(2), (1, 1))
    threading.Event().wait(0.02)
    assert take(box).backfill


class Bench:
    """Offers on both lanes, takes batches, compares each answer with what was stored by then."""

    def __init__(self, registry: Registry) -> None:
        self.box = intake(registry, window=1)  # due at once
        self.lane_of: dict[int, str] = {}
        self.stored: list[int] = []
        self.receipts: Counter[tuple[int, int]] = Counter()
        self.offered: Counter[tuple[int, int]] = Counter()

    def fresh(self, lane: str) -> None:
        seq = len(self.lane_of) + 1
        self.lane_of[seq] = lane
        self.offer(seq)

    def offer(self, seq: int) -> None:
        kept = self.lane_of[seq] == "kept"
        receipt = (2 if kept else 1, seq)
        self.box.offer(KEPT if kept else LIVE, rows(seq, 3), receipt)
        self.offered[receipt] += 1

    def take(self) -> None:
        closed = self.box.take(0.05)
        if closed is None:
            return
        self.receipts.update(closed.receipts)
        times = closed.batch.ts_ms.tolist()[::3]
        self.stored += [(ts - HOURS_AGO) // 100_000 for ts in times]
        for answer in closed.answers:
            gone = {s for low, high in answer.gaps for s in range(low, high + 1)}
            settled = set(range(1, answer.highest + 1)) - gone
            assert settled == set(self.stored)
            ranges = SeqRanges(closed.ledger["gw-0", 5])
            assert settled == {s for s in range(1, 99) if s in ranges}

    def finish(self) -> None:
        while self.box.waiting["live"] or self.box.waiting["backfill"]:
            self.take()
        assert sorted(self.stored) == sorted(self.lane_of), "none lost, none doubled"
        assert self.receipts == self.offered, "each transmission is acknowledged, once"
        for lane in ("live", "kept"):
            mine = [seq for seq in self.stored if self.lane_of[seq] == lane]
            assert mine == sorted(mine)


STEP = st.tuples(st.sampled_from(["live", "kept", "again", "take"]), st.integers(0, 99))


@given(st.lists(STEP, max_size=60))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_message_once_each_lane_in_order_every_answer_true(
    registry: Registry, steps: list[tuple[str, int]]
) -> None:
    """Whatever comes in whatever order: what an answer calls durable was in a batch by then."""
    bench = Bench(registry)
    for step, number in steps:
        if step == "take":
            bench.take()
        elif step == "again" and bench.lane_of:
            bench.offer(1 + number % len(bench.lane_of))
        elif step in ("live", "kept"):
            bench.fresh(step)
    bench.finish()
