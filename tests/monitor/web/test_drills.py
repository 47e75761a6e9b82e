"""Exercises on the console and over the API."""

from __future__ import annotations

from monitor.web.api import examples
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code


async def test_only_an_admin_begins_and_stops_an_exercise(enter: Enter, house: House) -> None:
    body = {"lift": reg_code(0)}
    for who, status in (("operator", 403), ("firm-a", 403), (None, 401)):
        client = enter(who)
        headers = {"X-CSRF-Token": client.csrf}
        assert (await client.post("/api/v1/drills", json=body, headers=headers)).status_code == (
            status
        )
    client = enter("admin")
    headers = {"X-CSRF-Token": client.csrf}
    started = (await client.post("/api/v1/drills", json=body, headers=headers)).json()
    ident = started["alert"]["id"]
    assert started["alert"]["exercise"] is True
    busy = await client.post("/api/v1/drills", json=body, headers=headers)
    assert (busy.status_code, "still running" in busy.json()["detail"]) == (409, True)
    stopped = await client.post(f"/api/v1/drills/{ident}/stop", headers=headers)
    assert stopped.json()["alert"]["closed_ms"]
    listed = (await enter("operator").get("/api/v1/drills")).json()["drills"]
    assert set(examples.DRILL) == set(listed[0])
    assert set(examples.DRILL["ms"]) == set(listed[0]["ms"])


async def test_an_exercise_looks_like_one_everywhere(enter: Enter, house: House) -> None:
    admin = enter("admin", lang="zh-CN")
    form = {"csrf": admin.csrf, "lift": reg_code(0), "people": "3"}
    answer = await admin.post("/drills", data=form)
    assert answer.status_code == 303
    ident = int(answer.headers["location"].rsplit("/", 1)[1])
    token = house.desk.pages.links.token(ident, "c-anda", house.now_ms())
    operator = enter("operator", lang="zh-CN")
    for path in ("/alerts", f"/alerts/{ident}", f"/p/{token}", "/drills"):
        assert "【演练】" in (await operator.get(path)).text, path
    for path in (f"/alerts/{ident}", f"/p/{token}"):
        assert 'class="exercise"' in (await operator.get(path)).text, path
    paper = await operator.get(f"/api/v1/alerts/{ident}/story.pdf?lang=en")
    assert paper.content.startswith(b"%PDF")

    wall = (await operator.get("/api/v1/lifts")).json()["lifts"]
    assert next(one for one in wall if one["reg_code"] == reg_code(0))["severity"] is None
    assert 'class="tile held calls' not in (await operator.get("/alerts")).text

    stopped = await admin.post(f"/drills/{ident}/stop", data={"csrf": admin.csrf})
    assert stopped.headers["location"] == "/drills"
    assert "演练已停止" in (await admin.get("/drills")).text
