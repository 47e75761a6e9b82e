"""A firm never learns of another's alert or lift: every route is tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from alerts.database.access import reading, writing
from alerts.journal import journal
from alerts.model import Actor, LiftStep, Role, Step
from monitor.web.find import read_alert
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import FIRM_A, FIRM_B, reg_code

OPERATOR = Actor("刘洋", Role.OPERATOR)
LIFT = reg_code(0)  # firm-a's; firm-b has the odd ones
SECRET = ("龙湖花园 1 栋", LIFT, "770100")
"""Words that stand on everything about that lift, and on nothing of firm-b's."""


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    def walk(found: list[object]) -> Iterator[APIRoute]:
        for route in found:
            if isinstance(route, APIRoute):
                yield route
            elif inner := getattr(getattr(route, "original_router", None), "routes", None):
                yield from walk(inner)

    spec = app.openapi()["paths"]
    for path, methods in spec.items():
        yield from ((method.upper(), path) for method in methods)
    for route in walk(list(app.routes)):
        if not route.include_in_schema:
            yield from ((method, route.path) for method in route.methods)


REST = {"kind": "lift", "ident": LIFT, "act": "retire", "name": "city", "unit": FIRM_A}
# What firm-b gets: 404 for a thing of firm-a, 403 where no firm may go, "silent" for lists.
EXPECTED = {
    ("GET", "/api/v1/alerts"): "silent",
    ("GET", "/api/v1/alerts.csv"): "silent",
    ("GET", "/api/v1/alerts/counts"): "silent",
    ("GET", "/api/v1/alerts/since"): "silent",
    ("POST", "/api/v1/alerts/bulk"): "silent",  # with ids of others: test_desk_api
    ("GET", "/api/v1/alerts/{alert_id}"): "404",
    ("POST", "/api/v1/alerts/{alert_id}/{step}"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/story"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/story.pdf"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/accident"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/accident.pdf"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/replay"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/live"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/related"): "404",
    ("GET", "/api/v1/alerts/{alert_id}/note"): "404",
    ("PUT", "/api/v1/alerts/{alert_id}/note"): "404",
    ("GET", "/api/v1/drills"): "403",
    ("POST", "/api/v1/drills"): "403",
    ("POST", "/api/v1/drills/{alert_id}/stop"): "403",
    ("GET", "/api/v1/quality"): "403",
    ("GET", "/api/v1/lifts"): "silent",
    ("GET", "/api/v1/lifts/states"): "silent",
    ("GET", "/api/v1/lifts/roster"): "silent",
    ("GET", "/api/v1/fleet/overview"): "silent",
    ("GET", "/api/v1/fleet/outlines"): "silent",
    ("GET", "/api/v1/fleet/glance"): "silent",
    ("GET", "/api/v1/lifts/{reg_code}"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/series"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/curves"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/marks"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/trips"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/drift"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/messages"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/visits"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/quality"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/documents"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/alerts"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/export"): "404",
    ("GET", "/api/v1/lifts/{reg_code}/export/{key}"): "export",  # test_lift_past
    ("POST", "/api/v1/lifts/{reg_code}/{step}"): "404",
    ("GET", "/api/v1/suppressions"): "silent",
    ("POST", "/api/v1/suppressions/{order}/release"): "404",
    ("GET", "/api/v1/feed"): "stream",
    ("GET", "/api/v1/health"): "403",
    ("GET", "/api/v1/links"): "403",
    ("GET", "/api/v1/links/vendors"): "403",
    ("GET", "/api/v1/links/days"): "403",
    ("GET", "/api/v1/links/{gateway}"): "403",
    ("GET", "/api/v1/quarantine"): "403",
    ("GET", "/api/v1/quarantine/reasons"): "403",
    ("GET", "/api/v1/quarantine/runs"): "403",
    ("POST", "/api/v1/quarantine/runs"): "403",
    ("GET", "/api/v1/quarantine/runs/{number}"): "403",
    ("GET", "/api/v1/quarantine/{number}"): "403",
    ("GET", "/api/v1/registry/{kind}s"): "403",
    ("GET", "/api/v1/registry/summary"): "403",
    ("GET", "/api/v1/registry/credentials"): "403",
    ("GET", "/api/v1/registry/claims"): "403",
    ("POST", "/api/v1/registry/claims"): "403",
    ("POST", "/api/v1/registry/gateways"): "403",
    ("POST", "/api/v1/registry/gateways/{gateway}/revoke"): "403",
    ("POST", "/api/v1/registry/lifts"): "403",
    ("POST", "/api/v1/registry/lifts/{reg_code}/baseline"): "403",
    ("POST", "/api/v1/registry/lifts/{reg_code}/move"): "403",
    ("POST", "/api/v1/registry/{kind}s/{ident}/dismiss"): "403",
    ("POST", "/api/v1/registry/{kind}s/{ident}/retire"): "403",
    ("POST", "/api/v1/registry/reload"): "403",
    ("GET", "/api/v1/upstream"): "403",
    ("GET", "/api/v1/upstream/{name}/deliveries"): "403",
    ("DELETE", "/api/v1/admin/backtests/{number}"): "403",
    ("GET", "/api/v1/admin/accounts"): "403",
    ("GET", "/api/v1/admin/backtests/{number}"): "403",
    ("GET", "/api/v1/admin/chains"): "403",
    ("GET", "/api/v1/admin/chains/explain"): "403",
    ("GET", "/api/v1/admin/channels"): "403",
    ("GET", "/api/v1/admin/formats"): "403",
    ("GET", "/api/v1/admin/journal"): "403",
    ("GET", "/api/v1/admin/journal/export"): "403",
    ("GET", "/api/v1/admin/journal/verify"): "403",
    ("GET", "/api/v1/admin/retention"): "403",
    ("GET", "/api/v1/admin/rules"): "403",
    ("GET", "/api/v1/admin/rules/{ident}"): "403",
    ("GET", "/api/v1/admin/settings"): "403",
    ("GET", "/api/v1/admin/units"): "403",
    ("GET", "/api/v1/admin/units/{ident}/roster"): "403",
    ("GET", "/api/v1/admin/units/{ident}/roster.ics"): "403",
    ("POST", "/api/v1/admin/accounts"): "403",
    ("POST", "/api/v1/admin/accounts/{name}/{act}"): "403",
    ("POST", "/api/v1/admin/channels/{name}/test"): "403",
    ("POST", "/api/v1/admin/journal/verify"): "403",
    ("POST", "/api/v1/admin/rules/{ident}/backtests"): "403",
    ("POST", "/api/v1/admin/rules/{ident}/check"): "403",
    ("POST", "/api/v1/admin/rules/{ident}/restore"): "403",
    ("POST", "/api/v1/admin/units/{ident}/swaps"): "403",
    ("PUT", "/api/v1/admin/accounts/{name}/role"): "403",
    ("PUT", "/api/v1/admin/rules/{ident}"): "403",
    ("GET", "/api/v1/me"): "silent",
    ("POST", "/api/v1/me/password"): "open",  # one's own
    ("GET", "/api/v1/tokens"): "silent",
    ("POST", "/api/v1/tokens"): "open",  # for oneself (test_tokens)
    ("GET", "/api/v1/tokens/{token_id}"): "open",  # test_tokens
    ("POST", "/api/v1/tokens/{token_id}/revoke"): "open",  # test_tokens
    ("GET", "/api"): "silent",
    ("GET", "/account"): "silent",
    ("POST", "/account/password"): "open",  # one's own account
    ("POST", "/account/sessions"): "open",
    ("POST", "/account/tokens"): "open",
    ("POST", "/account/looks"): "open",
    ("POST", "/account/tokens/{token_id}/revoke"): "open",  # test_tokens
    ("GET", "/alerts"): "silent",
    ("GET", "/alerts/rows"): "silent",
    ("POST", "/alerts/{alert_id}/note"): "404",
    ("GET", "/alerts/away"): "silent",
    ("GET", "/alerts/health"): "403",
    ("POST", "/alerts/bulk"): "silent",
    ("GET", "/alerts/{alert_id}"): "404",
    ("POST", "/alerts/{alert_id}/{step}"): "404",
    ("GET", "/alerts/{alert_id}/photos/{digest}.jpg"): "photo",  # test_tap
    ("GET", "/drills"): "403",
    ("POST", "/drills"): "403",
    ("POST", "/drills/{alert_id}/stop"): "403",
    ("GET", "/quality"): "403",
    ("GET", "/lifts"): "silent",
    ("GET", "/lifts/wall"): "silent",
    ("GET", "/lifts/map"): "silent",
    ("GET", "/lifts/list"): "silent",
    ("GET", "/wall"): "silent",
    ("GET", "/lifts/{reg_code}"): "404",
    ("GET", "/lifts/{reg_code}/live"): "404",
    ("GET", "/lifts/{reg_code}/part"): "404",
    ("GET", "/lifts/{reg_code}/export"): "export",
    ("POST", "/lifts/{reg_code}/{step}"): "404",
    ("POST", "/lifts/{reg_code}/release/{order}"): "404",
    ("GET", "/registry"): "403",
    ("POST", "/registry/{kind}/{ident}/{act}"): "403",
    ("GET", "/links"): "403",
    ("GET", "/links/{gateway}"): "403",
    ("GET", "/quarantine"): "403",
    ("GET", "/quarantine/{number}"): "403",
    ("POST", "/quarantine/runs"): "403",
    ("GET", "/health"): "403",
    ("GET", "/admin"): "403",
    ("GET", "/admin/audit"): "403",
    ("GET", "/admin/chains"): "403",
    ("GET", "/admin/channels"): "403",
    ("GET", "/admin/codes"): "403",
    ("GET", "/admin/people"): "403",
    ("GET", "/admin/retention"): "403",
    ("GET", "/admin/rules"): "403",
    ("GET", "/admin/rules/{ident}"): "403",
    ("GET", "/admin/rules/{ident}/edit"): "403",
    ("GET", "/admin/settings"): "403",
    ("GET", "/admin/units"): "403",
    ("GET", "/admin/units/{ident}"): "403",
    ("POST", "/admin/audit/verify"): "403",
    ("POST", "/admin/channels/{name}/test"): "403",
    ("POST", "/admin/people"): "403",
    ("POST", "/admin/people/{name}/role"): "403",
    ("POST", "/admin/people/{name}/{act}"): "403",
    ("POST", "/admin/rules/{ident}/edit"): "403",
    ("POST", "/admin/rules/{ident}/restore"): "403",
    ("POST", "/admin/units/{ident}/swaps"): "403",
    ("GET", "/metrics"): "403",
    ("GET", "/api/v1/firm"): "silent",
    ("GET", "/api/v1/firms"): "403",
    ("GET", "/api/v1/firm/{unit}"): "404",
    ("GET", "/api/v1/firm/{unit}/times"): "404",
    ("GET", "/firm"): "silent",
    ("GET", "/firm/{unit}"): "404",
    ("POST", "/firm/alerts/{alert_id}/{step}"): "404",
    ("GET", "/api/v1/push"): "silent",
    ("POST", "/api/v1/push/subscriptions"): "silent",
    ("DELETE", "/api/v1/push/subscriptions/{number}"): "404",
    ("GET", "/push"): "silent",
    ("POST", "/push/{number}/end"): "silent",
    ("GET", "/api/v1/handover"): "403",
    ("GET", "/api/v1/handover.pdf"): "403",
    ("GET", "/api/v1/handover/shifts"): "403",
    ("POST", "/api/v1/handover"): "403",
    ("POST", "/api/v1/handover/{number}/take"): "403",
    ("GET", "/handover"): "403",
    ("POST", "/handover"): "403",
    ("POST", "/handover/{number}/take"): "403",
    # Open to anybody, and telling nobody anything of a lift:
    ("GET", "/manifest.webmanifest"): "silent",
    ("GET", "/icons/{name}.png"): "silent",
    ("GET", "/sw.js"): "silent",
    ("GET", "/offline"): "silent",
    ("GET", "/"): "silent",
    ("GET", "/sign-in"): "silent",
    ("POST", "/sign-in"): "open",
    ("POST", "/sign-out"): "open",
    ("GET", "/healthz"): "silent",
    ("GET", "/readyz"): "silent",
    ("GET", "/texts/{lang}-{version}.js"): "silent",
    # The token in the address is the right, whoever is signed in (test_tap).
    ("GET", "/p/{token}"): "token",
    ("POST", "/p/{token}/{step}"): "token",
    ("POST", "/p/{token}/photo"): "token",
    ("GET", "/p/{token}/photos/{digest}.jpg"): "token",
    ("GET", "/invitation/{token}"): "token",  # test_admin
    ("POST", "/invitation/{token}"): "token",  # test_admin
    ("POST", "/api/v1/claim"): "token",  # the code in the body is the right (test_claim)
    # Likewise a unit's signature, a gateway's token, a subscriber's (test_incoming, test_cap).
    ("POST", "/replies/{unit}"): "token",
    ("GET", "/receipts/{channel}/{token}"): "token",
    ("POST", "/receipts/{channel}/{token}"): "token",
    ("GET", "/cap/{token}/index.atom"): "token",
    ("GET", "/cap/{token}/{name}"): "token",
}
NOT_ROUTED_BY_NAME = {("GET", "/texts/{lang}-{version}.js")}


def test_every_route_there_is_stands_in_the_table(app: FastAPI) -> None:
    assert set(routes(app)) == set(EXPECTED)


@pytest.mark.parametrize(
    ("method", "path"), [key for key, what in EXPECTED.items() if what in ("404", "403", "silent")]
)
async def test_another_firms_things_stay_unknown(
    method: str, path: str, enter: Enter, house: House
) -> None:
    house.say(0, people=3.0)
    alert = house.raise_alert(0)
    own = house.raise_alert(1)
    client = enter("firm-b")
    steps = (LiftStep.TAKE_OUT, LiftStep.RETURN, LiftStep.SUPPRESS) if "/lifts" in path else Step
    hidden = house.desk.suppress(reg_code(2), OPERATOR, house.now_ms(), "x", house.now_ms() + 9999)
    for step in steps if "{step}" in path else [""]:
        address = path.format(
            alert_id=alert, reg_code=LIFT, step=step, token="x", lang="en", version="0",
            order=hidden.order, number=1, gateway="gw-1", **REST,
        )  # fmt: skip
        query: dict[str, str | int] = {"channel": "speed"} if "series" in path else {}
        if path == "/alerts/rows":
            query = {"ids": f"{alert},{own}"}
        if path.endswith(("/away", "/since")):
            query = {"after": 0}
        if method == "GET":
            answer = await client.get(address, params=query)
        else:
            headers = {"X-CSRF-Token": client.csrf}
            answer = await client.request(method, address, headers=headers)
        if EXPECTED[method, path] != "silent":
            assert answer.status_code == int(EXPECTED[method, path]), answer.text
            assert not any(word in answer.text for word in SECRET[:1] + SECRET[2:])
        else:
            assert answer.status_code < 500
            assert not any(word in answer.text for word in SECRET)
    with reading(house.engine) as conn:
        found = read_alert(conn, alert, None, None)
    assert found is not None and found["version"] == 1, "nothing was changed"


async def test_the_same_routes_serve_the_firm_whose_lift_it_is(enter: Enter, house: House) -> None:
    house.say(0)
    alert = house.raise_alert(0)
    client = enter("firm-a")
    for (method, path), what in EXPECTED.items():
        if what == "404" and method == "GET":
            address = path.format(alert_id=alert, reg_code=LIFT, unit=FIRM_A)
            query = {"channel": "speed"} if "series" in path else {}
            answer = await client.get(address, params=query)
            assert answer.status_code == 200, path
            assert any(word in answer.text for word in SECRET) or path.endswith(
                ("live", "part", "export", ".pdf", "replay", "related", "note", "times")
            )
    assert (await client.get("/alerts")).text.count("<tr id=") == 1
    assert (await client.step(alert, "accept")).status_code == 200
    assert (await client.step(alert, "verify", comment="x")).status_code == 409


async def test_strangers_get_to_the_sign_in_or_401(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    client = enter()
    for (method, path), what in EXPECTED.items():
        if what not in ("404", "403", "stream") and path not in ("/alerts", "/lifts"):
            continue
        address = path.format(
            alert_id=alert, reg_code=LIFT, step="accept", order=1, number=1, gateway="gw-1", **REST
        )
        answer = await client.request(method, address, params={"channel": "speed"})
        assert answer.status_code in (401, 303), path
        assert answer.status_code == 401 or answer.headers["location"].startswith("/sign-in")


async def test_how_others_were_called_is_veiled_from_a_firm(enter: Enter, house: House) -> None:
    alert = house.raise_alert(1)
    for name, veiled in (("firm-b", True), ("operator", False)):
        found = (await enter(name).get(f"/api/v1/alerts/{alert}")).json()
        others = [row for row in found["deliveries"] if row["unit"] != FIRM_B]
        assert others
        assert all((row["key"] is None) == veiled for row in others)
        assert all(row["key"] for row in found["deliveries"] if row["unit"] == FIRM_B)


async def test_receipts_of_others_are_veiled_in_the_timeline_too(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(1)
    now = house.now_ms()
    with writing(house.engine) as conn:
        for unit in (FIRM_B, "desk"):
            data = {"unit": unit, "contact": f"c-{unit}", "receipt": f"receipt of {unit}"}
            journal.append(conn, now, [journal.Line(alert, "delivered", data=data)])
    desk = (await enter("operator").get(f"/api/v1/alerts/{alert}")).text
    firm = (await enter("firm-b").get(f"/api/v1/alerts/{alert}")).text
    assert "receipt of desk" in desk
    assert "receipt of desk" not in firm
    assert f"receipt of {FIRM_B}" in firm
