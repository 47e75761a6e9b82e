"""Generators of GB/T 24476 style payloads, and of a JSON and a CSV mapping, for `_payloads`."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import orjson

from benchmarks._payloads import GATEWAY, NOW, Bench, Generator, Load
from devices.codes import find_code_map
from devices.vocabulary import Kind

_LOCAL = timezone(timedelta(hours=8))
_HEAD = 'topic = "x/{{gateway}}"\n{form}[lift]\npath = "{lift}"\n[time]\npath = "{time}"\n'


def _mapped(bench: Bench, name: str, head: str, at: str, end: str = "") -> Bench:
    """Write a map of all channels into the bench's folder."""
    bench.folder.mkdir(exist_ok=True)
    fields = "".join(
        f'[[field]]\npath = "{at}{c.name}{end}"\nchannel = "{c.name}"\n' for c in bench.channels
    )
    (bench.folder / f"{name}.toml").write_text(head + fields, "utf-8")
    return bench


def _load(bench: Bench, name: str, payload: bytes, n: int) -> Load:
    routes = bench.routes(maps=(bench.folder / f"{name}.toml",))
    return Load(routes, [(f"x/{GATEWAY}", payload)], n, "orjson", orjson.loads)


def mapping_json(bench: Bench, times: int) -> Load:
    """A mapping of {"data": [{"id": …, "ts": …, "v": {…}}]}."""
    head = _HEAD.format(form="", lift="data[*].id", time="data[*].ts")
    _mapped(bench, "json", head, "data[*].v.")
    data = [
        {"id": code, "ts": NOW - 1000 * i, "v": bench.values()}
        for i in range(times)
        for code in bench.codes
    ]
    return _load(bench, "json", orjson.dumps({"data": data}), len(data))


def mapping_json_columns(bench: Bench, times: int) -> Load:
    """A mapping of {"ids": […], "ts": […], "v": {"speed": […]}}: arrays beside each other."""
    head = _HEAD.format(form="", lift="ids[*]", time="ts[*]")
    _mapped(bench, "columns", head, "v.", "[*]")
    ids = bench.codes * times
    ts = [NOW - 1000 * (i // len(bench.codes)) for i in range(len(ids))]
    body = {"ids": ids, "ts": ts, "v": bench.columns(len(ids))}
    return _load(bench, "columns", orjson.dumps(body), len(ids))


def mapping_csv(bench: Bench, times: int) -> Load:
    """A mapping of lines with a header."""
    head = _HEAD.format(form='format = "csv"\n', lift="id", time="ts")
    _mapped(bench, "csv", head, "")
    lines = ["id,ts," + ",".join(c.name for c in bench.channels)]
    for i in range(times):
        for code in bench.codes:
            cells = ",".join(map(str, bench.values().values()))
            lines.append(f"{code},{NOW - 1000 * i},{cells}")
    load = _load(bench, "csv", "\n".join(lines).encode(), len(lines) - 1)

    def parse(raw: bytes) -> object:
        return list(csv.reader(io.StringIO(raw.decode(), newline="")))

    return Load(load.routes, load.messages, load.lift_samples, "csv.reader", parse)


def gbt24476(bench: Bench, times: int) -> Load:
    """GB/T 24476 style status of the Chongqing map: an array of objects of its 7 fields."""
    codes = find_code_map("chongqing", bench.vocab)
    rows = []
    for i in range(times):
        said = datetime.fromtimestamp(NOW / 1000 - i, UTC).astimezone(_LOCAL)
        for code in bench.codes:
            values = bench.values()
            row: dict[str, object] = {codes.lift: code, codes.status.time: f"{said:%F %T}"}
            for field in codes.status.fields:
                value, kind = values[field.channel], bench.vocab.by_name[field.channel].kind
                row[field.name] = bool(value) if kind is Kind.BOOL else value
            rows.append(row)
    topic = codes.topic.replace("{gateway}", GATEWAY).replace("{kind}", "status")
    payload = orjson.dumps(rows)
    routes = bench.routes("gbt24476-chongqing")
    return Load(routes, [(topic, payload)], len(rows), "orjson", orjson.loads)


GENERATORS: dict[str, Generator] = {
    "gbt24476": gbt24476,
    "mapping_json": mapping_json,
    "mapping_json_columns": mapping_json_columns,
    "mapping_csv": mapping_csv,
}
