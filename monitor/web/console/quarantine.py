"""The quarantine on the console: by reason, one message with its fault marked, second tries."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from alerts.model import Role
from config.text import Text
from monitor.quarantine.choice import OPEN, STATES, Choice
from monitor.quarantine.fault import Mark, hex_lines, text_pieces
from monitor.quarantine.runs import Run
from monitor.quarantine.view import look
from monitor.store.quarantine import Group, Kept
from monitor.web.api.quarantine import ask_of, choice_of
from monitor.web.console.render import flash
from monitor.web.problems import not_found
from monitor.web.visitor import DeskVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
PAGE = 50
RUNS = 5
GATEWAYS = 3
ALL = (*STATES, "all")
State = Annotated[str, Query(pattern="^(open|replayed|dropped|all)$")]


@router.get("/quarantine")
def page(
    request: Request,
    visitor: DeskVisitor,
    gateway: Annotated[str, Query(max_length=64)] = "",
    reason: Annotated[str, Query(max_length=64)] = "",
    state: State = OPEN,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """What was refused and why: the reasons first, then the messages, newest first."""
    web = web_of(request)
    words, port, now_ms = web.pages.words(request), web.port.quarantine, web.port.now_ms()
    choice = choice_of(reason, gateway.strip(), None, state)
    rows = port.messages(PAGE, before, choice)
    query = {"gateway": gateway, "reason": reason, "state": state}
    older = "?" + urlencode(query | {"before": rows[-1].id}) if len(rows) >= PAGE else None
    return web.pages.render(
        request,
        "quarantine.html",
        visitor,
        groups=[
            _group(words, one, now_ms, query)
            for one in port.groups(choice_of("", gateway.strip(), None, state))
        ],
        rows=[_row(words, one, now_ms) for one in rows],
        runs=[_run(words, one, now_ms) for one in port.runs(RUNS)],
        gateway=gateway,
        reason=reason,
        reason_word=reason_words(words).get(reason, reason),
        state=state,
        states=_states(words),
        older=older,
        may=visitor.user.role is Role.ADMIN,
    )


@router.get("/quarantine/{number}")
def message(request: Request, visitor: DeskVisitor, number: int) -> Response:
    """One message: its bytes with the fault marked, and what would be taken of it today."""
    web = web_of(request)
    words, port, now_ms = web.pages.words(request), web.port.quarantine, web.port.now_ms()
    kept = port.one(number)
    if kept is None:
        raise not_found("message", number)
    told = look(kept)
    marks = [Mark(*one["at"]) for one in told["refusals"] if one["at"]]
    today = port.today(kept)
    return web.pages.render(
        request,
        "refused.html",
        visitor,
        m=_row(words, kept, now_ms),
        facts=_facts(words, kept),
        refusals=[_refusal(words, one) for one in told["refusals"]],
        lines=hex_lines(kept.payload, marks),
        pieces=text_pieces(kept.payload, marks),
        cut=told["cut"],
        today=today,
        today_refusals=[_refusal(words, one) for one in today["refusals"]],
        may=visitor.user.role is Role.ADMIN and kept.outcome == OPEN,
    )


@router.post("/quarantine/runs")
def ask(
    request: Request,
    visitor: DeskVisitor,
    kind: Annotated[str, Form(pattern="^(replay|try|drop)$")],
    reason: Annotated[str, Form(max_length=64)] = "",
    gateway: Annotated[str, Form(max_length=64)] = "",
    number: Annotated[int | None, Form(ge=1)] = None,
    why: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Ask for a second try, a look at one, or an end without one."""
    port = web_of(request).port
    ids = (number,) if number else ()
    choice = Choice(ids, reason or None, gateway or None, None, OPEN)
    run = ask_of(port.quarantine, visitor, kind, choice, why, port.now_ms())
    text = Text(f"第 {run} 次处理已交给服务", f"run {run} is handed to the service")
    return flash(RedirectResponse("/quarantine#runs", 303), text, True)


def reason_words(words: Words) -> dict[str, str]:
    """Return the reasons of the wire contract in words."""
    _ = words.catalogue.gettext
    return {
        "not_json": _("not JSON"),
        "wrong_version": _("wrong version"),
        "missing_field": _("missing field"),
        "wrong_type": _("wrong type"),
        "not_finite": _("not a finite number"),
        "out_of_range": _("out of range"),
        "unknown_lift": _("unknown lift"),
        "unknown_channel": _("unknown channel"),
        "unknown_code": _("unknown code"),
        "clock_ahead": _("clock ahead"),
        "too_old": _("too old"),
        "seq_out_of_range": _("sequence out of range"),
        "too_large": _("too large"),
        "too_many_samples": _("too many samples"),
        "wrong_gateway": _("another gateway's lift"),
        "unknown_gateway": _("unknown gateway"),
        "unknown_topic": _("unknown topic"),
        "duplicate_key": _("a key twice"),
        "length_mismatch": _("lengths differ"),
        "empty": _("empty"),
        "boot_back": _("boot went back"),
        "seq_back": _("sequence went back"),
        "more_refused": _("and more"),
        "internal_error": _("fault of the service"),
    }


def _states(words: Words) -> dict[str, str]:
    _ = words.catalogue.gettext
    return dict(
        zip(ALL, (_("not yet settled"), _("replayed"), _("dropped"), _("all")), strict=True)
    )


def _group(words: Words, one: Group, now_ms: int, query: dict[str, str]) -> dict[str, Any]:
    more = one.gateway_count - GATEWAYS
    return {
        "reason": one.reason,
        "word": reason_words(words).get(one.reason, one.reason),
        "rows": one.rows,
        "first": words.clock(one.first_ms, now_ms),
        "last": words.clock(one.last_ms, now_ms),
        "gateways": "  ".join(one.gateways[:GATEWAYS]) + (f" +{more}" if more > 0 else ""),
        "href": "?" + urlencode(query | {"reason": one.reason}),
    }


def _row(words: Words, kept: Kept, now_ms: int) -> dict[str, Any]:
    first = kept.refusals[0]
    return {
        "id": kept.id,
        "clock": words.clock(kept.at_ms, now_ms),
        "gateway": kept.gateway,
        "reason": reason_words(words).get(kept.reason, kept.reason),
        "sentence": _refusal(words, first)["sentence"],
        "way_out": words.text(first["way_out"]),
        "more": len(kept.refusals) - 1,
        "state": _states(words)[kept.outcome],
        "open": kept.outcome == OPEN,
        "topic": kept.topic,
    }


def _refusal(words: Words, one: dict[str, Any]) -> dict[str, Any]:
    _ = words.catalogue.gettext
    told = " = ".join(str(part) for part in (one.get("field"), one.get("value")) if part)
    if one.get("limit"):
        told = _("%(what)s, allowed: %(limit)s") % {"what": told or "?", "limit": one["limit"]}
    at = one.get("at")
    return {
        "reason": reason_words(words).get(str(one["reason"]), one["reason"]),
        "sentence": told,
        "lift": one.get("lift"),
        "way_out": words.text(one["way_out"]),
        "at": _("bytes %(from)d to %(to)d") % {"from": at[0], "to": at[1] - 1} if at else "",
    }


def _facts(words: Words, kept: Kept) -> list[tuple[str, str]]:
    _ = words.catalogue.gettext
    facts = [
        (_("Received"), f"{words.day(kept.at_ms)} {words.clock(kept.at_ms)}"),
        (_("Gateway"), kept.gateway or "–"),
        (_("Topic"), kept.topic),
        (_("Boot and sequence"), f"{kept.boot or '–'} / {kept.seq or '–'}"),
        (_("Bytes"), str(kept.size)),
    ]
    if kept.ended_ms is not None:
        ended = f"{_states(words)[kept.outcome]} · {kept.ended_by} · {words.day(kept.ended_ms)}"
        facts.append((_("Ended"), f"{ended} {words.clock(kept.ended_ms)}"))
    if kept.why:
        facts.append((_("Why"), kept.why))
    return facts


def _run(words: Words, run: Run, now_ms: int) -> dict[str, Any]:
    _ = words.catalogue.gettext
    kinds = {"replay": _("replay"), "try": _("try"), "drop": _("drop")}
    states = {"due": _("waits"), "running": _("runs"), "done": _("done"), "failed": _("failed")}
    names = {
        "replayed": _("taken whole"), "refused": _("still refused"), "known": _("nothing new"),
        "samples": _("samples"), "fields": _("fields"), "messages": _("messages"),
        "bursts": _("bursts"), "dropped": _("dropped"),
    }  # fmt: skip
    told = run.choice.as_json()
    told.pop("state", None)
    return {
        "id": run.id,
        "kind": kinds[run.kind],
        "state": states[run.state],
        "running": run.state in ("due", "running"),
        "tone": {"done": "good", "failed": "bad"}.get(run.state, ""),
        "by": run.by,
        "clock": words.clock(run.asked_ms, now_ms),
        "what": " · ".join(
            reason_words(words).get(str(value), str(value)) if name == "reason" else str(value)
            for name, value in told.items()
        )
        or _("all"),
        "done": run.done,
        "total": max(run.total, run.done, 1),
        "counts": [
            (word, run.counts[name]) for name, word in names.items() if run.counts.get(name)
        ],
    }
