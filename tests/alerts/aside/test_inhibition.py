"""What a graver alert of the same lift explains pages nobody while that is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.model import Step
from alerts.rules import DEFAULT_RULES, RuleError, load_rules, parse_rules
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from tests.alerts.conftest import CAR, CAR_2, T0, House, cleared, raised

S = 1000
NOBODY: dict[str, Any] = {"people": None}
GRAVE, LESSER = raised("9", **NOBODY), raised("16", **NOBODY)


@pytest.fixture
def desk(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Overspeed explains the door fault in these stories."""
    rules: Any = house.desk.rules
    monkeypatch.setitem(rules, "9", replace(rules["9"], inhibits=("16",), latched=False))
    return house


def of(house: House, rule: str) -> dict[str, Any]:
    return next(one for one in house.alerts() if one["rule"] == rule)


def paged(house: House) -> list[str]:
    return [key for key in house.pages("due") if key.startswith(f"{of(house, '16')['id']}:")]


def test_it_is_recorded_and_pages_nobody_until_the_graver_one_ends(desk: House) -> None:
    desk.raise_(GRAVE)
    desk.raise_(LESSER, now_ms=T0 + S)
    found = of(desk, "16")
    assert (found["aside"], found["alarm_state"]) == ("suppressed", "unacknowledged")
    assert found["aside_reason"] == "规则 9 超速 · rule 9: overspeed"
    assert paged(desk) == []
    desk.restart()
    desk.raise_(cleared(GRAVE, T0 + 60 * S))
    assert of(desk, "16")["aside"] == "none"
    desk.desk.tick(T0 + 61 * S)
    assert len(paged(desk)) == 1


def test_an_earlier_one_waits_too_and_another_lift_does_not(desk: House) -> None:
    desk.raise_(LESSER, raised("16", CAR_2, **NOBODY))
    desk.raise_(GRAVE, now_ms=T0 + S)
    assert {one["subject"]: one["aside"] for one in desk.alerts() if one["rule"] == "16"} == {
        CAR: "suppressed", CAR_2: "none",
    }  # fmt: skip


def test_people_are_never_inhibited(desk: House) -> None:
    desk.raise_(GRAVE)
    desk.raise_(raised("16", CAR, T0 + S, people=2), raised("1", CAR, T0 + S))
    assert of(desk, "16")["aside"] == of(desk, "1")["aside"] == "none"
    assert paged(desk)


def test_a_person_who_closes_the_graver_one_ends_it(desk: House) -> None:
    desk.raise_(GRAVE, LESSER)
    desk.act(of(desk, "9")["id"], Step.CANCEL, "operator", T0 + S, comment="no overspeed")
    assert of(desk, "16")["aside"] == "none"


def test_what_came_and_went_meanwhile_pages_nobody(desk: House) -> None:
    desk.raise_(GRAVE, LESSER)
    desk.raise_(cleared(LESSER, T0 + 10 * S))
    desk.raise_(cleared(GRAVE, T0 + 60 * S))
    desk.desk.tick(T0 + 120 * S)
    assert paged(desk) == []


TWO = """
[[rule]]
id = "a"
name_zh = "甲"
name_en = "a"
severity = "{severity}"
when = "speed > 1"
inhibits = [{names}]

[[rule]]
id = "b"
name_zh = "乙"
name_en = "b"
severity = "{severity}"
when = "speed > 2"
"""


@pytest.mark.parametrize(
    ("names", "severity", "told"),
    [
        ('"a"', "minor", "neither itself nor a critical rule"),
        ('"b"', "critical", "neither itself nor a critical rule"),
        ('"bb"', "minor", "b"),
        ("3", "minor", "must be like"),
    ],
)
def test_a_rule_file_that_cannot_be_meant_is_refused(names: str, severity: str, told: str) -> None:
    schema = rule_schema(load_vocabulary())
    with pytest.raises(RuleError) as error:
        parse_rules(TWO.format(names=names, severity=severity), schema)
    assert told in str(error.value)
    assert "inhibits" in str(error.value)


def test_the_shipped_rules_use_it() -> None:
    found = load_rules(DEFAULT_RULES, rule_schema(load_vocabulary())).meta
    assert found["13"].inhibits == ("15",)
    assert found["23b"].inhibits == ("23",)
