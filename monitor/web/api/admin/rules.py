"""Rules: a look, a check, a back-test, a new version, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from alerts.rules.load import overlaid
from config.errors import ConfigError
from monitor.admin import figures
from monitor.admin.figures import RuleFigures
from monitor.admin.rulebook import FIELDS, Read, UnknownRule
from monitor.admin.trials import DAY_MS, LONGEST_DAYS, Asked, Trial, answered
from monitor.web import problems
from monitor.web.api import examples
from monitor.web.api import examples_admin as told
from monitor.web.ports import ServicePort
from monitor.web.visitor import AdminVisitor, Visitor, web_of

router = APIRouter(tags=["administration"])
CHANGES = {"hold_s": 45, "severity": "major"}


class CheckBody(BaseModel):
    """All that is to differ from the rule's file; null leaves a key out."""

    model_config = ConfigDict(extra="forbid")

    changes: dict[str, Any] = Field(max_length=len(FIELDS), examples=[CHANGES])


class SaveBody(CheckBody):
    """`version` is the one it was made from; 0 where the rule was never changed here."""

    version: int = Field(ge=0)
    comment: str = Field("", max_length=500)
    backtest: int | None = Field(None, description="id of the back-test that was looked at")


class RestoreBody(BaseModel):
    """Which version becomes the newest again; 0 gives the rule back to its file."""

    model_config = ConfigDict(extra="forbid")

    to: int = Field(ge=0)
    version: int = Field(ge=0)


class TrialBody(CheckBody):
    """Over how many of the last days of history."""

    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 7


def rule_json(read: Read, ident: str, told: RuleFigures) -> dict[str, Any]:
    """Return a rule as it holds, with which source says what."""
    table, changes = read.table(ident), read.changes(ident)
    edit = read.edits.get(ident)
    return {
        "id": ident,
        "text": read.rule(ident).text.as_json(),
        "values": {key: table[key] for key in FIELDS if key in table},
        "code": table.get("code"),
        "group": table.get("group", ""),
        "source": "desk" if changes else "file",
        "file": str(read.file),
        "file_values": {key: read.tables[ident].get(key) for key in changes},
        "changes": changes,
        "set_aside": read.aside[ident].as_json() if ident in read.aside else None,
        "version": read.version(ident),
        "changed_by": edit.by if edit and changes else None,
        "changed_ms": edit.at_ms if edit and changes else None,
        "counts": told.as_json(),
    }


def counted(port: ServicePort) -> dict[str, RuleFigures]:
    """Return figures by rule."""
    with reading(port.engine) as conn:
        return figures.of_rules(conn, port.now_ms(), port.causes.is_false)


def read_of(port: ServicePort, ident: str) -> Read:
    """Return the rules where this one exists. Raises Problem 404."""
    read = port.rulebook.read()
    if ident not in read.tables:
        raise problems.not_found("rule", ident)
    return read


def begin_trial(
    port: ServicePort, visitor: Visitor, ident: str, changes: Mapping[str, Any], days: int
) -> Trial:
    """Check the change, then start its back-test. Raises ConfigError."""
    read = read_of(port, ident)
    port.rulebook.check(ident, changes, read)
    in_force = {rule: read.changes(rule) for rule in read.tables}
    now_ms = port.now_ms()
    with reading(port.engine) as conn:
        rows = figures.filed(conn, ident, now_ms - days * DAY_MS)
    settings = port.settings
    asked = Asked(
        ident,
        read.text,
        str(read.file),
        {**in_force, ident: changes},
        in_force,
        settings.data_dir / "history",
        settings.site.folder,
        settings.site.timezone,
        days,
        answered(rows, port.causes.is_false),
    )
    return port.trials.begin(asked, changes, visitor.user.name, now_ms)


def verdict(port: ServicePort, number: int | None, changes: Mapping[str, Any]) -> Any:
    """Return what a back-test of exactly these changes said, to keep with the version."""
    trial = port.trials.find(number) if number else None
    fits = trial is not None and trial.state == "done" and dict(trial.changes) == dict(changes)
    return None if trial is None or not fits else {"days": trial.days, **(trial.result or {})}


@router.get("/rules", responses=told.RULES)
def rules(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return all rules as they hold, and whether the file or the desk says so."""
    port = web_of(request).port
    read, told = port.rulebook.read(), counted(port)
    return {
        "file": str(read.file),
        "rules": [rule_json(read, one, told.get(one, RuleFigures())) for one in read.tables],
        "set_aside": {rule: text.as_json() for rule, text in read.aside.items()},
    }


@router.get("/rules/{ident}", responses=told.RULE)
def rule(request: Request, visitor: AdminVisitor, ident: str) -> dict[str, Any]:
    """Return a rule, what its file says, and its versions, the newest first."""
    port = web_of(request).port
    read = read_of(port, ident)
    told = counted(port).get(ident, RuleFigures())
    return {
        "rule": rule_json(read, ident, told) | {"names": list(read.rule(ident).names)},
        "file_rule": dict(read.tables[ident]),
        "versions": [one.as_json() for one in port.rulebook.versions(ident)],
    }


@router.post("/rules/{ident}/check", responses=examples.answer({"ok": True, "values": CHANGES}))
def check(request: Request, visitor: AdminVisitor, ident: str, body: CheckBody) -> dict[str, Any]:
    """Check a change as a file is checked; nothing is saved. 422 names key, value, way out."""
    port = web_of(request).port
    read = read_of(port, ident)
    try:
        port.rulebook.check(ident, body.changes, read)
    except ConfigError as error:
        raise problems.refused(error) from None
    return {"ok": True, "values": overlaid(read.tables[ident], body.changes)}


@router.put("/rules/{ident}", responses=examples.answer({"version": 3}))
def save(request: Request, visitor: AdminVisitor, ident: str, body: SaveBody) -> dict[str, Any]:
    """Save a change as a new version; it counts at once, without a restart."""
    port = web_of(request).port
    kept = verdict(port, body.backtest, body.changes)
    try:
        number = port.rulebook.save(
            ident, body.changes, body.version, visitor.user.actor, body.comment, kept
        )
    except UnknownRule:
        raise problems.not_found("rule", ident) from None
    except ConfigError as error:
        raise problems.refused(error) from None
    return {"version": number}


@router.post("/rules/{ident}/restore", responses=examples.answer({"version": 4}))
def restore(
    request: Request, visitor: AdminVisitor, ident: str, body: RestoreBody
) -> dict[str, Any]:
    """Make an earlier version, or the file (to = 0), hold again: as a new version."""
    port = web_of(request).port
    read_of(port, ident)
    try:
        number = port.rulebook.restore(ident, body.to, body.version, visitor.user.actor)
    except ConfigError as error:
        raise problems.refused(error) from None
    return {"version": number}


@router.post("/rules/{ident}/backtests", responses=examples.answer({"backtest": {"id": 1}}))
def backtest(
    request: Request, visitor: AdminVisitor, ident: str, body: TrialBody
) -> dict[str, Any]:
    """Begin a back-test of a change against the rule in force, beside the service."""
    port = web_of(request).port
    try:
        trial = begin_trial(port, visitor, ident, body.changes, body.days)
    except ConfigError as error:
        raise problems.refused(error) from None
    return {"backtest": trial.as_json()}


def trial_of(port: ServicePort, number: int) -> Trial:
    """Return a back-test. Raises Problem 404."""
    trial = port.trials.find(number)
    if trial is None:
        raise problems.not_found("backtest", number)
    return trial


@router.get("/backtests/{number}", responses=examples.answer({"backtest": {"id": 1}}))
def progress(request: Request, visitor: AdminVisitor, number: int) -> dict[str, Any]:
    """Return how far a back-test is, or what came of it."""
    return {"backtest": trial_of(web_of(request).port, number).as_json()}


@router.delete("/backtests/{number}", responses=examples.answer({"backtest": {"id": 1}}))
def stop(request: Request, visitor: AdminVisitor, number: int) -> dict[str, Any]:
    """End a back-test that runs."""
    port = web_of(request).port
    trial = trial_of(port, number)
    port.trials.stop(number)
    return {"backtest": trial.as_json()}
