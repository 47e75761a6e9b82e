"""A lift's story, second by second, through detector and rules with the shipped rule file."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from alerts.rules import DEFAULT_RULES, RuleEngine, load_rules
from monitor.detector import Detector, rule_schema
from tests.monitor.detector.fleets import T0, VOCAB, batch, registry

NORMAL, INSPECTION, FIRE, FIREMAN, SEISMIC = 1, 2, 3, 4, 6
CLOSING, CLOSED, OPENING, OPEN = 1, 2, 3, 4
STUCK = {
    "passenger": 1, "car_status": 0, "speed": 0, "door_zone": 0, "door_closed": 1,
    "service_mode": NORMAL,
}  # fmt: skip
AT_FLOOR = STUCK | {"door_zone": 1}
EMPTY = STUCK | {"passenger": 0, "people": 0, "car_call": 0, "alarm_button": 0}
RUNNING = {
    "car_status": 1, "speed": 1.5, "door_zone": 0, "door_closed": 1, "service_mode": NORMAL,
}  # fmt: skip
SPECIAL = [INSPECTION, FIRE, FIREMAN, SEISMIC]


@lru_cache(maxsize=1)
def rules():
    return load_rules(DEFAULT_RULES, rule_schema(VOCAB))


class Story:
    """Times are seconds since the beginning; between events time is ticked through.

    `mode`: the lift is in this service_mode all the time · `passenger`: and this is what it says
    of people · `without`: channels the device does not have, None: it has none.
    """

    def __init__(self, n=1, tick_s=2.0, mode=None, passenger=None, without=(), **kwargs):
        said = {"service_mode": mode, "passenger": passenger}
        self.always = {name: value for name, value in said.items() if value is not None}
        self.without = without
        self.rules = rules()
        asleep = {"asleep_s": max(30.0, 2 * tick_s)}  # long strides are no sleep
        registered = registry(n, **kwargs)
        self.detector = Detector(VOCAB, registered, n, codes=self.rules.codes, **asleep)
        self.engine = RuleEngine(self.rules, n, **asleep)
        self.now, self.tick_s, self.log = 0.0, tick_s, []
        self._tick()

    def say(self, at_s, lift=0, **channels):
        """A sample of one lift."""
        self.until(at_s)
        channels |= self.always
        if self.without is None:
            channels = {}
        else:
            channels = {name: x for name, x in channels.items() if name not in self.without}
        self._take(batch([(lift, T0 + round(at_s * 1000), channels)]))
        return self

    def registered(self, **columns):
        """The registry says something else now."""
        self.detector.grow(1, self.detector.registry | registry(1, **columns))
        return self

    def message(self, at_s, code, state="once", lift=0):
        """A message of one lift."""
        self.until(at_s)
        self._take(batch((), [(lift, T0 + round(at_s * 1000), code, state)]))
        return self

    def clock(self, at_s, offset_s):
        """What is known of the device's clock from outside: how far it is off."""
        self.until(at_s)
        self.detector.links.take({"clock_offset_s": np.full(self.detector.n, offset_s, np.float32)})
        return self

    def burst(self, at_s, *bursts, **channels):
        """Waveforms, and before them a sample of lift 0, in one batch."""
        self.until(at_s)
        rows = batch([(0, T0 + round(at_s * 1000), channels)] if channels else ())
        rows.waveforms = list(bursts)
        self._take(rows)
        return self

    def each(self, begin_s, end_s, period_s=1.0, **channels):
        """The same sample again and again, both ends included."""
        k = 0
        while begin_s + k * period_s <= end_s + 1e-9:
            self.say(begin_s + k * period_s, **channels)
            k += 1
        return self

    def until(self, at_s):
        """Let time pass without a sample."""
        step = self.tick_s if at_s - self.now < 600 else max(self.tick_s, 20.0)
        while self.now + step <= at_s:
            self.now += step
            self._tick()
        self.now = max(self.now, at_s)
        return self

    def _take(self, rows):
        now = T0 + round(self.now * 1000)
        for s in self.detector.update(rows, now):
            self._note(self.engine.evaluate(s.rows, s.at_ms, s.columns, now, s.sampled))

    def _tick(self):
        now = T0 + round(self.now * 1000)
        self._note(self.engine.tick(now, self.detector.tick(now)))

    def _note(self, t):
        for i in range(len(t)):
            rule = self.rules.rules[t.rule[i]].id
            at_s, since_s = ((int(x) - T0) / 1000 for x in (t.at_ms[i], t.since_ms[i]))
            self.log.append((int(t.lift[i]), rule, bool(t.raised[i]), at_s, since_s))

    def rang(self, rule, lift=0):
        """When this rule was raised, in seconds."""
        return [at for who, name, raised, at, _ in self.log
                if (who, name, raised) == (lift, rule, True)]  # fmt: skip

    def cleared(self, rule, lift=0):
        """When this rule was cleared, in seconds."""
        return [at for who, name, raised, at, _ in self.log
                if (who, name, raised) == (lift, rule, False)]  # fmt: skip

    @property
    def all(self):
        """Every rule that was ever raised."""
        return {name for _, name, raised, _, _ in self.log if raised}
