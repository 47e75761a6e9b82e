"""GB/T 24476 style: each platform in its own words, the same thing understood."""

from __future__ import annotations

import dataclasses
import json
import random
from functools import cache
from typing import Any

import pytest

from devices.batch import Decoded, RejectedMessage
from devices.codecs import decode
from devices.codecs.context import Context
from devices.codecs.gbt24476 import SHAPES, kinds, mapping_of, topic_of
from devices.codecs.mapping.codec import JsonCodec
from devices.codecs.mapping.dialect import dialect_names, platform_dialect
from devices.codecs.routes import Routes
from devices.codecs.values import plan_of
from devices.codes import CodeMap, find_code_map, shipped
from devices.codes.__main__ import example
from devices.registry import Gateway, Registry
from devices.vocabulary import Kind
from tests.devices.wire import GW, LIMITS, OTHER, REGISTRY, VOCAB, code
from tests.naive import mapping as naive

NOW = 1_760_000_000_000
LOCAL = "2025-10-09 16:53:20"  # the same in Asia/Shanghai
LIFTS = [dataclasses.replace(REGISTRY.lift(i)) for i in range(4)]
LIFTS[3] = dataclasses.replace(LIFTS[3], type="escalator")
SITE = Registry(LIFTS, [Gateway(GW, "", ""), Gateway(OTHER, "", "")])


@cache
def routes_of(platform: str) -> Routes:
    return Routes((platform_dialect(f"gbt24476-{platform}", VOCAB),))


def send(platform: str, kind: str, body: Any) -> Decoded | RejectedMessage:
    routes = routes_of(platform)
    topic = topic_of(find_code_map(platform, VOCAB), kind).replace("{gateway}", GW)
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        return decode(topic, payload, NOW, SITE, VOCAB, LIMITS, routes)
    except RejectedMessage as rejection:
        return rejection


def samples(found: Decoded | RejectedMessage) -> list[tuple[int, int, dict[str, float]]]:
    assert isinstance(found, Decoded), found
    batch = found.batch
    return [
        (
            int(batch.lift[i]),
            int(batch.ts_ms[i]),
            {
                c.name: float(batch.values[i, c.index])
                for c in VOCAB.channels
                if batch.values[i, c.index] == batch.values[i, c.index]
            },
        )
        for i in range(len(batch))
    ]


def messages(found: Decoded | RejectedMessage) -> list[tuple[int, int, int]]:
    assert isinstance(found, Decoded), found
    rows = found.batch.messages
    triples = zip(rows.lift, rows.code, rows.state, strict=True)
    return [(int(lift), int(what), int(state)) for lift, what, state in triples]


STATUS = {
    "service_mode": 1.0, "car_status": 0.0, "car_direction": 1.0, "door_zone": 0.0,
    "car_position": 7.0, "door_closed": 1.0, "passenger": 1.0,
}  # fmt: skip
NATIONAL = {
    "Registration_Code": code(1), "Time_Stamps": LOCAL, "Service_Mode": 1, "Car_Status": 0,
    "Car_Direction": 1, "Door_Zone": False, "Car_Position": 7, "Door_Status": True,
    "Passenger_Status": True,
}  # fmt: skip
PROVINCIAL = {
    "reg_cod": code(1), "optime": LOCAL, "service_mode": "1", "car_status": "0",
    "car_direction": "1", "door_zone": "2", "car_position": "7", "door_status": "1",
    "passenger_status": "1",
}  # fmt: skip


@pytest.mark.parametrize("shape", ["object", "array", "data"])
@pytest.mark.parametrize(
    ("platform", "body"),
    [("chongqing", NATIONAL), ("standard", NATIONAL), ("provincial", PROVINCIAL)],
)
def test_the_same_status_in_the_words_of_each(platform: str, body: Any, shape: str) -> None:
    sent = {"object": body, "array": [body, body], "data": {"data": [body]}}[shape]
    found = send(platform, "status", sent)
    expected = (1, NOW, STATUS)
    assert samples(found) == [expected] * (2 if shape == "array" else 1)
    assert isinstance(found, Decoded)
    assert (found.refusals, found.boot, found.seq, found.timed) == ([], None, None, True)


def test_two_switches_become_one_channel() -> None:
    def limit(up: str, down: str) -> float | None:
        found = send("provincial", "status", PROVINCIAL | {"up_limit": up, "down_limit": down})
        return samples(found)[0][2].get("final_limit")

    assert (limit("1", "2"), limit("2", "1"), limit("2", "2")) == (1.0, 2.0, 0.0)


def test_three_is_unknown_of_an_escalator_and_fire_return_of_a_lift() -> None:
    row = {"reg_cod": code(3), "optime": LOCAL, "service_mode": "3"}
    assert samples(send("provincial", "escalator", row))[0][2] == {"service_mode": 7.0}
    assert samples(send("provincial", "status", row))[0][2] == {"service_mode": 3.0}


def test_statistics() -> None:
    body = {"Registration_Code": code(2), "Time_Stamps": LOCAL, "Total_Running_Time": 1200,
            "Present_Counter_Value": 88000, "Door_Open_Count": 99000}  # fmt: skip
    expected = {"total_running_time": 1200.0, "trip_count": 88000.0, "door_open_count": 99000.0}
    assert samples(send("chongqing", "statistics", [body])) == [(2, NOW, expected)]


@pytest.mark.parametrize(
    ("platform", "theirs", "ours"),
    [
        ("chongqing", 93, 93),
        ("chongqing", 8, 8),
        ("provincial", "11", 93),
        ("provincial", 8, 8),
        ("shanghai", "09", 93),
        ("four-digit", "0101", 93),
        ("collector", "08", 1002),
        ("terminal", 8, 1012),
    ],
)
def test_the_same_number_means_different_things(platform: str, theirs: Any, ours: int) -> None:
    codes = find_code_map(platform, VOCAB)
    body = {codes.lift: code(1), codes.message.time: LOCAL, codes.message.code: theirs}
    if codes.message.state:
        body[codes.message.state] = "01"
    state = 1 if codes.message.state else 2
    assert messages(send(platform, "message", body)) == [(1, ours, state)]


def test_an_open_code_is_refused_by_name() -> None:
    body = {"Registration_Code": code(1), "Time_Stamps": LOCAL, "Message_Code": "0201"}
    found = send("four-digit", "message", body)
    assert isinstance(found, RejectedMessage)
    (refused,) = found.refusals
    assert refused.reason == "unknown_code"
    assert "开关门故障" in (refused.limit or "")


def test_no_fault_ends_every_fault_of_this_kind_of_device() -> None:
    body = {"Registration_Code": code(1), "Time_Stamps": LOCAL, "Message_Code": 0}
    assert messages(send("chongqing", "message", body)) == [(1, n, 0) for n in range(1, 9)]
    body["Registration_Code"] = code(3)
    assert messages(send("chongqing", "message", body)) == [(3, n, 0) for n in range(61, 66)]


def test_bacnet_numbers_depend_on_the_device() -> None:
    stamp = "2025-10-09T08:53:20Z"
    lift = {"Object_Name": code(1), "Time_Stamp": stamp, "Fault_Signals": [5, 14]}
    assert messages(send("bacnet", "message", lift)) == [(1, 1, 2), (1, 7, 2)]
    escalator = lift | {"Object_Name": code(3), "Fault_Signals": [5, 0]}
    assert messages(send("bacnet", "message", escalator)) == [(3, 61, 2), (3, 65, 2)]
    status = {"Object_Name": code(1), "Time_Stamp": stamp, "Car_Mode": 12, "Car_Door_Status": 6}
    expected = {"service_mode": 0.0, "door_closed": 0.0, "door_state": 1.0}
    assert samples(send("bacnet", "status", status)) == [(1, NOW, expected)]


def test_flaws_are_named_and_their_neighbours_taken() -> None:
    rows = [NATIONAL, NATIONAL | {"Registration_Code": code(99)}, NATIONAL | {"Car_Position": 999}]
    found = send("chongqing", "status", rows)
    assert isinstance(found, Decoded)
    assert len(found.batch) == 2
    told = [(r.reason, r.field) for r in found.refusals]
    assert told == [
        ("unknown_lift", "[1].Registration_Code"), ("out_of_range", "[2].Car_Position")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[]", b"{}", b"7", b'{"data":[]}', b'{"data":7}', b"\xff"]
)
def test_what_says_nothing_is_rejected_by_name(body: bytes) -> None:
    for platform in ("chongqing", "provincial", "bacnet"):
        for kind in ("status", "message"):
            found = send(platform, kind, body)
            assert isinstance(found, RejectedMessage)
            assert found.refusals and found.refusals[0].reason != "internal_error"


def test_every_platform_round_trips_on_the_wire() -> None:
    """code → ours → code: what we would send upward is read as what we meant."""
    for platform in shipped():
        codes: CodeMap = find_code_map(platform, VOCAB)
        assert set(kinds(codes)) >= {"message"}
        for one in codes.codes:
            theirs = codes.encode(one.ours)
            assert theirs is not None
            if platform == "bacnet":
                continue  # numbers of several lists: its own test
            row = {codes.lift: code(1), codes.message.time: LOCAL, codes.message.code: theirs}
            row |= {codes.message.state: "01"} if codes.message.state else {}
            assert [c for _, c, _ in messages(send(platform, "message", row))] == [one.ours]
    assert len(dialect_names()) == len(shipped())


ODD = [
    None,
    True,
    False,
    "1",
    "2",
    "x",
    "",
    [],
    {},
    1.5,
    0,
    3,
    7,
    99,
    1e300,
    -1,
    "07",
    float("nan"),
]


@pytest.mark.parametrize("platform", shipped())
def test_it_agrees_with_the_naive_twin(platform: str) -> None:
    rng = random.Random(7)
    codes = find_code_map(platform, VOCAB)
    at, fast = SHAPES[0][1], 0
    codecs = {kind: JsonCodec(mapping_of(codes, kind, at, VOCAB)) for kind in kinds(codes)}
    for round_ in range(120):
        flawed = round_ % 2 == 1
        for kind, one in codecs.items():
            rows = [_row(codes, kind, rng, flawed) for _ in range(rng.randint(1, 4))]
            payload = json.dumps(rows).encode()
            context = Context(0, NOW, SITE, plan_of(VOCAB), LIMITS, "")
            slow = naive.read(one.map, payload, naive.Site(GW, SITE, VOCAB, NOW, ""))
            found = one.fast(payload, context)
            fast += found is not None
            try:
                found = found or one.careful(payload, context)
            except RejectedMessage:
                assert slow.rejected
                continue
            lifts = [LIFTS[lift].reg_code for lift, _, _ in samples(found)]
            told = [(lift, ts, v) for lift, (_, ts, v) in zip(lifts, samples(found), strict=True)]
            assert told == [(lift, ts, values) for lift, ts, values, _ in slow.samples]
            said = [(LIFTS[lift].reg_code, code) for lift, code, _ in messages(found)]
            assert said == [(lift, code) for lift, _, code, _ in slow.messages]
    assert fast > 30


def _row(codes: CodeMap, kind: str, rng: random.Random, flawed: bool) -> dict[str, Any]:
    local = LOCAL if codes.time_format != "iso" else "2025-10-09T08:53:20Z"
    row: dict[str, Any] = {codes.lift: rng.choice(LIFTS).reg_code}
    if kind == "message":
        known = [code.theirs.split(".")[-1] for code in codes.codes]
        theirs: Any = rng.choice(known)
        row |= {codes.message.time: local}
        row[codes.message.code] = [theirs] if codes.message.several else theirs
        if codes.message.state:
            row[codes.message.state] = rng.choice(list(codes.message.states))
    else:
        part = dict(codes.parts())[kind]
        row[part.time] = local
        for field in rng.sample(part.fields, rng.randint(0, len(part.fields))):
            channel = VOCAB.by_name[field.channel]
            value: Any = rng.choice(list(field.values or channel.values or ["1"]))
            row[field.name] = str(value) if codes.quoted else int(value)
            if channel.kind is Kind.BOOL and field.values is None and not codes.quoted:
                row[field.name] = bool(rng.randint(0, 1))
    if flawed:
        row[rng.choice(list(row))] = rng.choice(ODD)
    return row


@pytest.mark.parametrize("platform", shipped())
def test_every_code_of_every_map_comes_in_as_ours_or_is_refused_by_name(platform: str) -> None:
    codes = find_code_map(platform, VOCAB)
    own = codes.message
    lifts = {own.prefix: code(1), own.escalator_prefix: code(3)}
    one_list = len(lifts) == 1  # else the kind of device decides which list a number is of
    said = 0
    for theirs, ours in [(c.theirs, c.ours) for c in codes.codes] + [
        (c.theirs, None) for c in codes.open
    ]:
        escalator = ours in range(61, 66) if one_list else theirs.startswith(own.escalator_prefix)
        prefix = own.escalator_prefix if escalator else own.prefix
        if not theirs.startswith(prefix):
            assert platform == "bacnet"  # Car_Mode.12: a property that its own field tells
            continue
        number = theirs.removeprefix(prefix)
        lift = code(3) if escalator else code(1)
        body = {codes.lift: lift, own.time: _local(codes), own.code: number}
        if own.several:
            body[own.code] = [number]
        state = 2
        if own.state is not None:
            body[own.state] = next(k for k, v in own.states.items() if v == "on")
            state = 1
        found = send(platform, "message", body)
        row = 3 if escalator else 1
        if ours is not None:
            assert messages(found) == [(row, ours, state)], theirs
        else:
            assert isinstance(found, RejectedMessage), theirs
            opened = codes.told(theirs)
            assert opened is not None
            assert [(one.reason, one.value) for one in found.refusals] == [
                ("unknown_code", json.dumps(number))
            ]
            assert opened.text.zh in str(found.refusals[0].limit)
            assert opened.text.en in str(found.refusals[0].limit)
        said += 1
    assert said >= len(codes.open)


def _local(codes: CodeMap) -> str:
    return "2025-10-09T08:53:20Z" if codes.time_format == "iso" else LOCAL


def test_what_nobody_knows_of_shanghai_is_said_to_be_unknown() -> None:
    for number in range(1, 9):
        for written in (f"0{number}", number):
            body = {"Registration_Code": code(1), "Time_Stamps": LOCAL, "Message_Code": written}
            found = send("shanghai", "message", body)
            assert isinstance(found, RejectedMessage)
            assert "unknown until the platform confirms it" in str(found.refusals[0].limit)
    assert find_code_map("shanghai", VOCAB).encode(1) is None


@pytest.mark.parametrize("platform", shipped())
def test_the_example_of_the_page_is_taken(platform: str) -> None:
    codes = find_code_map(platform, VOCAB)
    body = json.loads(example(codes))
    at = body[0][codes.message.time]
    body[0] |= {
        codes.lift: code(1),
        codes.message.time: _local(codes) if isinstance(at, str) else at,
    }
    ((_, ours, _),) = messages(send(platform, "message", body))
    assert ours == codes.codes[0].ours
