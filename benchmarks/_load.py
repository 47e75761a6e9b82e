"""The load generator, a process of its own: gateways that publish as fast as they are confirmed.

    python -m benchmarks._load URL USER PASSWORD --seconds 10 --lifts 1000 --gateways 20

Columns messages of 50 lifts × 12 channels, QoS 1. `--window` messages may be unconfirmed at a
time: confirmed by the service's `ack`, or with `--bare` by the broker alone. Alarm messages
(code 93) of fresh lifts are mixed in as probes. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from urllib.parse import urlsplit

import numpy as np
import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks._district import reg_code

LIFTS_A_MESSAGE = 50
PROBE_EVERY_S = 0.4
CHANNELS = (
    "car_status", "car_direction", "door_zone", "car_position", "door_closed", "load", "speed",
    "acc_rms", "motor_current", "motor_temp", "humidity", "power",
)  # fmt: skip


class Load:
    """One connection that speaks for all gateways, as a concentrator would."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.boot = args, int(time.time() * 1000)
        self.seq = dict.fromkeys(range(args.gateways), 0)
        self.durable = dict.fromkeys(range(args.gateways), 0)
        self.sent = self.confirmed = self.probes_sent = 0
        self.changed = threading.Condition()
        self.probes: list[tuple[str, float]] = []
        self.refused = 0
        url = urlsplit(args.url)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"load-{self.boot}")
        self.client.username_pw_set(args.user, os.environ["LOAD_PASSWORD"])
        self.client.max_inflight_messages_set(200)
        self.client.on_message = self.on_ack
        self.client.on_publish = self.on_publish
        ready = threading.Event()
        self.client.on_connect = lambda *_: ready.set()
        self.client.connect(url.hostname or "", url.port or 1883)
        self.client.loop_start()
        if not ready.wait(10):
            raise TimeoutError("no broker")
        if not args.bare:
            self.client.subscribe("lift/v1/+/ack", 1)
        self.columns = self.make_columns()

    def make_columns(self) -> list[dict[str, list[float]]]:
        """Values made beforehand: the generator must not be what is measured.

        One lift in three travels, the others stand; only what a sensor measures varies. Lifts
        that jumped about would ring thousands of bells, which is another benchmark.
        """
        rng = np.random.default_rng(1)
        n = LIFTS_A_MESSAGE
        moving = np.arange(n) % 3 == 0
        floor, load = rng.integers(1, 30, n), rng.integers(0, 60, n)
        made = []
        for _ in range(50):
            table = {
                "car_status": moving.astype(int),
                "car_direction": moving.astype(int),
                "door_zone": ~moving,
                "car_position": floor,
                "door_closed": np.ones(n, bool),
                "load": load,
                "speed": np.where(moving, 1.5 + rng.normal(0, 0.01, n).round(3), 0.0),
                "acc_rms": (0.05 + rng.random(n) * 0.01).round(4),
                "motor_current": np.where(moving, 12 + rng.random(n), 0.4).round(2),
                "motor_temp": (40 + rng.random(n)).round(1),
                "humidity": (60 + rng.random(n)).round(1),
                "power": np.zeros(n, int),
            }
            made.append({name: table[name].tolist() for name in CHANNELS})
        return made

    def on_ack(self, _c: object, _u: object, message: mqtt.MQTTMessage) -> None:
        """The service says what is durable."""
        said = orjson.loads(message.payload)
        gateway = int(message.topic.split("/")[2][3:])
        with self.changed:
            self.refused += len(said["refused"])
            if said["boot"] == self.boot:
                gain = said["durable"] - self.durable[gateway]
                self.durable[gateway] += max(0, gain)
                self.confirmed += max(0, gain)
                self.changed.notify()

    def on_publish(self, *_: object) -> None:
        """The broker has it."""
        if self.args.bare:
            with self.changed:
                self.confirmed += 1
                self.changed.notify()

    def publish(self, gateway: int, kind: str, said: dict[str, object]) -> None:
        """Publish one message when the window has room."""
        with self.changed:
            while self.sent - self.confirmed >= self.args.window:
                if not self.changed.wait(30):
                    raise TimeoutError("not confirmed for 30 s")
            self.sent += 1
            self.seq[gateway] += 1
        said |= {"v": 1, "boot": self.boot, "seq": self.seq[gateway], "first": 1}
        self.client.publish(f"lift/v1/gw-{gateway:02d}/{kind}", orjson.dumps(said), 1)

    def run(self) -> None:
        """Publish for the time asked for."""
        args = self.args
        own = {k: list(range(k, args.lifts, args.gateways)) for k in range(args.gateways)}
        place = dict.fromkeys(own, 0)
        end = time.monotonic() + args.seconds
        next_probe = time.monotonic() + 0.5
        gateway = turn = 0
        while time.monotonic() < end:
            mine = own[gateway]
            size = min(LIFTS_A_MESSAGE, len(mine))
            start = place[gateway]
            chosen = [mine[(start + i) % len(mine)] for i in range(size)]
            place[gateway] = (start + size) % len(mine)
            columns = {n: v[:size] for n, v in self.columns[turn % 50].items()}
            codes = [reg_code(lift) for lift in chosen]
            now = int(time.time() * 1000)
            self.publish(gateway, "telemetry", {"ts": now, "lifts": codes, "columns": columns})
            if not args.bare and time.monotonic() >= next_probe:
                next_probe += PROBE_EVERY_S
                self.probe(own)
            turn += 1
            gateway = (gateway + 1) % args.gateways
        self.finish()

    def probe(self, own: dict[int, list[int]]) -> None:
        """Say that somebody is trapped in a lift that has not said so before."""
        number = self.probes_sent
        gateway = number % self.args.gateways
        lift = own[gateway][self.args.first_probe + number // self.args.gateways]
        self.probes_sent += 1
        self.probes.append((reg_code(lift), time.time()))
        said = {"lift": reg_code(lift), "ts": int(time.time() * 1000), "code": 93, "state": "on"}
        self.publish(gateway, "message", said)

    def finish(self) -> None:
        """Wait until all is confirmed."""
        with self.changed:
            while self.confirmed < self.sent:
                if not self.changed.wait(30):
                    break
        self.client.loop_stop()


def main() -> None:
    """Run and print what was sent and confirmed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--lifts", type=int, default=1000)
    parser.add_argument("--gateways", type=int, default=20)
    parser.add_argument("--window", type=int, default=150)
    parser.add_argument("--first-probe", type=int, default=0, help="place in a gateway's list")
    parser.add_argument("--bare", action="store_true")
    args = parser.parse_args()
    load = Load(args)
    start = time.time()
    load.run()
    print(
        json.dumps(
            {
                "messages": load.sent,
                "confirmed": load.confirmed,
                "telemetry": load.sent - load.probes_sent,
                "samples": (load.sent - load.probes_sent) * LIFTS_A_MESSAGE,
                "seconds": time.time() - start,
                "refused": load.refused,
                "probes": load.probes,
            }
        )
    )


if __name__ == "__main__":
    main()
