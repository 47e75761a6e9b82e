"""Every codec against bytes that nobody sends on purpose: a result or a named rejection.

LIFTWATCH_FUZZ=1000000 for a long run of so many inputs in all (`make torture`).
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks._payloads import GATEWAY, Bench
from devices.batch import Decoded, Refusal, RejectedMessage
from devices.codecs import decode_ack, decode_status, encode_ack
from devices.codecs.context import Context
from devices.codecs.refuse import REASONS
from devices.codecs.values import plan_of
from tests.devices.fuzzing import (
    MEMORY,
    NOW,
    SECONDS,
    SUBJECTS,
    Subject,
    bounded,
    check,
    grown,
    mutate,
    outcome,
    subject,
)

ALL = int(os.environ.get("LIFTWATCH_FUZZ", "0"))
ROUNDS = ALL // len(SUBJECTS) or 200
LARGE = 12  # seeds that are grown, in the long form
SHARE = 0.02  # at least so many were taken, and so many rejected: both ways were really gone


@pytest.fixture(scope="module", params=SUBJECTS)
def fuzzed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    """One codec after the other; in the long form each tells what became of its inputs."""
    began = time.monotonic()
    found = subject(request.param, Path(tmp_path_factory.mktemp(request.param)))
    for topic, payload in found.before:
        check(outcome(found, topic, payload), payload)
    yield found
    told = {"codec": request.param} | found.counts | {"seconds": round(time.monotonic() - began)}
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if ALL and capture is not None:
        with capture.global_and_fixture_disabled():
            sys.stdout.write(f"\n{json.dumps(told)}\n")


def test_the_seeds_themselves_are_taken(fuzzed: Subject) -> None:
    for topic, payload in fuzzed.seeds:
        found = outcome(fuzzed, topic, payload)
        check(found, payload)
        assert isinstance(found, Decoded), payload


def test_broken_payloads(fuzzed: Subject) -> None:
    rng = random.Random(20)
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS):
        topic, payload = rng.choice(fuzzed.seeds)
        broken = mutate(fuzzed, rng, payload)
        found = outcome(fuzzed, topic, broken)
        check(found, broken)
        outcomes[type(found).__name__] += 1
        agree(fuzzed, topic, broken)
    assert outcomes["RejectedMessage"] > ROUNDS * SHARE, outcomes


def test_random_bytes(fuzzed: Subject) -> None:
    rng = random.Random(21)
    for _ in range(ROUNDS // 4):
        topic, payload = rng.choice(fuzzed.seeds)
        noise = rng.randbytes(rng.randrange(64))
        keep = payload[: rng.choice([0, 0, 1, 3, 48, len(payload) // 2])]
        check(outcome(fuzzed, topic, keep + noise), keep + noise)


@settings(
    max_examples=ROUNDS // 10 if ALL else 30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_hypothesis_finds(fuzzed: Subject, data: st.DataObject) -> None:
    topic, payload = data.draw(st.sampled_from(fuzzed.seeds))
    cut = data.draw(st.integers(0, len(payload)))
    middle = data.draw(st.binary(max_size=24) | st.text(max_size=12).map(str.encode))
    rest = data.draw(st.integers(cut, len(payload)))
    broken = payload[:cut] + middle + payload[rest:]
    broken = fuzzed.mend(broken) if data.draw(st.booleans()) else broken
    check(outcome(fuzzed, topic, broken), broken)
    agree(fuzzed, topic, broken)


def test_time_and_memory_are_bounded(fuzzed: Subject) -> None:
    limit = fuzzed.bench.limits.payload_bytes
    apart = -(-len(fuzzed.seeds) // LARGE)  # a session's messages are alike: some of them do
    for topic, payload in fuzzed.seeds[::apart] if ALL else fuzzed.seeds[:1]:
        for large in grown(payload, limit - 100):
            for cut in (large[:limit], large) if ALL else (large[:limit],):
                seconds, peak = bounded(lambda t=topic, p=cut: outcome(fuzzed, t, p))
                check(outcome(fuzzed, topic, cut), cut[:100])
                assert seconds < SECONDS and peak < MEMORY, (seconds, peak, cut[:60])


def agree(fuzzed: Subject, topic: str, payload: bytes) -> None:
    """What the fast path takes, the careful one takes whole and the same."""
    found = fuzzed.routes.find(topic, payload)
    assert found is not None
    if found.route.memory is not None and fuzzed.before:
        return  # a codec with a memory does not read a message twice
    bench = fuzzed.bench
    if len(payload) > bench.limits.payload_bytes or found.gateway is None:
        return
    codec = found.route.codec(payload)
    context = Context(
        bench.registry.gateway_index[found.gateway],
        NOW,
        bench.registry,
        plan_of(bench.vocab),
        bench.limits,
        topic,
        found.route.memory,
    )
    try:
        fast = codec.fast(payload, context)
    except RejectedMessage as rejection:
        with pytest.raises(RejectedMessage) as caught:
            codec.careful(payload, context)
        assert caught.value.refusals == rejection.refusals, payload
        return
    if fast is None:
        return
    careful = codec.careful(payload, context)
    assert careful.refusals == fast.refusals, payload
    assert (fast.boot, fast.seq, fast.first) == (careful.boot, careful.seq, careful.first), payload
    assert fast.timed == careful.timed, payload
    for name in ("lift", "ts_ms", "values", "late"):
        one, other = getattr(fast.batch, name), getattr(careful.batch, name)
        np.testing.assert_array_equal(one, other, str(payload))


@pytest.mark.parametrize("name", ["status", "ack"])
def test_what_is_read_beside_the_routes(name: str, tmp_path: Path) -> None:
    """A gateway's status at the service, the service's answer at a gateway."""
    bench, rng = Bench(1, tmp_path), random.Random(22)
    status = {"v": 1, "state": "online", "boot": 1, "ts": NOW, "clock_off_ms": 5}
    refusal = Refusal("out_of_range", "speed", "35.0", "-20..20 m/s", REASONS["out_of_range"])
    ack = encode_ack(1, 41, NOW, [(42, 42), (45, 47)], [(40, refusal)], 47)
    seed = orjson.dumps(status) if name == "status" else ack
    found = replace(subject("row", tmp_path), seeds=(("", seed),))
    topic = f"lift/v1/{GATEWAY}/status"
    for payload in (seed, *(mutate(found, rng, seed) for _ in range(ROUNDS))):
        try:
            if name == "status":
                decode_status(topic, payload, NOW, bench.registry, bench.limits)
            else:
                decode_ack(payload)
        except RejectedMessage as rejection:
            assert rejection.refusals and payload != seed
            assert all(one.reason in REASONS for one in rejection.refusals), payload
