"""Who is responsible for a lift now: units, contacts, contracts and duty rosters of a site.

The file they come from is told in docs/directory.md and read by directory_file.py. Kinds of unit:
operator, use_unit, maintenance, rescue_station, public_rescue, bureau, street_office, town.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import cos, hypot, radians
from typing import Protocol

from alerts.directory.contracts import Contract, in_force
from alerts.directory.roster import Roster
from alerts.model import Actor, Origin, Role
from config.text import Text

UNIT_KINDS = (
    "operator", "use_unit", "maintenance", "rescue_station", "public_rescue", "bureau",
    "street_office", "town",
)  # fmt: skip
POSTS = ("member", "deputy", "manager", "leader")
CHANNELS = ("mqtt", "webhook", "email", "alertmanager", "sms", "voice", "apprise")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ROLES = (
    "operator", "use_unit", "use_unit_second", "maintenance", "maintenance_deputy",
    "maintenance_manager", "rescue_station", "public_rescue", "bureau", "bureau_leader",
    "street_office",
)  # fmt: skip
NAMED_BY_LIFT: Mapping[str, str] = {
    "use_unit": "use_unit",
    "use_unit_second": "use_unit",
    "maintenance": "maintenance",
    "maintenance_deputy": "maintenance",
    "maintenance_manager": "maintenance",
    "street_office": "street_office",
}
TOPIC = "liftwatch/v1/pages/{unit}/{contact}"


class Served(Protocol):
    """What the directory must know of a subject: its units, its group, and where it stands.

    `members`: the lifts of a gateway, whose contracts say who serves it.
    """

    @property
    def id(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def members(self) -> Sequence[Served]: ...
    @property
    def use_unit(self) -> str: ...
    @property
    def maintenance(self) -> str: ...
    @property
    def street_office(self) -> str: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Contact:
    """One person (or device) to tell. `addresses`: channel → address, in order of trial."""

    id: str
    unit: str
    name: str
    phone: str
    lang: str
    post: str
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unit:
    """One responsible unit; lat/lon are None where no place was given."""

    id: str
    kind: str
    name: Text
    phone: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Who is to be told. `fallback` says why it is not the one the role asked for, else None.

    `off_duty`: units of which nobody stands a duty that the role asks for; each is itself an alert
    (gaps.py).
    """

    contacts: tuple[Contact, ...]
    fallback: Text | None = None
    off_duty: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """All units of a site. Immutable; a changed file makes a new one."""

    units: Mapping[str, Unit]
    contacts: Mapping[str, Contact]
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    contracts: tuple[Contract, ...] = ()

    @cached_property
    def _contacts_of(self) -> Mapping[str, list[Contact]]:
        found: dict[str, list[Contact]] = {}
        for contact in self.contacts.values():
            found.setdefault(contact.unit, []).append(contact)
        return found

    @cached_property
    def _units_of(self) -> Mapping[str, list[Unit]]:
        found: dict[str, list[Unit]] = {}
        for unit in self.units.values():
            found.setdefault(unit.kind, []).append(unit)
        return found

    @cached_property
    def _contracts_of(self) -> Mapping[str, list[Contract]]:
        """By lift; "" = those that may hold for any: a flood must not search them all each time."""
        found: dict[str, list[Contract]] = {}
        for contract in self.contracts:
            general = contract.groups or contract.use_units or not contract.lifts
            for lift in ("",) if general else contract.lifts:
                found.setdefault(lift, []).append(contract)
        return found

    def of_unit(self, unit: str) -> list[Contact]:
        """All contacts of a unit in the file's order."""
        return list(self._contacts_of.get(unit, ()))

    def of_kind(self, kind: str) -> list[Unit]:
        """All units of a kind in the file's order."""
        return list(self._units_of.get(kind, ()))

    def actor(self, contact_id: str) -> Actor | None:
        """Return who acts when the link of this contact's page is used."""
        contact = self.contacts.get(contact_id)
        if contact is None:
            return None
        kind = self.units[contact.unit].kind
        role = Role.OPERATOR if kind in ("operator", "bureau") else Role.FIRM
        return Actor(contact.name, role, contact.unit, contact.id, Origin.LINK)

    def firm(self, subject: Served, at_ms: int) -> str:
        """Return the maintenance firm that serves a subject at a moment: by contract, else as on
        record. Of a gateway: the firm that serves most of its lifts."""
        if not self.contracts:
            return subject.maintenance
        if subject.members:
            firms = Counter(self.firm(lift, at_ms) for lift in subject.members)
            return firms.most_common(1)[0][0]
        own = self._contracts_of.get(subject.id, ())
        found = in_force([*self._contracts_of.get("", ()), *own], subject, at_ms)
        return found.unit if found else subject.maintenance

    def units_of(self, role: str, subject: Served, at_ms: int) -> list[str]:
        """Return the units that a role means for this subject: mostly one, none if unknown.

        `street_office` may be a town; `public_rescue` means all of them (119 and 110);
        `rescue_station` the nearest; other kinds the first of the file.
        """
        if role in NAMED_BY_LIFT:
            part = NAMED_BY_LIFT[role]
            unit = self.firm(subject, at_ms) if part == "maintenance" else getattr(subject, part)
            return [unit] if unit in self.units else []
        units = self.of_kind("bureau" if role == "bureau_leader" else role)
        if role == "rescue_station":
            units.sort(key=lambda unit: _distance(unit, subject))
        return [unit.id for unit in (units if role == "public_rescue" else units[:1])]

    def who(self, role: str, subject: Served, at_ms: int) -> Found:
        """Return whom a role means for a subject at a moment.

        Nobody on duty or no such post: all contacts of the unit that are not absent; a unit without
        contacts: the bureau. `Found.fallback` then says so, and the journal keeps it. Empty
        `contacts` only when the bureau has no contact either.
        """
        units = self.units_of(role, subject, at_ms)
        picked = {unit: self._pick(role, unit, subject.group, at_ms) for unit in units}
        lacking = [unit for unit in units if not picked[unit]]
        if units and not lacking:
            return Found(tuple(c for found in picked.values() for c in found))
        off_duty = tuple(lacking) if PICK[role] is _on_duty else ()
        told = [c for unit in units for c in picked[unit] or self.reachable(unit, at_ms)]
        name = self.units[lacking[0]].name if lacking else Text("未登记单位", "no unit on record")
        if told:
            return Found(tuple(told), _nobody(role, name), off_duty)
        bureau = [c for u in self.of_kind("bureau") for c in self.reachable(u.id, at_ms)]
        return Found(tuple(bureau), _bureau_instead(role, name), off_duty)

    def _pick(self, role: str, unit: str, group: str | None, at_ms: int) -> list[Contact]:
        """Whom a role means of a unit: in a flood the same is asked for every lift of a firm."""
        key = (role, unit, group, at_ms)
        found = self._picked.get(key)
        if found is None:
            if len(self._picked) >= PICKED:
                self._picked.clear()
            found = self._picked[key] = PICK[role](self, unit, group, at_ms)
        return found

    @cached_property
    def _picked(self) -> dict[tuple[str, str, str | None, int], list[Contact]]:
        return {}

    def on_duty(self, unit: str, at_ms: int, group: str | None = None) -> list[Contact]:
        """Return who of a unit is on duty; empty when nobody is. `group` None = of any line."""
        return _on_duty(self, unit, group, at_ms)

    def stands(self, unit: str, at_ms: int) -> bool:
        """True if somebody of a unit is on duty for every group of lifts that its lines name."""
        roster = self.rosters.get(unit)
        groups = roster.groups() if roster else [""]
        return all(self.on_duty(unit, at_ms, group) for group in groups)

    def reachable(self, unit: str, at_ms: int) -> list[Contact]:
        """Return the contacts of a unit that are not absent; all when everybody is."""
        everybody = self.of_unit(unit)
        return _present(self, everybody, at_ms) or everybody


PICKED = 5_000  # answers that are kept
Pick = Callable[[Directory, str, str | None, int], list[Contact]]


def _on_duty(book: Directory, unit: str, group: str | None, at_ms: int) -> list[Contact]:
    roster = book.rosters.get(unit)
    if roster is not None and roster.has("member"):
        return [book.contacts[c] for c in roster.on("member", group, at_ms)]
    everybody = book.of_unit(unit)
    # A unit with one contact needs no roster; with several, nobody said who it is: fall back.
    return _present(book, everybody, at_ms) if len(everybody) == 1 else []


def _second(book: Directory, unit: str, group: str | None, at_ms: int) -> list[Contact]:
    """The next person after the one on duty: the deputy, else the next in the unit's list."""
    deputies = _deputies(book, unit, group, at_ms)
    if deputies:
        return deputies[:1]
    first = {c.id for c in _on_duty(book, unit, group, at_ms)}
    return [c for c in _present(book, book.of_unit(unit), at_ms) if c.id not in first][:1]


def _deputies(book: Directory, unit: str, group: str | None, at_ms: int) -> list[Contact]:
    roster = book.rosters.get(unit)
    if roster is not None and any(line.deputies for line in roster.lines):
        first = {c.id for c in _on_duty(book, unit, group, at_ms)}
        named = roster.deputies(group, at_ms)
        return [book.contacts[c] for c in named if c not in first]
    return _post("deputy")(book, unit, group, at_ms)


def _post(post: str) -> Pick:
    def pick(book: Directory, unit: str, group: str | None, at_ms: int) -> list[Contact]:
        roster = book.rosters.get(unit)
        if roster is not None and roster.has(post):
            return [book.contacts[c] for c in roster.on(post, group, at_ms)]
        return _present(book, [c for c in book.of_unit(unit) if c.post == post], at_ms)

    return pick


def _present(book: Directory, contacts: list[Contact], at_ms: int) -> list[Contact]:
    """These people, or who stands in for those who are absent, each once."""
    found: dict[str, Contact] = {}
    for contact in contacts:
        roster = book.rosters.get(contact.unit)
        who = roster.present(contact.id, at_ms) if roster else contact.id
        if who is not None:
            found[who] = book.contacts[who]
    return list(found.values())


PICK: Mapping[str, Pick] = {role: _on_duty for role in ROLES} | {
    "use_unit_second": _second,
    "maintenance_deputy": _deputies,
    "maintenance_manager": _post("manager"),
    "bureau_leader": _post("leader"),
}


def _distance(unit: Unit, subject: Served) -> float:
    """Flat distance in degrees of latitude; units without a place come last."""
    if unit.lat is None or unit.lon is None:
        return float("inf")
    east = (unit.lon - subject.lon) * cos(radians(subject.lat))
    return hypot(unit.lat - subject.lat, east)


def _nobody(role: str, unit: Text) -> Text:
    return Text(
        f"{unit.zh}无人值班（{role}），已通知该单位全部联系人",
        f"nobody on duty at {unit.en} ({role}): all its contacts were told",
    )


def _bureau_instead(role: str, unit: Text) -> Text:
    return Text(
        f"{unit.zh}没有可用联系人（{role}），已通知区局",
        f"{unit.en} has no contact ({role}): the bureau was told",
    )
