"""How fast bursts become figures, and what they say of a real ride.

    python -m benchmarks waveform [--bursts 32] [--data FOLDER]

Batched figures of mixed bursts against the plain twin, one burst at a time and value by value,
and against one bare real FFT (scipy) of the same values: what any spectrum costs at least. With
--data, the figures of ride/skyscraper_up.csv, a phone's accelerometer in a lift going up.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft

from benchmarks._bursts import door_burst, machine_burst, ride_burst
from benchmarks._district import say
from devices.batch import Waveform
from monitor.detector.waveform import analyse, bearing, learn, tables
from monitor.detector.waveform.weighting import filters
from tests.naive import waveform as naive

HAND_S = (3.0, 34.9)  # before and after, the phone is in a hand
RATE_HZ = 50.0


def run(argv: list[str]) -> dict[str, Any]:
    """Measure each kind of burst, the twin on fewer of them, and read the recording."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks waveform", description=__doc__)
    parser.add_argument("--bursts", type=int, default=32, help="of each kind")
    parser.add_argument("--data", type=Path, help="folder with ride/skyscraper_up.csv")
    args = parser.parse_args(argv)
    kinds: dict[str, list[Waveform]] = {
        "ride_100hz": [ride_burst(i, 100.0, seed=i) for i in range(args.bursts)],
        "ride_800hz": [ride_burst(i, 800.0, seed=i) for i in range(args.bursts)],
        "machine_3200hz": [machine_burst(i, seed=i) for i in range(args.bursts)],
        "door_400hz": [door_burst(i, seed=i) for i in range(args.bursts)],
    }
    found: dict[str, Any] = {"bursts_of_each": args.bursts}
    for kind, bursts in kinds.items():
        found[kind] = measured(bursts)
        say(f"{kind}: {found[kind]}")
    every = [burst for bursts in kinds.values() for burst in bursts]
    features = analyse(every)
    own = tables(args.bursts)
    begun = time.process_time()
    learn(own, features)
    found["learn_ms_a_burst"] = round(1e3 * (time.process_time() - begun) / len(every), 4)
    if args.data:
        found["recording"] = recording(args.data / "ride" / "skyscraper_up.csv")
    return found


def measured(bursts: list[Waveform]) -> dict[str, float]:
    """Return bursts/s of one core, and the ratios to the twin and to a bare FFT."""
    values = np.array([list(burst.axes.values()) for burst in bursts], np.float64)
    analyse(bursts)  # filters are made once a rate and length
    batched = cost(lambda: analyse(bursts)) / len(bursts)
    alone = cost(lambda: [analyse([burst]) for burst in bursts]) / len(bursts)
    bare = cost(lambda: scipy.fft.rfft(values)) / len(bursts)
    few = bursts[:2]
    slow = cost(lambda: [twin(burst) for burst in few], 1) / len(few)
    return {
        "bursts_per_s": round(1 / batched, 1),
        "values_per_s": round(values[0].size / batched),
        "ratio_naive": round(slow / batched, 1),
        "ratio_one_by_one": round(alone / batched, 2),
        "ratio_bare_fft": round(batched / bare, 1),
    }


def cost(work: Callable[[], object], times: int = 5) -> float:
    """Return the CPU seconds of one run, the median of some."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return statistics.median(spent)


def twin(burst: Waveform) -> object:
    """The figures of one burst, value by value."""
    axes = {name: np.asarray(values, np.float64) for name, values in burst.axes.items()}
    if burst.unit == "A":
        return naive.door(axes["door"], burst.rate_hz)
    n = bearing.usable(len(next(iter(axes.values()))))
    knocks = [naive.bearing(values, burst.rate_hz, n) for values in axes.values()]
    if "z" not in axes:
        return knocks
    f = filters(burst.rate_hz, len(axes["z"]))
    return knocks, naive.ride(axes, burst.rate_hz, f.size, f.step)


def recording(file: Path) -> dict[str, float]:
    """Return the ride's figures; rows of the phone spread evenly at 50 Hz.

    Vibration above 25 Hz is not in it: the phone gives some 48 values a second.
    """
    with file.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    grid = np.arange(*HAND_S, 1 / RATE_HZ)
    axes = {}
    for name, column in (("x", "AccX"), ("y", "AccY"), ("z", "AccZ")):
        known = [(float(r["relative_time"]) / 1e3, float(r[column])) for r in rows if r[column]]
        at, value = np.array(known).T
        axes[name] = np.interp(grid, at, value).astype(np.float32)
    figures = analyse([Waveform(0, 1, RATE_HZ, "m/s2", axes)]).columns
    found = {name: float(value[0]) for name, value in figures.items()}
    return {name: round(value, 3) for name, value in found.items() if not math.isnan(value)}
