"""Decoding: lift-samples a second of one core, by form of the message, beside the bare parser.

    python -m benchmarks codecs --seconds 1.5

Each figure is the best of several rounds in the thread's own time, so that neighbours on the
machine count less. `ratio_parse` is the time of the bare typed JSON parser over that of the
whole decoding: parsing, types, registry, clock, limits and the batch.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks import _codec_sparkplug
from devices.codecs import Limits, decode, json_columns, json_rows
from devices.codecs.values import plan_of
from devices.registry import Gateway, Lift, Registry
from devices.vocabulary import Channel, Kind, load_vocabulary

NOW = 1_767_225_600_000
LIFTS, CHANNELS = 50, 20


def _lift(code: str) -> Lift:
    return Lift(code, "", "", "", "", "", "", "gw-01", "", 1.75, 1000, 1, 20, "", 1.0, 0, 0)


def _value(channel: Channel, rng: random.Random) -> float:
    if channel.kind is Kind.FLOAT:
        return round(rng.uniform(channel.lo, channel.hi), 3)
    return rng.randint(int(channel.lo), int(channel.hi))


def messages() -> dict[str, tuple[int, str, bytes]]:
    """Return name → (lift-samples, kind, payload)."""
    vocab, rng = load_vocabulary(), random.Random(1)
    channels = vocab.channels[:CHANNELS]
    lifts = [f"{31105001992014000001 + i}" for i in range(LIFTS)]
    envelope = {"v": 1, "boot": NOW, "seq": 1}

    def values() -> dict[str, float]:
        return {c.name: _value(c, rng) for c in channels}

    columns = {c.name: [_value(c, rng) for _ in lifts] for c in channels}
    many: dict[str, Any] = envelope | {"ts": NOW, "lifts": lifts, "columns": columns}
    sparse = {name: [v if rng.random() < 0.5 else None for v in c] for name, c in columns.items()}
    flawed = columns | {"speed": [99.0, *columns["speed"][1:]]}
    row = envelope | {"lift": lifts[0], "ts": NOW, "values": values()}
    samples = [{"ts": NOW + i, "values": values()} for i in range(LIFTS)]
    wave = {"lift": lifts[0], "ts": NOW, "rate_hz": 800, "unit": "m/s2"}
    axes = {axis: [round(rng.gauss(0, 1), 3) for _ in range(8000)] for axis in "xyz"}
    message = {"lift": lifts[0], "ts": NOW, "code": 93}
    bodies = {
        "columns": (LIFTS, "telemetry", many),
        "columns_half_null": (LIFTS, "telemetry", many | {"columns": sparse}),
        "columns_one_refused": (LIFTS, "telemetry", many | {"columns": flawed}),
        "row": (1, "telemetry", row),
        "rows": (LIFTS, "telemetry", envelope | {"lift": lifts[0], "samples": samples}),
        "message": (1, "message", envelope | message),
        "waveform": (24_000, "waveform", envelope | wave | {"axes": axes}),
    }
    return {name: (n, kind, orjson.dumps(body)) for name, (n, kind, body) in bodies.items()}


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


def run(argv: list[str]) -> dict[str, object]:
    """Measure every form; returns lift-samples (or values of a waveform) a second."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks codecs", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each figure")
    seconds = parser.parse_args(argv).seconds
    vocab, limits = load_vocabulary(), Limits()
    every = messages()
    lifts = [_lift(code) for code in orjson.loads(every["columns"][2])["lifts"]]
    registry = Registry(lifts, [Gateway("gw-01", "", "")])
    result: dict[str, object] = {"lifts": LIFTS, "channels": CHANNELS}
    for name, (n, kind, payload) in every.items():
        topic = f"lift/v1/gw-01/{kind}"
        spent = best(lambda t=topic, p=payload: decode(t, p, NOW, registry, vocab, limits), seconds)
        result[f"{name}_per_s"] = round(n / spent)
        result[f"{name}_us"] = round(spent * 1e6, 1)
        print(f"{name:22s} {n / spent:14,.0f} /s  {spent * 1e6:9.1f} us", file=sys.stderr)
    parsers = {"columns": json_columns._decoder(plan_of(vocab)), "rows": json_rows._DECODER}
    for name, typed in parsers.items():
        n, _, payload = every[name]
        bare = best(lambda d=typed, p=payload: d.decode(p), seconds)
        loads = best(lambda p=payload: orjson.loads(p), seconds)
        spent_us = result[f"{name}_us"]
        assert isinstance(spent_us, float)
        result[f"{name}_ratio_parse"] = round(bare * 1e6 / spent_us, 3)
        result[f"{name}_parse_per_s"] = round(n / bare)
        result[f"{name}_orjson_per_s"] = round(n / loads)
    result |= _codec_sparkplug.measure(best, registry, vocab, CHANNELS, NOW, seconds)
    return result
