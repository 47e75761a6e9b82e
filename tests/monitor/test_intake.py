"""The open batch: when it closes, what is a repeat, what is answered; nothing is dropped."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from config.settings import Ingest
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.intake import Intake, _copied
from monitor.metrics import Metrics
from monitor.store.ledger import Ledger
from tests.support.site import reg_code, write_small_site
from tests.support.wait import until

NOW_MS = 1_790_000_000_000
VOCAB = load_vocabulary()
TOPIC = "lift/v1/gw-0/telemetry"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return load_registry(write_small_site(tmp_path / "site"))


def intake(registry: Registry, window: int = 1000, **settings: int) -> Intake:
    return Intake(
        registry, VOCAB, Ledger(), Ingest(**settings), window, lambda: NOW_MS, Metrics()
    )  # fmt: skip


def telemetry(seq: int, lift: int = 0, ts_ms: int = NOW_MS, **values: object) -> bytes:
    said = {"v": 1, "boot": 5, "seq": seq, "lift": reg_code(lift), "ts": ts_ms}
    return json.dumps(said | {"values": values or {"speed": 0.0}}).encode()


def test_a_batch_closes_by_time(registry: Registry) -> None:
    box = intake(registry, batch_ms=20)
    assert box.take(0.01) is None
    box.offer(TOPIC, telemetry(1), (1, 7))
    closed = box.take(5)
    assert closed is not None
    assert len(closed.batch) == 1
    assert closed.receipts == [(1, 7)]
    assert closed.ledger == {("gw-0", 5): f"1;1;{NOW_MS}"}
    assert [(a.gateway, a.boot, a.durable, a.gaps) for a in closed.answers] == [("gw-0", 5, 1, [])]


def test_a_batch_closes_by_rows_and_by_a_full_window(registry: Registry) -> None:
    by_rows = intake(registry, batch_ms=5000, batch_rows=3)
    for seq in (1, 2, 3):
        by_rows.offer(TOPIC, telemetry(seq), (1, seq))
    closed = by_rows.take(0)
    assert closed is not None
    assert len(closed.batch) == 3
    by_window = intake(registry, window=2, batch_ms=5000)
    by_window.offer(TOPIC, telemetry(1), (1, 1))
    assert by_window.take(0.01) is None
    by_window.offer(TOPIC, telemetry(2), (1, 2))
    assert by_window.take(1) is not None


def test_a_full_batch_makes_the_network_wait_and_drops_nothing(registry: Registry) -> None:
    box = intake(registry, batch_ms=5000, batch_rows=2)
    done = threading.Event()

    def network() -> None:
        for seq in range(1, 8):
            box.offer(TOPIC, telemetry(seq), (1, seq))
        done.set()

    threading.Thread(target=network, daemon=True).start()
    rows, receipts = 0, []
    while rows < 6:
        closed = until(lambda: box.take(0.5), what="a batch")
        assert closed is not None
        assert len(closed.batch) == 2
        rows += len(closed.batch)
        receipts += closed.receipts
    assert done.wait(5)
    assert receipts == [(1, seq) for seq in range(1, 7)]


def test_a_repeat_is_answered_but_not_stored(registry: Registry) -> None:
    box = intake(registry, batch_ms=5)
    for packet in (1, 2):
        box.offer(TOPIC, telemetry(1), (1, packet))
    closed = box.take(5)
    assert closed is not None
    assert len(closed.batch) == 1
    assert closed.receipts == [(1, 1), (1, 2)]
    box.offer(TOPIC, telemetry(1), (2, 1))
    again = box.take(5)
    assert again is not None
    assert len(again.batch) == 0
    assert again.answers[0].durable == 1


def test_answers_speak_of_nothing_that_is_not_yet_in_the_batch(registry: Registry) -> None:
    box = intake(registry, batch_ms=5, batch_rows=1)
    box.offer(TOPIC, telemetry(1), (1, 1))
    closed = box.take(1)
    box.offer(TOPIC, telemetry(2), (1, 2))
    assert closed is not None
    assert closed.answers[0].durable == 1
    assert closed.ledger == {("gw-0", 5): f"1;1;{NOW_MS}"}


def test_a_gap_is_asked_for(registry: Registry) -> None:
    box = intake(registry, batch_ms=5)
    for seq in (1, 4):
        box.offer(TOPIC, telemetry(seq), (1, seq))
    closed = box.take(1)
    assert closed is not None
    assert (closed.answers[0].durable, closed.answers[0].gaps) == (1, [(2, 3)])


def test_a_bad_field_costs_only_itself(registry: Registry) -> None:
    box = intake(registry, batch_ms=5)
    payload = telemetry(1, speed=99.0, load=50)
    box.offer(TOPIC, payload, (1, 1))
    closed = box.take(1)
    assert closed is not None
    assert closed.batch.values[0, VOCAB.index("load")] == 50
    (seq, refusal) = closed.answers[0].refused[0]
    assert (seq, refusal.reason, refusal.field) == (1, "out_of_range", "speed")
    assert (refusal.value, refusal.limit) == ("99.0", "-20..20 m/s")
    assert closed.answers[0].durable == 1, "a refusal that is kept is durable too"
    assert closed.quarantine[0].payload == payload
    assert box.refused_of("gw-0") == 1


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "durable"),
    [
        (TOPIC, b"not json", "not_json", None),
        (TOPIC, telemetry(1, lift=1), "wrong_gateway", 1),
        (TOPIC, b"x" * 10_000_000, "too_large", None),
        ("lift/v1/nobody/telemetry", telemetry(1), "unknown_gateway", 0),
    ],
)
def test_what_is_rejected_whole_is_kept_answered_and_acknowledged(
    registry: Registry, topic: str, payload: bytes, reason: str, durable: int | None
) -> None:
    box = intake(registry, batch_ms=5)
    box.offer(topic, payload, (1, 1))
    closed = box.take(1)
    assert closed is not None
    assert closed.receipts == [(1, 1)]
    assert closed.quarantine[0].reason == reason
    assert closed.quarantine[0].payload == payload
    (answer,) = closed.answers
    assert answer.refused[0][1].reason == reason
    assert answer.durable == (durable or 0)
    if durable is None:
        assert answer.boot is None


def test_a_gateway_nobody_registered_may_send_again_once_it_is(registry: Registry) -> None:
    box = intake(registry, batch_ms=5)
    box.offer("lift/v1/nobody/telemetry", telemetry(1), (1, 1))
    closed = box.take(1)
    assert closed is not None
    assert closed.ledger == {}


def test_a_device_that_counts_anew_under_its_old_boot_is_told(registry: Registry) -> None:
    box = intake(registry, batch_ms=5)
    for seq in (1, 2, 3):
        box.offer(TOPIC, telemetry(seq), (1, seq))
    assert box.take(1) is not None
    payload = telemetry(1, ts_ms=NOW_MS + 1000)
    box.offer(TOPIC, payload, (1, 4))
    closed = box.take(1)
    assert closed is not None
    assert len(closed.batch) == 0
    (_, refusal) = closed.answers[0].refused[0]
    assert (refusal.reason, refusal.field, refusal.value) == ("seq_back", "seq", "1")
    assert refusal.limit == "above 3"
    assert closed.quarantine[0].payload == payload


def test_a_sender_of_garbage_cannot_fill_the_disk(registry: Registry) -> None:
    box = Intake(
        registry, VOCAB, Ledger(), Ingest(batch_ms=5), 1000, lambda: NOW_MS, Metrics(), 1
    )  # fmt: skip
    for size in (600_000, 600_000, 600_000):
        box.offer(TOPIC, b"x" * size, (1, 1))
    closed = box.take(1)
    assert closed is not None
    kept = [(row.size, len(row.payload)) for row in closed.quarantine]
    assert kept == [(600_000, 600_000), (600_000, 4096), (600_000, 4096)]
    box.quarantine_trimmed()
    box.offer(TOPIC, b"x" * 5000, (1, 1))
    closed = box.take(1)
    assert closed is not None
    assert len(closed.quarantine[0].payload) == 5000


def test_memory_that_grows_while_it_is_copied_is_copied_again() -> None:
    memory: dict[str, object] = {}

    class Growing:
        """Whoever copies it is overtaken by the network's thread, once."""

        def __deepcopy__(self, known: dict[int, object]) -> Growing:
            memory.setdefault("came meanwhile", 1)
            return self

    memory |= {"first": Growing(), "second": Growing()}
    assert set(_copied(memory)) == {"first", "second", "came meanwhile"}
