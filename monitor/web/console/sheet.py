"""A sheet of strips over one time axis, drawn by the service as SVG: a channel each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from devices.vocabulary import Channel, Kind
from monitor.past import Spell
from monitor.store.curves import Curve, Curves
from monitor.web.console import svg
from monitor.web.console.svg import Scale
from monitor.web.words import UNITS, Words, opening

HEIGHTS = {Kind.FLOAT: 68, Kind.INT: 60, Kind.ENUM: 60, Kind.BOOL: 40}
MOST_WORDS = 4


def sheet(
    words: Words, found: Curves, gaps: Sequence[Spell], marks: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what parts/strips.html draws."""
    count = max(1, -(-(found.to_ms - found.from_ms) // found.width_ms))
    index = (found.ts_ms - found.from_ms) // found.width_ms
    after = {gap.to_ms for gap in gaps}
    breaks = np.array([at in after for at in found.ts_ms.tolist()], np.bool_)
    strips = [
        _strip(words, words.vocab.by_name[name], curve, index, breaks, count)
        for name, curve in found.channels.items()
    ]
    whole = count * found.width_ms
    end_ms = found.from_ms + whole

    def place(at_ms: int) -> float:
        return round(min(100.0, max(0.0, (at_ms - found.from_ms) / whole * 100)), 3)

    def bands(spells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        told = []
        for one in spells:
            left, right = place(one["from_ms"]), place(one["to_ms"] or found.to_ms)
            until = words.clock(one["to_ms"], found.from_ms) if one["to_ms"] else ""
            title = f"{words.clock(one['from_ms'], found.from_ms)} – {until}"
            told.append({"x": left, "width": max(0.15, round(right - left, 3)), "title": title})
        return told

    return {
        "from_ms": found.from_ms,
        "to_ms": end_ms,
        "width_ms": found.width_ms,
        "count": count,
        "at": ",".join(map(str, index.tolist())),
        "strips": [one for one in strips if one["d"]],
        "empty": [one["title"] for one in strips if not one["d"]],
        "ticks": svg.time_ticks(found.from_ms, end_ms, words.tz),
        "gaps": bands([{"from_ms": g.from_ms, "to_ms": g.to_ms} for g in gaps]),
        "cuts": bands(marks["power_cuts"]),
        "visits": bands(marks["visits"]),
        "alerts": [
            {
                "x": place(one["raised_ms"]),
                "id": one["id"],
                "severity": one["severity"],
                "title": f"{words.clock(one['raised_ms'], found.from_ms)} "
                f"{opening(words.text(one['rule_text']))}",
            }
            for one in marks["alerts"]
        ],
    }


def _strip(
    words: Words, channel: Channel, curve: Curve, index: Any, breaks: Any, count: int
) -> dict[str, Any]:
    said = ~np.isnan(curve.last)
    name, unit = opening(words.channel(channel.name)), UNITS.get(channel.unit, channel.unit)
    made: dict[str, Any] = {
        "name": channel.name,
        "title": f"{name} ({unit})" if unit else name,
        "height": HEIGHTS[channel.kind],
        "kind": "line" if channel.kind is Kind.FLOAT else "step",
        "d": "",
        "area": "",
    }
    if not said.any():
        return made
    lo, hi, last = curve.lo[said], curve.hi[said], curve.last[said]
    scale, ticks = _scale(words, channel, lo, hi)
    x, cut = index[said], _moved(breaks, said)
    heights = (scale.y(lo), scale.y(hi), scale.y(last))
    if svg.dense(heights[0], heights[1]):
        made["area"], made["d"] = svg.areas(x, heights[0], heights[1], cut)
    elif made["kind"] == "line":
        made["d"] = svg.line(x, *heights, cut)
    else:
        made["d"] = svg.steps(x, *heights, cut, count)
    made["labels"] = [
        {"y": round(scale.share(at) * made["height"], 1), "word": word} for at, word in ticks
    ]
    rows = zip(curve.lo.tolist(), curve.hi.tolist(), curve.last.tolist(), said, strict=True)
    made["points"] = ",".join(svg.told(row[:3]) if row[3] else "" for row in rows)
    told = {} if channel.kind in (Kind.FLOAT, Kind.INT) else _words(words, channel)
    made["words"] = "|".join(f"{code}={word}" for code, word in told.items())
    made["unit"] = unit
    least, most = float(lo.min()), float(hi.max())
    made["now"] = words.value(channel.name, float(last[-1]))
    made["least"], made["most"] = (words.value(channel.name, v) for v in (least, most))
    return made


def _moved(breaks: Any, said: Any) -> Any:
    """A break before a bucket in which a channel said nothing is one before its next word."""
    return np.diff(np.cumsum(breaks)[said], prepend=0) > 0


def _words(words: Words, channel: Channel) -> dict[int, str]:
    if channel.kind is Kind.BOOL:
        return {code: words.value(channel.name, float(code)) for code in (0, 1)}
    return {code: value.text.of(words.lang) for code, value in channel.values.items()}


def _scale(
    words: Words, channel: Channel, lo: Any, hi: Any
) -> tuple[Scale, list[tuple[float, str]]]:
    if channel.kind in (Kind.FLOAT, Kind.INT):
        scale, ticks = svg.scale_of(float(lo.min()), float(hi.max()), channel.kind is Kind.INT)
        return scale, [(at, f"{at:g}".replace("-", "−")) for at in ticks]
    known = _words(words, channel)
    seen = sorted({*lo.tolist(), *hi.tolist()})
    shown = [code for code in known if seen[0] <= code <= seen[-1] and code in seen]
    if len(shown) > MOST_WORDS:
        shown = shown[:: -(-len(shown) // MOST_WORDS)]
    if channel.kind is Kind.BOOL:
        return Scale(-0.25, 1.3), [(float(code), known[code]) for code in (0, 1)]
    room = 0.6 if seen[0] != seen[-1] else 1.0
    return Scale(seen[0] - room, seen[-1] + room), [(float(code), known[code]) for code in shown]
