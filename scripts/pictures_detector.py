"""Draw docs/pictures/detector-*.png: what each detector saw, and why it rang. For developers.

    python scripts/pictures_detector.py

The first picture is a lift of the simulated district, the others are the healthy fleet of the
detector's tests with a fault put into it. Seeds are fixed, so a picture changes with the code only.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from devices.registry import load_registry  # noqa: E402
from devices.simulator.district import write_district  # noqa: E402
from devices.simulator.publisher import make_world  # noqa: E402
from devices.vocabulary import load_vocabulary  # noqa: E402
from monitor.detector import Detector, baseline, drift, expected, multivariate, peers  # noqa: E402
from monitor.detector.features import FEATURES, NAMES, PLACE, F  # noqa: E402
from monitor.detector.step import State  # noqa: E402
from tests.monitor.detector.healthy import Healthy  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
INK, BLUE, RED, GREY, AMBER = "#222222", "#1f5fa8", "#b3261e", "#8a8f98", "#c77700"
STYLE = {
    "font.family": ["Noto Sans CJK SC", "Noto Sans CJK JP", "DejaVu Sans"],
    "font.size": 10, "axes.titlesize": 11, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": False,
    "legend.frameon": False, "figure.dpi": 110,
}  # fmt: skip
START_MS = 1_790_000_000_000


def save(figure: Any, name: str) -> None:
    """Write one picture."""
    figure.tight_layout()
    figure.savefig(FOLDER / f"detector-{name}.png")
    plt.close(figure)


def trips() -> None:
    """Half an hour of a simulated lift: speed and door, and the features cut from them."""
    vocab = load_vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        write_district(Path(folder), lifts=12)
        registry = load_registry(Path(folder))
    world = make_world(registry, vocab, 5, START_MS, None)
    detector = Detector(vocab, registry.columns(), len(registry))
    period = registry.columns()["period_s"]
    rows: dict[int, list[tuple[float, float, float]]] = {k: [] for k in range(len(registry))}
    cuts: dict[int, list[tuple[float, str, float]]] = {k: [] for k in range(len(registry))}
    pending, before = detector.own["pending"], {}
    channels = [vocab.index(name) for name in ("speed", "door_state")]
    for now_ms in range(START_MS + 1000, START_MS + 1_800_000, 1000):
        world.advance(now_ms)
        batch = world.drain()
        detector.update(batch, now_ms)
        for lift, ts, values in zip(
            batch.lift, batch.ts_ms, batch.values[:, channels], strict=True
        ):
            rows[int(lift)].append(((ts - START_MS) / 1000, *values.tolist()))
        for lift in set(batch.lift.tolist()):
            here = pending.data[lift, :F].copy()
            new = ~np.isnan(here) & (here != before.get(lift, np.full(F, np.nan)))
            before[lift] = here
            cuts[lift] += [((now_ms - START_MS) / 1000, NAMES[i], float(here[i])) for i in
                           np.flatnonzero(new)]  # fmt: skip
    lift = max((k for k in rows if period[k] == 1), key=lambda k: len(cuts[k]))
    _draw_trips(np.array(rows[lift]), cuts[lift])


def _draw_trips(said: np.ndarray[Any, Any], cuts: list[tuple[float, str, float]]) -> None:
    first = next(at for at, name, _ in cuts if name == "travel_time") - 32
    said = said[(said[:, 0] >= first) & (said[:, 0] <= first + 92)]
    figure, (speed, door) = plt.subplots(2, 1, figsize=(11, 5.6), sharex=True)
    speed.plot(said[:, 0], said[:, 1], color=BLUE, lw=1.5)
    door.step(said[:, 0], said[:, 2], where="post", color=INK, lw=1.4)
    door.set_yticks([1, 2, 3, 4], ["在关 closing", "关 closed", "在开 opening", "开 open"])
    shown = {"travel_time": (speed, "行程−预计 trip − profile", "s"),
             "motor_current": (speed, "电流 current", "A"),
             "levelling": (speed, "平层 level", "mm"),
             "opening_time": (door, "开门 opening", "s"),
             "closing_time": (door, "关门 closing", "s")}  # fmt: skip
    height = {"travel_time": 0.98, "motor_current": 0.90, "levelling": 0.82,
              "opening_time": 0.98, "closing_time": 0.60}  # fmt: skip
    for at, name, value in cuts:
        if name in shown and first <= at <= first + 92:
            axis, text, unit = shown[name]
            axis.axvline(at, color=RED, lw=0.8, ls=":")
            axis.text(at, height[name], f" {text} {value:.1f} {unit}", color=RED, fontsize=7.5,
                      va="top", transform=axis.get_xaxis_transform())  # fmt: skip
    speed.set_ylabel("速度 speed, m/s")
    speed.set_title("模拟电梯，每秒一采：行程与开关门切成特征 · a simulated lift, each second: "
                    "trips and doors cut into features")  # fmt: skip
    door.set_xlabel("秒 s")
    save(figure, "trips")


def _play(fleet: Healthy, trips: int, *names: str) -> dict[str, np.ndarray[Any, Any]]:
    """Trips of lift 0: x, level, z, up and down sums of the named features, [trips]."""
    parts = ("x", "level", "sigma", "z", "sum", "held")
    found: dict[str, list[float]] = {f"{part}.{n}": [] for n in names for part in parts}
    for _ in range(trips):
        fleet.trip()
        for name in names:
            i = PLACE[name]
            up, down = fleet.sums[i, 0], fleet.sums[F + i, 0]
            sigma, held = baseline.MAD * fleet.normal[2 * F + i, 0], fleet.sums[2 * F + i, 0]
            told = (fleet.x[i, 0], fleet.normal[F + i, 0], sigma, fleet.z[i, 0],
                    up if up >= down else -down, held)  # fmt: skip
            for part, value in zip(parts, told, strict=True):
                found[f"{part}.{name}"].append(float(value))
    return {name: np.array(values) for name, values in found.items()}


def learned() -> None:
    """How a normal is learned, and what load and direction explain of a motor's current."""
    fleet = Healthy(4, 3)
    seen = _play(fleet, 1200, "door_current")
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=(2, 1))
    x, level, sigma = (seen[f"{part}.door_current"] for part in ("x", "level", "sigma"))
    n = np.arange(len(x))
    left.plot(n, x, ".", color=GREY, ms=2.5, label="每次行程 each trip")
    left.plot(n, level, color=BLUE, lw=1.8, label="学到的常态 learned level")
    left.fill_between(n, level - 3 * sigma, level + 3 * sigma, color=BLUE, alpha=0.15, lw=0,
                      label="±3 σ")  # fmt: skip
    left.axvspan(0, 30, color=AMBER, alpha=0.2, lw=0, label="预热，不发一言 warm-up, silent")
    left.set(xlabel="行程 trips", ylabel="门机电流 door current, A", ylim=(1.05, 1.6))
    left.set_title("常态：稳健的水平与离散 · the normal: robust level and spread")
    left.legend(fontsize=8)
    first = 3 * F + expected.OFFSET[1]
    factors = fleet.normal[first : first + 8, 0]
    for up, colour, text in ((4, RED, "上行 up"), (0, BLUE, "下行 down")):
        right.plot([0, 25, 50, 75], factors[up : up + 4], "o-", color=colour, label=text)
    right.set(xlabel="载荷 load, % rated", ylabel="A")
    right.set_title("载荷与方向所加的电流\nwhat load and direction add to motor current")
    right.legend(fontsize=8)
    save(figure, "baseline")


def drifts() -> None:
    """Wear of a door drive over weeks: no trip stands out, the sum tells."""
    fleet = Healthy(4, 8)
    seen = _play(fleet, 800, "door_current")
    parts = [seen]
    for k in range(1200):
        fleet.worn = {"door_current": 0.45 * k / 1200}
        parts.append(_play(fleet, 1, "door_current"))
    x, level, z, total, held = (
        np.concatenate([p[f"{part}.door_current"] for p in parts])
        for part in ("x", "level", "z", "sum", "held")
    )
    rang = int(np.flatnonzero(held)[0])
    figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(11, 6.4), sharex=True)
    top.plot(x, ".", color=GREY, ms=2.5)
    top.plot(level, color=BLUE, lw=1.8)
    top.set_ylabel("门机电流 A")
    top.axvline(800, color=AMBER, lw=1.2)
    top.text(805, top.get_ylim()[1], "开始磨损 wear begins", color=AMBER, va="top", fontsize=9)
    middle.plot(z, color=INK, lw=0.5)
    middle.set_ylabel("z, σ")
    bottom.plot(total, color=BLUE, lw=1.3)
    bottom.axhline(drift.LIMITS.limit, color=RED, ls="--", lw=1.2)
    bottom.set_ylabel("CUSUM")
    bottom.set_xlabel("行程 trips")
    for axis in (top, middle, bottom):
        axis.axvline(rang, color=RED, lw=1.2)
    bottom.text(rang + 8, 15, f"规则 27b 触发，{rang - 800} 次行程后\nrings, {rang - 800} trips on",
                color=RED, fontsize=9)  # fmt: skip
    top.set_title("门机慢慢磨损：单次行程看不出，累积和说得出 · a door drive wears: no single trip "
                  "stands out, the cumulative sum tells")  # fmt: skip
    save(figure, "drift")


def beside() -> None:
    """A door slow since it was installed, beside eleven of its kind."""
    rng = np.random.default_rng(4)
    level = rng.normal(3.0, 0.15, 12).astype(np.float32)
    level[7] = 5.4
    own = {baseline.NORMAL: baseline.MEMORY.tables[baseline.NORMAL].table(12),
           peers.PEERS: peers.MEMORY.tables[peers.PEERS].table(12)}  # fmt: skip
    normal, i = own[baseline.NORMAL], PLACE["closing_time"]
    normal.data[:, normal.index["level.closing_time"]] = level
    normal.data[:, normal.index["n.closing_time"]] = 500
    marks = State(peers.MEMORY.marks).table(12)
    registry = {"peer_row": np.zeros(12, np.float32), "period_s": np.ones(12, np.float32)}
    for minute in range(F):
        peers.compare(own, marks, registry, minute)
    z = own[peers.PEERS].data[:, i]
    figure, axis = plt.subplots(figsize=(11, 3.6))
    colours = [RED if abs(one) >= peers.CLEAR else BLUE for one in z]
    axis.bar(np.arange(12), level, color=colours, width=0.6)
    axis.axhline(float(np.median(level)), color=INK, lw=1, ls="--")
    for k, one in enumerate(z):
        axis.text(k, level[k] + 0.08, f"{one:+.1f} σ", ha="center", fontsize=8.5)
    axis.set_xticks(np.arange(12), [f"{k + 1}" for k in range(12)])
    axis.set(xlabel="同类电梯 lifts of one type and speed", ylabel="关门时间 closing time, s")
    axis.set_title(f"自装好起就慢的门：自己的常态看不出，与同类相比 {z[7]:+.1f} σ · slow since it "
                   "was installed: only its kind shows it")  # fmt: skip
    save(figure, "peers")


def together() -> None:
    """Ride current up, start current down, each within its own limits."""
    fleet = Healthy(4, 13)
    names = ("motor_current", "start_current", "joint")
    healthy = _play(fleet, 1500, *names)
    fleet.worn_sigmas = {"motor_current": 2.2, "start_current": -2.2}
    worn = _play(fleet, 60, *names)
    held = np.flatnonzero(worn["held.joint"])
    _, cause = multivariate.judge(fleet.together.copy(), fleet.z[multivariate.WHERE])
    named = FEATURES[PLACE[multivariate.CHANNELS[int(cause[0]) - 1]]].text
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4))
    left.plot(healthy["z.motor_current"][300:], healthy["z.start_current"][300:], ".",
              color=GREY, ms=3, label="健康 healthy")  # fmt: skip
    left.plot(worn["z.motor_current"], worn["z.start_current"], ".", color=RED, ms=5,
              label="有故障 faulty")  # fmt: skip
    for edge in (-5, 5):
        left.axvline(edge, color=GREY, lw=0.8, ls=":")
        left.axhline(edge, color=GREY, lw=0.8, ls=":")
    left.set(xlabel="运行电流 ride current, σ", ylabel="启动电流 start current, σ")
    left.set_title("各自都在常态内，一起却从未这样\neach within its own normal, never so together")
    left.legend(fontsize=8)
    total = np.concatenate([healthy["sum.joint"][-60:], worn["sum.joint"]])
    right.plot(np.arange(-60, 60), total, color=BLUE, lw=1.5)
    right.axhline(drift.LIMITS.limit, color=RED, ls="--", lw=1.2)
    right.axvline(0, color=AMBER, lw=1.2)
    if len(held):
        right.axvline(held[0], color=RED, lw=1.2)
        right.text(held[0] + 1, 3, f"规则 27h 触发 rings\n主因 cause: {named.zh} {named.en}",
                   color=RED, fontsize=9)  # fmt: skip
    right.set(xlabel="故障后行程 trips since the fault", ylabel="CUSUM of the joint distance")
    right.set_title("联合距离的累积和 · cumulative sum of the joint distance")
    save(figure, "joint")


def main() -> None:
    """Draw all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        for draw in (trips, learned, drifts, beside, together):
            draw()


if __name__ == "__main__":
    main()
