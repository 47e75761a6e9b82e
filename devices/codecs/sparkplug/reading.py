"""Reading the metrics of one payload with care: every flaw named, its neighbours kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devices.batch import TelemetryBatch
from devices.codecs.clock import check_ts
from devices.codecs.context import Context
from devices.codecs.refuse import Refusals
from devices.codecs.sparkplug.metric import value_of
from devices.codecs.sparkplug.names import BDSEQ, NOTHING, Meaning, is_theirs
from devices.codecs.sparkplug.samples import Cell, Samples
from devices.codecs.sparkplug.schema import text
from devices.codecs.sparkplug.session import Known, Node, Sessions
from devices.codecs.values import read_value
from devices.registry import Registry

Place = Cell | Known | None  # a cell of the batch, a message code, or nothing of ours


@dataclass(slots=True)
class Read:
    """What the metrics said. `places[i]`: where metric i went, for the fast path to learn from;
    types[i]: its data type · `lost`: aliases of which no birth was seen · `plain`: a layout may be
    made of it."""

    batch: TelemetryBatch
    places: list[Place] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    rows: list[tuple[int, int, bool]] = field(default_factory=list)  # lift, ts, live
    lost: int = 0
    plain: bool = True


class Reader:
    """Reads one payload of a node or a device in the light of its session."""

    def __init__(
        self,
        node: Node,
        device: str | None,
        sessions: Sessions,
        context: Context,
        refusals: Refusals,
    ) -> None:
        self._node, self._device = node, device
        self._names, self._lifts = sessions.names, sessions.lifts(context.registry)
        self._context, self._refusals = context, refusals
        self._times: dict[int, int | None] = {}
        self._by_alias = node.by_alias.setdefault(device, {})
        self._own = lifts_of(context.gateway, context.registry) if device is None else []

    def births(self, message: Any) -> None:
        """Remember names, aliases and data types of a birth."""
        node, device = self._node, self._device
        for metric in message.metrics:
            name = text(metric.name)
            if not name:
                self._refusals.add("missing_field", "name", None, "every metric of a birth")
                continue
            node.types[device, name] = metric.datatype
            if metric.HasField("alias"):
                node.aliases[device, metric.alias] = name

    def read(self, message: Any, birth: bool) -> Read:
        """Return the batch of all metrics that can be taken.

        What a birth tells holds at the time of the birth, however long ago it changed: those
        are the present values, and a host that just began knows no others.
        """
        samples, places, types, lost = Samples(self._context), list[Place](), list[int](), 0
        sent = message.timestamp if message.HasField("timestamp") else None
        for metric in message.metrics:
            known = self._of(metric, birth)
            if known is None:
                lost += not metric.name and metric.HasField("alias")
                places.append(None)
                types.append(0)
                continue
            types.append(metric.datatype or known.datatype)
            own = metric.timestamp if metric.HasField("timestamp") else None
            at = own if own is not None and (metric.is_historical or not birth) else sent
            places.append(self._take(metric, known, own if at is None else at, samples))
        if len(samples) > self._context.limits.samples:
            most = f"{self._context.limits.samples}"
            self._refusals.add("too_many_samples", "metrics", len(samples), most)
            samples = Samples(self._context)
        rows = [(*key, live) for key, live in zip(samples.keys, samples.live, strict=True)]
        return Read(samples.batch(), places, types, rows, lost, samples.plain)

    def _take(self, metric: Any, known: Known, sent: int | None, samples: Samples) -> Place:
        if not known.meaning.known:
            return None
        value = value_of(metric, metric.datatype or known.datatype)
        if value is None:
            return None
        key = -1 if sent is None else sent
        if key not in self._times:
            limits, now_ms = self._context.limits, self._context.received_ms
            code = self._context.registry.lift(known.row).reg_code
            self._times[key] = check_ts(sent, now_ms, limits, self._refusals, "timestamp", code)
        ts = self._times[key]
        if ts is None:
            return None
        if known.meaning.code:
            return self._message(metric, known, ts, value, samples)
        channel = self._context.plan.vocab.channels[known.meaning.column]
        number, reason = read_value(channel, value)
        if reason is not None:
            code = self._context.registry.lift(known.row).reg_code
            self._refusals.add(reason, known.name, value, channel.limit, code)
            return None
        return samples.add(known.row, ts, channel.index, number, metric.is_historical)

    def _message(
        self, metric: Any, known: Known, ts: int, value: object, samples: Samples
    ) -> Place:
        """A code is a message where it changes; repeating what was told says nothing new."""
        if value not in (0, 1) or isinstance(value, float):
            self._refusals.add("wrong_type", known.name, value, "true | false")
            return None
        key, on = (known.row, known.meaning.code), bool(value)
        if metric.is_historical:
            samples.add_message(known.row, ts, known.meaning.code, on, True)
        elif self._node.codes.get(key) != int(on):
            self._node.codes[key] = int(on)
            samples.add_message(known.row, ts, known.meaning.code, on, False)
        return known

    # -- whose metric it is, and which --------------------------------------------------

    def known(self, name: str) -> Known:
        """Return whose metric this name is, and what it means."""
        key = (self._device, name)
        known = self._node.known.get(key)
        if known is None:
            known = self._place(name)
            if key in self._node.types:  # bounded by the births; what is guessed is not kept
                self._node.known[key] = known
        return known

    def _of(self, metric: Any, birth: bool) -> Known | None:
        name = text(metric.name)
        if not name:
            if not metric.HasField("alias"):
                self._refusals.add("missing_field", "name", None, "name or alias")
                return None
            alias = metric.alias
            if alias in self._by_alias:
                return self._by_alias[alias]
            name = self._node.aliases.get((self._device, alias), "")
            if not name:
                self._refusals.add("no_birth", "alias", alias, "an alias of the last birth")
                return None
            self._by_alias[alias] = self.known(name)  # what it lacks was told at its birth
        known = self.known(name)
        if not known.meaning.known and self._strange(name, known, birth):
            self._refusals.add("unknown_channel", name)
        return known

    def _strange(self, name: str, known: Known, birth: bool) -> bool:
        """A metric that should be ours and is not; told at its birth, or where none told it."""
        if is_theirs(name) or known.row < 0:
            return False
        return birth or (self._device, name) not in self._node.types

    def _place(self, name: str) -> Known:
        datatype = self._node.types.get((self._device, name), 0)
        row, rest = self._row(name)
        meaning = NOTHING if row < 0 else self._names.meaning(rest, self._context.plan.vocab)
        return Known(name, datatype, row, meaning)

    def _row(self, name: str) -> tuple[int, str]:
        """Return the lift of a metric and the metric's name within it; -1 for none.

        A node's own metrics may name a lift as their folder; and where a gateway has one lift
        only, what the node says of our channels, it says of that lift.
        """
        registry, gateway = self._context.registry, self._context.gateway
        if self._device is not None:
            row = self._lifts.find(self._device)
            return (-1 if row is None else row), name
        folder, slash, rest = self._names.bare(name).partition("/")
        row = self._lifts.find(folder) if slash else None
        if row is not None and registry.lift_gateway[row] == gateway:
            return row, rest
        if len(self._own) == 1 and name != BDSEQ and self._meant(name):
            return self._own[0], name
        return -1, name

    def _meant(self, name: str) -> bool:
        meaning: Meaning = self._names.meaning(name, self._context.plan.vocab)
        return meaning.known


def lifts_of(gateway: int, registry: Registry) -> list[int]:
    """Return the rows of a gateway's lifts."""
    rows: list[int] = (registry.lift_gateway == gateway).nonzero()[0].tolist()
    return rows


def check_device(
    device: str, sessions: Sessions, context: Context, refusals: Refusals
) -> int | None:
    """Return the row of a device's lift, or None after noting why it has none here."""
    row = sessions.lifts(context.registry).find(device)
    if row is None:
        refusals.add("unknown_lift", "device", device, "a lift, by code or by the site's map")
        return None
    owner = int(context.registry.lift_gateway[row])
    if owner != context.gateway:
        name = context.registry.gateways[owner].id
        refusals.add("wrong_gateway", "device", device, f"sent by gateway {name}", device)
        return None
    return row
