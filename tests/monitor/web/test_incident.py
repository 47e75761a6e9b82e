"""The incident page and its API without a browser: replay, note, steps, deadlines, the like."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from alerts.database.access import reading, writing
from alerts.database.tables import alert as alert_table
from alerts.database.tables import alert_unit
from alerts.model import Actor, Role, Step, Transition
from monitor.web import replay
from monitor.web.api import examples_incident as examples
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.monitor.web.stuck import SILENT, StuckHistory
from tests.monitor.web.town import reg_code

LIU, ZHANG = Actor("刘洋", Role.OPERATOR), Actor("张伟", Role.FIRM, "anda", "c-anda")
DAY = 86_400_000


def stuck(house: House, ago_s: float = 95) -> int:
    """An alert of a car between the floors 6 and 7, with the history that led to it."""
    alert = house.raise_alert(0, people=2, ago_s=ago_s)
    with reading(house.engine) as conn:
        query = select(alert_table.c.since_ms).where(alert_table.c.id == alert)
        since_ms = conn.execute(query).scalar_one()
    house.history = StuckHistory(int(since_ms))  # type: ignore[assignment]
    return alert


def at(channel: dict[str, list[float]], ms: float) -> float | None:
    i = int(np.searchsorted(channel["t"], ms, "right")) - 1
    return channel["v"][i] if i >= 0 else None


async def test_the_replay_tells_the_minutes_as_data_and_in_words(
    enter: Enter, house: House
) -> None:
    alert = stuck(house)
    house.say(0, people=2.0)
    answer = await enter("operator").get(f"/api/v1/alerts/{alert}/replay?span=hour")
    told = answer.json()
    assert set(told) == set(examples.REPLAY)
    channels, since = told["channels"], told["since_ms"] - told["from_ms"]
    assert [name for name, one in channels.items() if one["strip"]] == [
        "car_position", "speed", "door_state", "people", "door_zone",
    ]  # fmt: skip
    assert at(channels["car_position"], since + 1500) == 7
    assert at(channels["car_position"], since - 6000) == 6
    assert channels["door_state"]["words"]["4"] == "open"
    assert len(channels["people"]["t"]) == 4, "a state is its changes and its last sign of life"
    assert told["live"] is True
    gap = next(gap for gap in told["gaps"] if gap[0] > 0)
    assert abs(gap[0] - (since + SILENT[0] * 1000)) < 2500
    assert abs(gap[1] - (since + SILENT[1] * 1000)) < 2500
    texts = [one["text"] for one in told["moments"]]
    assert any(text.startswith("The car stops: floor 7") for text in texts)
    assert {one["mark"] for one in told["moments"]} == {"", "since", "raised"}
    times = [one["at_ms"] for one in told["moments"]]
    assert times == sorted(times) and len(times) <= replay.MOMENTS


async def test_the_minutes_shown_lie_around_the_beginning(enter: Enter, house: House) -> None:
    now = house.now_ms()
    short = {"since_ms": now - 40_000, "raised_ms": now - 10_000}
    assert replay.window(short, "moment", now) == (now - 40_000 - replay.BEFORE_MS, now)
    long = {"since_ms": now - DAY, "raised_ms": now}
    begin, end = replay.window(long, "moment", now)
    assert begin < now - DAY < end < now - DAY + 10 * 60_000, "not a day of standing still"
    assert replay.window(long, "now", now) == (now - 2 * replay.BEFORE_MS, now)
    alert = stuck(house)
    client = enter("operator")
    house.history.since_ms = 0  # type: ignore[attr-defined]
    assert (await client.get(f"/api/v1/alerts/{alert}/replay?span=year")).status_code == 422


async def test_live_gives_last_values_and_says_when_they_are_old(
    enter: Enter, house: House
) -> None:
    alert, client = stuck(house), enter("operator")
    house.say(0, people=2.0, car_position=7.0)
    now = (await client.get(f"/api/v1/alerts/{alert}/live")).json()
    assert set(now) == set(examples.LIVE)
    assert (now["live"], now["values"]["car_position"][0]) == (True, 7)
    house.say(0, age_ms=60_000)
    assert (await client.get(f"/api/v1/alerts/{alert}/live")).json()["live"] is False


async def test_who_was_called_sees_the_replay_of_a_lift_not_its_own(
    enter: Enter, house: House
) -> None:
    alert, other = stuck(house), house.raise_alert(1)
    firm = enter("firm-a")
    assert (await firm.get(f"/api/v1/alerts/{alert}/replay")).json()["channels"]
    assert (await firm.get(f"/api/v1/alerts/{other}/replay")).status_code == 404


async def test_the_present_of_a_strange_lift_ends_with_the_alert(
    enter: Enter, house: House
) -> None:
    alert = stuck(house)
    house.say(0, people=2.0)
    with writing(house.engine) as conn:
        conn.execute(insert(alert_unit).values(alert_id=alert, unit="kaili", part="paged"))
    called, own, desk = enter("firm-b"), enter("firm-a"), enter("operator")

    async def told(client: Client) -> tuple[bool, bool, int]:
        live = (await client.get(f"/api/v1/alerts/{alert}/live")).json()
        seen = (await client.get(f"/api/v1/alerts/{alert}/replay?span=now")).json()
        return bool(live["values"]), seen["live"], seen["to_ms"]

    assert (await told(called))[:2] == (True, True), "while it is open"
    closed_ms = house.now_ms() - 5000
    with writing(house.engine) as conn:
        conn.execute(update(alert_table).values(closed_ms=closed_ms))
    assert await told(called) == (False, False, closed_ms)
    for client in (own, desk):
        assert (await told(client))[:2] == (True, True)
    assert (await called.get(f"/api/v1/alerts/{alert}/replay")).json()["channels"], "the moment"


async def test_a_note_by_the_api_with_its_history_and_a_clash(enter: Enter, house: House) -> None:
    alert = house.raise_alert(0)
    desk, firm = enter("operator"), enter("firm-a")
    address = f"/api/v1/alerts/{alert}/note"
    empty = (await desk.get(address)).json()
    assert empty == {"note": None, "history": []}
    token = {"X-CSRF-Token": desk.csrf}
    for version, text in enumerate(("key: guard", "key: gate 2")):
        body = {"text": text, "version": version}
        assert (await desk.put(address, json=body, headers=token)).json()["changed"]
    clash = await desk.put(address, json={"text": "x", "version": 1}, headers=token)
    assert (clash.status_code, clash.json()["field"]) == (409, "version")
    assert (await desk.put(address, headers=token)).status_code == 422
    told = (await desk.get(address)).json()
    assert set(told) == set(examples.NOTE)
    assert set(told["history"][0]) == set(examples.NOTE["history"][0])
    assert [one["text"] for one in told["history"]] == ["key: gate 2", "key: guard"]
    assert (await firm.get(address)).json()["note"]["text"] == "key: gate 2"
    mine = {"X-CSRF-Token": firm.csrf}
    assert (await firm.put(address, json={"text": "x"}, headers=mine)).status_code == 409
    row = (await desk.get("/alerts")).text
    assert 'title="key: gate 2"' in row


async def test_the_note_stands_on_the_page_and_works_without_javascript(
    enter: Enter, house: House
) -> None:
    alert, client = house.raise_alert(0), enter("operator")
    evil = "<b>gate</b> 4711"
    form = {"csrf": client.csrf, "text": evil, "version": "0"}
    answer = await client.post(f"/alerts/{alert}/note", data=form)
    assert answer.headers["location"] == f"/alerts/{alert}"
    page = (await client.get(f"/alerts/{alert}")).text
    assert "&lt;b&gt;gate&lt;/b&gt; 4711" in page and evil not in page
    assert page.index('id="note"') < page.index('id="acts"')
    assert "Hand-over note" in page[page.index('id="timeline"') :]
    firm = (await enter("firm-a").get(f"/alerts/{alert}")).text
    assert "4711" in firm and "data-note" not in firm


async def test_only_possible_steps_are_buttons_and_the_others_say_why(
    enter: Enter, house: House
) -> None:
    alert, client = house.raise_alert(0), enter("operator")

    async def buttons(who: str = "operator") -> tuple[list[str], str]:
        text = (await enter(who).get(f"/alerts/{alert}")).text
        acts = text[text.index('id="acts"') : text.index('id="deadlines"')]
        return re.findall(r'data-step="(\w+)"', acts), acts

    steps, acts = await buttons()
    assert steps == ["accept", "acknowledge", "depart", "arrive", "free", "cancel"]
    assert "say first that the passengers are free" in acts.lower()
    assert "people are in this car" in acts.lower(), "why it cannot be shelved"
    await client.step(alert, "free")
    steps, acts = await buttons()
    assert steps == ["file_cause", "cancel"]
    steps, acts = await buttons("firm-a")
    assert steps == ["file_cause"]
    assert "for the operator on duty" in acts


async def test_deadlines_are_met_or_missed_and_the_next_call_has_a_name(
    enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    client = enter("operator")
    page = (await client.get(f"/alerts/{alert}")).text
    assert "Next, if nobody acts" in page
    call = page[page.index('class="next-call"') :][:600]
    assert "赵敏" in call, "the use unit's contact is the next"
    raised = house.now_ms()
    house.desk.tick(raised + 40_000)  # the use unit did not answer in 30 s
    house.desk.act(alert, Step.ACCEPT, ZHANG, raised + 50_000)
    page = (await client.get(f"/alerts/{alert}")).text
    line = page[page.index('id="deadlines"') : page.index('id="members"')]
    assert "is-missed" in line and "is-met" in line and "is-open" in line
    assert re.search(r"met, \d+ s before", line)
    assert "answered" in page[page.index('id="calls"') :]


def old(house: House, days: int, cause: str, step: Step = Step.VERIFY) -> int:
    at_ms = house.now_ms() - days * DAY
    one = Transition("lift", reg_code(0), "1", True, at_ms, at_ms - 30_000, True, 1)
    events = house.desk.apply(at_ms, [one])
    ident = next(e.alert_id for e in events if e.kind == "raised" and e.alert_id)
    for i, taken in enumerate((Step.ACCEPT, Step.FREE)):
        house.desk.act(ident, taken, ZHANG, at_ms + (i + 1) * 300_000)
    if cause:
        house.desk.act(ident, Step.FILE_CAUSE, ZHANG, at_ms + 700_000, cause=cause)
    house.desk.act(ident, step, LIU, at_ms + 900_000, comment="ok")
    gone = Transition("lift", reg_code(0), "1", False, at_ms + 950_000, at_ms - 30_000)
    house.desk.apply(at_ms + 950_000, [gone])
    return ident


async def test_what_is_like_it_on_this_lift_and_at_this_site(enter: Enter, house: House) -> None:
    false = next(group.id for group in house.causes.groups.values() if group.false)
    old(house, 400, "door.edge")
    real, wrong = old(house, 60, "door.landing_lock"), old(house, 20, false)
    alert = stuck(house)
    near = house.raise_alert(6, "18", people=None)  # another lift of the same house
    house.raise_alert(1, "18", people=None)
    client = enter("operator")
    told = (await client.get(f"/api/v1/alerts/{alert}/related")).json()
    assert set(told) == set(examples.RELATED)
    like = told["same_lift"]
    assert set(like["alerts"][0]) == set(examples.RELATED["same_lift"]["alerts"][0])
    assert [(one["id"], one["verdict"]) for one in like["alerts"]] == [
        (wrong, "false"), (real, "true"),
    ]  # fmt: skip
    assert (like["total"], like["false"]) == (2, 1)
    assert like["alerts"][1]["lasted_ms"] == 980_000
    assert near in [one["id"] for one in told["same_site"]]
    page = (await client.get(f"/alerts/{alert}")).text
    assert "2 times in 12 months · 1 false" in page and "landing door lock contact" in page
    assert (await enter("firm-b").get(f"/api/v1/alerts/{alert}/related")).status_code == 404


async def test_an_incident_lists_those_with_people_first(enter: Enter, house: House) -> None:
    ids = [house.raise_alert(0, "12", people=None), house.raise_alert(2, "7", people=None)]
    ids.append(house.raise_alert(4, "1", people=2))
    with writing(house.engine) as conn:  # as a power cut of their feeder groups them
        conn.execute(update(alert_table).values(incident="feeder:f0:1"))
    told = (await enter("operator").get(f"/api/v1/alerts/{ids[0]}/related")).json()
    assert (told["member_count"], [one["id"] for one in told["members"]]) == (2, [ids[2], ids[1]])
    page = (await enter("operator").get(f"/alerts/{ids[0]}")).text
    members = page[page.index('id="members"') : page.index('id="site-now"')]
    assert "2 more alerts" in members
    assert members.index(f"/alerts/{ids[2]}") < members.index(f"/alerts/{ids[1]}")


@pytest.mark.parametrize("lines", ["people", "calls", "signals"])
async def test_the_timeline_is_filtered_by_the_address(
    lines: str, enter: Enter, house: House
) -> None:
    alert = house.raise_alert(0)
    house.desk.act(alert, Step.ACCEPT, ZHANG, house.now_ms())
    page = (await enter("operator").get(f"/alerts/{alert}?lines={lines}")).text
    shown = page[page.index('id="timeline"') : page.index('id="papers"')]
    words = {"people": "<b>Accepted</b>", "calls": "<b>Called</b>", "signals": "<b>Raised</b>"}
    assert [name for name, word in words.items() if word in shown] == [lines]
