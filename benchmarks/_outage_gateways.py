"""The gateways of the outage benchmark, a process of its own: they live through it with the SDK.

    python -m benchmarks._outage_gateways URL USER FOLDER --hours 10 --first 0 --last 9 …

Prints one JSON line when the outage is over in the stores (`filled`), one when the backlog is
through, and one at the end. In between it publishes live, a sample of each lift a second, and an
alarm now and then; and at the end for a while without a backlog, as a measure of what that cost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._district import reg_code
from devices.gateway import Gateway, JsonColumns, Packed

CHANNELS = (
    "car_status", "car_direction", "door_zone", "car_position", "door_closed", "load", "speed",
    "acc_rms", "motor_current", "motor_temp", "humidity", "power", "service_mode", "brake",
    "battery", "room_temp", "acc_peak", "door_current", "safety_chain", "level_offset",
)  # fmt: skip
PERIOD_S = 1
FLOORS = 24
SPEED = np.zeros(60)
SPEED[:18] = (0.3, 0.8, 1.3, *[1.5] * 12, 1.3, 0.8, 0.3)
LATE_ALARM = 93
PROBE_EVERY_S = 1.0


class District:
    """What the lifts of one gateway measure at a second: travel, stops, noisy sensors."""

    def __init__(self, lifts: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = lifts
        self.n, self.phase = n, rng.integers(0, 60, n)
        self.noise = rng.normal(0, 1, (997, 8, n)).astype(np.float32)
        self.level = rng.integers(1, FLOORS, n)
        self.kilos = rng.integers(0, 60, n)

    def at(self, second: int) -> dict[str, NDArray[Any]]:
        """Return one value a lift of each channel, with the decimals such sensors have."""
        beat = (second + self.phase) % 60
        trip = (second + self.phase) // 60
        moving = beat < 18
        up = trip % 2 == 0
        a, b, c, d, e, f, g, h = self.noise[second % 997]
        still = ~moving
        done = np.minimum(beat, 17) // 4  # floors of this trip, up and the next time down
        floor = self.level + np.where(up, done, 4 - done)
        # the door works for some seconds, then the car waits with its door closed
        door_open = still & (beat >= 20) & (beat < 28)
        return {
            "car_status": moving,
            "car_direction": np.where(moving, np.where(up, 1, 2), 0),
            "door_zone": still,
            "car_position": floor,
            "door_closed": ~door_open,
            "load": (self.kilos + (second + self.phase + 36) // 60 * 7) % 60,
            "speed": np.where(moving, (SPEED[beat] * (1 + a * 0.01)).round(2), 0.0),
            "acc_rms": (0.06 + np.abs(b) * 0.004).round(4),
            "motor_current": np.where(moving, (12 + c * 0.3).round(2), 0.4),
            "motor_temp": (41 + d * 0.2 + second % 3600 / 900).round(1),
            "humidity": (60 + e * 0.2).round(1),
            "power": np.zeros(self.n),
            "service_mode": np.ones(self.n),
            "brake": still,
            "battery": np.full(self.n, 100.0),
            "room_temp": (27 + f * 0.1).round(1),
            "acc_peak": (9.81 + np.abs(g) * 0.05).round(2),
            "door_current": np.where(door_open, (1.5 + h * 0.05).round(2), 0.0),
            "safety_chain": np.zeros(self.n),
            "level_offset": np.round(h * 2),
        }


class Member:
    """One gateway, its lifts, and the counts of what it was given."""

    def __init__(self, args: argparse.Namespace, number: int) -> None:
        self.codes = [reg_code(i) for i in range(number, args.lifts, args.gateways)]
        self.district = District(len(self.codes), number)
        self.file = Path(args.folder) / f"gw-{number:02d}.db"
        self.gateway = Gateway(
            f"gw-{number:02d}",
            store=self.file,
            url=args.url,
            username=args.user,
            password=os.environ["GATEWAY_PASSWORD"],
            max_store_bytes=args.max_mb * 1024 * 1024,
            reconnect_s=1.0,
            encoding=Packed() if args.encoding == "packed" else JsonColumns(),
        ).start()
        self.samples = self.alarms = 0

    def publish(self, ts_ms: int) -> None:
        """One second of its lifts."""
        self.gateway.publish_columns(ts_ms, self.codes, self.district.at(ts_ms // 1000))
        self.samples += len(self.codes)

    def alarm(self, lift: int, ts_ms: int) -> str:
        """A person is trapped at a floor, the controller says."""
        code = self.codes[lift % len(self.codes)]
        self.gateway.publish_message(code, ts_ms, LATE_ALARM, "on")
        self.alarms += 1
        return code


def live_through(members: list[Member], from_ms: int, to_ms: int) -> list[str]:
    """The outage: every second of it, for every lift; some alarms in the middle of it."""
    late = []
    for ts_ms in range(from_ms, to_ms, PERIOD_S * 1000):
        for member in members:
            member.publish(ts_ms)
    for member in members:
        late.append(member.alarm(0, (from_ms + to_ms) // 2))
    return late


class Life:
    """The lifts go on, second by second, until they are stopped."""

    def __init__(self, members: list[Member], at_ms: int) -> None:
        self._members, self._at_ms = members, at_ms
        self._stopping, self.through = threading.Event(), threading.Event()
        self.probes: list[tuple[str, float]] = []
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        members, at_ms = self._members, self._at_ms
        begun, next_probe, number = time.monotonic(), time.time() + 2.0, 1
        while not self._stopping.is_set():
            at_ms += PERIOD_S * 1000
            self._stopping.wait(max(0.0, at_ms / 1000 - time.time()))
            for member in members:
                member.publish(at_ms)
            if not self.seconds and not sum(member.gateway.backlog for member in members):
                self.seconds = time.monotonic() - begun
                self.through.set()
            if time.time() >= next_probe and not self.seconds:
                next_probe += PROBE_EVERY_S
                member = members[number % len(members)]
                place = 1 + number // len(members)
                if place < len(member.codes):
                    self.probes.append((member.alarm(place, at_ms), time.time()))
                number += 1

    def stop(self) -> None:
        """End it after the second at hand."""
        self._stopping.set()
        self._thread.join()


def delays(members: list[Member]) -> list[float]:
    """Return how long what was live took, publish → durable, of all since the last call."""
    found = []
    for member in members:
        found += member.gateway.delays
        member.gateway._forwarder.measures.delays.clear()
    return sorted(found)


def main() -> int:
    """Run one process of gateways."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "user", "folder"):
        parser.add_argument(name)
    for name in ("first", "last", "lifts", "gateways", "max-mb"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--encoding", required=True)
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--quiet-s", type=float, required=True)
    args = parser.parse_args()
    members = [Member(args, number) for number in range(args.first, args.last + 1)]
    to_ms = int(time.time()) * 1000 - 1000
    from_ms = to_ms - int(args.hours * 3600) * 1000
    begun = time.monotonic()
    late = live_through(members, from_ms, to_ms)
    filled = {
        "filled": sum(member.samples for member in members),
        "seconds": time.monotonic() - begun,
        "held_bytes": sum(member.gateway.pending_bytes for member in members),
        "file_bytes": sum(
            file.stat().st_size
            for member in members
            for file in member.file.parent.glob(f"{member.file.name}*")
        ),
        "late": late,
    }
    print(json.dumps(filled), flush=True)
    sys.stdin.readline()
    # the seconds in which the others were still at it belong to the outage too
    now_ms = int(time.time()) * 1000
    for ts_ms in range(to_ms, now_ms + 1, 1000):
        for member in members:
            member.publish(ts_ms)
    print(json.dumps({"outage": sum(member.samples for member in members)}), flush=True)
    sys.stdin.readline()
    delays(members)  # of what came before the link was back: not asked for
    life = Life(members, int(time.time()) * 1000)
    life.through.wait()
    told = {"seconds": life.seconds, "delays": delays(members), "probes": life.probes}
    print(json.dumps(told), flush=True)
    sys.stdin.readline()  # what was late is judged
    judging = delays(members)
    time.sleep(args.quiet_s)
    alone = delays(members)
    life.stop()
    durable = all([member.gateway.flush(60.0) for member in members])
    counters = [member.gateway.counters for member in members]
    done = {
        "samples": sum(member.samples for member in members),
        "alarms": sum(member.alarms for member in members),
        "durable": durable,
        "judging": judging,
        "alone": alone,
        "published": sum(one.published for one in counters),
        "resent": sum(one.resent for one in counters),
        "refused": sum(one.refused for one in counters),
        "given_up": sum(member.gateway.lost for member in members),
    }
    for member in members:
        member.gateway.close()
    print(json.dumps(done), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
