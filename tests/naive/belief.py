"""Belief about one car, slow and obvious: one `if` a piece of evidence. See belief.py for why."""

from __future__ import annotations

import math

import numpy as np

F = np.float32
NAN = F("nan")


def known(x):
    return not math.isnan(x)


class NaivePresence:
    """Signs of people since the door last opened."""

    def __init__(self):
        self.call = self.alarm = self.call_edge = self.alarm_edge = None
        self.shut = self.travel = self.works = None
        self.since = {"passenger": None, "people": None}
        self.seen = {"passenger": None, "people": None}

    def step(self, at, v, old, unseen, runs, opened, shut, was_open):
        opens = opened and was_open != 1
        self.shut = (at if self.shut is None or unseen else self.shut) if shut else None
        if runs and not opened:
            self.travel = at
        elif opens:
            self.travel = None
        state = v["door_state"]
        if state not in (1, 3):
            self.works = None
        elif self.works is None or state != old["door_state"]:
            self.works = at
        self.buttons(at, v, old, unseen, opened, opens)
        for name in self.since:
            on = v[name] >= 1
            self.since[name] = (
                (at if self.since[name] is None else self.since[name]) if on else None
            )
            if on and at - self.since[name] >= 3_000 and shut and at - self.shut >= 10_000:
                self.seen[name] = at
            elif opens or (unseen and not on):
                self.seen[name] = None

    def opened_before(self, ts):
        """The door stood open at ts, told by a sample that younger ones overtook."""
        for sign in ("call", "alarm", "travel"):
            told = getattr(self, sign)
            if told is not None and told <= ts:
                setattr(self, sign, None)
        if self.shut is not None:
            self.shut = max(self.shut, ts)
        for name, seen in self.seen.items():
            if seen is not None and seen <= ts + 10_000:
                self.seen[name] = None

    def buttons(self, at, v, old, unseen, opened, opens):
        somebody = v["passenger"] == 1 or v["people"] >= 1
        if unseen and (v["passenger"] == 0 or v["people"] == 0) and not somebody:
            self.call = self.call_edge = None
        for sign, channel in (("call", "car_call"), ("alarm", "alarm_button")):
            on = v[channel] == 1
            rises = on and old[channel] != 1
            if rises:
                setattr(self, f"{sign}_edge", at)
            if sign == "alarm" and on and (opened or v["service_mode"] == 2):
                self.alarm_edge, rises = None, False
            if opens:
                setattr(self, sign, None)
            if rises or (on and not opened):
                setattr(self, sign, getattr(self, f"{sign}_edge"))


def said(value, yes, no):
    return F(yes) if value == 1 else F(no) if value == 0 else F(0)


def so(odds):
    return F(1) if odds > 0 else F(0) if odds < 0 else NAN


def belief(v, p, at, position_at, rated_kg, code4, code93, quality=NAN, zero=NAN, flat=0,
           period=1.0):  # fmt: skip
    """Every column of belief: values v, presence p, message truths (None where nobody asks)."""
    terms = {
        "presence": F(
            sight("passenger", v, p, at, F(3.5), F(-3), period)
            * (quality if known(quality) else F(1))
        ),
        "count": sight("people", v, p, at, F(4), F(-2.5), period),
        "load": F(0)
        if flat == 1
        else load(F(v["load"] - (zero if known(zero) else F(0))), rated_kg),
        "call": call(v["car_call"], p, at),
        "alarm": F(5) if p.alarm is not None and at - p.alarm <= 7_200_000 else F(0),
        "ride": F(0.5) if p.travel is not None else F(-1),
    }
    total = terms["presence"]
    for name in ("count", "load", "call", "alarm", "ride"):
        total = F(total + terms[name])
    told = any(value != 0 for name, value in terms.items() if name != "ride")
    odds = total if told else NAN
    people = F(1) if odds > 0 else F(0) if odds <= -1 else NAN
    stand, level = stands(v, at, position_at), at_floor(v, code4, code93)
    shut, passable = door_shut(v), way_out(v, p, at)
    return {
        "with_people": people, "people_odds": odds,
        **{f"people_by_{name}": value for name, value in terms.items()},
        "stand_odds": stand, "car_stands": so(stand), "level_odds": level, "at_level": so(level),
        "shut_odds": shut, "door_shut": so(shut), "passable_odds": passable,
        "door_passable": so(passable),
    }  # fmt: skip


def sight(name, v, p, at, yes, no, period):
    value, seen = v[name], p.seen[name]
    if value >= 1:
        return yes
    if value != 0:
        return F(0)
    if seen is None:
        return no
    if at - seen <= max(20_000, 1_200 * period):
        return F(2)
    hold = {"passenger": 30_000, "people": 10_000}[name]
    lasting = p.shut is None or seen - p.shut >= hold
    return F(1) if lasting else no


def load(percent, rated_kg):
    if not known(percent):
        return F(0)
    kg = F(F(percent * (rated_kg if known(rated_kg) else F(1000))) / F(100))
    return F(min(max(F(F(kg - F(30)) / F(10)), F(-3)), F(3)))


def call(value, p, at):
    if p.call is not None and at - p.call <= 600_000:
        return F(3)
    if not known(value):
        return F(0)
    if p.travel is not None:
        return F(-1.5)
    return F(-3) if p.shut is not None and at - p.shut >= 30_000 else F(-0.5)


def stands(v, at, position_at):
    status, speed = v["car_status"], abs(v["speed"])
    if not known(status) and not known(speed):
        return NAN
    odds = said(status, -3, 3) + said(v["brake"], 1, -1)
    if known(speed):
        odds += F(2.5) if speed < F(0.05) else F(-1) if speed < F(0.15) else F(-4)
    here = known(v["car_position"]) and position_at is not None and at - position_at >= 30_000
    if here and odds < 0 and speed < F(0.05):
        odds += F(1.5)
    return F(odds)


def at_floor(v, code4, code93):
    zone, offset = v["door_zone"], abs(v["level_offset"])
    if not known(zone) and not known(offset):
        return NAN
    odds = said(zone, 3.5, -3.5)
    if known(offset):
        odds += F(1.5) if offset <= 100 else F(-2.5)
    odds += F(-2) if code4 else F(0)
    odds += F(2) if code93 else F(0)
    return F(odds)


def door_shut(v):
    contact, state = v["door_closed"], v["door_state"]
    if not known(contact) and not state > 0:
        return NAN
    odds = said(contact, 3, -3) + said(v["landing_locked"], 2, -2)
    worth = {1: -1, 2: 3, 3: -1.5, 4: -3.5, 5: 3, 6: -0.5}
    return F(odds + F(worth.get(int(state) if known(state) else 0, 0)))


def way_out(v, p, at):
    contact, state = v["door_closed"], v["door_state"]
    if not known(contact) and not state > 0:
        return NAN
    worth = {1: -1, 2: -3, 3: 2.5, 4: 4, 5: -3, 6: -2}
    by_state = worth.get(int(state) if known(state) else 0, 0)
    if p.works is not None and at - p.works > 15_000:
        by_state = -0.5
    return F(said(contact, -3, 1) + F(by_state))
