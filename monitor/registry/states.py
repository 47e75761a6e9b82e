"""In which state each lift and gateway is, and what is done about it until somebody decides.

One state each, the most pressing one; what else is known of it stands beside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.text import Text
from devices.registry import Gateway, Lift, Registry
from monitor.registry.entries import BASELINE, GATEWAY, LIFT, Entry, Key
from monitor.registry.sightings import Name, Sighting

# state → its word, and its default: what the service does with it meanwhile. The order of the list.
STATES: Mapping[str, tuple[Text, Text]] = {
    "unregistered": (
        Text("未登记", "seen, not registered"),
        Text(
            "拒收，原文存于隔离区；登记后由网关补发",
            "refused, its bytes in quarantine; once registered its gateway may send again",
        ),
    ),
    "two_gateways": (
        Text("两个网关上报", "seen by two gateways"),
        Text(
            "只收登记的网关，另一个拒收并存于隔离区",
            "the registered gateway counts; the other is refused and kept in quarantine",
        ),
    ),
    "replaced": (
        Text("可能换了设备", "perhaps another device"),
        Text(
            "历史与已学的常态继续沿用，直到有人决定",
            "history and learned normal go on until somebody says otherwise",
        ),
    ),
    "moved": (
        Text("已换网关，未到", "moved, not yet heard"),
        Text(
            "只收新网关；不来数据则按离线报警",
            "only the new gateway counts; if it stays silent, rule 23 says so",
        ),
    ),
    "never_seen": (
        Text("已登记，从未上报", "registered, never seen"),
        Text(
            "宽限期过后按离线报警（规则 23）",
            "silent once its grace is over, as one that stopped (rule 23)",
        ),
    ),
    "incomplete": (
        Text("缺少通道", "channels missing"),
        Text(
            "照常监测；依赖所缺通道的规则不触发",
            "watched; rules that need the missing channels stay quiet",
        ),
    ),
    "empty": (
        Text("没有电梯", "without lifts"),
        Text("保留登记", "stays registered"),
    ),
    "ok": (Text("正常", "as registered"), Text("正常监测", "watched")),
    "retired": (
        Text("已退役", "retired"),
        Text(
            "历史保留，行号不再使用；再上报则拒收",
            "history stays, its row is used by no other; refused if it speaks again",
        ),
    ),
}
ORDER = {state: place for place, state in enumerate(STATES)}
Row = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """What the running service knows at this moment; without one nothing of it is told.

    last_ms(row): epoch ms of the newest sample, None = none; channels(row): those it has sent.
    """

    last_ms: Callable[[int], int | None]
    channels: Callable[[int], set[str]]
    heard: Mapping[str, int] = field(default_factory=dict)
    """Gateway → epoch ms of its last status."""


@dataclass(frozen=True)
class Book:
    """All that is known at one moment."""

    registry: Registry
    entries: Mapping[Key, Entry]
    sightings: Mapping[Name, Sighting]
    now_ms: int
    settled_ms: int
    live: Live | None = None

    def rows(self, kind: str) -> list[Row]:
        """Return every lift or every gateway with its state, strangers and the retired too."""
        seen: dict[str, list[tuple[str, Sighting]]] = defaultdict(list)
        for (of, subject, gateway), one in self.sightings.items():
            if of == kind:
                seen[subject].append((gateway, one))
        strangers = list(self._strangers(kind, seen))
        speaking = {row["id"] for row in strangers}
        retired = (row for row in self._retired(kind) if row["id"] not in speaking)
        return [*self._registered(kind, seen), *strangers, *retired]

    def _registered(
        self, kind: str, seen: Mapping[str, list[tuple[str, Sighting]]]
    ) -> Iterator[Row]:
        if kind == GATEWAY:
            counts: dict[str, int] = defaultdict(int)
            for lift in self.registry.lifts:
                counts[lift.gateway] += 1
            for gateway in self.registry.gateways:
                entry = self.entries.get((GATEWAY, gateway.id))
                if entry is None or entry.retired_ms is None:
                    yield self._gateway(gateway, entry, counts[gateway.id])
            return
        for row, slot in enumerate(self.registry.slots):
            if slot is not None:
                others = [(by, s) for by, s in seen.get(slot.reg_code, ()) if by != slot.gateway]
                yield self._lift(row, slot, others)

    def _lift(self, row: int, lift: Lift, others: list[tuple[str, Sighting]]) -> Row:
        entry = self.entries.get((LIFT, lift.reg_code))
        fresh = [(by, s) for by, s in others if s.last_ms > self.now_ms - self.settled_ms]
        missing = self._missing(row, lift)
        return {
            **_row(LIFT, lift.reg_code, _lift_state(entry, fresh, missing), entry),
            "gateway": lift.gateway,
            "name": lift.name,
            "place": lift.place,
            "street_office": lift.street_office,
            "sensor_set": lift.sensor_set,
            "missing": missing,
            "last_ms": self.live.last_ms(row) if self.live else None,
            "seen_by": [_seen(by, one) for by, one in others],
        }

    def _missing(self, row: int, lift: Lift) -> list[str]:
        """Channels its sensor set promises and it never sent, once it has sent anything."""
        wanted = self.registry.sensor_sets.get(lift.sensor_set)
        sent = self.live.channels(row) if wanted and self.live else set()
        return [name for name in wanted.channels if name not in sent] if wanted and sent else []

    def _gateway(self, gateway: Gateway, entry: Entry | None, lifts: int) -> Row:
        state = "ok" if lifts else "empty"
        if entry is not None and entry.first_seen_ms is None:
            state = "never_seen"
        return {
            **_row(GATEWAY, gateway.id, state, entry),
            "vendor": gateway.vendor,
            "place": gateway.place,
            "lifts": lifts,
            "last_ms": self.live.heard.get(gateway.id) if self.live else None,
            "seen_by": [],
        }

    def _strangers(
        self, kind: str, seen: Mapping[str, list[tuple[str, Sighting]]]
    ) -> Iterator[Row]:
        known = self.registry.row_of if kind == LIFT else self.registry.gateway_index
        for subject, ones in seen.items():
            entry = self.entries.get((kind, subject))
            if subject in known and not (entry and entry.retired_ms):
                continue
            # what a retired one had sent before it left is no sign of life
            after = entry.retired_ms or 0 if entry else 0
            ones = [(by, one) for by, one in ones if one.last_ms > after]  # noqa: PLW2901
            if ones:
                row = _row(kind, subject, "unregistered", entry)
                row["last_ms"] = max(one.last_ms for _, one in ones)
                yield row | {"seen_by": [_seen(by, one) for by, one in ones]}

    def _retired(self, kind: str) -> Iterator[Row]:
        for (of, ident), entry in self.entries.items():
            if of == kind and entry.retired_ms is not None:
                told = {n: entry.data.get(n, "") for n in ("gateway", "name", "place", "vendor")}
                yield _row(kind, ident, "retired", entry) | told | {"seen_by": []}


def _lift_state(entry: Entry | None, fresh: list[tuple[str, Sighting]], missing: list[str]) -> str:
    if fresh:
        return "two_gateways"
    if entry is not None and entry.question == BASELINE:
        return "replaced"
    if entry is None or entry.first_seen_ms is None:
        return "never_seen"
    if entry.moved_ms is not None and entry.arrived_ms is None:
        return "moved"
    return "incomplete" if missing else "ok"


def _row(kind: str, ident: str, state: str, entry: Entry | None) -> Row:
    word, default = STATES[state]
    times = ("registered_ms", "first_seen_ms", "moved_ms", "moved_from", "device_since_ms",
             "retired_ms")  # fmt: skip
    return {
        "kind": kind,
        "id": ident,
        "state": state,
        "state_text": word.as_json(),
        "default": default.as_json(),
        **{name: getattr(entry, name) if entry else None for name in times},
        "question": entry.question if entry else None,
    }


def _seen(gateway: str, one: Sighting) -> Row:
    return {
        "gateway": gateway or None,
        "topic": one.topic,
        "first_ms": one.first_ms,
        "last_ms": one.last_ms,
        "count": one.count,
        "size": one.size,
        "sample": one.sample,
    }


def counts(rows: list[Row]) -> dict[str, int]:
    """Return how many are in each state, in the order a person asks for them."""
    found = dict.fromkeys(STATES, 0)
    for row in rows:
        found[row["state"]] += 1
    return {state: number for state, number in found.items() if number}
