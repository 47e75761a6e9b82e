"""Cases of rules 21–26 and 28–32: states, slow things, what the calendar asks; see cases.py."""

from __future__ import annotations

from tests.monitor.detector.cases import (
    DAY,
    FAULTS,
    LIFE,
    LOOK,
    MIDNIGHT,
    ODD,
    SHUT,
    STANDS,
    TODAY,
    Case,
    H,
    lives,
    trapped,
)  # fmt: skip
from tests.monitor.detector.cases_escalator import ESCALATOR
from tests.monitor.detector.cases_worn import WORN
from tests.monitor.detector.stories import FIRE, INSPECTION, NORMAL, RUNNING, Story

DAYS = {"tick_s": LOOK, "period": 2 * LOOK}  # stories of days are looked at every half hour
HOURS = {"tick_s": 20, "period": 100}
INSPECTED = {"service_mode": INSPECTION}


def inspected(s: Story, until_s: float) -> Story:
    return s.each(0, until_s, 100, **INSPECTED)


def tested(s: Story, code: int = 1080) -> Story:
    """A voice test of the lift an hour after the beginning."""
    return s.say(0, **SHUT).message(H, code)


def held(s: Story, until_s: float) -> Story:
    """An e-bike comes in, and the door stands open until then."""
    s.say(0, **STANDS).message(1, 1013, "on").each(2, until_s, **STANDS)
    return s


STATES = (
    Case(
        "33", lambda s: s.clock(10, 600.0).until(30), (10, 14),
        (lambda s: s.clock(10, -59.0).until(200),),
        lambda s: s.clock(40, 0.0).until(120), (100, 104),
    ),
    Case(
        "21", lambda s: s.say(0, service_mode=NORMAL).say(5, service_mode=FIRE), 5,
        (lambda s: s.say(0, service_mode=NORMAL).say(5, **INSPECTED).until(30),),
        lambda s: s.say(20, service_mode=NORMAL).until(40), 30,
        ("service_mode",),
    ),
    Case(
        "22", lambda s: inspected(s, 14_500), 14_400,
        (lambda s: inspected(s, 14_300).say(14_390, service_mode=NORMAL).until(14_600),),
        lambda s: s.say(14_600, service_mode=NORMAL).until(14_700), 14_660,
        ("service_mode",), HOURS,
    ),
    Case(
        "22b", lambda s: inspected(s, 1900), (1800, 1820),
        (
            lambda s: inspected(s, 1700).say(1780, service_mode=NORMAL).until(4000),
            lambda s: s.say(0, service_mode=NORMAL).until(4000),
        ),
        lambda s: s.say(2000, service_mode=NORMAL).until(2100), (2060, 2080),
        ("service_mode",), HOURS | {"planned_visit_day": TODAY + 3},
    ),
    Case(
        "23", lambda s: s.say(0, speed=0).until(70), (60, 62),
        (lambda s: s.each(0, 500, 58, speed=0),),
        lambda s: s.say(75, speed=0).until(80), (75, 77),
    ),
    Case(
        "23b", lambda s: s.say(0, speed=0).until(DAY + LOOK), (DAY, DAY + LOOK),
        (lambda s: s.say(0, speed=0).until(DAY - LOOK),),
        lambda s: s.say(DAY + 2 * LOOK, speed=0).until(DAY + 4 * LOOK),
        (DAY + 2 * LOOK, DAY + 3 * LOOK), (), DAYS,
    ),
)  # fmt: skip

SLOW = (
    Case(
        "24", lambda s: s.each(0, 70, 10, battery=19), 60,
        (
            lambda s: s.each(0, 120, 10, battery=20),
            lambda s: s.each(0, 50, 10, battery=19).each(60, 90, 10, battery=21),
        ),
        lambda s: s.each(80, 400, 10, battery=50), 380,
        ("battery",), {"period": 10},
    ),
    Case(
        "24b", lambda s: s.say(0, **SHUT).message(5, 1083).until(10), (5, 7),
        (
            lambda s: s.say(0, **SHUT).message(5, 1082).until(60),
            lambda s: s.say(0, **SHUT).message(5, 1083, "off").until(60),
        ),
        lambda s: s.message(20, 1082).until(25), (20, 22),
    ),
    Case(
        "25", lambda s: lives(tested(s), 74 * H), (73 * H, 73 * H + LOOK),
        (
            lambda s: lives(tested(s), 72.9 * H),
            lambda s: lives(lives(tested(s), 72 * H).message(72 * H, 1080), 140 * H),
            lambda s: lives(s.say(0, **SHUT), 200 * H),  # a device that never reports tests
        ),
        lambda s: s.message(75 * H, 1080).until(76 * H), (75 * H, 75 * H + LOOK), (), DAYS,
    ),
    Case(
        "25b", lambda s: lives(tested(s), 98 * H), (97 * H, 97 * H + LOOK),
        (
            lambda s: lives(tested(s), 96.9 * H),
            lambda s: lives(lives(tested(s), 90 * H).message(90 * H, 1080), 140 * H),
        ),
        lambda s: s.message(99 * H, 1080).until(100 * H), (99 * H, 99 * H + LOOK), (), DAYS,
    ),
    Case(
        "26", lambda s: s.each(0, 620, 10, room_temp=41), 600,
        (
            lambda s: s.each(0, 900, 10, room_temp=40),
            lambda s: s.each(0, 590, 10, room_temp=41).each(599, 900, 10, room_temp=39),
        ),
        lambda s: s.each(630, 1300, 10, room_temp=35), 1230,
        ("room_temp",), {"period": 10},
    ),
    Case(
        "26b", lambda s: s.each(0, 40, 10, room_temp=51), 30,
        (
            lambda s: s.each(0, 90, 10, room_temp=50),
            lambda s: s.each(0, 20, 10, room_temp=51).each(29, 90, 10, room_temp=45),
        ),
        lambda s: s.each(50, 700, 10, room_temp=35), 650,
        ("room_temp",), {"period": 10},
    ),
)  # fmt: skip

CALENDAR = (
    Case(
        "28", lambda s: held(s, 12), 9,
        (
            lambda s: held(s, 8).say(8.5, door_closed=1).until(30),
            lambda s: s.each(0, 30, **STANDS),  # a door held without an e-bike
            lambda s: s.say(0, **SHUT).message(1, 1013, "on").each(2, 30, **SHUT),
        ),
        lambda s: s.message(13, 1013, "off").until(30), 18,
        ("door_closed",),
    ),
    Case(
        "28b", lambda s: s.message(1, 1013), 1,
        (lambda s: s.message(1, 1013, "off").until(30),),
        lambda s: s.until(30), 16,
    ),
    Case(
        "29", lambda s: lives(s.say(0, **SHUT), MIDNIGHT + LOOK), (MIDNIGHT, MIDNIGHT + LOOK),
        (lambda s: lives(s.say(0, **SHUT), MIDNIGHT - 300),),
        lambda s: lives(s.message(MIDNIGHT + 3 * H, 43).message(MIDNIGHT + 4 * H, 40),
                        MIDNIGHT + 6 * H),
        (MIDNIGHT + 4 * H, MIDNIGHT + 4 * H + LOOK), (), DAYS | {"last_visit_day": TODAY - 15},
    ),
    Case(
        "30", lambda s: lives(s.say(0, **SHUT), MIDNIGHT + LOOK), (MIDNIGHT, MIDNIGHT + LOOK),
        (lambda s: lives(s.say(0, **SHUT), MIDNIGHT - 300),),
        lambda s: lives(s, MIDNIGHT + 30 * DAY + LOOK),
        (MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY + 2 * LOOK), (),
        DAYS | {"inspection_due_day": TODAY + 31},
    ),
    Case(
        "30b", lambda s: lives(s.say(0, **SHUT), MIDNIGHT + LOOK), (MIDNIGHT, MIDNIGHT + LOOK),
        (lambda s: lives(s.say(0, **SHUT), MIDNIGHT - 300),),
        lambda s: lives(s.registered(inspection_due_day=TODAY + 400), MIDNIGHT + 2 * H),
        (MIDNIGHT + LOOK, MIDNIGHT + 2 * H), (), DAYS | {"inspection_due_day": TODAY + 1},
    ),
    Case(
        "31", lambda s: trapped(s, 2 * H, 4 * DAY, 29 * DAY),
        (29 * DAY + 30, 29 * DAY + LOOK + 200),
        (
            lambda s: trapped(s, 2 * H, 4 * DAY),
            lambda s: trapped(s, 2 * H, 4 * DAY, 31 * DAY),  # the first is a month ago
            lambda s: trapped(s, 2 * H, 2.2 * H, 2.4 * H),  # one entrapment that came thrice
        ),
        lambda s: lives(s, 30 * DAY + 5 * H), (30 * DAY + 2 * H, 30 * DAY + 5 * H), (), DAYS,
    ),
    Case(
        "32", lambda s: s.each(0, 12, **ODD), 10,
        (
            lambda s: s.each(0, 8, **ODD).each(9, 30, **RUNNING),
            lambda s: s.each(0, 30, **ODD | {"speed": 0.1, "service_mode": INSPECTION}),
        ),
        lambda s: s.each(13, 80, **RUNNING), 73,
        ("speed", "car_status"),
    ),
)  # fmt: skip

CASES = (*LIFE, *FAULTS, *STATES, *SLOW, *CALENDAR, *WORN, *ESCALATOR)
