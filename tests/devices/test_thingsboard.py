"""ThingsBoard's gateway API: its documented messages, names of a site, its twin."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.settings import Ingest
from devices.batch import Decoded, LinkFact, RejectedMessage
from devices.codecs import Routes, Setup, build_routes, decode
from tests.devices.test_codecs_twin import FLAWED_TIMES, NAMES, ODD, good_value
from tests.devices.wire import GW, LIMITS, NOW, OTHER, REGISTRY, VOCAB, code, reasons, said
from tests.naive.thingsboard import read_gateway_telemetry

FILE = f"""
ignore = ["rssi", "note"]
[devices]
"1号梯" = "{code(1)}"
"Lift B" = "{code(2)}"
[channels]
velocity = "speed"
v = "speed"
"门" = "door_closed"
"""
DEVICES = {"1号梯": code(1), "Lift B": code(2)}
KEYS: dict[str, str | None] = {
    **{name: name for name in NAMES},
    "velocity": "speed",
    "v": "speed",
    "门": "door_closed",
    "rssi": None,
    "note": None,
}


def routes(folder: Path, *dialects: str, text: str | None = FILE) -> Routes:
    if text is not None:
        (folder / "thingsboard.toml").write_text(text, "utf-8")
    return build_routes(Setup(REGISTRY, VOCAB, folder, Ingest(dialects=list(dialects))))


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    return routes(tmp_path_factory.mktemp("site"), "thingsboard", "thingsboard-bare")


def send(
    found: Routes, message: Any, kind: str = "telemetry", prefix: str = f"tb/{GW}/"
) -> Decoded | RejectedMessage:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    try:
        topic = f"{prefix}v1/gateway/{kind}"
        return decode(topic, payload, NOW, REGISTRY, VOCAB, LIMITS, found)
    except RejectedMessage as rejection:
        return rejection


def take(found: Routes, message: Any, *where: Any) -> Decoded:
    decoded = send(found, message, *where)
    assert isinstance(decoded, Decoded), reasons(decoded)
    return decoded


def test_nothing_is_read_where_a_site_does_not_ask_for_it(tmp_path: Path) -> None:
    assert not [f for f, _ in routes(tmp_path).subscriptions() if "gateway/" in f]
    with_prefix = [f for f, _ in routes(tmp_path, "thingsboard").subscriptions() if "v1/g" in f]
    kinds = ("telemetry", "attributes", "connect", "disconnect")
    assert with_prefix == [f"tb/+/v1/gateway/{kind}" for kind in kinds]


def test_the_documented_message_is_taken(named: Routes) -> None:
    message = {
        code(0): [
            {"ts": NOW - 1000, "values": {"speed": 1.5, "car_position": 3}},
            {"ts": NOW, "values": {"speed": 1.25, "car_position": 4}},
        ],
        "1号梯": [{"ts": NOW, "values": {"velocity": 1, "门": True, "rssi": -70}}],
    }
    decoded = take(named, message)
    assert decoded.batch.lift.tolist() == [0, 0, 1]
    assert decoded.batch.ts_ms.tolist() == [NOW - 1000, NOW, NOW]
    assert said(decoded, 1) == {"speed": 1.25, "car_position": 4.0}
    assert said(decoded, 2) == {"speed": 1.0, "door_closed": 1.0}
    assert (decoded.boot, decoded.seq, decoded.timed, decoded.refusals) == (None, None, True, [])


@pytest.mark.parametrize(
    "entry", [{"values": {"speed": 1.5}}, {"speed": 1.5}, {"ts": None, "values": {"speed": 1.5}}]
)
def test_without_a_time_it_is_that_of_receipt(named: Routes, entry: Any) -> None:
    decoded = take(named, {code(0): [entry]})
    assert decoded.batch.ts_ms.tolist() == [NOW] and said(decoded) == {"speed": 1.5}
    assert not decoded.timed, "the same bytes later are another moment"


def test_one_flaw_costs_nothing_beside_it(named: Routes) -> None:
    message = {
        code(0): [{"ts": NOW, "values": {"speed": 99, "load": 30, "colour": 1}}],
        "9" * 20: [{"ts": NOW, "values": {"speed": 1}}],
        code(90): [{"ts": NOW, "values": {"speed": 1}}],
        code(3): [{"ts": NOW + 10**7, "values": {"speed": 1}}, {"ts": NOW, "values": {}}],
        code(4): {"speed": 1},
        code(5): [{"ts": NOW, "values": {"v": 1, "velocity": 1}}, 5],
    }
    decoded = take(named, message)
    assert Counter(reasons(decoded)) == Counter(
        [
            ("out_of_range", f"{code(0)}[0].speed"),
            ("unknown_channel", f"{code(0)}[0].colour"),
            ("unknown_lift", "device"),
            ("wrong_gateway", "device"),
            ("clock_ahead", f"{code(3)}[0].ts"),
            ("empty", f"{code(3)}[1]"),
            ("wrong_type", code(4)),
            ("duplicate_key", f"{code(5)}[0].velocity"),
            ("wrong_type", f"{code(5)}[1]"),
        ]
    )
    assert [said(decoded, i) for i in range(len(decoded.batch))] == [{"load": 30.0}]


@pytest.mark.parametrize(("kind", "online"), [("connect", True), ("disconnect", False)])
def test_who_comes_and_goes_is_a_fact_of_the_link(named: Routes, kind: str, online: bool) -> None:
    decoded = take(named, {"device": "1号梯", "type": "default"}, kind)
    assert decoded.kind == "link" and not len(decoded.batch) and not decoded.timed
    assert decoded.links == [LinkFact(online, NOW, 1)]
    for wrong in ({"device": "nobody"}, {"device": 5}, {}, {"device": code(90)}):
        refused = send(named, wrong, kind)
        assert isinstance(refused, RejectedMessage) and refused.refusals[0].field == "device"
    double = send(named, b'{"device":"1","device":"2"}', kind)
    assert reasons(double) == [("duplicate_key", "device")]


def test_attributes_that_are_channels_count(named: Routes) -> None:
    message = {"1号梯": {"firmware": "v1.2", "service_mode": "inspection", "v": 0.5}}
    decoded = take(named, message, "attributes")
    assert said(decoded) == {"service_mode": 2.0, "speed": 0.5}
    assert decoded.batch.ts_ms.tolist() == [NOW] and decoded.refusals == []
    only_words = take(named, {"1号梯": {"firmware": "v1.2"}}, "attributes")
    assert not len(only_words.batch) and only_words.refusals == []
    wrong = send(named, {"1号梯": [], "nobody": {}}, "attributes")
    assert reasons(wrong) == [("wrong_type", "1号梯"), ("unknown_lift", "device")]


def test_bare_topics_take_the_registered_gateway_for_the_sender(named: Routes) -> None:
    both = {
        "nobody": [{"values": {"speed": 1}}],
        code(90): [{"values": {"speed": 1}}],
        code(1): [{"values": {"speed": 1}}],
    }
    found = named.find("v1/gateway/telemetry", json.dumps(both).encode())
    assert found is not None and found.gateway == OTHER
    decoded = take(named, both, "telemetry", "")
    assert decoded.batch.lift.tolist() == [90]
    assert reasons(decoded) == [("unknown_lift", "device"), ("wrong_gateway", "device")]
    assert take(named, {"device": "1号梯"}, "connect", "").links[0].lift == 1
    for nobody in ({}, {"nobody": []}, [], b"{", b"", {"device": 1}):
        assert reasons(send(named, nobody, "telemetry", "")) == [("unknown_gateway", "topic")]


def test_the_prefix_decides_who_speaks(named: Routes) -> None:
    message = {code(1): [{"ts": NOW, "values": {"speed": 1}}]}
    assert reasons(send(named, message, "telemetry", f"tb/{OTHER}/")) == [
        ("wrong_gateway", "device")
    ]
    assert reasons(send(named, message, "telemetry", "tb/nobody/")) == [
        ("unknown_gateway", "topic")
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[devices]\na = "12"\n', "devices.a"),
        ('[channels]\na = "velocity"\n', "channels.a"),
        ("ignore = 5\n", "ignore"),
        ("devices = 5\n", "devices"),
        ("[lifts]\n", "lifts"),
    ],
)
def test_a_wrong_file_of_names_is_refused(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        routes(tmp_path, "thingsboard", text=text)
    assert key in str(refused.value) and "thingsboard.toml" in str(refused.value)


@st.composite
def messages(draw: st.DrawFn, flawed: bool) -> dict[str, Any]:
    wrong = ["nobody", "9" * 20, code(90)] if flawed else []
    devices = st.sampled_from([code(i) for i in range(6)] + list(DEVICES) + wrong)
    keys = st.sampled_from([*NAMES, *KEYS, *(["colour"] if flawed else [])])

    def value(key: str) -> st.SearchStrategy[Any]:
        name = KEYS.get(key)
        good = st.sampled_from([1, "x", '"', True]) if name is None else good_value(name)
        return good | st.sampled_from(ODD) if flawed else good

    message: dict[str, Any] = {}
    alike = draw(st.booleans())
    names = draw(st.lists(keys, min_size=1, max_size=6, unique=True))
    for device in draw(st.lists(devices, min_size=1, max_size=5, unique=True)):
        entries = []
        for _ in range(draw(st.integers(0 if flawed else 1, 4))):
            if not alike:
                names = draw(st.lists(keys, min_size=1, max_size=6, unique=True))
            values = {key: draw(value(key)) for key in names}
            entry: Any = {"values": values}
            times = FLAWED_TIMES if flawed else [NOW, NOW - 1000, NOW - 130_000]
            if draw(st.integers(0, 4)):
                entry["ts"] = draw(st.sampled_from(times))
            elif draw(st.booleans()):
                entry = values
            if flawed and not draw(st.integers(0, 9)):
                entry = draw(st.sampled_from(ODD))
            entries.append(entry)
        message[device] = entries
    return message


def agree(found: Routes, text: str) -> None:
    ours = send(found, text.encode())
    naive = read_gateway_telemetry(GW, text, NOW, REGISTRY, VOCAB, DEVICES, KEYS)
    assert Counter(reasons(ours)) == Counter(naive.refused)
    assert isinstance(ours, Decoded) != naive.rejected
    if isinstance(ours, Decoded):
        batch = ours.batch
        got = [
            (REGISTRY.lift(int(batch.lift[i])).reg_code, int(batch.ts_ms[i]), said(ours, i),
             bool(batch.late[i]))
            for i in range(len(batch))
        ]  # fmt: skip
        assert got == naive.samples


@settings(max_examples=200, deadline=None)
@given(message=messages(flawed=False))
def test_good_messages_agree_with_the_twin(named: Routes, message: dict[str, Any]) -> None:
    agree(named, json.dumps(message, ensure_ascii=False))


@settings(max_examples=200, deadline=None)
@given(message=messages(flawed=True))
def test_flawed_messages_agree_with_the_twin(named: Routes, message: dict[str, Any]) -> None:
    agree(named, json.dumps(message, ensure_ascii=False))


def test_keys_that_stand_twice_agree_with_the_twin(named: Routes) -> None:
    entry = json.dumps({"ts": NOW, "values": {"speed": 1, "load": 2}}, separators=(",", ":"))
    good = f'{{"{code(0)}":[{entry}],"{code(1)}":[{entry}]}}'
    agree(named, good)
    for old, new in (
        ('"speed":1', '"speed":1,"speed":1'),
        (f'"ts":{NOW}', f'"ts":{NOW},"ts":{NOW}'),
        (f'"{code(1)}"', f'"{code(0)}"'),
        ('"load":2}', '"load":2},"values":{}'),
        ('"load":2', '"load":null'),
    ):
        agree(named, good.replace(old, new, 1))
