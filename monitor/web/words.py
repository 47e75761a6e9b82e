"""Values, times and alerts in words, in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from alerts.lifecycle.causes import Causes, load_causes
from alerts.rules.tally import count_of
from config.text import Text
from devices.registry import place_and_name
from devices.vocabulary import Channel, Kind, Vocabulary
from monitor.detector.schema import DERIVED, REGISTRY
from monitor.web.i18n import Catalogue

LIFT_TYPES = {
    "residential": Text("住宅电梯", "residential lift"),
    "escalator": Text("自动扶梯", "escalator"),
    "office": Text("写字楼电梯", "office lift"),
    "mall": Text("商场电梯", "mall lift"),
    "passenger": Text("乘客电梯", "passenger lift"),
    "freight": Text("载货电梯", "freight lift"),
    "bed": Text("病床电梯", "bed lift"),
    "hospital": Text("病床电梯", "bed lift"),
    "firefighter": Text("消防员电梯", "firefighters lift"),
    "panoramic": Text("观光电梯", "panoramic lift"),
    "home": Text("家用电梯", "home lift"),
    "walkway": Text("自动人行道", "moving walk"),
}
NEAR = timedelta(hours=6)
COLUMNS = {**DERIVED, **REGISTRY}
"""What rules may use beside channels and codes."""

# Units of the vocabulary as people write them.
UNITS = {"degC": "°C", "m/s2": "m/s²", "% rated": "%", "floor": "", "persons": "", "sigma": "σ"}


@dataclass(frozen=True, eq=False)
class Words:
    """Wording for one language and one site; made once, so compared by identity."""

    catalogue: Catalogue
    vocab: Vocabulary
    tz: tzinfo
    causes: Causes = field(default_factory=load_causes)

    @property
    def lang(self) -> str:
        """`zh_CN` or `en`."""
        return self.catalogue.lang

    def text(self, both: Mapping[str, str] | Text | None) -> str:
        """Return this language's side of a text that carries both."""
        if both is None:
            return ""
        text = both if isinstance(both, Text) else Text(both.get("zh", ""), both.get("en", ""))
        return text.of(self.lang)

    def clock(self, at_ms: int | None, now_ms: int | None = None) -> str:
        """Return `03:12:45`; of another day with its date, unless midnight was just now."""
        if at_ms is None:
            return "–"
        local = datetime.fromtimestamp(at_ms / 1000, self.tz)
        now = local if now_ms is None else datetime.fromtimestamp(now_ms / 1000, self.tz)
        if now.date() == local.date() or abs(now - local) < NEAR:
            return local.strftime("%H:%M:%S")
        return local.strftime("%Y-%m-%d %H:%M:%S")

    def day(self, at_ms: int) -> str:
        """Return `2026-03-02`, in the site's zone."""
        return datetime.fromtimestamp(at_ms / 1000, self.tz).strftime("%Y-%m-%d")

    def duration(self, ms: float) -> str:
        """Return `34 s`, `4 min 10 s`, `2 h 05 min` or `3 d 4 h`."""
        _ = self.catalogue.gettext
        seconds = max(0, int(ms // 1000))
        minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
        if minutes < 1:
            return _("%(s)d s") % {"s": seconds}
        if hours < 1:
            return _("%(m)d min %(s)02d s") % {"m": minutes, "s": seconds % 60}
        if days < 1:
            return _("%(h)d h %(m)02d min") % {"h": hours, "m": minutes % 60}
        return _("%(d)d d %(h)d h") % {"d": days, "h": hours % 24}

    def lift_type(self, name: str) -> str:
        """Return the kind of lift in words; what the site wrote where we have no word for it."""
        return LIFT_TYPES[name].of(self.lang) if name in LIFT_TYPES else name

    def channel(self, name: str) -> str:
        """Return what a channel, code, or derived column is called."""
        if name in self.vocab.by_name:
            return self.vocab.by_name[name].text.of(self.lang)
        code = _code(name)
        if code is not None and code in self.vocab.messages:
            what = self.vocab.messages[code].text.of(self.lang)
            return self.catalogue.gettext("code %(code)s: %(what)s") % {"code": code, "what": what}
        counted = count_of(name)
        if counted is not None:
            return counted.text.of(self.lang)
        derived = COLUMNS.get(name)
        return derived.text.of(self.lang) if derived else name

    def value(self, name: str, value: float | None) -> str:
        """Return a value in words: `open`, `yes`, `1.75 m/s`."""
        _ = self.catalogue.gettext
        if value is None or math.isnan(value):
            return _("unknown")
        channel = self.vocab.by_name.get(name)
        if channel is not None:
            return self._of_channel(channel, value)
        if _code(name) is not None:
            return _("reported") if value else _("not reported")
        derived = COLUMNS.get(name)
        if derived is not None and derived.kind is Kind.BOOL:
            return _("yes") if value else _("no")
        if derived is not None and derived.unit == "odds":
            return self._weight(value)
        return self._number(value, derived.unit if derived else "")

    def _weight(self, odds: float) -> str:
        """Return which way a piece of evidence points, and its weight in log-odds."""
        _ = self.catalogue.gettext
        told = f"{odds:+.1f}".replace("-", "−")
        if abs(odds) < 0.05:
            return _("says nothing")
        return (_("speaks for it (%s)") if odds > 0 else _("speaks against it (%s)")) % told

    def _of_channel(self, channel: Channel, value: float) -> str:
        _ = self.catalogue.gettext
        if channel.kind is Kind.BOOL:
            return _("yes") if value else _("no")
        if channel.kind is Kind.ENUM:
            known = channel.values.get(int(value))
            return known.text.of(self.lang) if known else str(int(value))
        if channel.name == "car_position":
            return _("floor %(n)d") % {"n": int(value)}
        return self._number(value, channel.unit)

    def _number(self, value: float, unit: str) -> str:
        _ = self.catalogue.gettext
        digits = 0 if value == int(value) else 2 if abs(value) < 10 else 1
        unit = {"persons": "", "s": _("s"), "h": _("h"), "d": _("d")}.get(
            unit, UNITS.get(unit, unit)
        )
        value = round(value, digits) + 0.0  # never a zero with a sign
        return f"{value:.{digits}f} {unit}".rstrip().replace("-", "−")

    def evidence(self, row: Mapping[str, Any], now_ms: int) -> dict[str, str]:
        """Return one line of evidence: what, its value, since when and for how long."""
        since = row.get("since_ms")
        return {
            "name": opening(self.channel(row["name"])),
            "value": self.value(row["name"], row["value"]),
            "since": self.clock(since, now_ms) if since else "",
            "long": self.duration(now_ms - since) if since else "",
        }

    def people(self, alert: Mapping[str, Any]) -> str:
        """Return `3 people`, `people`, or nothing when nobody is known to be in the car."""
        count = alert.get("people")
        if not alert.get("with_people") and not count:
            return ""
        if not count:
            return self.catalogue.gettext("people in the car")
        n = int(count)
        form = self.catalogue.ngettext("%(n)d person in the car", "%(n)d people in the car", n)
        return form % {"n": n}

    def where(self, alert: Mapping[str, Any]) -> str:
        """Return place and name of the lift."""
        place, name = str(alert.get("place") or ""), str(alert.get("name") or alert["subject"])
        return place_and_name(place, name)

    def headline(self, alert: Mapping[str, Any], now_ms: int) -> str:
        """Return one sentence: what happened, where, with how many people, since when."""
        _ = self.catalogue.gettext
        facts = {
            "rule": opening(self.text(alert["rule_text"])),
            "where": self.where(alert),
            "people": self.people(alert),
            "since": self.clock(alert.get("since_ms") or alert["raised_ms"], now_ms),
        }
        if facts["people"]:
            return _("%(where)s: %(rule)s. %(people)s since %(since)s.") % facts
        return _("%(where)s: %(rule)s, since %(since)s.") % facts


def opening(text: str) -> str:
    """Return a text as a sentence or a cell begins: with a capital, where there are capitals."""
    return text[:1].upper() + text[1:]


def _code(name: str) -> int | None:
    form, _, number = name.removesuffix(")").partition("(")
    return int(number) if form in ("code", "once") and number.isdigit() else None
