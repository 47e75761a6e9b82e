"""Rows of ours → the JSON of a platform, by its code map: the way back of devices/codecs/gbt24476.

What the platform cannot say is left out of a row and counted by name; a row that would say
nothing is not sent. Nothing is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from devices.codecs.mapping.units import conversion
from devices.codes import CodeMap, FieldMap, Part
from devices.vocabulary import Kind, Vocabulary

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateRow:
    """What a lift told in a span: channel → value in our units, absent where it told nothing."""

    reg_code: str
    ts_ms: int
    values: Mapping[str, float]
    escalator: bool = False


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A fault, event or alarm; state is `on`, `off` or `once`."""

    reg_code: str
    ts_ms: int
    code: int
    state: str
    escalator: bool = False


@dataclass
class Encoded:
    """Objects by kind of message, in order; `unsaid`: what the platform has no word for."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    unsaid: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, one: Json) -> None:
        """Append an object of a kind."""
        self.objects.setdefault(kind, []).append(one)


def encode_states(
    rows: list[StateRow], codes: CodeMap, vocab: Vocabulary, statistics: bool = False
) -> Encoded:
    """Return status (or statistics) of lifts in the platform's fields."""
    found = Encoded()
    for row in rows:
        kind = "statistics" if statistics else "escalator" if row.escalator else "status"
        part = dict(codes.parts())[kind]
        fields = _fields(row, part, codes, vocab, found.unsaid)
        if fields:
            head = {codes.lift: row.reg_code, part.time: told_time(row.ts_ms, codes)}
            found.add(kind, head | fields)
    return found


def encode_codes(rows: list[CodeRow], codes: CodeMap) -> Encoded:
    """Return faults, events and alarms in the platform's codes."""
    found, shape = Encoded(), codes.message
    states: dict[str, str] = {}
    for word, ours in shape.states.items():
        states.setdefault(ours, word)  # of several words for one state the first is sent
    for row in rows:
        theirs = codes.encode(row.code)
        if theirs is None:
            found.unsaid[f"code {row.code}"] += 1
            continue
        if shape.state is None and row.state == "off":
            found.unsaid[f"end of code {row.code}"] += 1  # it knows single reports only
            continue
        prefix = shape.escalator_prefix if row.escalator else shape.prefix
        if prefix and not theirs.startswith(prefix):
            found.unsaid[f"code {row.code}"] += 1  # of a list that this field does not hold
            continue
        code = _number(theirs.removeprefix(prefix), codes.quoted or codes.width > 0)
        one: Json = {codes.lift: row.reg_code, shape.time: told_time(row.ts_ms, codes)}
        one[shape.code] = [code] if shape.several else code
        if shape.state is not None:
            ours = "on" if row.state == "once" and "once" not in states else row.state
            if ours not in states:
                found.unsaid[f"state {row.state}"] += 1
                continue
            word = states[ours]
            one[shape.state] = _number(word, codes.quoted or not _plain(word))
        found.add("message", one)
    return found


def body_of(objects: list[Json]) -> bytes:
    """Return one message: a JSON array, as every shape of the dialect takes it."""
    return orjson.dumps(objects)


def told_time(ts_ms: int, codes: CodeMap) -> int | str:
    """Return a time as the platform writes it. Below its unit it is cut off, not rounded."""
    if codes.time_format == "ms":
        return ts_ms
    if codes.time_format == "s":
        return ts_ms // 1000
    at = datetime.fromtimestamp(ts_ms / 1000, UTC).astimezone(ZoneInfo(codes.zone))
    if codes.time_format == "iso":
        return at.isoformat(timespec="milliseconds")
    return at.strftime(codes.time_format)


def _fields(
    row: StateRow, part: Part, codes: CodeMap, vocab: Vocabulary, unsaid: Counter[str]
) -> Json:
    told: Json = {}
    by_name: dict[str, list[FieldMap]] = {}
    for one in part.fields:
        if one.channel in row.values:
            by_name.setdefault(one.name, []).append(one)
    for name, fields in by_name.items():
        one, value = fields[0], row.values[fields[0].channel]
        said = _value(one, value, codes, vocab) if len(fields) == 1 else _joint(fields, row, codes)
        if said is not None:
            told[name] = said
    for channel in {one.channel for fields in by_name.values() for one in fields}:
        if not any(one.name in told for one in part.fields if one.channel == channel):
            unsaid[f"{channel} = {row.values[channel]:g}"] += 1
    return told


def _joint(fields: list[FieldMap], row: StateRow, codes: CodeMap) -> Any:
    """One field of theirs for several channels: a value that says all of them, or none."""
    wanted = [(one.values or {}, row.values[one.channel]) for one in fields]
    fits = [
        theirs for theirs in wanted[0][0]
        if all(known.get(theirs) == value for known, value in wanted)
    ]  # fmt: skip
    usual = {one.encode(row.values[one.channel]) for one in fields}
    best = next((theirs for theirs in fits if theirs in usual), fits[0] if fits else None)
    return None if best is None else _number(best, codes.quoted)


def _value(one: FieldMap, value: float, codes: CodeMap, vocab: Vocabulary) -> Any:
    channel = vocab.by_name[one.channel]
    if one.back is not None:
        text = one.encode(value)
        return None if text is None else _number(text, codes.quoted)
    scale, offset = conversion(channel, one.unit) or (1.0, 0.0)
    if channel.kind is Kind.BOOL:
        return ("1" if value else "0") if codes.quoted else bool(value)
    theirs = (value - offset) / scale
    whole = channel.kind in (Kind.ENUM, Kind.INT) or theirs == int(theirs)
    number: float | int = round(theirs) if whole else float(f"{theirs:.7g}")  # float32 says no more
    return str(number) if codes.quoted else number


def _plain(text: str) -> bool:
    return text.isdigit() and str(int(text)) == text


def _number(text: str, quoted: bool) -> Any:
    """Return a value of a map's table as JSON: a number or a truth where it is one."""
    if quoted:
        return text
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _plain(text) else text
