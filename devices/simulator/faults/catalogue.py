"""What can go wrong: one entry a fault, with the rule it must ring and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.text import Text
from devices.simulator.stage import Ask, Car, Script

Play = Callable[[Car, Ask], Script]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, or a near miss of one (rule None).

    people: how many are in the car unless asked otherwise (None: as it comes) · for_s: how long
    it lasts · also: rules that may truthfully ring beside it · needs: groups of channels, one of
    each group (or `code N` passed on by the device) is needed to see it from outside ·
    ride_s: seconds at rated speed the shaft must offer · fastest: rated speed at least, m/s ·
    scope: lift, feeder (all lifts on the feeder) or gateway · slowest_s: sample period above
    which it passes unseen between two samples.
    """

    name: str
    text: Text
    play: Play
    rule: str | None = None
    near: str | None = None
    people: int | None = 0
    for_s: float = 300.0
    also: frozenset[str] = frozenset()
    needs: tuple[tuple[str, ...], ...] = ()
    ride_s: float = 0.0
    fastest: float = 0.0
    scope: str = "lift"
    slowest_s: float = 60.0


CATALOGUE: dict[str, Fault] = {}
# How one can know that somebody is in the car.
PEOPLE = ("passenger", "people", "car_call", "load")


def fault(
    zh: str, en: str, *, rule: str | None = None, near: str | None = None,
    people: int | None = 0, for_s: float = 300.0, also: str = "",
    needs: tuple[tuple[str, ...], ...] = (), ride_s: float = 0.0, fastest: float = 0.0,
    scope: str = "lift", slowest_s: float = 60.0,
) -> Callable[[Play], Play]:  # fmt: skip
    """Register a script under its function's name."""

    def register(play: Play) -> Play:
        name = play.__name__
        CATALOGUE[name] = Fault(
            name, Text(zh, en), play, rule, near, people, for_s, frozenset(also.split()), needs,
            ride_s, fastest, scope, slowest_s,
        )  # fmt: skip
        return play

    return register
