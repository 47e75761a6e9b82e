"""The naive twin of devices/codecs/packed: one value after the other, with struct alone."""

from __future__ import annotations

import binascii
import math
import struct

from devices.registry import Registry
from devices.vocabulary import Vocabulary
from tests.naive.codec import Read, as_float32, lift_reason, time_reason, value_reason

_TYPES = ["<f", "<b", "<h", "<i"]
_ABSENT = [None, -128, -32768, -(2**31)]


def read_packed(
    gateway: str, data: bytes, now_ms: int, registry: Registry, vocab: Vocabulary
) -> Read:
    """Read a message whose bytes are in order; what they say may be wrong."""
    time_form, lift_form, channels = struct.unpack_from("<BBH", data, 4)
    boot, base, seq, first, _names, lifts, n = struct.unpack_from("<QQIIIII", data, 8)
    assert struct.unpack_from("<I", data, 44)[0] == binascii.crc32(data[:44])
    assert struct.unpack("<I", data[-4:])[0] == binascii.crc32(data[48:-4])
    assert boot and first <= seq
    at = 48
    present = [i for i in range(channels) if data[at + i // 8] >> (i % 8) & 1]
    at += math.ceil(channels / 8)
    kinds = []
    for _ in present:
        kinds.append(struct.unpack_from("<Bb", data, at))
        at += 2
    codes = []
    for _ in range(lifts):
        codes.append("".join(f"{byte >> 4:x}{byte & 15:x}" for byte in data[at : at + 10]))
        at += 10
    place = list(range(n))
    if lift_form == 1:
        place = [struct.unpack_from("<H", data, at + 2 * i)[0] for i in range(n)]
        at += 2 * n
    times = [base] * n
    if time_form:
        letter, size = ("<H", 2) if time_form == 1 else ("<I", 4)
        times = [base + struct.unpack_from(letter, data, at + size * i)[0] for i in range(n)]
        at += size * n
    table: list[dict[str, float]] = [{} for _ in range(n)]
    for number in range(4):
        for index, (kind, exponent) in zip(present, kinds, strict=True):
            if kind != number:
                continue
            for i in range(n):
                (raw,) = struct.unpack_from(_TYPES[kind], data, at)
                at += struct.calcsize(_TYPES[kind])
                if raw == _ABSENT[kind] or math.isnan(raw):
                    continue
                exact = raw * 10.0**exponent if exponent > 0 else raw / 10.0**-exponent
                table[i][vocab.channels[index].name] = as_float32(exact)
    assert at == len(data) - 4
    return _judge(gateway, codes, place, times, table, now_ms, registry, vocab)


def _judge(
    gateway: str,
    codes: list[str],
    place: list[int],
    times: list[int],
    table: list[dict[str, float]],
    now_ms: int,
    registry: Registry,
    vocab: Vocabulary,
) -> Read:
    read = Read()
    for code in codes:
        if reason := lift_reason(code, gateway, registry):
            read.refused.append((reason, "lifts"))
    for ts in sorted(set(times)):
        if reason := time_reason(ts, now_ms)[1]:
            read.refused.append((reason, "ts"))
    for i, said in enumerate(table):
        if lift_reason(codes[place[i]], gateway, registry) or time_reason(times[i], now_ms)[1]:
            continue
        good = {}
        for name, raw in said.items():
            value, reason = value_reason(vocab.by_name[name], raw)
            if reason:
                read.refused.append((reason, name))
            elif value is not None:
                good[name] = value
        if good:
            read.samples.append((codes[place[i]], times[i], good, times[i] < now_ms - 120_000))
    if not read.samples and not read.refused:
        read.refused.append(("empty", "bitmap"))
    read.rejected = not read.samples
    return read
