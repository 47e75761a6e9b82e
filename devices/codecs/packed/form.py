"""The bytes of the packed form: header, layout of the columns, checksums. All little-endian.

    header 48 bytes · bitmap · 2 bytes a column · lifts · [lift of a sample] · [times] · columns
    · CRC-32 of all after the header

The header has a checksum of its own: where it holds, boot and seq are known and a message that
is broken further on can be answered; where it does not, nothing in it may be believed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from devices.codecs.limits import BOOT_MAX
from devices.codecs.values import Plan, Selection

MAGIC, VERSION = b"LWP", 1
# magic, version, time form, lift form, channels known, boot, base ms, seq, first, CRC of names,
# lifts, samples, CRC of the header before it
HEADER = struct.Struct("<3sBBBHQQIIIIII")
HEAD_BYTES = HEADER.size
LIFT_BYTES = 10  # 20 digits, two a byte
CHANNELS_MAX = 1024
EXPONENTS = range(-9, 10)
_U2, _U4 = np.dtype("<u2"), np.dtype("<u4")
Form = np.dtype[np.uint16] | np.dtype[np.uint32] | None
TIME_FORMS: tuple[Form, ...] = (None, _U2, _U4)  # ms after the base, a sample
LIFT_FORMS: tuple[Form, ...] = (None, _U2)  # place in the table of lifts, a sample
TYPES = tuple(np.dtype(name) for name in ("<f4", "i1", "<i2", "<i4"))  # by type number


class Flaw(Exception):
    """What is wrong with the bytes: a reason of refuse.py, field, value and limit."""

    def __init__(self, reason: str, field: str, value: object, limit: str | None = None) -> None:
        self.reason, self.field, self.value, self.limit = reason, field, value, limit
        super().__init__(f"{reason} {field}")


@dataclass(frozen=True, slots=True)
class Head:
    """The header as numbers."""

    time_form: int
    lift_form: int
    channels: int
    boot: int
    base_ms: int
    seq: int
    first: int
    names: int
    lifts: int
    samples: int


@dataclass(frozen=True, slots=True)
class Run:
    """The columns of one type: rows `start` to `stop` of float32[k, n].

    A value is raw · times / over, in double precision; None where both are 1.
    """

    start: int
    stop: int
    dtype: np.dtype[np.generic]
    absent: int | None
    times: NDArray[np.float64] | None
    over: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which channels a message has, in the order in which they are written, and how."""

    selection: Selection
    runs: tuple[Run, ...]
    bytes_a_sample: int


def claims(payload: bytes) -> bool:
    """True for a payload that begins as this form does; no JSON does."""
    return payload[:3] == MAGIC


def numbers(payload: bytes) -> tuple[int | None, int | None]:
    """Return (boot, seq) where the header's checksum vouches for them."""
    try:
        head = read_head(payload)
    except Flaw:
        return None, None
    return (head.boot, head.seq) if 1 <= head.boot <= BOOT_MAX else (None, None)


def read_head(payload: bytes) -> Head:
    """Read the header. Raises Flaw where it is cut short, of another version or damaged."""
    if len(payload) < HEAD_BYTES:
        raise Flaw("bad_length", "payload", len(payload), f"at least {HEAD_BYTES + 4} bytes")
    _, version, *fields, checksum = HEADER.unpack_from(payload)
    if version != VERSION:
        raise Flaw("wrong_version", "version", version, str(VERSION))
    right = crc32(memoryview(payload)[: HEAD_BYTES - 4])
    if checksum != right:
        raise Flaw("bad_checksum", "header", f"{checksum:08x}", f"{right:08x}")
    return Head(*fields)


@lru_cache(maxsize=8)
def names_crc(plan: Plan, channels: int) -> int:
    """Return the CRC-32 of the names of the first `channels` channels, joined by commas."""
    known = plan.vocab.channels[:channels]
    return crc32(",".join(channel.name for channel in known).encode())


@lru_cache(maxsize=256)  # a sender writes one layout, or a few
def layout(plan: Plan, channels: int, bitmap: bytes, columns: bytes) -> Layout:
    """Read bitmap and column descriptions. Raises Flaw for what they cannot be."""
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little")
    if bits[channels:].any():
        raise Flaw("bad_header", "bitmap", bitmap.hex(), f"{channels} channels")
    present = np.flatnonzero(bits[:channels])
    names = tuple(plan.vocab.channels[int(i)].name for i in present)
    kinds = [(columns[2 * i], _signed(columns[2 * i + 1])) for i in range(len(names))]
    for name, (number, exponent) in zip(names, kinds, strict=True):
        if number >= len(TYPES):
            raise Flaw("bad_header", f"{name}.type", number, f"0..{len(TYPES) - 1}")
        if exponent not in EXPONENTS or (exponent and number == 0):
            limit = f"{EXPONENTS[0]}..{EXPONENTS[-1]}" if number else "0 for float32"
            raise Flaw("bad_header", f"{name}.exponent", exponent, limit)
    written = by_type([number for number, _ in kinds])
    selection = plan.select(tuple(names[i] for i in written))
    if selection is None or not names:
        raise Flaw("empty", "bitmap", bitmap.hex(), "at least one channel")
    size = sum(TYPES[number].itemsize for number, _ in kinds)
    return Layout(selection, tuple(_runs([kinds[i] for i in written])), size)


def by_type(numbers: list[int]) -> list[int]:
    """Return the order in which columns are written: by type, so that few reads take them all."""
    return sorted(range(len(numbers)), key=numbers.__getitem__)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _runs(kinds: list[tuple[int, int]]) -> list[Run]:
    found, start = [], 0
    for stop in range(1, len(kinds) + 1):
        if stop < len(kinds) and kinds[stop][0] == kinds[start][0]:
            continue
        number = kinds[start][0]
        powers = np.array([exponent for _, exponent in kinds[start:stop]], np.float64)[:, None]
        times = 10.0 ** np.maximum(powers, 0)
        over = 10.0 ** np.maximum(-powers, 0)
        found.append(
            Run(
                start,
                stop,
                TYPES[number],
                int(np.iinfo(TYPES[number]).min) if number else None,
                times if powers.max() > 0 else None,
                over if powers.min() < 0 else None,
            )
        )
        start = stop
    return found
