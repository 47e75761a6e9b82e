"""An empty sheet of strips, drawn by Bokeh once for its channels, language and theme."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

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

from devices.vocabulary import Channel, Kind
from monitor.web.words import UNITS, Words, opening

TIME, SOURCE, HELD, RAISED = "time", "source:", "held", "raised"
"""Names of the models that a request fills in."""
FONT = '"Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
PALETTES = {
    "light": {"ink": "#17567f", "text": "#56616b", "grid": "#dfe3e6", "mark": "#b8142a"},
    "dark": {"ink": "#72b7e6", "text": "#97a3ad", "grid": "#2d343a", "mark": "#ff6068"},
}
Palette = dict[str, str]


@lru_cache(maxsize=64)
def sheet(words: Words, channels: tuple[str, ...], theme: str, marked: bool) -> str:
    """Return a json_item as JSON text, with sources that hold one point each."""
    palette = PALETTES.get(theme, PALETTES["light"])
    time = Range1d(start=0, end=1, name=TIME)
    plots = [strip(words, words.vocab.by_name[name], time, palette) for name in channels]
    if marked:
        _mark(plots, palette)
    _time_axis(plots[-1])
    return json.dumps(json_item(column(plots, sizing_mode="stretch_width", spacing=2)))


def strip(words: Words, channel: Channel, time: Any, palette: Palette) -> Any:
    """Draw one channel: a line for measures, steps for states."""
    measure = channel.kind is Kind.FLOAT
    source = ColumnDataSource({"t": [0.0], "v": [0.0], "told": [""]}, name=SOURCE + channel.name)
    plot = figure(
        height=104 if channel.kind in (Kind.FLOAT, Kind.INT) else 84,
        sizing_mode="stretch_width",
        x_range=time,
        x_axis_type="datetime",
        tools="xpan",
        toolbar_location=None,
        title=_title(words, channel),
        min_border_left=64,
        min_border_right=12,
    )
    ink = palette["ink"]
    if measure:
        plot.line("t", "v", source=source, color=ink, line_width=1.6)
    else:
        plot.step("t", "v", source=source, mode="after", color=ink, line_width=1.8)
    dots = plot.scatter("t", "v", source=source, size=7, alpha=0, hover_alpha=1, color=ink)
    told = "@v{0.00}" if measure else "@told"
    hover = HoverTool(renderers=[dots], mode="vline", tooltips=[("", "@t{%H:%M:%S}  " + told)])
    hover.formatters = {"@t": "datetime"}
    zoom = WheelZoomTool(dimensions="width", modifiers={"ctrl": True})
    plot.add_tools(hover, zoom, CrosshairTool(dimensions="height", line_color=palette["text"]))
    plot.toolbar.active_scroll = zoom
    _scale(plot, words, channel)
    _dress(plot, palette)
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
        if channel.kind is Kind.INT:
            plot.yaxis.ticker.min_interval = 1
        return
    plot.yaxis.ticker = FixedTicker(ticks=sorted(codes))
    plot.yaxis.major_label_overrides = codes


def _mark(plots: list[Any], palette: Palette) -> None:
    """The time the condition held as a band, the moment of the raise as a line."""
    colour = palette["mark"]
    for plot in plots:
        box = BoxAnnotation(left=0, right=1, fill_color=colour, fill_alpha=0.12, name=HELD)
        line = Span(location=1, dimension="height", line_color=colour, line_width=2, name=RAISED)
        plot.add_layout(box)
        plot.add_layout(line)


def _dress(plot: Any, palette: Palette) -> None:
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
    second, minute, day = "%H:%M:%S", "%H:%M", "%m-%d"
    plot.xaxis.formatter = DatetimeTickFormatter(
        milliseconds=second,
        seconds=second,
        minsec=second,
        minutes=minute,
        hourmin=minute,
        hours=minute,
        days=day,
        months=day,
    )
