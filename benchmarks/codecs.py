"""Decoding: lift-samples a second of one core, codec by codec, beside the bare parser.

    python -m benchmarks codecs --seconds 1.5
    python -m benchmarks codecs --only packed,rows

Each figure is the best of several rounds in the thread's own time, so that neighbours on the
machine count less: topic, parsing, types, registry, clock, limits, up to the batch. A message
tells of 50 lifts once, 20 channels each; `_x4` of four moments, as a gateway does that gathers
them before it sends, maps and GB/T 24476 style (7 channels) of ten, the packed form of twenty.
`ratio_parser` is the time of `parser` alone on the same bytes over that of all decoding.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks._payloads import CHANNELS, GENERATORS, NOW, Bench, Load
from devices.codecs import decode

LIFTS = 50
MANY = {  # moments gathered in a message
    "packed": 20, "columns": 4, "rows": 4, "thingsboard": 4, "gbt24476": 10, "mapping_json": 10,
    "mapping_json_columns": 10, "mapping_csv": 10, "sparkplug": 4,
}  # fmt: skip


def best(work: Callable[[], object], seconds: float) -> float:
    """Return the seconds of one call: the best of rounds of about 20 ms, in thread time."""
    started = time.thread_time()
    work()
    rounds = max(1, int(0.02 / max(time.thread_time() - started, 1e-7)))
    fastest, until = float("inf"), time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.thread_time()
        for _ in range(rounds):
            work()
        fastest = min(fastest, (time.thread_time() - started) / rounds)
    return fastest


def decoding(bench: Bench, load: Load) -> Callable[[], int]:
    """Return what decodes all messages of a load once, and how many lift-samples that gave."""

    def work() -> int:
        count = 0
        for topic, payload in load.messages:
            found = decode(
                topic, payload, NOW, bench.registry, bench.vocab, bench.limits, load.routes
            )
            count += len(found.batch)
        return count

    for topic, payload in load.before:
        decode(topic, payload, NOW, bench.registry, bench.vocab, bench.limits, load.routes)
    return work


def measure(name: str, times: int, seconds: float, folder: Path) -> dict[str, object]:
    """Return the figures of one codec. Raises ValueError where it lost a sample."""
    bench = Bench(LIFTS, folder)
    load = GENERATORS[name](bench, times)
    work = decoding(bench, load)
    if (count := work()) != load.lift_samples:
        raise ValueError(f"{name}: {count} lift-samples of {load.lift_samples}")
    spent = best(work, seconds)

    def bare() -> None:
        for _, payload in load.messages:
            load.parse(payload)

    size = sum(len(payload) for _, payload in load.messages)
    return {
        "lift_samples_per_s": round(load.lift_samples / spent),
        "ratio_parser": round(best(bare, seconds / 2) / spent, 3),
        "parser": load.parser,
        "bytes_per_lift_sample": round(size / load.lift_samples, 1),
        "lift_samples": load.lift_samples,
        "messages": len(load.messages),
        "us_per_message": round(spent * 1e6 / len(load.messages), 1),
    }


def run(argv: list[str]) -> dict[str, object]:
    """Measure every codec; returns {codec: figures}."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks codecs", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each figure")
    parser.add_argument("--only", default="", help="names, with commas between them")
    args = parser.parse_args(argv)
    only = list(filter(None, args.only.split(",")))
    if unknown := set(only) - set(GENERATORS):
        parser.error(f"no such codec: {', '.join(sorted(unknown))}; there are {[*GENERATORS]}")
    codecs: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in only or GENERATORS:
            for times in (1, MANY[name]) if name in MANY else (1,):
                key = name if times == 1 else f"{name}_x{times}"
                site = Path(folder) / key
                site.mkdir()
                codecs[key] = told = measure(name, times, args.seconds, site)
                rate, us = told["lift_samples_per_s"], told["us_per_message"]
                print(f"{key:22s} {rate:14,} /s  {us:9} us a message", file=sys.stderr)
    return {"lifts": LIFTS, "channels": CHANNELS, "codecs": codecs}
