"""What becomes of a payload: values and sources, what was refused and why, what nobody reads."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from devices.batch import STATE_OFF, STATE_ON, Decoded, Refusal, RejectedMessage
from devices.codecs.context import Context
from devices.codecs.limits import Limits
from devices.codecs.mapping.model import Mapping
from devices.codecs.mapping.paths import Path, Wild, shown
from devices.codecs.routes import GATEWAY, Found, Routes
from devices.codecs.values import plan_of
from devices.registry import Gateway, Lift, Registry
from devices.vocabulary import Kind, Vocabulary

STATES = {STATE_OFF: "off", STATE_ON: "on"}
TRIES = 30  # of finding the lifts of a payload without a site, up to 100 at a time


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it is taken: channel, our value (by its name where it has one), unit, source."""

    channel: str
    value: float | bool | str
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One lift at one moment."""

    lift: str
    ts_ms: int
    late: bool
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Told:
    """One message of a controller."""

    lift: str
    ts_ms: int
    code: int
    state: str


@dataclass(slots=True)
class Trial:
    """The outcome. `fast`: read the fast way. unread: paths of the payload that no rule names;
    silent: paths of the map that the payload does not have."""

    codec: str
    topic: str
    gateway: str
    fast: bool = False
    rejected: bool = False
    timed: bool = True
    samples: list[Sample] = field(default_factory=list)
    messages: list[Told] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def attempt(
    routes: Routes,
    topic: str,
    payload: bytes,
    now_ms: int,
    registry: Registry,
    vocab: Vocabulary,
    limits: Limits,
) -> Trial | None:
    """Read a payload as the service would; None for a topic that no route reads."""
    found = routes.find(topic, payload)
    if found is None:
        return None
    codec = found.route.codec(payload)
    one = mapping_of(codec)
    trial = Trial(codec.name, topic, found.gateway or "")
    number = registry.gateway_index.get(trial.gateway, -1)
    context = Context(
        number, now_ms, registry, plan_of(vocab), limits, topic, found.route.memory
    )  # fmt: skip
    try:
        quick = codec.fast(payload, context)
        trial.fast = quick is not None
        _tell(trial, quick or codec.careful(payload, context), one, registry, vocab)
    except RejectedMessage as rejection:
        trial.rejected, trial.refused = True, rejection.refusals
    if one is not None:
        trial.unread, trial.silent = _unread(one, payload)
    return trial


def mapping_of(codec: Any) -> Mapping | None:
    """Return the map behind a codec, None where it has none."""
    owner = getattr(codec.careful, "__self__", None)
    one = getattr(owner, "map", None)
    return one if isinstance(one, Mapping) else None


def maps_of(routes: Routes) -> Iterator[tuple[Found, Mapping]]:
    """Give every map of some routes with its route."""
    for dialect in routes.dialects:
        for route in dialect.routes:
            for codec in route.codecs:
                one = mapping_of(codec)
                if one is not None:
                    yield Found(route, None), one


def _tell(
    trial: Trial, decoded: Decoded, one: Mapping | None, registry: Registry, vocab: Vocabulary
) -> None:
    trial.refused, trial.timed = decoded.refusals, decoded.timed
    batch = decoded.batch
    sources = {rule.channel.name: rule.label for rule in reversed(one.fields if one else ())}
    constants = one.constants if one else {}
    for i in range(len(batch)):
        values = []
        for channel in vocab.channels:
            number = float(batch.values[i, channel.index])
            if math.isnan(number):
                continue
            value: float | bool | str = float(f"{number:.7g}")
            if channel.kind is Kind.BOOL:
                value = bool(number)
            elif channel.values:
                value = channel.values[int(number)].name
            source = sources.get(channel.name, "constants" if channel.index in constants else "")
            values.append(Value(channel.name, value, channel.unit, source))
        lift = registry.lift(int(batch.lift[i])).reg_code
        trial.samples.append(Sample(lift, int(batch.ts_ms[i]), bool(batch.late[i]), values))
    rows = batch.messages
    for i in range(len(rows)):
        lift = registry.lift(int(rows.lift[i])).reg_code
        state = STATES.get(int(rows.state[i]), "once")
        trial.messages.append(Told(lift, int(rows.ts_ms[i]), int(rows.code[i]), state))


# -- what nobody reads ------------------------------------------------------------------------


def _unread(one: Mapping, payload: bytes) -> tuple[list[str], list[str]]:
    """Return the paths that are only in the payload, and those only in the map."""
    wanted = {shown(path) for path in _paths(one)}
    there = dict.fromkeys(_csv_paths(one, payload) if one.csv else _json_paths(one, payload))
    return [path for path in there if path not in wanted], sorted(wanted - set(there))


def _paths(one: Mapping) -> Iterable[Path]:
    yield from one.sample_paths() if one.fields else ()
    for rule in one.messages:
        yield from one.message_paths(rule)


def _csv_paths(one: Mapping, payload: bytes) -> Iterator[str]:
    form = one.csv
    if form is None:
        return
    try:
        text = payload.decode(form.encoding)
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return
    yield from form.columns or first


def _json_paths(one: Mapping, payload: bytes) -> Iterator[str]:
    keyed = [path for path in _paths(one) if any(_is_keyed(step) for step in path)]
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return
    yield from _leaves(document, "", {_up_to_key(path) for path in keyed})
    yield from {_up_to_key(path) + ".{lift}" for path in keyed}


def _is_keyed(step: object) -> bool:
    return isinstance(step, Wild) and step.kind != "[*]"


def _up_to_key(path: Path) -> str:
    return shown(path[: next(i for i, step in enumerate(path) if _is_keyed(step))])


def _leaves(value: Any, path: str, keyed: set[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            name = "{lift}" if path in keyed else key
            yield from _leaves(inner, f"{path}.{name}".removeprefix("."), keyed)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[*]", keyed)
        if not value:
            yield f"{path}[*]"
    else:
        yield path


# -- without a site ---------------------------------------------------------------------------


def invented(
    routes: Routes, topic: str, payload: bytes, now_ms: int, vocab: Vocabulary
) -> Registry:
    """Return a registry in which every lift that a payload names is known.

    For trying a map before there is a site: rated load 1000 kg, floors −10 to 200.
    """
    found = routes.find(topic, payload)
    gateway = (found.gateway if found else None) or "gw"
    key, alias = "reg_code", {}
    for _, one in maps_of(routes):
        key, alias = one.lift.key, dict(one.lift.alias)
    names: list[str] = []
    for _ in range(TRIES):
        registry = _registry(gateway, key, alias, names)
        trial = attempt(routes, topic, payload, now_ms, registry, vocab, Limits())
        refused = trial.refused if trial else []
        new = {r.lift for r in refused if r.reason == "unknown_lift" and r.lift} - set(names)
        new = {name for name in new if key != "alias" or name in alias}
        if not new:
            break
        names += sorted(new)
    return registry


def _registry(gateway: str, key: str, alias: dict[str, str], names: list[str]) -> Registry:
    lifts = []
    for i, name in enumerate(names):
        code = alias.get(name, name) if key in ("alias", "reg_code") else f"{i:020d}"
        lifts.append(
            Lift(
                code, name if key == "rescue_code" else "", name if key == "name" else "",
                "", "", "", "", gateway, "", 1.75, 1000.0, -10, 200, "", 1.0, 0.0, 0.0,
            )
        )  # fmt: skip
    unique = {lift.reg_code: lift for lift in lifts}
    return Registry(list(unique.values()), [Gateway(gateway, "", "")])


def topics_of(routes: Routes, gateway: str, lift: str) -> list[str]:
    """Return a topic of each route, its levels filled in."""
    found = []
    for dialect in routes.dialects:
        for route in dialect.routes:
            one = next((m for c in route.codecs if (m := mapping_of(c))), None)
            text = one.topic if one is not None else route.filter
            text = text.replace(GATEWAY, gateway).replace("{lift}", lift)
            found.append(text.replace("+", "x").replace("#", "x"))
    return found
