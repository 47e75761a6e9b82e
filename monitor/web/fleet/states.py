"""How each lift is, as one small number; and which of them changed since somebody last asked.

A code holds three things at once, since a lift that fell silent with people in it is both:
bits 0–1 what is known (0 in normal service, 1 not in normal service, 2 silent), bits 2–3 the
gravest open alert (0 none, 1 critical, 2 major, 3 minor), bit 4 people in the car.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, case, func, or_, select

from alerts.database.tables import alert, suppression
from alerts.model import Aside
from monitor.web.fleet.roster import Roster
from monitor.web.order import HELD

Codes = NDArray[np.uint8]
NORMAL, OUT, SILENT = range(3)
STATES = ("people", "critical", "major", "minor", "silent", "out", "normal")
"""The words for a code, the gravest first; what a lift is called when only one can be said."""
CODES = 32


def state_number(code: int) -> int:
    """Return which of `STATES` a code is called."""
    if code >> 4:
        return 0
    if severity := code >> 2 & 3:
        return severity
    return {SILENT: 4, OUT: 5}.get(code & 3, 6)


STATE_OF = np.array([state_number(code) for code in range(CODES)], np.int8)


def state_of(code: int) -> str:
    """Return the one word for a code."""
    return STATES[state_number(code)]


@dataclass(frozen=True, slots=True, eq=False)
class Alarms:
    """What the alert database says of lifts: by registration code.

    severity: 1 critical, 2 major, 3 minor · people: how many are held in its car, -1 unknown ·
    out: taken out of service by an order.
    """

    severity: Mapping[str, int]
    people: Mapping[str, int]
    out: frozenset[str]


def read_alarms(conn: Connection, now_ms: int) -> Alarms:
    """Return the open alerts that call for somebody, by lift.

    Exercises and what is set aside call for nobody, so they colour nothing; people are never set
    aside.
    """
    held = alert.c.rescue_state.in_(HELD)
    calls = or_(alert.c.aside == Aside.NONE.value, held)
    query = (
        select(
            alert.c.subject,
            func.min(alert.c.severity_rank),
            func.max(case((held, 1), else_=0)),
            func.max(case((held, alert.c.people), else_=None)),
        )
        .where(alert.c.closed_ms.is_(None), alert.c.subject_kind == "lift", calls)
        .where(alert.c.exercise.is_(False))
        .group_by(alert.c.subject)
    )
    severity, people = {}, {}
    for subject, rank, in_car, count in conn.execute(query):
        if rank < 3:
            severity[subject] = int(rank) + 1
        if in_car:
            people[subject] = -1 if count is None else int(count)
    ordered = select(suppression.c.subject).where(
        and_(suppression.c.kind == Aside.OUT_OF_SERVICE.value, suppression.c.ended_ms.is_(None)),
        suppression.c.subject_kind == "lift",
        suppression.c.from_ms <= now_ms,
    )
    return Alarms(severity, people, frozenset(conn.execute(ordered).scalars()))


def codes(
    roster: Roster,
    alarms: Alarms,
    last_ms: NDArray[np.int64],
    service_mode: NDArray[np.float32],
    now_ms: int,
) -> Codes:
    """Return uint8[N] in the roster's order; `last_ms` and `service_mode` by registry row."""
    n = len(roster)
    found = np.zeros(n, np.uint8)
    mode = service_mode[roster.rows]
    found[~np.isnan(mode) & (np.rint(mode) != 1)] = OUT
    found[_places(roster, alarms.out)] = OUT
    stale = now_ms - last_ms[roster.rows] > roster.fresh_ms
    found[stale] = SILENT
    for subject, severity in alarms.severity.items():
        if (i := roster.at.get(subject)) is not None:
            found[i] |= severity << 2
    found[_places(roster, alarms.people)] |= 16
    return found


def _places(roster: Roster, subjects: Any) -> list[int]:
    return [roster.at[one] for one in subjects if one in roster.at]


class Changes:
    """The newest codes, and for each lift the turn at which its code last changed.

    Two arrays, however long it runs: whoever comes back with any earlier turn gets what changed.
    """

    def __init__(self, n: int) -> None:
        self.codes: Codes = np.full(n, 255, np.uint8)
        self.turn = 0
        self._changed = np.zeros(n, np.int64)

    def take(self, newer: Codes) -> None:
        """Make these the newest codes."""
        differs = newer != self.codes
        if differs.any():
            self.turn += 1
            self._changed[differs] = self.turn
            self.codes = newer

    def since(self, turn: int) -> NDArray[np.bool_]:
        """Return bool[N]: what changed after a turn."""
        return np.asarray(self._changed > turn, np.bool_)
