"""The hand-over report of a shift as a page, to be read, printed and signed by both officers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from alerts.database.access import reading
from alerts.handover import Span, choices, signing
from alerts.handover.paper import service_lines, where
from monitor.web import terms
from monitor.web.api.handover import give_shift, report_of, span_of
from monitor.web.api.push import MOST
from monitor.web.console.render import flash
from monitor.web.ports import ServicePort
from monitor.web.visitor import DeskVisitor, web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)


@router.get("/handover")
def page(
    request: Request,
    visitor: DeskVisitor,
    shift: Annotated[str, Query(pattern=r"^([0-9]{1,15}-[0-9]{1,15})?$")] = "",
    begin: Annotated[datetime | None, Query(alias="from")] = None,
    to: datetime | None = None,
) -> Response:
    """A shift of the roster (`shift`), or any stretch of time (`from`, `to`, local)."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    span = _span(port, words, shift, begin, to)
    report, signed = report_of(port, span)
    now_ms = port.now_ms()
    with reading(port.engine) as conn:
        before = signing.latest(conn, 8)
    query = f"from_ms={span.from_ms}&to_ms={span.to_ms}"
    return web.pages.render(
        request,
        "handover.html",
        visitor,
        r=report_view(words, report),
        signed=signed_view(words, signed) if signed else None,
        mine=signed is not None and signed["given_by"] == visitor.user.name,
        span=span,
        shifts=_choices(port, words, span, now_ms),
        first=_local(words, span.from_ms),
        last=_local(words, span.to_ms),
        before=[signed_view(words, one) | {"span": _between(words, one)} for one in before],
        longest=signing.LONGEST,
        json=f"/api/v1/handover?{query}",
        pdf=f"/api/v1/handover.pdf?{query}&lang={words.lang[:2]}",
    )


def _span(
    port: ServicePort, words: Words, shift: str, begin: datetime | None, to: datetime | None
) -> Span:
    if begin is not None or to is not None:
        ends = [None if at is None else _ms(words, at) for at in (begin, to)]
        return span_of(port, *ends)
    if shift:
        first, _, last = shift.partition("-")
        return span_of(port, int(first), int(last))
    return span_of(port, None, None)


def _ms(words: Words, at: datetime) -> int:
    return round((at if at.tzinfo else at.replace(tzinfo=words.tz)).timestamp() * 1000)


def _local(words: Words, at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, words.tz).strftime("%Y-%m-%dT%H:%M")


def _moment(words: Words, at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, words.tz).strftime("%Y-%m-%d %H:%M")


def _between(words: Words, one: dict[str, Any]) -> str:
    return f"{_moment(words, one['from_ms'])} – {_moment(words, one['to_ms'])}"


def _choices(port: ServicePort, words: Words, chosen: Span, now_ms: int) -> list[dict[str, Any]]:
    found = choices(port.directory, now_ms, words.tz)
    return [
        {
            "value": f"{one.from_ms}-{one.to_ms}",
            "word": " · ".join(
                part
                for part in (
                    f"{_moment(words, one.from_ms)} – {_moment(words, one.to_ms)[11:]}",
                    ", ".join(one.officers),
                )
                if part
            ),
            "on": (one.from_ms, one.to_ms) == (chosen.from_ms, chosen.to_ms),
        }
        for one in found
    ]


def signed_view(words: Words, signed: dict[str, Any]) -> dict[str, Any]:
    """Return who signed in words."""
    taken = signed["taken_ms"]
    return {
        "id": signed["id"],
        "given_by": signed["given_by"],
        "given": _moment(words, signed["given_ms"]),
        "remark": signed.get("remark", ""),
        "taken_by": signed["taken_by"],
        "taken": _moment(words, taken) if taken is not None else "",
        "digest": signed["digest"],
        "href": f"/handover?shift={signed['from_ms']}-{signed['to_ms']}",
    }


def report_view(words: Words, report: dict[str, Any]) -> dict[str, Any]:
    """Return the report in words."""
    severities = terms.severities(words.catalogue)
    at_ms = report["as_of_ms"]

    def about(one: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": one["alert"],
            "what": opening(words.text(one["what"])) if one["what"] else "",
            "severity": one.get("severity", ""),
            "severity_word": severities.get(one.get("severity", ""), ""),
            "where": where(one),
        }

    def took(ms: int | None) -> str:
        return "–" if ms is None else words.duration(ms)

    def clock(ms: int | None) -> str:
        return words.clock(ms, at_ms)

    return {
        "span": _between(words, report),
        "as_of": _moment(words, at_ms),
        "running": report["running"],
        "officers": ", ".join(report["officers"]),
        "open": [about(one) | _open_view(words, one, at_ms) for one in report["open"]],
        "open_total": report["open_total"],
        "spread": [
            {"word": word, "raised": report["raised"][name], "closed": report["closed"][name]}
            for name, word in severities.items()
        ],
        "raised": report["raised"]["total"],
        "closed": report["closed"]["total"],
        "freed": [
            about(one)
            | {
                "people": one["people"],
                "accept": took(one["accept_took_ms"]),
                "arrive": took(one["arrive_took_ms"]),
                "limit": took(one["arrive_limit_ms"]),
                "freed": took(one["freed_took_ms"]),
                "in_time": one["in_time"],
                "accident": one["accident"],
            }
            for one in report["freed"]
        ],
        "people": report["freed_people"],
        "escalations": [
            about(one) | {"text": opening(words.text(one["text"])), "clock": clock(one["at_ms"])}
            for one in report["escalations"]
        ],
        "escalations_total": report["escalations_total"],
        "false_alarms": [
            about(one) | {"text": opening(words.text(one["text"])), "clock": clock(one["at_ms"])}
            for one in report["false_alarms"]
        ],
        "asides": [
            about(one)
            | {
                "kind": opening(words.text(one["kind_text"])),
                "reason": one["reason"],
                "by": one["by"],
                "until": _moment(words, one["until_ms"]),
            }
            for one in report["asides"]
        ],
        "drills": [
            about(one)
            | {
                "clock": clock(one["raised_ms"]),
                "stage": opening(words.text(one["stage_text"])),
                "in_time": one["in_time"],
            }
            for one in report["drills"]
        ],
        "service": [text.of(words.lang) for text in service_lines(report)],
        "gateways": [
            about(one) | {"gateway": one["subject"], "since": _moment(words, one["since_ms"])}
            for one in report["gateways"]
        ],
    }


def _open_view(words: Words, one: dict[str, Any], at_ms: int) -> dict[str, Any]:
    note = one["note"]
    return {
        "since": words.clock(one["raised_ms"], at_ms),
        "age": words.duration(at_ms - one["raised_ms"]),
        "people": words.text(one["people"]),
        "stage": opening(words.text(one["stage_text"])),
        "stage_clock": words.clock(one["stage_ms"], at_ms) if one["stage_ms"] else "",
        "owner": one["owner"] or "",
        "owner_unit": words.text(one["owner_unit"]),
        "note": note["text"] if note else "",
        "note_by": note["by"] if note else "",
    }


@router.post("/handover")
def give(
    request: Request,
    visitor: DeskVisitor,
    from_ms: Annotated[int, Form(ge=0)],
    to_ms: Annotated[int, Form(ge=0)],
    remark: Annotated[str, Form(max_length=signing.LONGEST)] = "",
) -> Response:
    """Hand a shift over."""
    port = web_of(request).port
    span = span_of(port, from_ms, to_ms)
    result = give_shift(port, span, remark, visitor)
    target = f"/handover?shift={span.from_ms}-{span.to_ms}"
    return flash(RedirectResponse(target, 303), result.text, result.ok)


@router.post("/handover/{number}/take")
def take(
    request: Request,
    visitor: DeskVisitor,
    number: Annotated[int, Path(ge=1, le=MOST)],
    digest: Annotated[str, Form(max_length=64)],
    back: Annotated[str, Form(pattern=r"^[0-9]{1,15}-[0-9]{1,15}$")],
) -> Response:
    """Take a shift over."""
    port = web_of(request).port
    result = signing.take(port.engine, number, digest, visitor.user.actor, port.now_ms())
    target = f"/handover?shift={back}"
    return flash(RedirectResponse(target, 303), result.text, result.ok)
