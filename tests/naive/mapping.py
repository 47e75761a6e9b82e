"""The naive twin of the mapping codec: one value after the other, slow and obvious.

It shares the map as read from its file with the codec, and nothing of how a payload is taken
apart, scaled, checked or timed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from devices.codecs.mapping.model import LiftRule, Mapping, MessageRule, TimeRule
from devices.codecs.mapping.paths import Wild
from devices.registry import Lift, Registry
from devices.vocabulary import Vocabulary
from tests.naive.mapping_values import as_float32, text, value

AHEAD_MS, OLDEST_MS, LATE_MS, MOST = 60_000, 400 * 86_400_000, 120_000, 2_000
Place = tuple[Any, ...]


@dataclass
class Read:
    """samples (lift, ts, values, late), messages (lift, ts, code, state), refused (why, field)."""

    samples: list[tuple[str, int, dict[str, float], bool]] = field(default_factory=list)
    messages: list[tuple[str, int, int, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    rejected: bool = False


@dataclass
class Site:
    """Who asks: the gateway, the registry, the time of receipt, the topic."""

    gateway: str
    registry: Registry
    vocab: Vocabulary
    now_ms: int
    topic: str


def read(one: Mapping, payload: bytes, site: Site) -> Read:
    """Read a payload by a map."""
    found = Read()
    try:
        rows = _csv_rows(one, payload, found) if one.csv else _json_rows(one, payload, found)
    except (ValueError, IndexError, RecursionError, csv.Error):
        found.rejected = True
        found.refused = [("the whole payload", "?")]
        return found
    samples, per_rule = rows
    for row in samples:
        _sample(one, row, site, found)
    for rule, those in zip(one.messages, per_rule, strict=True):
        for row in those:
            _message(rule, row, site, found)
    found.rejected = not found.samples and not found.messages
    return found


# -- rows: {path: (value, name)} --------------------------------------------------------------

Row = dict[Any, tuple[Any, str]]


def _json_rows(one: Mapping, payload: bytes, found: Read) -> tuple[list[Row], list[list[Row]]]:
    document = json.loads(
        payload.decode("utf-8"),
        parse_int=lambda digits: int(digits) if len(digits) <= 40 else float(digits),
    )
    samples = _expand(document, one.sample_paths(), found) if one.fields else []
    return samples, [_expand(document, one.message_paths(rule), found) for rule in one.messages]


def _expand(document: Any, paths: list[Any], found: Read) -> list[Row]:
    """All rows: at the first wildcard of the deepest path go into each entry, then again."""
    rows: list[dict[Any, Any]] = [{path: (document, path, ()) for path in paths}]
    while True:
        open_paths = (
            [p for p in paths if any(isinstance(s, Wild) for s in rows[0][p][1])] if rows else []
        )
        if not open_paths:
            break
        left = {p: sum(isinstance(s, Wild) for s in rows[0][p][1]) for p in open_paths}
        nearest = {p: _nearest(p, rows[0][p][1]) for p in open_paths}
        ways = {nearest[p] for p in open_paths if left[p] == max(left.values())}
        moving = [p for p in open_paths if nearest[p] in ways]
        rows = [new for row in rows for new in _into(row, moving, found)]
        if len(rows) > MOST:
            raise ValueError
    final: list[Row] = []
    for row in rows:
        final.append(
            {p: (_down(v, rest, found), _name(p, place)) for p, (v, rest, place) in row.items()}
        )
    return final


def _nearest(path: Any, rest: Any) -> Any:
    """The path up to its next wildcard."""
    at = next(i for i, s in enumerate(rest) if isinstance(s, Wild))
    return path[: len(path) - len(rest) + at + 1]


def _into(row: dict[Any, Any], moving: list[Any], found: Read) -> list[dict[Any, Any]]:
    """Open the next wildcard of all `moving` paths; shallower ones on the same way follow."""
    entries: dict[Any, list[tuple[Any, Any]]] = {}
    seen: dict[Any, Any] = {}
    for path in moving:
        value, rest, place = row[path]
        at = next(i for i, s in enumerate(rest) if isinstance(s, Wild))
        key = _nearest(path, rest)
        if key not in seen:
            inner, keyed = _down(value, rest[:at], found), rest[at].kind != "[*]"
            if keyed:
                right = isinstance(inner, dict)
                seen[key] = list(inner.items()) if right else None
            else:
                right = isinstance(inner, list)
                seen[key] = list(enumerate(inner)) if right else None
            if not right and inner is not None:
                found.refused.append(("wrong_type", "?"))
        entries[path] = seen[key]
    n = max((len(e) for e in seen.values() if e is not None), default=0)
    bad = {k for k, e in seen.items() if e is not None and len(e) not in (n, 0)}
    found.refused += [("length_mismatch", "?")] * len(bad)
    result = []
    for i in range(n):
        new = dict(row)
        for path in moving:
            value, rest, place = row[path]
            at = next(j for j, s in enumerate(rest) if isinstance(s, Wild))
            key = _nearest(path, rest)
            those = entries[path]
            if those is None or key in bad or not those:
                new[path] = (None, rest[at + 1 :], (*place, i))
            else:
                name, inner = those[i]
                is_key = rest[at].kind != "[*]" and at == len(rest) - 1
                new[path] = (name if is_key else inner, rest[at + 1 :], (*place, name))
        result.append(new)
    return result


def _down(value: Any, steps: Any, found: Read) -> Any:
    for step in steps:
        if value is None:
            return None
        if isinstance(step, int):
            if not isinstance(value, list):
                found.refused.append(("wrong_type", "?"))
                return None
            value = value[step] if step < len(value) else None
        else:
            if not isinstance(value, dict):
                found.refused.append(("wrong_type", "?"))
                return None
            value = value.get(step)
    return value


def _name(path: Any, place: Place) -> str:
    text, places = "", list(place)
    for step in path:
        if isinstance(step, Wild):
            at = places.pop(0)
            text += f"[{at}]" if step.kind == "[*]" else f".{at}"
        else:
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _csv_rows(one: Mapping, payload: bytes, found: Read) -> tuple[list[Row], list[list[Row]]]:
    form = one.csv
    assert form is not None
    reader = csv.reader(
        io.StringIO(payload.decode(form.encoding), newline=""),
        delimiter=form.delimiter,
        strict=True,
    )
    lines = [(reader.line_num, cells) for cells in reader if cells]
    header = list(form.columns or lines[0][1])
    if form.header:
        lines = lines[1:]
    needed = [p[0] for p in (one.lift.path, one.time.path) if p is not None]
    if len(set(header)) != len(header) or any(n not in header for n in needed) or len(lines) > MOST:
        raise ValueError
    rows: list[Row] = []
    paths = one.sample_paths() + [p for rule in one.messages for p in one.message_paths(rule)]
    for number, cells in lines:
        if len(cells) != len(header):
            found.refused.append(("length_mismatch", f"line {number}"))
            continue
        named = dict(zip(header, cells, strict=True))
        rows.append({p: (named.get(p[0]) or None, f"line {number}, {p[0]}") for p in paths})
    return (rows if one.fields else []), [rows for _ in one.messages]


# -- one row ----------------------------------------------------------------------------------


def _sample(one: Mapping, row: Row, site: Site, found: Read) -> None:
    if all(row[rule.path][0] is None for rule in one.fields):
        return
    lift = _lift(one.lift, row, site, found)
    if lift is None:
        return
    ts = _time(one.time, row, site, found)
    if ts is None:
        return
    values: dict[str, float] = {}
    for rule in one.fields:
        raw, name = row[rule.path]
        number, reason = value(rule, raw, lift)
        if reason:
            found.refused.append((reason, name))
        if number is not None and not (rule.fallback and rule.channel.name in values):
            values[rule.channel.name] = number
    if values:
        for index, constant in one.constants.items():
            values[site.vocab.channels[index].name] = as_float32(constant)
        found.samples.append((lift.reg_code, ts, values, ts < site.now_ms - LATE_MS))


def _lift(rule: LiftRule, row: Row, site: Site, found: Read) -> Lift | None:
    name = "topic"
    raw: Any = rule.constant
    if rule.path is not None:
        raw, name = row[rule.path]
    elif rule.level is not None:
        raw = site.topic.split("/")[rule.level]
    if raw is None or raw == "":
        found.refused.append(("missing_field", name))
        return None
    if isinstance(raw, bool) or not isinstance(raw, (int, str)):
        found.refused.append(("wrong_type", name))
        return None
    text = str(raw)
    if rule.key == "alias":
        those = [x for x in site.registry.lifts if x.reg_code == rule.alias.get(text)]
    else:
        those = [x for x in site.registry.lifts if getattr(x, rule.key) == text]
    if len(those) != 1:
        found.refused.append(("unknown_lift", name))
        return None
    if those[0].gateway != site.gateway:
        found.refused.append(("wrong_gateway", name))
        return None
    return those[0]


def _time(rule: TimeRule, row: Row, site: Site, found: Read) -> int | None:
    if rule.path is None:
        return site.now_ms
    raw, name = row[rule.path]
    if raw is None or raw == "":
        found.refused.append(("missing_field", name))
        return None
    ts = _moment(rule, raw)
    reason = None
    if ts is None:
        reason = "wrong_type"
    elif ts > site.now_ms + AHEAD_MS:
        reason = "clock_ahead"
    elif ts < site.now_ms - OLDEST_MS:
        reason = "too_old"
    if reason:
        found.refused.append((reason, name))
        return None
    return ts


def _moment(rule: TimeRule, raw: Any) -> int | None:
    """Epoch ms of the forms that the tests use."""
    scale = {"s": 1000.0, "ms": 1.0, "us": 0.001}.get(rule.format)
    if scale is not None:
        if isinstance(raw, str):
            if not re.fullmatch(r"-?[0-9]{1,19}(\.[0-9]{1,9})?", raw.strip()):
                return None
            raw = float(raw) if "." in raw else int(raw)
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not math.isfinite(raw):
            return None
        return math.floor(raw * scale) if abs(raw) < 2**62 else None
    if not isinstance(raw, str):
        return None
    try:
        if rule.format == "iso":
            moment = datetime.fromisoformat(raw.strip().replace("Z", "+00:00"))
        else:
            moment = datetime.strptime(raw.strip(), rule.format)  # noqa: DTZ007 - zone below
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=rule.zone)
    return math.floor((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 + 1e-6)


def _message(rule: MessageRule, row: Row, site: Site, found: Read) -> None:
    raw, name = row[rule.path]
    said_code = text(raw)
    if raw is None or raw == "" or said_code in rule.ignored:
        return
    lift = _lift(rule.lift, row, site, found)
    if lift is None:
        return
    ts = _time(rule.time, row, site, found)
    state: str | None = rule.always
    if rule.state is not None:
        said, state_name = row[rule.state]
        state = rule.states.get(text(said) or "?")
        if state is None:
            found.refused.append(
                ("missing_field" if said is None else "unmapped_value", state_name)
            )
    codes = _codes(rule, raw, lift, site)
    if not codes:
        found.refused.append(("unknown_code", name))
    if ts is not None and state is not None:
        found.messages += [
            (lift.reg_code, ts, code, "off" if ends else state) for code, ends in codes
        ]


def _codes(rule: MessageRule, raw: Any, lift: Lift, site: Site) -> list[tuple[int, bool]]:
    if rule.codes is None:
        said = text(raw) or ""
        known = said.isdecimal() and int(said) in site.vocab.messages
        return [(int(said), False)] if known else []
    if isinstance(raw, bool) or not isinstance(raw, (int, str)):
        return []
    theirs = str(raw).strip() if isinstance(raw, str) else str(raw).zfill(rule.codes.width)
    kind = "escalator" if lift.type in ("escalator", "walkway") else "lift"
    if theirs in rule.codes.no_fault:
        mine = {code.ours for code in rule.codes.codes}
        return [
            (code, True)
            for code, told in sorted(site.vocab.messages.items())
            if code in mine and told.kind == "fault" and told.device == kind
        ]
    theirs = (rule.escalator_prefix if kind == "escalator" else rule.prefix) + theirs
    return [(code.ours, False) for code in rule.codes.codes if code.theirs == theirs]
