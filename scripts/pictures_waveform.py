"""Make docs/pictures/waveform-*.png anew, from simulated bursts: what was seen, why it rang.

    .venv/bin/python -m scripts.pictures_waveform      # at the root of the project

Each is a lift whose bursts are usual for a while and then worn. Needs matplotlib and Pillow.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

from benchmarks._bursts import door_burst, machine_burst, ride_burst
from benchmarks._recordings_picture import AMBER, BLUE, GREEN, GREY, INK, RED, STYLE
from devices.batch import Waveform
from monitor.detector.method.robust import MAD_TO_SIGMA
from monitor.detector.waveform import (
    DRIFT,
    STATE,
    analyse,
    bearing,
    door_motor,
    learn,
    ride,
    tables,
)
from monitor.detector.waveform.learning import BEYOND, FAR, WARM_UP

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
BURSTS, WORN_FROM = 34, 26
Story = list[dict[str, float]]


def told(bursts: Sequence[Waveform]) -> Story:
    """Return the lift's state after each burst."""
    own = tables(1)
    state, story = own[STATE], []
    for k, burst in enumerate(bursts):
        features = analyse([replace(burst, lift=0, ts_ms=k + 1)])
        learn(own, features)
        row = dict(zip(state.names, state.data[0].tolist(), strict=True))
        row["waveform_drift"] = float(own[DRIFT].data[0, 0])
        story.append(row | {f"now.{n}": float(c[0]) for n, c in features.columns.items()})
    return story


def course(axis: Any, story: Story, name: str, text: str) -> None:
    """A figure burst by burst, beside what had been learned before it."""
    k = np.arange(len(story))
    value = np.array([row[f"now.{name}"] for row in story])
    level, spread = (
        np.array([np.nan, *(row[f"{name}.{part}"] for row in story[:-1])])
        for part in ("level", "spread")
    )
    sigma = MAD_TO_SIGMA * spread
    axis.fill_between(k, level - sigma, level + sigma, color=BLUE, alpha=0.2, lw=0, step="mid")
    axis.step(k, level, color=BLUE, lw=1.4, where="mid", label="常态 learned normal ±σ")
    known = k >= WARM_UP
    limit = (level + float(BEYOND) * sigma)[known]
    axis.step(k[known], limit, color=RED, ls="--", lw=1.2, where="mid", label="+6 σ")
    points(axis, k, value, story)
    axis.set_ylim(0, 1.25 * np.nanmax(value))
    axis.set_ylabel(text)


def points(axis: Any, k: Any, value: Any, story: Story) -> None:
    """The values themselves, the warm-up in grey, and from when it rang."""
    axis.plot(k, value, "o", color=INK, ms=4)
    axis.axvspan(-0.5, WARM_UP - 0.5, color=GREY, alpha=0.22, lw=0)
    axis.text(
        0, 0.97, " 学习期 warm-up", transform=axis.get_xaxis_transform(), va="top", fontsize=9
    )
    rang = [i for i, row in enumerate(story) if row["waveform_drift"] == 1]
    axis.axvspan(rang[0] - 0.5, len(story) - 0.5, color=AMBER, alpha=0.22, lw=0)
    axis.text(
        rang[0] - 0.6, 0.97, "规则 rule 27w  ", transform=axis.get_xaxis_transform(), va="top",
        ha="right", fontsize=9, color="#8a5200",
    )  # fmt: skip
    axis.set_xlim(-0.5, len(story) - 0.5)
    axis.set_xlabel("第几段波形 · burst number")
    axis.legend(loc="center left")


def ride_picture() -> Any:
    """A ride, its boundaries, its vibration across, and the drift of A95."""
    worn = [0.05 if k < WORN_FROM else 0.16 for k in range(BURSTS)]
    bursts = [ride_burst(rate_hz=200.0, across=a, seed=k) for k, a in enumerate(worn)]
    figure, (motion, shake, drift) = plt.subplots(3, 1, figsize=(12, 10.5), layout="constrained")
    seen = [_read_ride(burst) for burst in (bursts[0], bursts[-1])]
    r = seen[0]
    t = np.arange(r.speed.shape[-1]) / r.rate_hz
    motion.plot(t, r.motion[0], color=INK, lw=1.2, label="加速度 acceleration, m/s²")
    motion.plot(t, r.speed[0], color=GREEN, lw=1.6, label="速度 speed, m/s")
    motion.plot(t, np.where(r.inside[0], r.jerk[0], np.nan), color=GREY, lw=1, label="jerk, m/s³")
    _shade(motion, t, r.away[0], BLUE, "两端 0.5 m 以外 · away from both ends")
    _shade(motion, t, r.constant[0], GREEN, "恒速 · constant speed")
    motion.set_ylim(-1.3, 2.7)
    motion.legend(loc="upper right", ncols=3)
    motion.set_title("① 一段波形里的整次行程 · a whole ride in one burst")
    names = [("磨损 worn", RED), ("正常 usual", BLUE)]
    for found, burst, (text, color) in zip(seen[::-1], (bursts[-1], bursts[0]), names, strict=True):
        a95 = float(analyse([burst]).columns["ride_a95_h"][0])
        y = np.where(found.away[0], found.across[0, 0], np.nan)
        label = f"{text}: A95 {a95:.3f} m/s² ({a95 / 9.80665 * 1000:.0f} mg)"
        shake.plot(t, y, color=color, lw=0.9, label=label)
        shake.axhline(a95 / 2, color=color, lw=0.8, ls=":")
        shake.axhline(-a95 / 2, color=color, lw=0.8, ls=":")
    shake.set_title("② 水平振动，按 Wd 计权 · vibration across, weighted by Wd")
    shake.set_ylim(-0.11, 0.13)
    shake.set_ylabel("m/s²")
    shake.set_xlim(t[0], t[-1])
    shake.set_xlabel("s")
    shake.legend(loc="upper right", ncols=2)
    motion.set_xlim(t[0], t[-1])
    course(drift, told(bursts), "ride_a95_h", "A95, m/s²")
    drift.set_title("③ 三段偏离后成立 · true after three bursts beyond the limit")
    return figure


def _read_ride(burst: Waveform) -> ride.Ride:
    samples = np.array([[burst.axes[n] for n in "xyz"]], np.float64)
    return ride.read(samples, ("x", "y", "z"), burst.rate_hz)


def _shade(axis: Any, t: Any, mask: Any, color: str, text: str) -> None:
    at = t[mask]
    axis.axvspan(at[0], at[-1], color=color, alpha=0.12, lw=0, label=text)


def bearing_picture() -> Any:
    """The band that was chosen, the envelope's lines in it, and the drift of their prominence."""
    sizes = [0.0 if k < WORN_FROM else 1.6 for k in range(BURSTS)]
    bursts = [machine_burst(size=size, seed=k) for k, size in enumerate(sizes)]
    figure, (band, lines, drift) = plt.subplots(3, 1, figsize=(12, 10.5), layout="constrained")
    for burst, color, text in ((bursts[-1], RED, "磨损 worn"), (bursts[0], BLUE, "正常 usual")):
        x = np.asarray(burst.axes["x"], np.float64)
        power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
        wide = 40
        mean = power[: len(power) // wide * wide].reshape(-1, wide).mean(axis=1)
        hz = (np.arange(len(mean)) + 0.5) * wide * burst.rate_hz / len(x)
        band.semilogy(hz, mean, color=color, lw=1.2, label=text)
        (part,) = bearing.envelopes(x[None], burst.rate_hz)
        lines.plot(part.hz[5:], part.prominence[0, 5:], color=color, lw=0.9, label=text)
    found = {n: float(c[0]) for n, c in analyse(bursts[-1:]).columns.items()}
    (part,) = bearing.envelopes(np.asarray(bursts[-1].axes["x"], np.float64)[None], 3200.0)
    half = part.hz[-1] / 2
    centre = found["bearing_band_hz"]
    text = f"所选频带 band: 峭度 kurtosis {found['bearing_kurtosis']:.2f}"
    band.axvspan(centre - half, centre + half, color=AMBER, alpha=0.2, lw=0, label=text)
    band.set_title("① 最具冲击性的频带 · the most impulsive band")
    band.set_xlim(0, 1600)
    band.set_xlabel("Hz")
    band.legend(loc="upper right")
    line = found["bearing_line_hz"]
    for h in range(1, 6):
        lines.axvline(h * line, color=GREY, lw=0.8, ls=":", zorder=0)
    lines.text(line, found["bearing_prominence"], f"  {line:.1f} Hz", color=RED, va="top")
    lines.axhline(bearing.CLEAR, color=INK, lw=0.8, ls="--")
    lines.set_xlim(0, 6.5 * line)
    lines.set_title("② 包络谱：谱线与周围中位数之比 · envelope: lines over their local median")
    lines.set_xlabel("Hz")
    lines.legend(loc="upper right")
    course(drift, told(bursts), "bearing_prominence", "× 中位数 median")
    drift.set_title("③ 不知轴承型号也能察觉 · found without knowing the bearing")
    return figure


def door_picture() -> Any:
    """The current of a movement, its signature against the learned one, and their distance."""
    bumps = [0.0 if k < WORN_FROM else 1.4 for k in range(BURSTS)]
    bursts = [door_burst(bump=bump, seed=k) for k, bump in enumerate(bumps)]
    story = told(bursts)
    figure, (current, shape, drift) = plt.subplots(3, 1, figsize=(12, 10.5), layout="constrained")
    for burst, color, text in ((bursts[-1], RED, "受阻 dragging"), (bursts[0], BLUE, "正常 usual")):
        x = burst.axes["door"]
        current.plot(np.arange(len(x)) / burst.rate_hz, x, color=color, lw=0.9, label=text)
    current.set_title("① 门机电流 · the door motor's current")
    current.set_ylabel("A")
    current.set_xlabel("s")
    current.legend(loc="upper right")
    before = story[WORN_FROM - 1]
    level, spread = (
        np.array([before[f"forwards.{part}.{i}"] for i in range(door_motor.POINTS)])
        for part in ("level", "spread")
    )
    at, sigma = np.linspace(0, 100, door_motor.POINTS), MAD_TO_SIGMA * spread
    shape.fill_between(at, level - sigma, level + sigma, color=BLUE, alpha=0.2, lw=0)
    shape.plot(at, level, "o-", color=BLUE, lw=1.4, label="常态 learned normal ±σ")
    shape.plot(at, analyse(bursts[-1:]).signature[0], "o-", color=RED, label="本次 this movement")
    shape.set_title("② 特征：动作期间 16 点 · signature: 16 points of the movement")
    shape.set_xlabel("% 动作时间 of the movement")
    shape.set_ylabel("A")
    shape.legend(loc="upper right")
    distance = np.array([row["door_signature_distance"] for row in story])
    drift.axhline(float(FAR), color=RED, ls="--", lw=1.2, label="3 σ")
    points(drift, np.arange(BURSTS), distance, story)
    drift.set_ylim(0, 1.2 * np.nanmax(distance))
    drift.set_ylabel("σ")
    drift.set_title("③ 与常态的距离 · distance from the normal")
    return figure


def main() -> None:
    """Draw all three."""
    plt.rcParams.update(STYLE)
    makers: dict[str, Callable[[], Any]] = {
        "ride": ride_picture,
        "bearing": bearing_picture,
        "door": door_picture,
    }
    for name, make in makers.items():
        figure, drawn = make(), io.BytesIO()
        figure.savefig(drawn, dpi=90)
        plt.close(figure)
        image = Image.open(drawn).convert("RGB").quantize(96, dither=Image.Dither.NONE)
        image.save(FOLDER / f"waveform-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
