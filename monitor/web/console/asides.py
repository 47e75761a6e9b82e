"""A lift set aside, on its page: out of service and back, suppressed by design and released."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from alerts.desk import queries
from alerts.lifecycle.moves import may
from alerts.model import Aside, LiftStep, Origin
from monitor.web import lifts, problems, terms
from monitor.web.api.asides import OrderBody, take
from monitor.web.console.render import flash
from monitor.web.views import OUT_HOURS, SHELF_HOURS
from monitor.web.visitor import AnyVisitor, Visitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)


def aside_view(
    conn: Connection, words: Words, visitor: Visitor, reg_code: str, now_ms: int
) -> dict[str, Any]:
    """Return what sets a lift aside now, and what this visitor may do about it."""
    names = terms.asides(words.catalogue)
    found = queries.orders(conn, [reg_code])
    kinds = {order["kind"] for order in found}
    return {
        "may": may(LiftStep.TAKE_OUT, visitor.user.role, Origin.CONSOLE),
        "orders": [
            order
            | {
                "word": names[order["kind"]],
                "until": words.clock(order["until_ms"], now_ms),
                "rules": ", ".join(order["rules"]),
                "release": order["kind"] == Aside.SUPPRESSED,
            }
            for order in found
        ],
        "out": Aside.OUT_OF_SERVICE in kinds,
        "out_hours": terms.hours(words.catalogue, OUT_HOURS),
        "visit_hours": terms.hours(words.catalogue, SHELF_HOURS),
    }


@router.post("/lifts/{reg_code}/{step}")
def lift_step(
    request: Request,
    visitor: AnyVisitor,
    reg_code: str,
    step: Literal["take_out_of_service", "return_to_service", "suppress"],
    reason: Annotated[str, Form(max_length=500)] = "",
    hours: Annotated[float | None, Form(gt=0, le=10_000)] = None,
) -> Response:
    """One step by a plain form."""
    body = OrderBody(reason=reason, hours=hours)
    result = take(request, visitor, reg_code, LiftStep(step), body)
    return flash(RedirectResponse(f"/lifts/{reg_code}", 303), result.text, result.ok)


@router.post("/lifts/{reg_code}/release/{order}")
def release(request: Request, visitor: AnyVisitor, reg_code: str, order: int) -> Response:
    """End a suppression of this lift."""
    port = web_of(request).port
    if lifts.find_lift(port, reg_code, visitor.scope) is None:
        raise problems.not_found("lift", reg_code)
    result = port.desk.release(order, visitor.user.actor, port.now_ms())
    return flash(RedirectResponse(f"/lifts/{reg_code}", 303), result.text, result.ok)
