"""The row of a new alert: what is true of subject and rule at the moment of the raise."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import select

from alerts.chains.calling import graded
from alerts.chains.ladder import Chains
from alerts.database.tables import alert
from alerts.desk.work import Lately, Row, Work
from alerts.directory.subjects import Subject
from alerts.drills.marks import marked
from alerts.grouping.incidents import incident_base
from alerts.model import AlarmState, Aside, RescueState, RuleMeta, Transition, severity_rank

FLOOD: Final = 10  # ANSI/ISA-18.2: more than ten alarms in ten minutes
FLOOD_MS: Final = 600_000
FLOOD_LOOK: Final = 50  # of the newest alerts; enough to tell a flood and to find its name
BLANK: Final = dict.fromkeys(alert.columns.keys())


def new_row(work: Work, chains: Chains, one: Transition, rule: RuleMeta, subject: Subject) -> Row:
    """Return the row of a new alert, everything but its id."""
    raised_ms = min(one.at_ms, work.now_ms)
    severity, chain = graded(rule, one.with_people)
    rescue = chains.of(chain).rescue and not one.late
    text = marked(rule.text) if one.exercise else rule.text
    profile = chains.profile_of(subject)
    row: dict[str, Any] = dict(BLANK)
    row |= {
        "subject_kind": one.subject_kind,
        "subject": one.subject,
        "rule": one.rule,
        "since_ms": one.since_ms,
        "raised_ms": raised_ms,
        "last_raised_ms": raised_ms,
        "again_count": 0,
        "round": 0,
        "alarm_state": AlarmState.UNACKNOWLEDGED.value,
        "rescue_state": (RescueState.RAISED if rescue else RescueState.NONE).value,
        "chain": chain,
        "profile": profile,
        "severity": severity,
        "severity_rank": severity_rank(severity),
        "code": rule.code,
        "latched": rule.latched,
        "manual_reset": rule.manual_reset,
        "with_people": one.with_people,
        "people": one.people,
        "rule_zh": text.zh,
        "rule_en": text.en,
        "name": subject.name,
        "place": subject.place,
        "lift_type": subject.lift_type,
        "rescue_code": subject.rescue_code,
        "maintenance": subject.maintenance,
        "use_unit": subject.use_unit,
        "street_office": subject.street_office,
        "feeder": subject.feeder,
        "gateway": subject.gateway,
        "incident": _incident(work, one, rule, subject, rescue),
        "accident": False,
        "arrival_due_ms": raised_ms + chains.arrival_ms(profile) if rescue else None,
        "done": "{}",
        "evidence": orjson.dumps([e.as_json() for e in one.evidence]).decode(),
        "batch": one.batch,
        "late": one.late,
        "exercise": one.exercise,
        "aside": Aside.NONE.value,
        "version": 1,
    }
    return row


def _incident(work: Work, one: Transition, rule: RuleMeta, subject: Subject, rescue: bool) -> str:
    """The incident this alert joins, or a new one's key.

    An open incident of its own car comes first; then what its group shares. In a flood whatever
    nobody has to be freed from is on the flood's card, else there would be thousands of cards.
    """
    if one.exercise:
        return f"drill:{one.subject_kind}:{one.subject}:{one.since_ms}"
    base = incident_base(rule.group, rescue, subject)
    own = f"{subject.kind}:{subject.id}"
    if base == own:
        its: list[str] = [row["incident"] for row in work.open_of(subject.kind, subject.id)]
        joins = [incident for incident in its if incident.startswith(f"{own}:")]
        if joins:
            return joins[0]
    if base in (None, own) and not (rescue or one.with_people or one.late):
        flood = _flood(work, one)
        if flood is not None:
            return flood
    if base is None:
        return f"one:{one.subject_kind}:{one.subject}:{one.rule}:{one.since_ms}"
    if base == own:
        return f"{own}:{one.since_ms}"
    if base not in work.incidents:
        work.incidents[base] = _open_incident(work, base) or f"{base}:{one.since_ms}"
    return work.incidents[base]


def _flood(work: Work, one: Transition) -> str | None:
    """The flood that is on: more than ten alerts within ten minutes, and until that is over."""
    lately = work.lately
    if lately is None:
        lately = work.lately = _lately(work)
    lately.count += 1
    if lately.count <= FLOOD:
        return None
    if lately.flood is None:
        lately.flood = f"flood:{one.since_ms}"
    return lately.flood


def _lately(work: Work) -> Lately:
    """What was raised within the last ten minutes, read once in a transaction."""
    raised = select(alert.c.incident).where(
        alert.c.raised_ms > work.now_ms - FLOOD_MS,
        alert.c.rescue_state == RescueState.NONE.value,
        alert.c.late.is_(False),
        alert.c.exercise.is_(False),
    )
    work.flush()
    incidents = (
        work.conn.execute(raised.order_by(alert.c.id.desc()).limit(FLOOD_LOOK)).scalars().all()
    )
    floods = [incident for incident in incidents if incident.startswith("flood:")]
    return Lately(len(incidents), floods[0] if floods else None)


def _open_incident(work: Work, base: str) -> str | None:
    work.flush()
    found: str | None = work.conn.execute(
        select(alert.c.incident)
        .where(alert.c.incident.startswith(f"{base}:", autoescape=True))
        .where(alert.c.closed_ms.is_(None))
        .order_by(alert.c.id)
        .limit(1)
    ).scalar()
    return found
