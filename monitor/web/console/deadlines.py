"""The deadlines of an alert on a line, met or missed, and who is called next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from alerts.chains.calling import called
from alerts.database.tables import alert as alert_table
from alerts.database.tables import alert_unit, timer
from alerts.desk.gaps import subject_at
from alerts.story.deadlines import Deadline, judge
from monitor.web.ports import ServicePort
from monitor.web.words import Words, opening

EDGE: Final = 1.5  # per cent of the line left free at either end, for the marks


def along(after_ms: float, longest_ms: float) -> float:
    """Return a place on the line in per cent, by the square root: the first minutes count most."""
    share = math.sqrt(min(max(after_ms, 0.0), longest_ms) / longest_ms) if longest_ms else 0.0
    return round(EDGE + (100 - 2 * EDGE) * share, 2)


def deadline_line(
    conn: Connection, port: ServicePort, words: Words, alert: Mapping[str, Any], now_ms: int
) -> dict[str, Any]:
    """Return the line: `start_ms`, `longest_ms`, `now_x`, `live` (now still moves), `marks`.

    A mark: x in per cent, due_ms, clock, word, `result` (met, missed, open, not_needed), the result
    in words, and `next` for the first that is still open.
    """
    start = int(alert.get("last_raised_ms") or alert["raised_ms"])
    found = [one for one in _judged(conn, port, alert["id"], now_ms) if one.due_ms > start]
    longest = max((one.due_ms - start for one in found), default=0)
    first = min((one.due_ms for one in found if one.result == "open"), default=None)
    end = int(alert.get("closed_ms") or now_ms)
    return {
        "start_ms": start,
        "longest_ms": longest,
        "now_x": along(end - start, longest),
        "live": alert.get("closed_ms") is None,
        "marks": [
            {
                "x": along(one.due_ms - start, longest),
                "due_ms": one.due_ms,
                "clock": words.clock(one.due_ms, now_ms),
                "word": opening(words.text(one.text)),
                "result": one.result,
                "result_word": _result(words, one, now_ms),
                "limit": one.limit,
                "next": one.result == "open" and one.due_ms == first,
            }
            for one in found
        ],
    }


def _judged(conn: Connection, port: ServicePort, alert_id: int, now_ms: int) -> list[Deadline]:
    row = conn.execute(select(alert_table).where(alert_table.c.id == alert_id)).mappings().one()
    of_alert = select(timer).where(timer.c.alert_id == alert_id)
    timers = conn.execute(of_alert.order_by(timer.c.due_ms, timer.c.id)).mappings().all()
    units = conn.execute(
        select(alert_unit.c.unit, alert_unit.c.answered_ms).where(
            alert_unit.c.alert_id == alert_id, alert_unit.c.answered_ms.is_not(None)
        )
    )
    answered = {str(unit): int(at_ms) for unit, at_ms in units}
    # A deadline of an earlier round is history: the timeline tells it.
    now = [dict(one) for one in timers if one["round"] == row["round"]]
    return judge(dict(row), now, answered, port.desk.chains, now_ms)


def _result(words: Words, one: Deadline, now_ms: int) -> str:
    _ = words.catalogue.gettext
    margin = one.margin_ms(now_ms)
    if one.result == "not_needed":
        return opening(words.text(one.reason)) or _("not needed")
    left = words.duration(abs(margin or 0))
    if one.result == "met":
        return _("met, %(time)s before") % {"time": left}
    if one.result == "missed" and one.met_ms is None:
        return _("missed")
    return _("missed by %(time)s") % {"time": left} if one.result == "missed" else ""


def next_call(
    port: ServicePort, words: Words, alert: Mapping[str, Any]
) -> dict[str, Any] | None:  # fmt: skip
    """Return who is called next if nobody acts: `due_ms`, `word`, `people`; None = nobody.

    Asked of the directory for the moment the call is due, as escalation will ask it.
    """
    if alert.get("closed_ms") is not None:
        return None
    desk = port.desk
    for one in alert["timers"]:
        step = desk.chains.step(alert["chain"], one["step"])
        if one["state"] != "pending" or step is None:
            continue
        due_ms = int(one["due_ms"])
        kind, ident = str(alert["subject_kind"]), str(alert["subject"])
        subject = subject_at(port.directory, desk.subjects, kind, ident, due_ms)
        people = called(port.directory, step, subject, due_ms).contacts
        if people:
            return {
                "due_ms": due_ms,
                "word": opening(words.text(step.text)),
                "people": [_person(port, words, contact.unit, contact.name) for contact in people],
            }
    return None


def _person(port: ServicePort, words: Words, unit: str, name: str) -> str:
    known = port.directory.units.get(unit)
    unit_name = known.name.of(words.lang) if known else unit
    return name if name.startswith(unit_name) else f"{unit_name} {name}"
