"""The row of a new alert: what is true of subject and rule at the moment of the raise."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from alerts.calling import graded
from alerts.chains import Chains
from alerts.grouping import incident_base
from alerts.model import AlarmState, RescueState, RuleMeta, Transition, severity_rank
from alerts.subjects import Subject
from alerts.tables import alert
from alerts.work import Row, Work


def new_row(work: Work, chains: Chains, one: Transition, rule: RuleMeta, subject: Subject) -> Row:
    """Return the row of a new alert, everything but its id."""
    raised_ms = min(one.at_ms, work.now_ms)
    severity, chain = graded(rule, one.with_people)
    rescue = chains.of(chain).rescue and not one.late
    profile = chains.profile_of(subject)
    row: dict[str, Any] = dict.fromkeys(alert.columns.keys())
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
        "rule_zh": rule.text.zh,
        "rule_en": rule.text.en,
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
        "version": 1,
    }
    return row


def _incident(work: Work, one: Transition, rule: RuleMeta, subject: Subject, rescue: bool) -> str:
    base = incident_base(rule.group, rescue, subject)
    if base is None:
        return f"one:{one.subject_kind}:{one.subject}:{one.rule}:{one.since_ms}"
    found = work.conn.execute(
        select(alert.c.incident)
        .where(alert.c.incident.startswith(f"{base}:", autoescape=True))
        .where(alert.c.closed_ms.is_(None))
        .order_by(alert.c.id)
        .limit(1)
    ).scalar()
    return found or f"{base}:{one.since_ms}"
