"""Charts of a lift's signals: one strip a channel over a common time axis.

Bokeh takes about a second of a core for nine strips, nearly all of it for what does not change.
So a sheet is drawn once for its channels, language and theme (console/strips.py), and each
request only fills in times, values and the alert's mark.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.vocabulary import Channel, Kind
from monitor.web.ports import ServicePort
from monitor.web.words import Words

BOKEH_SCRIPT = "/static/bokeh/bokeh.min.js"
POINTS = 1500
MOST_STRIPS = 9
ALWAYS = ("car_position", "speed", "door_state", "people", "door_zone")
LIFT_CHANNELS = (
    "car_position",
    "speed",
    "door_state",
    "people",
    "load",
    "acc_rms",
    "motor_current",
    "door_current",
    "motor_temp",
)


@dataclass(frozen=True)
class Moment:
    """The alert to mark: its condition held from `since_ms`, it was raised at `raised_ms`."""

    since_ms: int
    raised_ms: int


@dataclass(frozen=True)
class Curve:
    """One channel: times as epoch ms, values float32, NaN where nothing was said."""

    channel: Channel
    times: NDArray[np.int64]
    values: NDArray[np.float32]


def signals(
    port: ServicePort,
    words: Words,
    row: int,
    channels: Sequence[str],
    span_ms: tuple[int, int],
    theme: str,
    moment: Moment | None = None,
) -> dict[str, Any]:
    """Return a Bokeh json_item of the channels that have values in the time; {} if none has."""
    curves = _curves(port, row, channels, span_ms)
    if not curves:
        return {}
    # Bokeh's Python side takes a second to import; the service starts without it.
    from monitor.web.console import strips

    names = tuple(curve.channel.name for curve in curves)
    sheet: dict[str, Any] = json.loads(strips.sheet(words, names, theme, moment is not None))
    # Bokeh knows only UTC: times are shifted to the site's zone.
    shift_ms = _shift_ms(words, span_ms[1])
    changes: dict[str, dict[str, Any]] = {
        strips.TIME: {"start": span_ms[0] + shift_ms, "end": span_ms[1] + shift_ms}
    }
    for curve in curves:
        changes[strips.SOURCE + curve.channel.name] = {"data": _data(words, curve, shift_ms)}
    if moment is not None:
        left, right = moment.since_ms + shift_ms, moment.raised_ms + shift_ms
        changes[strips.HELD] = {"left": left, "right": right}
        changes[strips.RAISED] = {"location": right}
    _fill(sheet, changes)
    return sheet


def _curves(
    port: ServicePort, row: int, channels: Sequence[str], span_ms: tuple[int, int]
) -> list[Curve]:
    found: list[Curve] = []
    for name in dict.fromkeys(channels):
        channel = port.vocab.by_name.get(name)
        if channel is None or len(found) >= MOST_STRIPS:
            continue
        times, values = port.history.series(row, name, *span_ms, POINTS)
        if len(times) and np.isfinite(values).any():
            found.append(Curve(channel, times, values))
    return found


def _shift_ms(words: Words, at_ms: int) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, words.tz).utcoffset()
    return round(offset.total_seconds() * 1000) if offset else 0


def _data(words: Words, curve: Curve, shift_ms: int) -> dict[str, Any]:
    columns = [
        ["t", _array(curve.times.astype(np.float64) + shift_ms)],
        ["v", _array(curve.values.astype(np.float64))],
    ]
    if curve.channel.kind is not Kind.FLOAT:
        # Few different values: each is put in words once.
        known, places = np.unique(curve.values, return_inverse=True)
        told = [words.value(curve.channel.name, float(value)) for value in known]
        columns.append(["told", [told[place] for place in places.tolist()]])
    return {"type": "map", "entries": columns}


def _array(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return an array as BokehJS reads it: gzip in base64."""
    packed = gzip.compress(values.astype("<f8").tobytes(), compresslevel=1, mtime=0)
    raw = base64.b64encode(packed).decode()
    return {
        "type": "ndarray",
        "array": {"type": "bytes", "data": raw},
        "shape": [len(values)],
        "dtype": "float64",
        "order": "little",
    }


def _fill(node: Any, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the attributes of the models that `changes` names, anywhere in the tree."""
    if isinstance(node, list):
        for part in node:
            _fill(part, changes)
    elif isinstance(node, dict):
        attributes = node.get("attributes")
        if isinstance(attributes, dict) and attributes.get("name") in changes:
            attributes.update(changes[attributes["name"]])
        else:
            for part in node.values():
                _fill(part, changes)
