"""Trips, drift, messages, visits, data quality and papers of a lift in words and small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.registry import Lift
from monitor.detector.trip_list import MEASURED, Trips
from monitor.web.console import svg
from monitor.web.ports import ServicePort
from monitor.web.words import UNITS, Words, opening

COUNT = 1000  # units across a small picture
MOST_ROWS = 30
DAY_MS = 86_400_000
Json = Mapping[str, Any]


def trip_columns(words: Words) -> dict[str, tuple[str, str, int]]:
    """Return column → (word, unit, digits), in the order of the table."""
    _ = words.catalogue.gettext
    return {
        "travel_s": (_("Travel time"), "s", 1),
        "opening_s": (_("Door opening time"), "s", 1),
        "closing_s": (_("Door closing time"), "s", 1),
        "dwell_s": (_("Door stood open"), "s", 1),
        "levelling_mm": (_("Levelling error"), "mm", 1),
        "relevels": (_("Re-levellings"), "", 0),
        "peak_acc": (_("Peak acceleration"), "m/s²", 2),
        "vibration": (_("Vibration at speed"), "m/s²", 3),
        "motor_current": (_("Motor current"), "A", 1),
        "load": (_("Load"), "%", 0),
    }


def trips(words: Words, found: Trips, begin: int, end: int) -> dict[str, Any]:
    """Return small multiples over all trips, and the newest as a table."""
    columns = trip_columns(words)
    small = []
    for name, (word, unit, digits) in columns.items():
        values = found.columns[name]
        said = ~np.isnan(values)
        if not said.any():
            continue
        picture = _dots(found.arrived[said], values[said], begin, end)
        median = float(np.median(values[said]))
        most = float(values[said][np.abs(values[said]).argmax()])
        small.append(
            picture
            | {
                "word": f"{word} ({unit})" if unit else word,
                "median": _number(median, digits),
                "most": _number(most, digits),
            }
        )
    newest = range(len(found) - 1, max(-1, len(found) - 1 - MOST_ROWS), -1)
    shown = [name for name in columns if (~np.isnan(found.columns[name])).any()]
    rows = [
        {
            "clock": words.clock(int(found.set_off[i]), end),
            "way": _way(found, i),
            "cells": [_number(float(found.columns[n][i]), columns[n][2]) for n in shown],
        }
        for i in newest
    ]
    heads = [
        f"{columns[n][0]} ({columns[n][1]})" if columns[n][1] else columns[n][0] for n in shown
    ]
    return {
        "small": small, "heads": heads, "rows": rows, "count": len(found),
        "left": max(0, len(found) - MOST_ROWS), "ticks": svg.time_ticks(begin, end, words.tz, 4),
    }  # fmt: skip


def _way(found: Trips, i: int) -> str:
    here, there = found.columns["from_floor"][i], found.columns["to_floor"][i]
    if np.isnan(here) or np.isnan(there):
        return "–"
    return f"{int(here)} → {int(there)}".replace("-", "−")


def _number(value: float, digits: int) -> str:
    return "–" if np.isnan(value) else f"{value + 0.0:.{digits}f}".replace("-", "−")


def _place(at: NDArray[np.int64], begin: int, end: int) -> NDArray[np.int64]:
    return np.round((at - begin) / max(1, end - begin) * COUNT).astype(np.int64)


def _dots(
    at: NDArray[np.int64], values: NDArray[np.float32], begin: int, end: int
) -> dict[str, Any]:
    scale, ticks = svg.scale_of(float(values.min()), float(values.max()))
    return {
        "d": svg.dots(_place(at, begin, end), scale.y(values)),
        "band": "",
        "middle": "",
        "labels": [
            {"y": round(scale.share(t) * 100, 1), "word": f"{t:g}".replace("-", "−")} for t in ticks
        ],
    }


def drift(words: Words, told: Json) -> dict[str, Any]:
    """Return a picture and a line of words a feature: its own normal as a band, trips as dots."""
    _ = words.catalogue.gettext
    begin, end = told["from_ms"], told["to_ms"]
    at = np.array(told["arrived_ms"], np.int64)
    order = {feature.name: i for i, feature in enumerate(MEASURED)}
    found = sorted(
        told["features"], key=lambda one: (not one["drifts"], order.get(one["name"], 99))
    )
    features = []
    for one in found:
        unit = UNITS.get(one["unit"], one["unit"])
        word = opening(words.text(one["text"]))
        learning = one["trips"] < one["warm_up"]
        if one["drifts"]:
            state = _("drifts since %(time)s") % {"time": words.clock(one["since_ms"], end)}
        elif learning:
            state = _("learning: %(n)d of %(of)d trips") % {"n": one["trips"], "of": one["warm_up"]}
        else:
            state = _("normal")
        side = max(one["up"] or 0, one["down"] or 0)
        features.append(
            {
                "word": f"{word} ({unit})" if unit else word,
                "state": state,
                "tone": "warn" if one["drifts"] else "",
                "level": _known(one["level"]),
                "sigma": _known(one["sigma"]),
                "z": _known(one["z"]),
                "sum": f"{side:.1f} / {one['limit']:.0f}",
                "peers": _known(one["peers_z"]),
                "trips": one["trips"],
                "picture": _band(one, at, begin, end),
            }
        )
    return {
        "features": features,
        "ticks": svg.time_ticks(begin, end, words.tz, 4),
        "count": len(at),
    }


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value + 0.0:.2f}".replace("-", "−")


def _band(one: Json, at: NDArray[np.int64], begin: int, end: int) -> dict[str, Any] | None:
    if "trip" not in one or not len(at):
        return None
    value, normal, spread = (
        np.array(one["trip"][name], np.float64) for name in ("value", "normal", "spread")
    )
    said = ~np.isnan(value)
    if not said.any():
        return None
    known = said & ~np.isnan(normal) & ~np.isnan(spread)
    lo, hi = (normal - 3 * spread)[known], (normal + 3 * spread)[known]
    ends = np.concatenate([value[said], lo, hi])
    scale, ticks = svg.scale_of(float(ends.min()), float(ends.max()))
    x = _place(at, begin, end)
    middle = "L".join(
        f"{a} {b}" for a, b in zip(x[known].tolist(), scale.y(normal[known]).tolist(), strict=True)
    )
    return {
        "d": svg.dots(x[said], scale.y(value[said])),
        "band": svg.band(x[known], scale.y(lo), scale.y(hi)),
        "middle": f"M{middle}" if middle else "",
        "labels": [
            {"y": round(scale.share(t) * 100, 1), "word": f"{t:g}".replace("-", "−")} for t in ticks
        ],
    }


def messages(words: Words, told: Json, now_ms: int) -> dict[str, Any]:
    """Return codes by how often they came, and messages, the newest first."""
    _ = words.catalogue.gettext
    states = {"off": _("gone"), "on": _("came"), "once": _("reported")}

    def word(one: Json) -> str:
        return words.text(one["text"]) or _("unknown code")

    return {
        "codes": [
            {"code": one["code"], "word": opening(word(one)), "times": one["times"],
             "last": words.clock(one["last_ms"], now_ms)}
            for one in told["codes"]
        ],
        "messages": [
            {"clock": words.clock(one["ts_ms"], now_ms), "code": one["code"],
             "word": opening(word(one)), "state": states[one["state"]], "late": one["late"]}
            for one in told["messages"]
        ],
    }  # fmt: skip


def visits(words: Words, found: Sequence[Json], now_ms: int) -> list[dict[str, Any]]:
    """Return visits as lines."""
    _ = words.catalogue.gettext
    kinds = {
        "inspection_mode": _("Inspection mode"), "ordered": _("Announced visit"),
        "rescue": _("Rescue"),
    }  # fmt: skip
    return [
        {
            "kind": kinds[one["kind"]],
            "from": words.clock(one["from_ms"], now_ms),
            "long": words.duration(one["to_ms"] - one["from_ms"]) if one["to_ms"] else "–",
            "by": one.get("by") or "–",
            "reason": one.get("reason") or "",
            "alert": one.get("alert_id"),
        }
        for one in found
    ]


def quality(words: Words, told: Json, now_ms: int) -> dict[str, Any]:
    """Return a bar a day, silences, refusals, and what is thought of the sensors."""
    days = told["days"]
    most = max((day["samples"] for day in days), default=0) or 1
    bars = [
        {
            "x": round(100 * i / len(days), 3),
            "width": round(82 / len(days), 3),
            "y": round(100 * (1 - day["heard_share"]), 1),
            "height": round(100 * day["heard_share"], 1),
            "title": f"{words.day(day['from_ms'])}: {day['heard_share']:.1%}, {day['samples']:,}",
        }
        for i, day in enumerate(days)
    ]
    lines = [
        {
            "day": words.day(day["from_ms"]),
            "samples": f"{day['samples']:,}",
            "late": f"{day['late']:,}",
            "heard": f"{day['heard_share']:.1%}",
        }
        for day in reversed(days)
    ]
    refused = [
        {
            "clock": words.clock(one["at_ms"], now_ms),
            "what": one["field"] or one["reason"],
            "value": one["value"] or "–",
            "limit": one["limit"] or "–",
            "way_out": words.text(one["way_out"]),
        }
        for one in told["refused"][:50]
    ]
    gaps = [
        {
            "from": words.clock(one["from_ms"], now_ms),
            "long": words.duration(one["to_ms"] - one["from_ms"]),
        }
        for one in reversed(told["gaps"])
    ]
    flags = [
        {"word": opening(words.channel(name)), "value": words.value(name, value)}
        for name, value in told["sensors"].items()
    ]
    heard = sum(day["heard_share"] for day in days) / max(1, len(days))
    return {
        "bars": bars, "days": lines, "refused": refused, "gaps": gaps[:50], "flags": flags,
        "more_gaps": max(0, len(gaps) - 50), "gateway": told["gateway"],
        "heard": f"{heard:.1%}", "most": f"{most:,}",
        "first": lines[-1]["day"] if lines else "", "last": lines[0]["day"] if lines else "",
        "given_up": [
            {"from": words.clock(one["from_ms"], now_ms), "samples": f"{one['samples']:,}",
             "reason": one["reason"]}
            for one in told["given_up"] or ()
        ],
    }  # fmt: skip


def documents(words: Words, told: Json, lift: Lift, port: ServicePort) -> dict[str, Any]:
    """Return what is due when, the most pressing first, each with its tone in words."""
    _, ngettext = words.catalogue.gettext, words.catalogue.ngettext
    today = datetime.fromtimestamp(port.now_ms() / 1000, words.tz).date()
    rows: list[dict[str, Any]] = []

    def due(word: str, day: date | None, soon: int) -> None:
        if day is None:
            rows.append({"word": word, "value": _("not on record"), "state": "", "tone": ""})
            return
        left = (day - today).days
        if left < 0:
            state, tone = ngettext("%(n)d day overdue", "%(n)d days overdue", -left), "bad"
        else:
            state, tone = ngettext("in %(n)d day", "in %(n)d days", left), ""
            tone = "warn" if left <= soon else ""
        rows.append(
            {
                "word": word,
                "value": day.isoformat(),
                "state": state % {"n": abs(left)},
                "tone": tone,
            }
        )

    due(_("Next inspection"), lift.inspection_due, 30)
    due(_("Planned visit"), lift.planned_visit, 2)
    last = told["last_visit"] or _("not on record")
    rows.append({"word": _("Last visit on record"), "value": last, "state": "", "tone": ""})
    limits = {"days_since_visit": 15, "hours_since_voice_test": 72}
    for name in (*limits, "voice_test_failed", "battery_test_failed"):
        value = told.get(name)
        bad = value is not None and value > limits.get(name, 0)
        row = {"word": opening(words.channel(name)), "value": words.value(name, value)}
        rows.append(row | {"state": _("overdue") if bad and name in limits else "",
                           "tone": "bad" if bad else ""})  # fmt: skip
    units = {
        _("Use unit"): lift.use_unit, _("Maintenance"): lift.maintenance,
        _("Street office"): lift.street_office,
    }  # fmt: skip
    for word, ident in units.items():
        unit = port.directory.units.get(ident)
        named = unit.name if unit else Text(ident or "–", ident or "–")
        rows.append({"word": word, "value": named.of(words.lang), "state": "", "tone": ""})
    return {"papers": rows}
