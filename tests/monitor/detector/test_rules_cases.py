"""Every rule of the shipped file: rings in time, not on the near miss, clears, is suppressed by
fire service and inspection where it may be, and rings nothing where its channels are missing."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from tests.monitor.detector.cases import FAULTS, LIFE, Case
from tests.monitor.detector.cases_slow import CASES
from tests.monitor.detector.cases_worn import WORN, rests
from tests.monitor.detector.stories import INSPECTION, SPECIAL, Story, rules

EACH = pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
NEAR = [(case, play) for case in CASES for play in case.near]
NEEDS = [(case, name) for case in CASES for name in case.needs]
SUPPRESSED = [str(k) for k in range(12, 21)] + ["16b", "20b"]
SPECIAL_CODES = (43, 44, 45, 47)


def told(case: Case, **changed) -> Story:
    s = Story(**case.story, **changed)
    return s.say(0) if s.always else s  # the mode is known before anything happens


def happened(times: list[float], span: float | tuple[float, float]) -> bool:
    lo, hi = span if isinstance(span, tuple) else (span, span)
    return len(times) == 1 and lo <= times[0] <= hi


def test_every_rule_has_its_case():
    assert {case.rule for case in CASES} == set(rules().ids)
    assert all(case.near for case in CASES)
    numbers = {rule.rstrip(ascii_lowercase) for rule in rules().ids}
    assert numbers == {str(k) for k in range(1, 35)}


@EACH
def test_rings_in_time_and_clears(case):
    s = told(case)
    case.ring(s)
    assert happened(s.rang(case.rule), case.at), s.log
    assert s.cleared(case.rule) == []
    case.clear(s)
    assert happened(s.cleared(case.rule), case.cleared), s.log
    assert len(s.rang(case.rule)) == 1


@pytest.mark.parametrize(("case", "play"), NEAR, ids=[case.rule for case, _ in NEAR])
def test_near_miss_stays_quiet(case, play):
    s = told(case)
    play(s)
    assert s.rang(case.rule) == [], s.log


@pytest.mark.parametrize(("case", "name"), NEEDS, ids=[f"{c.rule}-{n}" for c, n in NEEDS])
def test_without_a_channel_it_needs_it_says_nothing(case, name):
    s = told(case, without={name})
    case.ring(s)
    assert s.rang(case.rule) == [], s.log


@pytest.mark.parametrize("case", (*LIFE, *FAULTS), ids=[case.rule for case in (*LIFE, *FAULTS)])
def test_without_any_channel_only_messages_speak(case):
    s = told(case, without=None)
    case.ring(s)
    by_message = {"14", "15", "20"}
    assert s.all <= ({case.rule} & by_message) | {"23", "23b"}, s.log


@pytest.mark.parametrize("mode", SPECIAL)
@pytest.mark.parametrize("case", [c for c in FAULTS if c.rule in SUPPRESSED], ids=lambda c: c.rule)
def test_12_to_20_are_silent_in_special_service(case, mode):
    s = told(case, mode=mode)
    case.ring(s)
    assert s.rang(case.rule) == [], s.log


@pytest.mark.parametrize("code", SPECIAL_CODES)
@pytest.mark.parametrize("case", [c for c in FAULTS if c.rule in SUPPRESSED], ids=lambda c: c.rule)
def test_12_to_20_are_silent_when_the_service_is_told_by_message(case, code):
    s = told(case, without={"service_mode"}).message(0, code, "on")
    case.ring(s)
    assert s.rang(case.rule) == [], s.log


@pytest.mark.parametrize("case", WORN, ids=lambda c: c.rule)
def test_what_is_worn_falls_silent_in_special_service(case):
    """Nothing else ends it: no trip is judged meanwhile."""
    s = told(case)
    case.ring(s)
    began = s.now + 1
    rests(s.message(began, 44, "on"))
    (cleared,) = s.cleared(case.rule)
    assert began + 600 <= cleared <= began + 660, s.log
    assert len(s.rang(case.rule)) == 1


@pytest.mark.parametrize("mode", SPECIAL)
@pytest.mark.parametrize("case", LIFE, ids=lambda c: c.rule)
def test_1_to_11_are_never_silent_with_people(case, mode):
    """But the alarm button in inspection: there the mechanic tests it (domain rule 3)."""
    people = None if case.rule in ("1", "2", "3", "11") else 1
    s = told(case, mode=mode, passenger=people)
    case.ring(s)
    if case.rule == "3" and mode == INSPECTION:
        assert s.rang("3") == []
    else:
        assert happened(s.rang(case.rule), case.at), s.log


def test_12_to_20_say_so_themselves():
    by_id = dict(zip(rules().ids, rules().rules, strict=True))
    fire = by_id["12"].suppressed_by
    assert fire is not None
    for number in (*SUPPRESSED, *{case.rule for case in WORN}):
        assert by_id[number].suppressed_by == fire, number
    for number in ("1", "2", "3", "9", "11"):
        assert by_id[number].suppressed_by is None, number


MESSAGES = [("1", 4), ("2", 93), ("3", 90), ("4", 92), ("5", 91), ("11", 41), ("12", 4), ("13", 1),
            ("16", 2), ("17", 3), ("21", 44), ("22", 43)]  # fmt: skip


@pytest.mark.parametrize(("rule", "code"), MESSAGES)
def test_a_device_of_messages_alone_ends_them_by_messages(rule, code):
    """It lacks the channels of the rule: what is unknown must not hold an alert for ever."""
    people = {"passenger": 1} if rule in ("1", "11") else {}
    s = Story(tick_s=20, period=100).say(0, **people | {"car_status": 0}).message(1, code, "on")
    s.each(100, 15_000, 100, **people | {"car_status": 0})
    assert len(s.rang(rule)) == 1, s.log
    s.message(15_000, code, "off").say(15_001, car_status=0, **people).until(15_400)
    assert len(s.cleared(rule)) == 1, s.log
    s.message(15_300, code, "on").each(15_400, 30_000, 100, **people | {"car_status": 0})
    assert len(s.rang(rule)) == 2, s.log  # and the next one rings again
