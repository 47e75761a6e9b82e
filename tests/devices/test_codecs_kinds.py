"""Messages, waveforms, status, acknowledgement and time."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from devices.batch import RejectedMessage
from devices.codecs import decode_ack, decode_status, encode_ack, encode_status
from devices.codecs.clock import parse_rfc3339
from devices.codecs.refuse import refusal
from tests.devices.wire import GW, LIMITS, NOW, REGISTRY, code, reasons, rejected, taken

ENVELOPE = {"v": 1, "boot": 7, "seq": 3}


def test_a_message_alone_and_among_others() -> None:
    one = taken(ENVELOPE | {"lift": code(2), "ts": NOW, "code": 93, "state": "on"}, "message")
    rows = one.batch.messages
    assert (rows.lift.tolist(), rows.code.tolist(), rows.state.tolist()) == ([2], [93], [1])
    assert len(one.batch) == 0 and one.kind == "message"
    several = [
        {"lift": code(1), "ts": NOW, "code": 90},
        {"lift": code(1), "ts": NOW, "code": 9999},
        {"lift": "1", "ts": NOW, "code": 90},
        {"lift": code(1), "ts": NOW, "code": "90"},
        {"lift": code(1), "ts": NOW, "code": 90, "state": "maybe"},
        {"lift": code(3), "ts": NOW - 120_001, "code": 5, "state": "off"},
        7,
    ]
    many = taken(ENVELOPE | {"messages": several}, "message")
    assert reasons(many) == [
        ("unknown_code", "messages[1].code"),
        ("unknown_lift", "messages[2].lift"),
        ("wrong_type", "messages[3].code"),
        ("out_of_range", "messages[4].state"),
        ("wrong_type", "messages[6]"),
    ]
    rows = many.batch.messages
    assert rows.lift.tolist() == [1, 3] and rows.state.tolist() == [2, 0]
    assert rows.late.tolist() == [False, True]
    assert rows.state.dtype == np.int8 and rows.code.dtype == np.int32


def test_messages_that_leave_nothing() -> None:
    lone = ENVELOPE | {"lift": code(2), "ts": NOW, "code": 93}
    assert reasons(rejected(ENVELOPE | {"messages": []}, "message")) == [("empty", "messages")]
    assert ("missing_field", "code") in reasons(rejected(ENVELOPE | {"lift": code(1)}, "message"))
    twice = json.dumps(lone)[:-1] + ',"code":90}'
    assert reasons(rejected(twice.encode(), "message")) == [("duplicate_key", "code")]
    many = rejected(ENVELOPE | {"messages": [lone] * 2001}, "message")
    assert reasons(many) == [("too_many_samples", "messages")]
    assert (many.boot, many.seq) == (7, 3)


def burst(axes: object, **changes: object) -> dict[str, object]:
    body = {"lift": code(1), "ts": NOW, "rate_hz": 100, "unit": "m/s2", "axes": axes}
    return ENVELOPE | body | changes


def test_a_waveform_keeps_the_good_axes() -> None:
    good = [0.5 * i for i in range(150)]
    whole = taken(burst({"x": good, "y": good}, first=1), "waveform")
    wave = whole.batch.waveforms[0]
    assert (wave.lift, wave.ts_ms, wave.rate_hz, wave.unit) == (1, NOW, 100.0, "m/s2")
    np.testing.assert_array_equal(wave.axes["y"], np.array(good, np.float32))
    assert whole.refusals == [] and whole.first == 1
    bad = {"x": good, "y": [*good[1:], None], "z": [*good[1:], float("nan")], "X": good}
    bad |= {"a": [*good[1:], 201], "b": 3, "c": good[:99]}
    some = taken(burst(bad), "waveform")
    assert list(some.batch.waveforms[0].axes) == ["x"]
    assert sorted(reasons(some), key=str) == sorted(
        [
            ("wrong_type", "axes.y[149]"),
            ("not_finite", "axes.z[149]"),
            ("unknown_channel", "axes.X"),
            ("out_of_range", "axes.a[149]"),
            ("wrong_type", "axes.b"),
            ("out_of_range", "axes.c"),
        ],
        key=str,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rate_hz": 49}, ("out_of_range", "rate_hz")),
        ({"rate_hz": 3201}, ("out_of_range", "rate_hz")),
        ({"rate_hz": "800"}, ("wrong_type", "rate_hz")),
        ({"rate_hz": float("inf")}, ("not_finite", "rate_hz")),
        ({"unit": "g"}, ("out_of_range", "unit")),
        ({"unit": None}, ("missing_field", "unit")),
        ({"ts": NOW + 99_999}, ("clock_ahead", "ts")),
        ({"lift": code(99)}, ("wrong_gateway", "lift")),
        ({"axes": {}}, ("empty", "axes")),
        ({"axes": None}, ("missing_field", "axes")),
        ({"axes": {"x": [1.0] * 100, "y": [1.0] * 101}}, ("length_mismatch", "axes.y")),
        ({"axes": {"x": [1.0] * 3001}}, ("out_of_range", "axes.x")),
        ({"axes": {f"a{i}": [1.0] * 100 for i in range(9)}}, ("wrong_type", "axes")),
    ],
)
def test_waveforms_that_leave_nothing(change: dict[str, object], expected: object) -> None:
    assert expected in reasons(rejected(burst({"x": [1.0] * 100}) | change, "waveform"))


def test_status() -> None:
    topic = f"lift/v1/{GW}/status"
    status = decode_status(topic, encode_status(True, 5, NOW + 700), NOW, REGISTRY, LIMITS)
    assert (status.gateway, status.online, status.boot) == (GW, True, 5)
    assert status.clock_off_ms == 700
    will = decode_status(topic, encode_status(False, 5, NOW), NOW, REGISTRY, LIMITS)
    assert not will.online and will.clock_off_ms is None
    for payload, expected in (
        (b'{"v":1,"state":"on","boot":1}', ("out_of_range", "state")),
        (b'{"v":1,"state":["online"],"boot":1}', ("out_of_range", "state")),
        (b'{"v":2,"state":"online","boot":1}', ("wrong_version", "v")),
        (b'{"v":1,"state":"online","boot":0}', ("seq_out_of_range", "boot")),
        (b'{"v":1,"state":"online"}', ("missing_field", "boot")),
        (b"x", ("not_json", "payload")),
        (b" " * 300_000, ("too_large", "payload")),
    ):
        with pytest.raises(RejectedMessage) as caught:
            decode_status(topic, payload, NOW, REGISTRY, LIMITS)
        assert reasons(caught.value) == [expected]
    with pytest.raises(RejectedMessage) as caught:
        decode_status("lift/v1/nobody/status", b"{}", NOW, REGISTRY, LIMITS)
    assert reasons(caught.value) == [("unknown_gateway", "topic")]


def test_an_acknowledgement_comes_back_as_it_went() -> None:
    why = refusal("out_of_range", "speed", 35.0, "-20..20 m/s", code(1))
    payload = encode_ack(7, 12, NOW, [(4, 5), (9, 9)], [(3, why)])
    wire = json.loads(payload)
    assert wire["gaps"] == [[4, 5], [9, 9]] and wire["refused"][0]["value"] == "35.0"
    assert wire["refused"][0]["way_out"]["zh"] and wire["v"] == 1
    ack = decode_ack(payload)
    assert ack is not None and (ack.boot, ack.durable, ack.gaps) == (7, 12, ((4, 5), (9, 9)))
    assert ack.refused[0].refusal == why
    for broken in (b"", b"{}", b'{"v":2,"boot":1,"durable":1,"ts":1}', b"[" * 9999):
        assert decode_ack(broken) is None


@pytest.mark.parametrize(
    "text",
    ["2025-10-09T08:53:20Z", "2025-10-09t16:53:20.125+08:00", "2024-02-29 23:59:59.9999-00:30"],
)
def test_rfc3339_agrees_with_datetime(text: str) -> None:
    moment = datetime.fromisoformat(text.upper())
    whole = int(moment.astimezone(UTC).replace(microsecond=0).timestamp())
    assert parse_rfc3339(text) == whole * 1000 + moment.microsecond // 1000


def test_rfc3339_edges() -> None:
    assert parse_rfc3339("1970-01-01T00:00:00Z") == 0
    assert parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z")
    for text in (
        "2025-10-09T08:53:20",
        "2025-10-09",
        "20251009T085320Z",
        "2025-13-09T08:53:20Z",
        "2025-02-29T08:53:20Z",
        "2025-10-09T24:53:20Z",
        "2025-10-09T08:53:61Z",
        "2025-10-09T08:53:20+24:00",
        "0000-10-09T08:53:20Z",
        "٢٠٢٥-10-09T08:53:20Z",
        "2025-10-09T08:53:20Z ",
    ):
        assert parse_rfc3339(text) is None, text
