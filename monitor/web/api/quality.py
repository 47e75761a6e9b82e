"""The quality of alarms over a period, after ISA-18.2 / IEC 62682."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from alerts.quality import Period, report
from config.text import Text
from monitor.web.api import examples
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem
from monitor.web.visitor import DeskVisitor, web_of

router = APIRouter(tags=["service"])
DAY_MS = 86_400_000
LONGEST_DAYS = 400


class QualityQuery(BaseModel):
    """Period and positions; without a period the last seven days."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int | None = Field(None, ge=0, description="epoch ms, inclusive")
    to_ms: int | None = Field(None, ge=0, description="epoch ms, exclusive; now if not given")
    positions: int = Field(1, ge=1, le=100, description="operator positions that share the alarms")


def period_of(from_ms: int | None, to_ms: int | None, now_ms: int) -> Period:
    """Return the period asked for, cut at now. Raises Problem 422 for one that cannot be."""
    end = min(now_ms, now_ms if to_ms is None else to_ms)
    start = end - 7 * DAY_MS if from_ms is None else from_ms
    if start >= end:
        text = Text(
            f"from_ms {start} 应早于 to_ms {end}（不晚于此刻）",
            f"from_ms {start} should be before to_ms {end}, which is not after now",
        )
        raise Problem(422, "invalid", text, field="from_ms", value=start, limit=f"< {end}")
    if end - start > LONGEST_DAYS * DAY_MS:
        text = Text(
            f"from_ms：时段最长 {LONGEST_DAYS} 天，请分段",
            f"from_ms: a period is at most {LONGEST_DAYS} days: take several",
        )
        limit = f"{LONGEST_DAYS} d"
        raise Problem(422, "invalid", text, field="from_ms", value=start, limit=limit)
    return Period(start, end)


def quality_of(port: ServicePort, period: Period, positions: int) -> dict[str, Any]:
    """Return the report of a period."""
    with reading(port.engine) as conn:
        return report(conn, period, port.causes, port.desk.pages.tz, positions)


@router.get("/quality", responses=examples.answer(examples.QUALITY))
def quality(
    request: Request, visitor: DeskVisitor, asked: Annotated[QualityQuery, Query()]
) -> dict[str, Any]:
    """Return rates, floods, chatter, stale alarms, priorities, bad actors and false alarms."""
    port = web_of(request).port
    period = period_of(asked.from_ms, asked.to_ms, port.now_ms())
    return quality_of(port, period, asked.positions)
