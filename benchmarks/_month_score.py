"""What rang in a month against what was wrong in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import numpy as np

from benchmarks._month import Ran, Rang
from devices.simulator.month.scene import LIFE, MonthLabel
from devices.simulator.score import explains, family

BEFORE_MS: Final = 10_000  # a symptom may be seen before the label's own instant
AFTER_MS: Final = 900_000  # counts over a time, clear times


class MonthScore:
    """Joins rings and labels once; then everything is a sum over them."""

    def __init__(self, ran: Ran) -> None:
        self.ran = ran
        self.lift_months = ran.asked.lifts * ran.asked.days / 30.0
        self._by_subject: dict[str, list[MonthLabel]] = defaultdict(list)
        for label in ran.labels:
            for subject in {label.subject, *label.covers}:
                self._by_subject[subject].append(label)
        registry = ran.registry
        self._lifts_of: dict[str, list[str]] = defaultdict(list)
        for lift in registry.lifts:
            self._lifts_of[lift.gateway].append(lift.reg_code)
        self._weights = {
            rate.event.name: rate.natural / (rate.rate * (
                ran.asked.intensity if rate.event.rule in LIFE else 1.0))
            for rate in ran.rates if rate.rate
        }  # fmt: skip
        self.heard: dict[int, list[Rang]] = defaultdict(list)  # by id of the label
        self.causes: list[list[MonthLabel]] = [self._join(ring) for ring in ran.rings]
        pairs = list(zip(ran.rings, self.causes, strict=True))
        self.alerts = [(r, c) for r, c in pairs if r.anew]  # what joined an open one is none
        self.false = [r for r, c in self.alerts if not c]
        due = [x for x in ran.labels if x.rule and (x.must_ring_by_ms or 0) <= ran.end_ms]
        self.unseen = [label for label in due if not label.visible]
        self.due = [label for label in due if label.visible]

    def _join(self, ring: Rang) -> list[MonthLabel]:
        """Return the labels that explain a ring, and remember who answers which label."""
        causes = []
        for subject in (ring.subject, *self._lifts_of.get(ring.subject, ())):
            for label in self._by_subject.get(subject, ()):
                end_ms = ring.now_ms if label.end_ms is None else label.end_ms
                if not label.start_ms - BEFORE_MS <= ring.now_ms <= end_ms + AFTER_MS:
                    continue
                if family(ring.rule) == label.rule:
                    self.heard[id(label)].append(ring)
                if explains(label, ring.rule) and label not in causes:
                    causes.append(label)
        return causes

    def state(self, label: MonthLabel) -> str:
        """Tell whether a due label was heard: `in_time`, `late` or `missed`."""
        rings = self.heard.get(id(label), [])
        if any(ring.now_ms <= (label.must_ring_by_ms or 0) for ring in rings):
            return "in_time"
        return "late" if rings else "missed"

    def recall(self, labels: list[MonthLabel]) -> float | None:
        """Return the share of these labels heard in time; None without labels."""
        if not labels:
            return None
        return round(sum(self.state(x) == "in_time" for x in labels) / len(labels), 4)

    def weight(self, causes: list[MonthLabel]) -> float:
        """How much a ring counts at the natural rate of what is life-critical."""
        return max((self._weights[c.fault] for c in causes), default=1.0)

    def as_json(self) -> dict[str, Any]:
        """Return all figures."""
        return self._recalls() | self._alerts() | self._delays() | self._vendors()

    def _recalls(self) -> dict[str, Any]:
        life = [x for x in self.due if x.life]
        by_rule, by_fault = defaultdict(list), defaultdict(list)
        for label in self.due:
            by_rule[label.rule].append(label)
            by_fault[label.fault].append(label)
        any_life = sum(
            any(r.now_ms <= (x.must_ring_by_ms or 0) and family(r.rule) in LIFE
                for r in self._near(x)) for x in life
        )  # fmt: skip
        return {
            "month_recall": self.recall(life),
            "life_critical_events": len(life),
            "life_critical_in_time": sum(self.state(x) == "in_time" for x in life),
            "life_critical_late": sum(self.state(x) == "late" for x in life),
            "life_critical_by_any_life_rule": round(any_life / len(life), 4) if life else None,
            "unseen_by_sensors": len([x for x in self.unseen if x.life]),
            "unseen_heard_all_the_same": sum(
                self.state(x) == "in_time" for x in self.unseen if x.life
            ),
            "recall_by_rule": {
                rule: [self.recall(some), len(some)]
                for rule, some in sorted(by_rule.items(), key=lambda item: int(item[0]))
            },
            "missed_by_fault": dict(Counter(
                x.fault for x in self.due if self.state(x) != "in_time").most_common()),
            "missed_by_fault_and_vendor": dict(Counter(
                f"{x.fault}/{x.vendor}" for x in self.due if self.state(x) != "in_time"
            ).most_common()),
        }  # fmt: skip

    def _near(self, label: MonthLabel) -> list[Rang]:
        return [r for r, causes in zip(self.ran.rings, self.causes, strict=True)
                if any(c is label for c in causes)]  # fmt: skip

    def _alerts(self) -> dict[str, Any]:
        rings, months = [r for r, _ in self.alerts], self.lift_months
        true = len(rings) - len(self.false)
        weights = [self.weight(c) for _, c in self.alerts]
        scaled = sum(weights)
        labels = self.due
        oracle = sum(self._weights[x.fault] for x in labels)
        near = [x for x in self.ran.labels if x.rule is None]
        loud = sum(any(self._during(x, r) for r in self.false) for x in near)
        return {
            "rings": len(self.ran.rings),
            "alerts": len(rings),
            "month_precision": round(true / len(rings), 4) if rings else None,
            "alerts_per_lift_month": round(len(rings) / months, 4),
            "month_precision_at_natural_rate": round(1 - len(self.false) / scaled, 4)
            if scaled else None,
            "alerts_per_lift_month_at_natural_rate": round(scaled / months, 4),
            "false_per_lift_month": round(len(self.false) / months, 4),
            "true_events_per_lift_month": round(len(labels) / months, 4),
            "true_events_per_lift_month_at_natural_rate": round(oracle / months, 4),
            "rates_note": "plain figures: life-critical events at the raised rate of this run; "
            "at_natural_rate: their alerts weighted back to real life, all else as it is",
            "near_misses": len(near),
            "near_misses_quiet": len(near) - loud,
            "loud_near_misses": dict(Counter(
                x.fault for x in near if any(self._during(x, r) for r in self.false)
            ).most_common()),
            "alerts_by_rule": dict(Counter(r.rule for r in rings).most_common()),
            "false_by_rule": dict(Counter(r.rule for r in self.false).most_common()),
            "false_by_rule_and_vendor": dict(Counter(
                f"{r.rule}/{self._vendor(r)}" for r in self.false).most_common(40)),
        }  # fmt: skip

    def _during(self, label: MonthLabel, ring: Rang) -> bool:
        if ring.subject != label.subject:
            return False
        end_ms = label.end_ms if label.end_ms is not None else ring.now_ms
        return label.start_ms - BEFORE_MS <= ring.now_ms <= end_ms + 60_000

    def _vendor(self, ring: Rang) -> str:
        lifts = self._lifts_of.get(ring.subject, [ring.subject])
        return self.ran.vendor_of.get(lifts[0], "?")

    def _delays(self) -> dict[str, Any]:
        delays: dict[str, list[float]] = defaultdict(list)
        for label in self.due:
            rings = self.heard.get(id(label), [])
            if rings and label.ripe_ms is not None and label.rule:
                delays[label.rule].append((min(r.now_ms for r in rings) - label.ripe_ms) / 1000)
        told = {}
        for rule in sorted(delays, key=int):
            p50, p90, p99, most = np.percentile(delays[rule], (50, 90, 99, 100)).round(1).tolist()
            told[rule] = {"p50": p50, "p90": p90, "p99": p99, "max": most}
        return {"delay_s_by_rule": told}

    def _vendors(self) -> dict[str, Any]:
        table = {}
        for vendor in sorted(set(self.ran.vendor_of.values())):
            life = [x for x in self.due if x.life and x.vendor == vendor]
            rings = [r for r, _ in self.alerts if self._vendor(r) == vendor]
            false = sum(self._vendor(r) == vendor for r in self.false)
            lifts = sum(v == vendor for v in self.ran.vendor_of.values())
            table[vendor] = {
                "lifts": lifts,
                "recall": self.recall(life),
                "life_critical": len(life),
                "precision": round(1 - false / len(rings), 4) if rings else None,
                "alerts_per_lift_month": round(
                    len(rings) / (lifts * self.ran.asked.days / 30), 4),
                "unseen": sum(x.vendor == vendor and x.life for x in self.unseen),
            }  # fmt: skip

        def worst(key: str) -> str | None:
            known = {v: row[key] for v, row in table.items() if row[key] is not None}
            return min(known, key=lambda v: known[v]) if known else None

        return {
            "by_vendor": table,
            "worst_vendor": {"recall": worst("recall"), "precision": worst("precision")},
        }

    def report(self) -> dict[str, Any]:
        """Return each miss and each false alert, for a developer to look into."""
        registry = self.ran.registry
        missed = [x.as_json() | {"state": self.state(x), "rated_speed": self._speed(x.subject)}
                  for x in self.due if self.state(x) != "in_time"]  # fmt: skip
        false = []
        for ring in self.false:
            labels = [x for x in self._by_subject.get(ring.subject, ())
                      if x.start_ms - 3_600_000 <= ring.now_ms
                      and (x.end_ms is None or ring.now_ms <= x.end_ms + 3_600_000)]  # fmt: skip
            false.append({
                "subject": ring.subject, "row": registry.row_of.get(ring.subject, -1),
                "vendor": self._vendor(ring), "rule": ring.rule, "now_ms": ring.now_ms,
                "at_ms": ring.at_ms, "labels_about": [x.as_json() for x in labels],
            })  # fmt: skip
        unseen = [x.as_json() for x in self.unseen]
        return {"missed": missed, "false": false, "unseen": unseen}

    def _speed(self, subject: str) -> float | None:
        lift = self.ran.registry.find(subject)
        return lift.rated_speed if lift else None
