from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from devices.batch import RejectedMessage
from devices.codecs import decode
from devices.codecs.refuse import REASONS
from tests.devices.wire import (
    GW,
    LIMITS,
    NOW,
    OTHER,
    REGISTRY,
    VOCAB,
    code,
    columns,
    reasons,
    rejected,
    row,
    said,
    taken,
    value,
)

TOPIC = f"lift/v1/{GW}/telemetry"


def test_a_row_and_the_same_as_a_column_give_the_same_batch() -> None:
    values = {"speed": -1.5, "door_zone": True, "people": 2, "service_mode": 1, "load": None}
    one = taken(row(values))
    many = taken(columns({name: [v] for name, v in values.items()}, [code(1)]))
    np.testing.assert_array_equal(one.batch.values, many.batch.values)
    assert one.batch.lift.tolist() == many.batch.lift.tolist() == [1]
    assert (one.boot, one.seq, one.first, one.kind) == (7, 3, None, "telemetry")
    assert said(one) == {"speed": -1.5, "door_zone": 1.0, "people": 2.0, "service_mode": 1.0}
    assert one.batch.values.dtype == np.float32 and one.batch.ts_ms.dtype == np.int64
    assert one.batch.lift.dtype == np.int32 and one.batch.late.dtype == np.bool_


def test_samples_of_one_lift_each_with_its_own_channels() -> None:
    samples = [{"ts": NOW - i, "values": {"speed": i, "battery": 50}} for i in range(9)]
    samples.append({"ts": NOW - 20, "values": {"door_closed": False}})
    decoded = taken({"v": 1, "boot": 1, "seq": 1, "lift": code(4), "samples": samples})
    assert decoded.batch.ts_ms.tolist() == [NOW - i for i in range(9)] + [NOW - 20]
    assert said(decoded, 9) == {"door_closed": 0.0}
    assert [value(decoded, "speed", i) for i in range(9)] == list(range(9))


def test_absent_is_nan_and_a_lift_of_all_nulls_is_no_sample() -> None:
    decoded = taken(columns({"speed": [1.0, None, None], "people": [None, None, 4]}))
    assert decoded.refusals == []
    assert decoded.batch.lift.tolist() == [0, 2]
    assert [said(decoded, 0), said(decoded, 1)] == [{"speed": 1.0}, {"people": 4.0}]


@pytest.mark.parametrize(
    ("channel", "sent", "reason"),
    [
        ("speed", 35.0, "out_of_range"),
        ("speed", "1.0", "wrong_type"),
        ("speed", True, "wrong_type"),
        ("speed", [1], "wrong_type"),
        ("speed", float("nan"), "not_finite"),
        ("speed", float("-inf"), "not_finite"),
        ("speed", 10**400, "not_finite"),
        ("speed", 10**30, "out_of_range"),
        ("people", 1.5, "wrong_type"),
        ("people", 51, "out_of_range"),
        ("people", True, "wrong_type"),
        ("door_zone", 2, "out_of_range"),
        ("door_zone", "true", "wrong_type"),
        ("service_mode", 8, "out_of_range"),
        ("service_mode", "holiday", "out_of_range"),
        ("service_mode", 0.5, "wrong_type"),
        ("door_zoen", 1, "unknown_channel"),
    ],
)
@pytest.mark.parametrize("form", ["row", "column"])
def test_a_refused_field_is_named_and_its_neighbours_are_kept(
    channel: str, sent: object, reason: str, form: str
) -> None:
    good = {"door_closed": 1, "load": 30.0}
    if form == "row":
        message = row(good | {channel: sent})
    else:
        message = columns({n: [v, v] for n, v in good.items()}, [code(1), code(2)])
        message["columns"][channel] = [sent, None]
    # Python writes 10**400 as it is
    decoded = taken(json.dumps(message).encode())
    assert reasons(decoded) == [(reason, channel)]
    refusal = decoded.refusals[0]
    assert refusal.way_out.zh and refusal.way_out.en
    assert refusal.value
    if reason != "unknown_channel":
        assert refusal.limit == VOCAB.by_name[channel].limit and refusal.lift == code(1)
    assert said(decoded, 0) == {"door_closed": 1.0, "load": 30.0}


def test_enums_go_by_number_or_name() -> None:
    decoded = taken(columns({"door_state": ["open", 2, "not_fully_closed"]}))
    assert [value(decoded, "door_state", i) for i in range(3)] == [4, 2, 6]
    assert value(taken(row({"service_mode": "inspection"})), "service_mode") == 2


def test_a_limit_itself_is_within() -> None:
    for channel in VOCAB.channels:
        for limit in (channel.lo, channel.hi):
            assert value(taken(row({channel.name: limit})), channel.name) == np.float32(limit)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"v": 2}, ("wrong_version", "v")),
        ({"v": "1"}, ("wrong_type", "v")),
        ({"boot": 0}, ("seq_out_of_range", "boot")),
        ({"boot": 2**53 + 1}, ("seq_out_of_range", "boot")),
        ({"boot": 1.5}, ("wrong_type", "boot")),
        ({"boot": True}, ("wrong_type", "boot")),
        ({"seq": -1}, ("seq_out_of_range", "seq")),
        ({"seq": 2**32}, ("seq_out_of_range", "seq")),
        ({"seq": None}, ("wrong_type", "seq")),
        ({"lift": 31105001232012000001}, ("wrong_type", "lift")),
        ({"lift": "0" * 20}, ("unknown_lift", "lift")),
        ({"lift": code(90)}, ("wrong_gateway", "lift")),
        ({"ts": NOW + 60_001}, ("clock_ahead", "ts")),
        ({"ts": NOW // 1000}, ("too_old", "ts")),
        ({"ts": "yesterday"}, ("wrong_type", "ts")),
        ({"ts": float(NOW)}, ("wrong_type", "ts")),
        ({"values": {}}, ("empty", "values")),
        ({"values": {"speed": None}}, ("empty", "values")),
        ({"values": [1]}, ("wrong_type", "values")),
        ({"samples": []}, ("wrong_type", "ts")),
    ],
)
def test_what_leaves_nothing_is_rejected_by_name(
    change: dict[str, object], expected: tuple[str, str]
) -> None:
    rejection = rejected(row({"speed": 1.0}) | change)
    assert expected in reasons(rejection)
    if "boot" not in change:
        assert rejection.boot == 7
    if "seq" not in change:
        assert rejection.seq == 3


@pytest.mark.parametrize("name", ["v", "boot", "seq", "lift", "ts", "values"])
def test_missing_fields(name: str) -> None:
    message = row({"speed": 1.0})
    del message[name]
    assert ("missing_field", name) in reasons(rejected(message))


def test_unknown_fields_of_the_envelope_are_for_later_versions() -> None:
    assert taken(row({"speed": 1.0}, firmware="1.2", extra={"a": [1]})).refusals == []
    assert taken(columns({"speed": [1, 2, 3]}, vendor="x")).refusals == []


def test_first_is_taken_and_a_wrong_one_refused_alone() -> None:
    assert taken(row({"speed": 1.0}, first=2)).first == 2
    assert taken(columns({"speed": [1, 2, 3]}, first=3)).first == 3
    decoded = taken(row({"speed": 1.0}, first=4))
    assert decoded.first is None and reasons(decoded) == [("seq_out_of_range", "first")]


def test_a_key_that_stands_twice_is_refused_and_its_neighbours_kept() -> None:
    text = json.dumps(row({"speed": 1.0, "load": 3.0}))
    decoded = taken(text.replace('"speed": 1.0', '"speed": 1.0, "speed": 1.0').encode())
    assert reasons(decoded) == [("duplicate_key", "speed")] and said(decoded) == {"load": 3.0}
    text = json.dumps(columns({"speed": [1, 2, 3], "load": [3, 3, 3]}))
    decoded = taken(text.replace('"load":', '"load": [1, 1, 1], "load":').encode())
    assert reasons(decoded) == [("duplicate_key", "load")] and said(decoded) == {"speed": 1.0}
    for name in ("boot", "seq", "v"):
        twice = json.dumps(row({"speed": 1.0}))[:-1] + f', "{name}": 1}}'
        assert reasons(rejected(twice.encode())) == [("duplicate_key", name)]
    for name in ("lift", "ts", "values"):
        twice = json.dumps(row({"speed": 1.0}))[:-1] + f', "{name}": 1}}'
        assert reasons(rejected(twice.encode())) == [("duplicate_key", name)]
    for name in ("lifts", "ts", "columns"):
        twice = json.dumps(columns({"speed": [1, 2, 3]}))[:-1] + f', "{name}": 1}}'
        assert reasons(rejected(twice.encode())) == [("duplicate_key", name)]


def test_one_bad_lift_of_many_is_refused_alone() -> None:
    lifts = [code(0), "123", code(95), 7, code(3)]
    decoded = taken(columns({"speed": [0, 99, 99, 99, 4]}, lifts))
    assert reasons(decoded) == [
        ("unknown_lift", "lifts[1]"),
        ("wrong_gateway", "lifts[2]"),
        ("wrong_type", "lifts[3]"),
    ]
    assert decoded.batch.lift.tolist() == [0, 3]
    assert [value(decoded, "speed", i) for i in range(2)] == [0, 4]


def test_each_lift_its_own_time_and_a_bad_one_refused_alone() -> None:
    times = [NOW, NOW + 99_999_999, NOW - 120_001]
    decoded = taken(columns({"speed": [1, 2, 3]}, ts=times))
    assert reasons(decoded) == [("clock_ahead", "ts[1]")]
    assert decoded.batch.ts_ms.tolist() == [NOW, NOW - 120_001]
    assert decoded.batch.late.tolist() == [False, True]


def test_lengths_must_agree() -> None:
    decoded = taken(columns({"speed": [1, 2], "load": [1, 2, 3]}))
    assert reasons(decoded) == [("length_mismatch", "speed")]
    assert reasons(rejected(columns({"speed": [1, 2, 3]}, ts=[NOW]))) == [("length_mismatch", "ts")]
    assert reasons(rejected(columns({}, []))) == [("empty", "columns")]


def test_late_is_older_than_two_minutes_and_belongs_to_history_only() -> None:
    assert not taken(row({"speed": 1}, ts=NOW - 120_000)).batch.late[0]
    assert taken(row({"speed": 1}, ts=NOW - 120_001)).batch.late[0]
    assert taken(row({"speed": 1}, ts=NOW - LIMITS.oldest_ms)).batch.late[0]
    assert reasons(rejected(row({"speed": 1}, ts=NOW - LIMITS.oldest_ms - 1)))[0][0] == "too_old"
    assert not taken(row({"speed": 1}, ts=NOW + 60_000)).batch.late[0]


def test_too_many_and_too_large() -> None:
    full = [{"ts": NOW - i, "values": {"speed": 1}} for i in range(2001)]
    message = {"v": 1, "boot": 7, "seq": 3, "lift": code(1), "samples": full}
    assert reasons(rejected(message)) == [("too_many_samples", "samples")]
    assert len(taken(message | {"samples": full[:2000]}).batch) == 2000
    assert reasons(rejected(columns({"speed": [0] * 2001}, [code(1)] * 2001))) == [
        ("too_many_samples", "lifts")
    ]
    huge = rejected(json.dumps(row({"speed": 1})).encode() + b" " * 10_000_000)
    assert reasons(huge) == [("too_large", "payload")]
    assert (huge.boot, huge.seq) == (7, 3)  # so that the sender can be told to stop


def test_what_is_not_json_is_answered_by_number_where_it_can_be_read() -> None:
    broken = rejected(b'{"v":1,"boot":7,"seq":12,"lift":"x",')
    assert reasons(broken) == [("not_json", "payload")] and (broken.boot, broken.seq) == (7, 12)
    for payload in (b"hello", b"\xff\xfe", b"[" * 200_000, b'{"a":"\xff"}', b"\xef\xbb\xbf{}"):
        assert reasons(rejected(payload)) == [("not_json", "payload")]
    assert reasons(rejected(b"")) == reasons(rejected(b"  ")) == [("empty", "payload")]
    assert reasons(rejected(b"[1]")) == [("wrong_type", "payload")]
    assert rejected(b'{"seq":1,"seq":2,"boot":1,').seq is None


def test_topics() -> None:
    message = json.dumps(row({"speed": 1})).encode()
    assert reasons(rejected(message, gateway="nobody")) == [("unknown_gateway", "topic")]
    assert reasons(rejected(message, gateway=OTHER)) == [("wrong_gateway", "lift")]
    assert reasons(rejected(message, kind="gossip")) == [("unknown_topic", "topic")]
    assert rejected(message, gateway="nobody").seq == 3


def test_an_answer_stays_small_however_much_is_wrong() -> None:
    decoded = taken(columns({"speed": [99.0] * 1999 + [1.0]}, [code(1)] * 2000))
    assert len(decoded.refusals) == LIMITS.refusals + 1
    assert decoded.refusals[-1].reason == "more_refused" and decoded.refusals[-1].value == "1899"
    long = taken(row({"load": 1, "x" * 500: 1, "speed": "\ud800" * 500}))
    for refusal in long.refusals:
        assert len(refusal.field or "") <= 80 and len(refusal.value or "") <= 80
        (refusal.value or "").encode()


def test_a_site_may_set_other_limits() -> None:
    strict = replace(LIMITS, samples=2, ahead_ms=0, payload_bytes=300)
    payload = json.dumps(columns({"speed": [1, 2, 3]})).encode()
    with pytest.raises(RejectedMessage) as caught:
        decode(TOPIC, payload, NOW, REGISTRY, VOCAB, strict)
    assert caught.value.refusals[0].reason == "too_many_samples"
    with pytest.raises(RejectedMessage) as caught:
        decode(TOPIC, payload + b" " * 300, NOW, REGISTRY, VOCAB, strict)
    assert caught.value.refusals[0].reason == "too_large"


def test_every_reason_has_a_way_out_in_both_languages() -> None:
    for text in REASONS.values():
        assert text.en and any("一" <= char <= "鿿" for char in text.zh)
