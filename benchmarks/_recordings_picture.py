"""The picture of the recordings benchmark: what the judge saw, and what it said of it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

from benchmarks._reading import Reading
from devices.replay import Recording
from monitor.detector import drift
from monitor.detector.method import robust

G = 9.81
INK, BLUE, RED, AMBER, GREY, GREEN = (
    "#1f2933", "#1d6fb8", "#c62828", "#d98200", "#9aa5b1", "#2e7d5b",
)  # fmt: skip
STYLE = {
    "font.family": ["Noto Sans CJK SC", "Noto Sans CJK JP", "DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titlepad": 9,
    "axes.unicode_minus": False,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def draw(
    file: Path,
    door: Recording,
    as_sent: Reading,
    blocks: Reading,
    block_s: float,
    points: int,
    ride: Recording,
    ride_said: Reading,
    cut_s: tuple[float, float],
) -> None:
    """Write the PNG. `points`: that the vibration is straight lines between so many, 0: not so.

    `ride`: every row of the ride, uncut; `cut_s`: the part that is sent.
    """
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(
        4, 1, figsize=(12, 14.2), height_ratios=[3.3, 1.7, 1.2, 2.5], layout="constrained"
    )
    course, z, humidity, acceleration = axes
    _course(course, door, as_sent, blocks, block_s, points)
    _deviation(z, blocks)
    hours = door.offset_ms / 3.6e6
    humidity.plot(hours, door.values["humidity"], color=GREEN, lw=1.4)
    humidity.set_title(
        "③ 湿度：无规则引用，仅存入历史 · humidity: no rule asks for it, history only"
    )
    humidity.set_ylabel("% RH")
    humidity.set_xlabel("录制开始后的小时数 · hours from the start of the recording")
    for axis in (course, z, humidity):
        axis.set_xlim(0, hours[-1])
    _ride(acceleration, ride, ride_said, cut_s)
    figure.get_layout_engine().set(h_pad=0.09, hspace=0.03)
    file.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    plt.close(figure)
    # few colours are enough, and a third of the bytes
    Image.open(drawn).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


def _course(
    axis: Any, door: Recording, as_sent: Reading, blocks: Reading, block_s: float, points: int
) -> None:
    hours, state = blocks.at_s / 3600, blocks.state
    most = float(drift.LIMITS.most)
    level, limit = state["level"], state["level"] + most * state["sigma"]
    known = state["trips"] > 0
    axis.fill_between(
        hours[known],
        (level - state["sigma"])[known],
        (level + state["sigma"])[known],
        color=BLUE,
        alpha=0.18,
        lw=0,
    )
    axis.plot(hours, door.values["acc_rms"], color=INK, lw=1.5)
    axis.plot(hours[known], level[known], color=BLUE, lw=1.5)
    warm = state["trips"] >= robust.WARM_UP
    axis.plot(hours[warm], limit[warm], color=RED, lw=1.3, ls=(0, (5, 3)))
    top = 1.22 * float(np.nanmax(limit[warm])) if warm.any() else 1.0
    axis.set_ylim(0, top)
    _warm_up(axis, blocks)
    for kind, spans in _by_rule(blocks).items():
        for begin, end in spans:
            axis.axvspan(begin / 3600, end / 3600, color=AMBER, alpha=0.2, lw=0)
            axis.text(
                (begin + end) / 7200,
                top * 0.985,
                f"规则 rule {kind}\n{_text(blocks, kind)}",
                ha="center",
                va="top",
                color="#8a5200",
                fontsize=9,
            )
    if points:
        axis.text(
            0.995,
            0.60,
            f"公布的文件：{points} 个点以直线相连，没有噪声\n"
            f"as published: straight lines between {points} points, no noise",
            transform=axis.transAxes,
            ha="right",
            va="top",
            color=INK,
            fontsize=9,
        )
    said = ", ".join(sorted({c.rule for c in as_sent.changes if c.raised}))
    verdict = (
        f"按原样：规则 {said} · as sent: rules {said}"
        if said
        else "按原样播放：不发一言（不知何时运行，故不学习） · as sent: says nothing, "
        "for nothing tells when the lift runs"
    )
    axis.set_title(
        f"① 轿门振动（真实录制）。{verdict}\n"
        f"下图：以每 {block_s:g} 秒一段代替一次行程，让同一检测器学习 · "
        f"shown here: each {block_s:g} s put in as one trip, so that the same detector learns"
    )
    axis.set_ylabel("振动 vibration\n(录制值 recorded × 0.01)")
    axis.legend(
        handles=[
            Line2D([], [], color=INK, lw=1.5, label="录制值 recorded"),
            Line2D([], [], color=BLUE, lw=1.5, label="学到的常态 learned level"),
            Line2D([], [], color=BLUE, alpha=0.25, lw=8, label="±1 σ，学到的离散 learned spread"),
            Line2D(
                [],
                [],
                color=RED,
                lw=1.3,
                ls="--",
                label=f"+{most:g} σ：再远也只算这么多 no block counts for more",
            ),
        ],
        loc="upper right",
        bbox_to_anchor=(1.0, 0.86),
        ncols=2,
    )


def _deviation(axis: Any, blocks: Reading) -> None:
    hours, z = blocks.at_s / 3600, blocks.state["z"]
    beyond = float(drift.LIMITS.most)
    axis.axhspan(beyond, 100, color=RED, alpha=0.08, lw=0)
    axis.axhline(beyond, color=RED, lw=1.3, ls=(0, (5, 3)))
    axis.axhline(0, color=GREY, lw=0.8)
    axis.step(hours, z, where="post", color=BLUE, lw=1.3)
    axis.set_ylim(min(-4.0, float(z.min()) - 1), max(8.0, float(z.max()) + 1))
    axis.text(
        hours[-1] * 0.995,
        beyond + 0.15,
        f"规则 27：累积到 {drift.LIMITS.limit:g} · rule 27 needs a sum of {drift.LIMITS.limit:g}",
        color=RED,
        ha="right",
        va="bottom",
        fontsize=9,
    )
    _warm_up(axis, blocks, label=True)
    drifted = blocks.spans("27")
    for begin, end in drifted:
        axis.axvspan(begin / 3600, end / 3600, color=RED, alpha=0.2, lw=0)
    heard = (
        f"规则 27 {len(drifted)} 次 · rule 27 raised {len(drifted)} times"
        if drifted
        else "规则 27 未触发 · rule 27 stays silent"
    )
    axis.set_title(
        f"② 偏离常态的程度 z：最高 {z.max():.1f} σ，最低 {z.min():.1f} σ；{heard} · "
        f"z: highest {z.max():.1f} σ, lowest {z.min():.1f} σ"
    )
    axis.set_ylabel("z (σ)")


def _ride(axis: Any, ride: Recording, said: Reading, cut_s: tuple[float, float]) -> None:
    seconds, a = ride.offset_ms / 1000, ride.values["acc_peak"]
    low, high = 0.35 * G, 1.6 * G  # rule 10 of config/defaults/rules.toml
    end = float(seconds[-1])
    for begin, stop in ((0.0, cut_s[0]), (cut_s[1], end)):
        axis.axvspan(begin, stop, color=GREY, alpha=0.22, lw=0)
    axis.plot(seconds, a, color=INK, lw=0.9)
    for limit, where, text in (
        (high, "bottom", f"1.6 g = {high:.1f} m/s²，撞击 impact"),
        (low, "top", f"0.35 g = {low:.1f} m/s²，坠落 free fall"),
    ):
        axis.axhline(limit, color=RED, lw=1.3, ls=(0, (5, 3)))
        shift = 0.4 if where == "bottom" else -0.4
        axis.text(19, limit + shift, text, color=RED, ha="center", va=where, fontsize=9)
    top = float(np.nanmax(a)) * 1.12
    axis.set_ylim(0, top)
    axis.set_xlim(0, end)
    for change in said.changes:
        if change.raised:
            axis.plot(change.at_s, top * 0.93, marker="v", color=RED, ms=9, clip_on=False)
            right = change.at_s > end / 2
            axis.annotate(
                f"规则 rule {change.rule} {change.zh}\n{change.en}\n{_short(change.why)}",
                (change.at_s, top * 0.93),
                (-10 if right else 10, 4),
                textcoords="offset points",
                ha="right" if right else "left",
                va="top",
                color=RED,
                fontsize=9,
            )
    _starts_and_brakes(axis, seconds, a, (seconds >= cut_s[0]) & (seconds <= cut_s[1]))
    heard = [c.rule for c in said.changes if c.raised and cut_s[0] < c.at_s <= cut_s[1]]
    listed = ", ".join(heard)
    zh, en = (
        (f"行程中规则 {listed}", f"in the ride rules {listed}")
        if heard
        else ("行程中离限值很远，不发一言", "far from the limits, nothing is said")
    )
    axis.set_title(
        f"④ 手机随梯上行（真实录制）：{zh}；灰色为手持阶段，不播放，若播放则如红字\n"
        f"a phone riding up: {en}; grey: in a hand, not sent – red: what would be said of it"
    )
    axis.set_ylabel("合加速度（含重力）\nmagnitude incl. gravity (m/s²)")
    axis.set_xlabel("秒 seconds")


def _starts_and_brakes(axis: Any, seconds: Any, a: Any, inside: Any) -> None:
    """Point at the ride's own strongest second each way."""
    t, course = seconds[inside], a[inside]
    if len(t) < 100:
        return
    second = max(1, round(len(t) / (t[-1] - t[0])))
    smooth = np.convolve(np.nan_to_num(course, nan=G), np.ones(second) / second, "same")
    smooth[:second] = smooth[-second:] = np.median(smooth)
    for text, at, lift in (
        ("启动 starts", int(np.argmax(smooth)), 10),
        ("制动 brakes", int(np.argmin(smooth)), -18),
    ):
        axis.annotate(
            text,
            (t[at], smooth[at]),
            (0, lift),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": GREY},
        )


def _warm_up(axis: Any, reading: Reading, label: bool = False) -> None:
    learning = reading.at_s[reading.state["trips"] < robust.WARM_UP]
    if not len(learning):
        return
    until = float(learning[-1]) / 3600
    axis.axvspan(0, until, color=GREY, alpha=0.22, lw=0)
    if label:
        text = f"学习期 warm-up\n{robust.WARM_UP} 段 blocks"
        axis.text(until + 0.04, 5.5, text, ha="left", va="top", fontsize=9, color=INK)


def _by_rule(reading: Reading) -> dict[str, list[tuple[float, float]]]:
    rules: Iterable[str] = dict.fromkeys(c.rule for c in reading.changes if c.raised)
    return {rule: reading.spans(rule) for rule in rules}


def _text(reading: Reading, rule: str) -> str:
    change = next(c for c in reading.changes if c.rule == rule)
    more = "\n数值分毫不变 not one bit of change" if rule == "32" else ""
    return f"{change.zh}\n{change.en}{more}"


def _short(why: str) -> str:
    return "  ".join(part for part in why.split() if part.startswith(("acc_min", "acc_peak")))
