from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.model import Actor, Role, Step, Transition
from monitor.web import static_files
from monitor.web.console.render import TEMPLATES
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code

PAGES = ("/alerts", "/alerts/1", "/lifts", "/lifts/wall", "/lifts/map",
         "/lifts/list", "/wall", f"/lifts/{reg_code(0)}", "/quarantine", "/health",
         "/registry", "/registry?kind=gateway")  # fmt: skip


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_no_script_or_style_of_its_own_and_no_foreign_host(
    path: str, lang: str, enter: Enter, house: House
) -> None:
    house.say(0, people=3.0)
    house.raise_alert(0)
    house.quarantine.add()
    answer = await enter("operator", lang).get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe-eval" not in policy
    assert "http" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)
    loaded = re.findall(r'(?:src|link[^>]*href)="([^"]+)"', answer.text)
    assert loaded and all(address.startswith("/") for address in loaded)
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


async def test_everything_a_page_loads_is_there_and_kept_for_a_year(
    enter: Enter, house: House
) -> None:
    house.raise_alert(0)
    client = enter("operator")
    page = (await client.get("/alerts/1")).text
    found = re.findall(r'(?:src|href|data-texts)="(/(?:static|texts)/[^"]+)"', page)
    assert len(found) > 8
    for address in set(found):
        answer = await client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        kind = answer.headers["content-type"]
        assert ("javascript" in kind) == address.endswith(".js")


async def test_text_of_strangers_stays_text(enter: Enter, house: House) -> None:
    evil = "<script>alert(1)</script>"
    alert = house.raise_alert(0)
    house.desk.act(alert, Step.ACKNOWLEDGE, Actor(evil, Role.OPERATOR), 1, comment=evil)
    house.quarantine.add(reason=evil, payload=evil.encode(), value=evil, gateway=evil)
    client = enter("operator")
    for path in (
        f"/alerts/{alert}",
        "/quarantine",
        "/alerts?q=" + evil,
        "/lifts?q=" + evil,
        "/lifts/list?q=" + evil,
    ):
        text = (await client.get(path)).text
        assert evil not in text
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize(("lang", "words"), [("zh-CN", "单位无人值班"), ("en", "nobody on duty")])
async def test_an_alert_about_a_unit_names_the_unit(
    lang: str, words: str, enter: Enter, house: House
) -> None:
    now = house.now_ms()
    unit = next(iter(house.directory.of_kind("maintenance")))
    house.desk.apply(now, [Transition("unit", unit.id, "off_duty", True, now, now)])
    client = enter("operator", lang)
    for path in ("/alerts", "/alerts/1"):
        text = (await client.get(path)).text
        assert words in text.lower() and unit.name.of(lang) in text
        assert f"/lifts/{unit.id}" not in text


async def test_steps_work_without_javascript(enter: Enter, house: House) -> None:
    alert, client = house.raise_alert(0), enter("operator")
    form = {"csrf": client.csrf, "comment": "", "back": ""}
    for step in ("accept", "arrive", "free"):
        answer = await client.post(f"/alerts/{alert}/{step}", data=form)
        assert answer.headers["location"] == f"/alerts/{alert}"
        assert "done:" in (await client.get(f"/alerts/{alert}")).text
    cause = {**form, "cause": "door", "cause_more": "landing lock"}
    await client.post(f"/alerts/{alert}/file_cause", data=cause)
    page = (await client.get(f"/alerts/{alert}")).text
    assert "Doors: landing lock" in page
    await client.post(f"/alerts/{alert}/verify", data={**form, "comment": "rode along"})
    assert "Closed" in (await client.get(f"/alerts/{alert}")).text


async def test_the_list_is_in_the_order_rows_sort_themselves(enter: Enter, house: House) -> None:
    ids = [house.raise_alert(i, ("18", "12", "1", "7")[i % 4], people=None) for i in range(12)]
    for alert in ids[::3]:
        house.desk.act(alert, Step.ACKNOWLEDGE, Actor("x", Role.OPERATOR), house.now_ms())
    client = enter("operator")
    for query in ("", "?state=all"):
        page = (await client.get(f"/alerts{query}")).text
        keys = re.findall(r'data-sort="(\d+)"', page)
        assert len(keys) == 12
        assert keys == sorted(keys)


async def test_rows_are_those_that_still_fit_the_filters(enter: Enter, house: House) -> None:
    first, second = house.raise_alert(0), house.raise_alert(1, "12", people=None)
    client = enter("operator")
    query = {"ids": f"{first},{second}", "severity": "critical"}
    rows = (await client.get("/alerts/rows", params=query)).text
    assert re.findall(r'<tr id="alert-(\d+)"', rows) == [str(first)]


async def test_a_silent_lift_never_looks_green(enter: Enter, house: House) -> None:
    house.say(0, age_ms=3_600_000, car_status=1.0)
    client = enter("operator")
    live = (await client.get(f"/lifts/{reg_code(0)}/live")).json()
    assert (live["state"], live["state_tone"]) == ("silent", "")
    assert all(told["old"] for told in live["words"].values())
    assert live["state_word"].startswith("silent for 1 h")
    listed = (await client.get("/lifts/list")).text
    assert listed.count('<td class="nowrap is-silent">') == len(house.registry)
    green = re.findall(r"([^{}]+)\{[^}]*--tone: var\(--good\)", _styles())
    assert green
    assert all("silent" not in rule and "stale" not in rule for rule in green)


def _styles() -> str:
    return "".join(p.read_text("utf-8") for p in Path(static_files.STATIC).rglob("*.css"))


def test_only_the_unacknowledged_blinks() -> None:
    blinking = re.findall(r"([^{}]+)\{[^}]*animation: blink", _styles())
    assert blinking
    assert all("acknowledged" in rule and ".is-acknowledged" not in rule for rule in blinking)


def test_no_file_of_the_console_names_a_foreign_host() -> None:
    files = [*Path(static_files.STATIC).rglob("*.*"), *TEMPLATES.rglob("*.html")]
    for file in files:
        hosts = re.findall(r"https?://[\w.]+", file.read_text("utf-8"))
        assert set(hosts) <= {"http://www.w3.org"}, file
