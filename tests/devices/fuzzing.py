"""What the fuzzing of codecs works with: real payloads, ways to break them, what must hold.

Every codec that has a generator in benchmarks/_payloads.py or fuzz_dialects.py is fuzzed. `_extra`
adds payloads that neither has use for.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import orjson

from benchmarks._payloads import GATEWAY, GENERATORS, NOW, Bench, Load
from devices.batch import Decoded, RejectedMessage
from devices.codecs import Routes, decode
from devices.codecs.refuse import REASONS
from tests.devices.fuzz_dialects import MORE

# A message of at most 256 KiB is read within this, and within so much memory beside it.
SECONDS, MEMORY = 2.0, 64 * 1024 * 1024
_TOKENS = [
    b"null", b"NaN", b"true", b"1e999", b"-0", b'"x"', b"[]", b"{}", b"\\ud800", b"7e37",
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80", b"99999999999999999999", b"-1",
    b"\xef\xbb\xbf",
]  # fmt: skip
_SIGNS = [b'"', b"{", b"[", b"]", b"}", b",", b":", b"9", b"-", b"\0", b"\x7f"]


def _sealed(payload: bytes) -> bytes:
    """Make the checksums of a packed message right again, so that what is broken is read."""
    if len(payload) < 52:
        return payload
    head, body = payload[:44], payload[48:-4]
    checks = [crc32(part).to_bytes(4, "little") for part in (head, body)]
    return head + checks[0] + body + checks[1]


SUBJECTS = GENERATORS | MORE
# codec → what gets a broken payload past its checksums; done to three of four
MEND: dict[str, Callable[[bytes], bytes]] = {"packed": _sealed}


@dataclass(frozen=True)
class Subject:
    """One codec, payloads that it takes, and what mends the checksums of broken ones."""

    bench: Bench
    mend: Callable[[bytes], bytes]
    routes: Routes
    before: tuple[tuple[str, bytes], ...]
    seeds: tuple[tuple[str, bytes], ...]
    counts: Counter[str] = field(default_factory=Counter)


def _extra() -> dict[str, list[tuple[str, object]]]:
    code = "31105001992014000001"
    ours, tb = f"lift/v1/{GATEWAY}", f"tb/{GATEWAY}/v1/gateway"
    head = {"v": 1, "boot": 1, "seq": 1}
    several = [{"lift": code, "ts": NOW, "code": 90, "state": "on"}] * 3
    axes = {"motor": [0.5] * 50, "door": [1] * 50}
    gap = {"from": NOW - 9000, "to": NOW, "samples": 9, "kept": 3, "reason": "thinned"}
    burst = {"lift": code, "ts": NOW, "rate_hz": 50, "unit": "A", "axes": axes}
    flat = {code: [{"speed": 1.0, "door_zone": True}, {"ts": NOW, "values": {"load": None}}]}
    return {
        "columns": [(f"{ours}/telemetry", head | {
            "lifts": [code, code], "ts": [NOW, "2025-12-31T23:59:59Z"], "first": 1,
            "columns": {"speed": [1, None], "door_zone": [True, 0], "service_mode": [1, "normal"]},
        })],
        "row": [
            (f"{ours}/message", head | {"lift": code, "ts": NOW, "code": 93}),
            (f"{ours}/message", head | {"messages": several}),
            (f"{ours}/message", head | {"gaps": [gap]}),
            (f"{ours}/waveform", head | burst),
        ],
        "thingsboard": [
            (f"{tb}/connect", {"device": code, "type": "default"}),
            (f"{tb}/disconnect", {"device": code}),
            (f"{tb}/attributes", {code: {"firmware": "1.2", "people": 3}}),
            (f"{tb}/telemetry", flat),
        ],
    }  # fmt: skip


def subject(name: str, folder: Path) -> Subject:
    """Return what to fuzz of a codec: small messages of three lifts, one and two moments."""
    bench = Bench(3, folder)
    loads: list[Load] = [SUBJECTS[name](bench, times) for times in (1, 2, 4)]
    seeds = [message for load in loads for message in load.messages]
    seeds += [(topic, orjson.dumps(body)) for topic, body in _extra().get(name, [])]
    mend = MEND.get(name, bytes)
    return Subject(bench, mend, loads[0].routes, loads[0].before, tuple(seeds))


def outcome(subject: Subject, topic: str, payload: bytes) -> Decoded | RejectedMessage:
    """Decode as the service does. Whatever is not a result or a rejection is a failed test."""
    bench, found = subject.bench, subject.counts
    found["inputs"] += 1
    try:
        decoded = decode(
            topic, payload, NOW, bench.registry, bench.vocab, bench.limits, subject.routes
        )
    except RejectedMessage as rejection:
        found["rejected"] += 1
        return rejection
    found["in part" if decoded.refusals else "taken"] += 1
    return decoded


def check(found: Decoded | RejectedMessage, payload: bytes) -> None:
    """Hold what every answer must be: named reasons, whole columns, nothing out of range."""
    for refusal in found.refusals:
        assert refusal.reason in REASONS and refusal.reason != "internal_error", payload
    if isinstance(found, RejectedMessage):
        assert found.refusals, payload
        return
    batch = found.batch
    assert len(batch.lift) == len(batch.ts_ms) == len(batch.late) == len(batch.values), payload
    if len(batch):
        assert batch.lift.min() >= 0 and batch.lift.max() < 3, payload
        assert abs(int(batch.ts_ms.min()) - NOW) <= 400 * 86_400_000, payload


def mutate(subject: Subject, rng: random.Random, payload: bytes) -> bytes:
    """Return a payload with one to five things done to it that no sender does on purpose."""
    other = rng.choice(subject.seeds)[1]
    data = bytearray(payload)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(8):
            case 0:
                data[at:at] = rng.randbytes(rng.randrange(1, 5))
            case 1:
                del data[at : at + rng.randrange(1, 9)]
            case 2:
                data[at : at + 1] = rng.choice(_SIGNS)
            case 3:
                start = rng.randrange(len(other) + 1)
                data[at:at] = other[start : start + rng.randrange(1, 40)]
            case 4:
                data[at : at + rng.randrange(1, 6)] = rng.choice(_TOKENS)
            case 5 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 6:
                del data[at:]
            case 7:
                data[at:at] = data[at : at + rng.randrange(1, 200)]
    return subject.mend(bytes(data)) if rng.random() < 0.75 else bytes(data)


def bounded(work: Callable[[], object]) -> tuple[float, int]:
    """Return (CPU seconds, peak of memory in bytes) of one call."""
    started = time.thread_time()
    work()
    spent = time.thread_time() - started
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return spent, peak


def grown(payload: bytes, size: int) -> list[bytes]:
    """Return large payloads made of a small one: repeated, nested, padded, never ending."""
    times = size // max(1, len(payload))
    return [
        payload * times,
        b"[" * size,
        b'{"a":' * (size // 5),
        b'{"v":1,"x":[' + b"[1]," * (size // 4),
        b'"' + b"\\u0000" * (size // 6),
        b"1" * size,
        b'{"v":' + b"9" * (size - 10) + b"}",
        payload + b" " * (size - len(payload)),
        payload[:-1] + b"," + b'"k":1,' * (size // 7) + b'"z":1}',
        payload.replace(b"1", b"1" * 200),
        payload.replace(b":", b": " + b" " * 300),
    ]
