"""What an alert is about: a lift or a gateway, with the units that answer for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from devices.registry import Lift, Registry


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts of a lift, gateway or unit that an alert keeps; "" and 0 where nothing is known.

    `group`: of the lift in lifts.csv. `members`: the lifts of a gateway.
    """

    kind: str
    id: str
    name: str
    place: str
    lift_type: str = ""
    rescue_code: str = ""
    use_unit: str = ""
    maintenance: str = ""
    street_office: str = ""
    feeder: str = ""
    gateway: str = ""
    lat: float = 0.0
    lon: float = 0.0
    group: str = ""
    members: tuple[Subject, ...] = ()


class Subjects:
    """Looks up subjects in the registry.

    An unknown subject still gets an alert: with blanks, so that the directory falls back to the
    bureau. A gateway's units are those most of its lifts have.
    """

    def __init__(self, registry: Registry) -> None:
        self.take_up(registry)

    def take_up(self, registry: Registry) -> None:
        """Read the registry anew."""
        self._lifts = {lift.reg_code: lift for lift in registry.lifts}
        self._gateways = {gateway.id: gateway for gateway in registry.gateways}
        of_gateway: dict[str, list[Lift]] = {}
        for lift in registry.lifts:
            of_gateway.setdefault(lift.gateway, []).append(lift)
        self._of_gateway = of_gateway
        self._asked: dict[str, Subject] = {}  # by lift: each alert asks at least twice

    def of(self, kind: str, ident: str) -> Subject:
        """Return the subject of an alert."""
        if kind == "gateway":
            return self._gateway(ident)
        lift = self._lifts.get(ident) if kind == "lift" else None
        if lift is None:
            return Subject(kind, ident, ident, "")
        return self._asked.get(ident) or self._asked.setdefault(ident, of_lift(lift))

    def gateway_of(self, reg_code: str) -> str | None:
        """Return the gateway of a lift, None for an unknown lift."""
        lift = self._lifts.get(reg_code)
        return lift.gateway if lift else None

    def _gateway(self, ident: str) -> Subject:
        gateway, lifts = self._gateways.get(ident), self._of_gateway.get(ident, [])
        first = lifts[0] if lifts else None
        return Subject(
            "gateway",
            ident,
            ident,
            gateway.place if gateway else "",
            use_unit=_most(lift.use_unit for lift in lifts),
            maintenance=_most(lift.maintenance for lift in lifts),
            street_office=_most(lift.street_office for lift in lifts),
            gateway=ident,
            lat=first.lat if first else 0.0,
            lon=first.lon if first else 0.0,
            group=_most(lift.group for lift in lifts),
            members=tuple(of_lift(lift) for lift in lifts),
        )


def of_lift(lift: Lift) -> Subject:
    """Return the subject a lift is."""
    return Subject(
        "lift", lift.reg_code, lift.name, lift.place, lift.type, lift.rescue_code, lift.use_unit,
        lift.maintenance, lift.street_office, lift.feeder, lift.gateway, lift.lat, lift.lon,
        lift.group,
    )  # fmt: skip


def _most(values: Iterable[str]) -> str:
    common = Counter(values).most_common(1)
    return common[0][0] if common else ""
