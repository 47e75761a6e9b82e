"""Order, rebirths and deaths, after the normative statements of Sparkplug 3.0 (ids quoted)."""

from __future__ import annotations

import pytest

from config.settings import Sparkplug
from devices.batch import Decoded, RejectedMessage
from devices.codecs.sparkplug.schema import DataType, Payload
from devices.codecs.sparkplug.session import Node, Rebirths
from tests.devices.sparkplug.spb import GW, NOW, REGISTRY, Edge, code, metric, payload
from tests.devices.wire import reasons, said

LIFT = code(0)
BY_ALIAS = metric(value=1.5, alias=1, typed=False)


def asks(outcome: Decoded | RejectedMessage) -> bool:
    """The outcome holds one request for a rebirth of this node, well formed."""
    if not outcome.said:
        return False
    (one,) = outcome.said
    # tck-id-operational-behavior-data-commands-ncmd-rebirth-verb: it MUST use the NCMD verb.
    assert one.topic == f"spBv1.0/city/NCMD/{GW}"
    # tck-id-payloads-ncmd-qos, -ncmd-retain: QoS 0, not retained.
    assert (one.qos, one.retain) == (0, False)
    read = Payload.FromString(one.payload)
    # tck-id-payloads-ncmd-timestamp: it MUST include a timestamp. No seq belongs to a command.
    assert read.timestamp > 0
    assert not read.HasField("seq")
    (ask,) = read.metrics
    # tck-id-operational-behavior-data-commands-ncmd-rebirth-name and -value.
    assert (ask.name, ask.datatype) == ("Node Control/Rebirth", DataType.BOOLEAN)
    assert ask.boolean_value is True
    return True


@pytest.fixture
def edge() -> Edge:
    made = Edge()
    made.nbirth(bd_seq=5)
    made.dbirth(LIFT, metric("speed", 1.0, alias=1))
    return made


def test_data_before_any_birth_asks_for_one() -> None:
    """Chapter 5, commands: a host that never received the births sends a Rebirth Request. So it
    is after a restart of ours: an alias means nothing, a name is still taken."""
    edge = Edge()
    by_alias = edge.ddata(LIFT, BY_ALIAS)
    assert isinstance(by_alias, RejectedMessage)
    assert reasons(by_alias) == [("no_birth", "alias")]
    assert asks(by_alias)
    edge.now += 60_000
    by_name = edge.ddata(LIFT, metric("speed", 1.5, ts=edge.now))
    assert isinstance(by_name, Decoded)
    assert said(by_name) == {"speed": 1.5}
    assert asks(by_name)


def test_a_device_without_its_nodes_birth_asks_for_one() -> None:
    """tck-id-principles-birth-certificates-order: birth certificates MUST be the first."""
    edge = Edge()
    born = edge.dbirth(LIFT, metric("speed", 1.0, alias=1))
    assert said(born) == {"speed": 1.0}
    assert asks(born)


def test_data_of_a_device_without_its_birth_asks_for_one(edge: Edge) -> None:
    """tck-id-payloads-dbirth-order: all DBIRTH before any NDATA or DDATA of the node."""
    found = edge.ddata(code(1), metric("speed", 1.0))
    assert isinstance(found, Decoded)
    assert asks(found)


def test_an_unknown_alias_asks_for_a_birth(edge: Edge) -> None:
    found = edge.ddata(LIFT, metric(value=1.0, alias=77), BY_ALIAS)
    assert isinstance(found, Decoded)
    assert reasons(found) == [("no_birth", "alias")]
    assert said(found) == {"speed": 1.5}
    assert asks(found)


def test_seq_goes_round_without_a_gap(edge: Edge) -> None:
    """tck-id-payloads-sequence-num-incrementing: after 255 comes 0."""
    for i in range(600):
        found = edge.ddata(LIFT, metric("speed", 0.01 * (i % 100), alias=1))
        assert (found.said, found.refusals) == ([], [])


def test_a_gap_in_seq_asks_for_a_birth_and_loses_nothing_else(edge: Edge) -> None:
    """tck-id-operational-behavior-host-reordering-rebirth, with a Reorder Timeout of zero."""
    edge.next()  # one message is lost
    found = edge.ddata(LIFT, BY_ALIAS)
    assert isinstance(found, Decoded)
    assert said(found) == {"speed": 1.5}
    assert asks(found)
    # tck-id-operational-behavior-data-commands-rebirth-action-2, -3: births again, same bdSeq.
    edge.nbirth(bd_seq=5)
    assert not edge.dbirth(LIFT, metric("speed", 1.0, alias=1)).said
    assert not edge.ddata(LIFT, metric(value=2.0, alias=1)).said


def test_what_is_missing_may_come_within_the_reorder_timeout() -> None:
    """tck-id-operational-behavior-host-reordering-param, -start, -success, -rebirth."""
    edge = Edge(settings=Sparkplug(reorder_s=2))
    edge.nbirth()
    edge.dbirth(LIFT, metric("speed", 1.0, alias=1))
    three, four = (
        payload(n, [metric(value=float(n) / 10, alias=1, ts=NOW + n)]) for n in (edge.next(), 3)
    )
    assert not edge.send("DDATA", four, LIFT).said
    assert not edge.send("DDATA", three, LIFT).said
    assert list(edge.sessions.overdue(NOW + 5000)) == []
    edge.seq = 4  # number 4 never comes
    assert not edge.ddata(LIFT, BY_ALIAS).said
    assert list(edge.sessions.overdue(NOW + 1999)) == []
    assert [gateway for gateway, _ in edge.sessions.overdue(NOW + 2000)] == [0]
    assert list(edge.sessions.overdue(NOW + 9000)) == []


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_message_again_changes_nothing(edge: Edge, times: int) -> None:
    """QoS 1 may deliver twice: neither a gap nor a second sample."""
    data = payload(edge.next(), [metric(value=1.5, alias=1)])
    first = edge.send("DDATA", data, LIFT)
    assert isinstance(first, Decoded)
    for _ in range(times - 1):
        again = edge.send("DDATA", data, LIFT)
        assert isinstance(again, Decoded)
        assert (len(again.batch), again.said) == (0, [])
    assert not edge.ddata(LIFT, metric(value=1.6, alias=1)).said


def test_rebirths_are_not_asked_for_again_and_again() -> None:
    edge = Edge(settings=Sparkplug(rebirth_s=10))
    times = []
    for s in range(100):
        edge.now = NOW + 1000 * s
        if edge.ddata(LIFT, metric(value=1.0, alias=1, ts=edge.now)).said:
            times.append(s)
    assert times == [0, 10, 30, 70]  # a node that does not answer is asked ever more rarely


def test_a_restart_does_not_ask_a_whole_city_at_once() -> None:
    rebirths = Rebirths(10_000, 20)
    now = NOW
    asked = sum(rebirths.ask(gateway, now) for gateway in range(1000))
    assert asked == 20
    asked += sum(rebirths.ask(gateway, now + 1000) for gateway in range(20, 1000))
    assert asked == 40
    rebirths.answered(0)
    assert not rebirths.ask(0, now + 9_999)
    assert rebirths.ask(0, now + 10_000)


def test_death_of_a_node_is_of_all_its_lifts(edge: Edge) -> None:
    """Chapter 5: when an edge node goes offline, its devices do too. tck-id-payloads-ndeath-bdseq:
    the bdSeq of the death MUST be that of the birth."""
    dead = edge.ndeath(bd_seq=5)
    assert dead.kind == "link"
    assert [fact.lift for fact in dead.links] == [None, *range(80)]
    assert not any(fact.online for fact in dead.links)
    assert {fact.ts_ms for fact in dead.links} == {NOW}  # a will was written at connect
    after = edge.ddata(LIFT, BY_ALIAS)
    assert asks(after)


def test_a_death_of_another_session_came_late(edge: Edge) -> None:
    """Chapter 5: timing with wills may bring an NDEATH after the next NBIRTH; bdSeq tells."""
    assert edge.ndeath(bd_seq=4).links == []
    found = edge.ddata(LIFT, BY_ALIAS)
    assert isinstance(found, Decoded)
    assert said(found) == {"speed": 1.5}
    assert not found.said


def test_a_death_is_believed_where_nothing_is_known() -> None:
    assert len(Edge().ndeath(bd_seq=3).links) == 81


def test_death_of_a_device(edge: Edge) -> None:
    """tck-id-operational-behavior-device-ddeath: a DDEATH on behalf of a lost device.
    tck-id-payloads-ddeath-seq: it has a sequence number as the others."""
    edge.dbirth(code(1), metric("speed", 1.0, alias=2))
    dead = edge.ddeath(LIFT)
    assert [(fact.online, fact.lift) for fact in dead.links] == [(False, 0)]
    assert not dead.said
    still = edge.ddata(code(1), metric(value=2.0, alias=2))
    assert isinstance(still, Decoded)
    assert said(still) == {"speed": 2.0}
    assert asks(edge.ddata(LIFT, BY_ALIAS))


def test_births_say_who_is_there(edge: Edge) -> None:
    assert [(f.online, f.lift) for f in edge.nbirth().links] == [(True, None)]
    assert [(f.online, f.lift) for f in edge.dbirth(LIFT, metric("speed", 1.0)).links] == [
        (True, 0)
    ]


def test_a_registry_that_changes_is_looked_up_again(edge: Edge) -> None:
    lift = REGISTRY.slots[0]
    assert lift is not None
    found = edge.ddata(LIFT, BY_ALIAS)
    assert isinstance(found, Decoded)
    node: Node = edge.sessions.node(0, REGISTRY)
    assert node.known
    edge.sessions._lifts = None  # as after a reload of the site
    edge.sessions.node(0, REGISTRY)
    assert not node.known
    found = edge.ddata(LIFT, BY_ALIAS)
    assert isinstance(found, Decoded)
    assert said(found) == {"speed": 1.5}
