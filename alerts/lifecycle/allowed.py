"""The table of allowed steps: the life of an alert, on its three sides, as data.

An alert has an alarm side (ISA-18.2 / IEC 62682: the operator's), a rescue side (the 96333
practice: the rescuer's) and an aside (shelved, suppressed by design, out of service). Each row says
what moves one side from where to where, and who may do that from where. `moves.py` moves by this
table, `drawing.py` draws it, and a test walks every state to show that the three agree. ISA's
"normal" is an alert that is closed: the next onset opens a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from alerts.model import AlarmState as A
from alerts.model import Aside, LiftStep, Origin, Role, Step
from alerts.model import RescueState as R


class Event(StrEnum):
    """What moves an alert without anybody's doing."""

    CLEAR = "clear"  # the condition was definitely false for its clear time
    AGAIN = "again"  # the condition came back
    PEOPLE = "people"  # people turn out to be in the car
    JOIN = "join"  # a further alarm of a car whose rescue is under way
    ENDS = "ends"  # the time of a shelf, a suppression or an outage is over
    CLOSES = "closes"  # the alarm side has closed


Cause = Step | LiftStep | Event
Who = Mapping[Role, frozenset[Origin]]

_ANYWHERE = frozenset({Origin.CONSOLE, Origin.LINK, Origin.REPLY})
_CONSOLE = frozenset({Origin.CONSOLE})
ANYBODY: Who = {Role.OPERATOR: _ANYWHERE, Role.ADMIN: _ANYWHERE, Role.FIRM: _ANYWHERE}
"""Everybody who has to do with the alert: at the console, by the page's link, by a reply."""
DESK: Who = {Role.OPERATOR: _CONSOLE, Role.ADMIN: _CONSOLE}
"""Signed in at the console. A link or a mail can be forwarded, and whoever repaired a lift does
not verify the own work."""
SERVICE: Who = {Role.SYSTEM: frozenset({Origin.SERVICE})}


@dataclass(frozen=True, slots=True)
class Allowed:
    """One row: `by` any of these, one side goes from any of `sources` to `target`.

    `only`: when the row holds, "" = always. `needs`: what must be said with it.
    """

    by: tuple[Cause, ...]
    sources: tuple[A | R | Aside, ...]
    target: A | R | Aside
    who: Who
    only: str = ""
    needs: tuple[str, ...] = ()


HELD, FREE, BUSY = "held", "free", "busy"
"""`held`: only a person can end it, since its rule latches or a rescue is under way. `free`: not
so. `busy`: a rescue is under way, or it was acknowledged a moment ago (chatter)."""
_ANSWERS = (Step.ACKNOWLEDGE, Step.ACCEPT, Step.DEPART, Step.ARRIVE, Step.FREE)
_OPEN = (A.UNACKNOWLEDGED, A.ACKNOWLEDGED, A.RETURNED, A.LATCHED)
_TO_FREE = (R.RAISED, R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED)

ALARM = (
    Allowed(_ANSWERS, (A.UNACKNOWLEDGED,), A.ACKNOWLEDGED, ANYBODY),
    Allowed((Event.CLEAR,), (A.UNACKNOWLEDGED,), A.RETURNED, SERVICE),
    Allowed((Event.CLEAR,), (A.ACKNOWLEDGED,), A.CLOSED, SERVICE, FREE),
    Allowed((Event.CLEAR,), (A.ACKNOWLEDGED,), A.LATCHED, SERVICE, HELD),
    Allowed((Step.ACKNOWLEDGE, Step.ACCEPT), (A.RETURNED,), A.CLOSED, ANYBODY, FREE),
    Allowed(_ANSWERS, (A.RETURNED,), A.LATCHED, ANYBODY, HELD),
    Allowed((Event.AGAIN,), (A.RETURNED, A.LATCHED), A.UNACKNOWLEDGED, SERVICE),
    Allowed((Event.AGAIN,), (A.RETURNED, A.LATCHED), A.ACKNOWLEDGED, SERVICE, BUSY),
    Allowed((Event.PEOPLE,), (A.ACKNOWLEDGED, A.RETURNED, A.LATCHED), A.UNACKNOWLEDGED, SERVICE),
    Allowed((Step.VERIFY,), _OPEN, A.CLOSED, DESK, needs=("comment while still seen",)),
    Allowed((Step.CANCEL,), _OPEN, A.CLOSED, DESK, needs=("comment",)),
)
RESCUE = (
    Allowed((Event.PEOPLE,), (R.NONE,), R.RAISED, SERVICE),
    Allowed((Step.ACCEPT,), (R.RAISED,), R.ACCEPTED, ANYBODY),
    Allowed((Step.DEPART,), (R.RAISED, R.ACCEPTED), R.ON_THE_WAY, ANYBODY),
    Allowed((Step.ARRIVE,), (R.RAISED, R.ACCEPTED, R.ON_THE_WAY), R.ARRIVED, ANYBODY),
    Allowed((Step.FREE,), _TO_FREE, R.FREED, ANYBODY),
    Allowed((Step.FILE_CAUSE,), (R.FREED,), R.CAUSE_FILED, ANYBODY, needs=("cause",)),
    Allowed((Step.VERIFY,), (R.CAUSE_FILED,), R.VERIFIED, DESK),
    Allowed((Step.CANCEL,), (*_TO_FREE, R.FREED, R.CAUSE_FILED), R.CANCELLED, DESK),
    # A rescue nobody took up ends with its condition.
    Allowed((Event.CLEAR,), (R.RAISED,), R.CANCELLED, SERVICE, FREE),
    Allowed((Step.ACKNOWLEDGE,), (R.RAISED,), R.CANCELLED, ANYBODY, FREE),
    Allowed((Event.JOIN,), (R.RAISED,), R.ACCEPTED, SERVICE),
    Allowed((Event.JOIN,), (R.RAISED,), R.ON_THE_WAY, SERVICE),
    Allowed((Event.JOIN,), (R.RAISED,), R.ARRIVED, SERVICE),
)
_SAID = ("reason", "end")
_ASIDES = (Aside.SHELVED, Aside.SUPPRESSED, Aside.OUT_OF_SERVICE)
ASIDE = (
    Allowed((Step.SHELVE,), (Aside.NONE,), Aside.SHELVED, DESK, needs=_SAID),
    Allowed((LiftStep.SUPPRESS,), (Aside.NONE,), Aside.SUPPRESSED, DESK, needs=_SAID),
    Allowed((LiftStep.TAKE_OUT,), (Aside.NONE,), Aside.OUT_OF_SERVICE, DESK, needs=_SAID),
    Allowed((Step.UNSHELVE,), (Aside.SHELVED,), Aside.NONE, DESK),
    Allowed((LiftStep.RELEASE,), (Aside.SUPPRESSED,), Aside.NONE, DESK),
    Allowed((LiftStep.RETURN,), (Aside.OUT_OF_SERVICE,), Aside.NONE, DESK),
    Allowed((Event.ENDS, Event.PEOPLE, Event.CLOSES), _ASIDES, Aside.NONE, SERVICE),
)
TABLE = (*ALARM, *RESCUE, *ASIDE)


@cache
def who_may(by: Cause) -> Who:
    """Return who may take a step, from where: the widest of its rows that people may take."""
    found: dict[Role, frozenset[Origin]] = {}
    for row in TABLE:
        if by in row.by and row.who is not SERVICE:
            for role, origins in row.who.items():
                found[role] = found.get(role, frozenset()) | origins
    return found


def alarm_after(state: A, by: Cause, conditions: frozenset[str]) -> A:
    """Return where the alarm side goes; it stays where the table has no row.

    A row that holds only under one of `conditions` goes before one that always does.
    """
    rows = [row for row in ALARM if by in row.by and state in row.sources]
    fits = [row for row in rows if row.only in conditions] or [r for r in rows if not r.only]
    return A(fits[0].target) if fits else state


def rescue_rows(step: Step) -> tuple[frozenset[R], R] | None:
    """Return from where a step brings the rescue side whereto, None if it moves no rescue."""
    rows = [row for row in RESCUE if step in row.by and not row.only]
    if not rows:
        return None
    return frozenset(R(state) for row in rows for state in row.sources), R(rows[0].target)
