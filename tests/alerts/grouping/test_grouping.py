from __future__ import annotations

from dataclasses import replace

from alerts.directory.subjects import Subjects
from alerts.grouping.incidents import fold
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, House, cleared, raised, registry

S = 1000
SUBJECTS = Subjects(registry())


def silence(subject: str, at_ms: int = T0, people: int | None = None):  # type: ignore[no-untyped-def]
    return raised("23", subject, at_ms, people=people)


def open_alerts(house: House) -> set[tuple[str, str, str]]:
    return {
        (a["subject_kind"], a["subject"], a["rule"]) for a in house.alerts() if not a["cleared_ms"]
    }


def test_fold_leaves_alone_what_is_not_the_silence_of_that_gateway() -> None:
    members = [silence(CAR), silence(CAR_2)]
    others = [
        raised("1", CAR),
        silence(CAR_3),
        silence(CAR_2, people=1),
        silence("no such lift"),
        cleared(silence(CAR), T0),
    ]
    result = fold([*members, *others], {"g1"}, SUBJECTS, now_ms=T0)
    assert result.transitions[:-1] == others
    gateway = result.transitions[-1]
    assert (gateway.subject_kind, gateway.subject, gateway.raised) == ("gateway", "g1", True)
    assert gateway.since_ms == T0 - 30 * S
    assert [one.value for one in gateway.evidence] == [2.0]
    assert result.folded == [("g1", one) for one in members]


def test_a_silent_gateway_is_one_alert(house: House) -> None:
    house.desk.apply(T0, [silence(CAR), silence(CAR_2), silence(CAR_3)], silent={"g1"})
    assert open_alerts(house) == {("gateway", "g1", "23"), ("lift", CAR_3, "23")}
    found = next(a for a in house.alerts() if a["subject_kind"] == "gateway")
    assert (found["place"], found["maintenance"]) == ("3 栋机房", "anda")


def test_a_later_lift_of_that_gateway_adds_no_alert_and_no_line(house: House) -> None:
    house.desk.apply(T0, [silence(CAR)], silent={"g1"})
    kinds = house.kinds()
    house.desk.apply(T0 + S, [silence(CAR_2, T0 + S)], silent={"g1"})
    assert open_alerts(house) == {("gateway", "g1", "23")}
    assert house.kinds() == kinds


def test_a_car_with_people_is_never_hidden(house: House) -> None:
    house.desk.apply(
        T0, [silence(CAR), silence(CAR_2, people=2), raised("1", CAR_2)], silent={"g1"}
    )
    assert open_alerts(house) == {
        ("gateway", "g1", "23"),
        ("lift", CAR_2, "23"),
        ("lift", CAR_2, "1"),
    }


def test_the_gateway_returns_with_all_its_lifts(house: House) -> None:
    lifts = [silence(CAR), silence(CAR_2)]
    house.desk.apply(T0, lifts, silent={"g1"})
    back = T0 + 600 * S
    house.desk.apply(back, [cleared(one, back) for one in lifts], silent=set())
    assert open_alerts(house) == set()
    house.desk.tick(back + 3600 * S)
    assert open_alerts(house) == set()


def test_a_lift_that_stays_silent_gets_its_own_alert(house: House) -> None:
    lifts = [silence(CAR), silence(CAR_2)]
    house.desk.apply(T0, lifts, silent={"g1"})
    back = T0 + 600 * S
    house.desk.apply(back, [cleared(lifts[0], back)], silent=set())
    house.restart()
    house.desk.tick(back + 119 * S)
    assert open_alerts(house) == set()
    house.desk.tick(back + 120 * S)
    assert open_alerts(house) == {("lift", CAR_2, "23")}
    own = next(a for a in house.alerts() if a["subject"] == CAR_2)
    assert own["since_ms"] == lifts[1].since_ms
    house.desk.apply(back + 130 * S, [cleared(lifts[1], back + 130 * S)], silent=set())
    assert open_alerts(house) == set()


def test_a_gateway_that_falls_silent_again_speaks_for_its_lifts_again(house: House) -> None:
    house.desk.apply(T0, [silence(CAR), silence(CAR_2)], silent={"g1"})
    house.desk.apply(T0 + 600 * S, [], silent=set())
    assert open_alerts(house) == set()
    house.desk.apply(T0 + 650 * S, [], silent={"g1"})
    house.desk.tick(T0 + 3600 * S)
    assert open_alerts(house) == {("gateway", "g1", "23")}


def test_a_gateway_silent_for_a_day_is_one_more_alert_until_it_returns(house: House) -> None:
    lifts = [silence(CAR), silence(CAR_2)]
    house.desk.apply(T0, lifts, silent={"g1"})
    day = T0 + 86_400 * S
    long = [raised("23b", code, day, people=None) for code in (CAR, CAR_2)]
    house.desk.apply(day, long, silent={"g1"})
    assert open_alerts(house) == {("gateway", "g1", "23"), ("gateway", "g1", "23b")}
    assert any("also_street_office" in key for key in house.pages())
    back = day + 600 * S
    house.desk.apply(back, [cleared(lifts[0], back), cleared(long[0], back)], silent=set())
    assert open_alerts(house) == set()
    house.desk.tick(back + 120 * S)  # one lift was not heard: both alerts of its own
    assert open_alerts(house) == {("lift", CAR_2, "23"), ("lift", CAR_2, "23b")}


def test_without_knowledge_of_gateways_nothing_is_folded(house: House) -> None:
    house.raise_(silence(CAR))
    assert open_alerts(house) == {("lift", CAR, "23")}


def test_a_power_cut_is_one_incident_with_one_alert_a_car(house: House) -> None:
    house.raise_(raised("11", CAR), raised("11", CAR_2), raised("11", CAR_3))
    incidents = {a["subject"]: a["incident"] for a in house.alerts()}
    assert incidents[CAR] == incidents[CAR_2] != incidents[CAR_3]


def test_an_old_fault_is_not_part_of_a_rescue(house: House) -> None:
    house.raise_(raised("16", CAR, people=None), raised("1", CAR, at_ms=T0 + S))
    assert house.alert(1)["incident"] != house.alert(2)["incident"]


def test_incidents_end_with_their_alerts(house: House) -> None:
    one = replace(raised("11", CAR), since_ms=T0)
    house.raise_(one)
    house.raise_(cleared(one, T0 + S))
    house.desk.act(1, "acknowledge", house.desk.directory.actor("zhang"), T0 + S)
    later = raised("11", CAR_2, at_ms=T0 + 3600 * S)
    house.raise_(later)
    assert house.alert(1)["incident"] != house.alert(2)["incident"]


def fault(i: int, at_ms: int = T0):  # type: ignore[no-untyped-def]
    return raised("16", f"9999{i:016d}", at_ms, people=None)


def incidents(house: House) -> list[str]:
    return [one["incident"] for one in sorted(house.alerts(limit=1000), key=lambda a: a["id"])]


def test_the_eleventh_fault_in_ten_minutes_begins_a_flood_with_one_card(house: House) -> None:
    house.raise_(*(fault(i) for i in range(8)))
    house.restart()
    later = T0 + 9 * 60 * S
    house.raise_(*(fault(i, later) for i in range(8, 15)))
    found = incidents(house)
    assert len(set(found[:10])) == 10
    assert set(found[10:]) == {f"flood:{later - 30 * S}"}


def test_people_and_their_car_are_not_in_the_flood(house: House) -> None:
    house.raise_(*(fault(i) for i in range(12)))
    house.raise_(raised("1", CAR), raised("3", CAR, people=None), raised("4", CAR_2, people=1))
    found = {(one["subject"], one["rule"]): one["incident"] for one in house.alerts()}
    of_car = f"lift:{CAR}:{T0 - 30 * S}"
    assert found[CAR, "1"] == found[CAR, "3"] == of_car
    assert found[CAR_2, "4"].startswith(f"lift:{CAR_2}:")


def test_a_flood_is_over_when_ten_minutes_bring_ten_or_less(house: House) -> None:
    house.raise_(*(fault(i) for i in range(12)))
    house.raise_(fault(50, T0 + 11 * 60 * S))
    assert incidents(house)[-1].startswith("one:")
