from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from config.errors import ConfigError
from tests.alerts.conftest import CAR, T0, directory_toml, registry

SUBJECT = Subjects(registry()).of("lift", CAR)
BASE = directory_toml(lambda _: 'mqtt = true\nemail = "a@example.org"')


def load(tmp_path: Path, text: str = BASE):  # type: ignore[no-untyped-def]
    file = tmp_path / "directory.toml"
    file.write_text(text, "utf-8")
    return load_directory(file)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("role", "people"),
    [
        ("operator", ["desk1"]),
        ("use_unit", ["pm1"]),
        ("use_unit_second", ["pm2"]),
        ("maintenance", ["zhang"]),
        ("maintenance_deputy", ["li"]),
        ("maintenance_manager", ["boss"]),
        ("rescue_station", ["station1"]),
        ("public_rescue", ["f119"]),
        ("bureau", ["duty"]),
        ("bureau_leader", ["leader"]),
        ("street_office", ["street1"]),
    ],
)
def test_who(tmp_path: Path, role: str, people: list[str]) -> None:
    found = load(tmp_path).who(role, SUBJECT, T0)
    assert [c.id for c in found.contacts] == people
    assert found.fallback is None


ROSTER = """
[[unit]]
id = "anda"
kind = "maintenance"
name_zh = "安达"
name_en = "Anda"
[[contact]]
id = "a"
unit = "anda"
name = "甲"
mqtt = true
[[contact]]
id = "b"
unit = "anda"
name = "乙"
webhook = "http://127.0.0.1:1/b"
email = "b@example.org"
channels = ["email", "webhook"]
lang = "en"
[[duty]]
unit = "anda"
contacts = ["a", "b"]
weekday = "monday"
time = "08:00"
tz = "Asia/Shanghai"
start = 2026-01-05
"""


@pytest.mark.parametrize(
    ("moment", "person"),
    [  # hand-over: Monday 08:00 in Shanghai = 00:00 UTC
        ("2026-01-05T00:00", "a"),
        ("2026-01-11T23:59", "a"),
        ("2026-01-12T00:00", "b"),
        ("2026-01-18T23:59", "b"),
        ("2026-01-19T00:00", "a"),
        ("2026-01-04T23:59", "b"),  # the week before the start
    ],
)
def test_the_weekly_turn(tmp_path: Path, moment: str, person: str) -> None:
    found = load(tmp_path, ROSTER).who("maintenance", SUBJECT, ms(moment))
    assert [c.id for c in found.contacts] == [person]


def test_hand_over_follows_local_time_over_a_change_of_clocks(tmp_path: Path) -> None:
    book = load(tmp_path, ROSTER.replace("Asia/Shanghai", "Europe/Berlin"))
    for before, after in (
        ("2026-03-23T06:59", "2026-03-23T07:00"),  # winter time
        ("2026-03-30T05:59", "2026-03-30T06:00"),  # summer time
    ):
        turns = [book.on_duty("anda", ms(moment))[0].id for moment in (before, after)]
        assert sorted(turns) == ["a", "b"]


def test_addresses_keep_the_order_of_trial(tmp_path: Path) -> None:
    contacts = load(tmp_path, ROSTER).contacts
    assert contacts["a"].addresses == {"mqtt": "liftwatch/v1/pages/anda/a"}
    assert list(contacts["b"].addresses) == ["email", "webhook"]
    assert contacts["b"].lang == "en"


def test_without_a_roster_everybody_is_told_and_it_is_said(tmp_path: Path) -> None:
    book = load(tmp_path, ROSTER.partition("[[duty]]")[0])
    found = book.who("maintenance", SUBJECT, T0)
    assert [c.id for c in found.contacts] == ["a", "b"]
    assert found.fallback is not None
    assert "nobody on duty at Anda" in found.fallback.en
    assert book.who("bureau", SUBJECT, T0).contacts == ()


def test_the_nearest_station_is_asked(tmp_path: Path) -> None:
    far = (
        '[[unit]]\nid = "far"\nkind = "rescue_station"\nname_zh = "远"\nname_en = "far"\n'
        'lat = 29.9\nlon = 106.5\n[[contact]]\nid = "far1"\n'
        'unit = "far"\nname = "远站"\nmqtt = true\n'
    )
    book = load(tmp_path, far + BASE)
    assert [c.id for c in book.who("rescue_station", SUBJECT, T0).contacts] == ["station1"]
    north = replace(SUBJECT, lat=29.95)
    assert [c.id for c in book.who("rescue_station", north, T0).contacts] == ["far1"]


def test_all_of_public_rescue_is_told_and_a_town_serves_as_street_office(tmp_path: Path) -> None:
    more = (
        '[[unit]]\nid = "police"\nkind = "public_rescue"\nname_zh = "公安"\nname_en = "police"\n'
        '[[contact]]\nid = "f110"\nunit = "police"\nname = "110"\nmqtt = true\n'
        '[[unit]]\nid = "town"\nkind = "town"\nname_zh = "镇"\nname_en = "town"\n'
        '[[contact]]\nid = "town1"\nunit = "town"\nname = "镇安监"\nmqtt = true\n'
    )
    book = load(tmp_path, BASE + more)
    assert [c.id for c in book.who("public_rescue", SUBJECT, T0).contacts] == ["f119", "f110"]
    in_town = replace(SUBJECT, street_office="town")
    assert [c.id for c in book.who("street_office", in_town, T0).contacts] == ["town1"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('kind = "operator"', 'kind = "chief"', "unit[0].kind"),
        ('name_zh = "单位desk"', "", "unit[0].name_zh"),
        ('id = "haoting"', 'id = "desk"', "unit[1].id"),
        ('id = "desk1"', 'id = "desk:1"', "contact[0].id"),
        ('unit = "desk"', 'unit = "dask"', "contact[0].unit"),
        ("mqtt = true", 'mqtt = "a/+"', "contact[0].mqtt"),
        ("mqtt = true", 'webhook = "ftp://x"', "contact[0].webhook"),
        ("a@example.org", "nobody", "contact[0].email"),
        ("mqtt = true", 'channels = ["webhook"]', "contact[0].channels"),
        ('phone = "139"', "phone = 139", "contact[0].phone"),
        ('phone = "139"', 'fon = "139"', "contact[0].fon"),
        ("contacts = ['desk1']", 'contacts = ["zhang"]', "duty[0].contacts"),
        ('[[duty]]\nunit = "desk"', '[[duty]]\nunit = "desk"\ntime = "25:00"', "duty[0].time"),
        ('[[duty]]\nunit = "desk"', '[[duty]]\nunit = "desk"\ntz = "Mars/X"', "duty[0].tz"),
        ('[[duty]]\nunit = "desk"', '[[duty]]\nunit = "desk"\nweekday = "day"', "duty[0].weekday"),
        ('[[duty]]\nunit = "desk"', '[[duty]]\nunit = "desk"\nstart = "x"', "duty[0].start"),
        ("lat = 29.55", "lat = 129.55", "unit[4].lat"),
        ("[[duty]]", "[[dutty]]", "dutty"),
        ("[[unit]]", "[[unit]", "TOML"),
    ],
)
def test_a_wrong_directory_is_refused_by_name(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in BASE
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, BASE.replace(old, new, 1))
    assert refused.value.key == key
    assert refused.value.way_out.zh and refused.value.way_out.en


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="site folder"):
        load_directory(tmp_path / "none.toml")
