"""Payloads for the codecs benchmark: GB/T 24476 style, a JSON mapping and a CSV mapping."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from devices.batch import Decoded
from devices.codecs.context import Context
from devices.codecs.gbt24476 import SHAPES, mapping_of
from devices.codecs.mapping import codec_of, load_mapping
from devices.codecs.mapping.codec import JsonCodec
from devices.codecs.mapping.model import Mapping
from devices.codes import find_code_map
from devices.vocabulary import Channel, Kind, Vocabulary

NOW = 1_767_225_600_000
CHANNELS = 20


@dataclass(frozen=True)
class Case:
    """One measured form: `decode` reads `payload` of `lifts` lift-samples; `parse` only parses."""

    name: str
    lifts: int
    channels: int
    payload: bytes
    decode: Callable[[bytes, Context], Decoded | None]
    parse: Callable[[bytes], object]


def _value(channel: Channel, rng: random.Random) -> float:
    if channel.kind is Kind.FLOAT:
        return round(rng.uniform(channel.lo, channel.hi), 3)
    return rng.randint(int(channel.lo), int(channel.hi))


def _mapping(text: str, vocab: Vocabulary) -> Mapping:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "measured.toml"
        file.write_text(text, "utf-8")
        return load_mapping(file, vocab)


def _fields(channels: list[Channel], at: str) -> str:
    return "".join(
        f'[[field]]\npath = "{at}{c.name}"\nchannel = "{c.name}"\n' for c in channels
    )  # fmt: skip


def cases(lifts: list[str], vocab: Vocabulary) -> list[Case]:
    """Return the cases for these lifts, one sample each, 20 channels where the format has them."""
    rng = random.Random(2)
    channels = list(vocab.channels[:CHANNELS])
    rows = [{c.name: _value(c, rng) for c in channels} for _ in lifts]
    return [_gbt(lifts, vocab, rng), _json(lifts, rows, channels, vocab),
            _columns(lifts, rows, channels, vocab), _csv(lifts, rows, channels, vocab)]  # fmt: skip


def _gbt(lifts: list[str], vocab: Vocabulary, rng: random.Random) -> Case:
    codes = find_code_map("chongqing", vocab)
    codec = JsonCodec(mapping_of(codes, "status", SHAPES[0][1], vocab))
    body: list[dict[str, Any]] = []
    for code in lifts:
        row: dict[str, Any] = {"Registration_Code": code, "Time_Stamps": "2026-01-01 08:00:00"}
        for field in codes.status.fields:
            channel = vocab.by_name[field.channel]
            value = _value(channel, rng)
            row[field.name] = bool(value) if channel.kind is Kind.BOOL else value
        body.append(row)
    payload = orjson.dumps(body)
    size = len(codes.status.fields)
    return Case("gbt24476", len(lifts), size, payload, codec.fast, orjson.loads)


def _json(
    lifts: list[str], rows: list[dict[str, float]], channels: list[Channel], vocab: Vocabulary
) -> Case:
    text = 'topic = "x/{gateway}"\n[lift]\npath = "data[*].id"\n[time]\npath = "data[*].ts"\n'
    codec = codec_of(_mapping(text + _fields(channels, "data[*].v."), vocab))
    data = [{"id": c, "ts": NOW, "v": row} for c, row in zip(lifts, rows, strict=True)]
    payload = orjson.dumps({"data": data})
    return Case("mapping_json", len(lifts), CHANNELS, payload, codec.fast, orjson.loads)


def _columns(
    lifts: list[str], rows: list[dict[str, float]], channels: list[Channel], vocab: Vocabulary
) -> Case:
    text = 'topic = "x/{gateway}"\n[lift]\npath = "ids[*]"\n[time]\npath = "ts"\n'
    fields = _fields(channels, "v.").replace('"\nchannel', '[*]"\nchannel')
    codec = codec_of(_mapping(text + fields, vocab))
    columns = {c.name: [row[c.name] for row in rows] for c in channels}
    payload = orjson.dumps({"ids": lifts, "ts": NOW, "v": columns})
    return Case("mapping_json_columns", len(lifts), CHANNELS, payload, codec.fast, orjson.loads)


def _csv(
    lifts: list[str], rows: list[dict[str, float]], channels: list[Channel], vocab: Vocabulary
) -> Case:
    text = 'format = "csv"\ntopic = "x/{gateway}"\n[lift]\npath = "id"\n[time]\npath = "ts"\n'
    codec = codec_of(_mapping(text + _fields(channels, ""), vocab))
    lines = ["id,ts," + ",".join(c.name for c in channels)]
    for code, row in zip(lifts, rows, strict=True):
        lines.append(f"{code},{NOW}," + ",".join(map(str, row.values())))
    payload = "\n".join(lines).encode()

    def parse(raw: bytes) -> object:
        return list(csv.reader(io.StringIO(raw.decode(), newline="")))

    return Case("mapping_csv", len(lifts), CHANNELS, payload, codec.fast, parse)
