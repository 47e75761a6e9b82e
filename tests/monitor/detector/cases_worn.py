"""Cases of rules 27–27w and 32b–32d: what is seen over trips, against the lift's own normal.

A trip is judged when the lift departs again, and told with the next sample. `drift` speaks when
a sum of deviations, at most 5 sigma a trip and 1 of them free, reaches 24: not before the sixth
trip. It falls silent when usual trips have led the sum back to 0, one sigma and a bit a trip.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.monitor.detector.cases import Case
from tests.monitor.detector.stories import (
    CLOSED,
    CLOSING,
    INSPECTION,
    NORMAL,
    OPEN,
    OPENING,
    Story,
)
from tests.monitor.detector.test_rules_waveform import shaking, tell

EVERY = 32.0  # s from trip to trip
SLOWLY = {"tick_s": 30}
LEARN, WRONG = 60, 9  # trips of a story that are usual, and then changed ones
Way = Callable[..., Story]  # (story, number of trips, what is added)
PASTS = TemporaryDirectory(prefix="pasts-")  # usual trips are lived once and taken up again


def after(s: Story, way: Way, count: int) -> Story:
    """The story goes on after so many usual trips."""
    assert s.now < EVERY and s.without is not None
    lacks = "-".join([*sorted(s.without), *(f"{n}{x}" for n, x in s.always.items())])
    folder = Path(PASTS.name) / f"{way.__name__}-{count}-{lacks}"
    if not folder.exists():
        folder.mkdir()
        way(s, count)
        assert not s.log, s.log  # what is usual rings nothing
        s.detector.save(folder)
        s.engine.save(folder)
        (folder / "now").write_text(repr(s.now))
        return s
    s.detector.load(folder)
    s.engine.load(folder)
    s.now = float((folder / "now").read_text())
    return s


def phase(s: Story, begin: float, end: float, **said: float) -> float:
    """Samples every 3 s at most: a lift is not silent for longer within a trip."""
    s.each(begin, end - 0.01, 3.0, **said)
    return end


def trip(s: Story, t: float, vibration=0.0, door=0.0, offset=0.0, ride=0.0, opening=0.0,
         closing=0.0, amps=0.0) -> None:  # fmt: skip
    """Doors shut, four floors, doors open; keywords: what is added to what is usual."""
    noise = np.random.default_rng(int(t)).standard_normal(7)
    to = 1 + 4 * (round(t / EVERY) % 2)
    moves = {"door_current": 1.2 + door + 0.05 * noise[0], "door_closed": 0}
    at = phase(s, t, t + 3 + closing + 0.1 * noise[1], door_state=CLOSING, **moves)
    s.say(at, door_state=CLOSED, door_closed=1, car_status=0, speed=0, door_zone=1)
    at = phase(
        s, at + 1, at + 12.4 + ride + 0.1 * noise[2], car_status=1, speed=1.6, door_zone=0,
        acc_rms=0.1 + vibration + 0.01 * noise[3], motor_current=8 + amps + 0.2 * noise[4],
    )  # fmt: skip
    s.say(at, car_status=0, speed=0, door_zone=1, car_position=to)
    at = phase(s, at + 1, at + 4 + opening + 0.1 * noise[5], door_state=OPENING, **moves,
               level_offset=2 + offset + noise[6])  # fmt: skip
    s.say(at, door_state=OPEN).say(t + EVERY - 3)


def rides(s: Story, count: int, **added: float) -> Story:
    for _ in range(count):
        trip(s, EVERY * (s.now // EVERY + 1), **added)
    return s


def a_day(s: Story) -> Story:
    """It stands for a day and some."""
    return s.until(s.now + 86_400 + 300)


def rests(s: Story) -> Story:
    """Long enough to clear; the lift says that it is there."""
    return s.each(s.now + 50, s.now + 700, 50, car_status=0, speed=0)


def visited(s: Story, way: Way, trips=(10, 12), **added: float) -> Story:
    """A mechanic works on it, and for less than half an hour after that it is still another."""
    way(s.say(s.now + 1, service_mode=INSPECTION), trips[0], **added)
    return way(s.say(s.now + 1, service_mode=NORMAL), trips[1], **added)


def drift(rule: str, needs: tuple[str, ...], little: float, **added: float) -> Case:
    """Usual trips, then changed ones. little: the share of the change that nobody minds."""
    small = {name: little * x for name, x in added.items()}
    first = EVERY * (LEARN + 1)  # the first changed trip begins

    def wild(s: Story) -> Story:
        """A single wild trip now and then, and then a small change that lasts."""
        after(s, rides, LEARN)
        for _ in range(2):
            rides(rides(s, 1, **added), 6)
        return rides(s, 20, **small)

    return Case(
        rule,
        lambda s: rides(after(s, rides, LEARN), WRONG, **added),
        (first + 5 * EVERY, first + WRONG * EVERY),
        (
            wild,
            lambda s: rides(after(s, rides, LEARN), 5, **added),
            lambda s: rides(after(s, rides, 20), 10, **added),  # it still learns
            lambda s: visited(after(s, rides, LEARN), rides, **added),
        ),
        lambda s: rests(rides(s, 55)),
        (first + (WRONG + 15) * EVERY + 600, first + (WRONG + 55) * EVERY + 650),
        needs, SLOWLY,
    )  # fmt: skip


def hot(s: Story, count: int, heat: float = 0.0) -> Story:
    """The shortest trips there are: it stands, it runs."""
    for _ in range(count):
        t = s.now + 4
        noise = np.random.default_rng(int(t)).standard_normal()
        s.say(t, car_status=0, speed=0, motor_temp=48 + heat + noise)
        s.say(t + 4, car_status=1, speed=1.6)
    return s


def pulls(s: Story, count: int, start: float = 0.0, ride: float = 0.0) -> Story:
    """Rides that draw more at the start and after it when the mains are low: both together."""
    for _ in range(count):
        t = s.now + 4
        mains, *noise = np.random.default_rng(int(t)).standard_normal(3)
        s.say(t, car_status=0, speed=0, door_zone=1).say(t + 1, car_status=1, speed=1, door_zone=0)
        s.say(t + 3, speed=1.6, motor_current=16 + start + 1.6 * mains + 0.1 * noise[0])
        s.each(t + 7, t + 11, 4, motor_current=10 + ride + mains + 0.1 * noise[1])
    return s


def idles(s: Story, count: int, zero: float = 0.0) -> Story:
    """Four minutes shut, still and empty; then somebody calls it elsewhere."""
    for _ in range(count):
        t = s.now + 10
        weighs = float(zero + np.random.default_rng(int(t)).integers(0, 2))
        s.say(t, car_status=0, speed=0, door_zone=1, door_closed=1, door_state=CLOSED)
        s.each(t + 80, t + 240, 80, load=weighs, passenger=0, people=0)
        s.say(t + 245, door_closed=0, door_state=OPENING).say(t + 250, door_state=OPEN)
        s.say(t + 255, door_state=CLOSING).say(t + 260, door_state=CLOSED, door_closed=1)
        s.say(t + 265, car_status=1, speed=1.6, door_zone=0)
    return s


def leaves(s: Story, count: int, **said: float) -> Story:
    """It stands and says this, 4 s later it runs, 4 s later it stands again."""
    for _ in range(count):
        t = s.now + 4
        s.say(t, car_status=0, speed=0, **said).say(t + 4, car_status=1, speed=1.6)
    return s


def weighs(s: Story, *loads: float) -> Story:
    for load in loads:
        leaves(s, 1, load=load)
    return s


def heats(s: Story, *temps: float) -> Story:
    for temp in temps:
        leaves(s, 1, motor_temp=temp)
    return s


def presence(s: Story, *seen: dict[str, int]) -> Story:
    for said in seen:
        leaves(s, 1, **said)
    return s


def rattles(s: Story, count: int, changes: int = 8, every_s: float = 0.5) -> Story:
    """Stops at which the contact of the shut door opens and closes again and again."""
    for _ in range(count):
        t = s.now + 4
        s.say(t, car_status=0, speed=0, door_closed=1)
        for k in range(changes):
            s.say(t + every_s * (k + 1), door_closed=k % 2)
        s.say(t + every_s * changes + 1, car_status=1, speed=1.6)
    return s


def bursts(s: Story, *worn: bool) -> Story:
    """One burst of a ride a minute."""
    for bad in worn:
        k = round(s.now / 60) + 1
        tell(s, k, shaking(k, worn=bad))
    return s


def on_off(s: Story, way: Way, count: int, *, bad: int, good: int, **added: float) -> Story:
    """Some wrong trips, some usual ones, and again."""
    for _ in range(count):
        way(way(s, bad, **added), good)
    return s


GROWN = {"start": -3.3, "ride": 5.2}  # two sigma each, of what low mains do to them
HOT, PULLS, IDLES = 410, 310, 45  # trips until these are known
HOT_S, PULLS_S, IDLES_S = 8.0 * HOT, 15.0 * PULLS, 275.0 * IDLES
SEEN, UNSEEN = {"passenger": 1, "load": 0}, {"passenger": 0, "load": 0}
VARIED = (0, 24, 12, 0, 36)
DAY = 86_400.0

DRIFTS = (
    drift("27", ("acc_rms",), 0.1, vibration=0.3),
    drift("27b", ("door_current", "door_state"), 0.05, door=1.8),
    drift("27b", ("door_current",), 0.1, door=-0.9),
    drift("27c", ("level_offset",), 0.1, offset=20.0),
    drift("27d", ("car_position",), 0.1, ride=9.0),
    drift("27e", ("door_state",), 0.1, opening=8.0),
    drift("27e", ("door_state",), 0.1, closing=8.0),
    drift("27f", ("motor_current",), 0.1, amps=6.0),
    Case(  # known from 400 trips and weighed by half, 24 °C are some 3 sigma
        "27g", lambda s: hot(after(s, hot, HOT), 16, heat=24),
        (HOT_S + 6 * 8, HOT_S + 16 * 8),
        (
            lambda s: hot(after(s, hot, HOT), 40, heat=4),
            lambda s: on_off(after(s, hot, HOT), hot, 4, bad=1, good=5, heat=24),
            lambda s: visited(after(s, hot, HOT), hot, heat=24),
            lambda s: hot(hot(s, 60), 20, heat=24),  # 400 trips, else a hot day is news
        ),
        lambda s: rests(hot(s, 60)), (HOT_S + 26 * 8 + 600, HOT_S + 76 * 8 + 660),
        ("motor_temp",), {"tick_s": 60},
    ),
    Case(
        "27h", lambda s: a_day(pulls(after(s, pulls, PULLS), 14, **GROWN)),
        (PULLS_S + 6 * 15 + 86_400, PULLS_S + 14 * 15 + 86_460),
        (
            # gone the next day
            lambda s: a_day(pulls(pulls(after(s, pulls, PULLS), 14, **GROWN), 80)),
            # one that drifts alone, or both as they always did, is not this rule
            lambda s: pulls(after(s, pulls, PULLS), 20, start=3.2, ride=2.0),
            lambda s: on_off(after(s, pulls, PULLS), pulls, 3, bad=1, good=6, **GROWN),
            lambda s: visited(after(s, pulls, PULLS), pulls, **GROWN),
        ),
        lambda s: rests(pulls(s, 60)),
        (PULLS_S + 20 * 15 + 87_000, PULLS_S + 74 * 15 + 87_200),
        ("motor_current",), {"tick_s": 60},
    ),
    Case(
        "27w", lambda s: bursts(s, *[False] * 14, True, True, True), 60 * 17,
        (
            lambda s: bursts(s, *[False] * 14, True, True, False, True, False),
            lambda s: bursts(s, *[False] * 6, *[True] * 6),  # it still learns
        ),
        lambda s: bursts(s, *[False] * 16), 60 * 20 + 600, (), {"tick_s": 10, "period": 60},
    ),
)  # fmt: skip

SENSORS = (
    Case(  # more than 60 departures after the first show the same
        "32b", lambda s: leaves(weighs(s, *VARIED), 63, load=24), 8 * (5 + 62) + 4,
        (
            lambda s: leaves(weighs(s, *VARIED), 61, load=24),
            lambda s: leaves(weighs(leaves(s, 30, load=0), 24), 85, load=0),  # it likes to: 3 × 29
            lambda s: visited(leaves(s, 40, load=24), leaves, load=24),
        ),
        lambda s: rests(weighs(s, *VARIED)), 8 * (5 + 63 + 1) + 4 + 600,
        ("load",), SLOWLY,
    ),
    Case(
        "32b", lambda s: heats(s, 40, 41, 40, 80, 40, 40), 8 * 5 + 4,
        (
            lambda s: heats(s, 40, 41, 80, 80, 79),  # once: it got another sensor
            lambda s: heats(s, 40, 64, 40, 64, 40),
            lambda s: heats(heats(s, 40, 80).until(DAY + 3600), 40, 40),
        ),
        lambda s: s.each(600, DAY + 3600, 600, car_status=0, speed=0), (DAY + 600, DAY + 1900),
        ("motor_temp",), {"tick_s": 600, "period": 600},
    ),
    Case(
        "32b", lambda s: rattles(leaves(s, 1), 3).say(8 + 3 * 9 + 4, car_status=0, speed=0),
        8 + 3 * 9 + 4,
        (
            lambda s: leaves(rattles(leaves(rattles(leaves(s, 1), 2), 3), 2), 2),
            lambda s: leaves(rattles(leaves(s, 1), 5, changes=6), 1),
            lambda s: leaves(rattles(leaves(s, 1), 5, every_s=2.5), 1),  # a door that moves
            lambda s: visited(rattles(leaves(s, 1), 2), rattles),
        ),
        lambda s: rests(leaves(s, 2)), (50 + 600, 60 + 600),
        ("door_closed",), {"tick_s": 2},
    ),
    Case(  # 0.95 to the 24th is below 0.3
        "32c", lambda s: leaves(leaves(s, 5, **UNSEEN), 25, **SEEN), 8 * (5 + 24) + 4,
        (
            lambda s: leaves(leaves(s, 5, **UNSEEN), 23, **SEEN).until(600),
            lambda s: presence(s, *[SEEN, SEEN, UNSEEN, UNSEEN] * 15),
            lambda s: leaves(s, 50, passenger=1, load=24),
            lambda s: visited(leaves(s, 10, **SEEN), leaves, **SEEN),
        ),
        lambda s: rests(leaves(s, 3, **UNSEEN)), (8 * 31 + 4 + 600, 8 * 33 + 4 + 600),
        ("passenger", "load"), SLOWLY,
    ),
    Case(
        "32d", lambda s: idles(after(s, idles, IDLES), 8, zero=15),
        (IDLES_S + 6 * 275, IDLES_S + 8 * 275),
        (
            lambda s: idles(after(s, idles, IDLES), 20, zero=1),
            lambda s: on_off(after(s, idles, IDLES), idles, 3, bad=1, good=6, zero=15),
            lambda s: idles(idles(s, 20), 9, zero=15),  # it still learns
            lambda s: visited(after(s, idles, IDLES), idles, trips=(5, 6), zero=15),
        ),
        lambda s: rests(idles(s, 45)), (IDLES_S + 20 * 275, IDLES_S + 53 * 275 + 650),
        ("load",), {"tick_s": 20, "period": 60},
    ),
)  # fmt: skip

WORN = (*DRIFTS, *SENSORS)
