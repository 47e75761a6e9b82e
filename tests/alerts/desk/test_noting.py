from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import journal
from alerts.desk.noting import LONGEST, notes_of
from alerts.journal import audit
from alerts.model import Actor, Role
from tests.alerts.conftest import T0, House, raised

LIU, SUN = Actor("刘洋", Role.OPERATOR), Actor("孙丽", Role.ADMIN)


def lines(house: House) -> list[tuple[str, str, dict[str, str]]]:
    with reading(house.engine) as conn:
        rows = conn.execute(select(journal).where(journal.c.kind.in_(["note", "note_off"])))
        return [(r["kind"], r["actor"], orjson.loads(r["data"])) for r in rows.mappings()]


@pytest.fixture
def alert(house: House) -> int:
    events = house.desk.apply(T0, [raised()])
    return next(one.alert_id for one in events if one.alert_id)


def note(house: House, alert: int) -> dict[str, object] | None:
    with reading(house.engine) as conn:
        return notes_of(conn, [alert]).get(alert)


def test_a_note_is_kept_changed_and_taken_off_and_the_journal_knows_it_all(
    house: House, alert: int
) -> None:
    desk = house.desk
    assert desk.note(alert, " 钥匙在门岗 ", LIU, T0 + 1000, 0).changed
    assert note(house, alert) == {
        "text": "钥匙在门岗", "version": 1, "at_ms": T0 + 1000, "name": "刘洋",
    }  # fmt: skip
    same = desk.note(alert, "钥匙在门岗", SUN, T0 + 2000, 1)
    assert (same.ok, same.changed) == (True, False)
    assert desk.note(alert, "钥匙在物业", SUN, T0 + 3000, 1).changed
    assert desk.note(alert, "", SUN, T0 + 4000, 2).changed
    kept = note(house, alert)
    assert kept is not None and (kept["text"], kept["version"]) == ("", 3)
    assert lines(house) == [
        ("note", "刘洋", {"comment": "钥匙在门岗"}),
        ("note", "孙丽", {"comment": "钥匙在物业"}),
        ("note_off", "孙丽", {"was": "钥匙在物业"}),
    ]
    with reading(house.engine) as conn:
        assert list(audit.check(conn)) == []


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(house: House, alert: int) -> None:
    house.desk.note(alert, "first", LIU, T0 + 1000, 0)
    late = house.desk.note(alert, "second", SUN, T0 + 2000, 0)
    assert (late.ok, late.changed) == (False, False)
    assert "刘洋" in late.text.zh and "08:00" in late.text.en
    kept = note(house, alert)
    assert kept is not None and kept["text"] == "first"


def test_only_the_desk_writes_and_not_a_novel(house: House, alert: int) -> None:
    firm = house.desk.note(alert, "x", Actor("张伟", Role.FIRM, "anda"), T0 + 1000)
    assert not firm.ok and "operator" in firm.text.en
    long = house.desk.note(alert, "x" * (LONGEST + 1), LIU, T0 + 1000)
    assert not long.ok and str(LONGEST) in long.text.en
    assert not house.desk.note(99, "x", LIU, T0 + 1000).ok
    assert note(house, alert) is None and lines(house) == []
