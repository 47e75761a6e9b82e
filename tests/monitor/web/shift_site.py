"""A shift in which something happens, for the unit's desk and the hand-over report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from alerts.database.access import writing
from alerts.database.tables import alert, alert_unit, app_user, timer
from alerts.directory.roster import Duty, Roster
from alerts.directory.units import Contact
from alerts.model import Actor, Role, Step
from tests.monitor.web.house import House, _hash
from tests.monitor.web.town import FIRM_A

ZONE = ZoneInfo("Asia/Shanghai")
LIU = Actor("operator", Role.OPERATOR)
ZHANG = Actor("张伟", Role.FIRM, FIRM_A, "c-anda")


def rosters(house: House) -> None:
    """The firm takes turns by the week, the desk by day and night."""
    more = {
        f"c-{who}": Contact(f"c-{who}", unit, name, phone, "zh", "member", {"mqtt": f"t/{who}"})
        for who, unit, name, phone in (
            ("anda-2", FIRM_A, "李敏", "13900000002"), ("desk-2", "desk", "陈晨", "023-68000002"),
        )
    }  # fmt: skip
    anda = replace(house.directory.contacts["c-anda"], phone="13900000001")
    contacts = {**house.directory.contacts, "c-anda": anda, **more}
    start = date(2026, 1, 5)

    def line(unit: str, name: str, who: tuple[str, ...], at: int, until: int | None) -> Duty:
        end = None if until is None else time(until)
        return Duty(unit, who, (), 0, time(at), ZONE, start, line=name, until=end)

    firm = Roster(FIRM_A, (line(FIRM_A, "main", ("c-anda", "c-anda-2"), 8, None),))
    desk = Roster("desk", (
        line("desk", "day", ("c-desk",), 8, 20), line("desk", "night", ("c-desk-2",), 20, 8),
    ))  # fmt: skip
    house.directory = replace(
        house.directory, contacts=contacts, rosters={FIRM_A: firm, "desk": desk}
    )
    house.desk.take_up(house.directory)


def second_officer(house: House, name: str = "officer-2") -> None:
    row = {"name": name, "role": "operator", "unit": None, "password_hash": _hash()}
    with writing(house.engine) as conn:
        conn.execute(insert(app_user).values(row | {"created_ms": house.now_ms()}))


def dues(house: House) -> None:
    """Lift 0 needs an inspection, lift 2 a visit, lift 4 soon."""
    today = datetime.fromtimestamp(house.now_ms() / 1000, ZONE).date()
    told = {
        0: {"inspection_due": today - timedelta(days=3)},
        2: {"last_visit": today - timedelta(days=16)},
        4: {"inspection_due": today + timedelta(days=20)},
        6: {"inspection_due": today + timedelta(days=200), "last_visit": today},
    }
    for row, change in told.items():
        lift = house.registry.slots[row]
        assert lift is not None
        house.registry.slots[row] = replace(lift, **change)  # type: ignore[arg-type]


def rescued(house: House, lift: int, took_s: tuple[int, int, int], ago_s: float) -> int:
    """A rescue that is over: answered, on site, freed after so many seconds."""
    ident = house.raise_alert(lift, ago_s=31)
    for step in (Step.ACCEPT, Step.ARRIVE, Step.FREE):
        assert house.desk.act(ident, step, ZHANG, house.now_ms()).ok
    assert house.desk.act(ident, Step.FILE_CAUSE, ZHANG, house.now_ms(), cause="door").ok
    raised = house.now_ms() - round(ago_s * 1000)
    accept, arrive, freed = (raised + s * 1000 for s in took_s)
    with writing(house.engine) as conn:
        began = conn.execute(select(alert.c.last_raised_ms).where(alert.c.id == ident)).scalar()
        conn.execute(
            update(alert)
            .where(alert.c.id == ident)
            .values(
                raised_ms=raised, since_ms=raised - 30_000, last_raised_ms=raised,
                accepted_ms=accept, arrived_ms=arrive, freed_ms=freed, cause_filed_ms=freed,
                arrival_due_ms=raised + 900_000,
            )
        )  # fmt: skip
        answered = alert_unit.c.alert_id == ident, alert_unit.c.answered_ms.is_not(None)
        conn.execute(update(alert_unit).where(*answered).values(answered_ms=accept))
        back = timer.c.due_ms - ((began or 0) - raised)
        conn.execute(update(timer).where(timer.c.alert_id == ident).values(due_ms=back))
    return ident


def busy(house: House) -> None:
    """Open and closed alerts, one set aside, an exercise, a gateway that is down."""
    rosters(house)
    dues(house)
    second_officer(house)
    for row in range(0, 20, 2):
        house.say(row, car_status=float(row % 4 == 0))
    house.say(8, service_mode=2.0)
    rescued(house, 6, (40, 610, 1500), 7200)
    rescued(house, 12, (75, 1300, 2100), 5400)
    false = house.raise_alert(10, rule="12", people=None, ago_s=600)
    house.desk.act(false, Step.CANCEL, LIU, house.now_ms(), comment="误报，现场正常")
    first = house.raise_alert(0)
    house.desk.act(first, Step.ACKNOWLEDGE, LIU, house.now_ms())
    house.desk.act(first, Step.ACCEPT, ZHANG, house.now_ms())
    house.raise_alert(4, people=2)
    house.raise_alert(2, rule="18", people=None, ago_s=4000)
    shelved = house.raise_alert(8, rule="12", people=None, ago_s=900)
    until_ms = house.now_ms() + 3_600_000
    house.desk.act(shelved, Step.SHELVE, LIU, house.now_ms(), comment="等待备件", until_ms=until_ms)
    house.desk.take_out_of_service("31105001002015010014", LIU, house.now_ms(), "大修", until_ms)
    admin = Actor("admin", Role.ADMIN)
    house.desk.drill(house.now_ms(), "31105001002015010016", admin)
