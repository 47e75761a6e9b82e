"""Where the parts of a payload lie: protobuf's wire format, walked once for each new layout.

Of every byte it is told what of it is structure and what is value. Two payloads of one length
that agree in the structure differ in their numbers only, so whatever was understood of the first
holds for the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_PAYLOAD_TIMESTAMP, _PAYLOAD_METRICS, _PAYLOAD_SEQ = 1, 2, 3
_METRIC_TIMESTAMP = 3
INT, LONG, FLOAT, DOUBLE, BOOLEAN = 10, 11, 12, 13, 14
NUMBERS = {INT: VARINT, LONG: VARINT, FLOAT: FIXED32, DOUBLE: FIXED64, BOOLEAN: VARINT}
FIELDS = {
    INT: "int_value",
    LONG: "long_value",
    FLOAT: "float_value",
    DOUBLE: "double_value",
    BOOLEAN: "boolean_value",
}
KNOWN_FIELDS = 19
Span = tuple[int, int]  # [from, to) within the payload


class NotPlain(Exception):
    """The payload has something in it that this walk does not vouch for."""


@dataclass(slots=True)
class MetricSpans:
    """Where one metric's timestamp and number lie, and of which field the number is."""

    timestamp: Span | None = None
    field: int = 0
    number: Span | None = None


@dataclass(slots=True)
class Spans:
    """Where a payload's parts lie. `mask`: 0xff structure, 0x80 a varint (its length is
    structure, its bits are not), 0 value."""

    mask: bytearray
    timestamp: Span | None = None
    seq: Span | None = None
    metrics: list[MetricSpans] = field(default_factory=list)


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return (number, where it ended). Raises NotPlain where it does not end."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise NotPlain


def _skip(data: bytes, at: int, end: int, wire: int) -> Span:
    """Return where the value of a field lies."""
    if wire == VARINT:
        return at, varint(data, at, end)[1]
    if wire == BYTES:
        size, at = varint(data, at, end)
    elif wire in (FIXED32, FIXED64):
        size = 4 if wire == FIXED32 else 8
    else:
        raise NotPlain
    if at + size > end:
        raise NotPlain
    return at, at + size


def _loosen(mask: bytearray, span: Span, bits: int) -> Span:
    for at in range(*span):
        mask[at] = bits
    return span


def walk(data: bytes) -> Spans:
    """Return where everything lies. Raises NotPlain for what Sparkplug does not have, or where
    a field that may stand once stands twice."""
    spans = Spans(bytearray(b"\xff" * len(data)))
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        span = _skip(data, at, end, wire)
        if number == _PAYLOAD_METRICS and wire == BYTES:
            spans.metrics.append(_metric(data, span, spans.mask))
        elif number == _PAYLOAD_TIMESTAMP and wire == VARINT and spans.timestamp is None:
            spans.timestamp = _loosen(spans.mask, span, 0x80)
        elif number == _PAYLOAD_SEQ and wire == VARINT and spans.seq is None:
            spans.seq = _loosen(spans.mask, span, 0x80)
        else:
            raise NotPlain
        at = span[1]
    return spans


def _metric(data: bytes, where: Span, mask: bytearray) -> MetricSpans:
    found, seen = MetricSpans(), set[int]()
    at, end = where
    while at < end:
        tag, at = varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        span = _skip(data, at, end, wire)
        if number in seen or not 0 < number <= KNOWN_FIELDS:
            raise NotPlain
        seen.add(number)
        if number == _METRIC_TIMESTAMP:
            if wire != VARINT:
                raise NotPlain
            found.timestamp = _loosen(mask, span, 0x80)
        elif number in NUMBERS:
            if wire != NUMBERS[number] or found.number is not None:
                raise NotPlain
            found.field = number
            found.number = _loosen(mask, span, 0x80 if wire == VARINT else 0)
        at = span[1]
    return found
