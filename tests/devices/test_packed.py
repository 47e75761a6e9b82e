"""The packed form: its vectors to the byte, its twin, and a name for each flaw."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.batch import Decoded
from devices.codecs.packed import encode_packed
from devices.vocabulary import Kind
from tests.devices.wire import (
    GW,
    NOW,
    OTHER,
    REGISTRY,
    VOCAB,
    code,
    reasons,
    rejected,
    said,
    send,
    taken,
)  # fmt: skip
from tests.naive.packed import read_packed

DOC = (Path(__file__).parents[2] / "docs" / "wire.md").read_text("utf-8")
NAMES = [channel.name for channel in VOCAB.channels]


def packed(
    columns: dict[str, Any], lifts: list[str] | None = None, ts: Any = NOW, **more: Any
) -> bytes:
    return encode_packed(VOCAB, 7, 3, ts, lifts or [code(0), code(1)], columns, **more)


def sealed(payload: bytes, at: int, new: bytes, head: bool = True, body: bool = True) -> bytes:
    """Overwrite bytes and make the checksums right again."""
    data = bytearray(payload)
    data[at : at + len(new)] = new
    if head:
        data[44:48] = crc32(data[:44]).to_bytes(4, "little")
    if body:
        data[-4:] = crc32(data[48:-4]).to_bytes(4, "little")
    return bytes(data)


GOOD = packed({"speed": [1.5, None], "door_closed": [True, False]}, ts=[NOW, NOW + 20])


def test_what_is_packed_is_read_again() -> None:
    decoded = taken(GOOD)
    assert (decoded.boot, decoded.seq, decoded.first) == (7, 3, None)
    assert said(decoded) == {"speed": 1.5, "door_closed": 1.0}
    assert said(decoded, 1) == {"door_closed": 0.0}
    assert decoded.batch.ts_ms.tolist() == [NOW, NOW + 20]
    assert decoded.batch.lift.tolist() == [0, 1]


def test_many_samples_a_lift_share_one_code() -> None:
    lifts = [code(i % 3) for i in range(60)]
    load = list(range(60))
    payload = packed({"load": load}, lifts, [NOW - 1000 * i for i in range(60)], first=2)
    decoded = taken(payload)
    assert decoded.first == 2 and decoded.batch.lift.tolist() == [i % 3 for i in range(60)]
    assert decoded.batch.values[:, VOCAB.index("load")].tolist() == load
    assert len(payload) == 48 + 3 + 2 + 3 * 10 + 60 * (2 + 2 + 1) + 4


def test_scaled_numbers_are_exact_to_their_digits() -> None:
    speeds = [1.75, -0.05, math.nan, 1.1]
    lifts = [code(i) for i in range(4)]
    plain, scaled = (packed({"speed": speeds}, lifts, decimals=d) for d in (None, {"speed": 2}))
    assert len(plain) - len(scaled) == 4 * 2  # float32 against int16
    values = taken(scaled).batch.values[:, VOCAB.index("speed")]
    assert values.tolist() == np.array([1.75, -0.05, 1.1], np.float32).tolist()


def test_the_vectors_of_the_document_are_these_bytes() -> None:
    one, two = re.findall(r"<!-- packed vector -->\n```text\n(.*?)```", DOC, re.DOTALL)
    first = bytes.fromhex(re.sub(r"#.*", "", one))
    lifts = ["31105001992014000001", "31105001992014000002"]
    assert first == encode_packed(
        VOCAB, 1767225600000, 3, 1767225600000, lifts,
        {"speed": [1.75, None], "car_position": [1, 17]},
    )  # fmt: skip
    second = bytes.fromhex(re.sub(r"#.*", "", two))
    assert second == encode_packed(
        VOCAB, 1767225600000, 4, [1767225600000, 1767225600500, 1767225601000], [lifts[0]] * 3,
        {"speed": [1.75, 1.5, 0.25], "door_zone": [None, False, True]}, 2, {"speed": 2},
    )  # fmt: skip


@st.composite
def messages(draw: st.DrawFn, flawed: bool) -> bytes:
    n = draw(st.integers(1, 12))
    pool = [code(i) for i in range(6)] + ([code(90), "9" * 20] if flawed else [])
    lifts = draw(st.lists(st.sampled_from(pool), min_size=n, max_size=n))
    times = [NOW, NOW - 1, NOW - 70_000, NOW - 200_000]
    times += [NOW + 60_001, NOW - 400 * 86_400_000 - 1] if flawed else []
    ts: Any = draw(st.lists(st.sampled_from(times), min_size=n, max_size=n))
    if not draw(st.booleans()) or max(ts) - min(ts) > 2**32:
        ts = ts[0]
    columns, decimals = {}, {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8, unique=True)):
        channel = VOCAB.by_name[name]
        if channel.kind is Kind.FLOAT:
            lo, hi = (-1e9, 1e9) if flawed else (channel.lo, channel.hi)
            cell: Any = st.floats(lo, hi, allow_nan=False, width=32)
            decimals[name] = draw(st.integers(0, 3)) if not flawed else 0
            if decimals[name]:
                cell = st.integers(math.ceil(lo), math.floor(hi)).map(float)
        else:
            slack = 3 if flawed else 0
            cell = st.integers(int(channel.lo) - slack, int(channel.hi) + slack)
        columns[name] = draw(st.lists(cell | st.none(), min_size=n, max_size=n))
    return encode_packed(VOCAB, 7, 3, ts, lifts, columns, decimals=decimals)


def agree(payload: bytes) -> None:
    ours, naive = send(payload), read_packed(GW, payload, NOW, REGISTRY, VOCAB)
    assert Counter(reasons(ours)) == Counter(naive.refused)
    assert isinstance(ours, Decoded) != naive.rejected
    if isinstance(ours, Decoded):
        got = [
            (REGISTRY.lift(int(ours.batch.lift[i])).reg_code, int(ours.batch.ts_ms[i]),
             said(ours, i), bool(ours.batch.late[i]))
            for i in range(len(ours.batch))
        ]  # fmt: skip
        assert got == naive.samples


@settings(max_examples=150, deadline=None)
@given(messages(flawed=False))
def test_good_messages_agree_with_the_twin(payload: bytes) -> None:
    agree(payload)


@settings(max_examples=150, deadline=None)
@given(messages(flawed=True))
def test_flawed_messages_agree_with_the_twin(payload: bytes) -> None:
    agree(payload)


FLAWS: list[tuple[str, bytes, str, str | None]] = [
    ("cut in the header", GOOD[:40], "bad_length", "payload"),
    ("cut in the columns", GOOD[:-9], "bad_length", "payload"),
    ("too long", GOOD + b"\0", "bad_length", "payload"),
    ("cut in the bitmap", GOOD[:50], "bad_length", "payload"),
    ("another version", sealed(GOOD, 3, b"\2"), "wrong_version", "version"),
    ("a broken header", sealed(GOOD, 8, b"\x09", head=False), "bad_checksum", "header"),
    ("a broken body", sealed(GOOD, 60, b"\x55", body=False), "bad_checksum", "payload"),
    ("a time form nobody knows", sealed(GOOD, 4, b"\3"), "bad_header", "time form"),
    ("a lift form nobody knows", sealed(GOOD, 5, b"\2"), "bad_header", "lift form"),
    ("more channels than there are", sealed(GOOD, 6, b"\xff\0"), "unknown_channel", "channels"),
    ("other channels", sealed(GOOD, 32, b"\1\2\3\4"), "unknown_channel", "names"),
    ("samples without end", sealed(GOOD, 40, b"\xff" * 4), "too_many_samples", "samples"),
    ("lifts without end", sealed(GOOD, 36, b"\xff" * 4), "too_many_samples", "samples"),
    ("no sample", sealed(GOOD, 40, bytes(4)), "empty", "samples"),
    ("more lifts than samples", sealed(GOOD, 36, b"\3"), "length_mismatch", "lifts"),
    ("a boot of 0", sealed(GOOD, 8, bytes(8)), "seq_out_of_range", "boot"),
    ("a base without end", sealed(GOOD, 16, b"\xff" * 8), "clock_ahead", "base"),
    ("a type nobody knows", sealed(GOOD, 51, b"\4"), "bad_header", "door_closed.type"),
    ("an exponent without end", sealed(GOOD, 52, b"\x7f"), "bad_header", "door_closed.exponent"),
    ("a channel beyond the count", sealed(GOOD, 50, b"\x80"), "bad_header", "bitmap"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "payload", "reason", "field"), FLAWS, ids=[f[0] for f in FLAWS])
def test_each_flaw_has_its_name(what: str, payload: bytes, reason: str, field: str | None) -> None:
    rejection = rejected(payload)
    assert reasons(rejection) == [(reason, field)]
    known = reason not in ("wrong_version",) and field not in ("header", "boot")
    if known and len(payload) >= 48:
        assert (rejection.boot, rejection.seq) == (7, 3), "a right header is answered"
    else:
        assert rejection.boot is None


def test_wrong_values_are_refused_alone() -> None:
    decoded = taken(
        packed({"speed": [35.0, 1.0], "load": [30, math.inf], "car_position": [300, 3]})
    )
    assert Counter(reasons(decoded)) == Counter(
        [("out_of_range", "speed"), ("out_of_range", "car_position"), ("not_finite", "load")]
    )
    assert [r.lift for r in decoded.refusals if r.field == "speed"] == [code(0)]
    assert said(decoded) == {"load": 30.0}


def test_lifts_of_others_and_unknown_ones_are_refused_alone() -> None:
    lifts = [code(0), code(90), "9" * 20, "0" * 20]
    decoded = taken(packed({"load": [1, 2, 3, 4]}, lifts))
    assert reasons(decoded) == [("wrong_gateway", "lifts")] + [("unknown_lift", "lifts")] * 2
    assert said(decoded) == {"load": 1.0}
    assert isinstance(send(packed({"load": [2]}, [code(90)]), gateway=OTHER), Decoded)


def test_nothing_but_absent_values_is_empty() -> None:
    assert reasons(rejected(packed({"load": [None, None]}))) == [("empty", "bitmap")]


@pytest.mark.parametrize(
    ("columns", "lifts", "ts"),
    [
        ({"velocity": [1.0]}, [code(0)], NOW),
        ({"load": [1.0, 2.0]}, [code(0)], NOW),
        ({"load": [1.0]}, ["12"], NOW),
        ({"load": [1.0]}, ["x" * 20], NOW),
        ({"load": [1.0]}, [code(0)], [NOW, NOW]),
        ({"load": [1.0, 1.0]}, [code(0)] * 2, [NOW, NOW + 2**32]),
        ({}, [code(0)], NOW),
        ({"load": []}, [], NOW),
    ],
)
def test_what_cannot_be_packed_is_refused(columns: Any, lifts: list[str], ts: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode_packed(VOCAB, 7, 3, ts, lifts, columns)
