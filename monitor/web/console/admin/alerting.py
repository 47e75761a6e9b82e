"""Chains and channels on the console."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alerts.chains import explain as chain
from alerts.chains.ladder import UNTIL
from alerts.desk.gaps import OFF_DUTY
from devices.registry import place_and_name
from monitor.web import terms
from monitor.web.api.admin.alerting import chains_json, channels_json, explained, send_test
from monitor.web.console.admin.rules import stamp
from monitor.web.problems import Problem
from monitor.web.visitor import AdminVisitor, Visitor, web_of
from monitor.web.words import Words, opening

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.get("/chains")
def chains(
    request: Request,
    visitor: AdminVisitor,
    lift: str = "",
    rule: str = "1",
    people: int = 0,
) -> Response:
    """Chains as they run, and what one would do for a lift."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    refusal, told = "", None
    if lift.strip():
        try:
            told = _explained(words, explained(port, lift, rule, max(people, 0), None), port)
        except Problem as problem:
            refusal = problem.text.of(words.lang)
    found = chains_json(port)
    return web.pages.render(
        request,
        "admin/chains.html",
        visitor,
        status=404 if refusal else 200,
        file=found["file"],
        profiles={name: words.duration(s * 1000) for name, s in found["profiles"].items()},
        profile=found["profile"],
        chains=[
            {**one, "text": opening(words.text(one["text"])),
             "steps": [_step(words, step) for step in one["steps"]]}
            for one in found["chains"]
        ],
        rules={one.id: opening(words.text(one.text)) for one in port.desk.rules.values()},
        own=(OFF_DUTY.id,),  # the desk's own rule stands in no file
        lift=lift[:64],
        rule=rule,
        people=people,
        told=told,
        refusal=refusal,
    )  # fmt: skip


def _step(words: Words, step: dict[str, Any]) -> dict[str, Any]:
    _ = words.catalogue.gettext
    if step["of_arrival"] is not None:
        when = _("%(share)d %% of the arrival limit") % {"share": round(100 * step["of_arrival"])}
    else:
        when = words.duration(step["after_s"] * 1000) if step["after_s"] else _("at once")
    until = [words.text(UNTIL[one]) for one in step["until"]]
    kinds = terms.severities(words.catalogue)
    return {
        "text": opening(words.text(step["text"])),
        "when": when,
        "to": step["to"],
        "until": until,
        "severities": [kinds[one] for one in step["severities"]],
    }


def _explained(words: Words, told: chain.Explained, port: Any) -> dict[str, Any]:
    found = chain.as_json(told, port.directory, words.tz, full=False)
    return {
        "where": place_and_name(found["place"], found["name"]),
        "severity": told.severity,
        "severity_word": terms.severities(words.catalogue)[told.severity],
        "chain": found["chain"],
        "profile": found["profile"],
        "arrival": stamp(words, found["arrival_due_ms"]),
        "steps": [
            {
                "text": opening(words.text(step["text"])),
                "at": words.clock(step["at_ms"]),
                "after": words.duration(step["at_ms"] - found["at_ms"]),
                "people": [
                    {**one, "unit": words.text(one["unit_name"]),
                     "ways": " + ".join(" > ".join(group) for group in one["channels"])}
                    for one in step["people"]
                ],
                "until": [words.text(text) for text in step["until_text"]],
                "fallbacks": [words.text(one["text"]) for one in step["fallbacks"]],
            }
            for step in found["steps"]
        ],
    }  # fmt: skip


@router.get("/channels")
def channels(request: Request, visitor: AdminVisitor) -> Response:
    """The ways out, each with a test button."""
    return _channels(request, visitor)


def _channels(
    request: Request, visitor: Visitor, tested: str = "", contact: str = "",
    result: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    book = port.directory
    rows = [
        {
            **one,
            "people": [
                {"id": ident, "name": book.contacts[ident].name,
                 "unit": words.text(book.units[book.contacts[ident].unit].name)}
                for ident in one["contacts"]
            ],
        }
        for one in channels_json(port)
    ]  # fmt: skip
    return web.pages.render(
        request,
        "admin/channels.html",
        visitor,
        rows=rows,
        tested=tested,
        contact=contact,
        result=result,
    )


@router.post("/channels/{name}/test")
async def test(
    request: Request,
    visitor: AdminVisitor,
    name: str,
    contact: Annotated[str, Form(max_length=128)],
) -> Response:
    """Send a test, and show the receipt."""
    result = await send_test(web_of(request).port, visitor, name, contact)
    return await run_in_threadpool(_channels, request, visitor, name, contact, result)
