"""Lifts: list, live state, history of one channel."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from config.text import Text
from devices.registry import Lift
from monitor.web import lifts, problems
from monitor.web.api import examples
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, Visitor, web_of

router = APIRouter(tags=["lifts"])
_DAY_MS = 86_400_000


class SeriesQuery(BaseModel):
    """One channel over a time; by default the last hour."""

    model_config = ConfigDict(extra="forbid")

    channel: str = Field(max_length=64, examples=["speed"])
    from_ms: int | None = Field(None, ge=0, description="epoch ms; default an hour before to_ms")
    to_ms: int | None = Field(None, ge=0, description="epoch ms; default now")
    points: int = Field(1000, ge=10, le=20_000)


def _find(request: Request, visitor: Visitor, reg_code: str) -> tuple[int, Lift]:
    found = lifts.find_lift(web_of(request).port, reg_code, visitor.scope)
    if found is None:
        raise problems.not_found("lift", reg_code)
    return found


@router.get("/lifts/{reg_code}", responses=examples.answer(examples.LIFT_DETAIL))
def get_lift(request: Request, visitor: AnyVisitor, reg_code: str) -> dict[str, Any]:
    """Return one lift with the last value of every channel and when it was measured."""
    port = web_of(request).port
    row, lift = _find(request, visitor, reg_code)
    with reading(port.engine) as conn:
        severity = lifts.open_severities(conn).get(reg_code)
    state = lifts.picture(port, row, lift, severity, port.now_ms())
    live = lifts.readings_json(port.live(row))
    return lifts.facts(port, lift) | state | {"live": live}


@router.get("/lifts/{reg_code}/series", responses=examples.answer(examples.SERIES))
def get_series(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[SeriesQuery, Query()]
) -> dict[str, Any]:
    """Return one channel of one lift over a time of at most 400 days, thinned to `points`."""
    port = web_of(request).port
    row, _ = _find(request, visitor, reg_code)
    channel = port.vocab.by_name.get(asked.channel)
    if channel is None:
        text = Text("没有这个通道，见 docs/wire.md", "there is no such channel, see docs/wire.md")
        raise Problem(422, "unknown_channel", text, field="channel", value=asked.channel)
    to_ms = port.now_ms() if asked.to_ms is None else asked.to_ms
    from_ms = to_ms - 3_600_000 if asked.from_ms is None else asked.from_ms
    if not 0 < to_ms - from_ms <= 400 * _DAY_MS:
        text = Text("应早于 to_ms，且不超过 400 天", "must be before to_ms, by at most 400 days")
        raise Problem(422, "invalid", text, field="from_ms", value=from_ms, limit="400 d")
    times, values = port.history.series(row, asked.channel, from_ms, to_ms, asked.points)
    told = np.round(values.astype(np.float64), 4)
    return {
        "reg_code": reg_code,
        "channel": asked.channel,
        "unit": channel.unit,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "ts_ms": times.tolist(),
        "values": [None if math.isnan(value) else value for value in told.tolist()],
    }
