"""Charts of a lift's signals, by Bokeh: one strip a channel over a common time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from bokeh.embed import json_item
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    CrosshairTool,
    DatetimeTickFormatter,
    FixedTicker,
    HoverTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.models.annotations import BoxAnnotation, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from devices.vocabulary import Channel, Kind
from monitor.web.ports import ServicePort
from monitor.web.words import UNITS, Words, opening

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
FONT = '"Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
PALETTES = {
    "light": {"ink": "#17567f", "text": "#56616b", "grid": "#dfe3e6", "mark": "#b8142a"},
    "dark": {"ink": "#72b7e6", "text": "#97a3ad", "grid": "#2d343a", "mark": "#ff6068"},
}


@dataclass(frozen=True)
class Moment:
    """The alert to mark: its condition held from `since_ms`, it was raised at `raised_ms`."""

    since_ms: int
    raised_ms: int


@dataclass(frozen=True)
class Sheet:
    """What is common to all strips. Times are shifted to the site's zone: Bokeh knows only UTC."""

    words: Words
    from_ms: int
    to_ms: int
    palette: dict[str, str]
    x_range: Any

    @property
    def shift_ms(self) -> int:
        """Offset of the site's zone, ms."""
        moment = datetime.fromtimestamp(self.to_ms / 1000, self.words.tz)
        offset = moment.utcoffset()
        return round(offset.total_seconds() * 1000) if offset else 0


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
    from_ms, to_ms = span_ms
    probe = Sheet(words, from_ms, to_ms, PALETTES.get(theme, PALETTES["light"]), None)
    shift = probe.shift_ms
    sheet = Sheet(
        words, from_ms, to_ms, probe.palette, Range1d(start=from_ms + shift, end=to_ms + shift)
    )  # fmt: skip
    strips = [
        strip(sheet, channel, times + shift, values, moment)
        for channel, times, values in _filled(port, row, channels, span_ms)
    ]
    if not strips:
        return {}
    _time_axis(strips[-1])
    item = json_item(column(strips, sizing_mode="stretch_width", spacing=2))
    return dict(item)


def _filled(
    port: ServicePort, row: int, channels: Sequence[str], span_ms: tuple[int, int]
) -> Iterator[tuple[Channel, NDArray[np.int64], NDArray[np.float32]]]:
    count = 0
    for name in dict.fromkeys(channels):
        channel = port.vocab.by_name.get(name)
        if channel is None or count >= MOST_STRIPS:
            continue
        times, values = port.history.series(row, name, *span_ms, POINTS)
        if len(times) and np.isfinite(values).any():
            count += 1
            yield channel, times, values


def strip(
    sheet: Sheet,
    channel: Channel,
    times: NDArray[np.int64],
    values: NDArray[np.float32],
    moment: Moment | None,
) -> Any:
    """Draw one channel: a line for measures, steps for states."""
    stepped = channel.kind is not Kind.FLOAT
    told = [sheet.words.value(channel.name, float(value)) for value in values]
    source = ColumnDataSource({"t": times, "v": values, "told": told})
    plot = figure(
        height=104 if channel.kind in (Kind.FLOAT, Kind.INT) else 84,
        sizing_mode="stretch_width",
        x_range=sheet.x_range,
        x_axis_type="datetime",
        tools="xpan",
        toolbar_location=None,
        title=_title(sheet.words, channel),
        min_border_left=64,
        min_border_right=12,
    )
    ink = sheet.palette["ink"]
    if stepped:
        plot.step("t", "v", source=source, mode="after", color=ink, line_width=1.8)
    else:
        plot.line("t", "v", source=source, color=ink, line_width=1.6)
    dots = plot.scatter("t", "v", source=source, size=7, alpha=0, hover_alpha=1, color=ink)
    hover = HoverTool(renderers=[dots], mode="vline", tooltips=[("", "@t{%H:%M:%S}  @told")])
    hover.formatters = {"@t": "datetime"}
    plot.add_tools(hover, CrosshairTool(dimensions="height", line_color=sheet.palette["text"]))
    zoom = WheelZoomTool(dimensions="width", modifiers={"ctrl": True})
    plot.add_tools(zoom)
    plot.toolbar.active_scroll = zoom
    _scale(plot, sheet.words, channel)
    _mark(plot, sheet, moment)
    _dress(plot, sheet)
    return plot


def _title(words: Words, channel: Channel) -> str:
    name, unit = opening(words.channel(channel.name)), UNITS.get(channel.unit, channel.unit)
    return f"{name} ({unit})" if unit else name


def _scale(plot: Any, words: Words, channel: Channel) -> None:
    if channel.kind is Kind.BOOL:
        plot.y_range = Range1d(start=-0.25, end=1.35)
        codes = {0: words.value(channel.name, 0.0), 1: words.value(channel.name, 1.0)}
    elif channel.kind is Kind.ENUM:
        top = max(channel.values)
        plot.y_range = Range1d(start=-0.5, end=top + 0.6)
        codes = {code: value.text.of(words.lang) for code, value in channel.values.items()}
        if top > 4:  # seven words do not fit one strip: the hover tells them
            codes = {code: word for code, word in codes.items() if code % 2 == 0}
    else:
        plot.yaxis.ticker.desired_num_ticks = 3
        return
    plot.yaxis.ticker = FixedTicker(ticks=sorted(codes))
    plot.yaxis.major_label_overrides = codes


def _mark(plot: Any, sheet: Sheet, moment: Moment | None) -> None:
    if moment is None:
        return
    left, right = moment.since_ms + sheet.shift_ms, moment.raised_ms + sheet.shift_ms
    colour = sheet.palette["mark"]
    plot.add_layout(BoxAnnotation(left=left, right=right, fill_color=colour, fill_alpha=0.12))
    plot.add_layout(Span(location=right, dimension="height", line_color=colour, line_width=2))


def _dress(plot: Any, sheet: Sheet) -> None:
    palette = sheet.palette
    plot.background_fill_color = plot.border_fill_color = None
    plot.outline_line_color = None
    plot.title.update(
        text_font=FONT, text_font_size="12px", text_color=palette["text"], text_font_style="normal"
    )
    plot.xgrid.grid_line_color = plot.ygrid.grid_line_color = palette["grid"]
    plot.xaxis.visible = False
    for axis in (plot.xaxis, plot.yaxis):
        axis.update(
            axis_line_color=None,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_color=palette["text"],
            major_label_text_font=FONT,
            major_label_text_font_size="11px",
        )


def _time_axis(plot: Any) -> None:
    plot.xaxis.visible = True
    plot.height = plot.height + 24
    day = "%m-%d"
    plot.xaxis.formatter = DatetimeTickFormatter(
        milliseconds="%H:%M:%S",
        seconds="%H:%M:%S",
        minsec="%H:%M:%S",
        minutes="%H:%M",
        hourmin="%H:%M",
        hours="%H:%M",
        days=day,
        months=day,
    )
