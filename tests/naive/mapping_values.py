"""The naive twin of the mapping codec: what one raw value says of a channel."""

from __future__ import annotations

import math
import re
import struct
from typing import Any

from devices.codecs.mapping.model import FieldRule
from devices.registry import Lift
from devices.vocabulary import Channel, Kind

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def text(raw: Any) -> str | None:
    if raw is True or raw is False:
        return str(raw).lower()
    if isinstance(raw, float):
        return str(int(raw)) if math.isfinite(raw) and raw == int(raw) else repr(raw)
    return str(raw) if isinstance(raw, (int, str)) else None


def value(rule: FieldRule, raw: Any, lift: Lift) -> tuple[float | None, str | None]:
    """(value, None) taken, (None, None) absent, (None, reason) refused."""
    if raw is None:
        return None, None
    if rule.values is not None:
        table = rule.values.by_text
        said = text(raw)
        if (
            said not in table
            and rule.cells
            and all(re.fullmatch(r"-?(0|[1-9][0-9]*)", k) for k in table)
        ):
            number = _cell_number(rule, str(raw))
            said = text(number) if number is not None else said
        if said not in table:
            return None, "unmapped_value"
        return (None if math.isnan(table[said]) else as_float32(table[said])), None
    if isinstance(raw, str) and rule.quoted:
        if raw == "":
            return None, None
        return _quoted(rule, raw, lift)
    return _number(rule, raw, lift)


def _quoted(rule: FieldRule, raw: str, lift: Lift) -> tuple[float | None, str | None]:
    for code, entry in rule.channel.values.items():
        if entry.name == raw:
            return float(code), None
    if rule.cells and rule.channel.kind is Kind.BOOL and raw in ("true", "false"):
        return float(raw == "true"), None
    number = _cell_number(rule, raw)
    return (None, "wrong_type") if number is None else _number(rule, number, lift)


def _cell_number(rule: FieldRule, raw: str) -> float | None:
    said = raw.strip()
    if rule.comma:
        if "." in said:
            return None
        said = said.replace(",", ".")
    return float(said) if NUMBER.fullmatch(said) else None


def _number(rule: FieldRule, raw: Any, lift: Lift) -> tuple[float | None, str | None]:
    channel: Channel = rule.channel
    scaled = rule.scale != 1 or rule.offset != 0 or rule.of_rated
    if isinstance(raw, str):
        codes = [code for code, entry in channel.values.items() if entry.name == raw]
        if channel.kind is not Kind.ENUM:
            return None, "wrong_type"
        return (float(codes[0]), None) if codes else (None, "out_of_range")
    if isinstance(raw, bool) and not scaled:
        return (float(raw), None) if channel.kind is Kind.BOOL else (None, "wrong_type")
    if not isinstance(raw, (int, float)):
        return None, "wrong_type"
    try:
        value = float(raw) * rule.scale + rule.offset
    except OverflowError:
        value = math.inf
    if rule.of_rated:
        value *= 100.0 / lift.rated_load_kg
    if math.isnan(value) or math.isinf(value):
        return None, "not_finite" if isinstance(raw, float) or scaled else "out_of_range"
    stored = as_float32(value)
    if not as_float32(channel.lo) <= stored <= as_float32(channel.hi):
        return None, "out_of_range"
    if channel.kind is not Kind.FLOAT and stored != int(stored):
        return None, "wrong_type"
    if channel.kind is Kind.ENUM and int(stored) not in channel.values:
        return None, "out_of_range"
    return stored, None


def as_float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", float(value)))[0])
    except OverflowError:
        return math.inf
