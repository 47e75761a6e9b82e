"""The alert desk in plain words: one car, one rule, its alerts, who is called when.

No tables, no database, no clever order of updates: each question is answered from what has
happened so far. Written from docs/lifecycle.md and the chains file, not from alerts/.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HOUR = 3_600_000
QUIET_MS = 600_000
ORDER = ["raised", "accepted", "on_the_way", "arrived", "freed", "cause_filed", "verified"]
HELD_IN_CAR = ["raised", "accepted", "on_the_way", "arrived"]
UNDER_WAY = ["accepted", "on_the_way", "arrived", "freed", "cause_filed"]
BRINGS_TO = {
    "accept": "accepted", "depart": "on_the_way", "arrive": "arrived", "free": "freed",
    "file_cause": "cause_filed", "verify": "verified",
}  # fmt: skip
PAST = {
    "acknowledge": "acknowledged", "accept": "accepted", "depart": "departed", "arrive": "arrived",
    "free": "freed", "file_cause": "cause_filed",
}  # fmt: skip
SHARED = ["accept", "depart", "arrive", "free", "file_cause"]
CONSOLE_ONLY = ["verify", "cancel", "shelve", "unshelve"]


@dataclass(frozen=True)
class Rung:
    """One step of a chain: due so long after the call, until one of these has happened."""

    id: str
    after_ms: int
    until: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """What the model must know of a rule."""

    id: str
    latched: bool
    chain: str
    chain_with_people: str


@dataclass
class Alert:
    """One alert; `rungs` says of each rung whether it is open, called, dropped or asleep (dropped
    only since the condition had gone)."""

    rule: Rule
    chain: str
    rescue: str
    people: bool
    start_ms: int
    alarm: str = "unacknowledged"
    active: bool = True
    aside: str = "none"
    aside_until: int = 0
    acknowledged_ms: int | None = None
    done: set[str] = field(default_factory=set)
    happened: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    rungs: dict[str, str] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.alarm != "closed"

    @property
    def life(self) -> bool:
        return self.people or self.rescue != "none"

    @property
    def held(self) -> bool:
        return self.rule.latched or self.rescue in UNDER_WAY


@dataclass
class Car:
    """One car under one rule, and what the desk must do about it."""

    rule: Rule
    chains: dict[str, list[Rung]]
    rescues: tuple[str, ...] = ("R",)
    alerts: list[Alert] = field(default_factory=list)
    seen: bool = False
    out_until: int | None = None

    # -- what signals do ----------------------------------------------------------------

    def onset(self, now: int, people: bool) -> None:
        self.seen = True
        waiting = [a for a in self.alerts if a.open and a.rescue not in ("freed", "cause_filed")]
        if waiting:
            self._again(waiting[-1], now)
            if people:
                self._people(waiting[-1], now)
            return
        chain = self.rule.chain_with_people if people else self.rule.chain
        rescue = "raised" if chain in self.rescues else "none"
        alert = Alert(self.rule, chain, rescue, people, now)
        self.alerts.append(alert)
        if self.out_until is not None and not alert.life and not self._somebody_held():
            alert.aside = "out_of_service"
        self._call(alert, now)

    def people_come(self, now: int) -> None:
        """The same condition is reported again, now with people in the car."""
        if self.seen and self.alerts and self.alerts[-1].open:
            self._people(self.alerts[-1], now)

    def clear(self, now: int) -> None:
        self.seen = False
        alert = self.alerts[-1]
        alert.active = False
        if alert.alarm == "unacknowledged":
            alert.alarm = "returned_unacknowledged"
        elif alert.alarm == "acknowledged":
            alert.alarm = "latched" if alert.held else "closed"
        self._tidy(alert)

    def _again(self, alert: Alert, now: int) -> None:
        alert.active = True
        if alert.alarm == "latched":
            quiet = alert.acknowledged_ms is not None and now - alert.acknowledged_ms < QUIET_MS
            if quiet or alert.rescue in UNDER_WAY:
                alert.alarm = "acknowledged"
            else:
                alert.alarm = "unacknowledged"
                self._call_anew(alert, now)
                return
        elif alert.alarm == "returned_unacknowledged":
            alert.alarm = "unacknowledged"
        for rung, state in alert.rungs.items():
            if state == "asleep":
                alert.rungs[rung] = "open"
        self._tidy(alert)

    def _people(self, alert: Alert, now: int) -> None:
        if alert.people:
            return
        alert.people = True
        for one in self.alerts:
            if one.open and one.aside != "none":
                self._out_of_aside(one)
        chain = self.rule.chain_with_people
        if chain != alert.chain:
            alert.chain = chain
            if chain in self.rescues and alert.rescue == "none":
                alert.rescue = "raised"
            alert.alarm = "unacknowledged"
            self._call_anew(alert, now)
        self._call_due(alert, now)

    # -- who is called ------------------------------------------------------------------

    def _call_anew(self, alert: Alert, now: int) -> None:
        alert.acknowledged_ms = None
        alert.done -= {"acknowledge", "accept"}
        alert.happened -= {"acknowledged", "accepted"}
        alert.answered.clear()
        alert.start_ms = now
        self._call(alert, now)

    def _call(self, alert: Alert, now: int) -> None:
        alert.rungs = {rung.id: "open" for rung in self.chains[alert.chain]}
        if alert.aside == "none":
            # What is due at once and needless is not called later either.
            for rung in self.chains[alert.chain]:
                if rung.after_ms == 0:
                    alert.rungs[rung.id] = "called"
                    if self._needless(alert, rung) is None:
                        alert.called.append(rung.id)

    def _needless(self, alert: Alert, rung: Rung) -> str | None:
        if not alert.open:
            return "closed"
        if not alert.active and not alert.held:
            return "cleared"
        met = [u for u in rung.until if u in alert.happened or u in alert.answered]
        return met[0] if met else None

    def _tidy(self, alert: Alert) -> None:
        """What has become needless is dropped; nothing that has closed is set aside."""
        if not alert.open:
            alert.aside = "none"
            if alert.rescue == "raised":
                alert.rescue = "cancelled"
        for rung in self.chains[alert.chain]:
            why = self._needless(alert, rung)
            if alert.rungs.get(rung.id) == "open" and why is not None:
                alert.rungs[rung.id] = "asleep" if why == "cleared" else "dropped"

    def _call_due(self, alert: Alert, now: int) -> None:
        if alert.aside != "none":
            return
        for rung in sorted(self.chains[alert.chain], key=lambda r: r.after_ms):
            if alert.rungs[rung.id] == "open" and alert.start_ms + rung.after_ms <= now:
                alert.rungs[rung.id] = "called"
                alert.called.append(rung.id)

    # -- what time does -----------------------------------------------------------------

    def tick(self, now: int) -> None:
        for alert in self.alerts:
            if alert.aside == "shelved" and alert.aside_until <= now:
                still_out = self.out_until is not None and self.out_until > now
                if still_out and not self._somebody_held():
                    alert.aside = "out_of_service"
                else:
                    self._out_of_aside(alert)
        if self.out_until is not None and self.out_until <= now:
            self._back_in_service()
        for alert in self.alerts:
            self._call_due(alert, now)

    def _out_of_aside(self, alert: Alert) -> None:
        alert.aside = "none"
        self._tidy(alert)
        if not alert.active:  # nobody is called for what has gone meanwhile
            for rung, state in alert.rungs.items():
                if state == "open":
                    alert.rungs[rung] = "asleep"

    def _back_in_service(self) -> None:
        self.out_until = None
        for alert in self.alerts:
            if alert.open and alert.aside == "out_of_service":
                self._out_of_aside(alert)

    # -- what people do -----------------------------------------------------------------

    def _somebody_held(self) -> bool:
        return any(
            a.open and (a.rescue in HELD_IN_CAR or (a.people and a.rescue == "none" and a.active))
            for a in self.alerts
        )

    def take_out(self, now: int, until: int) -> str:
        if self.out_until is not None:
            return "already"
        if self._somebody_held():
            return "refused"
        self.out_until = until
        for alert in self.alerts:
            if alert.open and alert.aside == "none" and not alert.life:
                alert.aside = "out_of_service"
        return "moved"

    def return_(self, now: int) -> str:
        if self.out_until is None:
            return "already"
        self._back_in_service()
        for alert in self.alerts:
            self._call_due(alert, now)
        return "moved"

    def tap(self, alert: Alert, step: str, unit: str | None, now: int, until: int = 0) -> str:
        """Return moved, already or refused. `unit` None = the operator at the console."""
        if step in CONSOLE_ONLY and unit is not None:
            return "refused"
        said = self._take(alert, step, now, until)
        if said == "refused":
            return said
        touched = [alert]
        if said == "moved" and step in SHARED and alert.rescue != "none":
            for other in self.alerts:
                if other is not alert and other.open and other.rescue != "none":
                    self._take(other, step, now, until)
                    touched.append(other)
        for one in touched:
            if unit is not None:
                one.answered.add(f"answered:{unit}")
            self._tidy(one)
        if step == "unshelve" and said == "moved":
            self._call_due(alert, now)
        return said

    def _take(self, alert: Alert, step: str, now: int, until: int) -> str:
        if step in alert.done:
            return "already"
        if not alert.open and not (step == "file_cause" and alert.rescue == "none"):
            return "already"
        if step == "shelve":
            return self._shelve(alert, until)
        if step == "unshelve":
            return self._unshelve(alert, now)
        if step == "acknowledge":
            if alert.alarm not in ("unacknowledged", "returned_unacknowledged"):
                return "already"
            self._acknowledge(alert, now)
            return "moved"
        if step == "cancel":
            alert.alarm = "closed"
            if alert.rescue != "none":
                alert.rescue = "cancelled"
            return "moved"
        return self._further(alert, step, now)

    def _shelve(self, alert: Alert, until: int) -> str:
        if alert.life:
            return "refused"
        if alert.aside != "none":
            return "already"
        if self._somebody_held():
            return "refused"
        alert.aside, alert.aside_until = "shelved", until
        return "moved"

    def _unshelve(self, alert: Alert, now: int) -> str:
        if alert.aside != "shelved":
            return "already"
        if self.out_until is not None and self.out_until > now:
            alert.aside = "out_of_service"
        else:
            self._out_of_aside(alert)
        return "moved"

    def _acknowledge(self, alert: Alert, now: int) -> None:
        if alert.alarm == "unacknowledged":
            alert.alarm = "acknowledged"
        elif alert.alarm == "returned_unacknowledged":
            alert.alarm = "latched" if alert.held else "closed"
        else:
            return
        alert.done.add("acknowledge")
        alert.happened.add("acknowledged")
        alert.acknowledged_ms = now

    def _further(self, alert: Alert, step: str, now: int) -> str:
        if alert.rescue == "none":
            if step in ("depart", "arrive", "free"):
                return "refused"
            if step == "verify":
                alert.alarm = "closed"
                return "moved"
            if step == "accept":
                self._acknowledge(alert, now)
        else:
            here, there = ORDER.index(alert.rescue), ORDER.index(BRINGS_TO[step])
            if here >= there:
                return "already"
            if step in ("file_cause", "verify") and here != there - 1:
                return "refused"
            if step in ("depart", "arrive") and alert.rescue == "raised":
                alert.done.add("accept")
                alert.happened.add("accepted")
            alert.rescue = BRINGS_TO[step]
            if step == "verify":
                alert.alarm = "closed"
                return "moved"
            self._acknowledge(alert, now)
        alert.done.add(step)
        alert.happened.add(PAST[step])
        return "moved"
