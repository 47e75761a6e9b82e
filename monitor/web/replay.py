"""The minutes around an alert, out of stored history: what a moving drawing and its strips need.

States are kept as their changes only, measures as the history thins them; what the lift did is
also told in words, for who cannot see a drawing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from devices.vocabulary import Channel, Kind
from monitor.web import lifts
from monitor.web.ports import ServicePort, fresh_ms
from monitor.web.words import UNITS, Words, opening

DRAWN: Final = (
    "car_position", "speed", "door_state", "people", "door_zone", "level_offset", "car_status",
    "car_direction", "door_closed", "passenger",
)  # fmt: skip
"""What the drawing of the shaft reads."""
STRIPS: Final = ("car_position", "speed", "door_state", "people", "door_zone")
MOST_STRIPS: Final = 9
TOLD: Final = (
    "door_state", "people", "door_zone", "alarm_button", "safety_chain", "power", "service_mode",
)  # fmt: skip
"""Channels whose changes are told in words."""
POINTS: Final = 900
MOMENTS: Final = 24
MOVING: Final = 0.05  # m/s; below it a car stands, whatever its sensor's noise
BEFORE_MS: Final = 4 * 60_000
AFTER_MS: Final = 3 * 60_000
LONG_HOLD_MS: Final = 20 * 60_000
HALF_HOUR_MS: Final = 30 * 60_000


@dataclass(frozen=True)
class Curve:
    """One channel: times as epoch ms, rising; values float32, NaN where nothing was said."""

    channel: Channel
    times: NDArray[np.int64]
    values: NDArray[np.float32]


def window(alert: Mapping[str, Any], span: str, now_ms: int) -> tuple[int, int]:
    """Return from and to in epoch ms: some minutes around the moment, the `hour`, or until `now`.

    Where the condition held for long before it was raised, its beginning is what counts.
    """
    since, raised = int(alert["since_ms"]), int(alert["raised_ms"])
    if span == "now":
        begin = since - 60_000 if now_ms - since < LONG_HOLD_MS else now_ms - 2 * BEFORE_MS
        return begin, now_ms
    if span == "hour":
        return since - HALF_HOUR_MS, max(since + 1000, min(now_ms, since + HALF_HOUR_MS))
    seen = raised if raised - since <= LONG_HOLD_MS else since + AFTER_MS
    return since - BEFORE_MS, max(since + 1000, min(now_ms, seen + AFTER_MS))


def seen_until(port: ServicePort, alert: Mapping[str, Any], scope: str | None, now_ms: int) -> int:
    """Return up to when a visitor may follow the lift, epoch ms: now, while the alert is open or
    where the lift is theirs to see; to others it ends with the alert they were called to."""
    lift = port.registry.find(str(alert["subject"]))
    closed_ms = alert["closed_ms"]
    own = scope is None or (lift is not None and lifts.may_see(lift, scope))
    return now_ms if own or closed_ms is None else min(int(closed_ms), now_ms)


def replay(
    port: ServicePort, words: Words, alert: Mapping[str, Any], span: str, now_ms: int,
    scope: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the minutes around an alert of a lift; JSON-ready.

    `channels` by name: words, kind, `strip` (drawn as one, in this order), `t` in ms after
    `from_ms` and `v`, null where nothing was said. `gaps`: [from, to] without a sample, ms after
    `from_ms`. `moments`: what happened, in words. Empty `channels` where nothing is kept. For a
    `scope` the present ends as `seen_until` says.
    """
    until_ms = seen_until(port, alert, scope, now_ms)
    from_ms, to_ms = window(alert, span, until_ms if span == "now" else now_ms)
    row = port.registry.row_of.get(str(alert["subject"]))
    names = dict.fromkeys((*DRAWN, *(str(e["name"]) for e in alert["evidence"]), *TOLD))
    curves = {} if row is None else _curves(port, row, list(names), from_ms, to_ms)
    lift = port.registry.find(str(alert["subject"]))
    limit_ms = fresh_ms(port, str(alert["subject"]))
    strips = _strips(curves, [str(e["name"]) for e in alert["evidence"]])
    return {
        "alert": alert["id"],
        "from_ms": from_ms,
        "to_ms": to_ms,
        "since_ms": alert["since_ms"],
        "raised_ms": alert["raised_ms"],
        "now_ms": until_ms,
        "fresh_ms": limit_ms,
        "live": until_ms == now_ms and _is_live(port, alert, row, now_ms),
        "floors": [lift.floor_lo, lift.floor_hi] if lift else [1, 2],
        "gaps": _gaps(curves, from_ms, to_ms, limit_ms),
        "channels": {
            name: _channel_json(words, curve, from_ms) | {"strip": name in strips}
            for name, curve in sorted(curves.items(), key=lambda item: _place(strips, item[0]))
        },
        "moments": moments(words, curves, alert),
    }


def live(
    port: ServicePort, alert: Mapping[str, Any], now_ms: int, scope: str | None = None
) -> dict[str, Any]:
    """Return the last values of the alert's lift, name → [value, epoch ms], and if it is live.

    None of them where the present is not for this `scope` any more, see `seen_until`.
    """
    until_ms = seen_until(port, alert, scope, now_ms)
    if until_ms < now_ms:
        return {"now_ms": until_ms, "live": False, "values": {}}
    row = port.registry.row_of.get(str(alert["subject"]))
    readings = {} if row is None else port.live(row)
    names = dict.fromkeys((*DRAWN, *(str(e["name"]) for e in alert["evidence"])))
    return {
        "now_ms": now_ms,
        "live": _is_live(port, alert, row, now_ms),
        "values": {
            name: [_number(readings[name][0]), int(readings[name][1])]
            for name in names
            if name in readings
        },
    }


def _is_live(port: ServicePort, alert: Mapping[str, Any], row: int | None, now_ms: int) -> bool:
    return row is not None and lifts.is_fresh(port, str(alert["subject"]), port.live(row), now_ms)


def _curves(
    port: ServicePort, row: int, names: Sequence[str], from_ms: int, to_ms: int
) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for name in names:
        channel = port.vocab.by_name.get(name)
        if channel is None:
            continue
        times, values = port.history.series(row, name, from_ms, to_ms, POINTS)
        if len(times) and np.isfinite(values).any():
            found[name] = Curve(channel, times, values)
    return found


def _strips(curves: Mapping[str, Curve], evidence: Sequence[str]) -> list[str]:
    """What is drawn as a strip, in order: what tells of car and door, then the evidence."""
    wanted = dict.fromkeys((*STRIPS, *evidence))
    return [name for name in wanted if name in curves][:MOST_STRIPS]


def _place(strips: Sequence[str], name: str) -> int:
    return strips.index(name) if name in strips else len(strips)


def _channel_json(words: Words, curve: Curve, from_ms: int) -> dict[str, Any]:
    channel, values = curve.channel, curve.values
    keep = np.ones(len(values), np.bool_)
    if channel.kind is not Kind.FLOAT:  # a state is its changes, and its last sign of life
        same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
        keep[1:] = ~same
        keep[-1] = True
    codes: Mapping[int, str] = {}
    if channel.kind is Kind.BOOL:
        codes = {0: words.value(channel.name, 0.0), 1: words.value(channel.name, 1.0)}
    elif channel.kind is Kind.ENUM:
        codes = {code: value.text.of(words.lang) for code, value in channel.values.items()}
    return {
        "word": opening(words.channel(channel.name)),
        "unit": UNITS.get(channel.unit, channel.unit),
        "kind": channel.kind.value,
        "words": codes,
        "t": (curve.times[keep] - from_ms).tolist(),
        "v": [_number(value) for value in values[keep].tolist()],
    }


def _number(value: float) -> float | int | None:
    """A value for JSON: null where it was not said, no more digits than a sensor has."""
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else round(float(value), 4)


def _gaps(
    curves: Mapping[str, Curve], from_ms: int, to_ms: int, limit_ms: int
) -> list[tuple[int, int]]:
    """Return where no channel said anything for longer than a value counts as fresh."""
    if not curves:
        return []
    heard = np.unique(np.concatenate([curve.times for curve in curves.values()]))
    # Thinned points lie further apart than the samples they stand for.
    limit = max(limit_ms, 3 * (to_ms - from_ms) / POINTS)
    ends = np.concatenate([[from_ms], heard, [to_ms]])
    wide = np.flatnonzero(np.diff(ends) > limit)
    return [(int(ends[i] - from_ms), int(ends[i + 1] - from_ms)) for i in wide]


def moments(
    words: Words, curves: Mapping[str, Curve], alert: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what happened as `at_ms`, `text` and `mark` (since, raised or ""), oldest first.

    Those nearest to the beginning of the condition, at most MOMENTS of them.
    """
    _ = words.catalogue.gettext
    since = int(alert["since_ms"])
    rule = opening(words.text(alert["rule_text"]))
    found = _motion(words, curves)
    for name in TOLD:
        if name in curves:
            found += _changes(words, curves[name])
    found.sort(key=lambda one: abs(one[0] - since))
    lines = [(at, text, "") for at, text in found[: MOMENTS - 2]]
    lines.append((since, _("From here on it holds: %(rule)s") % {"rule": rule}, "since"))
    lines.append((int(alert["raised_ms"]), _("The alert is raised"), "raised"))
    order = {"": 0, "since": 1, "raised": 2}
    lines.sort(key=lambda line: (line[0], order[line[2]]))
    return [{"at_ms": at, "text": text, "mark": mark} for at, text, mark in lines]


def _changes(words: Words, curve: Curve) -> list[tuple[int, str]]:
    known = np.isfinite(curve.values)
    times, values = curve.times[known], curve.values[known]
    name, at = curve.channel.name, np.flatnonzero(np.diff(values) != 0) + 1
    colon = "：" if words.lang.startswith("zh") else ": "
    word = opening(words.channel(name))
    return [
        (int(times[i]), f"{word}{colon}{words.value(name, float(values[i]))}") for i in at.tolist()
    ]


def _motion(words: Words, curves: Mapping[str, Curve]) -> list[tuple[int, str]]:
    """Return when the car set off and when it stopped, with the floor its counter showed."""
    _ = words.catalogue.gettext
    curve = curves.get("speed")
    if curve is None:
        return []
    known = np.isfinite(curve.values)
    times, speeds = curve.times[known], curve.values[known]
    moving = np.abs(speeds) > MOVING
    found = []
    for i in (np.flatnonzero(np.diff(moving.astype(np.int8))) + 1).tolist():
        facts = {"floor": _floor(words, curves.get("car_position"), int(times[i]))}
        text = _("The car sets off: %(floor)s") if moving[i] else _("The car stops: %(floor)s")
        found.append((int(times[i]), text % facts))
    return found


def _floor(words: Words, curve: Curve | None, at_ms: int) -> str:
    if curve is None:
        return words.value("car_position", None)
    i = int(np.searchsorted(curve.times, at_ms, "right")) - 1
    return words.value("car_position", float(curve.values[i]) if i >= 0 else None)
