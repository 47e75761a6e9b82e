"""Who is responsible for a lift now: units, contacts and duty rosters of a site.

`directory.toml` of the site folder:

    [[unit]]     id, kind, name_zh, name_en, phone, optional lat/lon
    [[contact]]  id, unit, name, phone, email, webhook, mqtt (true or a topic), lang,
                 sms, voice, alertmanager, apprise (notify/addresses.py),
                 channels (order of trial), post (member | deputy | manager | leader)
    [[duty]]     unit, contacts (in weekly turn), deputies, weekday, time, tz, start

Kinds of unit: operator, use_unit, maintenance, rescue_station, public_rescue, bureau,
street_office, town. Reading and checking the file is directory_file.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from math import cos, hypot, radians
from typing import Protocol

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
    """What the directory must know of a subject: its units, and where it stands."""

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
class Duty:
    """A weekly turn: `contacts[k]` is on duty in the k-th week after `start`, round and round."""

    unit: str
    contacts: tuple[str, ...]
    deputies: tuple[str, ...]
    weekday: int
    hand_over: time
    tz: tzinfo
    start: date

    def turn(self, at_ms: int) -> str:
        """Return the contact on duty at a moment; hand-over is by local time of `tz`."""
        local = datetime.fromtimestamp(at_ms / 1000, self.tz)
        day = local.date() - timedelta(days=(local.weekday() - self.weekday) % 7)
        if day == local.date() and local.time() < self.hand_over:
            day -= timedelta(days=7)
        first = self.start - timedelta(days=(self.start.weekday() - self.weekday) % 7)
        return self.contacts[((day - first).days // 7) % len(self.contacts)]


@dataclass(frozen=True, slots=True)
class Found:
    """Who is to be told. `fallback` says why it is not the one the role asked for, else None."""

    contacts: tuple[Contact, ...]
    fallback: Text | None = None


@dataclass(frozen=True)
class Directory:
    """All units of a site. Immutable; a changed file makes a new one."""

    units: Mapping[str, Unit]
    contacts: Mapping[str, Contact]
    duties: Mapping[str, Duty] = field(default_factory=dict)

    def of_unit(self, unit: str) -> list[Contact]:
        """All contacts of a unit in the file's order."""
        return [c for c in self.contacts.values() if c.unit == unit]

    def of_kind(self, kind: str) -> list[Unit]:
        """All units of a kind in the file's order."""
        return [u for u in self.units.values() if u.kind == kind]

    def actor(self, contact_id: str) -> Actor | None:
        """Return who acts when the link of this contact's page is used."""
        contact = self.contacts.get(contact_id)
        if contact is None:
            return None
        kind = self.units[contact.unit].kind
        role = Role.OPERATOR if kind in ("operator", "bureau") else Role.FIRM
        return Actor(contact.name, role, contact.unit, contact.id, Origin.LINK)

    def units_of(self, role: str, subject: Served) -> list[str]:
        """Return the units that a role means for this subject: mostly one, none if unknown.

        `street_office` may be a town; `public_rescue` means all of them (119 and 110);
        `rescue_station` the nearest; other kinds the first of the file.
        """
        if role in NAMED_BY_LIFT:
            unit = getattr(subject, NAMED_BY_LIFT[role])
            return [unit] if unit in self.units else []
        units = self.of_kind("bureau" if role == "bureau_leader" else role)
        if role == "rescue_station":
            units.sort(key=lambda unit: _distance(unit, subject))
        return [unit.id for unit in (units if role == "public_rescue" else units[:1])]

    def who(self, role: str, subject: Served, at_ms: int) -> Found:
        """Return whom a role means for a subject at a moment.

        Nobody on duty or no such post: all contacts of the unit; a unit without contacts: the
        bureau. `Found.fallback` then says so, and the journal keeps it. Empty `contacts` only
        when the bureau has no contact either.
        """
        units = self.units_of(role, subject)
        wanted = [c for unit in units for c in PICK[role](self, unit, at_ms)]
        if wanted:
            return Found(tuple(wanted))
        everybody = [c for unit in units for c in self.of_unit(unit)]
        name = self.units[units[0]].name if units else Text("未登记单位", "no unit on record")
        if everybody:
            return Found(tuple(everybody), _nobody(role, name))
        bureau = [c for u in self.of_kind("bureau") for c in self.of_unit(u.id)]
        return Found(tuple(bureau), _bureau_instead(role, name))


Pick = Callable[[Directory, str, int], list[Contact]]


def _on_duty(book: Directory, unit: str, at_ms: int) -> list[Contact]:
    duty = book.duties.get(unit)
    if duty is not None and duty.contacts:
        return [book.contacts[duty.turn(at_ms)]]
    everybody = book.of_unit(unit)
    # A unit with one contact needs no roster; with several, nobody said who it is: fall back.
    return everybody if len(everybody) == 1 else []


def _second(book: Directory, unit: str, at_ms: int) -> list[Contact]:
    """The next person after the one on duty: the deputy, else the next in the unit's list."""
    deputies = _deputies(book, unit, at_ms)
    if deputies:
        return deputies[:1]
    first = {c.id for c in _on_duty(book, unit, at_ms)}
    return [c for c in book.of_unit(unit) if c.id not in first][:1]


def _deputies(book: Directory, unit: str, at_ms: int) -> list[Contact]:
    duty = book.duties.get(unit)
    if duty is not None and duty.deputies:
        first = duty.turn(at_ms) if duty.contacts else None
        return [book.contacts[c] for c in duty.deputies if c != first]
    return _post("deputy")(book, unit, at_ms)


def _post(post: str) -> Pick:
    def pick(book: Directory, unit: str, at_ms: int) -> list[Contact]:
        return [c for c in book.of_unit(unit) if c.post == post]

    return pick


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
