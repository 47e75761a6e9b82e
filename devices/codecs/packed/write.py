"""Samples → the packed form: each column in the smallest type that keeps its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.codecs.packed.form import (
    HEADER,
    LIFT_FORMS,
    MAGIC,
    TIME_FORMS,
    TYPES,
    VERSION,
    by_type,
)
from devices.codecs.packed.form import names_crc as crc_of_names
from devices.codecs.values import plan_of
from devices.vocabulary import Kind, Vocabulary

_LIFT_FORM, _TIME_FORMS = LIFT_FORMS[1], TIME_FORMS[1:]


def encode_packed(
    vocab: Vocabulary,
    boot: int,
    seq: int,
    ts_ms: int | Sequence[int],
    lifts: Sequence[str],
    columns: Mapping[str, ArrayLike],
    first: int | None = None,
    decimals: Mapping[str, int] | None = None,
) -> bytes:
    """Return the payload of n samples; lift, and ts_ms where they differ, one a sample.

    A column holds n numbers, None or NaN where absent. `decimals`: digits after the point that
    a channel of fractions keeps, as scaled integers; without it fractions are float32, and nothing
    is rounded further. Raises ValueError for lengths that differ, a channel that is not
    in the vocabulary, a lift's code that is not 20 digits, times 49 days apart.
    """
    n = len(lifts)
    if not n or not columns:
        raise ValueError("no samples")
    if unknown := [name for name in columns if name not in vocab.by_name]:
        raise ValueError(f"unknown channels: {unknown}")
    if not all(len(code) == 20 and code.isascii() and code.isdigit() for code in lifts):
        raise ValueError("a lift's registration code has 20 digits")
    order = sorted(columns, key=vocab.index)
    written = [
        _column(vocab, name, columns[name], n, (decimals or {}).get(name, 0)) for name in order
    ]
    channels = vocab.index(order[-1]) + 1
    bits = np.zeros(-(-channels // 8) * 8, np.uint8)
    bits[[vocab.index(name) for name in order]] = 1
    table = list(dict.fromkeys(lifts))
    base_ms, time_form, times = _times(ts_ms, n)
    lift_form, place = (0, b"") if len(table) == n else (1, _places(table, lifts))
    body = b"".join(
        [
            np.packbits(bits, bitorder="little").tobytes(),
            *(bytes([number, exponent % 256]) for number, exponent, _ in written),
            bytes.fromhex("".join(table)),
            place,
            times,
            *(written[i][2] for i in by_type([number for number, _, _ in written])),
        ]
    )
    names = crc_of_names(plan_of(vocab), channels)
    shape = (time_form, lift_form, channels, boot, base_ms, seq, first or 0, names, len(table), n)
    head = HEADER.pack(MAGIC, VERSION, *shape, 0)[:-4]
    return head + _crc(head) + body + _crc(body)


def _crc(part: bytes) -> bytes:
    return crc32(part).to_bytes(4, "little")


def _places(table: list[str], lifts: Sequence[str]) -> bytes:
    if len(table) > 65536 or _LIFT_FORM is None:
        raise ValueError("more than 65,536 lifts")
    at = {code: i for i, code in enumerate(table)}
    return np.array([at[code] for code in lifts], _LIFT_FORM).tobytes()


def _times(ts_ms: int | Sequence[int], n: int) -> tuple[int, int, bytes]:
    if isinstance(ts_ms, int):
        return ts_ms, 0, b""
    if len(ts_ms) != n:
        raise ValueError(f"{len(ts_ms)} times for {n} samples")
    every = np.asarray(ts_ms, np.int64)
    base_ms = int(every.min())
    apart: NDArray[np.int64] = every - base_ms
    if not apart.any():
        return base_ms, 0, b""
    for form, dtype in enumerate(_TIME_FORMS, 1):
        if dtype is not None and apart.max() < 2 ** (8 * dtype.itemsize):
            return base_ms, form, np.array(apart, dtype).tobytes()
    raise ValueError("samples more than 49 days apart: send several messages")


def _column(
    vocab: Vocabulary, name: str, raw: ArrayLike, n: int, decimals: int
) -> tuple[int, int, bytes]:
    """Return (type number, exponent, bytes) of a column."""
    values = np.asarray(raw, np.float64)
    if values.shape != (n,):
        raise ValueError(f"{name}: shape {values.shape} for {n} samples")
    absent = np.isnan(values)
    if vocab.by_name[name].kind is Kind.FLOAT and decimals:
        whole = np.rint(values * 10.0**decimals)
    else:  # whole numbers lose nothing as integers, others stay as they are
        decimals = 0
        whole = np.where(np.rint(values) == values, values, np.inf)
    most = float(np.abs(whole[~absent]).max(initial=0))
    for number, dtype in enumerate(TYPES[1:], 1):
        most_kept = 2 ** (8 * dtype.itemsize - 1) - 1
        if most <= most_kept:
            stored = np.where(absent, -most_kept - 1, whole)
            return number, -decimals, np.array(stored, dtype).tobytes()
    return 0, 0, values.astype(np.float32).astype("<f4").tobytes()
