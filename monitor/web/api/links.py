"""Link quality: gateways worst first, vendors, days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from config.text import Text
from monitor.web.api import examples, paging
from monitor.web.api import examples_desk as told
from monitor.web.ports import LinksPort
from monitor.web.problems import Problem, not_found
from monitor.web.visitor import DeskVisitor, web_of

router = APIRouter(tags=["links"])
LONGEST_DAYS = 400
Kind = Literal["all", "clock", "gaps", "refused", "late"]


class LinksQuery(BaseModel):
    """Filters and the page; all that is set must fit."""

    model_config = ConfigDict(extra="forbid")

    vendor: str | None = Field(None, max_length=128)
    q: str | None = Field(None, max_length=64, description="part of the gateway's id or place")
    only: Kind = Field("all", description="gateways with a wrong clock, gaps, refusals, late data")
    cursor: paging.Cursor = None
    limit: int = Field(100, ge=1, le=500)
    minutes: bool = Field(True, description="with the last hour by the minute")


def fits(told: dict[str, Any], asked: LinksQuery) -> bool:
    """Return whether a gateway is asked for."""
    bad = {
        "all": True,
        "clock": told["wrong_clocks"] > 0,
        "gaps": told["gaps"] > 0 or told["missing"] > 0,
        "refused": told["fields"] > 0,
        "late": told["late"] > 0,
    }
    found = asked.vendor in (None, "", told["vendor"]) and bad[asked.only]
    return found and (asked.q or "").lower() in f"{told['gateway']} {told['place']}".lower()


def page_of(port: LinksPort, asked: LinksQuery) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of gateways, the worst first, and the cursor of the next one.

    The cursor is the place of the last row in the order, so what becomes better or worse
    meanwhile may come twice or not at all, and nothing else does.
    """
    rows = [told for told in port.gateways() if fits(told, asked)]
    if last := paging.text_after("links", asked.cursor):
        badness, _, gateway = last.partition("~")
        try:
            after = (-float(badness), gateway)
        except ValueError:
            raise paging.wrong(asked.cursor) from None
        rows = [told for told in rows if (-told["badness"], told["gateway"]) > after]
    page = rows[: asked.limit]
    more = len(rows) > asked.limit
    last = f"{page[-1]['badness']}~{page[-1]['gateway']}" if more else None
    return page, paging.cursor_of("links", last)


@router.get("/links", responses=told.LINKS)
def links(
    request: Request, visitor: DeskVisitor, asked: Annotated[LinksQuery, Query()]
) -> dict[str, Any]:
    """Return the link quality of gateways since midnight, the worst first, with the last hour by
    the minute. Shares are of 1, delays in ms, clock offsets in s (slow: positive)."""
    rows, cursor = page_of(web_of(request).port.links, asked)
    if not asked.minutes:
        rows = [{name: v for name, v in told.items() if name != "minutes"} for told in rows]
    return {"gateways": rows, "next_cursor": cursor}


@router.get("/links/vendors", responses=told.VENDORS)
def vendors(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """Return the same figures added up by vendor."""
    return {"vendors": web_of(request).port.links.vendors()}


@router.get("/links/days", responses=examples.answer({"days": []}))
def days(
    request: Request,
    visitor: DeskVisitor,
    from_: Annotated[date | None, Query(alias="from")] = None,
    to: date | None = None,
    gateway: Annotated[str | None, Query(max_length=64)] = None,
    vendor: Annotated[str | None, Query(max_length=128)] = None,
) -> dict[str, Any]:
    """Return the figures by day, of all gateways or of one, or of one vendor; 30 days if not
    asked otherwise."""
    port = web_of(request).port
    zone = port.desk.pages.tz
    last = to or datetime.fromtimestamp(port.now_ms() / 1000, zone).date()
    first = from_ or last - timedelta(days=30)
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_DAYS):
        text = Text(
            f"from 应不晚于 to，时段最长 {LONGEST_DAYS} 天",
            f"from must not be after to, nor more than {LONGEST_DAYS} days before",
        )
        raise Problem(422, "invalid", text, field="from", value=first, limit=f"{LONGEST_DAYS} d")
    return {"days": port.links.days(first, last, gateway or None, vendor or None)}


@router.get("/links/{gateway}", responses=told.LINK)
def one(request: Request, visitor: DeskVisitor, gateway: str) -> dict[str, Any]:
    """Return one gateway, and the clock of each of its lifts."""
    port = web_of(request).port.links
    found = next((told for told in port.gateways() if told["gateway"] == gateway), None)
    if found is None:
        raise not_found("gateway", gateway)
    return {"gateway": found, "lifts": port.lifts(gateway)}
