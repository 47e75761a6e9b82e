"""The codecs against their naive twin; bytes nobody would send on purpose: test_codecs_fuzz."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.batch import Decoded
from tests.devices.wire import GW, NOW, REGISTRY, VOCAB, code, columns, row, said, send
from tests.naive.codec import read_telemetry

NAMES = [channel.name for channel in VOCAB.channels]
GOOD_LIFTS = [code(i) for i in range(20)]
FLAWED_LIFTS = [*GOOD_LIFTS[:4], code(90), "12", "", 5, None, True, ["x"]]
ODD = [None, True, False, "1", "open", "normal", "up", [], {}, 1.5, -0.0, 0.5, 1e9, -1e9, 1e300]
ODD += [
    float("nan"),
    float("inf"),
    20.0000001,
    20.00001,
    2**70,
    10**60,
    199.99999999,
    7,
    8,
    2,
    "开",
]
TIMES = [NOW, NOW - 120_000, NOW - 120_001, NOW + 60_000, NOW + 60_001, NOW - 400 * 86_400_000]
FLAWED_TIMES = [*TIMES, NOW - 400 * 86_400_000 - 1, None, "2025-10-09T08:53:20.5Z", "soon", 1.5]


@st.composite
def good_value(draw: st.DrawFn, name: str) -> Any:
    channel = VOCAB.by_name[name]
    if channel.kind == "float":
        return draw(st.floats(channel.lo, channel.hi, allow_nan=False) | st.none())
    whole = st.integers(int(channel.lo), int(channel.hi))
    return draw(whole | st.none() | (st.booleans() if channel.kind == "bool" else whole))


@st.composite
def values(draw: st.DrawFn, flawed: bool, count: int | None = None) -> dict[str, Any]:
    """One value a channel, or (with a count) a column of as many."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=6))
    made: dict[str, Any] = {}
    for name in names:
        cell = good_value(name)
        if flawed:
            cell = cell | st.sampled_from(ODD)
        size = count if not flawed or count is None else draw(st.sampled_from([count] * 5 + [1]))
        made[name] = draw(cell if size is None else st.lists(cell, min_size=size, max_size=size))
    if flawed and draw(st.booleans()):
        made["velocity"] = draw(st.sampled_from(ODD))
    return made


@st.composite
def rows(draw: st.DrawFn, flawed: bool) -> dict[str, Any]:
    times, lifts = (FLAWED_TIMES, FLAWED_LIFTS) if flawed else (TIMES, GOOD_LIFTS)
    lift = draw(st.sampled_from(lifts))
    if draw(st.booleans()):
        return row(draw(values(flawed)), lift=lift, ts=draw(st.sampled_from(times)))
    like = draw(values(flawed))
    sample = st.just(like) if draw(st.booleans()) else values(flawed)
    entry = st.fixed_dictionaries({"ts": st.sampled_from(times), "values": sample})
    samples = draw(st.lists(entry, min_size=1, max_size=12))
    return {"v": 1, "boot": 7, "seq": 3, "lift": lift, "samples": samples}


@st.composite
def column_messages(draw: st.DrawFn, flawed: bool) -> dict[str, Any]:
    times, lifts = (FLAWED_TIMES, FLAWED_LIFTS) if flawed else (TIMES, GOOD_LIFTS)
    chosen = draw(st.lists(st.sampled_from(lifts), min_size=1, max_size=8))
    n = len(chosen)
    size = draw(st.sampled_from([n] * 9 + [n + 1])) if flawed else n
    each = st.lists(st.sampled_from(times), min_size=size, max_size=size)
    ts = draw(st.sampled_from(times) | each)
    return columns(draw(values(flawed, n)), chosen, ts=ts)


def agree(text: str) -> Decoded | None:
    """Both read `text` the same; returns what ours made of it."""
    ours, naive = send(text.encode()), read_telemetry(GW, text, NOW, REGISTRY, VOCAB)
    refused = [(r.reason, r.field) for r in ours.refusals]
    assert Counter(refused) == Counter(naive.refused)
    assert (not isinstance(ours, Decoded)) == naive.rejected
    if not isinstance(ours, Decoded):
        return None
    batch = ours.batch
    got = [
        (REGISTRY.lift(int(batch.lift[i])).reg_code, int(batch.ts_ms[i]), said(ours, i))
        for i in range(len(batch))
    ]
    assert got == [(lift, ts, good) for lift, ts, good, _ in naive.samples]
    assert batch.late.tolist() == [late for *_, late in naive.samples]
    return ours


@settings(max_examples=60, deadline=None)
@given(rows(flawed=False) | column_messages(flawed=False))
def test_good_messages_agree_with_the_twin(message: dict[str, Any]) -> None:
    agree(json.dumps(message))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows(flawed=True) | column_messages(flawed=True))
def test_flawed_messages_agree_with_the_twin(message: dict[str, Any]) -> None:
    agree(json.dumps(message, ensure_ascii=False))


@settings(max_examples=40, deadline=None)
@given(rows(flawed=False) | column_messages(flawed=False), st.randoms(use_true_random=False))
def test_doubled_keys_agree_with_the_twin(message: dict[str, Any], rng: random.Random) -> None:
    text = json.dumps(message)
    where = message.get("columns") or message.get("values") or message["samples"][0]["values"]
    name = rng.choice(list(where))
    agree(text.replace(f'"{name}":', f'"{name}": null, "{name}":', 1))
    agree(text.replace(f'"{name}":', f'"{name}": {json.dumps(where[name])}, "{name}":', 1))
