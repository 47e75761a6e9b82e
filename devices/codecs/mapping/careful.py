"""Raw columns with care: each value alone, each flaw named, its neighbours kept; and messages."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.batch import STATE_OFF, STATE_ON, STATE_ONCE, MessageRows
from devices.codecs.clock import in_time, late
from devices.codecs.context import Context
from devices.codecs.limits import DAY_MS
from devices.codecs.mapping.lifts import Lifts
from devices.codecs.mapping.model import FieldRule, MessageRule, TimeRule
from devices.codecs.mapping.paths import Path
from devices.codecs.mapping.times import form, read_time
from devices.codecs.refuse import Refusals, shown
from devices.codecs.values import read_value
from devices.kinds import is_escalator
from devices.vocabulary import Kind

STATES = {"off": STATE_OFF, "on": STATE_ON, "once": STATE_ONCE}
_QUOTED = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TEXTUAL = (str, bool, int, float)
Name = Callable[[Path, int], str]
Entry = tuple[int, int, int, int]  # lift, ts, code, state


@dataclass(slots=True)
class Reading:
    """What careful reading needs beside the columns: the surroundings, names, and refusals."""

    context: Context
    lifts: Lifts
    name: Name
    refusals: Refusals


def text_of(raw: object) -> str | None:
    """Return a value as a map's tables write it: true, 1, up; None for null and containers."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw)
    return str(raw) if isinstance(raw, _TEXTUAL) else None


def read_field(rule: FieldRule, raw: object, rated_kg: float) -> tuple[float, str | None, str]:
    """Return (value, None, limit) or (NaN, reason, limit)."""
    limit = rule.channel.limit
    if raw is None or (raw == "" and rule.quoted and rule.values is None):
        return math.nan, None, limit
    if rule.values is not None:
        text = text_of(raw)
        if text not in rule.values.by_text and rule.cells and rule.values.keys is not None:
            number = _number(rule, raw)  # a cell is text: 01 and 1.0 are 1
            text = text if number is None else text_of(number)
        if text is None or text not in rule.values.by_text:
            return math.nan, "unmapped_value", " | ".join(rule.values.by_text)
        return rule.values.by_text[text], None, limit
    if rule.quoted and isinstance(raw, str) and not _named(rule, raw):
        number = _number(rule, raw)
        if number is None:
            return math.nan, "wrong_type", limit
        raw = number
    elif rule.cells and raw in ("true", "false") and rule.channel.kind is Kind.BOOL:
        raw = raw == "true"
    scaled = (rule.scale, rule.offset, rule.of_rated) != (1.0, 0.0, False)
    if scaled and isinstance(raw, int | float):
        raw = _scaled(rule, raw, rated_kg)
        limit = f"{limit}; as {shown(raw)}"
    found, reason = read_value(rule.channel, raw)
    return found, reason, limit


def _number(rule: FieldRule, raw: object) -> float | None:
    text = str(raw).strip()
    if rule.comma:
        text = text.replace(".", " ").replace(",", ".")  # a point is no decimal sign here
    return float(text) if _QUOTED.fullmatch(text) else None


def _named(rule: FieldRule, raw: str) -> bool:
    """True for a text that names a value of ours: `running`, or in a cell `true`."""
    if rule.channel.kind is Kind.ENUM:
        return any(value.name == raw for value in rule.channel.values.values())
    return rule.cells and rule.channel.kind is Kind.BOOL and raw in ("true", "false")


def _scaled(rule: FieldRule, raw: float, rated_kg: float) -> float:
    try:
        number = float(raw) * rule.scale + rule.offset
    except OverflowError:
        return math.inf
    return number * (100.0 / rated_kg) if rule.of_rated else number


def time(rule: TimeRule, raw: object, name: str, reading: Reading, lift: str) -> int | None:
    """Return ms since epoch, or None after noting why this time cannot be taken."""
    context, limits = reading.context, reading.context.limits
    if rule.path is None:
        return context.received_ms
    ts = read_time(raw, rule.format, rule.zone)
    add = reading.refusals.add
    if ts is None:
        missing = raw is None or raw == ""
        add("missing_field" if missing else "wrong_type", name, raw, form(rule.format), lift)
    elif not in_time(ts, context.received_ms, limits):
        if ts > context.received_ms:
            add("clock_ahead", name, raw, f"at most {limits.ahead_ms // 1000} s ahead", lift)
        else:
            add("too_old", name, raw, f"not older than {limits.oldest_ms // DAY_MS} days", lift)
        return None
    return ts


def samples(
    rules: Sequence[FieldRule],
    columns: Mapping[Path, Sequence[object]],
    n: int,
    lift_names: tuple[Path | None, Sequence[object]],
    time_rule: TimeRule,
    reading: Reading,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    """Return the lifts, times and values of the rows that can be taken."""
    channels = len(reading.context.plan.vocab.channels)
    rows: list[int] = []
    stamps: list[int] = []
    values: list[NDArray[np.float32]] = []
    path, names = lift_names
    for i in range(n):
        if all(columns[rule.path][i] is None for rule in rules):
            continue  # nothing said of any channel: no lift and no time is asked for
        where = "topic" if path is None else reading.name(path, i)
        row = reading.lifts.check(names[i], reading.context, reading.refusals, where)
        if row is None:
            continue
        said, at = str(names[i]), time_rule.path
        raw_time = None if at is None else columns[at][i]
        ts = time(time_rule, raw_time, "" if at is None else reading.name(at, i), reading, said)
        if ts is None:
            continue
        full = np.full(channels, math.nan, np.float32)
        rated = reading.context.registry.lift(row).rated_load_kg
        for rule in rules:
            name = reading.name(rule.path, i)
            raw = columns[rule.path][i]
            found, reason, limit = read_field(rule, raw, rated)
            if reason is not None:
                reading.refusals.add(reason, name, raw, limit, said)
            if not (rule.fallback and not math.isnan(full[rule.channel.index])):
                full[rule.channel.index] = found
        rows.append(row)
        stamps.append(ts)
        values.append(full)
    stacked = np.stack(values) if values else np.empty((0, channels), np.float32)
    return np.array(rows, np.int32), np.array(stamps, np.int64), stacked


def messages(
    rule: MessageRule,
    columns: Mapping[Path, Sequence[object]],
    n: int,
    lift_names: tuple[Path | None, Sequence[object]],
    reading: Reading,
) -> list[Entry]:
    """Return the messages of one rule. They are few, so there is no fast way."""
    found: list[Entry] = []
    path, names = lift_names
    codes = columns[rule.path]
    for i in range(n):
        raw = codes[i]
        key = text_of(raw)
        if raw is None or key in rule.ignored or key == "":
            continue
        where = "topic" if path is None else reading.name(path, i)
        row = reading.lifts.check(names[i], reading.context, reading.refusals, where)
        if row is None:
            continue
        said, at = str(names[i]), rule.time.path
        raw_time = None if at is None else columns[at][i]
        ts = time(rule.time, raw_time, "" if at is None else reading.name(at, i), reading, said)
        state = _state(rule, columns, i, reading, said)
        ours = _codes(rule, raw, row, reading.name(rule.path, i), reading, said)
        if ts is None or state is None:
            continue
        found += [(row, ts, code, STATE_OFF if ends else state) for code, ends in ours]
    return found


def _state(
    rule: MessageRule, columns: Mapping[Path, Sequence[object]], i: int, reading: Reading, lift: str
) -> int | None:
    if rule.state is None:
        return STATES[rule.always]
    raw = columns[rule.state][i]
    text = text_of(raw)
    said = rule.states.get(text) if text is not None else None
    if said is None:
        reason = "missing_field" if raw is None else "unmapped_value"
        name = reading.name(rule.state, i)
        reading.refusals.add(reason, name, raw, " | ".join(rule.states), lift)
        return None
    return STATES[said]


def _codes(
    rule: MessageRule, raw: object, row: int, name: str, reading: Reading, lift: str
) -> list[tuple[int, bool]]:
    """Return (our code, it has ended); several where theirs says that there is no fault."""
    vocab = reading.context.plan.vocab
    if rule.codes is None:
        text = text_of(raw)
        if text is not None and text.isdecimal() and int(text) in vocab.messages:
            return [(int(text), False)]
        reading.refusals.add("unknown_code", name, raw, "a code of the table", lift)
        return []
    escalator = is_escalator(reading.context.registry.lift(row))
    prefix = rule.escalator_prefix if escalator else rule.prefix
    key = rule.codes.key(raw)
    if key is not None and key in rule.codes.no_fault:
        kind = "escalator" if escalator else "lift"
        return [(c, True) for c in rule.codes.faults(vocab) if vocab.messages[c].device == kind]
    key = None if key is None else prefix + key
    ours = rule.codes.decode(key)
    if ours is not None:
        return [(ours, False)]
    opened = rule.codes.told(key)
    why = f"code map {rule.codes.platform}"
    limit = f"{why}: {opened.text.both()}" if opened else why
    reading.refusals.add("unknown_code", name, raw, limit, lift)
    return []


def message_rows(entries: Sequence[Entry], context: Context) -> MessageRows:
    """Return messages as columns."""
    if not entries:
        return MessageRows.empty()
    lift, ts_ms, code, state = zip(*entries, strict=True)
    stamps = np.array(ts_ms, np.int64)
    return MessageRows(
        np.array(lift, np.int32),
        stamps,
        np.array(code, np.int32),
        np.array(state, np.int8),
        late(stamps, context.received_ms, context.limits),
    )
