"""Make docs/pictures/general-method.png anew: two recordings made here, what was heard, and why.

    .venv/bin/python scripts/general_picture.py

One is a machine of three channels, one a single series with a daily course. Both are drawn by
the very judge of `python -m benchmarks.score`. Needs matplotlib and Pillow (dev dependencies).
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("Agg")
from matplotlib import pyplot as plt

sys.path.insert(0, str(Path(__file__).parents[1]))

from monitor.detector.method.general import PROBATION, THRESHOLD, General, Said

FILE = Path(__file__).parents[1] / "docs" / "pictures" / "general-method.png"
INK, BLUE, RED, GREY, GREEN, AMBER = (
    "#1f2933", "#1d6fb8", "#c62828", "#9aa5b1", "#2e7d5b", "#d98200",
)  # fmt: skip
STYLE = {
    "font.family": ["Noto Sans CJK SC", "Noto Sans CJK JP", "DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.unicode_minus": False,
}
STEP_S = 900.0
LEARN = 400
KINDS = {
    "shift": "离开常态 left its level",
    "course": "走势前所未有 course never seen",
    "motion": "起伏前所未有 motion never seen",
    "clock": "此时不该如此 not at this hour",
    "flat": "分毫不变 stands still",
}


def machine(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A door motor: temperature wanders, vibration is noise, current steps up and comes back."""
    n = 1100
    heat = 41 + np.cumsum(rng.normal(0, 0.03, n))
    current = rng.normal(1.2, 0.09, n)
    current[620:860] += 0.22
    return {
        "电机温度 motor_temp °C": heat,
        "振动 acc_rms m/s²": rng.normal(0.11, 0.01, n),
        "门机电流 door_current A": current,
    }


def series(rng: np.random.Generator) -> np.ndarray:
    """Trips a quarter of an hour over four weeks: a night with traffic, later a dead sensor."""
    n = 4 * 7 * 96
    hour = np.arange(n) / 4 % 24
    rush = 22 * np.exp(-((hour - 8.5) ** 2) / 3) + 26 * np.exp(-((hour - 18) ** 2) / 4)
    trips = rush + 5 * (hour > 6) + rng.gamma(4, 0.5, n)
    trips[1450:1462] += 24  # three hours in the night: no higher than any rush hour
    trips[2200:2300] = trips[2200]
    return trips


def judged(values: np.ndarray, learn: int) -> list[Said]:
    """What the judge says of rows [n, C]."""
    judge = General(values.shape[1], learn)
    return [judge.judge(row, STEP_S * i) for i, row in enumerate(values)]


def score_axis(axis: Any, said: list[Said], learn: int, x: np.ndarray) -> None:
    axis.axvspan(x[0], x[learn], color=GREY, alpha=0.2, lw=0)
    axis.text(x[0], 0.92, " 学习 learned from", color=INK, va="top", fontsize=9)
    axis.axhline(THRESHOLD, color=RED, lw=1.2, ls=(0, (5, 3)))
    shown = [0.0 if i < learn else one.score for i, one in enumerate(said)]
    axis.plot(x, shown, color=BLUE, lw=0.9)
    axis.set_ylim(0, 1)
    axis.set_ylabel("分数 score")


def mark(axes: list[Any], said: list[Said], x: np.ndarray, names: list[str]) -> None:
    """Tint alarms in all axes; the first row of each says why in the last."""
    heard = np.array([one.anomaly for one in said])
    edges = np.flatnonzero(np.diff(np.r_[0, heard.astype(int), 0]))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        last = min(end, len(x) - 1)
        for axis in axes:
            axis.axvspan(x[begin], max(x[last], x[begin] + 0.002 * x[-1]), color=AMBER, alpha=0.35)
        one = said[begin]
        channel = f"{names[one.channel]}\n" if len(names) > 1 else ""
        axes[-1].annotate(
            f"{channel}{KINDS[one.why]}",
            (x[begin], 0.76),
            (8, 0),
            textcoords="offset points",
            color=RED,
            fontsize=9,
            va="bottom",
            annotation_clip=False,
        )


def draw(file: Path) -> None:
    """Write the PNG."""
    plt.rcParams.update(STYLE)
    rng = np.random.default_rng(8)
    figure, axes = plt.subplots(
        6, 1, figsize=(12, 11.5), height_ratios=[1, 1, 1, 1.2, 1.6, 1.2], layout="constrained"
    )
    channels = machine(rng)
    names, values = list(channels), np.stack(list(channels.values()), 1)
    x = np.arange(len(values), dtype=float)
    for axis, name, column, colour in zip(
        axes[:3], names, values.T, (GREEN, INK, BLUE), strict=True
    ):
        axis.plot(x, column, color=colour, lw=0.8)
        axis.set_ylabel(name.replace(" ", "\n", 1), fontsize=9)
    said = judged(values, LEARN)
    score_axis(axes[3], said, LEARN, x)
    mark(list(axes[:4]), said, x, names)
    axes[0].set_title(
        "① 多通道是一台机器：离开常态即报，回来才停；会漂移的温度不算 · a machine: held from the "
        "shift until it is back; a temperature that wanders is no news"
    )
    axes[3].set_xlabel("行 rows")
    trips = series(rng)
    days = np.arange(len(trips)) / 96
    axes[4].plot(days, trips, color=INK, lw=0.7)
    axes[4].set_ylabel("每刻钟行程\ntrips a quarter")
    heard = judged(trips[:, None], PROBATION)
    score_axis(axes[5], heard, PROBATION, days)
    mark(list(axes[4:]), heard, days, ["trips"])
    axes[4].set_title(
        "② 单通道是一串事件：前所未有的只报一次 · a single series: what never was rings once"
    )
    axes[5].set_xlabel("天 days")
    for axis in axes[:4]:
        axis.set_xlim(0, x[-1])
    for axis in axes[4:]:
        axis.set_xlim(0, days[-1])
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90)
    plt.close(figure)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


if __name__ == "__main__":
    draw(FILE)
    sys.stdout.write(f"{FILE.name}: {FILE.stat().st_size // 1000} KB\n")
