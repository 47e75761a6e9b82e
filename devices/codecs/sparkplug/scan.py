"""Data by alias in any layout: other metrics each time, read as columns all the same.

The second of the two fast paths. Whatever it does not vouch for is read with care.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch
from devices.codecs.clock import in_time, late
from devices.codecs.context import Context
from devices.codecs.sparkplug.metric import bits_of
from devices.codecs.sparkplug.reading import Reader
from devices.codecs.sparkplug.records import Records, U, narrow, records
from devices.codecs.sparkplug.session import Node
from devices.codecs.sparkplug.wire import BOOLEAN, DOUBLE, FIXED32, FIXED64, FLOAT, INT, LONG
from devices.vocabulary import Kind

LEAST_BYTES = 600  # some forty metrics; below this reading with care is as quick
_MOST_ALIASES = 1 << 14  # those of two bytes
_OURS, _NOT_OURS, _CARE = 0, 1, 2
_WIDEST, _NEGATIVE = 8, 10  # bytes of a varint: in one word; of a negative long
_GO = np.uint64(0x8080808080808080)
# of a varint of w bytes: which bits tell where it ends, and how they must stand
_ENDS = np.array([(0x8080808080808080 & ((1 << 8 * w) - 1)) for w in range(_WIDEST + 1)], np.uint64)
_WANT = np.array(
    [(0x8080808080808080 & ((1 << 8 * w - 8) - 1)) if w else 1 for w in range(_WIDEST + 1)],
    np.uint64,
)
_LOW = np.array([(1 << 8 * w) - 1 for w in range(_WIDEST + 1)], np.uint64)
_TAGS = {field: field << 3 for field in (INT, LONG, BOOLEAN)}
_TAGS |= {FLOAT: FLOAT << 3 | FIXED32, DOUBLE: DOUBLE << 3 | FIXED64}
Index = NDArray[np.intp]
Values = NDArray[np.float32]


@dataclass(slots=True)
class Aliases:
    """What each alias of a device means. state int8[A]: ours, not ours, or to be read with care ·
    row, column intp[A] · int_bits, long_bits int64[A]: of a whole number's two's complement ·
    switch bool[A]: a boolean channel."""

    state: NDArray[np.int8]
    row: Index
    column: Index
    int_bits: NDArray[np.int64]
    long_bits: NDArray[np.int64]
    switch: NDArray[np.bool_]


def aliases_of(node: Node, device: str | None, reader: Reader, context: Context) -> Aliases:
    """Return the table of a device's aliases, from its birth and the registry as it is."""
    mine = {alias: name for (of, alias), name in node.aliases.items() if of == device}
    n = max((alias for alias in mine if alias < _MOST_ALIASES), default=-1) + 1
    made = Aliases(
        np.full(n, _CARE, np.int8),
        np.zeros(n, np.intp),
        np.zeros(n, np.intp),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.bool_),
    )
    for alias, name in mine.items():
        known = reader.known(name)
        foreign = known.row >= 0 and context.registry.lift_gateway[known.row] != context.gateway
        if alias >= n or known.meaning.code or foreign:
            continue
        if known.meaning.column < 0:
            made.state[alias], made.switch[alias] = _NOT_OURS, True
            continue
        channel = context.plan.vocab.channels[known.meaning.column]
        made.state[alias] = _OURS
        made.row[alias], made.column[alias] = known.row, channel.index
        made.int_bits[alias] = bits_of(known.datatype, "int_value")
        made.long_bits[alias] = bits_of(known.datatype, "long_value")
        made.switch[alias] = channel.kind is Kind.BOOL
    return made


def scan(
    payload: bytes, aliases: Aliases, context: Context
) -> tuple[TelemetryBatch, Records] | None:
    """Return the batch of a payload in which everything is right; None if anything is not."""
    found = records(payload)
    if found is None or found.alias.max() >= len(aliases.state):
        return None
    state = aliases.state[found.alias]
    if (state == _CARE).any():
        return None
    values = _numbers(found, aliases)
    if values is None:
        return None
    ours = state == _OURS
    alias, ts_ms, historical = found.alias, found.ts_ms, found.historical
    if not ours.all():
        alias, ts_ms, values, historical = (x[ours] for x in (alias, ts_ms, values, historical))
    if not len(alias):
        return TelemetryBatch.empty(len(context.plan.vocab.channels)), found
    column = aliases.column[alias]
    if not _in_range(values, column, context):
        return None
    batch = _batch(aliases.row[alias], ts_ms, column, values, historical, context)
    return None if batch is None else (batch, found)


def _numbers(found: Records, aliases: Aliases) -> Values | None:
    """Return float32[n], None where a number is not written as one of ours."""
    values = np.empty(len(found.tag), np.float32)
    rest = np.ones(len(values), np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        for field, wide, view in ((FLOAT, 4, "<f4"), (DOUBLE, 8, "<f8")):
            at = np.flatnonzero(found.tag == _TAGS[field])
            if len(at):
                rest[at] = False
                if (found.width[at] != wide).any():
                    return None
                values[at] = found.word[at].astype(f"<u{wide}").view(view)
        at = np.flatnonzero(rest)
        if len(at):
            whole = _whole(found, at, aliases)
            if whole is None:
                return None
            values[at] = whole
    return values


def _whole(found: Records, at: Index, aliases: Aliases) -> NDArray[np.int64] | None:
    """Return int64[k] of varints: whole numbers with their sign, booleans as 0 and 1."""
    width, tag, alias = found.width[at], found.tag[at], found.alias[at]
    far, wide = found.far[at], width == _NEGATIVE
    if wide.any():
        # the ninth byte goes on, the tenth ends and holds the highest bit alone
        if (far[wide] & U(0xFE80) != U(0x80)).any() or (found.word[at][wide] & _GO != _GO).any():
            return None
        width = np.where(wide, _WIDEST, width)
    if width.min() < 1 or width.max() > _WIDEST:
        return None
    if ((found.word[at] & _ENDS[width]) != _WANT[width])[~wide].any():
        return None
    number = narrow(found.word[at] & _LOW[width], int(width.max()))
    number[wide] |= (far[wide] & U(0x7F)) << U(56) | (far[wide] & U(0x100)) << U(55)
    is_bool, is_int = tag == _TAGS[BOOLEAN], tag == _TAGS[INT]
    if not (is_bool | is_int | (tag == _TAGS[LONG])).all():
        return None
    if is_bool.any():
        if not aliases.switch[alias[is_bool]].all():
            return None
        number[is_bool] = number[is_bool] != 0
    number[is_int] &= U(0xFFFFFFFF)
    bits = np.where(is_int, aliases.int_bits[alias], aliases.long_bits[alias])
    bits[is_bool] = 0
    signed = number.view(np.int64)  # of a long that is all
    if number.max() < 128 or not bits.any():  # none that could be negative
        return signed
    half = np.left_shift(np.int64(1), np.maximum(bits, 1) - 1)
    limit = np.where((bits > 0) & (bits < 63), half * 2, np.int64(2**62))
    minus = (bits > 0) & (bits < 63) & (signed >= half)
    field = minus & is_int & (signed >= (1 << 32) - half)
    signed[field] -= 2**32
    return np.where(minus & (signed < limit) & ~field, signed - limit, signed)


def _in_range(values: Values, column: Index, context: Context) -> bool:
    plan = context.plan
    good = values >= plan.lo[column]  # NaN is neither
    good &= values <= plan.hi[column]
    if not good.all():
        return False
    whole = values[plan.vocab.integral[column]]
    if (whole != np.floor(whole)).any():
        return False
    return all(
        np.isin(values[column == c], list(plan.vocab.channels[c].values)).all() for c in plan.holes
    )


def _batch(
    row: Index,
    ts_ms: NDArray[np.int64],
    column: Index,
    values: Values,
    historical: NDArray[np.bool_],
    context: Context,
) -> TelemetryBatch | None:
    """Return one row a lift and moment, in order of first appearance."""
    received, limits = context.received_ms, context.limits
    earliest, latest = int(ts_ms.min()), int(ts_ms.max())
    if not (in_time(earliest, received, limits) and in_time(latest, received, limits)):
        return None
    key = row if earliest == latest else row * (latest - earliest + 1) + (ts_ms - earliest)
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    if len(first) > limits.samples:
        return None
    order = np.argsort(first)
    rank = np.empty(len(first), np.intp)
    rank[order] = np.arange(len(first))
    row_of, first = rank[place], first[order]
    full = np.full((len(first), len(context.plan.vocab.channels)), np.nan, np.float32)
    full[row_of, column] = values  # of two for one cell the later holds
    live = np.zeros(len(first), np.bool_)
    live[row_of[~historical]] = True
    times = ts_ms[first]
    return TelemetryBatch(
        row[first].astype(np.int32), times, full, late(times, received, limits) | ~live
    )
