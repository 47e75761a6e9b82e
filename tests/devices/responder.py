"""A small honest service: keeps what arrives, and answers what is durable, on a real broker."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from devices.codecs import encode_ack
from devices.codecs.refuse import refusal
from devices.codecs.topics import split, topic
from tests.support.brokers import TestBroker
from tests.support.wait import until

KINDS = ("telemetry", "message", "waveform", "backfill")


class Responder:
    """`kept[boot]` = {seq: message}. `lose` seqs are ignored once each, as if lost on the way;
    `deaf` ignores everything; `refuse` seqs are answered with a refusal; `twice` repeats answers.
    `backfill`: it says that it reads that topic; `shut`: but the broker lets nothing through there;
    `hold`: back-fill waits until `let_go`.
    """

    def __init__(self, broker: TestBroker, client_id: str = "responder") -> None:
        self.kept: dict[int, dict[int, dict[str, Any]]] = {}
        self.arrivals: list[tuple[int, int]] = []
        self.statuses: list[dict[str, Any]] = []
        self.lose: set[int] = set()
        self.refuse: set[int] = set()
        self.deaf = self.twice = self.backfill = self.shut = self.hold = False
        self.kinds: list[tuple[int, str]] = []  # seq and topic of all that came, as it came
        self._held: list[tuple[str, dict[str, Any]]] = []
        self.now_ms = lambda: int(time.time() * 1000)
        self._first: dict[int, int] = {}
        self._durable: dict[int, int] = {}
        self._highest: dict[int, int] = {}
        self._lock = threading.Lock()
        self._listening = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.on_message = self._message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        until(self._listening.is_set, what="the responder listens")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def seqs(self, boot: int) -> list[int]:
        with self._lock:
            return sorted(self.kept.get(boot, {}))

    def total(self) -> int:
        with self._lock:
            return sum(len(messages) for messages in self.kept.values())

    def lengths(self, boot: int) -> list[list[int]]:
        """The times of the samples of each message of a boot, in the order of seq."""
        with self._lock:
            messages = self.kept.get(boot, {})
            return [_times(messages[seq]) for seq in sorted(messages)]

    def times(self, boot: int | None = None) -> list[int]:
        """The times of all samples kept, sorted; each as often as it was kept."""
        boots = list(self.kept) if boot is None else [boot]
        return sorted(ts for one in boots for times in self.lengths(one) for ts in times)

    def answer(self, boot: int, gateway: str = "gw-01") -> None:
        """Say what is durable of a boot, and which ranges are missing."""
        why = refusal("out_of_range", "speed", 99, "-20..20 m/s")
        with self._lock:
            have = self.kept.get(boot, {})
            durable = max(self._durable.get(boot, 0), self._first.get(boot, 1) - 1)
            while durable + 1 in have:
                durable += 1
            self._durable[boot] = durable
            highest = max(self._highest.get(boot, 0), durable)
            missing = [s for s in range(durable + 1, highest) if s not in have]
            told = [(seq, why) for seq in sorted(self.refuse) if seq in have]
        payload = encode_ack(boot, durable, self.now_ms(), [(seq, seq) for seq in missing], told,
                             self._highest.get(boot, 0) if self.backfill else 0,
                             self.backfill)  # fmt: skip
        for _ in range(2 if self.twice else 1):
            self._client.publish(topic(gateway, "ack"), payload, qos=1)

    def _connected(self, client: mqtt.Client, *_rest: Any) -> None:
        client.subscribe([(f"lift/v1/+/{kind}", 1) for kind in (*KINDS, "status")])

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        gateway, kind = split(message.topic) or ("", "")
        body = json.loads(message.payload)
        if kind == "status":
            self.statuses.append(body)
            return
        if self.deaf or (kind == "backfill" and self.shut):
            return
        self.kinds.append((body["seq"], kind))
        if kind == "backfill" and self.hold:
            self._held.append((gateway, body))
        else:
            self._take(gateway, body)

    def let_go(self) -> None:
        """Take the back-fill that was held."""
        self.hold = False
        while self._held:
            self._take(*self._held.pop(0))

    def _take(self, gateway: str, body: dict[str, Any]) -> None:
        boot, seq = body["boot"], body["seq"]
        with self._lock:
            self.arrivals.append((boot, seq))
            if seq in self.lose:
                self.lose.remove(seq)
                return
            self._first[boot] = max(self._first.get(boot, 1), body.get("first", 1))
            self._highest[boot] = max(self._highest.get(boot, 0), seq)
            self.kept.setdefault(boot, {})[seq] = body
        self.answer(boot, gateway)


def _times(body: dict[str, Any]) -> list[int]:
    if "columns" not in body:
        return []
    ts = body["ts"]
    return ts if isinstance(ts, list) else [ts] * len(body["lifts"])
