"""Critical alerts as CAP 1.2, validated against a schema and read by a plain XML reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema

from alerts.model import Step
from alerts.notify.cap import DEFAULT_CAP, NAMESPACE, CapFeed, Document, documents, load_cap
from config.errors import ConfigError
from config.text import Text
from tests.alerts.conftest import CAR, T0, TZ, House, raised

S = 1000
SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[2] / "support" / "cap12.xsd")
C = f"{{{NAMESPACE}}}"


@pytest.fixture
def feed() -> CapFeed:
    return CapFeed(
        load_cap(), "liftwatch@example.org", Text("九龙坡区", "Jiulongpo"), "http://house", TZ
    )


def written(house: House, feed: CapFeed, alert: int = 1, **more: Any) -> list[bytes]:
    found = house.alert(alert) | more
    subject = house.desk.subjects.of(found["subject_kind"], found["subject"])
    made = documents(alert, found["timeline"])
    return [feed.xml(one, found, subject) for one in made]


def word(xml: bytes, path: str) -> str | None:
    return ElementTree.fromstring(xml).findtext("/".join(C + part for part in path.split("/")))


def a_rescue(house: House) -> None:
    house.raise_(raised())
    for number, (step, who, more) in enumerate(
        (
            (Step.ACCEPT, "zhang", {}),
            (Step.DEPART, "zhang", {}),
            (Step.ARRIVE, "zhang", {}),
            (Step.FREE, "zhang", {}),
            (Step.FILE_CAUSE, "zhang", {"cause": "door"}),
            (Step.VERIFY, "operator", {"comment": "sensor"}),
        ),
        1,
    ):
        assert house.act(1, step, who, T0 + 60 * S * number, **more).ok


def test_a_whole_rescue_is_valid_and_each_document_refers_to_those_before(
    house: House, feed: CapFeed
) -> None:
    a_rescue(house)
    xmls = written(house, feed)
    for xml in xmls:
        SCHEMA.validate(xml.decode())
    kinds = [word(xml, "msgType") for xml in xmls]
    assert kinds == ["Alert", *["Update"] * 4, "Cancel"]
    names = [word(xml, "identifier") for xml in xmls]
    assert len(set(names)) == len(names)
    earlier = (word(xmls[-1], "references") or "").split()
    assert [one.split(",")[1] for one in earlier] == names[:-1]
    assert [one.split(",")[2] for one in earlier] == [word(xml, "sent") for xml in xmls[:-1]]
    assert word(xmls[0], "references") is None
    assert word(xmls[0], "sent") == "2026-01-01T08:00:00+08:00"
    urgencies = [word(xml, "info/urgency") for xml in xmls]
    assert urgencies == [*["Immediate"] * 4, "Past", "Past"]
    assert [word(xml, "info/severity") for xml in xmls] == [
        *["Extreme"] * 4, "Severe", "Minor"
    ]  # fmt: skip
    assert word(xmls[-1], "info/responseType") == "AllClear"


def test_a_document_says_what_and_where_in_both_languages(house: House, feed: CapFeed) -> None:
    house.raise_(raised())
    xml = written(house, feed)[0]
    infos = ElementTree.fromstring(xml).findall(f"{C}info")
    assert [info.findtext(f"{C}language") for info in infos] == ["zh-CN", "en"]
    assert [info.findtext(f"{C}event") for info in infos] == ["非平层困人", "trapped, not level"]
    assert "人员：2 人" in str(infos[0].findtext(f"{C}description"))
    assert "People: 2" in str(infos[1].findtext(f"{C}description"))
    assert word(xml, "info/category") == "Rescue"
    assert word(xml, "info/area/circle") == "29.500000,106.500000 0.05"
    assert word(xml, "info/area/areaDesc") == "豪庭花园 3 栋 1 号梯"
    assert word(xml, "info/area/geocode/value") == CAR
    assert word(xml, "info/web") == "http://house/alerts/1"
    assert (word(xml, "status"), word(xml, "scope")) == ("Actual", "Restricted")
    assert "/page/" not in xml.decode() and "张伟" not in xml.decode(), "nobody's link or name"


def test_a_document_never_changes_though_the_alert_does(house: House, feed: CapFeed) -> None:
    house.raise_(raised("4", people=None))
    first = written(house, feed)[0]
    assert word(first, "info/category") == "Safety"
    house.raise_(raised("4", at_ms=T0 + 60 * S, since_ms=T0 - 30_000, people=3))
    again = written(house, feed)
    assert again[0] == first
    for xml in again:
        SCHEMA.validate(xml.decode())
    if len(again) > 1:
        assert word(again[1], "info/severity") == "Extreme"


def test_an_exercise_cannot_be_taken_for_real(house: House, feed: CapFeed) -> None:
    house.raise_(raised())
    assert word(written(house, feed, exercise=True)[0], "status") == "Exercise"


def test_what_xml_cannot_carry_is_left_out(house: House, feed: CapFeed) -> None:
    house.raise_(raised())
    xml = written(house, feed, place='<A&B> "3"\x00\x0b', incident="a b")[0]
    SCHEMA.validate(xml.decode())
    assert word(xml, "info/area/areaDesc") == '<A&B> "3" 1 号梯'
    assert word(xml, "incidents") == '"a b"'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<msgType>Alert<", "<msgType>Alarm<"),
        ("+08:00</sent>", "Z</sent>"),
        ("<urgency>Immediate</urgency>", ""),
        ("<identifier>", "<identifier>a b"),
        ("29.500000,", "29.5N,"),
    ],
)
def test_the_schema_sees_what_is_wrong(house: House, feed: CapFeed, old: str, new: str) -> None:
    house.raise_(raised())
    xml = written(house, feed)[0].decode()
    assert SCHEMA.is_valid(xml)
    assert not SCHEMA.is_valid(xml.replace(old, new))


def test_the_index_lists_the_newest_document_of_each(house: House, feed: CapFeed) -> None:
    a_rescue(house)
    found = house.alert()
    newest: list[tuple[Document, dict[str, Any]]] = [
        (documents(1, found["timeline"])[-1], found)
    ]  # fmt: skip
    atom = ElementTree.fromstring(feed.atom(newest, "http://house/cap/t"))
    a = "{http://www.w3.org/2005/Atom}"
    for name in ("id", "title", "updated", f"author/{a}name"):
        assert atom.findtext(a + name)
    entries = atom.findall(f"{a}entry")
    links = [entry.find(f"{a}link") for entry in entries]
    assert len(entries) == 1 and links[0] is not None
    assert links[0].get("type") == "application/cap+xml"
    assert str(links[0].get("href")).startswith("http://house/cap/t/lw-1-")
    assert str(entries[0].findtext(f"{a}title")).startswith("Cancel · ")
    empty = ElementTree.fromstring(feed.atom([], "http://house/cap/t"))
    assert empty.findall(f"{a}entry") == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('urgency = "Immediate"', 'urgency = "Now"', "urgency"),
        ("radius_km", "radius_m", "radius_m"),
        ("radius_km = 0.05", "radius_km = -1", "radius_km"),
    ],
)
def test_a_site_may_say_it_otherwise_within_the_standard(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    file = tmp_path / "cap.toml"
    file.write_text(DEFAULT_CAP.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError, match=told):
        load_cap(file)
