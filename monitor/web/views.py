"""Alerts as pages show them: every word chosen, every time as text and as number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from alerts.lifecycle import moves
from alerts.lifecycle.moves import Done, State
from alerts.model import AlarmState, Aside, RescueState, Role, Step
from devices.registry import short_name
from monitor.web import terms
from monitor.web.order import needs_acknowledging, people_held, sort_key
from monitor.web.words import Words, opening

Alert = Mapping[str, Any]
_UTC = ZoneInfo("UTC")
SHELF_HOURS = (1, 2, 4, 8, 24)
OUT_HOURS = (2, 8, 24, 72, 168, 720)
"""What the console offers; the longest are the limits of alerts.aside."""


def state_of(alert: Alert) -> State:
    """Return where an alert stands, for the table of allowed steps."""
    return State(
        AlarmState(alert["alarm_state"]),
        RescueState(alert["rescue_state"]),
        active=alert.get("cleared_ms") is None,
        latched=bool(alert.get("latched")),
        aside=Aside(alert["aside"]),
        with_people=bool(alert.get("with_people")),
    )


def legal_steps(alert: Alert, role: Role) -> list[Step]:
    """Return the steps that would change something now, for somebody of this role."""
    state = state_of(alert)
    done = {
        Step(step): Done(str(who["name"]), int(who["at_ms"]))
        for step, who in (alert.get("done") or {}).items()
    }
    found = []
    for step in Step:
        outcome = moves.apply(state, step, role, tz=_UTC, comment="?", cause="?", done=done)
        if isinstance(outcome, moves.Moved):
            found.append(step)
    return found


def next_step(legal: list[Step]) -> Step | None:
    """Return the step to put first: the rescue's next one, else acknowledging."""
    order = (
        Step.ACCEPT,
        Step.DEPART,
        Step.ARRIVE,
        Step.FREE,
        Step.FILE_CAUSE,
        Step.VERIFY,
        Step.ACKNOWLEDGE,
    )
    return next((step for step in order if step in legal), None)


def row_view(
    words: Words, alert: Alert, now_ms: int, role: Role, by_urgency: bool = True
) -> dict[str, Any]:
    """Return what one line of the list shows."""
    raised, ended = int(alert["raised_ms"]), alert.get("closed_ms")
    catalogue = words.catalogue
    return {
        "id": alert["id"],
        "version": alert["version"],
        "subject": alert["subject"],
        "is_lift": alert["subject_kind"] == "lift",
        "severity": alert["severity"],
        "severity_word": terms.severities(catalogue)[alert["severity"]],
        "alarm_state": alert["alarm_state"],
        "alarm_word": terms.alarm_states(catalogue)[alert["alarm_state"]],
        "rescue_state": alert["rescue_state"],
        "rescue_word": terms.rescue_states(catalogue)[alert["rescue_state"]],
        "aside_word": terms.asides(catalogue)[alert["aside"]],
        "aside_until": words.clock(alert.get("aside_until_ms"), now_ms),
        "needs": needs_acknowledging(alert),
        "held": people_held(alert),
        "open": ended is None,
        "late": bool(alert.get("late")),
        "exercise": bool(alert.get("exercise")),
        "code": alert["code"] if alert.get("code") is not None else "",
        "rule": opening(words.text(alert["rule_text"])),
        "place": alert.get("place") or "",
        "name": alert.get("name") or alert["subject"],
        "short_name": short_name(
            str(alert.get("place") or ""), str(alert.get("name") or alert["subject"])
        ),
        "where": words.where(alert),
        "lift_type": words.lift_type(str(alert.get("lift_type") or "")),
        "people": words.people(alert),
        "people_count": alert.get("people") or ("+" if alert.get("with_people") else ""),
        "raised_ms": raised,
        "clock": words.clock(raised, now_ms),
        "age": words.duration((ended or now_ms) - raised),
        "ended_ms": ended,
        "owner": alert.get("owner") or "",
        "due_ms": alert.get("next_due_ms") if ended is None else None,
        "due_word": opening(words.text(alert.get("next_due_text"))) if ended is None else "",
        "note": (alert.get("note") or {}).get("text") or "",
        "sort": sort_key(alert, by_urgency),
        "may_acknowledge": needs_acknowledging(alert) and Step.ACKNOWLEDGE in _may(role),
        "may_shelve": Step.SHELVE in _may(role) and ended is None and not people_held(alert),
    }


def _may(role: Role) -> set[Step]:
    return {step for step, roles in moves.MAY.items() if role in roles}


def page_view(words: Words, alert: Alert, now_ms: int, role: Role) -> dict[str, Any]:
    """Return what the page of one alert shows beyond its line in the list."""
    legal = legal_steps(alert, role)
    names = terms.steps(words.catalogue)
    first = next_step(legal)
    since_ms = int(alert.get("since_ms") or alert["raised_ms"])
    return row_view(words, alert, now_ms, role) | {
        "since_ms": since_ms,
        "since": words.clock(since_ms, now_ms),
        "age": words.duration((alert.get("closed_ms") or now_ms) - since_ms),
        "headline": words.headline(alert, now_ms),
        "legal": [{"step": step.value, "word": names[step]} for step in legal],
        "first": first.value if first else None,
        "aside_reason": alert.get("aside_reason") or "",
        "aside_by": alert.get("aside_by") or "",
        "shelf_hours": terms.hours(words.catalogue, SHELF_HOURS),
        "causes": {name: words.text(one.text) for name, one in words.causes.groups.items()},
        "cause": cause_word(words, alert.get("cause")),
        "evidence": [words.evidence(row, now_ms) for row in alert.get("evidence", ())],
        "latched": bool(alert.get("latched")),
        "cleared": words.clock(alert.get("cleared_ms"), now_ms),
        "still_seen": alert.get("cleared_ms") is None,
        "accident": bool(alert.get("accident")),
    }


def cause_word(words: Words, cause: str | None) -> str:
    """Return a filed cause in words; free text stays as it was written."""
    return words.text(words.causes.words(cause))
