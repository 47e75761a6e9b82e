"""Messages without our numbers: repeats told by their bytes, answers to nobody, links, said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiomqtt
import numpy as np
import pytest

from config.settings import Ingest, Mqtt
from devices.batch import Decoded, LinkFact, Said, TelemetryBatch
from devices.codecs import Limits
from devices.codecs.context import Context
from devices.codecs.refuse import reject
from devices.codecs.routes import Codec, Dialect, Route, Routes
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.answers import Answers, connection
from monitor.batches import ClosedBatch
from monitor.intake import Intake
from monitor.metrics import Metrics
from monitor.repeats import Repeats
from monitor.store.history import History
from monitor.store.ledger import Ledger
from tests.support.brokers import TestBroker
from tests.support.site import write_small_site

NOW_MS = 1_790_000_000_000
VOCAB = load_vocabulary()
TOPIC = "other/gw-0/data"


def _speed(payload: bytes, context: Context) -> Decoded:
    """A dialect of one number: the speed of the first lift, now; "!" asks for a rebirth."""
    if payload == b"!":
        rejection = reject("empty", "payload")
        rejection.said.append(Said("other/gw-0/command", b"rebirth"))
        raise rejection
    values = np.full((1, len(VOCAB)), np.nan, np.float32)
    values[0, VOCAB.index("speed")] = float(payload.strip(b"~"))
    batch = TelemetryBatch(
        np.zeros(1, np.int32), np.array([NOW_MS]), values, np.zeros(1, np.bool_)
    )  # fmt: skip
    links = [LinkFact(True, NOW_MS)]
    timed = b"~" not in payload
    return Decoded(None, None, None, "telemetry", batch, [], timed, links)


@pytest.fixture
def box(tmp_path: Path) -> Intake:
    registry: Registry = load_registry(write_small_site(tmp_path / "site"))
    route = Route("other/{gateway}/data", (Codec("other", _speed),))
    routes = Routes((Dialect("other", (route,)),))
    return Intake(
        registry, VOCAB, Ledger(), Ingest(batch_ms=5), 1000, lambda: NOW_MS, Metrics(), 512, routes
    )  # fmt: skip


def _closed(box: Intake, *payloads: bytes, topic: str = TOPIC) -> ClosedBatch:
    for number, payload in enumerate(payloads, 1):
        box.offer(topic, payload, (1, number))
    closed = box.take(5)
    assert closed is not None
    return closed


def test_the_same_bytes_again_are_one_sample(box: Intake) -> None:
    closed = _closed(box, b"1.0", b"1.5", b"1.0")
    assert closed.batch.values[:, VOCAB.index("speed")].tolist() == [1.0, 1.5]
    assert closed.receipts == [(1, 1), (1, 2), (1, 3)]
    assert list(closed.ledger) == [("", 1)] and closed.answers == []
    assert closed.links == [("gw-0", LinkFact(True, NOW_MS))] * 2
    assert not len(_closed(box, b"1.0").batch)  # in the next batch too


def test_bytes_without_a_time_of_their_own_may_come_again(box: Intake) -> None:
    assert len(_closed(box, b"~1.0", b"~1.0").batch) == 2


def test_a_refused_one_is_kept_once_and_says_what_it_must(box: Intake) -> None:
    closed = _closed(box, b"!", b"!")
    assert [row.reason for row in closed.quarantine] == ["empty"]
    assert closed.answers == []
    assert closed.said == [Said("other/gw-0/command", b"rebirth")] * 2


def test_what_no_route_reads_is_kept_in_quarantine(box: Intake) -> None:
    closed = _closed(box, b"1.0", topic="lift/v1/gw-0/telemetry")
    assert [row.reason for row in closed.quarantine] == ["unknown_topic"]


def test_after_a_crash_what_was_committed_is_known(tmp_path: Path) -> None:
    """The digests are in the batch's own transaction, as the ledger is."""
    history = History(tmp_path / "history", VOCAB)
    repeats = Repeats()
    for number in range(40):
        assert repeats.take("a", "t", b"%d" % number)
        history.append(TelemetryBatch.empty(len(VOCAB)), NOW_MS, repeats.dirty())
        if number % 3 == 0:
            history.fold_ledger(NOW_MS)
    again = Repeats(history.ledger())
    assert not again.take("a", "t", b"39") and not again.take("a", "t", b"25")
    assert again.take("a", "t", b"3"), "16 batches are remembered"
    (key,) = again.dirty()
    assert key == ("", 41 % 16)
    history.close()


async def test_what_dialects_say_reaches_the_broker(mosquitto: TestBroker, tmp_path: Path) -> None:
    """At each connection its greeting, retained; later what codecs ask for; a last will."""
    registry = load_registry(write_small_site(tmp_path / "site"))
    gone = Said("state/host", b"offline", 1, True)
    dialect = Dialect("other", (), lambda now_ms: [Said("state/host", b"online", 1, True)], gone)
    answers = Answers(
        Mqtt(url=mosquitto.url), registry, Limits(), lambda: NOW_MS, Metrics(), Routes((dialect,))
    )  # fmt: skip
    running = asyncio.create_task(answers.run())
    try:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.subscribe([("state/#", 1), ("other/#", 1)])
            heard = client.messages
            assert (await asyncio.wait_for(anext(heard), 10)).payload == b"online"
            links = [("gw-0", LinkFact(False, NOW_MS)), ("gw-0", LinkFact(True, NOW_MS, 3))]
            answers.say([Said("other/gw-0/command", b"rebirth", 0)], links)
            assert (await asyncio.wait_for(anext(heard), 10)).payload == b"rebirth"
            assert not answers.heard["gw-0"].status.online and answers.lifts[3].online
            async with connection(Mqtt(url=mosquitto.url), "liftwatch-answers", gone):
                pass  # the same client id: the broker throws the first one out
            assert (await asyncio.wait_for(anext(heard), 10)).payload == b"offline"
            assert (await asyncio.wait_for(anext(heard), 10)).payload == b"online", "it is back"
    finally:
        running.cancel()


def test_the_window_is_bounded_and_each_gateway_has_its_own() -> None:
    repeats = Repeats(window=2)
    assert repeats.take("a", "t", b"1") and not repeats.take("a", "t", b"1")
    assert repeats.take("b", "t", b"1") and repeats.take("a", "u", b"1")
    for number in range(300):
        assert repeats.take("a", "t", b"n%d" % number)
    assert not repeats.take("a", "t", b"1"), "nothing of an open batch is forgotten"
    for number in range(16):
        assert repeats.dirty()
        assert repeats.take("c", "t", b"%d" % number)
    assert not repeats.take("b", "t", b"1"), "still in the window of its gateway"
    assert repeats.dirty()
    assert repeats.take("a", "t", b"1"), "it has left the window and the last batches"
