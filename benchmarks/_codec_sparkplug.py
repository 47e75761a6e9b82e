"""Sparkplug B payloads for the benchmark of codecs, and how fast they are read.

Forms: a node that reports all its lifts in one message (the same metrics each time, other
values); one lift's stored samples in one message; a node that reports by exception, other metrics
each time; one lift, one sample. Each as a run of messages with their numbers in order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from config.settings import Sparkplug
from devices.codecs import Limits, Routes, decode
from devices.codecs.sparkplug import sparkplug
from devices.codecs.sparkplug.schema import DataType, Payload
from devices.registry import Registry
from devices.vocabulary import Channel, Kind, Vocabulary

RUN = 256  # messages: seq goes round once
TYPES = {
    Kind.FLOAT: DataType.FLOAT,
    Kind.INT: DataType.INT32,
    Kind.ENUM: DataType.INT32,
    Kind.BOOL: DataType.BOOLEAN,
}
Best = Callable[[Callable[[], object], float], float]
Alias = tuple[int, Channel]


def _set(metric: Any, channel: Channel, rng: random.Random) -> None:
    if channel.kind is Kind.FLOAT:
        metric.float_value = rng.uniform(channel.lo, channel.hi)
    elif channel.kind is Kind.BOOL:
        metric.boolean_value = rng.random() < 0.5
    else:
        metric.int_value = rng.randint(max(0, int(channel.lo)), min(100, int(channel.hi)))


def _payload(
    seq: int, aliases: Sequence[Alias], times: Sequence[int], rng: random.Random, old: bool = False
) -> bytes:
    made = Payload(timestamp=max(times), seq=seq)
    for ts in times:
        for alias, channel in aliases:
            metric = made.metrics.add(alias=alias, timestamp=ts)
            if old:
                metric.is_historical = True
            _set(metric, channel, rng)
    encoded: bytes = made.SerializeToString()
    return encoded


def _birth(names: dict[str, Alias], now_ms: int) -> bytes:
    made = Payload(timestamp=now_ms, seq=0)
    made.metrics.add(name="bdSeq", timestamp=now_ms, datatype=DataType.INT64, long_value=0)
    for name, (alias, channel) in names.items():
        kind = TYPES[channel.kind]
        made.metrics.add(name=name, alias=alias, timestamp=now_ms, datatype=kind, is_null=True)
    encoded: bytes = made.SerializeToString()
    return encoded


def measure(
    best: Best, registry: Registry, vocab: Vocabulary, channels: int, now_ms: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Return form → figures: lift-samples a second of one core, protobuf's own share of the time
    (`ratio_parser`), bytes a lift-sample, µs a message."""
    rng, lifts, several = random.Random(1), registry.lifts, vocab.channels[:channels]
    alias = count()
    names = {f"{x.reg_code}/{c.name}": (next(alias), c) for x in lifts for c in several}
    every = list(names.values())
    one = every[:channels]

    def runs(some: Callable[[int], bytes]) -> list[bytes]:
        return [some(i) for i in range(1, RUN + 1)]

    def moment(i: int) -> list[int]:
        return [now_ms + i]

    def past(i: int) -> list[int]:
        return [now_ms - 1_000_000 + 1000 * i + k for k in range(len(lifts))]

    def half(i: int) -> list[Alias]:
        return rng.sample(every, len(every) // 2)

    forms = {
        "sparkplug": (len(lifts), runs(lambda i: _payload(i % RUN, every, moment(i), rng))),
        "sparkplug_stored": (
            len(lifts),
            runs(lambda i: _payload(i % RUN, one, past(i), rng, old=True)),
        ),
        "sparkplug_changing": (
            len(lifts),
            runs(lambda i: _payload(i % RUN, half(i), moment(i), rng)),
        ),
        "sparkplug_row": (1, runs(lambda i: _payload(i % RUN, one, moment(i), rng))),
    }
    found: dict[str, dict[str, float]] = {}
    limits = Limits()
    for form, (n, payloads) in forms.items():
        routes = Routes((sparkplug(Sparkplug()),))
        node = "spBv1.0/city/{}/" + registry.gateways[0].id

        def read(verb: str, data: bytes, where: str = node, known: Routes = routes) -> object:
            return decode(where.format(verb), data, now_ms, registry, vocab, limits, known)

        read("NBIRTH", _birth(names, now_ms))
        for data in payloads:  # layouts are learnt before they are measured
            read("NDATA", data)
        turn = count()
        spent = best(lambda p=payloads, r=read, t=turn: r("NDATA", p[next(t) % RUN]), seconds)
        bare = best(lambda p=payloads, t=turn: Payload.FromString(p[next(t) % RUN]), seconds)
        found[form] = {
            "lift_samples_per_s": round(n / spent),
            "ratio_parser": round(bare / spent, 3),
            "bytes_per_lift_sample": round(sum(map(len, payloads)) / RUN / n, 1),
            "us": round(spent * 1e6, 1),
        }
    return found
