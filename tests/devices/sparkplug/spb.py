"""An edge node on paper: builds payloads with protobuf, hands them to the codec as a host would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from config.settings import Sparkplug
from devices.batch import Decoded, RejectedMessage
from devices.codecs import Codec, Limits, Routes, decode
from devices.codecs.context import Context
from devices.codecs.sparkplug import codec, sparkplug
from devices.codecs.sparkplug.names import Names
from devices.codecs.sparkplug.schema import DataType, Payload
from devices.codecs.sparkplug.session import Sessions
from devices.registry import Gateway, Registry
from tests.devices.wire import GW, NOW, OTHER, REGISTRY, VOCAB, code

__all__ = ["GW", "NOW", "OTHER", "REGISTRY", "VOCAB", "Edge", "code", "metric", "payload"]

LONE = "gw-lone"
FIELDS: dict[int, str] = {
    DataType.FLOAT: "float_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.INT64: "long_value",
    DataType.UINT64: "long_value",
}
LONE_REGISTRY = Registry(
    [REGISTRY.slots[0], REGISTRY.slots[90]],  # one lift a gateway
    [Gateway(GW, "", ""), Gateway(OTHER, "", "")],
)


def metric(
    name: str | None = None,
    value: object = None,
    datatype: int = DataType.FLOAT,
    *,
    alias: int | None = None,
    ts: int | None = NOW,
    typed: bool = True,
    quality: int | None = None,
    **flags: bool,
) -> Any:
    made = Payload.Metric(**flags)
    if name is not None:
        made.name = name
    if alias is not None:
        made.alias = alias
    if ts is not None:
        made.timestamp = ts
    if typed:
        made.datatype = datatype
    if value is not None:
        field = FIELDS.get(datatype, "int_value")
        bits = 64 if field == "long_value" else 32
        whole = isinstance(value, int) and not isinstance(value, bool) and field[0] in "il"
        setattr(made, field, int(value) % (1 << bits) if whole else value)  # type: ignore[call-overload]
    if quality is not None:
        made.properties.keys.append("Quality")
        made.properties.values.add(type=DataType.INT32, int_value=quality)
    return made


def payload(seq: int | None, metrics: Iterable[Any] = (), ts: int | None = NOW) -> bytes:
    made = Payload()
    if ts is not None:
        made.timestamp = ts
    made.metrics.extend(metrics)
    if seq is not None:
        made.seq = seq
    encoded: bytes = made.SerializeToString()
    return encoded


class Edge:
    """One edge node and the host that hears it; `now` is the host's clock."""

    def __init__(
        self,
        node: str = GW,
        registry: Registry = REGISTRY,
        settings: Sparkplug | None = None,
        group: str = "city",
        names: Names | None = None,
        careful: bool = False,
    ) -> None:
        """careful: without the fast paths; else `hits` counts what they took."""
        dialect = sparkplug(settings or Sparkplug(), names)
        reader = Codec("sparkplug", codec.careful, self._none if careful else self._fast)
        routes = tuple(replace(route, codecs=(reader,)) for route in dialect.routes)
        dialect, self.hits = replace(dialect, routes=routes), 0
        memory = dialect.routes[0].memory
        assert isinstance(memory, Sessions)
        self.sessions, self.routes = memory, Routes((dialect,))
        self.node, self.group, self.registry, self.now, self.seq = node, group, registry, NOW, 0

    def _fast(self, data: bytes, context: Context) -> Decoded | None:
        found = codec.fast(data, context)
        self.hits += found is not None
        return found

    @staticmethod
    def _none(data: bytes, context: Context) -> Decoded | None:
        return None

    def send(
        self, verb: str, data: bytes, device: str | None = None, group: str | None = None
    ) -> Decoded | RejectedMessage:
        topic = f"spBv1.0/{group or self.group}/{verb}/{self.node}"
        topic += "" if device is None else f"/{device}"
        try:
            return decode(topic, data, self.now, self.registry, VOCAB, Limits(), self.routes)
        except RejectedMessage as rejection:
            return rejection

    def take(self, verb: str, data: bytes, device: str | None = None) -> Decoded:
        found = self.send(verb, data, device)
        assert isinstance(found, Decoded), found
        return found

    def next(self) -> int:
        self.seq = (self.seq + 1) % 256
        return self.seq

    def nbirth(self, *metrics: Any, bd_seq: int = 0) -> Decoded:
        self.seq = 0
        own = [
            metric("bdSeq", bd_seq, DataType.INT64),
            metric("Node Control/Rebirth", False, DataType.BOOLEAN),
        ]
        return self.take("NBIRTH", payload(0, [*own, *metrics], self.now))

    def dbirth(self, device: str, *metrics: Any, ts: int | None = None) -> Decoded:
        data = payload(self.next(), metrics, self.now if ts is None else ts)
        return self.take("DBIRTH", data, device)

    def ddata(self, device: str, *metrics: Any) -> Decoded | RejectedMessage:
        return self.send("DDATA", payload(self.next(), metrics, self.now), device)

    def ndata(self, *metrics: Any) -> Decoded | RejectedMessage:
        return self.send("NDATA", payload(self.next(), metrics, self.now))

    def ndeath(self, bd_seq: int | None = 0) -> Decoded:
        own = [] if bd_seq is None else [metric("bdSeq", bd_seq, DataType.INT64)]
        return self.take("NDEATH", payload(None, own, None))

    def ddeath(self, device: str) -> Decoded:
        return self.take("DDEATH", payload(self.next()), device)
