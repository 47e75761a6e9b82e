"""The fleet at once: list and search, roster, states by delta, groups, outlines."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from alerts.database.access import reading
from config.text import Text
from devices.registry import short_name
from monitor.web import find, lifts
from monitor.web.api import examples
from monitor.web.api import fleet_examples as told
from monitor.web.fleet import outlines, overview, search
from monitor.web.fleet.datum import Datum, to_gcj02
from monitor.web.fleet.deadlines import next_dues
from monitor.web.fleet.fleet import Moment, fleet_of, numbers, picked
from monitor.web.fleet.roster import STORED, Roster
from monitor.web.fleet.states import state_of
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, web_of

router = APIRouter(tags=["fleet"])
Dimension = Literal["street_office", "maintenance", "use_unit", "type", "state"]
State = Literal["", "people", "critical", "major", "minor", "silent", "out", "normal"]


class Choice(BaseModel):
    """Which lifts: each filter is an id; empty: any."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=100, description="codes, places, units; also in pinyin")
    street_office: str = Field("", max_length=128)
    maintenance: str = Field("", max_length=128)
    use_unit: str = Field("", max_length=128)
    type: str = Field("", max_length=64)
    state: State = ""

    def groups(self) -> dict[str, str]:
        """Return the filters by dimension."""
        return {name: str(getattr(self, name)) for name in (*STORED, "state")}


class LiftQuery(Choice):
    """Filters and place in the list."""

    cursor: str | None = Field(None, max_length=20, description="`next_cursor` of the page before")
    limit: int = Field(200, ge=1, le=1000)


class StatesQuery(BaseModel):
    """Since when."""

    model_config = ConfigDict(extra="forbid")

    since: str = Field("", max_length=80, description="`cursor` of an earlier answer")


class DatumQuery(BaseModel):
    """In which coordinates."""

    model_config = ConfigDict(extra="forbid")

    datum: Datum = "wgs84"


class OverviewQuery(Choice):
    """By what to group."""

    by: Dimension = "street_office"


@router.get("/lifts", responses=examples.answer(told.LIFTS))
def list_lifts(
    request: Request, visitor: AnyVisitor, asked: Annotated[LiftQuery, Query()]
) -> dict[str, Any]:
    """List lifts by registration code, each with its state; a firm gets its own.

    With `q` the best matches come first, each with what matched, `total` says how many there are
    in all, and the cursor is a place in that order.
    """
    port, fleet = web_of(request).port, fleet_of(request)
    moment = fleet.now()
    roster = moment.roster
    mask = picked(roster, moment.codes, visitor.scope, asked.groups())
    matched: dict[int, search.Match] = {}
    if asked.q.strip():
        skip = _place(asked.cursor)
        best, total = fleet.index.find(asked.q, mask, asked.limit, skip)
        matched = {match.at: match for match in best}
        page, end = list(matched), skip + len(best)
        following = str(end) if end < total else None
    else:
        every = sorted(numbers(mask), key=lambda i: roster.lifts[i].reg_code)
        after = [i for i in every if not asked.cursor or roster.lifts[i].reg_code > asked.cursor]
        page, total = after[: asked.limit], len(every)
        following = roster.lifts[page[-1]].reg_code if len(after) > len(page) else None
    rows = [_row(port, moment, i) | _how(matched.get(i)) for i in page]
    return {"lifts": rows, "total": total, "next_cursor": following}


def _place(cursor: str | None) -> int:
    if cursor is None or (cursor.isdecimal() and len(cursor) < 9):
        return int(cursor or 0)
    text = Text("应为上一页的 next_cursor", "must be the next_cursor of the page before")
    raise Problem(422, "invalid", text, field="cursor", value=cursor)


def _row(port: ServicePort, moment: Moment, i: int) -> dict[str, Any]:
    lift, row = moment.roster.lifts[i], int(moment.roster.rows[i])
    severity = moment.alarms.severity.get(lift.reg_code)
    word = None if severity is None else ("critical", "major", "minor")[severity - 1]
    shown = lifts.picture(port, row, lift, word, moment.now_ms)
    more = {
        "fleet_state": state_of(int(moment.codes[i])),
        "label": short_name(lift.place, lift.name),
    }
    return lifts.facts(port, lift) | shown | more


def _how(match: search.Match | None) -> dict[str, Any]:
    return {} if match is None else {"matched": {"field": match.field, "form": match.form}}


def _told(request: Request, body: dict[str, Any], tag: str, seconds: int = 0) -> Response:
    """Return JSON with its ETag; 304 to whoever has it."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": f"private, max-age={seconds}, must-revalidate"}
    known = request.headers.get("if-none-match", "").replace("W/", "")
    if f'"{tag}"' in known:
        return Response(status_code=304, headers=headers)
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)


def _tag(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@router.get("/lifts/states", responses=examples.answer(told.STATES))
def lift_states(
    request: Request, visitor: AnyVisitor, asked: Annotated[StatesQuery, Query()]
) -> Response:
    """How every lift is, one character each, in the order of `/lifts/roster`.

    A character is 48 + code: bits 0–1 normal, not in normal service, silent; bits 2–3 gravest open
    alert (critical 1, major 2, minor 3); bit 4 people in the car. With `since` only what changed
    after that answer: `at` (places in the roster) and `codes` beside it. `full` says which it is:
    after a restart or a change of the registry it is all, and `roster` is another one.
    """
    fleet = fleet_of(request)
    moment = fleet.now()
    seen = moment.roster.seen_by(visitor.scope)
    codes, turn = moment.codes[seen], fleet.turn_of(asked.since, moment) if asked.since else None
    cursor = fleet.cursor(moment)
    body: dict[str, Any] = {
        "cursor": cursor, "roster": roster_tag(moment.roster, visitor.scope),
        "now_ms": moment.now_ms, "behind_ms": moment.now_ms - web_of(request).port.pulse_ms(),
        "full": turn is None,
    }  # fmt: skip
    if turn is not None:
        changed = np.flatnonzero(moment.changes.since(turn)[seen])
        body["at"] = changed.tolist()
        codes = codes[changed]
    body["codes"] = (codes + 48).tobytes().decode("ascii")
    return _told(request, body, _tag(cursor, visitor.scope, turn))


def roster_tag(roster: Roster, scope: str | None) -> str:
    """Return what names a roster as one visitor sees it."""
    return _tag(roster.version, scope)


@router.get("/lifts/roster", responses=examples.answer(told.ROSTER))
def lift_roster(
    request: Request, visitor: AnyVisitor, asked: Annotated[DatumQuery, Query()]
) -> Response:
    """All lifts a visitor may see, in columns; changes only with the registry (ETag).

    `place` and the dimensions are numbers into `places` and `groups`; `lat` and `lon` are
    hundred-thousandths of a degree, WGS-84 unless another datum is asked for.
    """
    roster = fleet_of(request).roster
    tag = roster_tag(roster, visitor.scope)
    seen = roster.seen_by(visitor.scope)
    kept = [roster.lifts[i] for i in numbers(seen)]
    places = {place: i for i, place in enumerate(dict.fromkeys(x.place for x in kept))}
    lat, lon = roster.lat[seen], roster.lon[seen]
    if asked.datum == "gcj02":
        lat, lon = to_gcj02(lat, lon)
    groups, of_group = {}, {}
    for dimension in STORED:
        numbers_seen = roster.of_group[dimension][seen]
        used, again = np.unique(numbers_seen, return_inverse=True)
        names = [roster.groups[dimension][int(i)] for i in used]
        groups[dimension] = [{"id": one.id, "name": one.name.as_json()} for one in names]
        of_group[dimension] = again.tolist()
    body = {
        "roster": tag,
        "datum": asked.datum,
        "reg_code": [x.reg_code for x in kept],
        "rescue_code": [x.rescue_code for x in kept],
        "label": [short_name(x.place, x.name) for x in kept],
        "places": list(places),
        "place": [places[x.place] for x in kept],
        "groups": groups,
        "of_group": of_group,
        "lat": _whole(lat),
        "lon": _whole(lon),
    }
    return _told(request, body, _tag(tag, asked.datum))


def _whole(degrees: NDArray[np.float64]) -> list[int]:
    found: list[int] = np.rint(degrees * 1e5).astype(np.int64).tolist()
    return found


@router.get("/fleet/overview", responses=examples.answer(told.OVERVIEW))
def fleet_overview(
    request: Request, visitor: AnyVisitor, asked: Annotated[OverviewQuery, Query()]
) -> dict[str, Any]:
    """Count the lifts by one dimension: alerts by severity, people, silent, out, arrived."""
    fleet = fleet_of(request)
    moment = fleet.now()
    mask = picked(moment.roster, moment.codes, visitor.scope, asked.groups())
    if asked.q.strip():
        mask = fleet.index.fits(asked.q, mask)
    found = overview.lines(moment, asked.by, mask, fleet.arrived(moment.roster))
    rows = [asdict(line) | {"name": line.name.as_json()} for line in found]
    return {"by": asked.by, "groups": rows, "states": overview.totals(moment, mask)}


@router.get("/fleet/outlines", responses=examples.answer(told.OUTLINES))
def fleet_outlines(
    request: Request, visitor: AnyVisitor, asked: Annotated[DatumQuery, Query()]
) -> Response:
    """Return the site's own outlines; none without a file of them."""
    features = fleet_of(request).outlines()
    body = {"datum": asked.datum, "features": outlines.drawn(features, asked.datum)}
    return _told(request, body, _tag(len(features), repr(features)[:100_000], asked.datum))


@router.get("/fleet/glance", responses=examples.answer(told.GLANCE))
def fleet_glance(request: Request, visitor: AnyVisitor) -> dict[str, Any]:
    """What a big screen shows in large type: people held, alerts by severity, next deadlines."""
    port, fleet = web_of(request).port, fleet_of(request)
    moment = fleet.now()
    with reading(port.engine) as conn:
        seen = find.glance(conn, visitor.scope)
        due = next_dues(conn, visitor.scope, port.desk.chains, 5)
    severities = {
        name: {"open": counts[0], "unacknowledged": counts[1]}
        for name, counts in seen["severities"].items()
    }
    mask = moment.roster.seen_by(visitor.scope)
    return {
        "now_ms": moment.now_ms,
        "cars": seen["cars"],
        "people": seen["people"],
        "severities": severities,
        "deadlines": due,
        "states": overview.totals(moment, mask),
    }
