"""What else is fuzzed: dialects, code maps and mapping files that no benchmark has use for.

Each gives what `benchmarks/_payloads.py` gives: routes, what goes before, and messages in the
sender's words, so that every branch a payload can reach is reached from something real.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import orjson

from benchmarks._payloads import GATEWAY, NOW, Bench, Load
from devices.codecs.gbt24476 import kinds, topic_of
from devices.codecs.mapping import shipped as shipped_maps
from devices.codecs.mapping.load import FOLDER
from devices.codecs.sparkplug.schema import DataType, Payload
from devices.codes import CodeMap, find_code_map, shipped
from devices.registry import Registry
from tests.devices.mapping.maps import MAPS

_LOCAL = "2026-01-01 08:00:00"
Messages = list[tuple[str, bytes]]


def _load(routes: Any, messages: Messages, before: tuple[tuple[str, bytes], ...] = ()) -> Load:
    return Load(routes, messages, len(messages), "orjson", orjson.loads, before)


def _said(codes: CodeMap, time: str) -> str | int:
    at = datetime.fromtimestamp(NOW / 1000, UTC)
    if codes.time_format in ("ms", "s"):
        return NOW if codes.time_format == "ms" else NOW // 1000
    if codes.time_format == "iso":
        return at.isoformat()
    local = at if codes.zone == "UTC" else at.astimezone(timezone(timedelta(hours=8)))
    return local.strftime(codes.time_format)


def _platform(name: str, bench: Bench, times: int) -> Load:
    """Every kind of message of a code map, in each of its three shapes."""
    codes = find_code_map(name, bench.vocab)
    parts = dict(codes.parts())
    messages: Messages = []
    for kind in kinds(codes):
        topic = topic_of(codes, kind).replace("{gateway}", GATEWAY)
        own = codes.message
        rows: list[dict[str, object]] = []
        for i in range(2 * times):
            head = {codes.lift: bench.codes[i % 3]}
            if kind in parts:
                part = parts[kind]
                head |= {part.time: _said(codes, part.time)}
                for field in part.fields:
                    known = list(field.values or {"1": 1.0})
                    value: object = known[i % len(known)]
                    head[field.name] = value if codes.quoted else _plain(str(value))
            else:
                theirs: object = codes.codes[i % len(codes.codes)].theirs.removeprefix(own.prefix)
                head |= {own.time: _said(codes, own.time)}
                head[own.code] = [theirs] if own.several else theirs
                if own.state is not None:
                    head[own.state] = next(iter(own.states))
            rows.append(head)
        shaped: tuple[object, ...] = (rows, {"data": rows}, rows[0])
        messages += [(topic, orjson.dumps(body)) for body in shaped]
    return _load(bench.routes(f"gbt24476-{name}"), messages)


def _plain(value: str) -> object:
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.lstrip("-").isdigit() else value


def _files(bench: Bench, times: int) -> Load:
    """Mapping files: those of `liftwatch codec init --like`, and more that use every key."""
    lifts = [
        replace(lift, rescue_code=f"{100001 + i}") for i, lift in enumerate(bench.registry.lifts)
    ]
    bench.registry = Registry(lifts, bench.registry.gateways)
    bench.folder.mkdir(exist_ok=True)
    own = [bench.folder / f"{name}.toml" for name in MAPS]
    for file in own:
        first = f'alias = {{ "A" = "{bench.codes[0]}", "B" = "{bench.codes[1]}" }}'
        text = re.sub(r"alias = \{.*\}", first, MAPS[file.stem])
        file.write_text(text, "utf-8")
    files = (*own, *(FOLDER / f"{name}.toml" for name in shipped_maps()))
    coded = [(topic, orjson.dumps(body)) for topic, body in _documents(bench, times)]
    lines = "code;time;door;zone;speed;load;temp\n" + f"100001;{_LOCAL};0;1;1,5;25;31\n" * times
    head = "id,t,speed,floor,zone,dir,load,temp,mode,door,door2,code\n"
    line = f"{bench.codes[0]},{NOW},1500,7,1,UP,250,98.6,1,true,,15\n"
    tables = {
        f"collector/{GATEWAY}/csv": lines,
        f"v/{GATEWAY}": head + line * times,
        f"b/{GATEWAY}": f"{bench.codes[0]},{NOW},x,1.5,1\n" * times,
    }
    coded += [(topic, text.encode()) for topic, text in tables.items()]
    return _load(bench.routes(maps=files), coded)


def _documents(bench: Bench, times: int) -> list[tuple[str, object]]:
    """Return JSON for each of those files, in its sender's words."""
    first, other, _ = bench.codes
    said = {
        "speed": 1500.0, "floor": 3, "zone": "1", "dir": "UP", "load": 250, "temp": "98.6",
        "mode": 1, "door": None, "door2": True,
    }  # fmt: skip
    fault = {"code": "15", "t": NOW, "st": 1}
    nested = {"id": "100001", "samples": [{"t": NOW, "v": said}] * times, "faults": [fault]}
    shown = {"t": NOW, "v": {"speed": 1500, "floor": 3, "dir": "UP", "load": 250, "door": 9}}
    stands = {"code": "15", "since": NOW, "active": True}
    flat = {
        "TY": "Monitor", "time": _LOCAL, "direction": 1, "floor_status": 0, "speed": "1.5",
        "door_status": 0, "has_people": 1, "power_status": 0, "now_floor": 3, "fault_type": 7,
    }  # fmt: skip
    unit = {"id": first, "v": {"speed": 1.5, "dir": "U", "level": 1, "load": 320}, "fault": 93}
    quoted = {k: str(v).lower() if v is True else str(v) for k, v in said.items() if v is not None}
    keyed = {name: said | {"t": NOW} for name in (first, other)}
    return [
        (f"n/{GATEWAY}", {"lifts": [nested, nested | {"id": "100002"}]}),
        (f"r/{GATEWAY}", [said | {"id": first, "t": "2026-01-01T08:00:00.5"}] * times),
        (f"c/{GATEWAY}", {"ids": [first, other], "t": NOW // 1000,
                          "v": {name: [value, None] for name, value in said.items()}}),
        (f"k/{GATEWAY}", {"lifts": keyed}),
        (f"s/{GATEWAY}/A/up", quoted | {"t": _LOCAL, "code": "93"}),
        (f"building/{GATEWAY}/lifts", {"lifts": [
            {"id": "A-1", "samples": [shown] * times, "faults": [stands]}]}),
        (f"terminal/{GATEWAY}/{first}/monitor", flat),
        (f"my-platform/{GATEWAY}/up", {"sent": NOW, "lifts": [unit] * times}),
    ]  # fmt: skip


def _bare(bench: Bench, times: int) -> Load:
    """ThingsBoard's own topics: the sender is found in the payload."""
    body = {code: [{"ts": NOW, "values": bench.values()}] * times for code in bench.codes}
    one = {"device": bench.codes[0]}
    return _load(bench.routes("thingsboard-bare"), [
        ("v1/gateway/telemetry", orjson.dumps(body)),
        ("v1/gateway/attributes", orjson.dumps({bench.codes[0]: {"people": 3, "fw": "1"}})),
        ("v1/gateway/connect", orjson.dumps(one)),
        ("v1/gateway/disconnect", orjson.dumps(one)),
    ])  # fmt: skip


def _session(bench: Bench, times: int) -> Load:
    """A node with a device: births, data by name and by alias, of old, codes, deaths."""
    topic = f"spBv1.0/city/{{}}/{GATEWAY}"
    device = f"{topic}/{bench.codes[0]}"

    def told(seq: int | None, *metrics: dict[str, Any]) -> bytes:
        made = Payload(timestamp=NOW)
        if seq is not None:
            made.seq = seq
        for metric in metrics:
            made.metrics.add(**({"timestamp": NOW} | metric))
        encoded: bytes = made.SerializeToString()
        return encoded

    number = {"name": "bdSeq", "datatype": DataType.INT64, "long_value": 0}
    speed = {"name": "speed", "alias": 1, "datatype": DataType.FLOAT, "float_value": 1.5}
    zone = {"name": "door_zone", "alias": 2, "datatype": DataType.BOOLEAN, "boolean_value": True}
    fault = {"name": "code/93", "alias": 3, "datatype": DataType.BOOLEAN, "boolean_value": False}
    text = {"name": "fw", "alias": 4, "datatype": DataType.STRING, "string_value": "1.2"}
    node, born = told(0, number), told(1, speed, zone, fault, text)
    old = {"alias": 1, "float_value": 0.5, "is_historical": True, "timestamp": NOW - 60_000}
    messages = [
        (topic.format("NBIRTH"), node),
        (device.format("DBIRTH"), born),
        (device.format("DDATA"), told(2, {"alias": 1, "float_value": 1.0},
                                      {"alias": 3, "boolean_value": True})),
        (device.format("DDATA"), told(3, *[old] * (60 * times))),
        (device.format("DDATA"), told(4, {"name": "speed", "datatype": 9, "is_null": True}, zone)),
        (topic.format("NDATA"), told(5, {"name": f"{bench.codes[1]}/load", "datatype": 10,
                                         "double_value": 3.0})),
        (device.format("DDEATH"), told(6)),
        (topic.format("NDEATH"), told(None, number)),
    ]  # fmt: skip
    before = ((topic.format("NBIRTH"), node), (device.format("DBIRTH"), born))
    return _load(bench.routes("sparkplug"), messages, before)


MORE: dict[str, Callable[[Bench, int], Load]] = {
    **{f"gbt24476_{name}": partial(_platform, name) for name in shipped()},
    "mapping_files": _files,
    "thingsboard_bare": _bare,
    "sparkplug_session": _session,
}
