"""A lift's past: curves, marks, trips, drift, messages, visits, data quality, papers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from devices.registry import Lift
from monitor.web import lift_past, lifts, problems
from monitor.web.api import examples_past as examples
from monitor.web.api import paging
from monitor.web.lift_past import DAY_MS, MOST_CHANNELS, TRIPS_MOST_MS
from monitor.web.ports import ServicePort
from monitor.web.visitor import AnyVisitor, Visitor, web_of

router = APIRouter(tags=["lifts"], prefix="/lifts/{reg_code}")
LATEST_MS = 32_503_680_000_000  # the year 3000
DEFAULT = ("car_position", "speed", "door_state", "people")


class SpanQuery(BaseModel):
    """A time, [from_ms, to_ms)."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int | None = Field(None, ge=0, le=LATEST_MS, description="epoch ms")
    to_ms: int | None = Field(None, ge=0, le=LATEST_MS, description="epoch ms; default now")


class CurvesQuery(SpanQuery):
    """Channels over a time; by default four over the last hour."""

    channels: str = Field("", max_length=1000, description="names, by comma; see docs/channels.md")
    points: int = Field(600, ge=10, le=5000, description="buckets at most")


class MessagesQuery(SpanQuery):
    """Messages of a time, by default of 30 days."""

    code: int | None = Field(None, ge=0)
    limit: int = Field(100, ge=1, le=1000)
    cursor: paging.Cursor = None


class AlertsQuery(BaseModel):
    """A page of alerts."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200)
    cursor: paging.Cursor = None


def own(request: Request, visitor: Visitor, reg_code: str) -> tuple[ServicePort, int, Lift]:
    """Return port, row and lift. Raises Problem 404, also for a lift that is another's."""
    port = web_of(request).port
    found = lifts.find_lift(port, reg_code, visitor.scope)
    if found is None:
        raise problems.not_found("lift", reg_code)
    return port, *found


@router.get("/curves", responses=examples.CURVES)
def get_curves(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[CurvesQuery, Query()]
) -> dict[str, Any]:
    """Return least, greatest and last value of channels by bucket, thinned in the database.

    No extreme is lost. Buckets without a sample are absent; `gaps` tells where nothing is known.
    """
    port, row, lift = own(request, visitor, reg_code)
    names = lift_past.channels(port, asked.channels, DEFAULT, MOST_CHANNELS)
    times = lift_past.span(asked.from_ms, asked.to_ms, port.now_ms(), 3_600_000)
    return lift_past.curves_json(port, row, lift, names, times, asked.points)


@router.get("/marks", responses=examples.MARKS)
def get_marks(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[SpanQuery, Query()]
) -> dict[str, Any]:
    """Return what happened in a time (a day unless told): alerts, visits, power cuts."""
    port, row, lift = own(request, visitor, reg_code)
    times = lift_past.span(asked.from_ms, asked.to_ms, port.now_ms(), DAY_MS)
    with reading(port.engine) as conn:
        return lift_past.marks_json(port, conn, visitor.scope, row, lift, times)


def _week(port: ServicePort, asked: SpanQuery) -> tuple[int, int]:
    return lift_past.span(asked.from_ms, asked.to_ms, port.now_ms(), DAY_MS, TRIPS_MOST_MS)


@router.get("/trips", responses=examples.TRIPS)
def get_trips(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[SpanQuery, Query()]
) -> dict[str, Any]:
    """Return the trips of at most 7 days (the last one unless told), in columns; null: unknown."""
    port, row, lift = own(request, visitor, reg_code)
    return lift_past.trips_json(port, row, lift, _week(port, asked))


@router.get("/drift", responses=examples.DRIFT)
def get_drift(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[SpanQuery, Query()]
) -> dict[str, Any]:
    """Return each feature's own normal, and the trips of at most 7 days beside it (rule 27)."""
    port, row, lift = own(request, visitor, reg_code)
    return lift_past.drift_json(port, row, lift, _week(port, asked))


@router.get("/messages", responses=examples.MESSAGES)
def get_messages(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[MessagesQuery, Query()]
) -> dict[str, Any]:
    """Return what the controller reported, the newest first, and how often each code came."""
    port, row, lift = own(request, visitor, reg_code)
    # The cursor is the last message's place, and the end of the first page's time: what comes
    # meanwhile, late ones too, has no message of these pages come twice or not at all.
    to_ms, after = asked.to_ms, None
    if known := paging.text_after("messages", asked.cursor):
        end, _, place = known.partition("+")
        after = lift_past.place_of(place)
        if after is None or not (end.isascii() and end.isdigit() and int(end) <= LATEST_MS):
            raise paging.wrong(asked.cursor)
        to_ms = int(end)
    times = lift_past.span(asked.from_ms, to_ms, port.now_ms(), 30 * DAY_MS)
    found = lift_past.messages_json(port, row, lift, times, asked.limit, asked.code, after)
    last = found["next_cursor"] and f"{times[1]}+{found['next_cursor']}"
    return found | {"next_cursor": paging.cursor_of("messages", last)}


@router.get("/visits", responses=examples.VISITS)
def get_visits(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[SpanQuery, Query()]
) -> dict[str, Any]:
    """Return visits of a time (a year unless told), the newest first."""
    port, row, lift = own(request, visitor, reg_code)
    times = lift_past.span(asked.from_ms, asked.to_ms, port.now_ms(), 366 * DAY_MS)
    with reading(port.engine) as conn:
        found = lift_past.visits(port, conn, visitor.scope, row, lift, times)
    return {"reg_code": reg_code, "from_ms": times[0], "to_ms": times[1], "visits": found}


@router.get("/quality", responses=examples.QUALITY)
def get_quality(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[SpanQuery, Query()]
) -> dict[str, Any]:
    """Return what came and what did not, by the day of the site's zone (30 unless told)."""
    port, row, lift = own(request, visitor, reg_code)
    times = lift_past.span(asked.from_ms, asked.to_ms, port.now_ms(), 30 * DAY_MS, 400 * DAY_MS)
    return lift_past.quality_json(port, visitor.scope, row, lift, times)


@router.get("/documents", responses=examples.DOCUMENTS)
def get_documents(request: Request, visitor: AnyVisitor, reg_code: str) -> dict[str, Any]:
    """Return the days that count: inspection, visits, tests of voice link and battery."""
    port, row, lift = own(request, visitor, reg_code)
    return lift_past.documents_json(port, row, lift)


@router.get("/alerts", responses=examples.ALERTS)
def get_alerts(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[AlertsQuery, Query()]
) -> dict[str, Any]:
    """Return all alerts there ever were of this lift, the newest first."""
    port, _, lift = own(request, visitor, reg_code)
    with reading(port.engine) as conn:
        before = paging.number_after("lift alerts", asked.cursor)
        found = lift_past.alerts_json(conn, visitor.scope, lift, asked.limit, before)
    last = found["next_cursor"] and int(found["next_cursor"])
    return found | {"next_cursor": paging.cursor_of("lift alerts", last)}
