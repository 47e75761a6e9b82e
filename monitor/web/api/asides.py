"""Whole lifts set aside: out of service and back, suppressed by design and released."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from alerts.desk import queries
from alerts.model import ActResult, LiftStep
from monitor.web import lifts, problems
from monitor.web.api import examples
from monitor.web.i18n import language
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, Visitor, web_of

router = APIRouter(tags=["alerts"])


class OrderBody(BaseModel):
    """Why and until when: `until_ms` or `hours`. `rules`: only these, for `suppress`."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500, examples=["replacing the ropes"])
    until_ms: int | None = Field(None, ge=0, description="epoch ms")
    hours: float | None = Field(None, gt=0, le=10_000, description="or how long from now")
    rules: list[str] = Field([], max_length=100, description="empty = all but life safety")


@router.get("/suppressions", responses=examples.answer({"suppressions": [examples.ORDER]}))
def list_orders(request: Request, visitor: AnyVisitor) -> dict[str, Any]:
    """List what is out of service or suppressed now, the next to end first."""
    port = web_of(request).port
    seen = {one.reg_code for one in port.registry.lifts if lifts.may_see(one, visitor.scope)}
    with reading(port.engine) as conn:
        found = queries.orders(conn, None if visitor.scope is None else seen)
    return {"suppressions": found}


@router.post("/suppressions/{order}/release", responses=examples.answer(examples.ORDER_DONE))
def release(request: Request, visitor: AnyVisitor, order: int) -> dict[str, Any]:
    """End a suppression: what is still active pages now."""
    port = web_of(request).port
    if not any(one["id"] == order for one in list_orders(request, visitor)["suppressions"]):
        raise problems.not_found("suppression", order)
    return _told(request, port.desk.release(order, visitor.user.actor, port.now_ms()), "release")


@router.post("/lifts/{reg_code}/{step}", responses=examples.answer(examples.ORDER_DONE))
def lift_step(
    request: Request,
    visitor: AnyVisitor,
    reg_code: str,
    step: Literal["take_out_of_service", "return_to_service", "suppress"],
    body: OrderBody | None = None,
) -> dict[str, Any]:
    """Take a lift out of service, return it, or suppress its alerts; never life safety.

    Its alerts are recorded and page nobody until the end; `changed` is false when somebody was
    first. What is not possible is answered with 409 and the reason.
    """
    result = take(request, visitor, reg_code, LiftStep(step), body or OrderBody())
    return _told(request, result, step)


def take(
    request: Request, visitor: Visitor, reg_code: str, step: LiftStep, body: OrderBody
) -> ActResult:
    """Take a step on a lift that this visitor may see; 404 on another."""
    port = web_of(request).port
    if lifts.find_lift(port, reg_code, visitor.scope) is None:
        raise problems.not_found("lift", reg_code)
    desk, actor, now_ms = port.desk, visitor.user.actor, port.now_ms()
    until_ms = body.until_ms if body.hours is None else now_ms + round(body.hours * 3_600_000)
    if step is LiftStep.RETURN:
        return desk.return_to_service(reg_code, actor, now_ms)
    if step is LiftStep.TAKE_OUT:
        return desk.take_out_of_service(reg_code, actor, now_ms, body.reason, until_ms)
    unknown = [rule for rule in body.rules if rule not in desk.rules]
    if unknown:
        raise problems.not_found("rule", unknown[0])
    return desk.suppress(reg_code, actor, now_ms, body.reason, until_ms, body.rules)


def _told(request: Request, result: ActResult, step: str) -> dict[str, Any]:
    if not result.ok:
        raise Problem(409, "not_possible", result.text, field="step", value=step)
    return {
        "ok": True,
        "changed": result.changed,
        "message": result.text.of(language(request)),
        "text": result.text.as_json(),
        "order": result.order,
    }
