"""The fleet at once: states by delta, roster, ranked search, groups, the read-only role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.model import Actor, Role, Step
from devices.registry import Registry
from monitor.web.api import fleet_examples as told
from monitor.web.fleet.roster import build, natural
from monitor.web.fleet.search import SearchIndex, spelt
from monitor.web.fleet.states import state_of
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import FIRM_A, PASSWORD, reg_code
from tests.support.accounts import add_account

PEOPLE, SILENT = chr(48 + 16 + 4), chr(48 + 2)


async def states(client: Client, since: str = "") -> dict[str, object]:
    return (await client.get("/api/v1/lifts/states", params={"since": since})).json()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.web.fleet.fleet.RENEW_S", 0.0)


@pytest.mark.usefixtures("unhurried")
async def test_states_come_whole_and_then_only_what_changed(enter: Enter, house: House) -> None:
    desk = enter("operator")
    for row in range(len(house.registry)):
        house.say(row)
    roster = (await desk.get("/api/v1/lifts/roster")).json()
    first = await states(desk)
    assert (first["full"], first["codes"]) == (True, "0" * len(house.registry))
    assert first["roster"] == roster["roster"]
    nothing = await states(desk, str(first["cursor"]))
    assert (nothing["full"], nothing["at"], nothing["codes"]) == (False, [], "")
    house.raise_alert(4)
    house.say(7, age_ms=60_000)
    house.say(9, service_mode=3.0)
    changed = await states(desk, str(first["cursor"]))
    codes_of = dict(
        zip((roster["reg_code"][i] for i in changed["at"]), changed["codes"], strict=True)
    )  # type: ignore[attr-defined]
    assert codes_of == {reg_code(4): PEOPLE, reg_code(7): SILENT, reg_code(9): "1"}
    of_another_life = await states(desk, "00000000.0.1")
    assert of_another_life["full"]


@pytest.mark.usefixtures("unhurried")
async def test_who_has_it_already_is_sent_nothing(enter: Enter, house: House) -> None:
    desk = enter("operator")
    for path in ("/api/v1/lifts/roster", "/api/v1/lifts/states", "/api/v1/fleet/outlines"):
        answer = await desk.get(path)
        again = await desk.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    house.say(0)
    tag = (await desk.get("/api/v1/lifts/states")).headers["etag"]
    house.raise_alert(0)
    fresh = await desk.get("/api/v1/lifts/states", headers={"If-None-Match": tag})
    assert fresh.status_code == 200


@pytest.mark.usefixtures("unhurried")
async def test_a_firm_gets_states_and_places_of_its_own_lifts_only(
    enter: Enter, house: House
) -> None:
    firm = enter("firm-b")
    roster = (await firm.get("/api/v1/lifts/roster")).json()
    mine = [x.reg_code for x in house.registry.lifts if x.maintenance == "kaili"]
    assert sorted(roster["reg_code"]) == sorted(mine)
    assert [one["id"] for one in roster["groups"]["maintenance"]] == ["kaili"]
    first = await states(firm)
    assert len(str(first["codes"])) == len(mine)
    house.raise_alert(0)  # the other firm's
    assert (await states(firm, str(first["cursor"])))["at"] == []
    found = (await firm.get("/api/v1/fleet/overview", params={"by": "maintenance"})).json()
    assert [(g["id"], g["lifts"]) for g in found["groups"]] == [("kaili", len(mine))]
    assert found["states"]["people"] == 0


@pytest.mark.usefixtures("unhurried")
async def test_an_alert_outweighs_silence_and_silence_outweighs_the_rest(
    enter: Enter, house: House
) -> None:
    house.say(0, age_ms=600_000)
    house.raise_alert(0)
    house.say(1, age_ms=600_000, service_mode=3.0)
    found = (await enter("operator").get("/api/v1/fleet/overview", params={"by": "state"})).json()
    counts = {group["id"]: (group["lifts"], group["people"]) for group in found["groups"]}
    assert counts["people"] == (1, 3)
    assert counts["silent"][0] == len(house.registry) - 1
    assert (state_of(16 + 4 + 2), state_of(2), state_of(1), state_of(0)) == (
        "people", "silent", "out", "normal",
    )  # fmt: skip


@pytest.mark.usefixtures("unhurried")
async def test_what_is_set_aside_calls_for_nobody(enter: Enter, house: House) -> None:
    house.say(0)
    alert = house.raise_alert(0, "12", None)
    desk = enter("operator")
    assert (await desk.get("/api/v1/fleet/overview")).json()["states"]["major"] == 1
    actor, until = Actor("x", Role.OPERATOR), house.now_ms() + 3_600_000
    house.desk.act(alert, Step.SHELVE, actor, house.now_ms(), comment="parts", until_ms=until)
    assert (await desk.get("/api/v1/fleet/overview")).json()["states"]["major"] == 0


@pytest.mark.parametrize(
    ("q", "lift", "field", "form"),
    [
        ("770103", 3, "rescue_code", "text"),
        (reg_code(3), 3, "reg_code", "text"),
        (reg_code(3)[-6:], 3, "reg_code", "text"),
        ("人民医院", 3, "place", "text"),
        ("qrmyy", 3, "place", "initials"),
        ("renminyiyuan", 3, "place", "pinyin"),
        ("lhhy 2", 1, "place", "initials"),
        ("Kaili Maint", 1, "maintenance", "text"),
        ("wanda prop", 2, "use_unit", "text"),
    ],
)
async def test_a_lift_is_found_by_whatever_people_call_it(
    q: str, lift: int, field: str, form: str, enter: Enter
) -> None:
    found = (await enter("operator").get("/api/v1/lifts", params={"q": q})).json()
    first = next(x for x in found["lifts"] if x["place"] == _PLACE_OF[lift])
    assert first["matched"] == {"field": field, "form": form}
    assert found["total"] >= len(found["lifts"]) > 0


_PLACE_OF = {1: "龙湖花园 2 栋", 2: "万达广场 A 座", 3: "区人民医院"}


async def test_search_is_ranked_pages_and_stays_in_its_scope(enter: Enter, house: House) -> None:
    desk = enter("operator")
    best = (await desk.get("/api/v1/lifts", params={"q": "770110"})).json()
    assert [x["rescue_code"] for x in best["lifts"]] == ["770110"]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"q": "龙湖", "limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get("/api/v1/lifts", params=query)).json()
        seen += [x["reg_code"] for x in page["lifts"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == page["total"]
    # places that are called so stand before lifts whose use unit is
    assert all("龙湖" in house.registry.find(x).place for x in seen[:8])  # type: ignore[union-attr]
    hidden = (await enter("firm-b").get("/api/v1/lifts", params={"q": reg_code(0)})).json()
    assert (hidden["lifts"], hidden["total"]) == ([], 0)
    wrong = await desk.get("/api/v1/lifts", params={"q": "龙湖", "cursor": "x"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor")


def test_syllables_begin_where_they_are_heard() -> None:
    assert spelt("重庆2栋a座") == (
        ["chong", "qing", "2", "dong", "a", "zuo"], ["c", "q", "2", "d", "a", "z"],
    )  # fmt: skip
    assert sorted(["10栋", "2栋", "2栋3"], key=natural) == ["2栋", "2栋3", "10栋"]


def test_the_index_agrees_with_looking_at_every_lift(house: House) -> None:
    roster = build(house.registry, house.directory)
    index, every = SearchIndex(roster), np.ones(len(roster), np.bool_)
    for q in ("龙湖花园", "1 栋", "万达", "3", "号梯", "zz"):
        naive = [
            i
            for i, x in enumerate(roster.lifts)
            if all(
                any(
                    word in text
                    for text in (
                        x.place, x.name,
                        house.directory.units[x.use_unit].name.zh.casefold(),
                        house.directory.units[x.maintenance].name.zh,
                        house.directory.units[x.street_office].name.zh,
                    )
                )
                for word in q.split()
            )
        ]  # fmt: skip
        got = set(np.flatnonzero(index.fits(q, every)).tolist())
        if q not in ("3", "1 栋"):  # digits are looked for in codes, too
            assert got == set(naive), q
        assert got >= set(naive), q
    empty = build(Registry([], []), house.directory)
    assert SearchIndex(empty).find("x", np.ones(0, np.bool_), 5) == ([], 0)


async def test_the_roster_follows_a_change_of_the_registry(enter: Enter, house: House) -> None:
    desk = enter("operator")
    before = (await desk.get("/api/v1/lifts/roster")).json()
    file = Path(house.settings.site.folder) / "lifts.csv"
    file.write_text(file.read_text("utf-8").replace("石桥大厦", "新桥大厦"), "utf-8")
    house.take_up()
    after = (await desk.get("/api/v1/lifts/roster")).json()
    assert before["roster"] != after["roster"]
    found = (await desk.get("/api/v1/lifts", params={"q": "xqds"})).json()
    assert found["total"] == 4


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_pages_work_without_javascript(lang: str, enter: Enter, house: House) -> None:
    house.say(0)
    house.raise_alert(0)
    client = enter("operator", lang)
    page = (await client.get("/lifts?by=maintenance&sort=-lifts")).text
    assert f"/lifts/list?maintenance={FIRM_A}" in page.replace("&amp;", "&").replace(
        "by=maintenance&", ""
    )
    listed = (await client.get("/lifts/list?state=people")).text
    assert listed.count(f'href="/lifts/{reg_code(0)}"') == 1 and reg_code(1) not in listed
    found = (await client.get("/lifts/list?q=qrmyy")).text
    assert "区人民医院" in found and "万达广场 A 座" not in found
    for path in ("/lifts/wall?by=type", "/lifts/map", "/wall"):
        answer = await client.get(path)
        assert answer.status_code == 200 and "http" not in answer.headers["content-security-policy"]


async def test_a_viewer_sees_all_and_changes_nothing(enter: Enter, house: House) -> None:
    add_account(house.engine, "screen", PASSWORD, "viewer")
    alert, screen = house.raise_alert(0), enter("screen")
    assert (await screen.get("/wall")).status_code == 200
    assert (await screen.get("/api/v1/fleet/glance")).json()["cars"] == 1
    assert (await screen.get("/registry")).status_code == 403
    assert (await screen.step(alert, "acknowledge")).status_code == 403
    form = {"csrf": screen.csrf, "comment": "", "back": ""}
    assert (await screen.post(f"/alerts/{alert}/accept", data=form)).status_code == 403
    seen = (await screen.get(f"/api/v1/alerts/{alert}")).json()
    assert (seen["alarm_state"], seen["legal_steps"]) == ("unacknowledged", [])


async def test_answers_are_as_the_document_shows_them(enter: Enter, house: House) -> None:
    house.raise_alert(0)
    desk = enter("operator")

    async def answer(path: str, **query: str) -> dict[str, Any]:
        return (await desk.get(f"/api/v1{path}", params=query)).json()

    found = await answer("/lifts", q="770100")
    assert {*told.LIFTS, "next"} == set(found)
    assert set(told.LIFTS["lifts"][0]) <= set(found["lifts"][0])
    first = await answer("/lifts/states")
    assert set(told.STATES) == set(await answer("/lifts/states", since=first["cursor"]))
    assert set(told.ROSTER) == set(await answer("/lifts/roster"))
    groups = await answer("/fleet/overview")
    assert set(told.OVERVIEW) == set(groups)
    assert set(told.OVERVIEW["groups"][0]) == set(groups["groups"][0])
    glance = await answer("/fleet/glance")
    assert set(told.GLANCE) == set(glance)
    assert set(told.GLANCE["deadlines"][0]) <= set(glance["deadlines"][0])
