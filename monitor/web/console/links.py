"""Link quality on the console: gateways worst first, with the last hour as a small picture."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from devices.registry import place_and_name
from monitor.web.api.links import LinksQuery, page_of
from monitor.web.console.quality import percent
from monitor.web.console.quarantine import reason_words
from monitor.web.problems import not_found
from monitor.web.visitor import DeskVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
PAGE = 50
WIDTH, HEIGHT = 120, 30  # of the picture: two a minute, the upper third for the delay
BARS = 20
ONLY = ("all", "clock", "gaps", "refused", "late")


@router.get("/links")
def page(
    request: Request,
    visitor: DeskVisitor,
    vendor: Annotated[str, Query(max_length=128)] = "",
    q: Annotated[str, Query(max_length=64)] = "",
    only: Annotated[str, Query(pattern="^(all|clock|gaps|refused|late)$")] = "all",
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """Gateways, the worst first; vendors beside them."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port.links
    asked = LinksQuery.model_validate(
        {"vendor": vendor or None, "q": q or None, "only": only, "cursor": cursor, "limit": PAGE}
    )
    rows, after = page_of(port, asked)
    query = {"vendor": vendor, "q": q, "only": only}
    return web.pages.render(
        request,
        "links.html",
        visitor,
        rows=[row_view(words, told) for told in rows],
        vendors=[row_view(words, told) | {"gateways": told["gateways"]} for told in port.vendors()],
        older="?" + urlencode(query | {"cursor": after}) if after else None,
        choices=dict(zip(ONLY, _choices(words), strict=True)),
        json="/api/v1/links?" + urlencode({name: v for name, v in query.items() if v}),
        vendor=vendor,
        q=q,
        only=only,
    )


@router.get("/links/{gateway}")
def one(request: Request, visitor: DeskVisitor, gateway: str) -> Response:
    """One gateway: its figures, its refusals, the clocks of its lifts, its days."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port.links
    found = next((told for told in port.gateways() if told["gateway"] == gateway), None)
    if found is None:
        raise not_found("gateway", gateway)
    today = datetime.fromtimestamp(web.port.now_ms() / 1000, words.tz).date()
    days = port.days(today - timedelta(days=30), today, gateway, None)
    reasons = reason_words(words)
    return web.pages.render(
        request,
        "link.html",
        visitor,
        g=row_view(words, found),
        refused=[(reasons.get(name, name), n) for name, n in found["refused"].items()],
        lifts=[
            told
            | {
                "clock": clock_word(words, told["clock_offset_s"]),
                "wrong": _wrong(told),
                "where": place_and_name(told["place"], told["name"]),
            }
            for told in port.lifts(gateway)
        ],
        days=[row_view(words, told) | {"day": told["day"]} for told in reversed(days)],
    )


def _choices(words: Words) -> tuple[str, ...]:
    _ = words.catalogue.gettext
    return _("all"), _("wrong clock"), _("gaps"), _("refusals"), _("late data")


def _wrong(told: dict[str, Any]) -> bool:
    return bool(abs(told["clock_offset_s"] or 0.0) > 60)


def row_view(words: Words, told: dict[str, Any]) -> dict[str, Any]:
    """Return a gateway, a vendor or a day in words; what is bad is marked."""
    shares = told["shares"]
    p50, p99 = told["delay_p50_ms"], told["delay_p99_ms"]
    return {
        "gateway": told.get("gateway"),
        "vendor": told.get("vendor"),
        "place": told.get("place"),
        "lifts": told.get("lifts"),
        "p50": _delay(p50),
        "p99": _delay(p99),
        "slow": (p99 or 0) > 5_000,
        "missing": percent(shares["missing"]),
        "lost": (shares["missing"] or 0) > 0.05,
        "late": percent(shares["late"]),
        "repeats": percent(shares["repeats"]),
        "disordered": percent(shares["disordered"]),
        "fields": percent(shares["fields"]),
        "refusing": (shares["fields"] or 0) > 0.001,
        "gaps": told["gaps"],
        "clock": clock_word(words, told["clock_offset_s"]),
        "wrong_clocks": told["wrong_clocks"],
        "samples": f"{told['samples'] + told['late']:,}",
        "picture": picture(told["minutes"]) if "minutes" in told else None,
    }


def _delay(ms: float | None) -> str:
    if ms is None:
        return "–"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def clock_word(words: Words, offset_s: float | None) -> str:
    """Return how far a clock is off, and which way."""
    _ = words.catalogue.gettext
    if offset_s is None:
        return "–"
    if abs(offset_s) < 1:
        return _("right")
    time = words.duration(round(abs(offset_s) * 1000))
    return (_("%(time)s slow") if offset_s > 0 else _("%(time)s fast")) % {"time": time}


def picture(minutes: dict[str, list[float | None]]) -> dict[str, Any]:
    """Return the last hour as shapes: bars of what came and what did not, a line of the delay.

    Bars are of the greatest minute; the line is the 99th percentile, logarithmic from 10 ms to
    100 s, broken where nothing came.
    """
    came = [(a or 0) + (b or 0) for a, b in zip(minutes["samples"], minutes["late"], strict=True)]
    lacks = [value or 0 for value in minutes["missing"]]
    most = max((a + b for a, b in zip(came, lacks, strict=True)), default=0) or 1
    bars = []
    for i, (have, lack) in enumerate(zip(came, lacks, strict=True)):
        if have or lack:
            high, low = BARS * have / most, BARS * lack / most
            bars.append((2 * i, round(HEIGHT - high, 2), round(high, 2),
                         round(HEIGHT - high - low, 2), round(low, 2)))  # fmt: skip
    lines: list[str] = []
    line: list[str] = []
    for i, delay in enumerate([*minutes["p99_ms"], None]):
        if delay is None:
            if line:
                lines.append(" ".join(line))
            line = []
            continue
        share = (math.log10(min(max(delay, 10), 100_000)) - 1) / 4
        line.append(f"{2 * i + 1},{round(HEIGHT - 1 - share * (HEIGHT - 2), 1)}")
    return {"bars": bars, "lines": lines}
