"""A shift told from journal and tables, as of its end, and signed by two officers."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import journal
from alerts.handover import Span, build_report, choices, signing
from alerts.handover.paper import handover_pdf, service_lines
from alerts.handover.report import Reporter
from alerts.handover.shift import CHANGES
from alerts.lifecycle.causes import load_causes
from alerts.model import Actor, Role, Step
from alerts.story.sheet import Sheet, fonts
from config.text import Text
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, TZ, House, raised
from tests.alerts.notify.test_outbox import Make

S, MIN, HOUR = 1000, 60_000, 3_600_000
SHIFT = Span(T0, T0 + 12 * HOUR, ("值班台",))
LIU, CHEN = Actor("liuyang", Role.OPERATOR), Actor("chenchen", Role.OPERATOR)
ADMIN, ZHANG = Actor("admin", Role.ADMIN), Actor("张伟", Role.FIRM, "anda", "zhang")


class Rig:
    def __init__(self, house: House) -> None:
        self.house = house
        desk = house.desk
        self.teller = Reporter(desk.chains, desk.directory, desk.subjects, load_causes())

    def raise_(self, at_ms: int, *args: Any, **more: Any) -> int:
        events = self.house.desk.apply(at_ms, [raised(*args, at_ms=at_ms, **more)])
        return next(e.alert_id for e in events if e.kind == "raised" and e.alert_id)

    def step(self, ident: int, step: Step, at_ms: int, who: Actor = ZHANG, **more: Any) -> None:
        self.house.desk.tick(at_ms)
        result = self.house.desk.act(ident, step, who, at_ms, **more)
        assert result.ok, result.text.en

    def report(self, now_ms: int, span: Span = SHIFT) -> dict[str, Any]:
        with reading(self.house.engine) as conn:
            return build_report(conn, self.teller, span, now_ms)


@pytest.fixture
def rig(tmp_path: Path, site_directory: Make) -> Rig:
    book = site_directory(lambda who: f'webhook = "http://127.0.0.1:9/{who}"\n')
    return Rig(House(f"sqlite:///{tmp_path / 'shift.db'}", book))


def rescue(rig: Rig, at_ms: int, subject: str = CAR, arrive_s: int = 600) -> int:
    ident = rig.raise_(at_ms, "1", subject)
    rig.step(ident, Step.ACCEPT, at_ms + 40 * S)
    rig.step(ident, Step.ARRIVE, at_ms + arrive_s * S)
    rig.step(ident, Step.FREE, at_ms + 1200 * S)
    rig.step(ident, Step.FILE_CAUSE, at_ms + 1300 * S, cause="door")
    return ident


def test_what_happened_and_what_is_left(rig: Rig) -> None:
    first = rescue(rig, T0 + HOUR)
    rig.step(first, Step.VERIFY, T0 + 2 * HOUR, LIU, comment="现场正常")
    second = rescue(rig, T0 + 3 * HOUR, CAR_2, arrive_s=1000)
    third = rig.raise_(T0 + 5 * HOUR, "16", CAR_3, people=0)
    report = rig.report(T0 + 6 * HOUR)
    assert [one["alert"] for one in report["open"]] == [second, third]
    assert [one["stage"] for one in report["open"]] == ["cause_filed", "unacknowledged"]
    assert (report["open"][0]["owner"], report["open"][1]["owner"]) == ("张伟", None)
    assert report["open"][0]["owner_unit"]["en"] == "Unit anda"
    assert (report["raised"]["critical"], report["raised"]["total"]) == (2, 3)
    assert (report["closed"]["critical"], report["closed"]["total"]) == (1, 1)
    assert [(one["alert"], one["in_time"]) for one in report["freed"]] == [
        (first, True), (second, False),
    ]  # fmt: skip
    assert report["freed_people"] == 4 and report["freed"][0]["accept_took_ms"] == 40 * S
    assert report["freed"][0]["arrive_limit_ms"] == 900 * S
    assert report["running"] and report["as_of_ms"] == T0 + 6 * HOUR
    first_line, last = report["journal"]["first"], report["journal"]["last"]
    assert 0 < first_line < last and len(report["journal"]["hash"]) == 64


def test_an_earlier_moment_is_told_as_it_was_then(rig: Rig) -> None:
    ident = rescue(rig, T0 + HOUR)
    then = rig.report(T0 + HOUR + 100 * S)
    (one,) = then["open"]
    assert (one["stage"], one["stage_ms"]) == ("accepted", T0 + HOUR + 40 * S)
    assert then["freed"] == [] and then["freed_people"] == 0
    before = rig.report(T0 + HOUR + 10 * S)["open"][0]
    assert (before["alert"], before["stage"], before["owner"]) == (ident, "unacknowledged", None)
    assert rig.report(T0 + HOUR - 1)["open"] == []


def test_another_shift_has_other_events(rig: Rig) -> None:
    ident = rescue(rig, T0 + HOUR)
    later = Span(T0 + 12 * HOUR, T0 + 24 * HOUR)
    report = rig.report(T0 + 13 * HOUR, later)
    assert [one["alert"] for one in report["open"]] == [ident]
    assert report["raised"]["total"] == 0 and report["freed"] == []
    assert report["journal"] == {"first": 0, "last": 0, "hash": None}


def test_escalations_are_deadlines_that_passed(rig: Rig) -> None:
    rig.raise_(T0 + HOUR, "1")
    for after_s in (31, 61, 181):
        rig.house.desk.tick(T0 + HOUR + after_s * S)
    report = rig.report(T0 + 2 * HOUR)
    steps = [one["step"] for one in report["escalations"]]
    assert steps == ["use_unit_second", "maintenance_deputy", "station"]
    assert report["escalations_total"] == 3
    assert all(one["text"]["zh"] for one in report["escalations"])


def test_false_alarms_asides_and_exercises(rig: Rig) -> None:
    false = rig.raise_(T0 + HOUR, "16", CAR_3, people=0)
    rig.step(false, Step.CANCEL, T0 + 2 * HOUR, LIU, comment="误报")
    shelved = rig.raise_(T0 + 2 * HOUR, "29", CAR_2, people=0)
    until_ms = T0 + 8 * HOUR
    rig.step(shelved, Step.SHELVE, T0 + 3 * HOUR, LIU, comment="待备件", until_ms=until_ms)
    desk = rig.house.desk
    desk.take_out_of_service(CAR_3, LIU, T0 + 3 * HOUR, "大修", until_ms)
    desk.drill(T0 + 4 * HOUR, CAR, ADMIN)
    report = rig.report(T0 + 5 * HOUR)
    assert [one["alert"] for one in report["false_alarms"]] == [false]
    asides = {one["kind"]: one for one in report["asides"]}
    assert set(asides) == {"shelved", "out_of_service"}
    assert (asides["shelved"]["alert"], asides["shelved"]["until_ms"]) == (shelved, until_ms)
    assert asides["out_of_service"]["place"] == "豪庭花园 3 栋"
    (drill,) = report["drills"]
    assert drill["rule"] == "1" and report["raised"]["critical"] == 0, "an exercise counts nowhere"
    assert [one["alert"] for one in report["open"]] == [shelved]


def test_a_note_is_told_as_it_read_then(rig: Rig) -> None:
    ident = rig.raise_(T0 + HOUR, "16", people=0)
    desk = rig.house.desk
    desk.note(ident, "钥匙在门卫", LIU, T0 + 2 * HOUR)
    desk.note(ident, "钥匙已还", CHEN, T0 + 4 * HOUR)
    assert rig.report(T0 + 3 * HOUR)["open"][0]["note"]["text"] == "钥匙在门卫"
    now = rig.report(T0 + 5 * HOUR)["open"][0]["note"]
    assert (now["text"], now["by"]) == ("钥匙已还", "chenchen")


def test_trouble_of_the_service_is_told_while_the_shift_runs(rig: Rig) -> None:
    teller = replace(rig.teller, service=(Text("数据库繁忙", "the store is busy"),))
    with reading(rig.house.engine) as conn:
        running = build_report(conn, teller, SHIFT, T0 + HOUR)
        over = build_report(conn, teller, SHIFT, T0 + 13 * HOUR)
    assert [text.en for text in service_lines(running)] == ["the store is busy"]
    assert service_lines(over) == [], "what is wrong now says nothing of a shift that is over"


def test_two_officers_sign_for_the_same_report(rig: Rig) -> None:
    engine, ident = rig.house.engine, rescue(rig, T0 + HOUR)
    report = rig.report(T0 + 11 * HOUR)
    assert not signing.give(engine, report, "", ZHANG, T0).ok
    assert signing.give(engine, report, "3 号楼今日检修", LIU, T0 + 11 * HOUR).ok
    with reading(engine) as conn:
        given = signing.found(conn, SHIFT.from_ms, SHIFT.to_ms)
    assert given is not None and given["report"] == report
    assert given["digest"] == signing.digest_of(report)
    number, digest = given["id"], given["digest"]
    assert not signing.give(engine, report, "", CHEN, T0 + 11 * HOUR).ok
    assert not signing.take(engine, number, digest, LIU, T0 + 11 * HOUR).ok, "not by oneself"
    newer = rig.report(T0 + 11 * HOUR + MIN)
    assert signing.give(engine, newer, "又一条", LIU, T0 + 11 * HOUR + MIN).ok
    stale = signing.take(engine, number, digest, CHEN, T0 + 12 * HOUR)
    assert not stale.ok and "again" in stale.text.en
    fresh = signing.digest_of(newer)
    assert signing.take(engine, number, fresh, CHEN, T0 + 12 * HOUR).changed
    again = signing.take(engine, number, fresh, CHEN, T0 + 12 * HOUR)
    assert again.ok and not again.changed
    assert not signing.give(engine, newer, "", LIU, T0 + 12 * HOUR).ok, "a taken shift stands"
    with reading(engine) as conn:
        rows = conn.execute(
            select(journal.c.kind, journal.c.actor).where(journal.c.kind.startswith("handover_"))
        ).all()
        kept = signing.by_id(conn, number)
    assert [tuple(row) for row in rows] == [
        ("handover_given", "liuyang"), ("handover_given", "liuyang"),
        ("handover_taken", "chenchen"),
    ]  # fmt: skip
    assert kept is not None and kept["taken_by"] == "chenchen" and ident


@pytest.mark.parametrize("lang", ["zh_CN", "en"])
def test_the_paper(rig: Rig, lang: str) -> None:
    rescue(rig, T0 + HOUR)
    rig.raise_(T0 + 2 * HOUR, "23", "g1", people=0, kind="gateway")
    report = rig.report(T0 + 3 * HOUR)
    assert [one["subject"] for one in report["gateways"]] == ["g1"]
    sheet = Sheet(lang, TZ, fonts())
    paper = handover_pdf(report, None, sheet)
    assert paper.startswith(b"%PDF") and paper == handover_pdf(report, None, sheet)
    signed = {
        "given_by": "liuyang", "given_ms": T0, "taken_by": None, "taken_ms": None,
        "remark": "钥匙", "digest": "a" * 64,
    }  # fmt: skip
    assert len(BytesIO(handover_pdf(report, signed, sheet)).getvalue()) > len(paper) / 2


def test_shifts_come_from_the_roster_else_day_and_night(rig: Rig) -> None:
    book = rig.house.desk.directory
    found = choices(book, T0 + HOUR, TZ)
    assert found[0].from_ms <= T0 + HOUR < found[0].to_ms and found[0].officers == ("值班台",)
    bare = choices(replace(book, rosters={}), T0 + HOUR, TZ)
    assert (bare[0].from_ms, bare[0].to_ms) == (T0, T0 + 12 * HOUR), CHANGES
    assert [one.from_ms for one in bare] == sorted((o.from_ms for o in bare), reverse=True)
