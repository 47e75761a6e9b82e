"""Sparkplug B 3.0: births, data and deaths of edge nodes and their devices → batches.

Nothing is numbered as our own formats are: seq counts to 255 and begins again, and data travels
with QoS 0, so what is lost stays lost. A gap is answered with a request for a rebirth, which
brings the present values; the same bytes again (QoS 1, sent twice) change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from devices.batch import Decoded, LinkFact, RejectedMessage, Said, TelemetryBatch
from devices.codecs.clock import in_time
from devices.codecs.context import Context
from devices.codecs.refuse import Refusals, reject
from devices.codecs.sparkplug import say
from devices.codecs.sparkplug.layout import REMEMBERED, learn
from devices.codecs.sparkplug.names import BDSEQ
from devices.codecs.sparkplug.reading import Read, Reader, check_device, lifts_of
from devices.codecs.sparkplug.replay import replay
from devices.codecs.sparkplug.scan import LEAST_BYTES, aliases_of, scan
from devices.codecs.sparkplug.schema import Payload
from devices.codecs.sparkplug.session import SEQS, Node, Sessions
from devices.codecs.sparkplug.topics import Topic, parse_topic, rebirth_topic

# More than that are no metrics but a trick: so many fit into a message at 13 bytes each.
MOST_METRICS = 20_000


@dataclass(slots=True)
class _Call:
    """One message with all that is needed to understand it."""

    topic: Topic
    payload: bytes
    node: Node
    sessions: Sessions
    context: Context
    refusals: Refusals

    def ask(self) -> list[Said]:
        """Return a request for a rebirth, where one may be made now."""
        if not self.sessions.rebirths.ask(self.context.gateway, self.context.received_ms):
            return []
        return [rebirth_request(self.topic.group, self.topic.node, self.context.received_ms)]


def rebirth_request(group: str, node: str, now_ms: int) -> Said:
    """Return the one thing that is ever written to an edge node."""
    return Said(rebirth_topic(group, node), say.rebirth(now_ms), 0, False)


def fast(payload: bytes, context: Context) -> Decoded | None:
    """Decode data in which everything is right, by columns: in a layout that is known, or by
    alias in any; None for all else."""
    call = _call(payload, context)
    topic, node = call.topic, call.node
    if topic.verb not in ("NDATA", "DDATA") or not node.there(topic):
        return None
    if (topic.device, payload) == node.last:  # sent twice
        return None
    layout = node.layouts.get((topic.device, len(payload)))
    found = replay(layout, payload, node, context) if layout else None
    if found is None and len(payload) >= LEAST_BYTES:
        found = _scanned(call)
    if found is None:
        return None
    batch, seq = found
    whole = _count(call, seq)
    return _data(batch, [], [] if whole else call.ask())


def _scanned(call: _Call) -> tuple[TelemetryBatch, int] | None:
    """Read by alias. A shape that comes twice running is read with care, once, to be learnt."""
    node, device = call.node, call.topic.device
    table = node.tables.get(device)
    if table is None:
        reader = Reader(node, device, call.sessions, call.context, call.refusals)
        table = node.tables[device] = aliases_of(node, device, reader, call.context)
    found = scan(call.payload, table, call.context)
    if found is None:
        return None
    batch, shape = found
    key = (device, len(call.payload))
    if node.shapes.get(key) == shape.print and key not in node.layouts:
        node.again = key
        return None
    if len(node.shapes) >= REMEMBERED:
        node.shapes = {}
    node.shapes[key] = shape.print
    return batch, shape.seq


def careful(payload: bytes, context: Context) -> Decoded:
    """Decode any message, naming what cannot be taken. Raises RejectedMessage."""
    call = _call(payload, context)
    message = _parse(payload)
    if len(message.metrics) > MOST_METRICS:
        raise reject("too_many_samples", "metrics", len(message.metrics), f"{MOST_METRICS}")
    return _VERBS[call.topic.verb](call, message)


def _call(payload: bytes, context: Context) -> _Call:
    topic, sessions = parse_topic(context.topic), context.memory
    if topic is None or not isinstance(sessions, Sessions):
        raise reject("unknown_topic", "topic", context.topic)
    node = sessions.node(context.gateway, context.registry)
    return _Call(topic, payload, node, sessions, context, Refusals(context.limits.refusals))


def _parse(payload: bytes) -> Any:
    try:
        return Payload.FromString(payload)
    except (DecodeError, ValueError) as error:  # ValueError: a text that is not UTF-8
        raise reject("not_protobuf", "payload", str(error)) from None


def _count(call: _Call, seq: int) -> bool:
    call.node.last = (call.topic.device, call.payload)
    patience_ms = call.sessions.reorder_ms
    return call.node.count(seq, call.context.received_ms, patience_ms)


def _seq(message: Any, refusals: Refusals) -> int | None:
    if not message.HasField("seq"):
        refusals.add("missing_field", "seq", None, f"0..{SEQS - 1}")
        return None
    if message.seq >= SEQS:
        refusals.add("seq_out_of_range", "seq", message.seq, f"0..{SEQS - 1}")
        return None
    return int(message.seq)


def _data(
    batch: TelemetryBatch,
    refusals: Refusals | list[Any],
    said: list[Said],
    links: list[LinkFact] | None = None,
    timed: bool = True,
) -> Decoded:
    named = refusals.named() if isinstance(refusals, Refusals) else refusals
    links = links or []
    if named and not len(batch) and not len(batch.messages) and not links:
        raise RejectedMessage(named, said=said)
    kind: Any = "link" if links else "telemetry"
    return Decoded(None, None, None, kind, batch, named, timed, links, said)


def _empty(context: Context) -> TelemetryBatch:
    return TelemetryBatch.empty(len(context.plan.vocab.channels))


# -- births -----------------------------------------------------------------------------


def _nbirth(call: _Call, message: Any) -> Decoded:
    node, topic, context = call.node, call.topic, call.context
    seq = _seq(message, call.refusals)
    if seq:
        call.refusals.add("seq_out_of_range", "seq", seq, "0 in an NBIRTH")
    node.forget_births()
    node.group, node.name = topic.group, topic.node
    node.born, node.bd_seq = True, _bd_seq(message)
    node.seq, node.last = seq or 0, (None, call.payload)
    call.sessions.rebirths.answered(context.gateway)
    read = _born(call, message)
    link = LinkFact(True, _sent(message, context))
    return _data(read.batch, call.refusals, [], [link])


def _dbirth(call: _Call, message: Any) -> Decoded:
    topic, context, node = call.topic, call.context, call.node
    row = _device(call)
    seq = _seq(message, call.refusals)
    said: list[Said] = []
    if not (node.born and node.group == topic.group):
        said = call.ask()  # its node's birth was not seen; what it says of itself is whole
        node.group = node.group if node.born else topic.group
    elif (topic.device, call.payload) != node.last and seq is not None and not _count(call, seq):
        said = call.ask()
    device = topic.device or ""
    node.forget_device(device)
    node.devices[device] = True
    read = _born(call, message)
    return _data(read.batch, call.refusals, said, [LinkFact(True, _sent(message, context), row)])


def _born(call: _Call, message: Any) -> Read:
    device = call.topic.device
    reader = Reader(call.node, device, call.sessions, call.context, call.refusals)
    reader.births(message)
    return reader.read(message, birth=True)


def _device(call: _Call) -> int:
    row = check_device(call.topic.device or "", call.sessions, call.context, call.refusals)
    if row is None:
        raise RejectedMessage(call.refusals.named())
    return row


# -- data -------------------------------------------------------------------------------


def _ndata(call: _Call, message: Any) -> Decoded:
    return _values(call, message)


def _ddata(call: _Call, message: Any) -> Decoded:
    _device(call)
    return _values(call, message)


def _values(call: _Call, message: Any) -> Decoded:
    node, topic = call.node, call.topic
    if (topic.device, call.payload) == node.last:  # sent twice
        return _data(_empty(call.context), [], [])
    there = node.there(topic)
    reader = Reader(node, topic.device, call.sessions, call.context, call.refusals)
    read = reader.read(message, birth=False)
    seq = _seq(message, call.refusals)
    counted = there and seq is not None and _count(call, seq)
    whole = counted and not read.lost
    if whole and not len(call.refusals):
        learn(node, topic.device, call.payload, read, call.context)
    return _data(read.batch, call.refusals, [] if whole else call.ask())


# -- deaths -----------------------------------------------------------------------------


def _ndeath(call: _Call, message: Any) -> Decoded:
    """A death of another session than the present one came late, and says nothing of it."""
    node, context = call.node, call.context
    told = _bd_seq(message)
    other = node.born and node.group != call.topic.group
    if other or (node.born and None not in (told, node.bd_seq) and told != node.bd_seq):
        return _data(_empty(context), [], [], timed=False)
    node.forget_births()
    node.born = False
    at_ms = context.received_ms  # the will was written at connect: its own time says nothing
    links = [LinkFact(False, at_ms)]
    links += [LinkFact(False, at_ms, row) for row in lifts_of(context.gateway, context.registry)]
    return _data(_empty(context), [], [], links, timed=False)


def _ddeath(call: _Call, message: Any) -> Decoded:
    node, topic, context = call.node, call.topic, call.context
    row = _device(call)
    said: list[Said] = []
    if message.HasField("seq") and node.born and not _count(call, int(message.seq) % SEQS):
        said = call.ask()
    node.devices[topic.device or ""] = False
    node.forget_device(topic.device or "")
    link = LinkFact(False, context.received_ms, row)
    return _data(_empty(context), [], said, [link], timed=False)


def _bd_seq(message: Any) -> int | None:
    for metric in message.metrics:
        if metric.name == BDSEQ and metric.WhichOneof("value") in ("long_value", "int_value"):
            return int(metric.long_value if metric.HasField("long_value") else metric.int_value)
    return None


def _sent(message: Any, context: Context) -> int:
    """Return when a birth was published; when it came, where its own time cannot be."""
    sent = int(message.timestamp)
    return sent if in_time(sent, context.received_ms, context.limits) else context.received_ms


_VERBS: dict[str, Callable[[_Call, Any], Decoded]] = {
    "NBIRTH": _nbirth,
    "DBIRTH": _dbirth,
    "NDATA": _ndata,
    "DDATA": _ddata,
    "NDEATH": _ndeath,
    "DDEATH": _ddeath,
}
