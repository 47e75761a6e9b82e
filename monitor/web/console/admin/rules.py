"""Rules on the console: the list, and a page for each with its versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alerts.rules.load import overlaid
from config.errors import ConfigError
from config.text import Text
from monitor.admin.figures import RuleFigures
from monitor.admin.rulebook import FIELDS, Read
from monitor.web import terms
from monitor.web.api.admin.rules import counted, read_of, rule_json
from monitor.web.console.render import flash
from monitor.web.visitor import AdminVisitor, web_of
from monitor.web.words import Words, opening

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.get("/rules")
def listed(request: Request, visitor: AdminVisitor, q: str = "", severity: str = "") -> Response:
    """All rules with severity, times, chain and how they do."""
    web = web_of(request)
    words, read = web.pages.words(request), web.port.rulebook.read()
    told = counted(web.port)
    rows = [row(words, read, ident, told.get(ident, RuleFigures())) for ident in read.tables]
    wanted = q.strip().casefold()
    shown = [
        one
        for one in rows
        if (not wanted or wanted in f"{one['id']} {one['name']}".casefold())
        and (not severity or one["severity"] == severity)
    ]
    return web.pages.render(
        request,
        "admin/rules.html",
        visitor,
        rows=shown,
        total=len(rows),
        changed=sum(one["changed"] for one in rows),
        file=str(read.file),
        q=q[:100],
        severity=severity,
        severities=terms.severities(words.catalogue),
        aside={rule: words.text(text) for rule, text in read.aside.items()},
    )


def row(words: Words, read: Read, ident: str, told: RuleFigures) -> dict[str, Any]:
    """Return one line of the list."""
    found, rule = rule_json(read, ident, told), read.rule(ident)
    return {
        "id": ident,
        "name": opening(words.text(rule.text)),
        "severity": rule.meta.severity,
        "severity_word": terms.severities(words.catalogue)[rule.meta.severity],
        "hold": seconds(words, rule.hold_s),
        "clears": seconds(words, rule.clear_s),
        "chain": rule.meta.chain,
        "bell": rule.bell,
        "changed": found["source"] == "desk",
        "aside": ident in read.aside,
        "counts": told,
        "share": share(told),
    }


def share(told: RuleFigures) -> str:
    """Return the false share as a percentage; a dash where nobody has filed a cause."""
    return "–" if told.false_share is None else f"{told.false_share:.0%}"


def seconds(words: Words, value: float) -> str:
    """Return a time of a rule: `30 s`, `2 h 00 min`; a dash for none."""
    return words.duration(value * 1000) if value >= 1 else f"{value:g} s" if value else "–"


def shown(value: Any) -> str:
    """Return a value as the file would have it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@router.get("/rules/{ident}")
def one(request: Request, visitor: AdminVisitor, ident: str) -> Response:
    """A rule: what it says in words and as written, where that comes from, its versions."""
    web = web_of(request)
    port, words = web.port, web.pages.words(request)
    read = read_of(port, ident)
    told = counted(port).get(ident, RuleFigures())
    found, rule = rule_json(read, ident, told), read.rule(ident)
    table, ground = read.table(ident), read.tables[ident]
    return web.pages.render(
        request,
        "admin/rule.html",
        visitor,
        rule=found,
        name={"zh": rule.text.zh, "en": rule.text.en},
        view=row(words, read, ident, told),
        expressions=[(key, table[key]) for key in EXPRESSIONS if key in table],
        sources=[
            {
                "key": key,
                "value": shown(table.get(key)),
                "changed": key in found["changes"],
                "file": shown(ground.get(key)),
            }
            for key in FIELDS
            if key not in EXPRESSIONS and (key in table or key in found["changes"])
        ],
        changed_expressions=[
            {"key": key, "file": shown(ground.get(key))}
            for key in EXPRESSIONS
            if key in found["changes"]
        ],
        columns=[{"name": name, "text": opening(words.channel(name))} for name in rule.names],
        sentence=sentence(words, rule.hold_s, rule.clear_s, rule.min_samples, rule.seen_s),
        changed_at=stamp(words, found["changed_ms"]),
        versions=[
            {
                "version": edit.version,
                "at": stamp(words, edit.at_ms),
                "by": edit.by,
                "comment": edit.comment,
                "lines": lines(ground, edit.data),
                "trial": edit.trial,
            }
            for edit in port.rulebook.versions(ident)
        ],
        aside=words.text(read.aside[ident]) if ident in read.aside else "",
    )


EXPRESSIONS = ("when", "at_once", "suppressed_by")


def stamp(words: Words, at_ms: int | None) -> str:
    """Return day and time of day."""
    return f"{words.day(at_ms)} {words.clock(at_ms, at_ms)}" if at_ms else ""


def lines(ground: Mapping[str, Any], data: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return key, what the file says, what this version says."""
    mine = overlaid(ground, data)
    return [
        {"key": key, "file": shown(ground.get(key)), "value": shown(mine.get(key))} for key in data
    ]


def sentence(words: Words, hold_s: float, clear_s: float, least: int, seen_s: float) -> str:
    """Return when the rule raises and clears, in words."""
    _, ngettext = words.catalogue.gettext, words.catalogue.ngettext
    samples = ngettext("%(num)d sample", "%(num)d samples", least) % {"num": least}
    parts = [
        _("Raises once the condition is definitely true for %(hold)s and %(samples)s in a row.")
        % {"hold": seconds(words, hold_s) if hold_s else _("no time"), "samples": samples}
    ]
    if seen_s < hold_s:
        parts.append(
            _("Of that, samples must show %(seen)s; the rest may pass in silence.")
            % {"seen": seconds(words, seen_s) if seen_s else _("nothing")}
        )
    parts.append(
        _("Clears once it is definitely false for %(clear)s.")
        % {"clear": seconds(words, clear_s) if clear_s else _("a moment")}
    )
    return " ".join(parts)


@router.post("/rules/{ident}/restore")
def restore(
    request: Request,
    visitor: AdminVisitor,
    ident: str,
    to: Annotated[int, Form(ge=0)],
    version: Annotated[int, Form(ge=0)],
) -> Response:
    """Undo: an earlier version, or the file, holds again."""
    port = web_of(request).port
    read_of(port, ident)
    text, ok = Text("已恢复，立即生效", "restored; it counts from now on"), True
    try:
        port.rulebook.restore(ident, to, version, visitor.user.actor)
    except ConfigError as error:
        text, ok = error.way_out, False
    return flash(RedirectResponse(f"/admin/rules/{ident}", 303), text, ok)
