"""The SDK against real brokers and a small honest service."""

from __future__ import annotations

import itertools
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.batch import Decoded, Refusal
from devices.gateway import (
    Batching,
    Gateway,
    GatewayError,
    MessageTooLarge,
    StoreFull,
    StoreInUse,
)
from tests.devices.responder import Responder
from tests.devices.wire import NOW, code, taken
from tests.support.brokers import BrokerFactory, TestBroker
from tests.support.certs import make_certs
from tests.support.process import Spawn
from tests.support.wait import until

CHILD = """
import sys
from pathlib import Path
from devices.gateway import Gateway
url, store, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
with Gateway("gw-01", store=store, url=url, reconnect_s=0.3, resend_s=2.0) as gateway:
    for i in range(count):
        gateway.publish_rows("31105001232012000001", [(i, {"speed": 1.0})])
        print(gateway.boot, i, flush=True)
    gateway.flush(20.0)
    print("flushed", gateway.pending, flush=True)
"""

Open = Callable[..., Gateway]


@pytest.fixture
def responder(any_broker: TestBroker) -> Iterator[Responder]:
    service = Responder(any_broker)
    yield service
    service.close()


@pytest.fixture
def service(mosquitto: TestBroker) -> Iterator[Responder]:
    one = Responder(mosquitto)
    yield one
    one.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Gateway] = []

    def make(broker: TestBroker | None, **options: Any) -> Gateway:
        url = broker.url if broker else "mqtt://127.0.0.1:1"
        base = {"store": tmp_path / "gw-01.db", "reconnect_s": 0.3, "batching": Batching(rows=1)}
        options = base | options
        made.append(Gateway("gw-01", url=url, **options))
        return made[-1].start()

    yield make
    for gateway in made:
        gateway.close()


def one_row(gateway: Gateway, i: int) -> None:
    gateway.publish_rows(code(1), [(NOW + i, {"speed": 1.0, "people": i % 7})])


def test_everything_arrives_in_order_and_is_then_forgotten(
    any_broker: TestBroker, responder: Responder, opened: Open
) -> None:
    gateway = opened(any_broker, batching=Batching(rows=1))
    for i in range(700):  # more than the window
        one_row(gateway, i)
    assert gateway.flush(20.0)
    assert responder.seqs(gateway.boot) == list(range(1, 701))
    assert [seq for _, seq in responder.arrivals] == list(range(1, 701))
    assert responder.times(gateway.boot) == [NOW + i for i in range(700)]
    counters = gateway.counters
    assert (counters.stored, counters.published, counters.durable) == (700, 700, 700)
    assert (counters.resent, counters.refused, gateway.pending, gateway.pending_bytes) == (0,) * 4


def test_samples_gather_in_one_message_for_as_long_as_asked(
    mosquitto: TestBroker, service: Responder, opened: Open
) -> None:
    gateway = opened(mosquitto, batching=Batching(wait_s=3600.0, rows=50))
    for i in range(120):
        one_row(gateway, i)
    until(lambda: gateway.counters.durable == 100)  # two full ones; the rest waits
    assert gateway.pending == 20
    assert gateway.flush(10.0)  # unless somebody asks
    assert [len(times) for times in service.lengths(gateway.boot)] == [50, 50, 20]


def test_every_kind_is_what_the_codecs_read(
    mosquitto: TestBroker, service: Responder, opened: Open
) -> None:
    gateway = opened(mosquitto, batching=Batching())
    speeds = np.array([0.1, np.nan, -2.5], np.float32)
    lifts = [code(0), code(1), code(2)]

    def sent(kind: str) -> Decoded:
        assert gateway.flush(10.0)
        bodies = service.kept[gateway.boot]
        decoded = taken(bodies[max(bodies)], kind)
        assert decoded.refusals == []
        return decoded

    gateway.publish_columns(NOW, lifts, {"speed": speeds, "door_zone": [True, False, None]})
    assert sent("telemetry").batch.values[:, 16].tolist() == pytest.approx(
        speeds.tolist(), nan_ok=True
    )
    gateway.publish_columns(np.arange(3) + NOW, lifts, {"people": np.arange(6)[::2]})
    batch = sent("telemetry").batch
    assert batch.values[:, 9].tolist() == [0, 2, 4]
    assert batch.ts_ms.tolist() == [NOW, NOW + 1, NOW + 2]
    gateway.publish_rows(code(1), [(NOW, {"load": np.float32(0.1)}), (NOW + 1, {"load": 2})])
    assert sent("telemetry").batch.values[:, 17].tolist() == pytest.approx([0.1, 2])
    gateway.publish_rows(code(1), [(NOW, {"speed": None}), (NOW + 1, {})])  # said nothing
    assert gateway.pending == 0
    gateway.publish_message(code(1), NOW, 93, "on")
    assert sent("message").batch.messages.code.tolist() == [93]
    axes = {"x": np.linspace(0, 1, 100), "z": [9.81] * 100}
    gateway.publish_waveform(code(1), NOW, 100, "m/s2", axes)
    np.testing.assert_allclose(sent("waveform").batch.waveforms[0].axes["x"], axes["x"], rtol=1e-6)


def test_nothing_is_lost_when_the_broker_is_killed_while_publishing(
    any_broker: TestBroker, responder: Responder, opened: Open
) -> None:
    gateway = opened(any_broker, resend_s=1.0)
    killed = threading.Event()

    def cut() -> None:
        until(lambda: gateway.counters.durable > 50)
        any_broker.kill()
        killed.set()
        any_broker.start()

    trouble = threading.Thread(target=cut)
    trouble.start()
    sent = 0
    for sent in itertools.count(1):
        one_row(gateway, sent)
        if killed.is_set() and sent >= 600:
            break
        time.sleep(0.001)  # a pace: the backlog of a dead broker is not to grow without end
    trouble.join()
    assert gateway.flush(25.0), (gateway.pending, gateway.trouble)
    assert responder.seqs(gateway.boot) == list(range(1, sent + 1))
    assert gateway.counters.durable == sent


def test_close_says_offline(mosquitto: TestBroker, service: Responder, tmp_path: Path) -> None:
    with Gateway("gw-01", store=tmp_path / "a.db", url=mosquitto.url) as gateway:
        until(lambda: gateway.connected)
    until(lambda: [status["state"] for status in service.statuses] == ["online", "offline"])


def test_the_last_will_says_offline_to_whoever_looks_later(
    any_broker: TestBroker, responder: Responder, spawn: Spawn, tmp_path: Path
) -> None:
    child = spawn(sys.executable, "-c", CHILD, any_broker.url, tmp_path / "gw.db", "1000000")
    until(lambda: responder.total() > 0)
    assert responder.statuses[-1]["state"] == "online"
    child.kill()
    until(lambda: responder.statuses[-1]["state"] == "offline")
    later = Responder(any_broker, "later")
    until(lambda: later.statuses)
    assert [status["state"] for status in later.statuses] == ["offline"]
    assert later.statuses[0]["boot"] == max(responder.kept)
    later.close()


def test_gaps_are_sent_again_at_once(
    any_broker: TestBroker, responder: Responder, opened: Open
) -> None:
    responder.lose = {3, 4, 17}
    gateway = opened(any_broker, resend_s=3600.0)
    for i in range(30):
        one_row(gateway, i)
    assert gateway.flush(10.0)
    assert responder.seqs(gateway.boot) == list(range(1, 31))
    assert gateway.counters.resent >= 3


def test_what_is_never_answered_is_sent_again_after_a_while(
    mosquitto: TestBroker, service: Responder, opened: Open
) -> None:
    service.lose = {1, 2}
    gateway = opened(mosquitto, resend_s=0.3)
    one_row(gateway, 0)
    one_row(gateway, 1)
    assert gateway.flush(10.0)
    assert service.arrivals[:4] == [(gateway.boot, seq) for seq in (1, 1, 2, 2)]


def test_a_duplicate_answer_and_one_for_what_was_never_sent_change_nothing(
    mosquitto: TestBroker, service: Responder, opened: Open
) -> None:
    refusals: list[tuple[int | None, int | None, Refusal]] = []
    service.twice, service.refuse = True, {2, 5}
    gateway = opened(mosquitto, on_refused=lambda *told: refusals.append(told))
    service.answer(gateway.boot + 1)  # another boot, of which nothing exists
    for i in range(20):
        one_row(gateway, i)
    assert gateway.flush(10.0)
    for _ in range(3):
        service.answer(gateway.boot)
    one_row(gateway, 20)  # goes behind those answers
    assert gateway.flush(10.0)
    assert gateway.counters.durable == 21
    assert [(boot, seq) for boot, seq, _ in refusals] == [(gateway.boot, 2), (gateway.boot, 5)]
    assert refusals[0][2].field == "speed" and refusals[0][2].way_out.zh
    assert gateway.counters.refused == 2


def test_a_full_store_is_said_and_what_it_holds_stays(
    mosquitto: TestBroker, service: Responder, opened: Open, tmp_path: Path
) -> None:
    gateway = opened(None, max_store_bytes=2000)
    held = 0
    with pytest.raises(StoreFull) as caught:
        for held in itertools.count():
            one_row(gateway, held)
    assert "max_store_bytes" in caught.value.text.en and caught.value.text.zh
    assert 50 < held == gateway.pending == gateway.counters.stored  # compressed before refused
    boot = gateway.boot
    gateway.close()
    again = opened(mosquitto, max_store_bytes=2000)
    assert again.boot > boot
    assert again.flush(10.0)
    assert service.times() == [NOW + i for i in range(held)]


def test_waiting_for_room(mosquitto: TestBroker, service: Responder, opened: Open) -> None:
    gateway = opened(mosquitto, max_store_bytes=2000, when_full="wait")
    for i in range(200):
        one_row(gateway, i)
    assert gateway.flush(10.0)
    assert service.times() == [NOW + i for i in range(200)]


def test_a_failing_disk_stops_nothing_for_good(
    mosquitto: TestBroker, service: Responder, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = opened(mosquitto)
    until(lambda: gateway.connected)
    real, failures = gateway._store.settle, iter([True, True])

    def settle(*args: Any) -> int:
        if next(failures, False):
            raise sqlite3.OperationalError("disk I/O error")
        return real(*args)

    monkeypatch.setattr(gateway._store, "settle", settle)
    for i in range(20):
        one_row(gateway, i)
    assert gateway.flush(20.0)
    assert service.times() == [NOW + i for i in range(20)]
    assert next(failures, None) is None  # both failures really happened


def test_a_store_belongs_to_one_gateway_process(opened: Open, tmp_path: Path) -> None:
    opened(None)
    with pytest.raises(StoreInUse):
        Gateway("gw-01", store=tmp_path / "gw-01.db", url="mqtt://127.0.0.1")
    (tmp_path / "other.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreInUse):
        Gateway("gw-01", store=tmp_path / "other.db", url="mqtt://127.0.0.1")
    with pytest.raises(GatewayError, match="mqtts://HOST"):
        Gateway("gw-01", store=tmp_path / "b.db", url="http://127.0.0.1")


def test_the_boot_grows_even_if_the_clock_goes_back(tmp_path: Path) -> None:
    boots = []
    for seconds in (1_000.0, 500.0, 500.0, 2_000.0):
        gateway = Gateway(
            "gw-01", store=tmp_path / "a.db", url="mqtt://127.0.0.1:1", clock=lambda s=seconds: s
        )
        boots.append(gateway.boot)
        gateway.close()
    assert boots == [1_000_000, 1_000_002, 1_000_004, 2_000_000]


def test_too_much_for_one_message_becomes_several(
    mosquitto: TestBroker, service: Responder, opened: Open
) -> None:
    gateway = opened(mosquitto, batching=Batching(rows=2000))
    lifts = [code(i) for i in range(5000)]
    names = ("speed", "load", "acc_rms", "acc_peak", "acc_min", "motor_current", "door_current")
    gateway.publish_columns(NOW, lifts, {name: [1.123456789012345] * 5000 for name in names})
    gateway.publish_columns(NOW, lifts, {"car_status": ["stopped"] * 4999 + ["flying"]})
    assert gateway.flush(10.0)
    sizes = [len(times) for times in service.lengths(gateway.boot)]
    assert sum(sizes) == 10_000 and max(sizes) <= 2000
    with pytest.raises(MessageTooLarge):
        gateway.publish_waveform(code(1), NOW, 3200, "m/s2", {"x": [0.123456789] * 30_000})
    with pytest.raises(ValueError, match="one a lift"):
        gateway.publish_columns(NOW, lifts, {"speed": [0.0]})
    with pytest.raises(MessageTooLarge):
        gateway.publish_rows(code(1), [(NOW, {f"channel-{i}": 1.0 for i in range(5000)})])


def test_what_only_the_service_can_judge_reaches_it_as_it_is(
    mosquitto: TestBroker, service: Responder, opened: Open
) -> None:
    gateway = opened(mosquitto)
    gateway.publish_columns(NOW, [code(0), code(1)], {"car_status": ["running", None]})
    gateway.publish_rows(code(1), [(NOW, {"speed": "fast", "load": 1e300})])
    gateway.publish_rows(code(1), [(NOW, {"velocity": 1.5})])
    assert gateway.flush(10.0)
    sent = [body["columns"] for body in service.kept[gateway.boot].values()]
    assert {"speed": ["fast"], "load": [1e300]} in sent
    assert any("velocity" in columns for columns in sent)
    assert any(columns.get("car_status", [None])[0] == 1 for columns in sent)


def test_nothing_is_lost_when_the_gateway_is_killed(
    mosquitto: TestBroker, service: Responder, spawn: Spawn, tmp_path: Path
) -> None:
    """Three times SIGKILL while publishing; what publish() returned for is there in the end."""
    store = tmp_path / "gw.db"
    promised: set[tuple[int, int]] = set()

    def told(output: str) -> set[tuple[int, int]]:
        lines = [line.split() for line in output.splitlines(keepends=True) if line.endswith("\n")]
        return {(int(a), int(b)) for a, b in lines if a != "flushed"}

    for round_ in range(3):
        child = spawn(sys.executable, "-c", CHILD, mosquitto.url, store, "1000000")
        until(lambda c=child: len(told(c.output)) > 150, what=f"round {round_} publishes")
        child.kill()
        promised |= told(child.output)
    last = spawn(sys.executable, "-c", CHILD, mosquitto.url, store, "10")
    assert last.wait(30.0) == 0, last.output
    assert "flushed 0" in last.output
    promised |= told(last.output)
    assert len(promised) > 450
    arrived = Counter(service.times())
    told_times = Counter(i for _, i in promised)
    assert not told_times - arrived  # every promised sample
    unsaid = arrived - told_times  # stored, and killed before it was said
    assert sum(unsaid.values()) <= 3
    for boot in service.kept:  # and no boot has a hole
        assert service.seqs(boot) == list(range(1, service.seqs(boot)[-1] + 1))


def test_sign_in(broker_factory: BrokerFactory, tmp_path: Path, opened: Open) -> None:
    broker = broker_factory("mosquitto", users={"gw-01": "secret"})
    wrong = opened(broker, username="gw-01", password="wrong", store=tmp_path / "wrong.db")
    until(lambda: wrong.trouble is not None)
    assert not wrong.connected
    right = opened(broker, username="gw-01", password="secret")
    until(lambda: right.connected)


def test_tls(broker_factory: BrokerFactory, tmp_path: Path, opened: Open) -> None:
    certs = make_certs(tmp_path / "certs")
    broker = broker_factory("mosquitto", certs=certs)
    stranger = opened(broker, store=tmp_path / "stranger.db")
    until(lambda: stranger.trouble is not None)
    assert not stranger.connected
    trusting = opened(broker, ca_file=certs.ca)
    until(lambda: trusting.connected)
