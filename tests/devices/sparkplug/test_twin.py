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
NARROW = [DataType.INT8, DataType.INT16, DataType.INT32]
TYPES = {
    Kind.FLOAT: [DataType.FLOAT, DataType.FLOAT, DataType.DOUBLE, *NARROW, DataType.UINT64],
    Kind.INT: [*NARROW, DataType.INT64, DataType.UINT32],
    Kind.ENUM: [DataType.UINT8, DataType.INT32, DataType.STRING],
    Kind.BOOL: [DataType.BOOLEAN, DataType.INT32],
}
LIFTS = [code(i) for i in range(4)]
Births = dict[int, tuple[str, str, int]]


def births_of(rng: random.Random, width: int, strings: bool) -> Births:
    """alias → lift, channel, data type"""
    types = {
        kind: [one for one in some if strings or one != DataType.STRING]
        for kind, some in TYPES.items()
    }
    pairs = [(lift, channel) for lift in LIFTS for channel in VOCAB.channels[:width]]
    rng.shuffle(pairs)
    return {
        alias * 7: (lift, channel.name, rng.choice(types[channel.kind]))
        for alias, (lift, channel) in enumerate(pairs)
    }


def a_value(channel: Channel, datatype: int, rng: random.Random, wild: bool, minus: bool) -> Any:
    if datatype == DataType.STRING:
        return rng.choice([value.name for value in channel.values.values()])
    if datatype == DataType.BOOLEAN:
        return rng.random() < 0.5
    if datatype in (DataType.FLOAT, DataType.DOUBLE):
        odd = [float("nan"), float("inf"), -1e30, channel.hi, channel.lo, -0.0]
        return rng.choice(odd) if wild else rng.uniform(channel.lo, channel.hi)
    if wild:
        return rng.choice([2**31 - 1, 300, 128, 127, 126])
    lo, hi = int(max(channel.lo, -100)), int(min(channel.hi, 100))
    signed = datatype not in (DataType.UINT8, DataType.UINT32, DataType.UINT64)
    return rng.randint(lo, -1) if signed and minus and lo < 0 else rng.randint(max(lo, 0), hi)


def a_metric(
    alias: int, births: Births, ts: int, rng: random.Random, wild: bool = False, old: bool = False
) -> Any:
    """Numbers of one alias have one sign, so that a report that is repeated keeps its layout."""
    _, name, datatype = births[alias]
    value = a_value(CHANNELS[name], datatype, rng, wild, alias % 2 == 1)
    flags = {"is_historical": True} if old else {}
    quality = 500 if wild and rng.random() < 0.3 else None
    made = metric(None, value, datatype, alias=alias, ts=ts, typed=False, quality=quality, **flags)
    bits = {DataType.INT8: 8, DataType.INT16: 16}.get(DataType(datatype))
    if bits and alias % 3:  # some write a negative number as wide as its type
        made.int_value %= 1 << bits
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


class Story:
    """A node that reports the same metrics again and again, or others each time; from the fifth
    message on, now and then one of them is out of order."""

    def __init__(self, seed: int, moments: bool, changing: bool) -> None:
        self.rng = rng = random.Random(seed)
        self.births = births_of(rng, rng.choice([3, 14, 33]), rng.random() < 0.2)
        self.moments, self.changing, self.in_order = moments, changing, rng.random() < 0.7
        self.names = [
            metric(f"{lift}/{name}", None, kind, alias=alias, is_null=True)
            for alias, (lift, name, kind) in self.births.items()
        ]
        self.spoken = self._some()

    def _some(self) -> list[int]:
        n = len(self.births)
        return self.rng.sample(sorted(self.births), self.rng.randint(n // 2, n))

    def metrics(self, step: int) -> list[Any]:
        rng, births = self.rng, self.births
        if self.changing:
            self.spoken = self._some()
        flaw = rng.choice(["", "value", "alias", "time", "times"]) if step >= 3 else ""
        made, odd = [], rng.randrange(len(self.spoken))
        for i, alias in enumerate(self.spoken):
            old = self.moments and i % 3 == 2
            apart = self.moments and flaw != "times"
            ts = NOW + step - (3 * (i % 3) if apart else 0)
            if flaw == "time" and i == odd:
                ts -= rng.choice([1, 3, 6])
            made.append(a_metric(alias, births, ts, rng, flaw == "value" and i == odd, old))
        if self.moments and self.in_order:
            made = [one for k in (2, 1, 0) for one in made[k::3]]
        if flaw == "alias":
            made.append(metric(value=1.0, alias=rng.choice([1, 9999]), typed=False))
        return made


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_every_path_tells_what_the_plain_twin_tells(
    seed: int, moments: bool, changing: bool
) -> None:
    story = Story(seed, moments, changing)
    quick, slow = Edge(), Edge(careful=True)
    for edge in (quick, slow):
        edge.nbirth(*story.names)
    for step in range(12):
        data = payload(quick.next(), story.metrics(step), NOW + step)
        want = naive.read(Payload.FromString(data), story.births, CHANNELS, 0, NOW + 60_000)
        outcomes = [edge.send("NDATA", data) for edge in (quick, slow)]
        assert told_by(outcomes[1]) == want
        assert told_by(outcomes[0]) == want
        if isinstance(outcomes[0], Decoded) and isinstance(outcomes[1], Decoded):
            for part in ("lift", "ts_ms", "values", "late"):
                one, other = (getattr(found.batch, part) for found in outcomes)
                np.testing.assert_array_equal(one, other)
        assert outcomes[0].said == outcomes[1].said


def test_the_stories_above_use_the_fast_paths() -> None:
    """The property is worth nothing if they never run."""
    hits = dict.fromkeys(((True, True), (True, False), (False, True), (False, False)), 0)
    for moments, changing in hits:
        for seed in range(12):
            story, edge = Story(seed, moments, changing), Edge()
            edge.nbirth(*story.names)
            for step in range(8):
                edge.send("NDATA", payload(edge.next(), story.metrics(step), NOW + step))
            hits[moments, changing] += edge.hits
    assert min(hits.values()) >= 10, hits


def test_the_layout_is_learnt_and_used() -> None:
    """The property above is worth nothing if the fast path never runs: it does, from the third
    message on, also where numbers are negative, and leaves at the first change of structure."""
    rng = random.Random(1)
    births = births_of(rng, 20, True)
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
        edge.ndata(*[a_metric(alias, births, NOW + step, rng) for alias in spoken])
        before |= {id(made) for made in node.layouts.values() if isinstance(made, Layout)}
        assert bool(before) == (step >= 1)
    counts = dict(node.lengths)
    edge.ndata(*[a_metric(alias, births, NOW + 1, rng) for alias in spoken[::-1]])
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


def test_a_message_code_in_a_known_layout_is_news_when_it_changes() -> None:
    """Sent with every report, a code is told when it changes, and not by the layout's habit."""
    edge = Edge()
    pairs = [(lift, channel.name) for lift in LIFTS for channel in VOCAB.channels[12:24]]
    births = [metric(f"{a}/{c}", None, 9, alias=i, is_null=True) for i, (a, c) in enumerate(pairs)]
    edge.nbirth(*births, metric(f"{LIFTS[0]}/code/93", False, 11, alias=99))
    node = edge.sessions.node(0, edge.registry)
    told: list[int] = []
    used = False
    for on in (False, False, False, True, True, False, False, True, True):
        floats = [metric(value=0.0, alias=i, typed=False) for i in range(len(pairs))]
        found = edge.ndata(*floats, metric(value=on, datatype=11, alias=99, typed=False))
        assert isinstance(found, Decoded)
        assert len(found.batch) == len(LIFTS)
        told += found.batch.messages.state.tolist()
        used |= any(isinstance(made, Layout) for made in node.layouts.values())
    assert used
    assert told == [1, 0, 1]
