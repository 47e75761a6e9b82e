"""Sparkplug B payloads for the benchmark of codecs: a node's messages in order, once round seq.

A node that reports all its lifts each time (the same metrics, other values), with alias and
timestamp at each; one that reports by exception, other metrics each time; one lift, one sample.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks._payloads import GATEWAY, NOW, Bench, Load
from devices.codecs.sparkplug.schema import DataType, Payload
from devices.vocabulary import Channel, Kind

SEQS = 256
TYPES = {
    Kind.FLOAT: DataType.FLOAT,
    Kind.INT: DataType.INT32,
    Kind.ENUM: DataType.INT32,
    Kind.BOOL: DataType.BOOLEAN,
}
Alias = tuple[int, Channel]
TOPIC = "spBv1.0/city/{}/" + GATEWAY


def _set(metric: Any, channel: Channel, rng: random.Random) -> None:
    if channel.kind is Kind.FLOAT:
        metric.float_value = rng.uniform(channel.lo, channel.hi)
    elif channel.kind is Kind.BOOL:
        metric.boolean_value = rng.random() < 0.5
    else:
        metric.int_value = rng.randint(max(0, int(channel.lo)), min(100, int(channel.hi)))


def _payload(seq: int, aliases: Sequence[Alias], times: Sequence[int], rng: random.Random) -> bytes:
    made = Payload(timestamp=max(times), seq=seq)
    for ts in times:
        for alias, channel in aliases:
            _set(made.metrics.add(alias=alias, timestamp=ts), channel, rng)
    encoded: bytes = made.SerializeToString()
    return encoded


def _birth(names: dict[str, Alias]) -> bytes:
    made = Payload(timestamp=NOW, seq=0)
    made.metrics.add(name="bdSeq", timestamp=NOW, datatype=DataType.INT64, long_value=0)
    for name, (alias, channel) in names.items():
        kind = TYPES[channel.kind]
        made.metrics.add(name=name, alias=alias, timestamp=NOW, datatype=kind, is_null=True)
    encoded: bytes = made.SerializeToString()
    return encoded


def _load(bench: Bench, n: int, times: int, some: Callable[[list[Alias]], list[Alias]]) -> Load:
    pairs = [(code, channel) for code in bench.codes for channel in bench.channels]
    names = {f"{code}/{c.name}": (alias, c) for alias, (code, c) in enumerate(pairs)}
    every = list(names.values())
    messages = []
    for i in range(1, SEQS + 1):
        moments = [NOW + i - 1000 * k for k in reversed(range(times))]
        messages.append(_payload(i % SEQS, some(every), moments, bench.rng))
    data, birth = TOPIC.format("NDATA"), TOPIC.format("NBIRTH")
    return Load(
        bench.routes("sparkplug"),
        [(data, payload) for payload in messages],
        SEQS * n * times,
        "protobuf",
        Payload.FromString,
        ((birth, _birth(names)),),
    )


def sparkplug(bench: Bench, times: int) -> Load:
    """All lifts and channels in each message: one layout."""
    return _load(bench, len(bench.codes), times, lambda every: every)


def sparkplug_changing(bench: Bench, times: int) -> Load:
    """Report by exception: half of the metrics, others each time; one of each lift at least."""
    several = len(bench.channels)

    def some(every: list[Alias]) -> list[Alias]:
        firsts = every[::several]
        rest = [one for i, one in enumerate(every) if i % several]
        return firsts + bench.rng.sample(rest, len(every) // 2 - len(firsts))

    return _load(bench, len(bench.codes), times, some)


def sparkplug_row(bench: Bench, times: int) -> Load:
    """One lift, one sample a message: no batch."""
    return _load(bench, 1, times, lambda every: every[: len(bench.channels)])


GENERATORS = {
    "sparkplug": sparkplug,
    "sparkplug_changing": sparkplug_changing,
    "sparkplug_row": sparkplug_row,
}
