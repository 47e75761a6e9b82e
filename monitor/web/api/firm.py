"""A unit's desk as data: alerts, duty, lifts by state, what is due, times against the limits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from alerts.directory.units import Unit
from config.text import Text
from monitor.web import find, firm, lifts
from monitor.web.api import desk_examples, examples
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, DeskVisitor, Visitor, web_of

router = APIRouter(tags=["firm"])
MOST_ALERTS = 200
UnitId = Annotated[str, Path(max_length=64, description="id of a unit in the directory")]


class TimesQuery(BaseModel):
    """Over how many days."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(firm.TIMES_DAYS, ge=1, le=400)


@router.get("/firm", responses=examples.answer(desk_examples.FIRM))
def own_desk(request: Request, visitor: AnyVisitor) -> dict[str, Any]:
    """Return your own unit's desk. Accounts of the duty desk name a unit: /firm/{unit}."""
    port = web_of(request).port
    return _desk(port, visitor, _chosen(port, visitor, None))


@router.get("/firms", responses=examples.answer({"units": [desk_examples.UNIT_ROW]}))
def units(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """Return every unit that has a desk, with lifts and open alerts. For the duty desk."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        rows = firm.units_with_counts(port, conn)
    return {"units": [{name: row[name] for name in desk_examples.UNIT_ROW} for row in rows]}


@router.get("/firm/{unit}", responses=examples.answer(desk_examples.FIRM))
def desk(request: Request, visitor: AnyVisitor, unit: UnitId) -> dict[str, Any]:
    """Return a unit's desk. A firm gets its own; another's is 404."""
    port = web_of(request).port
    return _desk(port, visitor, _chosen(port, visitor, unit))


@router.get("/firm/{unit}/times", responses=examples.answer(desk_examples.TIMES))
def times(
    request: Request, visitor: AnyVisitor, unit: UnitId, asked: Annotated[TimesQuery, Query()]
) -> dict[str, Any]:
    """Return a unit's times to accept, arrive and free over some days, against the limits."""
    port = web_of(request).port
    chosen = _chosen(port, visitor, unit)
    with reading(port.engine) as conn:
        return firm.times(port, conn, chosen.id, asked.days, port.now_ms())


def _chosen(port: ServicePort, visitor: Visitor, ident: str | None) -> Unit:
    unit = firm.unit_for(port, visitor, ident)
    if unit is None:
        text = Text(
            "unit：值班台帐号没有自己的单位，请用 /api/v1/firm/{unit}",
            "unit: an account of the duty desk has none of its own: use /api/v1/firm/{unit}",
        )
        raise Problem(422, "unit_missing", text, field="unit")
    return unit


def _desk(port: ServicePort, visitor: Visitor, unit: Unit) -> dict[str, Any]:
    now_ms, chains = port.now_ms(), port.desk.chains
    today = datetime.fromtimestamp(now_ms / 1000, port.desk.pages.tz).date()
    mine = firm.own_lifts(port, unit.id)
    with reading(port.engine) as conn:
        found = find.find(conn, find.Query(scope=unit.id), chains=chains, limit=MOST_ALERTS + 1)
        severities = lifts.open_severities(conn)
        took = firm.times(port, conn, unit.id, firm.TIMES_DAYS, now_ms)
    by_state = firm.states(port, mine, severities, now_ms)
    return firm.unit_json(unit) | {
        "now_ms": now_ms,
        "alerts": found[:MOST_ALERTS],
        "more_alerts": len(found) > MOST_ALERTS,
        "duty": [firm.turn_json(one) for one in firm.duty(port, unit.id, now_ms)],
        "lifts": len(mine),
        "states": {state: [one.reg_code for one in ones] for state, ones in by_state.items()},
        "due": [
            {
                "lift": one.lift.reg_code,
                "place": one.lift.place,
                "name": one.lift.name,
                "what": one.what,
                "day": one.day.isoformat(),
                "days": one.days,
            }
            for one in firm.due(mine, today)
        ],
        "times": took,
    }
