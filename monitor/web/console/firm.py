"""The desk of a maintenance firm or a use unit; on a telephone, cards with four big buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alerts.database.access import reading
from alerts.directory.turns import Turn
from alerts.directory.units import Contact
from alerts.model import Role, Step
from devices.registry import Lift, place_and_name
from monitor.web import find, firm, lifts, problems, views
from monitor.web.api.push import push_json
from monitor.web.console.lift import state_words
from monitor.web.console.push import push_view
from monitor.web.console.render import flash
from monitor.web.console.tap import arrival_view, buttons
from monitor.web.visitor import AnyVisitor, Visitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
ROWS, CARDS = 200, 40
CALM = ("moving", "standing")
STAMPS: Mapping[Step, str] = {
    Step.ACCEPT: "accepted_ms",
    Step.DEPART: "departed_ms",
    Step.ARRIVE: "arrived_ms",
    Step.FREE: "freed_ms",
    Step.FILE_CAUSE: "cause_filed_ms",
}


@router.get("/firm")
def own(request: Request, visitor: AnyVisitor) -> Response:
    """One's own desk; who watches the whole site chooses one."""
    web = web_of(request)
    if visitor.scope is not None:
        return _desk(request, visitor, None)
    words = web.pages.words(request)
    with reading(web.port.engine) as conn:
        rows = firm.units_with_counts(web.port, conn)
    kinds = kind_words(words)
    units = [{**row, "word": words.text(row["name"]), "kind": kinds[row["kind"]]} for row in rows]
    return web.pages.render(request, "firms.html", visitor, units=units)


@router.get("/firm/{unit}")
def desk(request: Request, visitor: AnyVisitor, unit: str) -> Response:
    """The desk of a unit."""
    return _desk(request, visitor, unit)


def kind_words(words: Words) -> Mapping[str, str]:
    """Return kinds of units in words."""
    _ = words.catalogue.gettext
    return {
        "maintenance": _("Maintenance firm"),
        "use_unit": _("Use unit"),
        "rescue_station": _("Rescue station"),
        "street_office": _("Street office"),
        "bureau": _("Bureau"),
        "operator": _("Duty desk"),
        "public_rescue": _("Public rescue"),
        "town": _("Town"),
    }


def _desk(request: Request, visitor: Visitor, ident: str | None) -> Response:
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    unit = firm.unit_for(port, visitor, ident)
    if unit is None:
        raise problems.not_found("unit", ident)
    now_ms, role = port.now_ms(), visitor.user.role
    mine = firm.own_lifts(port, unit.id)
    with reading(port.engine) as conn:
        # The cursor first: what is committed after it comes by the feed, at worst twice.
        cursor = web.hub.newest()
        query = find.Query(scope=unit.id)
        found = find.find(conn, query, chains=port.desk.chains, limit=ROWS + 1)
        severities = lifts.open_severities(conn)
        took = firm.times(port, conn, unit.id, firm.TIMES_DAYS, now_ms)
    today = datetime.fromtimestamp(now_ms / 1000, words.tz).date()
    by_state = firm.states(port, mine, severities, now_ms)
    return web.pages.render(
        request,
        "firm.html",
        visitor,
        unit=unit,
        unit_word=unit.name.of(words.lang),
        kind_word=kind_words(words)[unit.kind],
        cursor=cursor,
        rows=[views.row_view(words, one, now_ms, role) for one in found[:ROWS]],
        cards=[card(words, one, now_ms, role) for one in found[:CARDS]],
        more=len(found) > ROWS,
        causes=words.causes.groups.values(),
        duty=[turn_view(words, one, now_ms) for one in firm.duty(port, unit.id, now_ms)],
        states=state_views(words, by_state),
        lifts=len(mine),
        due=[due_view(words, one) for one in firm.due(mine, today)],
        times=times_view(words, took),
        rescues=took["rescues"],
        days=firm.TIMES_DAYS,
        own=visitor.scope is not None,
        push=push_view(words, push_json(port, visitor), now_ms, f"/firm/{unit.id}"),
    )


def card(words: Words, alert: dict[str, Any], now_ms: int, role: Role) -> dict[str, Any]:
    """Return an alert as a card for one thumb: what, where, how long, and four buttons."""
    done = {
        step.value: {"name": alert.get("owner") or "", "at_ms": alert[stamp]}
        for step, stamp in STAMPS.items()
        if alert[stamp] is not None
    }
    known = alert | {"done": done}
    view = views.page_view(words, known, now_ms, role)
    four = buttons(words, view, known)
    return view | {
        "buttons": four,
        "to_do": not all(one["off"] for one in four),
        "arrival": arrival_view(words, known, now_ms),
    }


def turn_view(words: Words, turn: Turn, now_ms: int) -> dict[str, Any]:
    """Return a line of duty in words."""
    _ = words.catalogue.gettext
    posts = {"manager": _("Manager"), "leader": _("Leader")}
    line = "" if turn.line in ("", "main") else turn.line
    return {
        "line": " · ".join(part for part in (posts.get(turn.post, ""), line) if part),
        "people": [_person(one) for one in turn.contacts],
        "until": _moment(words, turn.until_ms, now_ms),
        "next": [_person(one) for one in turn.following],
        "next_until": _moment(words, turn.following_until_ms, now_ms),
    }


def _person(contact: Contact) -> dict[str, str]:
    return {"name": contact.name, "phone": contact.phone}


def _moment(words: Words, at_ms: int | None, now_ms: int) -> str:
    if at_ms is None:
        return ""
    local = datetime.fromtimestamp(at_ms / 1000, words.tz)
    now = datetime.fromtimestamp(now_ms / 1000, words.tz)
    return local.strftime("%H:%M" if local.date() == now.date() else "%Y-%m-%d %H:%M")


def state_views(words: Words, by_state: Mapping[str, list[Lift]]) -> list[dict[str, Any]]:
    """Return states that somebody's lifts are in, with the lifts themselves where it matters."""
    names = state_words(words)
    return [
        {
            "state": state,
            "word": names[state],
            "count": len(some),
            "lifts": [] if state in CALM else [_lift(one) for one in some],
        }
        for state, some in by_state.items()
    ]


def _lift(lift: Lift) -> dict[str, str]:
    return {"reg_code": lift.reg_code, "where": place_and_name(lift.place, lift.name)}


def due_view(words: Words, one: firm.Due) -> dict[str, Any]:
    """Return a visit or an inspection in words."""
    _, plural = words.catalogue.gettext, words.catalogue.ngettext
    if one.days < 0:
        n = -one.days
        when = plural("%(n)d day overdue", "%(n)d days overdue", n) % {"n": n}
    elif one.days == 0:
        when = _("due today")
    else:
        when = plural("in %(n)d day", "in %(n)d days", one.days) % {"n": one.days}
    return _lift(one.lift) | {
        "what": _("Inspection") if one.what == "inspection" else _("Visit"),
        "day": one.day.isoformat(),
        "when": when,
        "tone": "bad" if one.days < 0 else "warn" if one.days <= 7 else "",
    }


def times_view(words: Words, took: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the times in words: count, median, 95th percentile, limit, share in time."""
    _ = words.catalogue.gettext
    names = {
        "accept": _("Raised → answered"),
        "arrive": _("Raised → on site"),
        "freed": _("Raised → freed"),
    }

    def told(ms: int | None) -> str:
        return "–" if ms is None else words.duration(ms)

    found = []
    for step, one in took["steps"].items():
        share = one["share"]
        found.append(
            {
                "word": names[step],
                "count": one["count"],
                "median": told(one["median_ms"]),
                "p95": told(one["p95_ms"]),
                "limit": "–" if one["limit_ms"] is None else "≤ " + told(one["limit_ms"]),
                "share": "–" if share is None else f"{100 * share:.0f} %",
                "of": f"{one['in_time']}/{one['judged']}",
                "tone": "" if share is None else "good" if share >= 0.95 else "bad",
            }
        )
    return found


@router.post("/firm/alerts/{alert_id}/{step}")
def take_step(
    request: Request,
    visitor: AnyVisitor,
    alert_id: int,
    step: Step,
    cause: Annotated[str, Form(max_length=100)] = "",
    more: Annotated[str, Form(max_length=400)] = "",
    unit: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """One step by a card's button; back to the same card."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        if find.read_alert(conn, alert_id, visitor.scope, None) is None:
            raise problems.not_found("alert", alert_id)
    told = ": ".join(part for part in (cause.strip(), more.strip()) if part)
    result = port.desk.act(alert_id, step, visitor.user.actor, port.now_ms(), cause=told or None)
    known = unit if unit in port.directory.units else ""
    target = f"/firm/{known}" if known and visitor.scope is None else "/firm"
    return flash(RedirectResponse(f"{target}#card-{alert_id}", 303), result.text, result.ok)
