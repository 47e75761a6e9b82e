"""Subscribing a browser: one's own, for people of one's own unit, at allowed services alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.shift_tables import push_subscription
from alerts.database.tables import journal
from alerts.notify.outbox import OutboxWorker
from config.notify_settings import Notify, Push
from monitor.web import icons
from monitor.web.api import desk_examples
from monitor.web.app import create_app
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import PASSWORD
from tests.support.accounts import add_account
from tests.support.push import BrowserKeys
from tests.support.webhook import Webhook


@pytest.fixture
def house(tmp_path: Path, webhook: Webhook) -> Any:
    webhook.always(201)
    push = Push(services=[f"http://127.0.0.1:{webhook.port}"])
    house = House(tmp_path, notify=Notify(push=push))
    house.users()
    yield house
    house.engine.dispose()


def body(webhook: Webhook, own: BrowserKeys, **changes: object) -> dict[str, object]:
    told = own.json(f"http://127.0.0.1:{webhook.port}/push/1")
    return told | {"expirationTime": None, "contact": "c-anda", "device": "Android"} | changes


def body_of(webhook: Webhook) -> dict[str, object]:
    return body(webhook, BrowserKeys())


async def post(client: Client, told: dict[str, object]) -> Any:
    headers = {"X-CSRF-Token": client.csrf}
    return await client.post("/api/v1/push/subscriptions", json=told, headers=headers)


async def test_a_page_comes_to_the_browser_of_whoever_is_called(
    enter: Enter, house: House, webhook: Webhook
) -> None:
    client, keys = enter("firm-a"), BrowserKeys()
    answer = await post(client, body(webhook, keys))
    assert answer.status_code == 200
    told = (await client.get("/api/v1/push")).json()
    assert set(told) == set(desk_examples.PUSH)
    assert set(told["subscriptions"][0]) == set(desk_examples.DEVICE)
    assert "/push/1" not in json.dumps(told), "the address is kept to ourselves"
    ident = house.raise_alert(0)
    worker = OutboxWorker(house.engine, {"webpush": house.channels["webpush"]}, house.now_ms)
    await worker.drain()
    await house.channels["webpush"].close()
    page = keys.read(webhook.accepted[0].body)
    assert page["alert"] == ident and str(page["path"]).startswith("/p/")
    tapped = await enter().get(str(page["path"]))
    assert tapped.status_code == 200 and "张伟" in tapped.text
    house.raise_alert(1)  # of the other firm
    await worker.drain()
    await house.channels["webpush"].close()
    assert len(webhook.requests) == 1

    headers = {"X-CSRF-Token": client.csrf}
    number = answer.json()["id"]
    other = enter("firm-b")
    no = await other.delete(
        f"/api/v1/push/subscriptions/{number}", headers={"X-CSRF-Token": other.csrf}
    )
    assert no.status_code == 404, "one ends one's own only"
    yes = await client.delete(f"/api/v1/push/subscriptions/{number}", headers=headers)
    assert yes.json() == {"ended": True} and house.push.of("c-anda") == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contact": "c-kaili"}, "contact"),
        ({"endpoint": "https://evil.example/x"}, "endpoint"),
        ({"endpoint": "http://169.254.169.254/latest/meta-data"}, "endpoint"),
        ({"keys": {"p256dh": "AA", "auth": "AA"}}, "p256dh"),
        ({"device": "x" * 61}, "device"),
    ],
)
async def test_what_is_wrong_is_named(
    enter: Enter, house: House, webhook: Webhook, changes: dict[str, object], field: str
) -> None:
    answer = await post(enter("firm-a"), body(webhook, BrowserKeys(), **changes))
    assert (answer.status_code, answer.json()["field"].rpartition(".")[2]) == (422, field)
    assert house.push.mine("firm-a") == []


async def admin_does(client: Client, path: str, **body: object) -> int:
    headers, base = {"X-CSRF-Token": client.csrf}, "/api/v1/admin/accounts"
    if path.endswith("/role"):
        return (await client.put(base + path, json=body, headers=headers)).status_code
    return (await client.post(base + path, headers=headers)).status_code


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/firm-a/lock", {}),
        ("/firm-a/remove", {}),
        ("/firm-a/role", {"role": "firm", "unit": "kaili"}),
        ("/firm-a/role", {"role": "viewer", "unit": None}),
    ],
)
async def test_a_telephone_hears_no_more_when_its_account_is_changed(
    enter: Enter, house: House, webhook: Webhook, path: str, body: dict[str, object]
) -> None:
    ident = (await post(enter("firm-a"), body_of(webhook))).json()["id"]
    assert house.push.of("c-anda") == (ident,)
    admin = enter("admin")
    assert await admin_does(admin, path, **body) == 200
    assert house.push.of("c-anda") == () and house.push.find(ident) is None
    if path.endswith("/lock"):
        await admin_does(admin, "/firm-a/unlock")
    elif path.endswith("/role"):
        await admin_does(admin, path, role="firm", unit="anda")
    else:
        add_account(house.engine, "firm-a", PASSWORD, "firm", "anda")
    house.push.refresh()
    assert house.push.of("c-anda") == () and house.push.find(ident) is None, "it does not revive"
    with reading(house.engine) as conn:
        kept = conn.execute(select(push_subscription)).mappings().one()
        lines = conn.execute(select(journal).where(journal.c.kind == "push_off")).mappings().all()
    assert (kept["endpoint"], kept["p256dh"], kept["auth"]) == ("", "", "")
    assert [line["actor"] for line in lines] == ["admin"]


async def test_the_same_role_again_ends_nothing(
    enter: Enter, house: House, webhook: Webhook
) -> None:
    ident = (await post(enter("firm-a"), body_of(webhook))).json()["id"]
    assert await admin_does(enter("admin"), "/firm-a/role", role="firm", unit="anda") == 200
    assert house.push.of("c-anda") == (ident,) and house.push.find(ident) is not None


async def test_the_account_page_switches_off_without_javascript(
    enter: Enter, house: House, webhook: Webhook
) -> None:
    client = enter("firm-a")
    ident = (await post(client, body(webhook, BrowserKeys()))).json()["id"]
    page = (await client.get("/push")).text
    assert "Android" in page and f"/push/{ident}/end" in page
    data = {"csrf": client.csrf, "back": "//evil.example"}
    answer = await client.post(f"/push/{ident}/end", data=data)
    assert answer.headers["location"] == "/alerts" and house.push.mine("firm-a") == []


async def test_without_services_nobody_is_offered_it(tmp_path: Path, enter: Enter) -> None:
    client = enter("firm-a")
    told = (await client.get("/api/v1/push")).json()
    assert told["public_key"] is not None
    assert Push(services=[]).services == []


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[str]:
    folder = tmp_path / "bare"
    folder.mkdir()
    house = House(folder, notify=Notify(push=Push(services=[])))
    house.users()
    app = create_app(house)
    async with app.router.lifespan_context(app):
        from monitor.web.api.push import push_json
        from monitor.web.auth import find_user
        from monitor.web.visitor import Visitor

        user = await asyncio.to_thread(find_user, house.engine, "firm-a")
        assert user is not None
        yield str(push_json(house, Visitor(user, None))["public_key"])
    house.engine.dispose()


async def test_a_site_may_switch_it_off(bare: str) -> None:
    assert bare == "None"


@pytest.mark.parametrize(("lang", "name"), [("zh_CN", "九龙坡区"), ("en", "Jiulongpo")])
async def test_the_manifest_speaks_the_visitors_language(
    enter: Enter, lang: str, name: str
) -> None:
    client = enter()
    answer = await client.get(f"/manifest.webmanifest?lang={lang}")
    told = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert name in told["name"] and told["lang"] == ("zh-CN" if lang == "zh_CN" else "en")
    assert {one["purpose"] for one in told["icons"]} == {"any", "maskable"}
    for one in told["icons"]:
        picture = await client.get(one["src"])
        assert picture.headers["content-type"].startswith(one["type"])
    assert (await client.get("/icons/nothing.png")).status_code == 404


@pytest.mark.parametrize("name", icons.SHAPES)
def test_an_icon_is_as_large_as_it_says(name: str) -> None:
    from io import BytesIO

    from PIL import Image

    size, kind = icons.SHAPES[name]
    with Image.open(BytesIO(icons.png(name))) as image:
        assert image.size == (size, size)
        corner = image.convert("RGBA").getpixel((0, 0))
    assert (corner == icons.BLUE) is (kind == "maskable"), "a maskable one fills its square"


async def test_the_service_worker_keeps_no_answer(enter: Enter) -> None:
    client = enter()
    script = await client.get("/sw.js")
    assert script.headers["cache-control"] == "no-cache"
    first = script.text.splitlines()[0]
    told = json.loads(first.removeprefix("const SITE = ").rstrip(";"))
    for address in (told["offline"], *told["shell"]):
        assert (await client.get(address)).status_code == 200
    assert all("/static/" in address for address in told["shell"])
    page = (await client.get("/offline")).text
    assert "这不表示没有警情" in page and "That does not mean that there is none" in page
