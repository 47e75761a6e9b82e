"""Who would be called and when: a chain told beforehand, by the functions escalation itself uses.

Nothing is written and nobody is paged. What is told holds while nobody acts; `until` says what
would stop each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from alerts.chains.calling import Called, called, graded, planned, ways
from alerts.chains.ladder import UNTIL, Chains, ChainStep
from alerts.desk.gaps import subject_at
from alerts.directory.subjects import Subject, Subjects
from alerts.directory.units import Contact, Directory
from alerts.model import RuleMeta
from config.text import Text

ALWAYS = Text("警情结束", "the alert is over")


@dataclass(frozen=True, slots=True)
class Rung:
    """One step as it would be taken."""

    step: ChainStep
    due_ms: int
    calls: Called


@dataclass(frozen=True, slots=True)
class Explained:
    """An alert that is not there, and all that its chain would do. Rungs in order of time."""

    subject: Subject
    rule: RuleMeta
    severity: str
    chain: str
    profile: str
    at_ms: int
    arrival_due_ms: int | None
    rungs: tuple[Rung, ...]


def explain(
    directory: Directory,
    chains: Chains,
    subjects: Subjects,
    rule: RuleMeta,
    kind: str,
    ident: str,
    at_ms: int,
    with_people: bool,
) -> Explained:
    """Return what the chain of this rule would do for an alert raised then, if nobody acts."""
    subject = subject_at(directory, subjects, kind, ident, at_ms)
    severity, name = graded(rule, with_people)
    chain, profile = chains.of(name), chains.profile_of(subject)
    rungs = [
        Rung(step, due_ms, called(
            directory, step, subject_at(directory, subjects, kind, ident, due_ms), due_ms
        ))
        for step, due_ms in planned(chains, chain, profile, severity, at_ms)
        if rule.bell
    ]  # fmt: skip
    rungs.sort(key=lambda rung: rung.due_ms)
    arrival = at_ms + chains.arrival_ms(profile) if chain.rescue else None
    return Explained(subject, rule, severity, name, profile, at_ms, arrival, tuple(rungs))


def masked(phone: str) -> str:
    """Return a telephone number that its owner recognises and nobody else can dial."""
    if len(phone) < 8:
        return "*" * max(len(phone) - 2, 0) + phone[-2:]
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"


def stops(step: ChainStep) -> list[Text]:
    """Return what makes a step needless, in words; that the alert is over always does."""
    return [*(UNTIL[word] for word in step.until), ALWAYS]


def local(at_ms: int, tz: tzinfo) -> str:
    """Return a moment as local time with its offset: `2026-10-01T03:12:00+08:00`."""
    return datetime.fromtimestamp(at_ms / 1000, tz).isoformat(timespec="seconds")


def as_json(told: Explained, directory: Directory, tz: tzinfo, full: bool) -> dict[str, Any]:
    """Return all of it as JSON; telephone numbers whole only with `full`."""
    subject = told.subject
    return {
        "subject_kind": subject.kind,
        "subject": subject.id,
        "name": subject.name,
        "place": subject.place,
        "group": subject.group,
        "maintenance": subject.maintenance,
        "use_unit": subject.use_unit,
        "rule": told.rule.id,
        "rule_text": told.rule.text.as_json(),
        "bell": told.rule.bell,
        "severity": told.severity,
        "chain": told.chain,
        "profile": told.profile,
        "at_ms": told.at_ms,
        "at": local(told.at_ms, tz),
        "arrival_due_ms": told.arrival_due_ms,
        "steps": [_rung_json(rung, directory, tz, full) for rung in told.rungs],
    }


def _rung_json(rung: Rung, directory: Directory, tz: tzinfo, full: bool) -> dict[str, Any]:
    step = rung.step
    return {
        "step": step.id,
        "text": step.text.as_json(),
        "at_ms": rung.due_ms,
        "at": local(rung.due_ms, tz),
        "roles": list(step.to),
        "until": list(step.until),
        "until_text": [text.as_json() for text in stops(step)],
        "mark": step.mark,
        "people": [_person(step, one, directory, full) for one in rung.calls.contacts],
        "fallbacks": [
            {"role": role, "text": found.fallback.as_json(), "off_duty": list(found.off_duty)}
            for role, found in rung.calls.roles
            if found.fallback is not None
        ],
    }


def _person(
    step: ChainStep, contact: Contact, directory: Directory, full: bool
) -> Mapping[str, Any]:
    return {
        "id": contact.id,
        "name": contact.name,
        "unit": contact.unit,
        "unit_name": directory.units[contact.unit].name.as_json(),
        "phone": contact.phone if full else masked(contact.phone),
        "lang": contact.lang,
        # groups are tried all at once, the channels of a group one after another
        "channels": [[channel for channel, _ in group] for group in ways(step, contact)],
    }
