"""The mapping codec against its naive twin: what a payload says is the same, flaws included."""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.batch import RejectedMessage
from tests.devices.mapping.maps import MAPS, carefully, codec, context, dumps, fast, slowly
from tests.devices.wire import NOW, code

EXAMPLES = int(os.environ.get("LIFTWATCH_FUZZ", "30"))
ODD = [None, True, False, "1", "2", "UP", "running", "normal", "", "x", [], {}, 1.5, 0, 3, 1e300]
ODD += [float("nan"), float("inf"), -1e9, 10**60, "1.5", " 7 ", "1e2", "01", "null", "nan", "true"]
LIFTS = [code(i) for i in range(5)]


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def local(ms: int) -> str:
    zone = timezone(timedelta(hours=8))
    return datetime.fromtimestamp(ms // 1000, zone).strftime("%Y-%m-%d %H:%M:%S")


@st.composite
def values(draw: st.DrawFn, flawed: bool, quoted: bool = False) -> dict[str, Any]:
    """What one sample says in the words of these maps."""
    made: dict[str, Any] = {
        "speed": st.floats(-20_000, 20_000, width=32),
        "floor": st.integers(-10, 200),
        "zone": st.sampled_from([1, 2, "1", "2"] if not quoted else ["1", "2"]),
        "dir": st.sampled_from(["UP", "DN", "--", "?"]),
        "load": st.integers(0, 1500),
        "temp": st.sampled_from(["32", "212", "98.6", "-40"]),
        "mode": st.integers(0, 7),
        "door": st.booleans(),
        "door2": st.booleans(),
        "unmapped": st.just("whatever"),
    }
    names = draw(st.lists(st.sampled_from(sorted(made)), unique=True, max_size=10))
    found = {name: draw(made[name] | st.none()) for name in names}
    if quoted:
        found = {k: str(v).lower() if isinstance(v, bool) else v for k, v in found.items()}
        found = {k: v if v is None or isinstance(v, str) else str(v) for k, v in found.items()}
    if flawed and names:
        for name in draw(st.lists(st.sampled_from(names), max_size=3)):
            found[name] = draw(st.sampled_from(ODD))
    return found


TIMES = [NOW, NOW - 500, NOW - 120_000, NOW - 121_000, NOW + 60_000]
FLAWED_TIMES = [*TIMES, NOW + 61_000, 5, NOW - 401 * 86_400_000]


@st.composite
def documents(draw: st.DrawFn, name: str, flawed: bool) -> Any:
    """A payload of one of the maps."""
    time = st.sampled_from(FLAWED_TIMES if flawed else TIMES)
    odd = st.sampled_from(ODD) if flawed else st.nothing()
    if name == "nested":
        lift = st.sampled_from([f"{100000 + i}" for i in range(4)])
        sample = st.fixed_dictionaries({"t": time | odd, "v": values(flawed)})
        fault = st.fixed_dictionaries(
            {
                "code": st.sampled_from([1, "08", 8, 88, 0, "00"]) | odd,
                "st": st.sampled_from([0, 1, "1"]) | odd,
                "t": time | odd,
            }
        )
        entry = st.fixed_dictionaries(
            {"id": lift | odd},
            optional={
                "samples": st.lists(sample, max_size=3),
                "faults": st.lists(fault, max_size=2),
            },
        )
        return {"lifts": draw(st.lists(entry, max_size=3)), "more": 1}
    lift = st.sampled_from(LIFTS)
    if name == "rows":
        made = draw(st.lists(values(flawed), max_size=4))
        stamp = time.map(iso) | odd
        return [{"id": draw(lift | odd), "t": draw(stamp), **row} for row in made]
    if name == "keyed":
        ids = draw(st.lists(lift, unique=True, max_size=3))
        return {"lifts": {i: {"t": draw(time | odd), **draw(values(flawed))} for i in ids}}
    if name == "single":
        codes = st.sampled_from([0, "0", 93, "8"]) | odd
        row = draw(values(flawed, quoted=True))
        return {"t": draw(time.map(local) | odd), "code": draw(codes), **row}
    n = draw(st.integers(0, 4))
    rows = [draw(values(flawed)) for _ in range(n)]
    names = {name for row in rows for name in row}
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in sorted(names)}
    if flawed and columns and draw(st.booleans()):
        columns[draw(st.sampled_from(sorted(columns)))].append(1)
    ids = [draw(lift | odd) for _ in range(n)]
    return {"ids": ids, "t": draw(time.map(lambda ms: ms / 1000) | odd), "v": columns}


def agree(name: str, payload: bytes) -> None:
    slow, careful, quick = slowly(name, payload), carefully(name, payload), fast(name, payload)
    assert careful.samples == slow.samples
    assert careful.messages == slow.messages
    assert careful.rejected == slow.rejected
    if not any(place == "?" for _, place in slow.refused):
        told = [r for r in careful.refused if r[0] != "more_refused"]
        empty = [("empty", "payload")]
        assert Counter(told) == Counter(slow.refused) or (told == empty and not slow.refused)
    if quick is not None:
        assert quick == careful


JSON = ["nested", "rows", "columns", "keyed", "single"]


@pytest.mark.parametrize("name", JSON)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_json_agrees(name: str, data: st.DataObject) -> None:
    flawed = data.draw(st.booleans())
    agree(name, dumps(data.draw(documents(name, flawed))))


CELLS = ["", "1", "2", "UP", "-3", "1.5", "1,5", " 7", "1e2", "nan", "null", "01", "1.0", "x", "88"]
CELLS += [
    "running",
    "true",
    "1]",
    "[",
    "1_0",
    "１",
    "inf",
    "--",
    "20000",
    "19",
    "normal",
    "8",
    "08",
]


@pytest.mark.parametrize("name", ["csv", "comma", "bare"])
@settings(max_examples=EXAMPLES * 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_csv_agrees(name: str, data: st.DataObject) -> None:
    sign = ";" if name == "comma" else ","
    header = ["id", "t", "speed", "floor", "zone", "dir", "load", "temp", "mode", "door", "code"]
    if name == "bare":
        header = ["id", "t", "junk", "speed", "zone"]
    elif data.draw(st.booleans()):
        header = data.draw(st.permutations(header))[: data.draw(st.integers(0, len(header)))]
    cell = st.sampled_from(data.draw(st.sampled_from([CELLS, ["", "1", "2"], ["1", "2"]])))
    lines = [] if name == "bare" else [sign.join(header)]
    for _ in range(data.draw(st.integers(0, 4))):
        width = data.draw(st.sampled_from([len(header)] * 9 + [len(header) + 1]))
        row = [data.draw(cell) for _ in range(width)]
        for i, column in enumerate(header):
            if column == "id":
                row[i] = data.draw(st.sampled_from(LIFTS))
            if column == "t":
                row[i] = str(data.draw(st.sampled_from(FLAWED_TIMES)))
        lines.append(sign.join(row))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    agree(name, (end.join(lines) + data.draw(st.sampled_from(["", end]))).encode())


def test_what_is_right_is_read_the_fast_way() -> None:
    """A fast path that declines everything would agree with anything."""
    rng = random.Random(5)
    for name in JSON:
        taken = 0
        for _ in range(40):
            row = {"speed": rng.uniform(-9, 9), "floor": 3, "zone": 1, "dir": "UP", "door": True}
            if name == "single":
                row = {"speed": "1.5", "floor": "3", "zone": "1", "dir": "UP", "t": local(NOW)}
            document: Any = {"t": NOW, **row} if name != "single" else row
            if name == "nested":
                document = {"lifts": [{"id": "100001", "samples": [{"t": NOW, "v": row}]}]}
            elif name == "rows":
                document = [{"id": code(1), "t": iso(NOW), **row}]
            elif name == "keyed":
                document = {"lifts": {code(1): document}}
            elif name == "columns":
                document = {
                    "ids": [code(1)],
                    "t": NOW / 1000,
                    "v": {k: [v] for k, v in row.items()},
                }
            quick = fast(name, dumps(document))
            assert quick is not None, name
            assert quick == carefully(name, dumps(document))
            taken += len(quick.samples)
        assert taken == 40
    for name, sign in (("csv", ","), ("comma", ";")):
        text = f"id{sign}t{sign}speed{sign}mode\n{code(1)}{sign}{NOW}{sign}1500{sign}1\n"
        quick = fast(name, text.encode())
        assert quick is not None and quick.samples[0][2] == {"speed": 1.5, "service_mode": 1.0}


@pytest.mark.parametrize("name", sorted(MAPS))
def test_random_bytes_are_a_result_or_a_named_rejection(name: str) -> None:
    rng = random.Random(11)
    seeds = [
        b'{"lifts":[{"id":"100001"}]}',
        b"id,t,speed\n1,2,3\n",
        b'[{"id":1}]',
        b'{"t":1,"v":{}}',
    ]
    for _ in range(EXAMPLES * 30):
        raw = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(0, 8)):
            at = rng.randrange(len(raw) + 1)
            raw[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 4))
        payload = bytes(raw)
        try:
            found = codec(name).fast(payload, context(name))
            found = found or codec(name).careful(payload, context(name))
            assert len(found.batch) or len(found.batch.messages)
        except RejectedMessage as rejection:
            assert rejection.refusals
