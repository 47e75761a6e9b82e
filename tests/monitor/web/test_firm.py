"""A unit's desk over the API: only its own, with the shape of the examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from alerts.database.access import reading, writing
from alerts.database.tables import alert, app_user
from alerts.quality.rows import Period
from alerts.quality.unit_times import rank, unit_times
from monitor.web import firm
from monitor.web.api import desk_examples
from tests.monitor.web import shift_site
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import FIRM_A, FIRM_B


async def test_a_firm_sees_its_desk_and_no_other(enter: Enter, house: House) -> None:
    shift_site.busy(house)
    client = enter("firm-a")
    told = (await client.get("/api/v1/firm")).json()
    assert set(told) == set(desk_examples.FIRM)
    assert set(told["duty"][0]) == set(desk_examples.TURN)
    assert set(told["due"][0]) == set(desk_examples.DUE)
    assert set(told["times"]["steps"]["accept"]) == set(desk_examples.TIME)
    assert {one["maintenance"] for one in told["alerts"]} == {FIRM_A}
    assert sum(map(len, told["states"].values())) == told["lifts"] == 12
    assert (await client.get(f"/api/v1/firm/{FIRM_A}")).json()["unit"] == FIRM_A
    for path in ("/api/v1/firm/{}", "/api/v1/firm/{}/times", "/firm/{}"):
        assert (await client.get(path.format(FIRM_B))).status_code == 404
    assert (await client.get("/api/v1/firms")).status_code == 403


async def test_a_use_unit_sees_the_same_for_its_lifts(enter: Enter, house: House) -> None:
    with writing(house.engine) as conn:
        mine = app_user.c.name == "firm-b"
        conn.execute(update(app_user).where(mine).values(unit="longhu"))
    house.raise_alert(1), house.raise_alert(0)
    told = (await enter("firm-b").get("/api/v1/firm")).json()
    assert (told["kind"], told["lifts"], len(told["alerts"])) == ("use_unit", 12, 1)
    page = (await enter("firm-b").get("/firm")).text
    assert "Longhu Property" in page and "Use unit" in page


async def test_the_duty_desk_may_look_at_any(enter: Enter, house: House) -> None:
    house.raise_alert(0)
    client = enter("operator")
    assert (await client.get("/api/v1/firm")).json()["field"] == "unit"
    units = (await client.get("/api/v1/firms")).json()["units"]
    assert set(units[0]) == set(desk_examples.UNIT_ROW)
    assert {one["unit"]: one["open"] for one in units} == {
        FIRM_A: 1, "wanda": 1, FIRM_B: 0, "longhu": 0,
    }  # fmt: skip
    assert (await client.get(f"/firm/{FIRM_B}")).status_code == 200
    assert (await client.get("/firm/bureau")).status_code == 404
    assert "Kaili" in (await client.get("/firm")).text


async def test_where_one_lands(enter: Enter) -> None:
    for name, home in (("firm-a", "/firm"), ("operator", "/alerts"), (None, "/sign-in")):
        answer = await enter(name).get("/")
        assert answer.headers["location"] == home


async def test_a_step_by_a_plain_form_comes_back_to_its_card(enter: Enter, house: House) -> None:
    ident, client = house.raise_alert(0), enter("firm-a")
    answer = await client.post(f"/firm/alerts/{ident}/accept", data={"csrf": client.csrf})
    assert answer.headers["location"] == f"/firm#card-{ident}"
    with reading(house.engine) as conn:
        row = conn.execute(alert.select().where(alert.c.id == ident)).mappings().one()
    assert (row["owner"], row["owner_unit"]) == ("firm-a", FIRM_A)
    other = enter("firm-b")
    wrong = await other.post(f"/firm/alerts/{ident}/arrive", data={"csrf": other.csrf})
    assert wrong.status_code == 404


def test_times_are_held_against_the_limits_of_each_rescue(house: House) -> None:
    shift_site.rescued(house, 6, (40, 610, 1500), 7200)
    shift_site.rescued(house, 12, (75, 1300, 4000), 7000)
    house.raise_alert(0)  # still open, nothing is late yet
    house.raise_alert(2, rule="18", people=None)  # nobody to be freed
    now = house.now_ms()
    with reading(house.engine) as conn:
        told = unit_times(conn, FIRM_A, Period(now - 86_400_000, now), house.desk.chains, now)
        late = unit_times(
            conn, FIRM_A, Period(now - 86_400_000, now), house.desk.chains, now + 120_000
        )
        other = unit_times(conn, FIRM_B, Period(0, now), house.desk.chains, now)
    assert told["rescues"] == 3
    steps = told["steps"]
    assert (steps["accept"]["median_ms"], steps["accept"]["p95_ms"]) == (40_000, 75_000)
    assert [(one["in_time"], one["judged"]) for one in steps.values()] == [(1, 2), (1, 2), (1, 2)]
    limits = [one["limit_ms"] for one in steps.values()]
    assert limits == [60_000, 900_000, 3_600_000]
    assert late["steps"]["accept"]["judged"] == 3, "unanswered and over its limit is too late"
    assert other["rescues"] == 0 and other["steps"]["freed"]["share"] is None


def test_a_percentile_is_by_nearest_rank() -> None:
    assert rank([], 95) is None and rank([7], 50) == 7
    assert (rank(list(range(1, 101)), 95), rank([1, 2, 3, 4], 50)) == (95, 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"inspection_due": 0}, [("inspection", 0)]),
        ({"inspection_due": 31}, []),
        ({"last_visit": -16}, [("visit", -1)]),
        ({"last_visit": -10, "planned_visit": 2}, [("visit", 2)]),
        ({"last_visit": -1, "planned_visit": -2}, []),
        ({}, []),
    ],
)
def test_what_is_due(house: House, change: dict[str, int], told: list[tuple[str, int]]) -> None:
    today = date(2026, 3, 2)
    lift = replace(
        house.registry.lift(0), **{name: today + timedelta(days=n) for name, n in change.items()}
    )  # type: ignore[arg-type]
    assert [(one.what, one.days) for one in firm.due([lift], today)] == told
