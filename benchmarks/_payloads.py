"""One generator a codec: payloads as a gateway sends them, for the benchmark and for fuzzing.

A new codec adds a function and a line to GENERATORS. It gets a small site and how many lifts and
moments to tell of, and returns what a gateway would publish.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
import orjson

from config.settings import Ingest
from devices.codecs import Limits, Routes, Setup, build_routes
from devices.codecs.packed import encode_packed
from devices.registry import Gateway, Lift, Registry
from devices.vocabulary import Channel, Kind, Vocabulary, load_vocabulary

NOW = 1_767_225_600_000
GATEWAY = "gw-01"
CHANNELS = 20
_ENVELOPE = {"v": 1, "boot": NOW, "seq": 1}


def _lift(code: str) -> Lift:
    return Lift(code, "", "", "", "", "", "", GATEWAY, "", 1.75, 1000, 1, 20, "", 1.0, 0, 0)


def _value(channel: Channel, rng: random.Random) -> float:
    if channel.kind is Kind.FLOAT:
        return round(rng.uniform(channel.lo, channel.hi), 3)
    return rng.randint(int(channel.lo), int(channel.hi))


class Bench:
    """A site of one gateway: its lifts, the first 20 channels, values within their ranges.

    `folder` is where a dialect may look for files of the site, or write them beforehand.
    """

    def __init__(self, lifts: int, folder: Path = Path("no such folder"), seed: int = 1) -> None:
        self.vocab: Vocabulary = load_vocabulary()
        self.limits = Limits()
        self.codes = [f"{31105001992014000001 + i}" for i in range(lifts)]
        self.registry = Registry([_lift(code) for code in self.codes], [Gateway(GATEWAY, "", "")])
        self.channels = self.vocab.channels[:CHANNELS]
        self.folder, self.rng = folder, random.Random(seed)

    def setup(self, *dialects: str, maps: tuple[Path, ...] = ()) -> Setup:
        """Return what routes are built from."""
        ingest = Ingest(dialects=list(dialects), maps=list(maps))
        return Setup(self.registry, self.vocab, self.folder, ingest)

    def routes(self, *dialects: str, maps: tuple[Path, ...] = ()) -> Routes:
        """Return the routes with these dialects switched on."""
        return build_routes(self.setup(*dialects, maps=maps))

    def values(self) -> dict[str, float]:
        """Return one value a channel."""
        return {channel.name: _value(channel, self.rng) for channel in self.channels}

    def columns(self, n: int) -> dict[str, list[float]]:
        """Return n values a channel."""
        return {c.name: [_value(c, self.rng) for _ in range(n)] for c in self.channels}


@dataclass(frozen=True)
class Load:
    """What a gateway publishes, in order; `before`: once, at first (births).

    `parser` alone on the same bytes is what decoding is compared with.
    """

    routes: Routes
    messages: list[tuple[str, bytes]]
    lift_samples: int
    parser: str
    parse: Callable[[bytes], object]
    before: tuple[tuple[str, bytes], ...] = ()


Generator = Callable[[Bench, int], Load]


def _ours(bench: Bench, body: object, n: int) -> Load:
    topic = f"lift/v1/{GATEWAY}/telemetry"
    return Load(bench.routes(), [(topic, orjson.dumps(body))], n, "orjson", orjson.loads)


def columns(bench: Bench, times: int) -> Load:
    """JSON columns: every lift at each moment."""
    lifts = bench.codes * times
    ts = [NOW - 1000 * (i // len(bench.codes)) for i in range(len(lifts))]
    said = {"ts": ts if times > 1 else NOW, "lifts": lifts, "columns": bench.columns(len(lifts))}
    return _ours(bench, _ENVELOPE | said, len(lifts))


def columns_half_null(bench: Bench, times: int) -> Load:
    """JSON columns in which every other value is absent."""
    lifts = bench.codes * times
    said = {
        name: [v if bench.rng.random() < 0.5 else None for v in column]
        for name, column in bench.columns(len(lifts)).items()
    }
    body = _ENVELOPE | {"ts": NOW, "lifts": lifts, "columns": said}
    return _ours(bench, body, len(lifts))


def columns_one_refused(bench: Bench, times: int) -> Load:
    """JSON columns with one value out of range: the careful path."""
    lifts = bench.codes * times
    said = bench.columns(len(lifts))
    said["speed"][0] = 99.0
    return _ours(bench, _ENVELOPE | {"ts": NOW, "lifts": lifts, "columns": said}, len(lifts))


def rows(bench: Bench, times: int) -> Load:
    """JSON rows: one lift, as many samples in one message as the others have."""
    n = len(bench.codes) * times
    samples = [{"ts": NOW - i, "values": bench.values()} for i in range(n)]
    return _ours(bench, _ENVELOPE | {"lift": bench.codes[0], "samples": samples}, n)


def rows_half_null(bench: Bench, times: int) -> Load:
    """JSON rows in which every other value is null."""
    load = rows(bench, times)
    ((topic, payload),) = load.messages
    body = orjson.loads(payload)
    for sample in body["samples"]:
        said = sample["values"]
        sample["values"] = {k: v if bench.rng.random() < 0.5 else None for k, v in said.items()}
    return replace(load, messages=[(topic, orjson.dumps(body))])


def row(bench: Bench, times: int) -> Load:
    """One lift, one sample a message: no batch, the form to begin with."""
    body = {"lift": bench.codes[0], "ts": NOW, "values": bench.values()}
    return _ours(bench, _ENVELOPE | body, 1)


def packed(bench: Bench, times: int) -> Load:
    """The packed form, fractions to three digits."""
    lifts = bench.codes * times
    ts = [NOW - 1000 * (i // len(bench.codes)) for i in range(len(lifts))]
    decimals = {c.name: 3 for c in bench.channels if c.kind is Kind.FLOAT}
    payload = encode_packed(
        bench.vocab, NOW, 1, ts, lifts, bench.columns(len(lifts)), decimals=decimals
    )

    def parse(raw: bytes) -> object:
        return crc32(raw), np.frombuffer(raw, np.uint8).astype(np.float32)

    topic = f"lift/v1/{GATEWAY}/telemetry"
    name = "crc32 and frombuffer"
    return Load(bench.routes(), [(topic, payload)], len(lifts), name, parse)


def thingsboard(bench: Bench, times: int) -> Load:
    """ThingsBoard's gateway API: every lift a device, an entry a moment."""
    body = {
        code: [{"ts": NOW - 1000 * i, "values": bench.values()} for i in range(times)]
        for code in bench.codes
    }
    topic, n = f"tb/{GATEWAY}/v1/gateway/telemetry", len(bench.codes) * times
    routes = bench.routes("thingsboard")
    return Load(routes, [(topic, orjson.dumps(body))], n, "orjson", orjson.loads)


def thingsboard_one_refused(bench: Bench, times: int) -> Load:
    """As above, one sensor of one lift broken."""
    load = thingsboard(bench, times)
    ((topic, payload),) = load.messages
    body = orjson.loads(payload)
    body[bench.codes[0]][0]["values"]["speed"] = 99
    return replace(load, messages=[(topic, orjson.dumps(body))])


GENERATORS: dict[str, Generator] = {
    "packed": packed,
    "columns": columns,
    "columns_half_null": columns_half_null,
    "columns_one_refused": columns_one_refused,
    "rows": rows,
    "rows_half_null": rows_half_null,
    "row": row,
    "thingsboard": thingsboard,
    "thingsboard_one_refused": thingsboard_one_refused,
}

from benchmarks import _codec_sparkplug, _dialect_maps  # noqa: E402 - they build on what is above

GENERATORS |= _dialect_maps.GENERATORS | _codec_sparkplug.GENERATORS
