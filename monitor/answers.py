"""The low-rate side of MQTT, on asyncio: answers to gateways, and their status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import aiomqtt
import structlog

from config.settings import Mqtt
from devices.batch import Refusal, RejectedMessage
from devices.codecs import GatewayStatus, Limits, decode_status, encode_ack
from devices.codecs.topics import ACK, PREFIX, split, topic
from devices.registry import NAME, Registry
from monitor.intake import NAMED_IN_AN_ANSWER, Answer
from monitor.metrics import Metrics
from monitor.receive import tls_context

log = structlog.get_logger()
# An answer overtakes the one before it: a moment's wait makes one publish of many, and a gateway
# that may have hundreds of messages unconfirmed does not notice.
GATHER_S = 0.05


@dataclass(frozen=True, slots=True)
class Heard:
    """A gateway's last status and when it came; a last will carries no time of its own."""

    status: GatewayStatus
    at_ms: int


def connection(settings: Mqtt, client_id: str) -> aiomqtt.Client:
    """Return an aiomqtt client for the site's broker, not yet connected."""
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        identifier=client_id,
        tls_context=tls_context(settings) if settings.tls else None,
        keepalive=30,
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
    ) -> None:
        self._settings, self._registry, self._limits = settings, registry, limits
        self._clock, self._metrics = clock, metrics
        self._pending: dict[tuple[str, int | None], Answer] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.heard: dict[str, Heard] = {}

    def post(self, answers: Iterable[Answer]) -> None:
        """Hand answers over from the pipeline's thread. An older one is overtaken, not lost:
        `durable` only grows, and its refusals are carried along."""
        fresh = list(answers)
        if fresh and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._merge, fresh)

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
                async with connection(self._settings, f"{self._settings.client_id}-answers") as c:
                    await c.subscribe(f"{PREFIX}/+/status", qos=1)
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._publish(c))
                        tasks.create_task(self._listen(c))
            except* aiomqtt.MqttError as error:
                log.warning("answers.disconnected", reason=str(error.exceptions[0]))
            await asyncio.sleep(1)

    async def _publish(self, client: aiomqtt.Client) -> None:
        while True:
            while self._pending:
                key = next(iter(self._pending))
                answer = self._pending[key]
                await client.publish(topic(answer.gateway, ACK), self._payload(answer), qos=1)
                # Gone only now, and only if no newer one came while this one was on its way.
                if self._pending.get(key) is answer:
                    del self._pending[key]
            self._wake.clear()
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)

    def _payload(self, answer: Answer) -> bytes:
        return encode_ack(answer.boot, answer.durable, self._clock(), answer.gaps, answer.refused)

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
            self.heard[status.gateway] = Heard(status, now_ms)
            online = sum(heard.status.online for heard in self.heard.values())
            self._metrics.gateways_up.set(online)
