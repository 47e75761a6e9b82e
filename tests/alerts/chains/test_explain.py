"""What `explain` tells is what escalation then does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.chains.chains_file import load_chains
from alerts.chains.explain import as_json, explain, masked
from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.directory.contracts import Contract
from alerts.directory.directory_file import load_directory
from alerts.directory.roster import Duty, Holiday, Roster
from alerts.directory.subjects import Subjects
from alerts.directory.units import Directory
from tests.alerts.conftest import CAR, CAR_3, RULES, T0, TZ, House, directory_toml, raised, registry

CHAINS = Path(__file__).parents[3] / "config" / "defaults" / "chains.toml"


def busy(book: Directory) -> Directory:
    """Hand-overs and a change of contract in the middle of the chain."""
    anda = Roster(
        "anda",
        (Duty("anda", ("zhang", "boss"), ("li",), 3, time(8, 1), TZ, date(2025, 12, 25)),),
        (Holiday("anda", "", date(2026, 1, 1), date(2026, 1, 1), ("li",)),),
    )
    bureau = Roster(
        "bureau", (Duty("bureau", ("duty",), (), 0, time(9), TZ, date(2026, 1, 1), until=time(10)),)
    )
    midday = Contract("anda", date(2026, 1, 1), date(2026, 1, 1), TZ, lifts=(CAR_3,))
    rosters = dict(book.rosters) | {"anda": anda, "bureau": bureau}
    return replace(book, rosters=rosters, contracts=(midday,))


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("car", [CAR, CAR_3])
@pytest.mark.parametrize("people", [None, 2])
def test_the_same_people_at_the_same_time(
    house: House, rule: str, car: str, people: int | None
) -> None:
    book = busy(house.directory)
    house.desk.take_up(book)
    told = explain(
        book, load_chains(), Subjects(registry()), RULES[rule], "lift", car, T0, bool(people)
    )
    wanted = {
        (rung.step.id, one.id, rung.due_ms) for rung in told.rungs for one in rung.calls.contacts
    }
    house.raise_(raised(rule, car, people=people))
    while (due := house.desk.next_due_ms()) is not None:
        house.desk.tick(due)
    with reading(house.engine) as conn:
        rows = conn.execute(
            select(outbox.c.step, outbox.c.contact, outbox.c.created_ms)
            .where(outbox.c.alert_id == 1)
        )  # fmt: skip
        assert {tuple(row) for row in rows} == wanted
    alert = house.alert(1)
    assert (alert["severity"], alert["chain"]) == (told.severity, told.chain)
    assert alert["arrival_due_ms"] == told.arrival_due_ms


def chains_with(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = CHAINS.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = tmp_path / "chains.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_step_for_the_grave_alone_and_channels_in_order(tmp_path: Path, house: House) -> None:
    file = chains_with(
        tmp_path,
        ('id = "maintenance"\nafter_s = 0\nto = ["maintenance"]\nuntil = ["accepted", "freed"]',
         'id = "maintenance"\nafter_s = 0\nto = ["maintenance"]\nuntil = ["accepted", "freed"]\n'
         'channels = ["email", "webhook"]'),
        ('id = "manager"\nafter_s = 900', 'id = "manager"\nafter_s = 900\nseverities = ["major"]'),
    )  # fmt: skip
    directory = tmp_path / "directory.toml"
    ways = 'mqtt = true\nwebhook = "http://127.0.0.1:1/x"\nemail = "a@example.org"'
    directory.write_text(directory_toml(lambda _: ways), "utf-8")
    house.desk = replace(house.desk, chains=load_chains(file), directory=load_directory(directory))
    house.raise_(raised("1", CAR), raised("16", CAR_3, people=None))
    with reading(house.engine) as conn:
        rows = conn.execute(select(outbox.c.step, outbox.c.alert_id, outbox.c.channel))
        first = {(step, alert): channel for step, alert, channel in rows}
    assert first[("maintenance", 1)] == "email"
    assert first[("use_unit", 1)] == "mqtt"
    steps = [t["step"] for t in house.alert(2)["timers"]]
    assert "manager" not in steps and "use_unit" in steps
    # people turn out to be in the car: minor becomes major, and its own step is planned
    house.raise_(raised("16", CAR_3, T0 + 1000, since_ms=T0 - 30_000, people=1))
    steps = [t["step"] for t in house.alert(2)["timers"]]
    assert sorted(steps) == ["maintenance", "manager", "street_office", "use_unit"]


def test_another_arrival_limit_where_an_area_says_so(tmp_path: Path, house: House) -> None:
    file = chains_with(tmp_path, (
        "# [[area]]\n# profile", '[[area]]\nprofile = "legal_rural"\ngroups = ["rural"]\n[[area]]\n'
        f'profile = "legal_city"\nlifts = ["{CAR_3}"]\n# profile',
    ))  # fmt: skip
    house.desk = replace(house.desk, chains=load_chains(file))
    house.raise_(raised("1", CAR), raised("1", CAR_3))
    assert [house.alert(i)["arrival_due_ms"] - T0 for i in (1, 2)] == [900_000, 1_800_000]
    chains = load_chains(file)
    place = replace(Subjects(registry()).of("lift", CAR), group="rural")
    assert chains.profile_of(place) == "legal_rural"


def test_phones_are_masked_unless_asked_for(house: House) -> None:
    assert [masked(p) for p in ("13912345678", "96333", "12", "")] == [
        "139****5678", "***33", "12", "",
    ]  # fmt: skip
    told = explain(
        house.directory, load_chains(), Subjects(registry()), RULES["1"], "lift", CAR, T0, True
    )
    said = as_json(told, house.directory, TZ, full=False)
    assert said["steps"][0]["at"] == "2026-01-01T08:00:00+08:00"
    assert {p["phone"] for s in said["steps"] for p in s["people"]} == {"*39"}
    said = as_json(told, house.directory, TZ, full=True)
    assert {p["phone"] for s in said["steps"] for p in s["people"]} == {"139"}
