"""Kinds of events, and the stage on which one of them plays with its labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from devices.simulator.labels import Label
from devices.simulator.month.chance import F32
from devices.simulator.month.dialects import CHANGE
from devices.simulator.month.fleet import I64, Fleet
from devices.simulator.month.play import Play
from devices.simulator.month.window import Overlay, Silence
from devices.simulator.stage import DUE_S

SLACK_S: Final = 8.0  # clear times and transport, beside periods and the link's delay
LIFE: Final = frozenset(str(n) for n in range(1, 12))  # rules on which a life may hang


@dataclass(slots=True)
class MonthLabel(Label):
    """A label and what a benchmark of a month asks beside.

    ripe_ms: when the rule's own time is over; the rest until must_ring_by_ms is transport ·
    vendor: whose device watches · unseen: why the sensors cannot show it ("" if they can).
    """

    ripe_ms: int | None = None
    vendor: str = ""
    unseen: str = ""

    @property
    def life(self) -> bool:
        """A life may hang on it."""
        return self.rule in LIFE

    def as_json(self) -> dict[str, Any]:
        """Return the label as plain JSON values."""
        more = {"ripe_ms": self.ripe_ms, "vendor": self.vendor, "unseen": self.unseen}
        return Label.as_json(self) | more


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event. `where`: a moment of director.py, or None for what plays by itself.

    rule None: a near miss of rule `near` · also: rules that may truthfully ring beside it ·
    needs: groups of channels, one of each is needed to see it · samples: how many samples must
    fall into the state that shows it · ride_s: the run must be so long · only_with: channels
    or codes without which the event makes no sense on a lift · early: it begins early in the run.
    """

    name: str
    script: Callable[[Scene], None]
    where: int | None
    rule: str | None = None
    near: str | None = None
    also: frozenset[str] = frozenset()
    needs: tuple[tuple[str, ...], ...] = ()
    samples: int = 0
    ride_s: float = 6.0
    only_with: tuple[tuple[str, ...], ...] = ()
    scope: str = "lift"
    early: bool = False


EVENTS: dict[str, Event] = {}
# How one can know that somebody is in the car.
PEOPLE: Final = ("passenger", "people", "car_call", "load")


def event(
    where: int | None, *, rule: str | None = None, near: str | None = None, also: str = "",
    needs: tuple[tuple[str, ...], ...] = (), samples: int = 0, ride_s: float = 6.0,
    only_with: tuple[tuple[str, ...], ...] = (), scope: str = "lift", early: bool = False,
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:  # fmt: skip
    """Register a script under its function's name."""

    def register(script: Callable[[Scene], None]) -> Callable[[Scene], None]:
        name = script.__name__
        EVENTS[name] = Event(name, script, where, rule, near, frozenset(also.split()), needs,
                             samples, ride_s, only_with, scope, early)  # fmt: skip
        return script

    return register


@dataclass(slots=True)
class Scene:
    """One event on one lift: chance, the car (None where nothing is done to it), what is noted."""

    fleet: Fleet
    row: int
    kind: Event
    t: int
    rng: np.random.Generator
    zero_ms: int
    end: int  # of the month, ms
    play: Play = field(init=False)
    options: dict[str, Any] = field(default_factory=dict)
    labels: list[MonthLabel] = field(default_factory=list)
    overlays: list[Overlay] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)

    def between(self, lo: float, hi: float) -> float:
        """Return a number from lo to hi."""
        return float(self.rng.uniform(lo, hi))

    def chance(self, share: float) -> bool:
        """Return True in so many of all cases."""
        return bool(self.rng.random() < share)

    @property
    def slack_s(self) -> float:
        """What transport and sampling may add to a rule's own time, s."""
        dialect = self.fleet.dialects[self.row]
        return SLACK_S + 3 * dialect.period_s + dialect.heartbeat_s + dialect.delay_s[1]

    def begin(
        self, t: int, ripe_after_s: float | None = None, rule: str | None = "",
        also: frozenset[str] = frozenset(),
    ) -> MonthLabel:  # fmt: skip
        """Write down that the condition is there since `t`; ripe after the rule's own time."""
        rule = self.kind.rule if rule == "" else rule
        lift = self.fleet.registry.lift(self.row)
        label = MonthLabel(
            "lift", lift.reg_code, self.row, self.kind.name, rule, self.zero_ms + t, None,
            near=self.kind.near, also=self.kind.also | also,
            people=self.play.people if hasattr(self, "play") else 0,
            vendor=self.fleet.dialects[self.row].id,
        )  # fmt: skip
        if rule is not None:
            self.ripe(label, t + int(1000 * self._due(rule, ripe_after_s)))
            if not self.fleet.dialects[self.row].sees(self.kind.needs):
                self.unseen(label, "no such sensor")
        self.labels.append(label)
        return label

    def _due(self, rule: str, seconds: float | None) -> float:
        return float(DUE_S[rule]) if seconds is None else seconds

    def ripe(self, label: MonthLabel, t: int, more_s: float = 0.0) -> None:
        """The rule's own time is over at `t`."""
        label.ripe_ms = self.zero_ms + t
        label.must_ring_by_ms = label.ripe_ms + int(1000 * (self.slack_s + more_s))

    def shown(self, label: MonthLabel, seconds: float, code: int | None = None) -> None:
        """What shows it lasted so long: too short for the samples of this device is unseen."""
        dialect = self.fleet.dialects[self.row]
        samples = self.kind.samples - (dialect.sampling == CHANGE)  # one at the very change
        enough = seconds > 0 and seconds >= samples * dialect.period_s
        if not enough and not (code is not None and dialect.passes(code)):
            self.unseen(label, "between two samples")

    def lie(
        self, t0: int, t1: int, column: int, change: Callable[[F32, I64], NDArray[Any]]
    ) -> None:
        """From t0 to t1 a channel says change(values, times) in place of what it measured."""

        def put(values: F32, t: I64) -> None:
            values[:, column] = change(values[:, column], t)

        self.overlays.append(Overlay(self.row, t0, t1, put))

    def silent(self, t0: int, t1: int, rows: tuple[int, ...] | None = None) -> None:
        """Nothing of this lift (or of these) is received from t0 to t1."""
        kept = bool(self.fleet.backfill[self.row])
        self.silences.append(Silence(rows or (self.row,), t0, t1, kept))

    def dark(self, label: MonthLabel, seconds: float) -> bool:
        """The mains are gone for so long from now; tell whether the device dies with them."""
        if self.fleet.dialects[self.row].backup:
            return False
        begun = self.play.t
        until = begun + round(1000 * seconds) + 5000  # it must start again
        self.silences.append(Silence((self.row,), begun + 2000, until, kept=False))
        label.also |= {"23"}
        return True

    def unseen(self, label: MonthLabel, why: str) -> None:
        """No sensor of this lift shows it."""
        label.visible, label.unseen = False, label.unseen or why

    def over(self, label: MonthLabel, t: int) -> None:
        """The condition is gone."""
        label.end_ms = self.zero_ms + t


@dataclass(frozen=True, slots=True)
class Drift:
    """A quantity of `Channels` that wanders linearly from t0 to t1 and is mended at t2, ms.

    goal: added (level_mm) or multiplied (the others) in full at t1.
    """

    lift: int
    name: str
    goal: float
    t0: int
    t1: int
    t2: int
