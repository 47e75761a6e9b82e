"""The fast path: a sender that reports in the same layout again is read by its places.

A gateway says the same metrics in the same order most of the time. What was found of the first
such message (which bytes are structure, which row and column each number goes to) is kept, and
the next one of that length is read with a few array operations, no object a metric. Where the
structure differs by one bit, or one value is not in order, None is returned and the message is
read with care.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.codecs.context import Context
from devices.codecs.sparkplug.metric import bits_of
from devices.codecs.sparkplug.reading import Read
from devices.codecs.sparkplug.samples import Cell
from devices.codecs.sparkplug.session import Node
from devices.codecs.sparkplug.wire import (
    DOUBLE,
    FIELDS,
    FLOAT,
    MetricSpans,
    NotPlain,
    Span,
    Spans,
    walk,
)

LEAST = 40  # metrics; below this reading with care is as quick
REMEMBERED = 64  # lengths and shapes a node
_KEPT = 16  # layouts a node
Index = NDArray[np.intp]
Bytes = NDArray[np.uint8]
Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Cells whose numbers are written alike, in `width` bytes from each of `at` on."""

    cells: Index
    at: Index
    width: int
    field: int
    bits: int


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One layout. m cells: the metrics that become values; g rows: the samples.

    mask uint8[n], want: the structure · timed intp[m]: where each cell's timestamp begins, none
    where the payload's own holds; all `timed_width` bytes · first intp[g]: a cell of each row ·
    row_of intp[m] · flat intp[m]: place in the batch's matrix · ascends: pairs of rows of one
    lift, in which time must grow · base float32[m]: what is structure too (names of enums) ·
    lo, hi float32[m] · integral: cells that must be whole and are not so by themselves · holes:
    cells of enums whose codes have gaps.
    """

    mask: Bytes
    want: bytes
    sent: Span | None
    seq: Span
    lifts: NDArray[np.int32]
    live: NDArray[np.bool_]
    timed: Index
    timed_width: int
    timed_mask: np.uint64
    first: Index
    row_of: Index
    flat: Index
    channels: int
    ascends: tuple[Index, Index]
    base: Values
    numbers: tuple[Numbers, ...]
    lo: Values
    hi: Values
    integral: Index
    holes: tuple[tuple[Index, tuple[int, ...]], ...]
    codes: tuple[tuple[tuple[int, int], int], ...]


def learn(node: Node, device: str | None, payload: bytes, read: Read, context: Context) -> None:
    """Keep the layout of a message that was read without a flaw, where it is worth it: its shape
    came twice running, or its length had to be read with care for the second, fourth … time."""
    if len(read.places) < LEAST or not read.plain:
        return
    if len(node.lengths) >= REMEMBERED:
        node.lengths = {}
    key, again = (device, len(payload)), node.again
    node.again = None
    times = node.lengths[key] = node.lengths.get(key, 0) + 1
    if again != key and (times < 2 or times & (times - 1)):
        return
    if len(node.layouts) >= _KEPT and key not in node.layouts:
        del node.layouts[next(iter(node.layouts))]
    try:
        node.layouts[key] = _layout(node, payload, read, context)
    except NotPlain:
        node.layouts[key] = None  # known to be none: it is not tried at every turn


def _layout(node: Node, payload: bytes, read: Read, context: Context) -> Layout:
    spans = walk(payload)
    if spans.seq is None or len(spans.metrics) != len(read.places):
        raise NotPlain
    cells: list[tuple[MetricSpans, int]] = []
    places: list[Cell] = []
    codes: dict[tuple[int, int], int] = {}
    for metric, place, kind in zip(spans.metrics, read.places, read.types, strict=True):
        if isinstance(place, tuple):
            cells.append((metric, kind))
            places.append(place)
        elif place is not None:
            key = (place.row, place.meaning.code)
            codes[key] = node.codes[key]
            if metric.number is not None:  # whether it is on is structure: a change is news
                spans.mask[slice(*metric.number)] = b"\xff" * (metric.number[1] - metric.number[0])
    if not cells or len(set(places)) != len(places):
        raise NotPlain
    row_of, column = (np.array(part, np.intp) for part in zip(*places, strict=True))
    mask = np.frombuffer(bytes(spans.mask), np.uint8)
    plan = context.plan
    timed, width = _timed([metric for metric, _ in cells], spans)
    channels = len(plan.vocab.channels)
    enums = {int(c): np.flatnonzero(column == c) for c in plan.holes}
    return Layout(
        mask,
        (np.frombuffer(payload, np.uint8) & mask).tobytes(),
        spans.timestamp,
        spans.seq,
        np.array([lift for lift, _, _ in read.rows], np.int32),
        np.array([live for _, _, live in read.rows], np.bool_),
        timed,
        width,
        np.uint64((1 << 8 * width) - 1),
        np.unique(row_of, return_index=True)[1],
        row_of,
        row_of * channels + column,
        channels,
        _ascending(read.rows),
        read.batch.values[row_of, column],
        _numbers(cells),
        plan.lo[column],
        plan.hi[column],
        np.flatnonzero(plan.vocab.integral[column] & _broken([metric for metric, _ in cells])),
        tuple((at, tuple(plan.vocab.channels[c].values)) for c, at in enums.items() if len(at)),
        tuple(codes.items()),
    )


def _broken(cells: list[MetricSpans]) -> NDArray[np.bool_]:
    """Return which numbers may have fractions."""
    return np.array([metric.field in (FLOAT, DOUBLE) for metric in cells], np.bool_)


def _timed(cells: list[MetricSpans], spans: Spans) -> tuple[Index, int]:
    """Return where the cells' timestamps begin, and how many bytes each has."""
    own = [metric.timestamp for metric in cells if metric.timestamp is not None]
    if not own and spans.timestamp is not None:
        return np.empty(0, np.intp), 0
    widths = {end - at for at, end in own}
    if len(own) != len(cells) or len(widths) != 1 or max(widths) > 8:
        raise NotPlain
    return np.array([at for at, _ in own], np.intp), widths.pop()


def _ascending(rows: list[tuple[int, int, bool]]) -> tuple[Index, Index]:
    """Return (earlier, later) of rows of one lift that follow each other."""
    last: dict[int, int] = {}
    pairs: list[tuple[int, int]] = []
    for at, (lift, ts_ms, _) in enumerate(rows):
        before = last.get(lift)
        if before is not None:
            pairs.append((before, at))
            if ts_ms <= rows[before][1]:
                raise NotPlain
        last[lift] = at
    found = np.array(pairs, np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _numbers(cells: list[tuple[MetricSpans, int]]) -> tuple[Numbers, ...]:
    """Group the cells by how their numbers are written."""
    groups: dict[tuple[int, int, int], list[int]] = {}
    for at, (metric, kind) in enumerate(cells):
        if metric.number is not None:
            name = FIELDS[metric.field]
            bits = bits_of(kind, name) if name in ("int_value", "long_value") else 0
            width = metric.number[1] - metric.number[0]
            groups.setdefault((metric.field, width, bits), []).append(at)
    return tuple(
        Numbers(
            np.array(members, np.intp),
            np.array([span[0] for at in members if (span := cells[at][0].number)], np.intp),
            width,
            field,
            bits,
        )
        for (field, width, bits), members in groups.items()
    )
