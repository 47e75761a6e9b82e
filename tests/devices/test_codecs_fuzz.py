"""Every codec against bytes that nobody sends on purpose: a result or a named rejection.

LIFTWATCH_FUZZ=1000000 for a long run of so many inputs in all (`make torture`).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks._payloads import GENERATORS
from devices.batch import Decoded, RejectedMessage
from devices.codecs.context import Context
from devices.codecs.values import plan_of
from tests.devices.fuzzing import (
    MEMORY,
    NOW,
    SECONDS,
    Subject,
    bounded,
    check,
    grown,
    mutate,
    outcome,
    subject,
)

ALL = int(os.environ.get("LIFTWATCH_FUZZ", "0"))
ROUNDS = ALL // len(GENERATORS) or 300
SHARE = 0.02  # at least so many were taken, and so many rejected: both ways were really gone


@pytest.fixture(scope="module", params=GENERATORS)
def fuzzed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    found = subject(request.param, Path(tmp_path_factory.mktemp(request.param)))
    for topic, payload in found.before:
        check(outcome(found, topic, payload), payload)
    return found


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
    max_examples=ROUNDS // 10 if ALL else 40,
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
    for topic, payload in fuzzed.seeds[: None if ALL else 1]:
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
