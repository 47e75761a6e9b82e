"""One case a rule of the shipped file: a story that rings it, near misses, and its end.

`ring` plays to just after the ring, `clear` goes on from there. `at` and `cleared` are seconds,
or (from, to) where it depends on when somebody looks. `needs`: channels without any one of which
the story rings nothing of this rule. `registered`: what the registry knows of the lift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.monitor.detector.fleets import T0
from tests.monitor.detector.stories import (
    AT_FLOOR,
    CLOSED,
    CLOSING,
    EMPTY,
    NORMAL,
    OPEN,
    OPENING,
    RUNNING,
    STUCK,
    Story,
)  # fmt: skip

H, DAY, LOOK = 3600.0, 86_400.0, 1800.0
TODAY = (T0 + 8 * 3_600_000) // 86_400_000  # day of the site's calendar on which stories begin
MIDNIGHT = ((TODAY + 1) * 86_400_000 - 8 * 3_600_000 - T0) / 1000  # s to the next one
Play = Callable[[Story], object]


@dataclass(frozen=True)
class Case:
    rule: str
    ring: Play
    at: float | tuple[float, float]
    near: tuple[Play, ...]
    clear: Play
    cleared: float | tuple[float, float]
    needs: tuple[str, ...] = ()
    story: Mapping[str, float] = field(default_factory=dict)


OPEN_HERE = {"door_closed": 0, "door_zone": 1, "car_status": 0, "speed": 0, "passenger": 1}
STANDS = {"car_status": 0, "speed": 0, "door_closed": 0, "door_zone": 1, "passenger": 1}
LIMIT = {"car_status": 0, "passenger": 1}
DARK = AT_FLOOR | {"power": 1}
HELD = {"door_closed": 0, "car_status": 0, "service_mode": NORMAL}
SAME = RUNNING | {"car_position": 5}
ODD = {"car_status": 1, "speed": 0, "door_closed": 0, "door_zone": 1}
SHUT = AT_FLOOR | {"passenger": 0}


def reopens(s: Story, *times: float) -> Story:
    """Closings that turn into openings."""
    s.say(0, car_status=0, door_state=OPEN, door_closed=0, service_mode=NORMAL)
    for t in times:
        s.say(t, door_state=CLOSING).say(t + 1, door_state=OPENING)
    return s


def cycles(s: Story, count: int) -> Story:
    """Doors that open and shut, the car staying where it is."""
    s.say(0, car_status=0, door_zone=1, service_mode=NORMAL)
    for t in range(10, 10 + 10 * count, 10):
        s.say(t, door_state=OPENING, door_closed=0).say(t + 2, door_state=OPEN)
        s.say(t + 5, door_state=CLOSING).say(t + 7, door_state=CLOSED, door_closed=1)
    return s


def hard_stops(s: Story, *times: float) -> Story:
    """From 1.7 m/s to a standstill within a second."""
    for t in times:
        s.each(t, t + 1, **RUNNING | {"speed": 1.7})
        s.say(t + 2, car_status=0, speed=0, door_zone=1)
    return s


def lives(s: Story, until_s: float) -> Story:
    """An empty lift goes on reporting, so that it is not silent."""
    while s.now + 2 * LOOK <= until_s:
        s.say(s.now + 2 * LOOK, **SHUT)
    return s.until(until_s)


def trapped(s: Story, *times: float) -> Story:
    """People between floors for 40 s, then out."""
    for t in times:
        lives(s, t - 1).each(t, t + 40, 10, **STUCK)
        s.each(t + 50, t + 70, 10, **AT_FLOOR | {"door_closed": 0}).say(t + 80, **SHUT)
    return s.until(s.now + LOOK)


LIFE = (
    Case(
        "1", lambda s: s.each(0, 35, **STUCK), 30,
        (
            lambda s: s.each(0, 29, **STUCK).say(29.9, **RUNNING).until(60),
            lambda s: s.each(0, 60, **EMPTY),
            lambda s: s.each(0, 60, **STUCK | {"door_closed": 0}),
        ),
        lambda s: s.each(36, 45, **AT_FLOOR | {"door_closed": 0}), 41,
        ("passenger", "door_zone", "door_closed"),
    ),
    Case(
        "2", lambda s: s.each(0, 65, **AT_FLOOR), 60,
        (
            lambda s: s.each(0, 59, **AT_FLOOR).say(59.5, **RUNNING).until(90),
            lambda s: s.each(0, 90, **SHUT),
            lambda s: s.each(0, 90, **AT_FLOOR | {"door_state": OPEN, "door_closed": 0}),
        ),
        lambda s: s.each(66, 75, **AT_FLOOR | {"door_closed": 0, "door_state": OPENING}), 71,
        ("passenger", "door_zone", "door_closed"),
    ),
    Case(
        "3", lambda s: s.say(0, alarm_button=0).each(1, 3, alarm_button=1), 2.8,
        (lambda s: s.say(1, alarm_button=1).say(2.7, alarm_button=0).until(9),),
        lambda s: s.say(4, alarm_button=0).until(12), 9,
        ("alarm_button",),
    ),
    Case(
        "4", lambda s: s.each(0, 21, **LIMIT, final_limit=1), 20,
        (
            lambda s: s.each(0, 19, **LIMIT, final_limit=1).each(19.5, 40, **LIMIT, final_limit=0),
            lambda s: s.each(0, 40, **LIMIT, car_position=20),
        ),
        lambda s: s.each(22, 40, **LIMIT, final_limit=0), 32,
        ("final_limit", "car_status"),
    ),
    Case(
        "5", lambda s: s.each(0, 21, **LIMIT, car_position=0), 20,
        (
            lambda s: s.each(0, 19, **LIMIT, car_position=0)
            .each(19.5, 40, **LIMIT, car_position=1),
            lambda s: s.each(0, 40, **LIMIT, final_limit=1),
        ),
        lambda s: s.each(22, 40, **LIMIT, car_position=1), 32,
        ("car_position", "car_status"),
    ),
    Case(
        "6", lambda s: s.each(0, 3, **OPEN_HERE).say(4, **OPEN_HERE | {"door_zone": 0}), 4,
        (
            lambda s: s.each(0, 3, **OPEN_HERE).each(4, 6, **OPEN_HERE | {"speed": 0.25}),
            lambda s: s.each(0, 3, **OPEN_HERE).say(4, door_closed=1).say(5, **RUNNING),
        ),
        lambda s: s.each(5, 20, **OPEN_HERE | {"door_closed": 1}), 15,
        ("door_closed", "door_zone"),
    ),
    Case(
        "7", lambda s: s.each(0, 3, **RUNNING).each(4, 5, **RUNNING | {"door_closed": 0}), 5,
        (
            lambda s: s.each(0, 3, **RUNNING).say(4, **RUNNING | {"door_closed": 0})
            .each(5, 9, **RUNNING),
        ),
        lambda s: s.each(6, 20, **RUNNING), 16,
        ("door_closed", "speed"),
    ),
    Case(
        "8", lambda s: s.each(0, 2, **STANDS).say(3, **STANDS | {"car_status": 1, "speed": 0.5}), 3,
        (
            lambda s: s.each(0, 2, **STANDS).say(3, **STANDS | {"car_status": 1, "speed": 0.1}),
            lambda s: s.each(0, 2, **STANDS).say(2.5, door_closed=1)
            .say(3, car_status=1, speed=0.5),
        ),
        lambda s: s.say(4, car_status=0, speed=0).until(20), 14,
        ("door_closed",),
    ),
    Case(
        "9", lambda s: s.each(0, 1, **RUNNING | {"speed": 2.2}), 1,
        (
            lambda s: s.each(0, 9, **RUNNING | {"speed": 2.1}),
            lambda s: s.say(0, **RUNNING | {"speed": 2.2}).each(1, 9, **RUNNING),
        ),
        lambda s: s.each(2, 20, **RUNNING), 12,
        ("speed",),
    ),
    Case(
        "10", lambda s: s.each(0, 1, acc_min=2.0), 1,
        (
            lambda s: s.each(0, 9, acc_min=3.5, acc_peak=15.6),
            lambda s: s.say(0, acc_peak=19.0).each(1, 9, acc_peak=10.0),
        ),
        lambda s: s.say(2, acc_min=9.8).until(20), 12,
        ("acc_min",),
    ),
    Case(  # the shock, and in the sample after it the safety chain that it opened
        "10", lambda s: s.say(0, acc_peak=19.0).say(1, acc_peak=10.0, safety_chain=1), 1,
        (
            lambda s: s.say(0, acc_peak=15.6).each(1, 9, acc_peak=10.0, safety_chain=1),
            # so long after the shock it is another story
            lambda s: s.say(0, acc_peak=19.0).each(5, 9, acc_peak=10.0, safety_chain=1),
        ),
        lambda s: s.say(2, safety_chain=0).until(20), 12,
        ("acc_peak", "safety_chain"),
    ),
    Case(  # the shock of a riding car, and then it stands between floors
        "10", lambda s: s.say(0, **RUNNING | {"acc_peak": 19.0}).say(1, **STUCK, acc_peak=10.0), 1,
        (
            lambda s: s.say(0, **RUNNING | {"acc_peak": 19.0}).say(1, **AT_FLOOR, acc_peak=10.0),
            # a mechanic's foot on the box of a car that stands there
            lambda s: s.say(0, **STUCK).say(1, acc_peak=19.0).each(2, 9, acc_peak=10.0),
        ),
        lambda s: s.say(8, **AT_FLOOR).until(20), 18,
        ("acc_peak", "door_zone"),
    ),
    Case(
        "11", lambda s: s.each(0, 31, **DARK), 30,
        (
            lambda s: s.each(0, 29, **DARK).each(29.5, 50, **DARK | {"power": 0}),
            lambda s: s.each(0, 50, **DARK | {"passenger": 0}),
        ),
        lambda s: s.each(32, 50, **DARK | {"power": 0}), 42,
        ("power", "passenger"),
    ),
)  # fmt: skip

FAULTS = (
    Case(
        "12", lambda s: s.each(0, 50, **EMPTY), 45,
        (
            lambda s: s.each(0, 44, **EMPTY).say(44.5, **RUNNING).until(60),
            lambda s: s.each(0, 60, **EMPTY | {"door_zone": 1}),
        ),
        lambda s: s.each(51, 360, **EMPTY | {"door_zone": 1}), 351,
        ("door_zone",),
    ),
    Case(
        "13", lambda s: s.each(0, 6, safety_chain=1, car_status=0), 5,
        (lambda s: s.each(0, 4, safety_chain=1, car_status=0).say(4.5, safety_chain=0).until(20),),
        lambda s: s.say(7, safety_chain=0).until(320), 307,
        ("safety_chain",),
    ),
    Case(
        "14", lambda s: s.message(2, 6), 2,
        (lambda s: s.message(2, 6, "off").until(30),),
        lambda s: s.until(40), 22,
    ),
    Case(
        "15", lambda s: s.message(2, 8, "on").until(70), 62,
        (lambda s: s.message(2, 8, "on").message(50, 8, "off").until(90),),
        lambda s: s.message(71, 8, "off").until(90), 81,
    ),
    Case(
        "16", lambda s: reopens(s, 10, 20, 30), 31,
        (
            lambda s: reopens(s, 10, 20).until(60),
            lambda s: reopens(s, 10, 200, 390),
        ),
        lambda s: s.say(40, door_state=CLOSED, door_closed=1).until(350), 340,
        ("door_state",),
    ),
    Case(
        "16b", lambda s: s.each(0, 61, **HELD), 60,
        (
            lambda s: s.each(0, 59, **HELD).say(59.5, door_closed=1).until(90),
            lambda s: s.each(0, 90, **HELD | {"service_mode": 0}),
        ),
        lambda s: s.say(62, door_closed=1).until(370), 362,
        ("door_closed", "car_status"),
    ),
    Case(
        "17", lambda s: s.each(0, 11, car_status=0, door_zone=1, door_state=OPENING), 10,
        (
            lambda s: s.each(0, 9, car_status=0, door_zone=1, door_state=OPENING)
            .say(9.5, door_state=OPEN).until(30),
        ),
        lambda s: s.say(12, door_state=OPEN).until(320), 312,
        ("door_zone", "door_state", "car_status"),
    ),
    Case(
        "18", lambda s: cycles(s, 5), 57,
        (lambda s: cycles(s, 4).until(120),),
        lambda s: s.each(58, 365, **RUNNING), 358,
    ),
    Case(
        "19", lambda s: hard_stops(s, 0, 100, 200), 202,
        (
            lambda s: hard_stops(s, 0, 100).until(200),
            lambda s: hard_stops(s, 0, 100, 86_600),  # the first is a day ago
        ),
        lambda s: s.say(86_410, speed=0).say(86_480, speed=0), 86_470,
        ("speed",), {"tick_s": 600, "period": 600},
    ),
    Case(
        "20", lambda s: s.message(0, 7, "on").until(70), 60,
        (lambda s: s.message(0, 7, "on").message(50, 7, "off").until(90),),
        lambda s: s.message(71, 7, "off").until(90), 81,
    ),
    Case(
        "20b", lambda s: s.each(0, 72, **SAME), 70,
        (lambda s: s.each(0, 68, **SAME).each(69, 75, **SAME | {"car_position": 6}),),
        lambda s: s.each(73, 90, 2, **SAME | {"car_position": 6}).until(91), (82, 91),
        ("car_position", "speed"),
    ),
)  # fmt: skip
