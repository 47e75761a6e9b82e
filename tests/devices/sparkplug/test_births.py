"""Births, data and deaths, after the normative statements of Sparkplug 3.0 (ids quoted)."""

from __future__ import annotations

import numpy as np
import pytest

from config.settings import Sparkplug
from devices.batch import Decoded, RejectedMessage, Said
from devices.codecs.sparkplug.schema import DataType, Payload
from tests.devices.sparkplug.spb import GW, LONE_REGISTRY, NOW, Edge, code, metric, payload
from tests.devices.wire import reasons, said, taken, value

LIFT = code(0)


def asked(outcome: Decoded | RejectedMessage) -> list[Said]:
    return outcome.said


@pytest.fixture
def edge() -> Edge:
    made = Edge()
    assert made.nbirth().refusals == []
    return made


def test_a_birth_brings_present_values_and_data_what_changed(edge: Edge) -> None:
    """tck-id-operational-behavior-data-publish-dbirth-values: DBIRTH messages MUST include
    current values for all metrics. tck-id-operational-behavior-data-publish-dbirth-change:
    DDATA messages MUST only be published when Device level metrics change."""
    born = edge.dbirth(
        LIFT,
        metric("speed", 1.5, alias=1),
        metric("people", 2, DataType.INT32, alias=2),
        metric("door_closed", True, DataType.BOOLEAN, alias=3),
        metric("service_mode", "normal", DataType.STRING, alias=4),
    )
    assert (born.refusals, born.said, born.kind) == ([], [], "link")
    assert said(born) == {"speed": 1.5, "people": 2, "door_closed": 1, "service_mode": 1}
    later = edge.ddata(LIFT, metric(value=0.5, alias=1, typed=False))
    assert isinstance(later, Decoded)
    assert said(later) == {"speed": 0.5}  # the others are NaN: unchanged
    assert (later.boot, later.seq, later.refusals, later.said) == (None, None, [], [])


def test_values_of_a_birth_hold_now_however_long_ago_they_changed(edge: Edge) -> None:
    """tck-id-operational-behavior-data-publish-nbirth-values, -dbirth-values: a value that has
    not changed for an hour is the current one, and must not be set aside as late."""
    born = edge.dbirth(LIFT, metric("speed", 0.0, ts=NOW - 3_600_000))
    assert born.batch.ts_ms.tolist() == [NOW]
    assert not born.batch.late.any()


def test_absent_is_as_in_our_own_columns(edge: Edge) -> None:
    """Report by exception: a channel that is not said stays as it was, exactly as `null`."""
    edge.dbirth(LIFT, metric("speed", 1.0), metric("load", 30.0))
    theirs = edge.ddata(LIFT, metric("load", 31.0))
    ours = taken({"v": 1, "boot": 7, "seq": 3, "lift": LIFT, "ts": NOW, "values": {"load": 31.0}})
    assert isinstance(theirs, Decoded)
    np.testing.assert_array_equal(theirs.batch.values, ours.batch.values)


def test_each_metric_has_its_own_time(edge: Edge) -> None:
    """tck-id-payloads-name-birth-data-requirement / metric timestamps: rows are moments; the
    payload's timestamp holds where a metric has none."""
    edge.dbirth(LIFT, metric("speed", 1.0), metric("load", 30.0), metric("people", 1, 3))
    found = edge.ddata(
        LIFT,
        metric("speed", 1.1, ts=NOW - 2000),
        metric("load", 31.0, ts=NOW - 1000),
        metric("people", 2, DataType.INT32, ts=NOW - 1000),
        metric("speed", 1.2, ts=None),
    )
    assert isinstance(found, Decoded)
    assert found.batch.ts_ms.tolist() == [NOW - 2000, NOW - 1000, NOW]
    assert [said(found, i) for i in range(3)] == [
        {"speed": pytest.approx(1.1)},
        {"load": 31.0, "people": 2.0},
        {"speed": pytest.approx(1.2)},
    ]


def test_historical_metrics_ring_no_bell(edge: Edge) -> None:
    """tck-id-payloads-… is_historical: stored data is history; it does not update the present."""
    edge.dbirth(LIFT, metric("speed", 1.0))
    found = edge.ddata(
        LIFT,
        metric("speed", 1.1, ts=NOW - 2000, is_historical=True),
        metric("speed", 1.2, ts=NOW),
    )
    assert isinstance(found, Decoded)
    assert found.batch.late.tolist() == [True, False]


@pytest.mark.parametrize(
    "made",
    [
        metric("speed", 1.1, is_null=True),
        metric("speed", None, is_null=True),
        metric("speed", 1.1, quality=0),
        metric("speed", 1.1, quality=500),
    ],
)
def test_null_bad_and_stale_are_not_measured(edge: Edge, made: object) -> None:
    """tck-id-payloads-propertyset-quality-value-value: the quality is one of 0 (bad), 192 (good)
    or 500 (stale). Only a good one is a measurement."""
    edge.dbirth(LIFT, metric("speed", 1.0), metric("load", 30.0))
    found = edge.ddata(LIFT, made, metric("load", 31.0, quality=192))
    assert isinstance(found, Decoded)
    assert said(found) == {"load": 31.0}


@pytest.mark.parametrize(
    ("datatype", "raw", "meant"),
    [
        (DataType.INT8, 0xFF, -1),
        (DataType.INT8, 0xFFFFFFFF, -1),
        (DataType.INT16, 0xFFFE, -2),
        (DataType.INT32, 0xFFFFFFFD, -3),
        (DataType.INT64, 2**64 - 4, -4),
        (DataType.UINT8, 0x7F, 127),
        (DataType.UINT32, 9, 9),
        (DataType.UNKNOWN, 0xFFFFFFFF, -1),
    ],
)
def test_negative_numbers_travel_as_twos_complement(
    edge: Edge, datatype: int, raw: int, meant: int
) -> None:
    """Chapter 6, data types: int_value and long_value are unsigned fields."""
    one = Payload.Metric(name="car_position", timestamp=NOW, datatype=datatype)
    setattr(one, "long_value" if datatype == DataType.INT64 else "int_value", raw)
    edge.dbirth(LIFT, metric("car_position", 1, DataType.INT32))
    found = edge.ddata(LIFT, one)
    assert isinstance(found, Decoded)
    assert value(found, "car_position") == meant


def test_an_alias_belongs_to_its_device(edge: Edge) -> None:
    """tck-id-payloads-alias-uniqueness asks for aliases unique in the node; senders that count
    for each device alone are understood too."""
    edge.dbirth(code(0), metric("speed", 1.0, alias=0))
    edge.dbirth(code(1), metric("load", 10.0, alias=0))
    found = edge.ddata(code(1), metric(value=11.0, alias=0, typed=False))
    assert isinstance(found, Decoded)
    assert said(found) == {"load": 11.0}


def test_a_node_may_speak_for_its_lifts_itself() -> None:
    """Chapter 5, MQTT enabled device: edge node verbs without devices. A folder names the lift."""
    edge = Edge()
    born = edge.nbirth(
        metric(f"{code(0)}/speed", 1.0, alias=1), metric(f"Lift/{code(1)}/Lift/speed", 2.0)
    )
    assert born.refusals == []
    assert born.batch.lift.tolist() == [0, 1]
    found = edge.ndata(metric(value=1.5, alias=1))
    assert isinstance(found, Decoded)
    assert (found.batch.lift.tolist(), value(found, "speed")) == ([0], 1.5)


def test_a_gateway_of_one_lift_needs_no_folder() -> None:
    edge = Edge(registry=LONE_REGISTRY)
    born = edge.nbirth(metric("Lift/speed", 1.0), metric("Properties/Hardware", "x", 12))
    assert (born.refusals, said(born)) == ([], {"speed": 1.0})


def test_a_metric_that_is_not_ours_is_named_once_at_its_birth(edge: Edge) -> None:
    born = edge.dbirth(LIFT, metric("speed", 1.0), metric("velocity", 3.0, alias=9))
    assert reasons(born) == [("unknown_channel", "velocity")]
    found = edge.ddata(LIFT, metric(value=4.0, alias=9), metric("speed", 2.0))
    assert isinstance(found, Decoded)
    assert (found.refusals, said(found)) == ([], {"speed": 2.0})


def test_message_codes_are_metrics_that_change(edge: Edge) -> None:
    edge.dbirth(LIFT, metric("code/93", False, DataType.BOOLEAN, alias=1))
    on = edge.ddata(LIFT, metric(value=True, datatype=DataType.BOOLEAN, alias=1))
    again = edge.ddata(LIFT, metric(value=True, datatype=DataType.BOOLEAN, alias=1))
    off = edge.ddata(LIFT, metric(value=False, datatype=DataType.BOOLEAN, alias=1))
    told = [
        (one.batch.messages.code.tolist(), one.batch.messages.state.tolist())
        for one in (on, again, off)
        if isinstance(one, Decoded)
    ]
    assert told == [([93], [1]), ([], []), ([93], [0])]


def test_a_value_out_of_range_is_refused_alone(edge: Edge) -> None:
    edge.dbirth(LIFT, metric("speed", 1.0), metric("load", 30.0))
    found = edge.ddata(LIFT, metric("speed", 35.0), metric("load", 31.0))
    assert isinstance(found, Decoded)
    assert reasons(found) == [("out_of_range", "speed")]
    assert said(found) == {"load": 31.0}


@pytest.mark.parametrize(
    ("device", "reason"), [("nobody", "unknown_lift"), (code(90), "wrong_gateway")]
)
def test_a_device_that_is_no_lift_of_this_gateway(edge: Edge, device: str, reason: str) -> None:
    found = edge.ddata(device, metric("speed", 1.0))
    assert isinstance(found, RejectedMessage)
    assert reasons(found) == [(reason, "device")]


def test_a_device_may_be_named_by_its_rescue_code(edge: Edge) -> None:
    born = edge.dbirth("100002", metric("speed", 1.0))
    assert born.batch.lift.tolist() == [2]


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b'{"v":1}', b"\x12\x7f"])
def test_what_is_no_payload_is_refused_by_name(edge: Edge, data: bytes) -> None:
    found = edge.send("DDATA", data, LIFT)
    assert isinstance(found, RejectedMessage)
    assert reasons(found) == [("not_protobuf", "payload")]


def test_an_unknown_node_and_a_command_are_not_read() -> None:
    assert reasons(Edge("gw-77").send("NBIRTH", payload(0))) == [("unknown_gateway", "topic")]
    for verb in ("NCMD", "DCMD", "STATE"):
        assert reasons(Edge().send(verb, payload(0))) == [("unknown_topic", "topic")]


def test_clock_rules_hold_here_too(edge: Edge) -> None:
    edge.dbirth(LIFT, metric("speed", 1.0))
    found = edge.ddata(LIFT, metric("speed", 1.0, ts=NOW + 3_600_000))
    assert reasons(found) == [("clock_ahead", "timestamp")]
    found = edge.ddata(LIFT, metric("speed", 1.0, ts=NOW // 1000))
    assert reasons(found) == [("too_old", "timestamp")]


def test_birth_without_a_number_is_told(edge: Edge) -> None:
    """tck-id-payloads-nbirth-seq: every NBIRTH MUST include a sequence number of 0.
    tck-id-payloads-dbirth-seq, tck-id-payloads-ddata-seq: so do DBIRTH and DDATA."""
    assert reasons(edge.take("NBIRTH", payload(None))) == [("missing_field", "seq")]
    assert reasons(edge.take("NBIRTH", payload(7))) == [("seq_out_of_range", "seq")]
    assert ("missing_field", "seq") in reasons(edge.send("DDATA", payload(None), LIFT))
    assert ("seq_out_of_range", "seq") in reasons(edge.send("DDATA", payload(256), LIFT))


def test_a_message_of_nothing_but_metrics_is_refused_before_it_is_read(edge: Edge) -> None:
    found = edge.send("DDATA", b"\x12\x00" * 130_000 + b"\x18\x01", LIFT)
    assert reasons(found) == [("too_many_samples", "metrics")]


def test_the_time_of_a_birth_that_cannot_be_is_that_of_its_receipt(edge: Edge) -> None:
    found = edge.take("NBIRTH", payload(0, [], 2**64 - 1))
    assert [fact.ts_ms for fact in found.links] == [NOW]


def test_settings_choose_groups() -> None:
    edge = Edge(settings=Sparkplug(groups=["city"]))
    assert isinstance(edge.send("NBIRTH", payload(0)), Decoded)
    assert reasons(edge.send("NBIRTH", payload(0), group="other")) == [("unknown_topic", "topic")]
    assert edge.node == GW
