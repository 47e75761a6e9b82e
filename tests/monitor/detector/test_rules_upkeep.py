"""Rules 22–31, what time alone makes overdue: ring on the hour or day, not before, clear."""

from __future__ import annotations

import pytest

from tests.monitor.detector.fleets import T0, batch
from tests.monitor.detector.stories import AT_FLOOR, INSPECTION, NORMAL, Story

H, DAY = 3600.0, 86_400.0
TODAY = (T0 + 8 * 3_600_000) // 86_400_000  # day of the site's calendar on which stories begin
MIDNIGHT = ((TODAY + 1) * 86_400_000 - 8 * 3_600_000 - T0) / 1000  # s to the next one
SHUT = AT_FLOOR | {"passenger": 0}


LOOK = 1800  # s; stories of days are looked at once in half an hour


def slow(**registered):
    """A story of days."""
    return Story(tick_s=LOOK, period=2 * LOOK, **registered)


def once(times, at_s, look_s=LOOK):
    """It happened once, when somebody looked for the first time after that."""
    return len(times) == 1 and 0 <= times[0] - at_s <= look_s


def lives(s, until_s, step_s=2 * LOOK):
    """The lift goes on reporting, so that it is not silent."""
    while s.now + step_s <= until_s:
        s.say(s.now + step_s, **SHUT)
    return s.until(until_s)


# -- 22b: in inspection without a visit on record ------------------------------------------------


def test_22b_an_inspection_nobody_planned():
    s = Story(tick_s=20, period=100, planned_visit_day=TODAY + 3)
    s.each(0, 1900, 100, service_mode=INSPECTION)
    assert once(s.rang("22b"), 1800, 20)
    s.say(2000, service_mode=NORMAL).until(2100)
    assert once(s.cleared("22b"), 2060, 20)


@pytest.mark.parametrize(
    "known",
    [
        {"planned_visit_day": TODAY},
        {"last_visit_day": TODAY, "planned_visit_day": TODAY - 14},
        {"last_visit_day": TODAY},
        {},
    ],
)
def test_22b_not_on_a_planned_or_recorded_day_nor_without_a_plan(known):
    s = Story(tick_s=20, period=100, **known).each(0, 4000, 100, service_mode=INSPECTION)
    assert s.rang("22b") == []


def test_22b_not_in_29_minutes():
    s = Story(tick_s=20, period=100, planned_visit_day=TODAY + 3)
    s.each(0, 1700, 100, service_mode=INSPECTION).say(1780, service_mode=NORMAL).until(4000)
    assert s.rang("22b") == []


# -- 24b: battery test ---------------------------------------------------------------------------


def test_24b_from_a_failed_battery_test_to_a_passed_one():
    s = Story().say(0, **SHUT).message(5, 1083).until(4000)
    assert once(s.rang("24b"), 5, 20)
    assert s.cleared("24b") == []
    s.message(4000, 1082).until(4010)
    assert once(s.cleared("24b"), 4000, 20)
    assert Story().message(5, 1082).until(60).all == set()
    assert Story().message(5, 1083, "off").until(60).all == set()


# -- 25: voice link ------------------------------------------------------------------------------


def test_25_after_72_hours_and_major_after_96():
    s = slow().say(0, **SHUT).message(H, 1080)
    lives(s, 72.9 * H)
    assert s.rang("25") == []
    lives(s, 98 * H)
    assert once(s.rang("25"), 73 * H)
    assert once(s.rang("25b"), 97 * H)
    s.message(98 * H, 1080).until(99 * H)
    assert once(s.cleared("25"), 98 * H)
    assert once(s.cleared("25b"), 98 * H)


def test_25_a_test_every_71_hours_is_in_time():
    s = slow().say(0, **SHUT)
    for k in range(4):
        lives(s, (1 + 71 * k) * H).message((1 + 71 * k) * H, 1080)
    assert s.all == set()


def test_25_a_device_that_never_reports_tests_does_not_ring():
    assert lives(slow().say(0, **SHUT), 200 * H).all == set()
    assert lives(slow(voice_link=0).say(0, **SHUT).message(H, 1081), 200 * H).all == set()
    assert once(lives(slow(voice_link=1).say(0, **SHUT), 74 * H).rang("25"), 72 * H)


def test_25_a_failed_test_rings_at_once_and_is_no_good_test():
    s = slow().say(0, **SHUT).message(H, 1080).message(2 * H, 1081).until(3 * H)
    assert once(s.rang("25"), 2 * H)
    lives(s, 98 * H)
    assert once(s.rang("25b"), 97 * H)
    s.message(98 * H, 1080).until(99 * H)
    assert len(s.cleared("25")) == 1


def test_25_a_silent_lift_is_rule_23_and_a_late_report_is_a_report():
    s = slow().say(0, **SHUT).message(H, 1080).until(74 * H)
    assert s.all == {"23", "23b"}
    again = slow().say(0, **SHUT).message(H, 1080)
    lives(again, 80 * H)
    again.detector.update(late(70 * H, 1080), T0 + round(again.now * 1000))
    again.until(again.now + LOOK)
    assert len(again.cleared("25")) == 1


def late(at_s, code):
    return batch((), [(0, T0 + round(at_s * 1000), code, "once", True)])


# -- 29 and 30: visits and inspections -----------------------------------------------------------


def test_29_sixteen_days_after_the_last_visit():
    s = slow(last_visit_day=TODAY - 15).say(0, **SHUT)
    lives(s, MIDNIGHT - 300)
    assert s.rang("29") == []
    lives(s, MIDNIGHT + LOOK)
    assert once(s.rang("29"), MIDNIGHT)


@pytest.mark.parametrize("by", ["message", "mode"])
def test_29_a_visit_that_was_seen_counts(by):
    s = slow(last_visit_day=TODAY - 30).say(0, **SHUT).until(LOOK)
    assert len(s.rang("29")) == 1
    if by == "message":
        s.message(2000, 43).message(2900, 40)
    else:
        s.say(2000, **SHUT | {"service_mode": INSPECTION}).say(2900, **SHUT)
    s.until(3 * LOOK)
    assert len(s.cleared("29")) == 1
    lives(s, 15 * DAY)
    assert len(s.rang("29")) == 1
    lives(s, 17 * DAY)
    assert len(s.rang("29")) == 2


def test_29_nine_minutes_are_no_visit_and_unknown_never_rings():
    s = slow(last_visit_day=TODAY - 30).say(0, **SHUT).message(2000, 43).message(2540, 40)
    assert s.until(3 * LOOK).cleared("29") == []
    assert lives(slow().say(0, **SHUT), 40 * DAY).all == set()


def test_30_thirty_days_ahead_and_on_the_day():
    s = slow(inspection_due_day=TODAY + 31).say(0, **SHUT)
    lives(s, MIDNIGHT - 300)
    assert s.all == set()
    lives(s, MIDNIGHT + LOOK)
    assert once(s.rang("30"), MIDNIGHT)
    lives(s, MIDNIGHT + 30 * DAY - 300)
    assert s.rang("30b") == []
    lives(s, MIDNIGHT + 30 * DAY + LOOK)
    assert once(s.rang("30b"), MIDNIGHT + 30 * DAY)
    assert s.cleared("30") == s.rang("30b")
    s.detector.grow(1, {"inspection_due_day": [TODAY + 400.0]})  # it was inspected
    assert len(s.until(s.now + LOOK).cleared("30b")) == 1
