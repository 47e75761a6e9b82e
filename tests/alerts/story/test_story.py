"""The story of a rescue: every stage, deadline and call, told from the rows themselves."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from alerts.database.access import reading
from alerts.lifecycle.causes import load_causes
from alerts.model import Step
from alerts.notify.channel import Receipt
from alerts.story import Teller, build_draft, build_story, draft_pdf, story_pdf
from alerts.story.paper import Frameword, print_pages
from alerts.story.sheet import Sheet, fonts
from config.errors import ConfigError
from tests.alerts.conftest import CAR_2, CAR_3, T0, TZ, House, cleared, raised
from tests.support import by_hand

S = 1000


def tell(house: House, at_ms: int, alert: int = 1, unit: str | None = None) -> dict[str, Any]:
    teller = Teller(house.desk.chains, house.directory, house.desk.pages, load_causes())
    with reading(house.engine) as conn:
        story = build_story(conn, teller, alert, at_ms, unit)
    assert story is not None
    return story


def send(house: House, at_ms: int) -> None:
    for row in by_hand.claim(house.engine, "mqtt", 100, at_ms, "w", 60_000):
        assert by_hand.delivered(house.engine, row, "w", at_ms + 300, Receipt("ok"))


def rescue(house: House) -> None:
    """Accepted after 75 s, arrived 110 s late, freed after 22 min."""
    house.raise_(raised())
    send(house, T0 + S)
    for after_s in (31, 61):
        house.desk.tick(T0 + after_s * S)
    house.act(1, Step.ACCEPT, "zhang", T0 + 75 * S)
    for after_s in (720, 900):
        house.desk.tick(T0 + after_s * S)
    house.act(1, Step.ARRIVE, "zhang", T0 + 1010 * S)
    house.act(1, Step.FREE, "zhang", T0 + 1320 * S)
    house.act(1, Step.FILE_CAUSE, "zhang", T0 + 1500 * S, cause="door.landing_lock: 7 层")


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def test_every_stage_stands_in_its_time(house: House) -> None:
    rescue(house)
    story = tell(house, T0 + 1800 * S)
    at = {one["id"]: one["at_ms"] - T0 for one in story["milestones"]}
    assert at == {
        "signal": -30 * S, "raised": 0, "called": 0, "delivered": S + 300, "answered": 75 * S,
        "accepted": 75 * S, "arrived": 1010 * S, "freed": 1320 * S, "cause_filed": 1500 * S,
    }  # fmt: skip
    assert [one["by"] for one in story["milestones"] if one["id"] == "arrived"] == ["张伟"]
    took = {one["id"]: one["ms"] for one in story["durations"]}
    assert (took["answer"], took["way"], took["freeing"]) == (75 * S, 935 * S, 310 * S)
    assert took["held"] == 1350 * S
    assert story["cause"] == {
        "zh": "门系统·层门锁触点：7 层", "en": "Doors: landing door lock contact: 7 层",
    }  # fmt: skip


def test_deadlines_are_met_or_missed_by_what_people_did(house: House) -> None:
    rescue(house)
    dues = by_id(tell(house, T0 + 1800 * S)["deadlines"])
    told = {name: (one["result"], one["margin_ms"]) for name, one in dues.items()}
    assert told == {
        "use_unit_second": ("missed", -1290 * S),  # the use unit never answered
        "maintenance_deputy": ("missed", -15 * S),
        "station": ("met", 105 * S),
        "public": ("met", 225 * S),
        "arrival_warning": ("missed", -290 * S),
        "arrival": ("missed", -110 * S),
        "one_hour": ("met", 2280 * S),
        "accident": ("met", 5880 * S),
    }
    assert dues["arrival"]["limit"]


def test_while_a_rescue_runs_what_is_left_is_told(house: House) -> None:
    house.raise_(raised())
    story = tell(house, T0 + 20 * S)
    dues = by_id(story["deadlines"])
    assert (dues["arrival"]["result"], dues["arrival"]["margin_ms"]) == ("open", 880 * S)
    held = by_id(story["durations"])["held"]
    assert (held["running"], held["ms"]) == (True, 50 * S)
    assert by_id(story["durations"])["way"]["ms"] is None
    late = by_id(tell(house, T0 + 1000 * S)["deadlines"])["arrival"]
    assert (late["result"], late["margin_ms"]) == ("missed", -100 * S)


def test_a_fault_that_went_away_has_missed_nothing(house: House) -> None:
    one = raised("16", people=None)
    house.raise_(one)
    house.raise_(cleared(one, T0 + 60 * S))
    dues = by_id(tell(house, T0 + 7200 * S)["deadlines"])
    assert {d["result"] for d in dues.values()} == {"not_needed"}
    assert dues["manager"]["reason"]["en"] == "the condition had gone"


def test_a_call_raised_anew_is_judged_by_its_own_round(house: House) -> None:
    first = raised()
    house.raise_(first)
    house.act(1, Step.ACKNOWLEDGE, "operator", T0 + 10 * S)
    house.raise_(cleared(first, T0 + 20 * S))
    house.raise_(raised(at_ms=T0 + 4000 * S))
    assert house.alert()["again_count"] == 1
    dues = tell(house, T0 + 4001 * S)["deadlines"]
    opened = [d for d in dues if d["id"] == "station" and d["result"] == "open"]
    assert [d["due_ms"] for d in opened] == [T0 + 4180 * S]


def test_two_alarms_of_one_car_are_one_story(house: House) -> None:
    house.raise_(raised(), raised("3", at_ms=T0 + 5 * S), raised("1", CAR_2, at_ms=T0 + 5 * S))
    house.act(1, Step.ACCEPT, "zhang", T0 + 20 * S)
    story = tell(house, T0 + 25 * S, alert=2)
    assert [one["id"] for one in story["alerts"]] == [1, 2]
    assert len(by_id(story["deadlines"])) == len(story["deadlines"])
    assert by_id(story["milestones"])["raised"]["at_ms"] == T0


def test_calls_tell_who_by_what_way_and_when(house: House) -> None:
    rescue(house)
    calls = tell(house, T0 + 1800 * S)["calls"]
    first = next(c for c in calls if c["step"] == "maintenance")
    assert (first["who"], first["channel"], first["state"]) == ("张伟", "mqtt", "delivered")
    assert (first["created_ms"], first["delivered_ms"]) == (T0, T0 + S + 300)
    assert first["why"]["zh"] == "通知维保值班"
    assert {c["state"] for c in calls if c["step"] == "maintenance_deputy"} == {"withdrawn"}


def test_a_unit_reads_its_own_alerts_and_no_receipts_of_others(house: House) -> None:
    rescue(house)
    story = tell(house, T0 + 1800 * S, unit="anda")
    receipts = {c["unit"]: c["receipt"] for c in story["calls"] if c["state"] == "delivered"}
    assert receipts["anda"] == "ok"
    assert receipts["desk"] is None
    house.raise_(raised("16", CAR_3, people=None, at_ms=T0 + 2000 * S))
    teller = Teller(house.desk.chains, house.directory, house.desk.pages, load_causes())
    with reading(house.engine) as conn:
        assert build_story(conn, teller, 2, T0 + 2000 * S, "anda") is None
        assert build_story(conn, teller, 99, T0) is None


def words_of(pdf: bytes) -> str:
    """The letters of a PDF's pages, read once as Latin and once as UCS-2 (UniGB-UCS2-H)."""
    latin = chinese = ""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        page = zlib.decompress(a85decode(stream.strip(), adobe=True))
        for raw in re.findall(rb"\(((?:\\.|[^\\()])*)\) Tj", page, re.DOTALL):
            plain = re.sub(
                rb"\\([0-7]{3}|.)",
                lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else m[1],
                raw,
            )
            latin += plain.decode("latin-1")
            chinese += plain.decode("utf-16-be", "ignore")
    return latin + chinese


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("电梯警情处置记录", "非平层困人", "豪庭花园", "张伟", "到场时限", "层门锁触点")),
        ("en", ("Record of a lift alert", "Arrival limit", "Course of events", "豪庭花园")),
    ],
)
def test_the_paper_says_the_same_in_either_language(
    house: House, lang: str, words: tuple[str, ...]
) -> None:
    rescue(house)
    story = tell(house, T0 + 1800 * S)
    pdf = story_pdf(story, Sheet(lang, TZ, fonts()))
    assert pdf.startswith(b"%PDF") and b"STSong-Light" in pdf
    said = words_of(pdf)
    for word in words:
        assert word in said, word
    assert pdf == story_pdf(story, Sheet(lang, TZ, fonts())), "the same story, the same bytes"


def test_two_hours_in_the_car_make_an_accident_draft(house: House) -> None:
    house.raise_(raised())
    for after_s in (31, 61, 181, 301, 721, 901, 3601, 7201):
        house.desk.tick(T0 + after_s * S)
    story = tell(house, T0 + 7300 * S)
    assert story["accident"]
    draft = build_draft(story, TZ)
    fields = {
        f"{section['id']}.{field['id']}": field["value"]
        for section in draft["sections"]
        for field in section["fields"]
    }
    assert draft["due"]
    assert fields["course.held"] == {
        "zh": "122 分钟（仍在继续）", "en": "122 min (still going on)",
    }  # fmt: skip
    assert fields["event.time"]["zh"] == "2026-01-01 07:59:30 +0800"
    assert fields["units.maintenance"] == {"zh": "单位anda 023-1", "en": "Unit anda 023-1"}
    missing = {name for name, value in fields.items() if value is None}
    assert {"course.injured", "reporter.name", "units.maker", "class.cause"} <= missing
    assert draft["missing"] == len(missing)
    said = words_of(draft_pdf(draft, Sheet("zh", TZ, fonts())))
    assert "一般事故" in said and "待补" in said


def test_a_quick_rescue_is_no_accident(house: House) -> None:
    rescue(house)
    draft = build_draft(tell(house, T0 + 1800 * S), TZ)
    assert not draft["due"]
    assert next(s for s in draft["sections"] if s["id"] == "class")["fields"][0]["value"] is None


def test_a_font_with_chinese_is_embedded_and_one_without_is_refused(tmp_path: Path) -> None:
    def font(letters: str) -> Path:
        """A TrueType file in which every letter is a box."""
        pen = TTGlyphPen(None)
        for corner in ((0, 0), (0, 700), (500, 700), (500, 0)):
            (pen.moveTo if corner == (0, 0) else pen.lineTo)(corner)
        pen.closePath()
        box = pen.glyph()
        names = [".notdef"] + [f"u{ord(letter):x}" for letter in letters]
        build = FontBuilder(1000, isTTF=True)
        build.setupGlyphOrder(names)
        build.setupCharacterMap({ord(x): f"u{ord(x):x}" for x in letters})
        build.setupGlyf(dict.fromkeys(names, box))
        build.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
        build.setupHorizontalHeader(ascent=800, descent=-200)
        build.setupNameTable({"familyName": "Box", "styleName": "Regular"})
        build.setupOS2(sTypoAscender=800)
        build.setupPost()
        file = tmp_path / f"box{len(letters)}.ttf"
        build.save(file)
        return file

    own = fonts(font("".join(map(chr, range(32, 127))) + "电梯警情处置记录困人"))
    assert own.latin == own.other != "STSong-Light"
    sheet = Sheet("zh", TZ, own)
    pdf = print_pages(Frameword("t", "s", "foot", False), sheet, [sheet.p("电梯警情处置记录")])
    assert b"/FontFile2" in pdf and b"STSong" not in pdf
    with pytest.raises(ConfigError, match="pdf_font"):
        fonts(font("abc"))
