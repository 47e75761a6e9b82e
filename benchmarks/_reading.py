"""A recording read by the product's own judge, in process, sample by sample, without a broker.

Two readings. As sent: nothing is added; a lift that reports neither its door nor that it runs is
judged on that. In blocks: the learned normal takes one number a trip, so each stretch of `block_s`
is presented as one trip (running at rated speed, its last sample stopped). Those trips are put in
here, for looking at the method; they are in no recording and go nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alerts.rules import DEFAULT_RULES, load_rules
from devices.batch import MessageRows, TelemetryBatch
from devices.registry import Gateway, Lift, Registry
from devices.replay import Recording
from devices.vocabulary import load_vocabulary
from monitor.detector.method import robust
from monitor.detector.schema import rule_schema
from monitor.judge import Judge

START_MS = 1_767_225_600_000  # any moment: the judge reads no clock
RATED = 1.0  # m/s; put-in speed, above rule 20b's and the baseline's limits, below a hard stop's


@dataclass(frozen=True, slots=True)
class Change:
    """A rule became true or false, `at_s` into the recording; `since_s`: since when it holds."""

    at_s: float
    since_s: float
    rule: str
    zh: str
    en: str
    raised: bool
    why: str


@dataclass(slots=True)
class Reading:
    """What the judge said. `state`: name → float32[n], its memory after each of the n samples:
    level, sigma (m/s²), trips, z of the vibration baseline, its drift's sum, and flat.
    """

    at_s: np.ndarray[Any, Any]
    state: dict[str, np.ndarray[Any, Any]]
    changes: list[Change] = field(default_factory=list)

    @property
    def trips(self) -> int:
        """How many trips the learned normal of vibration has seen."""
        return int(self.state["trips"][-1])

    def spans(self, rule: str) -> list[tuple[float, float]]:
        """From when until when a rule was true, in seconds; an open end is the last sample."""
        found: list[tuple[float, float]] = []
        for change in self.changes:
            if change.rule == rule and change.raised:
                found.append((change.at_s, float(self.at_s[-1])))
            elif change.rule == rule and found:
                found[-1] = (found[-1][0], change.at_s)
        return found


def read(recording: Recording, block_s: float | None = None) -> Reading:
    """Judge a recording at its own spacing with the default rules; see above for `block_s`."""
    vocab = load_vocabulary()
    rules = load_rules(DEFAULT_RULES, rule_schema(vocab))
    texts = {rule.id: rule.text for rule in rules.rules}
    judge = Judge(vocab, _one_lift(), rules)
    n = len(recording)
    values = np.full((n, len(vocab.channels)), np.nan, np.float32)
    for name, column in recording.values.items():
        values[:, vocab.index(name)] = column
    if block_s is not None:
        stands = _ends(recording.offset_ms, block_s)
        values[:, vocab.index("car_status")] = ~stands
        values[:, vocab.index("speed")] = np.where(stands, 0.0, RATED)
    detector = judge.detector
    sources = {  # name → table, column
        "level": (detector.own["normal"], "level.vibration"),
        "spread": (detector.own["normal"], "spread.vibration"),
        "trips": (detector.own["normal"], "n.vibration"),
        "sum": (detector.own["drift"], "up.vibration"),
        "drift": (detector.own["drift"], "held.vibration"),
        "z": (detector.marks, "vibration.z"),
        "flat": (detector.marks, "flat_acc"),
    }
    memory = {name: np.zeros(n, np.float32) for name in sources}
    reading = Reading(recording.offset_ms / 1000.0, {})
    for i in range(n):
        now_ms = START_MS + int(recording.offset_ms[i])
        # no tick: it is for what waiting makes true, and a recording never waits
        for one in judge.judge(_batch(now_ms, values[i]), now_ms, i):
            why = " ".join(
                f"{e.name}={'?' if e.value is None else format(e.value, '.3g')}"
                for e in one.evidence
            )
            reading.changes.append(
                Change(
                    (one.at_ms - START_MS) / 1000.0,
                    (one.since_ms - START_MS) / 1000.0,
                    one.rule,
                    texts[one.rule].zh,
                    texts[one.rule].en,
                    one.raised,
                    why,
                )
            )
        for name, (table, column) in sources.items():
            memory[name][i] = table.data[0, table.index[column]]
    reading.state.update(memory)
    reading.state["sigma"] = reading.state.pop("spread") * robust.MAD_TO_SIGMA
    return reading


def _ends(offset_ms: np.ndarray[Any, Any], block_s: float) -> np.ndarray[Any, Any]:
    """True for the last sample of each block."""
    block = np.ceil(offset_ms / (block_s * 1000.0))
    return np.diff(block, append=np.inf) > 0


def _batch(ts_ms: int, values: np.ndarray[Any, Any]) -> TelemetryBatch:
    lift, ts = np.zeros(1, np.int32), np.array([ts_ms], np.int64)
    none = MessageRows.empty()
    return TelemetryBatch(lift, ts, values[None, :], np.zeros(1, np.bool_), none, [])


def _one_lift() -> Registry:
    lift = Lift(
        *("0" * 20, "", "recording", "", "", "", "", "gw-00", "residential"),
        *(RATED, 1000, 1, 30, "", 2.0, 0.0, 0.0),
    )
    return Registry([lift], [Gateway("gw-00", "", "")])
