"""The fleet's four views: overview, wall, map, list. What is chosen stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from starlette.responses import Response

from alerts.model import SEVERITIES
from monitor.web import security, terms
from monitor.web.api.fleet import Choice, Dimension
from monitor.web.fleet import overview
from monitor.web.fleet.fleet import Fleet, Moment, fleet_of, picked
from monitor.web.fleet.roster import DIMENSIONS, STORED, UNITS, Roster
from monitor.web.fleet.states import STATE_OF, STATES, state_of
from monitor.web.visitor import AnyVisitor, Visitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
PAGE = 100
MOST_CALLS = 40
_ALERT_STATES = ("people", *SEVERITIES[:3])


class Asked(Choice):
    """The console's address."""

    model_config = ConfigDict(extra="ignore")  # ?lang= is everywhere

    by: Dimension = "street_office"
    sort: str = Field("", max_length=20, pattern=r"^-?[a-z]*$")
    page: int = Field(1, ge=1, le=10_000)

    def address(self, **changes: str) -> str:
        """Return the query of an address that keeps what is chosen, but for some changes."""
        told = {"by": self.by if self.by != "street_office" else "", "q": self.q}
        told |= self.groups() | changes
        chosen = {name: value for name, value in told.items() if value}
        return "?" + urlencode(chosen) if chosen else ""


def state_words(words: Words) -> dict[str, str]:
    """Return the states of a lift in a fleet, in words."""
    _ = words.catalogue.gettext
    severity = terms.severities(words.catalogue)
    return {
        "people": _("people in the car"),
        **{name: _("%(severity)s alert") % {"severity": severity[name]} for name in SEVERITIES[:3]},
        "silent": _("silent: nothing is known"),
        "out": _("not in normal service"),
        "normal": _("in normal service"),
    }


def _counted(words: Words) -> dict[str, str]:
    """Return the states as they stand after a number."""
    severity = terms.severities(words.catalogue)
    alerts = {name: severity[name] for name in SEVERITIES[:3]}
    return {"people": words.catalogue.gettext("cars with people"), **alerts}


def dimension_words(words: Words) -> dict[str, str]:
    """Return what lifts are grouped by, in words."""
    _ = words.catalogue.gettext
    names = (_("Street office"), _("Maintenance firm"), _("Use unit"), _("Type"), _("State"))
    return dict(zip(DIMENSIONS, names, strict=True))


def _common(words: Words, asked: Asked, view: str, fleet: Fleet) -> dict[str, Any]:
    """What the four views share: tabs, filters, words."""
    _ = words.catalogue.gettext
    views = {"": _("Overview"), "wall": _("Wall"), "map": _("Map"), "list": _("List")}
    dimensions = dimension_words(words)
    states = state_words(words)
    chips = [
        {"word": f"{dimensions[name]}: {_group_word(words, fleet.roster, name, group)}",
         "href": _path(view) + asked.address(**{name: ""})}
        for name, group in asked.groups().items() if group
    ]  # fmt: skip
    return {
        "tabs": [
            {"word": word, "on": name == view, "href": _path(name) + asked.address()}
            for name, word in views.items()
        ],
        "view_path": _path(view),
        "asked": asked,
        "chips": chips,
        "dimensions": [
            {"id": name, "word": word, "on": name == asked.by,
             "href": _path(view) + asked.address(by=name)}
            for name, word in dimensions.items()
        ],
        "state_words": states,
        "tally_words": states | _counted(words),
        "kept": {k: v for k, v in ({"by": asked.by} | asked.groups()).items() if v},
    }  # fmt: skip


def _path(view: str) -> str:
    return f"/lifts/{view}" if view else "/lifts"


def _group_word(words: Words, roster: Roster, dimension: str, group: str) -> str:
    if dimension == "state":
        return state_words(words).get(group, group)
    found = (one.name for one in roster.groups[dimension] if one.id == group)
    return next((name.of(words.lang) for name in found), group)


def _mask(fleet: Fleet, moment: Moment, visitor: Visitor, asked: Asked) -> NDArray[np.bool_]:
    mask = picked(moment.roster, moment.codes, visitor.scope, asked.groups())
    return fleet.index.fits(asked.q, mask) if asked.q.strip() else mask


@router.get("/lifts")
def overview_page(
    request: Request, visitor: AnyVisitor, asked: Annotated[Asked, Query()]
) -> Response:
    """Groups with what calls for somebody in each."""
    web, fleet = web_of(request), fleet_of(request)
    words, moment = web.pages.words(request), fleet.now()
    mask = _mask(fleet, moment, visitor, asked)
    found = overview.lines(moment, asked.by, mask, fleet.arrived(moment.roster))
    states = state_words(words)
    rows = [_line(words, asked, line, states) for line in found]
    _sort(rows, asked.sort)
    return web.pages.render(
        request,
        "fleet_overview.html",
        visitor,
        **_common(words, asked, "", fleet),
        rows=rows,
        heads=_heads(words, asked),
        totals=overview.totals(moment, mask),
        lifts=int(mask.sum()),
    )


def _line(
    words: Words, asked: Asked, line: overview.Line, states: Mapping[str, str]
) -> dict[str, Any]:
    dimension = asked.by
    name = states[line.id] if dimension == "state" else line.name.of(words.lang)

    def to_list(**more: str) -> str:
        return "/lifts/list" + asked.address(**({dimension: line.id} | more))

    return {
        "id": line.id,
        "name": name,
        "href": to_list(),
        "wall": "/lifts/wall" + asked.address(**{dimension: line.id}),
        "lifts": line.lifts,
        "states": {one: (count, to_list(state=one)) for one, count in line.states.items()},
        "people": line.people,
        "arrived": line.arrived,
        "arrived_word": "–" if line.arrived is None else f"{line.arrived * 100:.1f} %",
        "grave": tuple(-line.states[one] for one in STATES[:-1]),
    }


def _sort(rows: list[dict[str, Any]], asked: str) -> None:
    """Sort in place; by default the group first that calls for people most."""
    back, key = asked.startswith("-"), asked.removeprefix("-")
    rows.sort(key=lambda row: (row["grave"], row["name"]))
    if key == "name":
        rows.sort(key=lambda row: str(row["name"]), reverse=back)
    elif key == "lifts":
        rows.sort(key=lambda row: int(row["lifts"]), reverse=not back)
    elif key == "arrived":
        rows.sort(key=lambda row: 2.0 if row["arrived"] is None else row["arrived"], reverse=back)
    elif key in STATES:
        rows.sort(key=lambda row: int(row["states"][key][0]), reverse=not back)


def _heads(words: Words, asked: Asked) -> list[dict[str, Any]]:
    """Return the columns: a click sorts by one, another click the other way round."""
    _ = words.catalogue.gettext
    short = {
        "people": _("People held"), **{s: terms.severities(words.catalogue)[s] for s in
        SEVERITIES[:3]}, "silent": _("Silent"), "out": _("Not in service"), "normal": _("Normal"),
    }  # fmt: skip
    names = {"name": dimension_words(words)[asked.by], "lifts": _("Lifts"), **short}
    names["arrived"] = _("Data arrived today")
    found = []
    for key, word in names.items():
        on = asked.sort.removeprefix("-") == key
        back = asked.sort.startswith("-")
        rising = (key in ("name", "arrived")) != back
        order = ("ascending" if rising else "descending") if on else ""
        turned = f"-{key}" if on and not back else key
        href = "/lifts" + asked.address(sort=turned)
        found.append({"key": key, "word": word, "href": href, "order": order})
    return found


@router.get("/lifts/wall")
def wall_page(request: Request, visitor: AnyVisitor, asked: Annotated[Asked, Query()]) -> Response:
    """All lifts as small marks, drawn in the browser; a search is the list's business."""
    asked = asked.model_copy(update={"q": ""})
    web, fleet = web_of(request), fleet_of(request)
    words, moment = web.pages.words(request), fleet.now()
    mask = _mask(fleet, moment, visitor, asked)
    return web.pages.render(
        request,
        "fleet_wall.html",
        visitor,
        **_common(words, asked, "wall", fleet),
        totals=overview.totals(moment, mask),
        lifts=int(mask.sum()),
        calls=_calls(words, moment, mask),
    )


def _calls(words: Words, moment: Moment, mask: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the lifts with an open alert, the gravest first: the wall for those who read it."""
    state = STATE_OF[moment.codes]
    at = np.flatnonzero(mask & (state < len(_ALERT_STATES)))
    best = at[np.argsort(state[at], kind="stable")][:MOST_CALLS]
    return [_seen(words, moment, int(i)) for i in best]


def _seen(words: Words, moment: Moment, i: int) -> dict[str, Any]:
    lift, code = moment.roster.lifts[i], int(moment.codes[i])
    state = state_of(code)
    last_ms = int(moment.last_ms[i])
    _ = words.catalogue.gettext
    ago = _("%(time)s ago") % {"time": words.duration(moment.now_ms - last_ms)} if last_ms else "–"
    units = {name: _group_word(words, moment.roster, name, getattr(lift, name)) for name in UNITS}
    return {
        "reg_code": lift.reg_code,
        "rescue_code": lift.rescue_code,
        "state": state,
        "state_word": state_words(words)[state],
        "silent": code & 3 == 2,
        "where": words.where(asdict(lift) | {"subject": lift.reg_code}),
        "type": words.lift_type(lift.type),
        "last": ago,
        **units,
    }


@router.get("/lifts/map")
def map_page(request: Request, visitor: AnyVisitor, asked: Annotated[Asked, Query()]) -> Response:
    """The lifts where they stand; tiles only where the site has named a server."""
    asked = asked.model_copy(update={"q": ""})
    web, fleet = web_of(request), fleet_of(request)
    words, moment = web.pages.words(request), fleet.now()
    mask = _mask(fleet, moment, visitor, asked)
    tiles = web.port.settings.web.tiles
    answer = web.pages.render(
        request,
        "fleet_map.html",
        visitor,
        **_common(words, asked, "map", fleet),
        totals=overview.totals(moment, mask),
        lifts=int(mask.sum()),
        calls=_calls(words, moment, mask),
        tiles=tiles,
        own=bool(fleet.outlines()),
    )
    if tiles.url:
        answer.headers["Content-Security-Policy"] = security.with_tiles(tiles.origin)
    return answer


@router.get("/lifts/list")
def list_page(request: Request, visitor: AnyVisitor, asked: Annotated[Asked, Query()]) -> Response:
    """Lifts by what calls most, or by how well they fit what was searched for."""
    web, fleet = web_of(request), fleet_of(request)
    words, moment = web.pages.words(request), fleet.now()
    mask = picked(moment.roster, moment.codes, visitor.scope, asked.groups())
    skip = (asked.page - 1) * PAGE
    if asked.q.strip():
        matches, total = fleet.index.find(asked.q, mask, PAGE, skip)
        how = match_words(words)
        rows = [
            _seen(words, moment, m.at) | {"matched": how[m.field] + _spoken(words, m.form)}
            for m in matches
        ]
    else:
        at = np.flatnonzero(mask)
        ordered = at[np.argsort(STATE_OF[moment.codes][at], kind="stable")]
        total = len(ordered)
        rows = [_seen(words, moment, int(i)) for i in ordered[skip : skip + PAGE]]

    def page(number: int) -> str:
        return "/lifts/list" + asked.address(page=str(number))

    return web.pages.render(
        request,
        "fleet_list.html",
        visitor,
        **_common(words, asked, "list", fleet),
        rows=rows,
        total=total,
        first=skip + 1,
        before=page(asked.page - 1) if asked.page > 1 else None,
        after=page(asked.page + 1) if skip + PAGE < total else None,
        choices=_choices(words, moment.roster, visitor),
    )


def match_words(words: Words) -> dict[str, str]:
    """Return in what a search may match, in words."""
    _ = words.catalogue.gettext
    return {
        "rescue_code": _("Rescue code"),
        "reg_code": _("Registration code"),
        "place": _("Place"),
        "name": _("Name"),
        "use_unit": _("Use unit"),
        "maintenance": _("Maintenance firm"),
        "street_office": _("Street office"),
    }


def _spoken(words: Words, form: str) -> str:
    _ = words.catalogue.gettext
    return {"pinyin": _(" (pinyin)"), "initials": _(" (initials)")}.get(form, "")


def _choices(words: Words, roster: Roster, visitor: Visitor) -> list[dict[str, Any]]:
    """Return a select for each dimension, with the groups that a visitor has lifts of."""
    seen = roster.seen_by(visitor.scope)
    found = []
    for dimension in STORED:
        used = np.unique(roster.of_group[dimension][seen])
        options = [roster.groups[dimension][int(i)] for i in used]
        named = sorted((one.name.of(words.lang), one.id) for one in options)
        if len(named) <= 300:  # a city's use units are found by the search box instead
            word = dimension_words(words)[dimension]
            found.append({"name": dimension, "word": word, "options": named})
    states = [(word, state) for state, word in state_words(words).items()]
    return [*found, {"name": "state", "word": dimension_words(words)["state"], "options": states}]
