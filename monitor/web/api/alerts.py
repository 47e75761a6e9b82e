"""Alerts: list, detail, steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.database.access import reading
from alerts.model import RescueState, Step
from monitor.web import find, problems
from monitor.web.api import answers, examples, paging
from monitor.web.i18n import language
from monitor.web.order import place_of, sort_key
from monitor.web.problems import Problem
from monitor.web.views import legal_steps
from monitor.web.visitor import AnyVisitor, Visitor, web_of

router = APIRouter(tags=["alerts"])


class Filters(BaseModel):
    """The filters of the list; the console's address carries the same names."""

    model_config = ConfigDict(extra="forbid")

    state: Literal[
        "open", "unacknowledged", "aside", "shelved", "suppressed", "out_of_service", "closed",
        "all",
    ] = "open"  # fmt: skip
    severity: Literal["", "critical", "major", "minor", "info"] = ""
    rule: str = Field("", max_length=128, description="id of a rule")
    code: int | None = Field(None, ge=0, le=999_999, description="standard code of the alert")
    street_office: str = Field("", max_length=128)
    maintenance: str = Field("", max_length=128, description="id of the maintenance firm")
    use_unit: str = Field("", max_length=128, description="id of the use unit")
    owner: str = Field("", max_length=128, description="who accepted it; `-` = nobody yet")
    rescue_state: RescueState | Literal[""] = ""
    subject: str = Field("", max_length=128, description="registration code or gateway id")
    people: bool = Field(False, description="only alerts with people in the car")
    q: str = Field("", max_length=100, description="part of place, name, rule, or a code")
    raised_from_ms: int | None = Field(None, description="epoch ms, inclusive")
    raised_to_ms: int | None = Field(None, description="epoch ms, exclusive")

    @field_validator("code", "raised_from_ms", "raised_to_ms", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        """An empty field of a form asks for nothing."""
        return None if value == "" else value

    @field_validator("people", mode="before")
    @classmethod
    def _unticked(cls, value: object) -> object:
        return False if value == "" else value

    def query(self, scope: str | None) -> find.Query:
        """Return these filters within what a visitor may see."""
        return find.Query(scope=scope, **self.model_dump(include=set(Filters.model_fields)))


class ListQuery(Filters):
    """Filters and place in the list."""

    order: Literal["newest", "urgency"] = Field(
        "newest", description="`urgency`: as the console's list; closed alerts newest first"
    )
    cursor: paging.Cursor = None
    limit: int = Field(100, ge=1, le=500)


class ShelfBody(BaseModel):
    """When a shelf is to end: at a moment, or how long from now."""

    model_config = ConfigDict(extra="forbid")

    until_ms: int | None = Field(None, ge=0, description="shelve: epoch ms of its end")
    hours: float | None = Field(None, gt=0, le=10_000, description="shelve: or how long from now")

    def end_ms(self, now_ms: int) -> int | None:
        """Return when a shelf is to end."""
        return self.until_ms if self.hours is None else now_ms + round(self.hours * 3_600_000)


class StepBody(ShelfBody):
    """What a step may say. `cause` is needed to file one, `comment` to cancel or to shelve; a
    shelf also needs its end, 24 h from now at most: `until_ms` or `hours`."""

    comment: str | None = Field(None, max_length=500, examples=["called the property manager"])
    cause: str | None = Field(None, max_length=500, examples=["door: landing lock, floor 7"])


@router.get("/alerts", responses=examples.answer(examples.ALERTS))
def list_alerts(
    request: Request, visitor: AnyVisitor, asked: Annotated[ListQuery, Query()]
) -> dict[str, Any]:
    """List alerts, the newest first; a firm gets its own. Give `next_cursor` back as `cursor`.

    `order=urgency` lists as a duty desk works: people in the car first, then by deadline. There
    the list may move between two pages; what moves comes by the feed.
    """
    port, query = web_of(request).port, asked.query(visitor.scope)
    newest, listing = asked.order == "newest", f"alerts by {asked.order}"
    cursor = paging.text_after(listing, asked.cursor)
    if cursor is not None and not _fits(cursor, newest, query.by_urgency):
        raise problems.invalid("cursor", cursor, "next_cursor of the page before")
    with reading(port.engine) as conn:
        rows = find.find(
            conn,
            query,
            chains=port.desk.chains,
            limit=asked.limit + 1,
            before_id=int(cursor) if cursor and newest else None,
            after=None if newest else cursor,
            newest=newest,
        )
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    last = rows[-1] if more else None
    place = None
    if last is not None:
        place = str(last["id"]) if newest else sort_key(last, query.by_urgency)
    return {"alerts": rows, "next_cursor": paging.cursor_of(listing, place)}


def _fits(cursor: str, newest: bool, by_urgency: bool) -> bool:
    if newest:
        return cursor.isdecimal() and len(cursor) < 19
    return place_of(cursor, by_urgency) is not None


@router.get("/alerts/{alert_id}", responses=examples.answer(examples.DETAIL))
def get_alert(request: Request, visitor: AnyVisitor, alert_id: int) -> dict[str, Any]:
    """Return one alert with timeline, deliveries, timers, and the steps legal for you now."""
    return _detail(request, visitor, alert_id)


def _detail(request: Request, visitor: Visitor, alert_id: int) -> dict[str, Any]:
    port = web_of(request).port
    with reading(port.engine) as conn:
        found = find.read_alert(conn, alert_id, visitor.scope, port.desk.chains)
    if found is None:
        raise problems.not_found("alert", alert_id)
    return found | {"legal_steps": legal_steps(found, visitor.user.role)}


@router.post("/alerts/{alert_id}/{step}", responses=examples.answer(examples.STEP_DONE))
def take_step(
    request: Request,
    visitor: AnyVisitor,
    alert_id: int,
    step: Step,
    body: StepBody | None = None,
) -> dict[str, Any]:
    """Take one step. `changed` is false when somebody was first; `message` then names them.

    A step that is not possible now is answered with 409 and the reason. With If-Match (the ETag of
    GET /alerts/{alert_id}) it is taken only while the alert is as you saw it; else 412.
    """
    port, body = web_of(request).port, body or StepBody()
    # 404 before anything is tried on another unit's alert
    answers.must_match(request, _detail(request, visitor, alert_id))
    now_ms = port.now_ms()
    result = port.desk.act(
        alert_id,
        step,
        visitor.user.actor,
        now_ms,
        comment=body.comment,
        cause=body.cause,
        until_ms=body.end_ms(now_ms),
    )
    if not result.ok:
        raise Problem(409, "not_possible", result.text, field="step", value=step.value)
    return {
        "ok": True,
        "changed": result.changed,
        "message": result.text.of(language(request)),
        "text": result.text.as_json(),
        "alert": _detail(request, visitor, alert_id),
    }
