from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from config.errors import ConfigError
from monitor.web import throttle
from monitor.web.app import create_app
from monitor.web.auth import check_password, find_user
from monitor.web.passwords import hash_password, verify_password
from monitor.web.sessions import COOKIE
from monitor.web.throttle import Throttle
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import PASSWORD
from tests.support.accounts import WHO, accounts


def test_a_password_is_an_scrypt_key_with_its_own_salt() -> None:
    stored, again = hash_password(PASSWORD), hash_password(PASSWORD)
    scheme, log_n, r, p, salt, key = stored.split("$")
    expected = hashlib.scrypt(
        PASSWORD.encode(), salt=b64decode(salt), n=2 ** int(log_n), r=int(r), p=int(p),
        maxmem=1 << 27, dklen=32,
    )  # fmt: skip
    assert (scheme, b64decode(key)) == ("scrypt", expected)
    assert stored != again
    assert verify_password(PASSWORD, stored)
    assert not verify_password(PASSWORD + " ", stored)
    assert not verify_password(PASSWORD, "plain$" + PASSWORD)


def test_accounts_are_made_and_refused_with_the_limit(house: House) -> None:
    book = accounts(house.engine, "anda")
    book.add("zhao", "a long enough one", "firm", "anda", WHO)
    user = find_user(house.engine, "zhao")
    assert user is not None and (user.scope, user.actor.unit) == ("anda", "anda")
    for bad in (
        ("zhao", "a long enough one", "operator", None),
        ("x y", "a long enough one", "operator", None),
        ("li", "short", "operator", None),
        ("li", "a long enough one", "root", None),
        ("li", "a long enough one", "firm", None),
        ("li", "a long enough one", "admin", "anda"),
        ("li", "a long enough one", "firm", "kaili"),
    ):
        with pytest.raises(ConfigError, match=r"name|role|unit|password"):
            book.add(*bad, WHO)
    assert [one["name"] for one in book.listed()][-1] == "zhao"
    book.set_password("zhao", "another long one", WHO)
    assert check_password(house.engine, "zhao", "a long enough one") is None
    assert check_password(house.engine, "zhao", "another long one") is not None
    book.remove("zhao", WHO)
    assert find_user(house.engine, "zhao") is None
    with pytest.raises(ConfigError, match="no such account"):
        book.set_password("zhao", "another long one", WHO)


def test_a_password_set_by_hand_ends_the_invitation(house: House) -> None:
    """Else whoever has the old link takes the account back."""
    book = accounts(house.engine)
    token = book.invite("zhao", "operator", None, WHO)
    book.set_password("zhao", "a long enough one", WHO)
    assert book.invited(token) is None
    with pytest.raises(ConfigError, match="token"):
        book.accept(token, "another long one")
    assert check_password(house.engine, "zhao", "a long enough one") is not None
    token = book.reset("zhao", WHO)
    book.remove("zhao", WHO)
    book.add("zhao", "a long enough one", "operator", None, WHO)
    assert book.invited(token) is None, "nor does it open what another was given"


async def _form(client: Client, path: str = "/sign-in") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', (await client.get(path)).text)
    assert found
    return found[1]


async def _sign_in(client: Client, name: str, password: str) -> httpx.Response:
    csrf = await _form(client)
    data = {"name": name, "password": password, "csrf": csrf, "next": "/lifts"}
    return await client.post("/sign-in", data=data)


async def test_signing_in_gives_a_guarded_cookie_and_goes_where_one_wanted(enter: Enter) -> None:
    client = enter()
    asked = await client.get("/lifts?q=1")
    assert asked.headers["location"] == "/sign-in?next=%2Flifts%3Fq%3D1"
    answer = await _sign_in(client, "operator", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/lifts")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    assert (await client.get("/lifts")).status_code == 200
    csrf = await _form(client, "/lifts")
    await client.post("/sign-out", data={"csrf": csrf})
    assert (await client.get("/lifts")).status_code == 303


async def test_behind_https_the_cookie_is_secure(tmp_path: Path) -> None:
    house = House(tmp_path, public_url="https://lifts.example")
    transport = httpx.ASGITransport(create_app(house))
    async with httpx.AsyncClient(transport=transport, base_url="https://lifts.example") as client:
        answer = await client.get("/sign-in")
    house.engine.dispose()
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_wrong_passwords_are_throttled_for_the_address_not_for_the_desk(
    enter: Enter, app: FastAPI
) -> None:
    client = enter()
    for _ in range(throttle.LIMITS["pair"]):
        answer = await _sign_in(client, "operator", "wrong wrong wrong")
        assert answer.status_code == 401
    shut = await _sign_in(client, "operator", PASSWORD)
    assert shut.status_code == 429
    assert int(shut.headers["retry-after"]) > 200
    elsewhere = httpx.ASGITransport(app, client=("198.51.100.1", 1))
    async with httpx.AsyncClient(
        transport=elsewhere, base_url="http://test", auth=("operator", PASSWORD)
    ) as other:
        assert (await other.get("/api/v1/me")).json()["name"] == "operator"


def test_the_throttle_opens_again_and_limits_an_address_over_many_names() -> None:
    shut = Throttle()
    for i in range(throttle.LIMITS["pair"]):
        assert shut.wait_s("a", "x", float(i)) == 0
        shut.failed("a", "x", float(i))
    assert shut.wait_s("a", "x", 10.0) == pytest.approx(throttle.WINDOW_S - 10)
    assert shut.wait_s("b", "x", 10.0) == 0
    assert shut.wait_s("a", "y", 10.0) == 0
    assert shut.wait_s("a", "x", throttle.WINDOW_S + 1) == 0
    for i in range(throttle.LIMITS["address"]):
        shut.failed(f"name-{i}", "z", 20.0)
    assert shut.wait_s("fresh", "z", 21.0) > 0
    shut.succeeded("a", "x")
    assert shut.wait_s("a", "x", 12.0) == 0


async def test_a_new_password_ends_the_sessions_of_the_old(enter: Enter, house: House) -> None:
    client = enter("operator")
    assert (await client.get("/api/v1/me")).status_code == 200
    accounts(house.engine).set_password("operator", "something else", WHO)
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_forms_and_the_api_refuse_a_request_without_the_sessions_token(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert()
    client, other = enter("operator"), enter()
    foreign = await _form(other)
    for token in ("", foreign):
        headers = {"X-CSRF-Token": token}
        answer = await client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["field"] == "X-CSRF-Token"
        form = await client.post(f"/alerts/{alert}/acknowledge", data={"csrf": token})
        assert form.status_code == 403
        signing = await other.post("/sign-in", data={"name": "operator", "csrf": "0" * 64})
        assert signing.status_code == 403
        assert (await client.post("/sign-out", data={"csrf": token})).status_code == 403
    assert (await client.get(f"/api/v1/alerts/{alert}")).json()["alarm_state"] == "unacknowledged"
    assert (await client.step(alert, "acknowledge")).status_code == 200


async def test_basic_credentials_serve_programs_but_not_a_foreign_page(
    enter: Enter, house: House
) -> None:
    client, alert = enter(), house.raise_alert()
    secret = b64encode(f"admin:{PASSWORD}".encode()).decode()
    basic = {"Authorization": f"Basic {secret}"}
    for headers, status in (
        (basic, 200),
        (basic | {"Sec-Fetch-Site": "cross-site"}, 401),
        ({"Authorization": "Basic ?"}, 401),
        ({"Authorization": "Bearer x"}, 401),
    ):
        path = f"/api/v1/alerts/{alert}/acknowledge"
        answer = await client.post(path, headers=headers)
        assert answer.status_code == status, headers
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_cookie_of_another_secret_or_changed_by_hand_is_nobodys(
    enter: Enter, tmp_path: Path
) -> None:
    client = enter("operator")
    raw = client.cookies[COOKIE]
    client.cookies.set(COOKIE, raw[:-3] + ("aaa" if raw[-3:] != "aaa" else "bbb"))
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_signing_in_never_leads_to_a_foreign_address(enter: Enter) -> None:
    for target in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"):
        client = enter("operator")
        answer = await client.get("/sign-in", params={"next": target})
        assert answer.headers["location"] == "/alerts"
