"""What is believed of a car: are people in it, does it stand, at a floor, is its door shut.

Each is a sum of log-odds, one term a piece of evidence, in natural logarithms: a sensor that
is right with probability p when the thing is so, and says the same with probability f when it
is not, is worth ln(p / f) (I. J. Good, Probability and the Weighing of Evidence, 1950). So no
single broken sensor hides a person, nor invents one where others are there to say otherwise;
and where only one sensor is fitted, its word is enough. Weights are domain defaults, rounded to
halves from the rates given beside them; a sensor of known poor quality counts for less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector import reading
from monitor.detector.columns import NAN, DerivedColumn, number, truth
from monitor.detector.table import NEVER

if TYPE_CHECKING:
    from monitor.detector.signals import SignalColumns

Values = NDArray[np.float32]
F: Final = np.float32
ZERO: Final = F(0)

CALL_MS = 600_000  # no car call is older: served, or the button is stuck
ALARM_MS = 7_200_000  # 2 h: accident class
STUCK_DOOR_MS = 15_000  # a door that moves for longer does not get anywhere
STANDS_AT_MS = 30_000  # a car that runs passes a floor in less, express zones apart

# people in the car
SEES, SEES_NOT = F(3.5), F(-3.0)  # presence: 0.97 of people seen, 0.03 of empty cars
COUNTS, COUNTS_NOT = F(4.0), F(-2.5)  # camera: 0.92 of people seen, 0.015 of empty cars
SAW = F(1.0)  # a sensor that saw somebody behind the shut door and now does not
GLANCE = F(2.0)  # and it is no longer ago than a flicker: 0.03 of all looks miss who is there
GLANCE_MS, GLANCE_PERIODS = 20_000, F(1_200)  # at least, and ms for a period of one second
# How long after the door has shut a sensor may hold on to somebody who has left: an infrared
# sensor 10 to 30 s (its makers' setting), a camera hardly. A sight that ended sooner is none.
HOLD_MS: Final = {"passenger": 30_000, "people": 10_000}
LOAD_KG, LOAD_STEP_KG, LOAD_MOST = F(30), F(10), F(3.0)  # between a parcel and a person
RATED_KG = F(1000)  # where the registry does not say
CALLS, NO_CALL_RODE, NO_CALL = F(3.0), F(-1.5), F(-0.5)  # 0.9 of riders press, 0.05 press and go
# who stands in a shut car and wants to go has pressed a button by then; a cart presses none
NO_CALL_LONG, CALL_BY_MS = F(-3.0), 30_000
ALARMS = F(5.0)  # pressed from outside once in a hundred
RODE, NOT_RODE = F(0.5), F(-1.0)  # before all sensors: cars move for people, and stand empty
NOBODY = F(-1.0)  # below it the car is taken to be empty, between it and 0 nobody knows
PEOPLE_TERMS: Final = ("presence", "count", "load", "call", "alarm", "ride")


def _said(value: Values, yes: Values | np.floating, no: Values | np.floating) -> Values:
    """Return `yes` where 1, `no` where 0, 0 where unknown."""
    return np.where(value == 1, yes, np.where(value == 0, no, ZERO)).astype(F, copy=False)


def _sight(name: str, yes: np.floating, no: np.floating) -> Callable[[SignalColumns], Values]:
    def odds(c: SignalColumns) -> Values:
        value = c[name]
        seen = c.times[f"{name}_seen"]
        term = np.where(value >= 1, yes, np.where(value == 0, no, ZERO))
        saw = (value == 0) & (seen != NEVER)
        if saw.any():
            lasting = saw & (seen - c.times["shut"] >= HOLD_MS[name])
            period_ms = GLANCE_PERIODS * np.nan_to_num(c["period_s"])
            glance = saw & (c.at_ms - seen <= np.maximum(period_ms, GLANCE_MS))
            term = np.where(glance, GLANCE, np.where(lasting, SAW, term))
        if name == "passenger":  # what contradicts the rest for long counts for less
            quality = c["presence_quality"]
            term = term * np.where(np.isnan(quality), F(1), quality)
        return term.astype(F, copy=False)

    return odds


def by_load(c: SignalColumns) -> Values:
    """Load above what the empty car weighs: from 30 kg on it speaks for a person.

    A cell that shows one value trip after trip says nothing.
    """
    load, rated, zero = c["load"], c["rated_load_kg"], c["load_zero"]
    percent = load - np.where(np.isnan(zero), ZERO, zero)
    kg = percent * np.where(np.isnan(rated), RATED_KG, rated) / F(100)
    odds = np.clip((kg - LOAD_KG) / LOAD_STEP_KG, -LOAD_MOST, LOAD_MOST)
    return np.where(np.isnan(odds) | (c["load_flat"] == 1), ZERO, odds).astype(F, copy=False)


def by_call(c: SignalColumns) -> Values:
    """A car call since the door last opened; none speaks against people, more so after a ride,
    and most where the car has stood shut for so long that anybody would have pressed."""
    called = c.at_ms - c.times["call"] <= CALL_MS
    rode, shut = c.times["travel"] != NEVER, c.times["shut"]
    long = (shut != NEVER) & (c.at_ms - shut >= CALL_BY_MS)
    stood = np.where(long, NO_CALL_LONG, NO_CALL)
    none = np.where(np.isnan(c["car_call"]), ZERO, np.where(rode, NO_CALL_RODE, stood))
    return np.where(called, CALLS, none).astype(F, copy=False)


def by_alarm(c: SignalColumns) -> Values:
    """The alarm button, or a message that only somebody inside can have caused."""
    return np.where(c.at_ms - c.times["alarm"] <= ALARM_MS, ALARMS, ZERO).astype(F, copy=False)


def by_ride(c: SignalColumns) -> Values:
    """What is likely before any sensor is asked."""
    return np.where(c.times["travel"] != NEVER, RODE, NOT_RODE).astype(F, copy=False)


def people_odds(c: SignalColumns) -> Values:
    """Sum of all that speaks for and against; NaN where no sensor says anything."""
    told = [c[f"people_by_{term}"] for term in PEOPLE_TERMS]
    total, silent = told[0].copy(), told[0] == 0
    for term in told[1:-1]:
        total += term
        silent &= term == 0
    total += told[-1]  # what is likely before any sensor is asked is no evidence by itself
    return np.where(silent, NAN, total).astype(F)


def with_people(c: SignalColumns) -> Values:
    """1 above log-odds 0, 0 up to −1, unknown between and where nothing could tell."""
    odds = c["people_odds"]
    return np.where(odds > 0, F(1), np.where(odds <= NOBODY, ZERO, NAN)).astype(F, copy=False)


def stand_odds(c: SignalColumns) -> Values:
    """Car status ±3, speed +2.5 … −4, brake ±1, and a position that stays where it should not."""
    speed, still = np.abs(c["speed"]), c.at_ms - c.times["position"] >= STANDS_AT_MS
    odds = _said(c["car_status"], F(-3), F(3)) + _said(c["brake"], F(1), F(-1))
    by_speed = np.where(speed < reading.STANDSTILL, F(2.5), np.where(speed < F(0.15), F(-1), F(-4)))
    odds += np.where(np.isnan(speed), ZERO, by_speed)
    there = still & (c.times["position"] != NEVER) & ~np.isnan(c["car_position"])
    odds += np.where(there & (odds < 0) & (speed < reading.STANDSTILL), F(1.5), ZERO)
    unknown = np.isnan(c["car_status"]) & np.isnan(speed)
    return np.where(unknown, NAN, odds).astype(F, copy=False)


def level_odds(c: SignalColumns) -> Values:
    """Door zone ±3.5, levelling error +1.5 / −2.5, what the controller reports."""
    zone, offset = c["door_zone"], np.abs(c["level_offset"])
    odds = _said(zone, F(3.5), F(-3.5))
    near = np.where(offset <= LEVEL_MM, F(1.5), F(-2.5))
    odds += np.where(np.isnan(offset), ZERO, near)
    for code, worth in (("code(4)", F(-2)), ("code(93)", F(2))):
        said = c.get(code)
        if said is not None:
            odds += np.where(said == 1, worth, ZERO)
    return np.where(np.isnan(zone) & np.isnan(offset), NAN, odds).astype(F, copy=False)


LEVEL_MM = F(100)


def shut_odds(c: SignalColumns) -> Values:
    """Closed contact ±3, state of the door +3 … −3.5, landing door lock ±2."""
    contact, state, lock = c["door_closed"], c["door_state"], c["landing_locked"]
    odds = _said(contact, F(3), F(-3)) + _said(lock, F(2), F(-2))
    odds += _WORTH_SHUT[_state(state)]
    unknown = np.isnan(contact) & ~(state > 0)
    return np.where(unknown, NAN, odds).astype(F, copy=False)


def passable_odds(c: SignalColumns) -> Values:
    """Can people get out: state of the door, contact; not while it moves and gets nowhere."""
    contact, state = c["door_closed"], c["door_state"]
    stuck = c.at_ms - c.times["door_works"] > STUCK_DOOR_MS
    stuck &= c.times["door_works"] != NEVER
    by_state = np.where(stuck, F(-0.5), _WORTH_PASSABLE[_state(state)])
    odds = _said(contact, F(-3), F(1)) + by_state
    unknown = np.isnan(contact) & ~(state > 0)
    return np.where(unknown, NAN, odds).astype(F, copy=False)


# by door_state: unknown, closing, closed, opening, open, locked, not fully closed
_WORTH_SHUT = np.array([0, -1, 3, -1.5, -3.5, 3, -0.5], F)
_WORTH_PASSABLE = np.array([0, -1, -3, 2.5, 4, -3, -2], F)


def _state(state: Values) -> NDArray[np.intp]:
    return np.where(state > 0, state, 0).astype(np.intp)


def _so(name: str) -> Callable[[SignalColumns], Values]:
    """Return 1 where the odds are for it, 0 against, NaN where they are even or unknown."""

    def found(c: SignalColumns) -> Values:
        odds = c[name]
        return np.where(odds > 0, F(1), np.where(odds < 0, ZERO, NAN)).astype(F, copy=False)

    return found


_MOVING, _DOOR = ("car_status", "speed", "brake"), ("door_closed", "door_state")
_PEOPLE = ("passenger", "people", "load", "car_call", "alarm_button")
_PARTS = tuple(f"people_by_{term}" for term in PEOPLE_TERMS)

COLUMNS: Mapping[str, DerivedColumn] = {
    "with_people": truth("轿内有人", "people in the car", with_people, *_PEOPLE, parts=_PARTS),
    "people_odds": number(
        "轿内有人的证据", "evidence of people in the car", "odds", people_odds, *_PEOPLE
    ),
    "people_by_presence": number(
        "有人传感器", "presence sensor", "odds", _sight("passenger", SEES, SEES_NOT), "passenger"
    ),
    "people_by_count": number(
        "人数计", "people counter", "odds", _sight("people", COUNTS, COUNTS_NOT), "people"
    ),
    "people_by_load": number("载荷", "load in the car", "odds", by_load, "load"),
    "people_by_call": number(
        "关门后的轿内指令", "car call since the door opened", "odds", by_call, "car_call"
    ),
    "people_by_alarm": number("报警", "alarm from the car", "odds", by_alarm, "alarm_button"),
    "people_by_ride": number(
        "关门后是否运行", "ride since the door opened", "odds", by_ride, *_MOVING
    ),
    "stand_odds": number("停梯的证据", "evidence that it stands", "odds", stand_odds, *_MOVING),
    "car_stands": truth("轿厢停止", "car stands", _so("stand_odds"), *_MOVING),
    "level_odds": number(
        "在平层的证据", "evidence that it is at a floor", "odds", level_odds, "door_zone",
        "level_offset",
    ),
    "at_level": truth("在平层", "at a floor", _so("level_odds"), "door_zone", "level_offset"),
    "shut_odds": number(
        "门关闭的证据", "evidence that the door is shut", "odds", shut_odds, *_DOOR,
        "landing_locked",
    ),
    "door_shut": truth("门已关", "door shut", _so("shut_odds"), *_DOOR, "landing_locked"),
    "passable_odds": number(
        "可以出人的证据", "evidence of a way out", "odds", passable_odds, *_DOOR
    ),
    "door_passable": truth("门开或正在开", "door open or opening", _so("passable_odds"), *_DOOR),
}  # fmt: skip
