"""The registry: every lift and gateway with its state, and what people decide about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from config.errors import ConfigError
from config.text import Text
from monitor.registry.entries import GATEWAY, LIFT
from monitor.registry.states import STATES, counts
from monitor.web.api import examples, paging
from monitor.web.i18n import language
from monitor.web.problems import Problem
from monitor.web.visitor import AdminVisitor, DeskVisitor, web_of

router = APIRouter(prefix="/registry", tags=["registry"])
Kind = Literal["lift", "gateway"]


class RegistryQuery(BaseModel):
    """Filters and place in the list."""

    model_config = ConfigDict(extra="forbid")

    state: str = Field("", max_length=32, description="one of the states; empty = all")
    q: str = Field("", max_length=100, description="part of id, place, name or gateway")
    cursor: paging.Cursor = None
    limit: int = Field(200, ge=1, le=1000)


class MoveBody(BaseModel):
    """To which gateway; whether history and learned normal go on (asked later if not told)."""

    model_config = ConfigDict(extra="forbid")

    gateway: str = Field(max_length=64, examples=["gw-02"])
    baseline: Literal["keep", "fresh"] | None = None


class AnswerBody(BaseModel):
    """`fresh`: another device, what was learned is learned anew; `keep`: it goes on."""

    model_config = ConfigDict(extra="forbid")

    baseline: Literal["keep", "fresh"]


class RetireBody(BaseModel):
    """Why it leaves the site."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


class GatewayBody(BaseModel):
    """A gateway as gateways.csv has it."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=64, examples=["gw-07"])
    vendor: str = Field("", max_length=128)
    place: str = Field("", max_length=200)


class LiftBody(BaseModel):
    """A lift as lifts.csv has it, text by column; a retired one needs `reg_code` alone."""

    model_config = ConfigDict(extra="forbid")

    row: dict[str, str] = Field(examples=[{"reg_code": "31105001082012000001"}])


@router.get(
    "/summary",
    responses=examples.answer(examples.REGISTRY_SUMMARY, maps=["lifts", "gateways", "states"]),
)
def summary(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """Return how many lifts and gateways are in each state, what the states mean, and the sites."""
    book = web_of(request).port.book()
    lifts = book.rows(LIFT)
    by_office: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in lifts:
        if row.get("street_office"):
            by_office[row["street_office"]].append(row)
    return {
        "lifts": counts(lifts),
        "gateways": counts(book.rows(GATEWAY)),
        "states": {
            state: {"text": word.as_json(), "default": default.as_json()}
            for state, (word, default) in STATES.items()
        },
        "sites": [
            {"street_office": office, "lifts": counts(rows)}
            for office, rows in sorted(by_office.items())
        ],
        "sensor_sets": [
            {"id": one.id, "name": one.name, "channels": list(one.channels)}
            for one in book.registry.sensor_sets.values()
        ],
    }


@router.get("/{kind}s", responses=examples.answer(examples.REGISTRY_LIST))
def entries(
    request: Request, visitor: DeskVisitor, kind: Kind, asked: Annotated[RegistryQuery, Query()]
) -> dict[str, Any]:
    """List lifts or gateways by id, each with its state and what is done about it meanwhile."""
    if asked.state and asked.state not in STATES:
        text = Text("没有这个状态", "there is no such state")
        raise Problem(
            422, "invalid", text, field="state", value=asked.state, limit=" | ".join(STATES)
        )
    found = find(web_of(request).port.book().rows(kind), asked.state, asked.q)
    last = paging.text_after(kind, asked.cursor)
    after = [row for row in found if last is None or row["id"] > last]
    page = after[: asked.limit]
    last = page[-1]["id"] if len(after) > len(page) else None
    return {"entries": page, "next_cursor": paging.cursor_of(kind, last)}


def find(rows: list[dict[str, Any]], state: str, q: str) -> list[dict[str, Any]]:
    """Return the rows of a state that hold `q`, by id."""
    needle = q.strip().casefold()
    keys = ("id", "place", "name", "gateway", "vendor")
    return sorted(
        (
            row
            for row in rows
            if state in ("", row["state"])
            and needle in "\n".join(str(row.get(key) or "") for key in keys).casefold()
        ),
        key=lambda row: str(row["id"]),
    )


def told(request: Request, text: Text) -> dict[str, Any]:
    """Return the answer to an act that was done."""
    return {"ok": True, "message": text.of(language(request)), "text": text.as_json()}


def act(do: Callable[[], object]) -> None:
    """Do it; what cannot be is answered with 409, the field and the way out."""
    try:
        do()
    except ConfigError as error:
        raise Problem(
            409, "not_possible", error.way_out, field=error.key, value=error.value
        ) from None


@router.post("/lifts/{reg_code}/move", responses=examples.answer(examples.REGISTRY_DONE))
def move(request: Request, visitor: AdminVisitor, reg_code: str, body: MoveBody) -> dict[str, Any]:
    """Let a lift belong to another gateway; counts at once, no message is lost by it."""
    registrar = web_of(request).port.registrar
    act(lambda: registrar.move([reg_code], body.gateway, visitor.user.actor, body.baseline))
    return told(request, Text(f"已归网关 {body.gateway}", f"belongs to {body.gateway} now"))


@router.post("/lifts/{reg_code}/baseline", responses=examples.answer(examples.REGISTRY_DONE))
def baseline(
    request: Request, visitor: AdminVisitor, reg_code: str, body: AnswerBody
) -> dict[str, Any]:
    """Say whether what was learned of a lift goes on after it moved or got another device."""
    registrar = web_of(request).port.registrar
    act(lambda: registrar.answer(reg_code, body.baseline, visitor.user.actor))
    kept = Text("沿用已学的常态", "what was learned goes on")
    fresh = Text("重新学习", "it is learned anew")
    return told(request, kept if body.baseline == "keep" else fresh)


@router.post("/lifts", responses=examples.answer(examples.REGISTRY_DONE))
def add_lift(request: Request, visitor: AdminVisitor, body: LiftBody) -> dict[str, Any]:
    """Register a lift, or bring a retired one back."""
    registrar = web_of(request).port.registrar
    act(lambda: registrar.register_lift(body.row, visitor.user.actor))
    return told(request, Text("已登记", "registered"))


@router.post("/gateways", responses=examples.answer(examples.REGISTRY_DONE))
def add_gateway(request: Request, visitor: AdminVisitor, body: GatewayBody) -> dict[str, Any]:
    """Register a gateway; its credentials are another matter (`liftwatch gateway add`)."""
    registrar, actor = web_of(request).port.registrar, visitor.user.actor
    act(lambda: registrar.register_gateway(body.id, actor, body.vendor, body.place))
    return told(request, Text("已登记", "registered"))


@router.post("/{kind}s/{ident}/retire", responses=examples.answer(examples.REGISTRY_DONE))
def retire(
    request: Request, visitor: AdminVisitor, kind: Kind, ident: str, body: RetireBody | None = None
) -> dict[str, Any]:
    """Take a lift, or a gateway without lifts, out of the site; history stays."""
    registrar, reason = web_of(request).port.registrar, (body or RetireBody()).reason
    act(lambda: registrar.retire(kind, ident, visitor.user.actor, reason))
    return told(request, Text("已退役", "retired"))


@router.post("/{kind}s/{ident}/dismiss", responses=examples.answer(examples.REGISTRY_DONE))
def dismiss(request: Request, visitor: AdminVisitor, kind: Kind, ident: str) -> dict[str, Any]:
    """Forget that somebody unknown spoke; whoever speaks again is seen again."""
    registrar = web_of(request).port.registrar
    act(lambda: registrar.dismiss(kind, ident, visitor.user.actor))
    return told(request, Text("不再列出", "not listed any more"))


@router.post("/reload", responses=examples.answer(examples.REGISTRY_DONE))
def reload(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Take up what somebody changed in the site's files; as SIGHUP does, with an answer."""
    act(web_of(request).port.registrar.take_up)
    return told(request, Text("已采用", "taken up"))
