"""The nouns of the alert line: transition, evidence, alert states, steps, roles and actors.

Below the alert line everything is columns; above it things are few and matter, so they are
plain readable objects. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from config.text import Text

SEVERITIES = ("critical", "major", "minor", "info")


def severity_rank(severity: str) -> int:
    """0 = critical … 3 = info; the order in which lists and queues serve."""
    return SEVERITIES.index(severity)


class AlarmState(StrEnum):
    """The operator's side, after ISA-18.2 / IEC 62682."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    LATCHED = "latched"
    CLOSED = "closed"


class RescueState(StrEnum):
    """The rescuer's side: 接单 赶往 到场 解困 原因 复查. `none` = nobody has to be freed."""

    NONE = "none"
    RAISED = "raised"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"
    FREED = "freed"
    CAUSE_FILED = "cause_filed"
    VERIFIED = "verified"
    CANCELLED = "cancelled"


class Aside(StrEnum):
    """Set aside: recorded, shown, and paging nobody (ISA-18.2). Never an alarm with people."""

    NONE = "none"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


class Step(StrEnum):
    """What a person can do to an alert."""

    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DEPART = "depart"
    ARRIVE = "arrive"
    FREE = "free"
    FILE_CAUSE = "file_cause"
    VERIFY = "verify"
    CANCEL = "cancel"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"


class LiftStep(StrEnum):
    """What the desk can do to a lift or gateway, and with it to all its alerts but life safety."""

    TAKE_OUT = "take_out_of_service"
    RETURN = "return_to_service"
    SUPPRESS = "suppress"
    RELEASE = "release"


class Origin(StrEnum):
    """From where somebody acts. `console`: signed in, by page or API. `link`: by the one link of
    a page. `reply`: by answering a mail, web hook or MQTT page. `service`: nobody, time or data."""

    CONSOLE = "console"
    LINK = "link"
    REPLY = "reply"
    SERVICE = "service"


class Role(StrEnum):
    """Who acts. `viewer` sees the whole site and changes nothing; `system` is the service."""

    OPERATOR = "operator"
    FIRM = "firm"
    ADMIN = "admin"
    VIEWER = "viewer"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (or the system) as known at the moment of acting.

    `unit` binds a firm to its lifts; `contact` is set when a page was answered, and `origin` says
    whether by its link or by a reply: some steps are for the console alone.
    """

    name: str
    role: Role
    unit: str | None = None
    contact: str | None = None
    origin: Origin = Origin.CONSOLE


SYSTEM = Actor("liftwatch", Role.SYSTEM, origin=Origin.SERVICE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that made the rule true, and since when it has had it. NaN is None."""

    name: str
    value: float | None
    since_ms: int

    def as_json(self) -> dict[str, Any]:
        """Return `{"name", "value", "since_ms"}`."""
        return {"name": self.name, "value": self.value, "since_ms": self.since_ms}


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule became true (`raised`) or false for one subject.

    (subject_kind, subject, rule, since_ms) is the natural key: `since_ms` is the onset of the
    condition, in a clearing transition too. Applying the same transition twice changes nothing.
    `late`: found in data that came after an outage; it is kept on record and calls nobody.
    `exercise`: a drill, never joined with what is real.
    """

    subject_kind: str
    subject: str
    rule: str
    raised: bool
    at_ms: int
    since_ms: int
    with_people: bool = False
    people: int | None = None
    evidence: tuple[Evidence, ...] = ()
    batch: int | None = None
    late: bool = False
    exercise: bool = False

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The natural key."""
        return (self.subject_kind, self.subject, self.rule, self.since_ms)


@dataclass(frozen=True, slots=True)
class RuleMeta:
    """What alerting must know of a rule; the expression stays with the rule engine.

    `chain` is a chain id of chains.toml, with further roles told at once appended by `+`:
    `"F+bureau"`. `chain_with_people` replaces it when people are in the car. `group` says with
    what an alert shares an incident: "car", "feeder", "gateway" or "" for nothing. Without
    `bell` the alert is shown, and nobody is paged for it. `inhibits`: rules whose alerts of the
    same lift page nobody while this one is seen.
    """

    id: str
    text: Text
    severity: str = "minor"
    severity_with_people: str | None = None
    chain: str = "F"
    chain_with_people: str | None = None
    latched: bool = False
    manual_reset: bool = False
    group: str = ""
    code: int | None = None
    bell: bool = True
    inhibits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One line of the journal, as the consoles' feed tells it."""

    id: int
    at_ms: int
    alert_id: int | None
    kind: str
    actor: str
    role: str
    unit: str | None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActResult:
    """The answer to a tap.

    `ok` False = refused, `text` says why. `changed` False with `ok` True = somebody had done it
    before; `text` names who and when. `alert` is the alert as JSON after the tap; `order` the id
    of what a step on a whole lift began or ended, see alerts.lift_steps.
    """

    ok: bool
    changed: bool
    text: Text
    alert: dict[str, Any] | None = None
    order: int | None = None
