from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, text

from alerts.database.access import reading, writing
from alerts.database.tables import metadata
from alerts.journal import audit, journal
from alerts.model import Actor, Origin, Role, Step
from tests.alerts.conftest import CAR_2, CAR_3, OPERATOR, T0, House, cleared, raised

S = 1000


def everything(house: House) -> dict[str, list[Any]]:
    with reading(house.engine) as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(select(table))]
            for table in metadata.sorted_tables
        }


def test_the_same_transitions_twice_change_nothing(house: House) -> None:
    one = raised()
    again = raised(at_ms=T0 + 60 * S)
    batch = [one, cleared(one, T0 + 40 * S), again, raised("16", CAR_2, people=None)]
    house.raise_(*batch, now_ms=T0 + 60 * S)
    before = everything(house)
    assert house.raise_(*batch, now_ms=T0 + 61 * S) == []
    assert everything(house) == before


def test_a_new_onset_joins_the_open_alert(house: House) -> None:
    one = raised()
    house.raise_(one)
    pages = house.pages()
    house.raise_(cleared(one, T0 + S))
    assert house.alert()["cleared_ms"] == T0 + S
    house.raise_(raised(at_ms=T0 + 2 * S, since_ms=T0 + 2 * S))
    found = house.alert()
    assert (found["cleared_ms"], found["again_count"]) == (None, 1)
    assert house.kinds() == ["raised", "paged", "paged", "paged", "cleared", "again"]
    assert len(house.alerts()) == 1
    assert house.pages() == pages


def test_after_the_people_are_free_a_new_onset_is_a_new_rescue(house: House) -> None:
    one = raised()
    house.raise_(one)
    house.act(1, Step.FREE, "zhang", T0 + 300 * S)
    house.raise_(raised(at_ms=T0 + 600 * S))
    assert [a["id"] for a in house.alerts()] == [2, 1]
    assert house.alert(2)["rescue_state"] == "raised"
    assert "2:maintenance:zhang:mqtt" in house.pages("due")


def test_a_clear_of_an_older_onset_leaves_the_newer_one(house: House) -> None:
    one, two = raised(), raised(at_ms=T0 + 60 * S)
    house.raise_(one, two)
    house.raise_(cleared(one, T0 + 61 * S))
    assert house.alert()["cleared_ms"] is None
    house.raise_(cleared(two, T0 + 62 * S))
    assert house.alert()["cleared_ms"] == T0 + 62 * S


def test_a_fault_that_is_acknowledged_and_gone_is_closed(house: House) -> None:
    one = raised("16", people=None)
    house.raise_(one)
    assert house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + S).ok
    house.raise_(cleared(one, T0 + 2 * S))
    found = house.alert()
    assert (found["alarm_state"], found["closed_ms"]) == ("closed", T0 + 2 * S)
    assert found["next_due_ms"] is None
    assert house.alerts() == []
    house.raise_(raised("16", people=None, at_ms=T0 + 3 * S))
    assert house.alert(2)["alarm_state"] == "unacknowledged"


def test_a_latched_alert_waits_for_verification(house: House) -> None:
    one = raised()
    house.raise_(one)
    for step in (Step.ACCEPT, Step.DEPART, Step.ARRIVE, Step.FREE):
        assert house.act(1, step, "zhang", T0 + 100 * S).changed
    house.act(1, Step.FILE_CAUSE, "zhang", T0 + 200 * S, cause="门锁触点氧化")
    refused = house.act(1, Step.VERIFY, "operator", T0 + 210 * S)
    assert not refused.ok
    house.raise_(cleared(one, T0 + 220 * S))
    assert house.alert()["alarm_state"] == "latched"
    assert not house.act(1, Step.VERIFY, "zhang", T0 + 230 * S).ok
    assert house.act(1, Step.VERIFY, "operator", T0 + 240 * S).changed
    found = house.alert()
    assert (found["alarm_state"], found["rescue_state"]) == ("closed", "verified")
    assert (found["owner"], found["cause"]) == ("张伟", "门锁触点氧化")
    assert found["timers"] and all(one["state"] != "pending" for one in found["timers"])
    times = [found[f"{name}_ms"] for name in ("accepted", "arrived", "freed", "cause_filed")]
    assert times == [T0 + 100 * S] * 3 + [T0 + 200 * S]


def test_double_taps_get_a_friendly_word(house: House) -> None:
    house.raise_(raised())
    assert house.act(1, Step.ACCEPT, "zhang", T0 + 10 * S).changed
    version = house.alert()["version"]
    second = house.act(1, Step.ACCEPT, "li", T0 + 11 * S)
    assert (second.ok, second.changed) == (True, False)
    assert second.text.en == "张伟 already accepted at 08:00"
    assert house.alert()["version"] == version
    assert house.kinds().count("accepted") == 1


def test_a_firm_acts_only_on_its_own_lifts(house: House) -> None:
    house.raise_(raised("16", CAR_3, people=None))  # maintained by kone, used by haoting
    assert not house.act(1, Step.ACKNOWLEDGE, "zhang", T0).ok
    assert house.alert()["alarm_state"] == "unacknowledged"
    assert house.act(1, Step.ACKNOWLEDGE, "pm1", T0).ok
    assert house.alerts(unit="anda") == []
    assert len(house.alerts(unit="kone")) == 1


def test_a_unit_that_is_paged_takes_part(house: House) -> None:
    house.raise_(raised())
    assert not house.act(1, Step.ACCEPT, "station1", T0 + S).ok
    house.desk.tick(T0 + 180 * S)
    assert house.act(1, Step.ACCEPT, "station1", T0 + 181 * S).changed
    assert house.alert()["owner_unit"] == "north"


def test_cancelling_needs_a_reason_and_ends_everything(house: House) -> None:
    house.raise_(raised())
    assert not house.act(1, Step.CANCEL, "operator", T0 + S).ok
    assert house.act(1, Step.CANCEL, "operator", T0 + S, comment="演练").changed
    assert house.alert()["rescue_state"] == "cancelled"
    assert house.pages("due") == []
    assert house.desk.tick(T0 + 10**9) == []


def test_an_unknown_alert_is_refused_in_words(house: House) -> None:
    result = house.desk.act(99, Step.ACCEPT, OPERATOR, T0)
    assert (result.ok, result.alert) == (False, None)
    assert result.text.zh


def test_one_rescue_answers_all_alerts_of_its_car(house: House) -> None:
    house.raise_(raised("1"), raised("3", at_ms=T0 + S), raised("1", CAR_2, at_ms=T0 + S))
    first, second, other = (house.alert(i) for i in (1, 2, 3))
    assert first["incident"] == second["incident"] != other["incident"]
    house.act(1, Step.ACCEPT, "zhang", T0 + 20 * S)
    assert house.alert(2)["rescue_state"] == "accepted"
    assert house.alert(3)["rescue_state"] == "raised"
    # A further alarm of that car starts in the rescue's state: nobody is called a second time.
    house.raise_(raised("4", at_ms=T0 + 30 * S))
    late = house.alert(4)
    assert (late["rescue_state"], late["owner"]) == ("accepted", "张伟")
    assert [p for p in house.pages() if p.startswith("4:")] == [
        "4:desk:desk1:mqtt", "4:use_unit:pm1:mqtt",
    ]  # fmt: skip


def test_people_found_in_the_car_raise_severity_and_chain(house: House) -> None:
    empty = raised("4", people=None)
    house.raise_(empty)
    assert (house.alert()["chain"], house.alert()["rescue_state"]) == ("F", "none")
    house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + S)
    full = raised("4", people=3, at_ms=T0 + 5 * S, since_ms=empty.since_ms)
    house.raise_(full)
    found = house.alert()
    assert (found["chain"], found["rescue_state"], found["people"]) == ("R", "raised", 3)
    assert found["alarm_state"] == "unacknowledged"
    assert found["arrival_due_ms"] == T0 + 5 * S + 900 * S
    assert "1:maintenance.1:zhang:mqtt" in house.pages("due")
    before = everything(house)
    house.raise_(full, now_ms=T0 + 6 * S)
    assert everything(house) == before


def test_a_latched_alert_that_returns_calls_anew_but_not_at_once(house: House) -> None:
    one = raised("9", people=None)
    house.raise_(one)
    house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + S)
    house.raise_(cleared(one, T0 + 10 * S))
    assert house.alert()["alarm_state"] == "latched"
    chatter = raised("9", people=None, at_ms=T0 + 20 * S, since_ms=T0 + 19 * S)
    house.raise_(chatter)
    assert house.alert()["alarm_state"] == "acknowledged"
    house.raise_(cleared(chatter, T0 + 30 * S))
    house.raise_(raised("9", people=None, at_ms=T0 + 700 * S, since_ms=T0 + 699 * S))
    assert house.alert()["alarm_state"] == "unacknowledged"
    assert "1:maintenance.1:zhang:mqtt" in house.pages("due")
    assert house.act(1, Step.ACKNOWLEDGE, "li", T0 + 710 * S).changed


def test_an_unknown_subject_or_rule_still_raises(house: House) -> None:
    house.raise_(raised("777", "99999999999999999999", people=None))
    found = house.alert()
    assert (found["severity"], found["rule_text"]["en"]) == ("major", "rule 777")
    assert "fallback" in house.kinds()
    assert house.pages() == ["1:maintenance:duty:mqtt", "1:maintenance:leader:mqtt"]


def test_the_journal_is_a_sound_chain_and_shows_tampering(house: House) -> None:
    house.raise_(raised())
    house.act(1, Step.ACCEPT, "zhang", T0 + S)
    with reading(house.engine) as conn:
        assert list(audit.check(conn)) == []
        total = conn.execute(select(func.count()).select_from(metadata.tables["journal"])).scalar()
        assert journal.last_id(conn) == total
    with writing(house.engine) as conn:
        conn.execute(text("UPDATE journal SET actor = '李四' WHERE id = 3"))
    with reading(house.engine) as conn:
        assert [one.id for one in audit.check(conn)] == [3]


def test_a_failing_transaction_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.raise_(raised("16", CAR_2, people=None))
    before = everything(house)

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(journal, "append", broken)
    with pytest.raises(OSError, match="disk full"):
        house.raise_(raised())
    monkeypatch.undo()
    assert everything(house) == before


def test_roles_of_links(house: House) -> None:
    links = house.desk.pages.links
    claim = links.read(links.token(1, "zhang", T0), T0 + 1)
    assert house.desk.actor(claim) == Actor("张伟", Role.FIRM, "anda", "zhang", Origin.LINK)
    assert house.desk.directory.actor("desk1").role is Role.OPERATOR
    assert "expired" in links.read(links.token(1, "zhang", T0), T0 + 24 * 3600 * S).en
    assert "not valid" in links.read(links.token(1, "zhang", T0) + "x", T0).en


def test_a_rule_without_bell_is_shown_and_pages_nobody(house: House) -> None:
    one = raised("28b", people=None)
    house.raise_(one)
    assert [a["rule"] for a in house.alerts()] == ["28b"]
    assert house.pages() == []
    house.raise_(cleared(one, T0 + 1000))
    house.raise_(raised("28b", at_ms=T0 + 9000, people=3))
    house.desk.tick(T0 + 86_400_000)
    assert house.pages() == []
    house.raise_(raised("16", at_ms=T0 + 9000, people=None))
    assert house.pages() != []
