"""Slow and obvious: what one lift's tests, visits and days say at a moment."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np

NAN = float("nan")
MINUTE, HOUR = 60_000, 3_600_000
CHINA = timezone(timedelta(hours=8))


def day_of(ms):
    """The calendar's day, as a number."""
    return (datetime.fromtimestamp(ms / 1000, UTC).astimezone(CHINA).date() - date(1970, 1, 1)).days


class NaiveUpkeep:
    """registry: voice_link, inspection_due_day, last_visit_day, planned_visit_day; NaN unknown."""

    def __init__(self, registry, known_ms=None):
        self.r, self.known, self.slept = registry, known_ms, 0
        self.last = {"voice": {}, "battery": {}}  # kind → {passed: ms of the last}
        self.began = self.visit = self.seen = None
        self.inside = False

    def message(self, ts, code, state):
        if code in (1080, 1081, 1082, 1083) and state != "off":
            kind = self.last["voice" if code < 1082 else "battery"]
            passed = code % 2 == 0
            if ts > kind.get(passed, -math.inf):
                kind[passed] = ts
                if code == 1080:
                    self.slept = 0
        if code == 43 and state != "off":
            self.begins(ts)
        if (code == 40 and state != "off") or (code == 43 and state == "off"):
            self.ends(ts)

    def sample(self, ts, mode):
        if self.seen is not None and ts < self.seen:
            return
        self.seen = ts
        if mode is None:
            return
        if mode == 2 and not self.inside:
            self.begins(ts)
        if mode != 2 and self.inside:
            self.ends(ts)
        self.inside = mode == 2

    def begins(self, ts):
        if self.began is None or ts - self.began > 24 * HOUR:
            self.began = ts

    def ends(self, ts):
        if self.began is None or ts < self.began:
            return
        if ts - self.began >= 10 * MINUTE:
            self.visit = ts if self.visit is None else max(ts, self.visit)
        self.began = None

    def failed(self, kind):
        last = self.last[kind]
        if not last:
            return NAN
        return float(last.get(False, -math.inf) > last.get(True, -math.inf))

    def columns(self, now):
        voice, today = self.last["voice"], day_of(now)
        reports = self.r["voice_link"] != 0 and (self.r["voice_link"] == 1 or voice)
        hours = NAN
        if reports and self.known is not None:
            hours = max(0, now - voice.get(True, self.known) - self.slept) / HOUR
        visits = [self.r["last_visit_day"]] + ([day_of(self.visit)] if self.visit else [])
        visits = [day for day in visits if not math.isnan(day)]
        planned = self.r["planned_visit_day"]
        recorded = today in (self.r["last_visit_day"], planned)
        return {
            "hours_since_voice_test": np.float32(hours),
            "voice_test_failed": NAN if self.r["voice_link"] == 0 else self.failed("voice"),
            "battery_test_failed": self.failed("battery"),
            "days_since_visit": float(today - max(visits)) if visits else NAN,
            "days_to_inspection": self.r["inspection_due_day"] - today,
            "visit_on_record": 1.0 if recorded else NAN if math.isnan(planned) else 0.0,
        }
