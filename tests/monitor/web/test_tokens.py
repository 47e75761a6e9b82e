"""Tokens: never further than their owner, only as far as their scope, only until their end."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from alerts.database.access import reading, writing
from alerts.database.tables import app_user, journal
from alerts.database.token_tables import api_token
from alerts.model import Actor, Role
from config.errors import ConfigError
from monitor.web import auth, throttle, tokens
from monitor.web.console import account
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import FIRM_B, PASSWORD, House, reg_code
from tests.support.accounts import accounts

ADMIN = Actor("admin", Role.ADMIN)


def make(house: House, owner: str, *scope: str, name: str = "robot", days: int = 30) -> str:
    now_ms = house.now_ms()
    return tokens.make(
        house.engine, owner, name, scope, days, ADMIN, now_ms, longest=365
    )[1]  # fmt: skip


def bearer(client: Client, token: str) -> Client:
    client.headers["Authorization"] = f"Bearer {token}"
    return client


async def post(client: Client, path: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api/v1/{path}", json=body, headers={"X-CSRF-Token": client.csrf})


async def test_a_token_is_told_once_and_only_its_hash_is_kept(enter: Enter, house: House) -> None:
    client = enter("firm-a")
    made = (await post(client, "tokens", name="report", scope=["act"], days=30)).json()
    assert re.fullmatch(r"lw_[0-9a-f]{12}_[\w-]{32}", made["token"])
    assert (made["scope"], made["state"], made["owner"]) == (["read", "act"], "good", "firm-a")
    assert 29 < (made["expires_ms"] - house.now_ms()) / 86_400_000 <= 30
    secret = made["token"].partition("_")[2].partition("_")[2]
    with reading(house.engine) as conn:
        kept = [dict(row) for row in conn.execute(select(api_token)).mappings()]
        told = [row.data for row in conn.execute(select(journal)) if row.kind == "token"]
    assert secret not in str(kept) + str(told)
    assert '"what":"made"' in told[0] and '"name":"report"' in told[0]
    listed = (await client.get("/api/v1/tokens")).json()["tokens"]
    assert [one["id"] for one in listed] == [made["id"]] and "token" not in listed[0]


async def test_it_acts_without_csrf_and_stands_in_the_journal_by_name(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    robot = bearer(enter(), make(house, "firm-a", "act"))
    answer = await robot.post(f"/api/v1/alerts/{alert}/accept")
    assert answer.status_code == 200, answer.text
    me = (await robot.get("/api/v1/me")).json()
    assert (me["name"], me["role"], me["token"]["name"]) == ("firm-a", "firm", "robot")
    assert me["token"]["used_from"] == "203.0.113.7"
    with reading(house.engine) as conn:
        line = conn.execute(select(journal).where(journal.c.kind == "accepted")).one()
    assert (line.actor, line.role, line.unit) == ("firm-a (robot)", "firm", "anda")


async def test_it_reaches_no_further_than_its_owner(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    robot = bearer(enter(), make(house, "firm-b", "act"))
    assert (await robot.get(f"/api/v1/alerts/{alert}")).status_code == 404
    assert (await robot.post(f"/api/v1/alerts/{alert}/accept")).status_code == 404
    assert (await robot.get("/api/v1/health")).status_code == 403
    with writing(house.engine) as conn:  # another role from now on: the token's, too
        owner = update(app_user).where(app_user.c.name == "firm-b")
        conn.execute(owner.values(role="operator", unit=None))
    assert (await robot.get(f"/api/v1/alerts/{alert}")).status_code == 200
    assert (await robot.get("/api/v1/health")).status_code == 200
    for words in (["admin"], ["admin:registry"]):
        with pytest.raises(ConfigError, match="scope"):
            make(house, "operator", *words)


async def test_reading_is_no_acting(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    robot = bearer(enter(), make(house, "operator"))
    assert (await robot.get(f"/api/v1/alerts/{alert}")).status_code == 200
    refused = await robot.post(f"/api/v1/alerts/{alert}/accept")
    body = refused.json()
    assert (refused.status_code, body["field"], body["value"]) == (403, "scope", "read")
    assert body["limit"] == "act | admin:alerts"


async def test_an_administrators_token_administers_only_the_part_it_names(
    enter: Enter, house: House
) -> None:
    part = bearer(enter(), make(house, "admin", "admin:registry"))
    path = f"/api/v1/registry/lifts/{reg_code(1)}/move"
    assert (await part.post(path, json={"gateway": "gw-1"})).status_code == 200
    drill = {"lift": reg_code(0)}
    assert (await part.post("/api/v1/drills", json=drill)).json()["field"] == "scope"
    assert (await part.get("/api/v1/admin/settings")).status_code == 403
    acting = bearer(enter(), make(house, "admin", "act", name="acts"))
    assert (await acting.post(path, json={"gateway": "gw-2"})).json()["field"] == "role"
    whole = bearer(enter(), make(house, "admin", "admin", name="all"))
    assert (await whole.post("/api/v1/drills", json=drill)).status_code == 200
    assert (await whole.get("/api/v1/admin/settings")).status_code == 200


async def test_a_token_for_administration_reaches_all_of_it(enter: Enter, house: House) -> None:
    robot = bearer(enter(), make(house, "admin", "admin:administration"))
    for path in ("accounts", "chains", "journal", "rules", "settings", "units"):
        answer = await robot.get(f"/api/v1/admin/{path}")
        assert answer.status_code == 200, answer.text
    assert (await robot.post("/api/v1/drills", json={})).json()["field"] == "scope"


async def test_a_token_makes_no_token_and_sets_no_password(enter: Enter, house: House) -> None:
    robot = bearer(enter(), make(house, "admin", "admin"))
    for path, body in (
        ("tokens", {"name": "child", "days": 1}),
        ("me/password", {"current": PASSWORD, "new": "another long one"}),
        ("tokens/1/revoke", {}),
    ):
        answer = await robot.post(f"/api/v1/{path}", json=body)
        assert (answer.status_code, answer.json()["title"]) == (403, "in person only"), path
    assert (await robot.get("/account")).status_code == 403


async def test_a_token_makes_itself_permanent_by_no_account(enter: Enter, house: House) -> None:
    """An account that a token has made, or of which it has the link, would outlive the token."""
    for scope in ("admin", "admin:administration"):
        robot = bearer(enter(), make(house, "admin", scope, name=scope))
        base = "/api/v1/admin/accounts"
        assert (await robot.get(base)).status_code == 200, "it may read who there is"
        for method, path, body in (
            ("POST", "", {"name": "back.door", "role": "admin"}),
            ("PUT", "/operator/role", {"role": "admin"}),
            *(("POST", f"/operator/{act}", None)
              for act in ("lock", "unlock", "reset", "end-sessions", "remove")),
        ):  # fmt: skip
            answer = await robot.request(method, base + path, json=body)
            assert (answer.status_code, answer.json()["title"]) == (403, "in person only"), path
        for path in ("", "/operator/role", "/operator/reset"):
            form = {"name": "back.door", "role": "admin"}
            assert (await robot.post(f"/admin/people{path}", data=form)).status_code == 403, path
    with reading(house.engine) as conn:
        told = conn.execute(select(journal.c.id).where(journal.c.kind == "account")).all()
    assert not told and auth.find_user(house.engine, "back.door") is None
    person = enter("admin")
    assert (await post(person, "admin/accounts/operator/reset")).status_code == 200
    assert (await post(enter("operator"), "admin/accounts/firm-a/reset")).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "days": 366}, "days"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x"}, "days"),
        ({"name": "", "days": 1}, "name"),
        ({"name": "taken", "days": 1}, "name"),
        ({"name": "x", "days": 1, "scope": ["write"]}, "scope"),
        ({"name": "x", "days": 1, "scope": ["admin:nothing"]}, "scope"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    body: dict[str, Any], field: str, enter: Enter, house: House
) -> None:
    make(house, "admin", name="taken")
    answer = await post(enter("admin"), "tokens", **body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert answer.json()["limit"]


async def test_it_ends_by_revoking_by_time_and_with_its_owner(enter: Enter, house: House) -> None:
    text = make(house, "firm-a")
    robot, owner = bearer(enter(), text), enter("firm-a")
    ident = (await owner.get("/api/v1/tokens")).json()["tokens"][0]["id"]
    assert (await post(enter("firm-b"), f"tokens/{ident}/revoke")).status_code == 404
    assert (await enter("operator").get(f"/api/v1/tokens/{ident}")).status_code == 404
    assert (await enter("operator").get("/api/v1/tokens?owner=firm-a")).status_code == 403
    seen = (await enter("admin").get("/api/v1/tokens?owner=firm-a")).json()["tokens"]
    assert [one["id"] for one in seen] == [ident]
    assert (await post(owner, f"tokens/{ident}/revoke")).json()["changed"] is True
    assert (await post(enter("admin"), f"tokens/{ident}/revoke")).json()["changed"] is False
    gone = await robot.get("/api/v1/me")
    assert (gone.status_code, gone.json()["title"]) == (401, "token revoked")
    assert "robot" in gone.json()["detail"]
    short = bearer(enter(), make(house, "firm-a", name="short", days=1))
    with writing(house.engine) as conn:
        conn.execute(update(api_token).values(expires_ms=house.now_ms() - 1))
    assert (await short.get("/api/v1/me")).json()["title"] == "token expired"
    last = bearer(enter(), make(house, "firm-a", name="last"))
    book = accounts(house.engine, FIRM_B)
    book.remove("firm-a", ADMIN)
    book.add("firm-a", PASSWORD, "firm", FIRM_B, ADMIN)
    assert (await last.get("/api/v1/me")).status_code == 401, "not inherited with the name"


async def test_a_locked_accounts_tokens_rest(enter: Enter, house: House) -> None:
    robot = bearer(enter(), make(house, "firm-a"))
    with writing(house.engine) as conn:
        conn.execute(update(app_user).values(locked_ms=1))
    assert (await robot.get("/api/v1/me")).status_code == 401


async def test_guessing_is_throttled_and_locks_nobody_out(
    enter: Enter, house: House, app: FastAPI
) -> None:
    right = make(house, "operator")
    number = right.split("_")[1]
    guesser = bearer(enter(), f"lw_{number}_{'x' * 32}")
    for _ in range(throttle.LIMITS["pair"]):
        assert (await guesser.get("/api/v1/me")).status_code == 401
    shut = await guesser.get("/api/v1/me")
    assert (shut.status_code, shut.json()["title"]) == (429, "too many attempts")
    assert int(shut.headers["retry-after"]) > 200
    assert (await bearer(enter(), right).get("/api/v1/me")).status_code == 200
    basic = enter()
    basic.auth = httpx.BasicAuth("operator", PASSWORD)
    assert (await basic.get("/api/v1/me")).status_code == 200, "passwords are counted apart"


def test_its_use_is_written_once_a_minute(house: House) -> None:
    text = make(house, "operator")
    found = tokens.check(house.engine, text)
    assert found is not None
    tokens.used(house.engine, found, "192.0.2.1", 1_000_000)
    tokens.used(house.engine, replace(found, used_ms=1_000_000), "192.0.2.2", 1_059_999)
    seen = tokens.find(house.engine, found.id)
    assert seen and (seen.used_ms, seen.used_from) == (1_000_000, "192.0.2.1")
    tokens.used(house.engine, seen, "192.0.2.2", 1_060_000)
    seen = tokens.find(house.engine, found.id)
    assert seen and (seen.used_ms, seen.used_from) == (1_060_000, "192.0.2.2")


async def test_a_living_token_stands_before_all_that_have_ended(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it can be neither seen nor revoked once enough newer ones have ended."""
    monkeypatch.setattr(account, "_SHOWN", 3)
    make(house, "firm-a", name="living")
    for i in range(4):
        text = make(house, "firm-a", name=f"ended {i}")
        found = tokens.check(house.engine, text)
        assert found is not None
        if i % 2:
            tokens.revoke(house.engine, found, ADMIN, house.now_ms())
        else:
            with writing(house.engine) as conn:
                mine = api_token.c.id == found.id
                conn.execute(update(api_token).where(mine).values(expires_ms=1))
    for name in ("firm-a", "admin"):
        page = (await enter(name).get("/account")).text
        places = [page.find(word) for word in ("living", "ended 3", "ended 2")]
        assert places == sorted(places) and places[0] > 0, name
        assert "ended 1" not in page
    newest = [one.name for one in tokens.tokens(house.engine, "firm-a", limit=2)]
    assert newest == ["ended 3", "ended 2"], "the API's pages stay in order of age"


async def test_ones_own_password(enter: Enter, house: House) -> None:
    client, other = enter("firm-a"), enter("firm-a")
    wrong = await post(client, "me/password", current="not this one", new="another long one")
    assert (wrong.status_code, wrong.json()["field"]) == (403, "current")
    short = await post(client, "me/password", current=PASSWORD, new="short")
    assert (short.status_code, short.json()["field"]) == (422, "new")
    done = await post(client, "me/password", current=PASSWORD, new="another long one")
    assert done.status_code == 200
    assert (await other.get("/api/v1/me")).status_code == 401
    assert auth.check_password(house.engine, "firm-a", "another long one")
