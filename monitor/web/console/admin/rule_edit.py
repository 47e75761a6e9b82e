"""Changing a rule: check, back-test, save. One form, three buttons; nothing is lost between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from alerts.rules.load import SEVERITIES, overlaid
from config.errors import ConfigError
from config.text import Text
from monitor.admin.rulebook import FIELDS, Read
from monitor.admin.trials import LONGEST_DAYS, Trial
from monitor.web import terms
from monitor.web.api.admin.rules import begin_trial, read_of, verdict
from monitor.web.console.admin.rules import EXPRESSIONS, shown
from monitor.web.console.render import flash
from monitor.web.visitor import AdminVisitor, Visitor, web_of

router = APIRouter(prefix="/admin", include_in_schema=False)
FLAGS = {"latched": False, "manual_reset": False, "bell": True}
NUMBERS = ("hold_s", "seen_s", "clear_s", "min_samples")
LISTS = ("inhibits",)
DAYS = 7
FITS = Text("检查通过：与规则文件的检查相同", "it fits: checked as a rule file is")


def changes_of(form: Mapping[str, str], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form has that differs from the file's table; None leaves a key out."""
    found: dict[str, Any] = {}
    for key in FIELDS:
        value = _value(key, form)
        said = table.get(key, FLAGS.get(key))
        if isinstance(said, str):
            said = said.strip() or None
        if value != (said or None if key in LISTS else said):
            found[key] = value
    return found


def _value(key: str, form: Mapping[str, str]) -> Any:
    if key in FLAGS:
        return key in form
    text = str(form.get(key, "")).replace("\r\n", "\n").strip()
    if not text:
        return None
    if key in LISTS:
        return [one.strip() for one in text.replace("，", ",").split(",") if one.strip()]
    if key in NUMBERS:
        try:
            number = float(text)
        except ValueError:
            return text  # the check refuses it by name
        return int(number) if number == int(number) else number
    return text


@router.get("/rules/{ident}/edit")
def edit(request: Request, visitor: AdminVisitor, ident: str, trial: int | None = None) -> Response:
    """The form, as the rule holds, or as it was when its back-test was begun."""
    port = web_of(request).port
    read = read_of(port, ident)
    run = port.trials.find(trial) if trial else None
    mine = run is not None and run.rule == ident
    changes = dict(run.changes) if run is not None and mine else read.changes(ident)
    return _form(request, visitor, ident, read, changes, trial=run if mine else None)


@router.post("/rules/{ident}/edit")
async def act(request: Request, visitor: AdminVisitor, ident: str) -> Response:
    """One of the three buttons."""
    form = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_act, request, visitor, ident, form)


def _act(request: Request, visitor: Visitor, ident: str, form: Mapping[str, str]) -> Response:
    port = web_of(request).port
    read = read_of(port, ident)
    changes = changes_of(form, read.tables[ident])
    number = int(form["trial"]) if form.get("trial", "").isdigit() else None
    try:
        if form.get("act") == "backtest":
            days = int(form["days"]) if form.get("days", "").isdigit() else DAYS
            days = min(max(days, 1), LONGEST_DAYS)
            trial = begin_trial(port, visitor, ident, changes, days)
            return RedirectResponse(f"/admin/rules/{ident}/edit?trial={trial.id}#trial", 303)
        if form.get("act") == "stop" and number:
            port.trials.stop(number)
        elif form.get("act") == "save":
            version = int(form["version"]) if form.get("version", "").isdigit() else 0
            kept = verdict(port, number, changes)
            comment = form.get("comment", "").strip()[:500]
            saved = port.rulebook.save(ident, changes, version, visitor.user.actor, comment, kept)
            text = Text(
                f"第 {saved} 版已保存，立即生效", f"version {saved} is saved; it counts from now on"
            )
            return flash(RedirectResponse(f"/admin/rules/{ident}", 303), text, True)
        else:
            port.rulebook.check(ident, changes, read)
    except ConfigError as error:
        return _form(request, visitor, ident, read, changes, error, form=form)
    run = port.trials.find(number) if number else None
    good = form.get("act") == "check"
    return _form(request, visitor, ident, read, changes, trial=run, form=form, fits=good)


def _form(
    request: Request,
    visitor: Visitor,
    ident: str,
    read: Read,
    changes: Mapping[str, Any],
    error: ConfigError | None = None,
    *,
    trial: Trial | None = None,
    form: Mapping[str, str] | None = None,
    fits: bool = False,
) -> Response:
    web = web_of(request)
    words, ground = web.pages.words(request), read.tables[ident]
    values = overlaid(ground, changes)
    field = error.key.rsplit(", ", 1)[-1] if error else ""
    given = {key: (form or {}).get(key, "") for key in (*FIELDS, "comment")}
    return web.pages.render(
        request,
        "admin/rule_edit.html",
        visitor,
        status=422 if error else 200,
        ident=ident,
        name=words.text(read.rule(ident).text),
        values={
            key: given[key] if form is not None and key not in FLAGS else _text(values.get(key))
            for key in FIELDS
        },
        flags={key: bool(values.get(key, default)) for key, default in FLAGS.items()},
        file={key: shown(ground.get(key)) for key in FIELDS},
        changed={key for key in changes},
        severities=terms.severities(words.catalogue),
        severity_order=SEVERITIES,
        chains={
            name: words.text(chain.text) for name, chain in web.port.desk.chains.chains.items()
        },
        expressions=EXPRESSIONS,
        version=read.version(ident),
        field=field,
        error=words.text(error.way_out) if error else "",
        value=str(error.value)[:120] if error else "",
        position=getattr(error, "position", None),
        fits=words.text(FITS) if fits else "",
        comment=given["comment"],
        days=(form or {}).get("days") or (trial.days if trial else DAYS),
        longest=LONGEST_DAYS,
        trial=trial,
        same=trial is not None and dict(trial.changes) == dict(changes),
        refusal=words.text(trial.refusal) if trial and trial.refusal else "",
    )


def _text(value: Any) -> str:
    return "" if value is None else shown(value)
