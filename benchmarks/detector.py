"""How fast the detector is, beside a memory copy, our plain twin, river and plain-Python rules.

    python -m benchmarks detector [--lifts 100000] [--quick]

One core. A channel-sample is one value of one channel of one lift: 12 of each lift a batch. All
parts of the suite are on, and of each sample it is asked what is believed of the car (`BELIEF`), as
rules ask. `growth` is the time a channel-sample at each size of fleet in full
batches; `ratio_copy` is how many copies of the same data would fit into the time of a batch.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from typing import Any

import numpy as np

from alerts.rules import DEFAULT_RULES, RuleEngine, load_rules
from benchmarks import _peers
from benchmarks._district import say
from benchmarks._fleet import CHANNELS, START_MS, Fleet, registry_columns
from devices.batch import TelemetryBatch
from devices.vocabulary import load_vocabulary
from monitor.detector import Detector, rule_schema

WARM_S = 45  # a whole cycle first, so that every lift has ended a trip
SPARSE = 0.05
BELIEF = ("with_people", "car_stands", "at_level", "door_shut", "door_passable")


def run(argv: list[str]) -> dict[str, Any]:
    """Measure one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks detector", description=__doc__)
    parser.add_argument("--lifts", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="smaller fleets, seconds not minutes")
    args = parser.parse_args(argv)
    lifts = min(args.lifts, 10_000) if args.quick else args.lifts
    detector, fleet = warmed(lifts)
    clock = itertools.count(WARM_S)
    dense = [per_value(detector, fleet.batch(s)) for s in itertools.islice(clock, 12)]
    sparse = [
        per_value(detector, fleet.batch(s, fleet.some(SPARSE))) for s in itertools.islice(clock, 40)
    ]
    dense_rate, sparse_rate = 1 / statistics.median(dense), 1 / statistics.median(sparse)
    say(f"dense {dense_rate / 1e6:.1f} M/s, sparse {sparse_rate / 1e6:.1f} M/s")
    found: dict[str, Any] = {
        "lifts": lifts,
        "dense_channel_samples_per_s": round(dense_rate),
        "sparse_channel_samples_per_s": round(sparse_rate),
        "ratio_copy": round(copy_rate(fleet.batch(0)) / dense_rate, 1),
        **state(detector, lifts),
    }
    del detector
    found["growth"] = growth((1_000, 10_000) if args.quick else (10**3, 10**4, 10**5, 10**6))
    say("plain twins and river: about a minute")
    found |= _peers.naive(dense_rate) | _peers.river_job() | _peers.rules()
    return found


def warmed(lifts: int) -> tuple[Detector, Fleet]:
    """Return a detector that has seen each lift for a whole cycle."""
    vocab = load_vocabulary()
    fleet = Fleet(vocab, lifts)
    codes = load_rules(DEFAULT_RULES, rule_schema(vocab)).codes
    detector = Detector(vocab, registry_columns(lifts), lifts, codes=codes)
    for second in range(0, WARM_S, 1 if lifts <= 100_000 else 15):
        detector.update(fleet.batch(second), START_MS + second * 1000)
    return detector, fleet


def per_value(detector: Detector, batch: TelemetryBatch) -> float:
    """Return the CPU seconds a channel-sample of this batch takes."""
    now_ms = int(batch.ts_ms[0])
    begun = time.process_time()
    with np.errstate(invalid="ignore"):
        for signals in detector.update(batch, now_ms):
            for name in BELIEF:
                signals.columns[name]
    return (time.process_time() - begun) / (len(batch) * len(CHANNELS))


def copy_rate(batch: TelemetryBatch) -> float:
    """Return the channel-samples/s of one memory copy of the same data."""
    data = np.ascontiguousarray(batch.values[:, : len(CHANNELS)])
    target = np.empty_like(data)
    np.copyto(target, data)
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        np.copyto(target, data)
        times.append(time.perf_counter() - begun)
    return data.size / statistics.median(times)


def state(detector: Detector, lifts: int) -> dict[str, Any]:
    """Return the memory of a lift and the pause for adding 10,000."""
    engine = RuleEngine(load_rules(DEFAULT_RULES, rule_schema(load_vocabulary())), lifts)
    more = registry_columns(lifts + 10_000)
    begun = time.perf_counter()
    detector.grow(lifts + 10_000, more)
    engine.grow(lifts + 10_000)
    pause = time.perf_counter() - begun
    return {
        "bytes_per_lift": detector.bytes_per_lift + engine.bytes_per_lift,
        "bytes_per_lift_detector": detector.bytes_per_lift,
        "grow_pause_s": round(pause, 4),
    }


def growth(sizes: tuple[int, ...]) -> dict[str, float]:
    """Return ns a channel-sample at each size of fleet, full batches."""
    found = {}
    for size in sizes:
        detector, fleet = warmed(size)
        batches = 5 if size >= 10**6 else max(8, min(100, 400_000 // size))
        times = [per_value(detector, fleet.batch(WARM_S + i)) for i in range(batches)]
        found[str(size)] = round(statistics.median(times) * 1e9, 1)
        say(f"{size} lifts: {found[str(size)]} ns a channel-sample")
        del detector, fleet
    least = min(found.values())
    return found | {"worst_to_best": round(max(found.values()) / least, 2)}
