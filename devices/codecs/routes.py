"""Which codec reads a topic, and which gateway it speaks for: our wire contract and dialects.

A dialect is a wire format of others (ThingsBoard, Sparkplug B, a site's own mapping): a few
routes, what it has to say when the service connects, and whatever it must remember. A site
switches dialects on by name (`ingest.dialects`) and adds mappings as files (`ingest.maps`);
without either the service reads and subscribes to nothing but `lift/v1/…`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from devices.batch import Decoded, Said
from devices.codecs.context import Context
from devices.codecs.parse import salvage

GATEWAY = "{gateway}"  # stands for the one level of a filter that names the gateway
_REMEMBERED = 16_384  # topics; a city has some thousands

Claims = Callable[[bytes], bool]
Names = Callable[[str, bytes], str | None]


def _any(payload: bytes) -> bool:
    return True


def _nothing(payload: bytes, context: Context) -> Decoded | None:
    return None


def _silent(now_ms: int) -> Sequence[Said]:
    return ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody needs at the broker: MQTT filters that it may write, and may read."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    def __add__(self, other: Rights) -> Rights:
        """Return both, each filter once, in order."""
        write, read = self.write + other.write, self.read + other.read
        return Rights(tuple(dict.fromkeys(write)), tuple(dict.fromkeys(read)))


@dataclass(frozen=True, slots=True)
class Codec:
    """One wire format: bytes → Decoded, raising RejectedMessage and nothing else.

    `fast` reads what is right in every part and returns None for all else; `careful` then
    names each flaw and keeps what stands beside it. `claims` tells from the payload whether
    it is this format, where a route has several. `numbers` makes out (boot, seq) of a payload
    that cannot be read as a whole.
    """

    name: str
    careful: Callable[[bytes, Context], Decoded]
    fast: Callable[[bytes, Context], Decoded | None] = _nothing
    claims: Claims = _any
    numbers: Callable[[bytes], tuple[int | None, int | None]] = salvage


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """An MQTT filter and what reads its messages.

    `filter` has one level `{gateway}`, which is the gateway's id in the registry; or it has
    none, and `names(topic, payload)` tells the id (None: nobody we know). `numbered`: messages
    carry our boot and seq, so the ledger counts them and the gateway is answered on its `ack`
    topic. `memory` is handed to the codec in its context, built once, lost at a restart.
    `backfill`: what comes here is old and waits behind all that is live (docs/decisions/0028).
    """

    filter: str
    codecs: tuple[Codec, ...]
    numbered: bool = False
    names: Names | None = None
    memory: object = None
    qos: int = 1
    backfill: bool = False

    @property
    def subscription(self) -> str:
        """The filter as a broker knows it."""
        return self.filter.replace(GATEWAY, "+")

    def match(self, levels: Sequence[str]) -> str | None:
        """Return the gateway's level of a topic of this filter, "" where it has none.

        None: not a topic of this filter.
        """
        own, gateway = self.filter.split("/"), ""
        if own[-1] == "#":
            own = own[:-1]
            levels = levels[: len(own)]
        if len(own) != len(levels):
            return None
        for want, have in zip(own, levels, strict=True):
            if want == GATEWAY:
                gateway = have
            elif want not in ("+", have):
                return None
        return gateway

    def codec(self, payload: bytes) -> Codec:
        """Return the first codec that claims a payload, else the last."""
        for codec in self.codecs:
            if codec.claims(payload):
                return codec
        return self.codecs[-1]

    def salvage(self, payload: bytes) -> tuple[int | None, int | None]:
        """Return (boot, seq) of a broken message, as far as they are plain to see."""
        return self.codec(payload).numbers(payload) if self.numbered else (None, None)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The routes of one wire format of others, and what it says by itself.

    `hello(now_ms)` is published at each connection of the service's outgoing client; `will`
    is left with the broker as that client's last will (one dialect may have one). `apart`: it
    keeps a connection of its own, which subscribes to its routes. `grants(gateway)`: what a
    gateway needs at the broker, where the filters do not name it. `own`: what the service needs
    there beside its subscriptions.
    """

    name: str
    routes: tuple[Route, ...]
    hello: Callable[[int], Sequence[Said]] = _silent
    will: Said | None = None
    apart: bool = False
    grants: Callable[[str], Rights] | None = None
    own: Rights = Rights()

    def rights(self, gateway: str) -> Rights:
        """Return what a gateway of this format needs: its own topics and nobody else's."""
        if self.grants is not None:
            return self.grants(gateway)
        named = (one.filter for one in self.routes if GATEWAY in one.filter.split("/"))
        return Rights(write=tuple(name.replace(GATEWAY, gateway) for name in named))


@dataclass(frozen=True, slots=True)
class Found:
    """The route of one message and the id of the gateway it speaks for; None: not told."""

    route: Route
    gateway: str | None


@dataclass(slots=True)
class Routes:
    """All routes of a site. The first dialect whose filter fits a topic reads it."""

    dialects: tuple[Dialect, ...]
    _known: dict[str, Found | None] = field(default_factory=dict)

    def find(self, topic: str, payload: bytes) -> Found | None:
        """Return route and gateway of a message; None for a topic that no route reads."""
        try:
            found = self._known[topic]
        except KeyError:
            found = self._remember(topic)
        if found is None or found.route.names is None:
            return found
        return Found(found.route, found.route.names(topic, payload))

    def _remember(self, topic: str) -> Found | None:
        known = self._known  # before the dialects: see take_up
        levels = topic.split("/")
        found = None
        for route in (route for dialect in self.dialects for route in dialect.routes):
            if (gateway := route.match(levels)) is not None:
                found = Found(route, gateway)
                break
        if len(known) >= _REMEMBERED:
            known.clear()
        known[topic] = found
        return found

    def take_up(self, newer: Routes) -> None:
        """Read by these from now on, in whatever thread a message is just being read.

        A dialect that keeps a session of its own stays as it is: what it remembers of its
        devices is not in any file.
        """
        apart = {one.name: one for one in self.dialects if one.apart}
        self.dialects = tuple(apart.get(one.name, one) for one in newer.dialects)
        # a new table, not an emptied one: who is just looking a topic up notes it in the old
        self._known = {}

    def subscriptions(self, backfill: bool = False) -> list[tuple[str, int]]:
        """Return (filter, QoS) of all that a shared connection takes, each filter once: the one
        for what is live, or the one for back-fill."""
        every = (route for one in self.dialects if not one.apart for route in one.routes)
        mine = (route for route in every if route.backfill is backfill)
        return list({route.subscription: route.qos for route in mine}.items())

    def rights(self, gateway: str) -> Rights:
        """Return what a gateway needs at the broker for all that is switched on."""
        return sum((dialect.rights(gateway) for dialect in self.dialects), Rights())

    def own(self) -> Rights:
        """Return what the service needs at the broker to read all that is switched on."""
        reads = (one.subscription for dialect in self.dialects for one in dialect.routes)
        return sum((dialect.own for dialect in self.dialects), Rights(read=tuple(reads)))

    def hello(self, now_ms: int) -> list[Said]:
        """Return what is published at each connection."""
        return [said for dialect in self.dialects for said in dialect.hello(now_ms)]

    @property
    def will(self) -> Said | None:
        """The last will of the outgoing client, if a dialect has one."""
        return next((dialect.will for dialect in self.dialects if dialect.will), None)
