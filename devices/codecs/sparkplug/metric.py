"""One metric: its value as Python has it, and whether the sender vouches for it."""

from __future__ import annotations

from typing import Any

from devices.codecs.sparkplug.schema import DataType, text

QUALITY = "Quality"
GOOD = 192  # of 0 bad, 192 good, 500 stale
_BITS: dict[int, int] = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
    DataType.UINT8: 0,
    DataType.UINT16: 0,
    DataType.UINT32: 0,
    DataType.UINT64: 0,
    DataType.DATETIME: 0,
}


def bits_of(datatype: int, field: str) -> int:
    """Return how wide the two's complement of a whole number is; 0 for an unsigned one.

    Where nobody said a data type, the field's own width: no channel reaches 2^31, so a number
    that large can only be a negative one.
    """
    return _BITS.get(datatype, _width(field))


def _width(field: str) -> int:
    return 32 if field == "int_value" else 64


def signed(raw: int, bits: int, field: str) -> int:
    """Return a whole number as it was meant.

    The field is unsigned, so a negative number travels as its two's complement: in as many bits
    as its data type has, or, as some senders do, in as many as the field has.
    """
    if bits == 0 or raw < 1 << (bits - 1):
        return raw
    if raw < 1 << bits:
        return raw - (1 << bits)
    width = _width(field)
    return raw - (1 << width) if raw >= (1 << width) - (1 << (bits - 1)) else raw


def value_of(metric: Any, datatype: int) -> object:
    """Return the value of a protobuf metric: number, bool or text, None where there is none.

    None also where the metric is null, or its quality is not good: not measured, so unchanged.
    """
    field = metric.WhichOneof("value")
    if field is None or metric.is_null or quality_of(metric) != GOOD:
        return None
    raw = getattr(metric, field)
    if field in ("int_value", "long_value"):
        return signed(raw, bits_of(datatype, field), field)
    if field in ("float_value", "double_value", "boolean_value"):
        return raw
    if field == "string_value":
        return text(raw)
    return f"({field.removesuffix('_value')})"  # a data set, a file: no channel takes it


def quality_of(metric: Any) -> int:
    """Return the metric's quality code; good where it says none."""
    if not metric.HasField("properties"):
        return GOOD
    pairs = zip(metric.properties.keys, metric.properties.values, strict=False)
    for key, value in pairs:
        if key == QUALITY and value.WhichOneof("value") in ("int_value", "long_value"):
            return int(value.int_value if value.HasField("int_value") else value.long_value)
    return GOOD
