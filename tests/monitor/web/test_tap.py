"""The page behind a call's one link."""

from __future__ import annotations

import hashlib
import re
from io import BytesIO

import httpx
import pytest
from PIL import Image
from sqlalchemy import update

from alerts.database.access import reading, writing
from alerts.database.tables import alert as alert_table
from alerts.pages.links import Links
from monitor.web.find import read_alert
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House


def link(house: House, alert: int, contact: str = "c-anda", ago_ms: int = 0) -> str:
    return "/p/" + house.desk.pages.links.token(alert, contact, house.now_ms() - ago_ms)


def state(house: House, alert: int) -> tuple[str, str, int]:
    with reading(house.engine) as conn:
        found = read_alert(conn, alert, None, None)
    assert found is not None
    return found["alarm_state"], found["rescue_state"], found["version"]


async def follow(client: Client, answer: httpx.Response) -> str:
    assert answer.status_code == 303
    return (await client.get(answer.headers["location"])).text


async def test_opening_a_link_changes_nothing_however_often_scanners_do(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    before, client = state(house, alert), enter()
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        await client.request(method, link(house, alert))
    for step in ("accept", "arrive", "free", "file_cause"):
        answer = await client.get(f"{link(house, alert)}/{step}")
        assert answer.status_code in (404, 405)
    assert state(house, alert) == before


async def test_the_page_says_what_a_mechanic_needs(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    answer = await enter(lang="zh-CN").get(link(house, alert))
    for words in ("非平层困人", "龙湖花园 1 栋", "轿内 3 人", "770100", "开锁区域", "uri.amap.com"):
        assert words in answer.text
    for button in ("接单", "到场", "解困", "原因"):
        assert f">{button}<" in answer.text
    assert "data-due=" in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


async def test_four_taps_without_an_account_and_a_second_opening(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    path, client = link(house, alert), enter(lang="zh-CN")
    assert "已接单" in await follow(client, await client.post(f"{path}/accept"))
    assert "已到场" in await follow(client, await client.post(f"{path}/arrive"))
    assert "已解困" in await follow(client, await client.post(f"{path}/free"))
    await client.post(f"{path}/file_cause", data={"cause": "door"})
    second = (await enter(lang="zh-CN").get(path)).text
    for words in ("已接单", "已到场", "已解困", "已填原因", "张伟"):
        assert words in second
    assert state(house, alert)[1] == "cause_filed"
    late = await follow(client, await client.post(f"{path}/accept"))
    assert "张伟 已于" in late, "a double tap names who was first"


async def test_a_link_that_proves_nothing_says_why(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    forged = Links("another secret", "http://x", prefix="/p/")
    for path, words in (
        (link(house, alert, ago_ms=25 * 3_600_000), "expired"),
        (link(house, alert)[:-2] + "xx", "not valid"),
        ("/p/" + forged.token(alert, "c-anda", house.now_ms()), "not valid"),
        (link(house, alert, "c-nobody"), "no longer in the directory"),
        (link(house, 999), "no such alert"),
    ):
        client = enter()
        opened = await client.get(path)
        assert (opened.status_code, words in opened.text) == (403, True), path
        tapped = await client.post(f"{path}/accept")
        assert tapped.status_code in (303, 403)
    assert state(house, alert)[2] == 1


async def test_a_contact_cannot_verify_its_own_work(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    path, client = link(house, alert), enter()
    await client.post(f"{path}/free")
    await client.post(f"{path}/file_cause", data={"cause": "door"})
    await client.post(f"{path}/verify", data={"comment": "fine"})
    await client.post(f"{path}/cancel", data={"comment": "fine"})
    assert state(house, alert)[1] == "cause_filed"


async def test_opening_a_link_leaves_somebodys_session_alone(enter: Enter, house: House) -> None:
    client = enter("operator")
    await client.get(link(house, house.raise_alert(0)))
    assert (await client.get("/api/v1/me")).json()["name"] == "operator"


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480)) -> bytes:
    """A photo that says where it was taken, as telephones write it."""
    image, out = Image.new("RGB", size, (200, 120, 40)), BytesIO()
    exif = image.getexif()
    exif.get_ifd(0x8825)[2] = (29.0, 33.0, 12.5)
    exif[0x010F] = "SecretPhone"
    image.save(out, kind, exif=exif)
    return out.getvalue()


async def upload(client: Client, path: str, raw: bytes, name: str = "a.jpg") -> str:
    files = {"photo": (name, raw, "application/octet-stream")}
    return await follow(client, await client.post(f"{path}/photo", files=files))


async def test_a_photo_is_kept_without_its_place_and_shown_to_those_who_may_see(
    enter: Enter, house: House
) -> None:
    alert, raw = house.raise_alert(0), picture()
    assert b"SecretPhone" in raw
    path, client = link(house, alert), enter(lang="zh-CN")
    page = await upload(client, path, raw)
    assert "照片已上传" in page
    href = re.search(rf"{path}/photos/([0-9a-f]{{64}})\.jpg", page)
    assert href, "the second opening shows it"
    shown = await client.get(href[0])
    assert shown.headers["content-type"] == "image/jpeg"
    kept = Image.open(BytesIO(shown.content))
    assert (kept.size, dict(kept.getexif())) == ((640, 480), {})
    assert b"SecretPhone" not in shown.content
    assert hashlib.sha256(shown.content).hexdigest() == href[1]
    assert "已上传过" in await upload(client, path, raw)

    for who, status in (("operator", 200), ("firm-a", 200), ("firm-b", 404)):
        answer = await enter(who).get(f"/alerts/{alert}/photos/{href[1]}.jpg")
        assert answer.status_code == status
    other = house.raise_alert(2)
    assert (await client.get(f"{link(house, other)}/photos/{href[1]}.jpg")).status_code == 404
    assert href[1] in (await enter("operator").get(f"/alerts/{alert}")).text
    story = (await enter("operator").get(f"/api/v1/alerts/{alert}/story")).json()
    assert [(one["hash"], one["by"]) for one in story["photos"]] == [(href[1], "张伟")]
    paper = await enter("operator").get(f"/api/v1/alerts/{alert}/story.pdf")
    assert b"/Subtype /Image" in paper.content


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_other_kinds_of_photos_are_taken(enter: Enter, house: House, kind: str) -> None:
    alert = house.raise_alert(0)
    assert "photo added" in await upload(enter(), link(house, alert), picture(kind))


async def test_a_photo_that_is_none_or_too_large_is_refused_in_words(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    path, client = link(house, alert), enter()
    for raw, words in (
        (b"GIF89a not a photo", "JPEG | PNG | WebP"),
        (b"<svg onload=alert(1)>", "JPEG | PNG | WebP"),
        (picture()[:300], "JPEG | PNG | WebP"),
        (b"\xff\xd8\xff" + b"x" * 12_000_001, "the limit is 12 MB"),
        (b"", "choose a photo first"),
    ):
        assert words in await upload(client, path, raw)
    assert not list(house.settings.data_dir.glob("photos/**/*.jpg"))
    assert state(house, alert)[2] == 1


async def test_the_page_is_small_and_needs_nobody_else(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    client = enter(lang="zh-CN")
    page = (await client.get(link(house, alert))).text
    sizes = [len(page.encode())]
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        sizes.append(len((await client.get(address)).content))
    assert sum(sizes) < 30_000, sizes
    wanted = re.findall(r'<(?:link|script|img|iframe)[^>]+(?:href|src)="([^"]+)"', page)
    assert all(address.startswith("/static/") for address in wanted)
    assert "geo:29." in page and "tel:023-68000000" in page


async def test_going_there_and_the_cause_in_two_taps(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    path, client = link(house, alert), enter(lang="zh-CN")
    page = await follow(client, await client.post(f"{path}/accept"))
    assert ">赶往<" in page and ">接单<" not in page
    assert "✓ 赶往" in await follow(client, await client.post(f"{path}/depart"))
    await client.post(f"{path}/free")
    page = await follow(
        client,
        await client.post(
            f"{path}/file_cause", data={"cause": "door.landing_lock", "more": "7 层"}
        ),
    )
    assert "门系统·层门锁触点：7 层" in page


async def test_what_the_lift_had_before_stands_on_the_page(enter: Enter, house: House) -> None:
    first = house.raise_alert(0, rule="18", people=None, ago_s=900)
    path = link(house, first)
    await enter().post(f"{path}/file_cause", data={"cause": "door.sill"})
    page = (await enter(lang="zh-CN").get(link(house, house.raise_alert(0)))).text
    assert "反复开关门" in page and "门系统·地坎异物" in page


async def test_the_countdown_is_said_in_words_and_turns_when_it_is_over(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    page = (await enter(lang="zh-CN").get(link(house, alert))).text
    assert re.search(r"须在 [\d:]+ 前到场", page) and 'class="limit "' in page
    with writing(house.engine) as conn:
        conn.execute(update(alert_table).values(arrival_due_ms=house.now_ms() - 61_000))
    late = (await enter(lang="zh-CN").get(link(house, alert))).text
    assert 'class="limit over"' in late and "+1 分" in late
