"""The firm whose contract is in force at the moment of the page; overlaps and holes by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from alerts.directory.contracts import Contract, in_force
from alerts.directory.directory_file import load_directory
from alerts.directory.findings import findings
from alerts.directory.subjects import Subjects
from alerts.model import Step
from config.errors import ConfigError
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, TZ, House, directory_toml, raised, registry
from tests.alerts.directory.test_directory import SUBJECT

DAY_MS = 86_400_000
NEW_YEAR = T0 - 8 * 3_600_000  # midnight in Shanghai


def test_midnight_of_the_last_day_ends_a_contract(house: House) -> None:
    old = Contract("kone", date(2025, 1, 1), date(2025, 12, 31), TZ, lifts=(CAR,))
    book = replace(house.directory, contracts=(old,))
    assert book.firm(SUBJECT, NEW_YEAR - 1) == "kone"
    assert book.firm(SUBJECT, NEW_YEAR) == "anda"  # as on record in lifts.csv


def test_the_closest_then_the_latest_begun_counts() -> None:
    def of(unit: str, first: int, **named: tuple[str, ...]) -> Contract:
        return Contract(unit, date(2026, 1, first), None, TZ, **named)

    lift = replace(SUBJECT, group="town")
    everything, by_group, by_lift = (
        of("a", 9),
        of("b", 5, groups=("town",)),
        of("c", 1, lifts=(CAR,)),
    )
    at = NEW_YEAR + 20 * DAY_MS
    for some, firm in (
        ((everything, by_group, by_lift), "c"),
        ((everything, by_group), "b"),
        ((everything, of("d", 10, use_units=("haoting",))), "d"),
        ((of("d", 8, use_units=("haoting",)), everything), "a"),
        ((by_group, of("e", 5, groups=("town",))), "e"),
    ):
        found = in_force(some, lift, at)
        assert found is not None and found.unit == firm
    assert in_force((by_group,), SUBJECT, at) is None


contracts = st.builds(
    Contract,
    st.sampled_from(["anda", "kone"]),
    st.dates(date(2025, 12, 20), date(2026, 1, 20)),
    st.none() | st.dates(date(2026, 1, 1), date(2026, 2, 10)),
    st.just(TZ),
    st.sampled_from([(), (CAR,), (CAR_2, CAR_3)]),
    st.sampled_from([(), ("town",)]),
    st.sampled_from([(), ("haoting",)]),
)


@given(st.lists(contracts, max_size=5), st.integers(-15, 45), st.sampled_from(["", "town"]))
def test_as_a_plain_twin_has_it(made: list[Contract], days: int, group: str) -> None:
    """Sort what holds that day by (how closely, since when, place in the file); take the last."""
    today = date(2026, 1, 1) + timedelta(days=days)
    holding = []
    for place, one in enumerate(made):
        if one.first > today or (one.last is not None and one.last < today):
            continue
        if CAR in one.lifts:
            close = 3
        elif group and group in one.groups:
            close = 2
        elif "haoting" in one.use_units or not (one.lifts or one.groups or one.use_units):
            close = 1
        else:
            continue
        holding.append((close, one.first, place))
    wanted = made[max(holding)[2]] if holding else None
    at = NEW_YEAR + days * DAY_MS + 3_600_000
    assert in_force(made, replace(SUBJECT, group=group), at) is wanted


def test_the_page_goes_to_the_firm_of_that_moment(house: House) -> None:
    """A contract begins while a fault waits: the manager of the new firm is called."""
    tomorrow = Contract("kone", date(2026, 1, 2), None, TZ, lifts=(CAR,))
    house.desk.take_up(replace(house.directory, contracts=(tomorrow,)))
    at = NEW_YEAR + DAY_MS - 600_000
    house.raise_(raised("16", CAR, at, people=None))
    assert house.alert()["maintenance"] == "anda"
    house.desk.tick(at + 900_000)
    assert house.alert()["maintenance"] == "kone"
    assert "firm" in house.kinds()
    assert {k.split(":")[2] for k in house.pages() if ":manager:" in k} == {"sun"}  # has no manager
    assert house.act(1, Step.ACCEPT, "sun", at + 901_000).changed


def test_a_gateway_is_served_by_the_firm_of_most_of_its_lifts(house: House) -> None:
    gateway = Subjects(registry()).of("gateway", "g1")
    one = Contract("kone", date(2025, 1, 1), None, TZ, lifts=(CAR, CAR_2))
    book = replace(house.directory, contracts=(one,))
    assert (book.firm(gateway, T0), house.directory.firm(gateway, T0)) == ("kone", "anda")


def test_what_is_amiss_is_named(house: House) -> None:
    def told(*made: Contract) -> list[str]:
        book = replace(house.directory, contracts=made)
        found = findings(book, registry().lifts, T0, 30, TZ)
        return [text.en for text in found if "contract" in text.en or "lift" in text.en]

    all_year = Contract("anda", date(2026, 1, 1), date(2026, 12, 31), TZ)
    assert told() == [] == told(all_year)
    (overlap,) = told(
        all_year, Contract("kone", date(2026, 6, 1), None, TZ, use_units=("haoting",))
    )[:1]
    assert "anda and kone overlap from 2026-06-01 to 2026-12-31" in overlap
    lines = told(replace(all_year, last=date(2026, 1, 20), lifts=(CAR, "9" * 20)))
    assert f"lift {'9' * 20} of a contract of anda is not in lifts.csv" in lines[0]
    assert f"{CAR}: no maintenance contract on 2026-01-21" in lines[1]
    assert f"{CAR_2}: no maintenance contract on 2026-01-01" in lines[2]


def test_a_roster_with_holes_and_a_unit_without_one_are_named(tmp_path: Path) -> None:
    text = directory_toml(lambda _: "mqtt = true")
    for unit, more in (("anda", 'days = ["monday"]'), ("haoting", 'post = "leader"')):
        old = f'[[duty]]\nunit = "{unit}"\n'
        text = text.replace(old, f"{old}{more}\n")
    file = tmp_path / "directory.toml"
    file.write_text(text, "utf-8")
    told = [one.en for one in findings(load_directory(file), registry().lifts, T0, 10, TZ)]
    assert told == [
        "Unit haoting (haoting) has 2 contacts and no roster",
        "Unit anda (anda) has nobody on duty 2026-01-01 08:00 – 2026-01-05 08:00",
        "Unit anda (anda) has nobody on duty 2026-01-06 08:00 – 2026-01-11 08:00",
    ]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('[[contract]]\nunit = "desk"\nfrom = 2026-01-01\n', "contract[0].unit"),
        ('[[contract]]\nunit = "anda"\n', "contract[0].from"),
        ('[[contract]]\nunit = "anda"\nfrom = 2026-01-02\nto = 2026-01-01\n', "contract[0].to"),
        ('[[contract]]\nunit = "anda"\nfrom = 2026-01-02\nlifts = ["7"]\n', "contract[0].lifts"),
        ('[[duty]]\nunit = "anda"\n', "duty[8].line"),
        ('[[duty]]\nunit = "anda"\nline = "x"\nuntil = "08:00"\n', "duty[8].until"),
        ('[[duty]]\nunit = "anda"\nline = "x"\ncalendar = "no.ics"\n', "calendar"),
        ('[[holiday]]\nunit = "anda"\nline = "x"\nfrom = 2026-01-01\n', "holiday[0].line"),
        ('[[holiday]]\nunit = "anda"\nfrom = 2026-01-01\nto = 2025-01-01\n', "holiday[0].to"),
        ('[[swap]]\nunit = "anda"\nout = "sun"\nin = "li"\n', "swap[0].out"),
        ('[[swap]]\nunit = "anda"\nout = "li"\nin = "li"\n', "swap[0].in"),
        ('[[swap]]\nunit = "anda"\nout = "li"\nfrom = 2026-01-01\nto = 2026-01-01\n', "swap[0].in"),
        ('[[swap]]\nunit = "anda"\nout = "li"\nin = "boss"\nfrom = 2026-01-02\nto = 2026-01-01\n',
         "swap[0].to"),
        ('[[swap]]\nunit = "anda"\nout = "li"\nin = "boss"\nfrom = 2026-01-02T08:00:00Z\n'
         "to = 2026-01-03\n", "swap[0].from"),
    ],
)  # fmt: skip
def test_wrong_tables_are_refused_by_name(tmp_path: Path, more: str, key: str) -> None:
    file = tmp_path / "directory.toml"
    file.write_text(directory_toml(lambda _: "mqtt = true") + more, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_directory(file)
    assert refused.value.key == key
    assert refused.value.way_out.zh and refused.value.way_out.en


def test_the_zone_of_the_site_holds_where_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "directory.toml"
    file.write_text(directory_toml(lambda _: "mqtt = true"), "utf-8")
    line = load_directory(file, "America/New_York").rosters["anda"].lines[0]
    assert line.day_of(round(datetime(2026, 1, 5, 12, 59, tzinfo=UTC).timestamp() * 1000)) == date(
        2026, 1, 4
    )
