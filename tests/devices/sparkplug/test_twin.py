"""The fast path, the careful one and the plain twin say the same of every payload."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.batch import Decoded, RejectedMessage
from devices.codecs.sparkplug.layout import Layout
from devices.codecs.sparkplug.schema import DataType, Payload
from devices.vocabulary import Channel, Kind
from tests.devices.sparkplug.spb import GW, NOW, VOCAB, Edge, code, metric, payload
from tests.naive import sparkplug as naive

CHANNELS = {channel.name: channel for channel in VOCAB.channels}
TYPES = {
    Kind.FLOAT: [DataType.FLOAT, DataType.DOUBLE, DataType.INT32, DataType.UINT64],
    Kind.INT: [DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64, DataType.UINT32],
    Kind.ENUM: [DataType.UINT8, DataType.INT32, DataType.STRING],
    Kind.BOOL: [DataType.BOOLEAN, DataType.INT32],
}
LIFTS = [code(i) for i in range(4)]
Births = dict[int, tuple[str, str, int]]


def births_of(rng: random.Random, width: int) -> Births:
    """alias → lift, channel, data type"""
    pairs = [(lift, channel) for lift in LIFTS for channel in VOCAB.channels[:width]]
    rng.shuffle(pairs)
    return {
        alias * 7: (lift, channel.name, rng.choice(TYPES[channel.kind]))
        for alias, (lift, channel) in enumerate(pairs)
    }


def a_value(channel: Channel, datatype: int, rng: random.Random, wild: bool) -> Any:
    if datatype == DataType.STRING:
        return rng.choice([value.name for value in channel.values.values()])
    if datatype == DataType.BOOLEAN:
        return rng.random() < 0.5
    if datatype in (DataType.FLOAT, DataType.DOUBLE):
        odd = [float("nan"), float("inf"), -1e30, channel.hi, channel.lo, -0.0]
        return rng.choice(odd) if wild else rng.uniform(channel.lo, channel.hi)
    lo, hi = int(max(channel.lo, -100)), int(min(channel.hi, 100))
    if datatype in (DataType.UINT8, DataType.UINT32, DataType.UINT64):
        lo = max(lo, 0)
    return rng.choice([2**31 - 1, 300, 127, 128]) if wild else rng.randint(lo, hi)


def a_metric(alias: int, births: Births, ts: int, rng: random.Random, wild: bool) -> Any:
    _, name, datatype = births[alias]
    value = a_value(CHANNELS[name], datatype, rng, wild)
    made = metric(value=value, datatype=datatype, alias=alias, ts=ts, typed=False)
    if wild and rng.random() < 0.3:
        made = metric(None, value, datatype, alias=alias, ts=ts, typed=False, quality=500)
    return made


def told_by(found: Decoded | RejectedMessage) -> tuple[naive.Told, int]:
    if isinstance(found, RejectedMessage):
        return {}, len(found.refusals)
    told: naive.Told = {}
    for row, ts, values in zip(
        found.batch.lift.tolist(), found.batch.ts_ms.tolist(), found.batch.values, strict=True
    ):
        at = np.flatnonzero(~np.isnan(values)).tolist()
        told[code(row), ts] = {VOCAB.channels[i].name: float(values[i]) for i in at}
    return told, len(found.refusals)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_every_path_tells_what_the_plain_twin_tells(
    seed: int, moments: bool, changing: bool
) -> None:
    """A node reports the same metrics again and again, or others each time; sometimes one of
    them is out of order."""
    rng = random.Random(seed)
    births = births_of(rng, rng.choice([3, 10, 20]))
    quick, slow = Edge(), Edge(careful=True)
    names = [
        metric(f"{lift}/{name}", None, kind, alias=alias, is_null=True)
        for alias, (lift, name, kind) in births.items()
    ]
    for edge in (quick, slow):
        edge.nbirth(*names)
    spoken = rng.sample(sorted(births), rng.randint(1, len(births)))
    for step in range(8):
        if changing:
            spoken = rng.sample(sorted(births), rng.randint(1, len(births)))
        wild = step >= 4 and rng.random() < 0.5
        times = [NOW + step - 3 * (i % 3 if moments else 0) for i in range(len(spoken))]
        metrics = [
            a_metric(alias, births, ts, rng, wild and rng.random() < 0.1)
            for alias, ts in zip(spoken, times, strict=True)
        ]
        data = payload(quick.next(), metrics, NOW + step)
        want = naive.read(Payload.FromString(data), births, CHANNELS, 0, NOW + 60_000)
        outcomes = [edge.send("NDATA", data) for edge in (quick, slow)]
        assert told_by(outcomes[1]) == want
        assert told_by(outcomes[0]) == want
        if isinstance(outcomes[0], Decoded) and isinstance(outcomes[1], Decoded):
            for part in ("lift", "ts_ms", "values", "late"):
                one, other = (getattr(found.batch, part) for found in outcomes)
                np.testing.assert_array_equal(one, other)
        assert [found.said for found in outcomes] == [[], []]


def test_the_layout_is_learnt_and_used() -> None:
    """The property above is worth nothing if the fast path never runs: it does, from the third
    message on, also where numbers are negative, and leaves at the first change of structure."""
    rng = random.Random(1)
    births = births_of(rng, 20)
    edge = Edge()
    edge.nbirth(
        *(
            metric(f"{lift}/{name}", None, kind, alias=alias, is_null=True)
            for alias, (lift, name, kind) in births.items()
        )
    )
    node = edge.sessions.node(0, edge.registry)
    spoken = [alias for alias, (_, _, kind) in births.items() if kind != DataType.STRING]
    before: set[int] = set()
    for step in range(6):
        metrics = [a_metric(alias, births, NOW, rng, False) for alias in spoken]
        for one in metrics:  # of one length: what may be negative is
            if one.HasField("int_value") and one.int_value >= 2**31:
                one.int_value = 1
            if one.HasField("long_value") and one.long_value >= 2**31:
                one.long_value = 1
        edge.ndata(*metrics)
        before |= {id(made) for made in node.layouts.values() if isinstance(made, Layout)}
        assert bool(before) == (step >= 1)
    counts = dict(node.lengths)
    edge.ndata(*[a_metric(alias, births, NOW + 1, rng, False) for alias in spoken])
    assert sum(node.lengths.values()) - sum(counts.values()) <= 1
    assert edge.node == GW


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]),
    st.one_of(st.binary(max_size=64), st.integers(0, 2**32)),
)
def test_no_bytes_bring_anything_but_a_result_or_a_named_refusal(
    verb: str, noise: bytes | int
) -> None:
    if isinstance(noise, int):  # bytes of a good message, some of them turned over
        rng = random.Random(noise)
        good = bytearray(payload(1, [metric("speed", 1.5, alias=1), metric("people", -2, 3)]))
        for _ in range(rng.randint(1, 4)):
            good[rng.randrange(len(good))] = rng.randrange(256)
        noise = bytes(good)
    edge = Edge()
    edge.nbirth()
    device = code(0) if verb.startswith("D") else None
    found = edge.send(verb, noise, device)
    assert "internal_error" not in [refusal.reason for refusal in found.refusals]
