"""An hour of links, good and bad, for the pages and the figures."""

from __future__ import annotations

import numpy as np

from devices.batch import MessageRows, Refusal, TelemetryBatch
from devices.codecs.refuse import REASONS
from devices.registry import Registry
from monitor.link.watch import Heard, LinkWatch


def batch_of(lift: list[int], ts_ms: list[int], received_ms: int) -> TelemetryBatch:
    """Samples that hold nothing but their time."""
    ts = np.array(ts_ms, np.int64)
    return TelemetryBatch(
        np.array(lift, np.int32), ts, np.zeros((len(lift), 1), np.float32),
        ts < received_ms - 120_000, MessageRows.empty(),
    )  # fmt: skip


def an_hour(watch: LinkWatch, registry: Registry, end_ms: int, minutes: int = 60) -> None:
    """gw-1 is well; gw-2 is slow, loses, repeats, is refused, and has a clock of its own."""
    rng = np.random.default_rng(7)
    lifts = {g: np.flatnonzero(registry.lift_gateway == g).tolist() for g in (0, 1)}
    names = [gateway.id for gateway in registry.gateways]
    begin = end_ms - minutes * 60_000
    seq = [0, 0]
    for second in range(0, minutes * 60, 5):
        now = begin + second * 1000
        watch.turn(now)
        for g in (0, 1):
            seq[g] += 1
            bad = g == 1
            if bad and (rng.random() < 0.15 or 1200 < second < 1500):
                continue
            delay = int(rng.exponential(1500 if bad else 120)) + 30
            clock = 95_000 if bad else 0
            mine = lifts[g]
            mine = mine * 5  # of five seconds each
            times = np.repeat(now - delay - clock - 1000 * np.arange(5), len(mine) // 5)
            made = batch_of(mine, times.tolist(), now)
            front = watch.front(names[g], 1, seq[g])
            number = watch.taken(names[g], front)
            watch.judge(made, [Heard(number, now, front, len(mine), 0)])
            if bad and rng.random() < 0.1:
                watch.repeated(names[g])
            if bad and rng.random() < 0.05:
                why = Refusal(
                    "out_of_range", "speed", "35.0", "-20..20 m/s", REASONS["out_of_range"]
                )
                watch.refused(names[g], [why], False, now)
    watch.turn(end_ms)
