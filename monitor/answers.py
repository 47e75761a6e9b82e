"""The low-rate side of MQTT, on asyncio: answers to gateways, and their status."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import aiomqtt
import structlog

from config.settings import Mqtt
from devices.batch import LinkFact, Refusal, RejectedMessage, Said
from devices.codecs import OURS, GatewayStatus, Limits, Routes, decode_status, encode_ack
from devices.codecs.topics import ACK, PREFIX, split, topic
from devices.registry import NAME, Registry
from monitor.batches import Answer
from monitor.intake import NAMED_IN_AN_ANSWER
from monitor.metrics import Metrics
from monitor.receive import tls_context

log = structlog.get_logger()
# An answer overtakes the one before it: a moment's wait makes one publish of many, and a gateway
# that may have hundreds of messages unconfirmed does not notice.
GATHER_S = 0.05
# One after the other, a thousand gateways would be a thousand round trips to the broker.
AT_ONCE = 8
# While the broker is away the oldest of these are dropped: who asked for them asks again.
SAID_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Heard:
    """A gateway's last status and when it came; a last will carries no time of its own."""

    status: GatewayStatus
    at_ms: int


def connection(settings: Mqtt, client_id: str, will: Said | None = None) -> aiomqtt.Client:
    """Return an aiomqtt client for the site's broker, not yet connected."""
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        identifier=client_id,
        tls_context=tls_context(settings) if settings.tls else None,
        keepalive=30,
        will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
    )


class Answers:
    """Publishes answers, the newest a gateway and boot; keeps the status of every gateway."""

    def __init__(
        self,
        settings: Mqtt,
        registry: Registry,
        limits: Limits,
        clock: Callable[[], int],
        metrics: Metrics,
        routes: Routes = OURS,
        witness: Callable[[str, int, int], None] = lambda gateway, off_ms, at_ms: None,
        backfill: Callable[[], bool] = lambda: False,
    ) -> None:
        """`witness` is told the clock of a gateway whose status comes as it is sent; `backfill`
        tells whether the service listens on the topic for it."""
        self._backfill = backfill
        self._witness = witness
        self._settings, self._registry, self._limits = settings, registry, limits
        self._clock, self._metrics, self._routes = clock, metrics, routes
        self._said: deque[Said] = deque(maxlen=SAID_KEPT)
        self._pending: dict[tuple[str, int | None], Answer] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.heard: dict[str, Heard] = {}
        self.lifts: dict[int, LinkFact] = {}  # by registry row: what its gateway last said of it

    def post(self, answers: Iterable[Answer]) -> None:
        """Hand answers over from the pipeline's thread. An older one is overtaken, not lost:
        `durable` only grows, and its refusals are carried along."""
        fresh = list(answers)
        if fresh and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._merge, fresh)

    def say(self, said: Sequence[Said], links: Sequence[tuple[str, LinkFact]]) -> None:
        """Take over from the pipeline's thread what dialects say, and who came or went."""
        if (said or links) and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, list(said), list(links))

    def _take(self, said: list[Said], links: list[tuple[str, LinkFact]]) -> None:
        self._said.extend(said)
        now_ms = self._clock()
        for gateway, fact in links:
            if fact.lift is not None:
                self.lifts[fact.lift] = fact
            else:
                status = GatewayStatus(gateway, fact.online, 0, fact.ts_ms, None)
                self._hear(Heard(status, now_ms))
        self._metrics.lifts_up.set(sum(fact.online for fact in self.lifts.values()))
        self._wake.set()

    def _hear(self, heard: Heard) -> None:
        self.heard[heard.status.gateway] = heard
        self._metrics.gateways_up.set(sum(one.status.online for one in self.heard.values()))

    def _merge(self, answers: list[Answer]) -> None:
        for answer in answers:
            key = (answer.gateway, answer.boot)
            older = self._pending.get(key)
            refused = (older.refused if older else []) + answer.refused
            self._pending[key] = replace(answer, refused=refused[-NAMED_IN_AN_ANSWER:])
        self._wake.set()

    async def run(self) -> None:
        """Stay connected until cancelled; a lost connection is taken up again."""
        self._loop = asyncio.get_running_loop()
        while True:
            try:
                name, will = f"{self._settings.client_id}-answers", self._routes.will
                async with connection(self._settings, name, will) as c:
                    await c.subscribe(f"{PREFIX}/+/status", qos=1)
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._publish(c))
                        tasks.create_task(self._listen(c))
            except* aiomqtt.MqttError as error:
                log.warning("answers.disconnected", reason=str(error.exceptions[0]))
            await asyncio.sleep(1)

    async def _publish(self, client: aiomqtt.Client) -> None:
        for said in self._routes.hello(self._clock()):
            await client.publish(said.topic, said.payload, said.qos, said.retain)
        while True:
            while self._said:
                said = self._said[0]
                await client.publish(said.topic, said.payload, said.qos, said.retain)
                if self._said and self._said[0] is said:
                    self._said.popleft()
            while self._pending:
                some = itertools.islice(self._pending, AT_ONCE)
                await asyncio.gather(*(self._tell(client, key) for key in some))
            self._wake.clear()
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)

    async def _tell(self, client: aiomqtt.Client, key: tuple[str, int | None]) -> None:
        answer = self._pending[key]
        await client.publish(topic(answer.gateway, ACK), self._payload(answer), qos=1)
        # Gone only now, and only if no newer one came while this one was on its way.
        if self._pending.get(key) is answer:
            del self._pending[key]

    def _payload(self, answer: Answer) -> bytes:
        now_ms, a = self._clock(), answer
        told = (a.gaps, a.refused, a.highest, self._backfill())
        return encode_ack(a.boot, a.durable, now_ms, *told)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            name, payload = str(message.topic), message.payload
            now_ms = self._clock()
            try:
                status = decode_status(
                    name, bytes(payload or b""), now_ms, self._registry, self._limits
                )
            except RejectedMessage as rejected:
                log.warning("status.refused", topic=name, reason=str(rejected))
                refused: list[tuple[int | None, Refusal]] = [(None, r) for r in rejected.refusals]
                sender = split(name)
                if sender and payload and NAME.fullmatch(sender[0]):
                    self._merge([Answer(sender[0], rejected.boot, 0, [], refused)])
                continue
            self._hear(Heard(status, now_ms))
            # A retained one is old; one that comes by itself was said this moment.
            if status.clock_off_ms is not None and not message.retain:
                self._witness(status.gateway, status.clock_off_ms, now_ms)
