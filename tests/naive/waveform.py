"""Slow and obvious: one burst at a time, one value at a time, from the standards' formulas."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

WEIGHTINGS = {  # f3, f4, Q4, then f5, Q5, f6, Q6
    "k": (12.5, 12.5, 0.63, (2.37, 0.91, 3.35, 0.91)),
    "d": (2.0, 2.0, 0.63, None),
}


def weight(kind, hz):
    """ISO 8041: the complex factor at one frequency."""
    f3, f4, q4, step = WEIGHTINGS[kind]
    p = 2j * math.pi * hz
    w1, w2, w3, w4 = (2 * math.pi * f for f in (0.4, 100, f3, f4))
    found = p * p / (p * p + w1 * math.sqrt(2) * p + w1 * w1)
    found *= w2 * w2 / (p * p + w2 * math.sqrt(2) * p + w2 * w2)
    found *= (1 + p / w3) / (1 + p / (q4 * w4) + (p / w4) ** 2)
    if step:
        f5, q5, f6, q6 = step
        w5, w6 = 2 * math.pi * f5, 2 * math.pi * f6
        found *= (1 + p / (q5 * w5) + (p / w5) ** 2) / (1 + p / (q6 * w6) + (p / w6) ** 2)
        found *= (w5 / w6) ** 2
    return found


def motion(hz):
    s = 1j * hz / 10
    return 1 / (s * s + math.sqrt(2) * s + 1)


def filtered(values, rate, factor, size, step):
    """Every step-th value of the burst through a filter, by its spectrum padded to size."""
    spectrum = np.fft.rfft(values, size)[: size // (2 * step) + 1]
    for k in range(len(spectrum)):
        spectrum[k] *= factor(k * rate / size)
    return np.fft.irfft(spectrum, size // step)[: -(-len(values) // step)] / step


def window_mean(half):
    at = np.arange(-half, half + 1)
    return lambda rate: lambda hz: np.exp(-2j * math.pi * hz * at / rate).mean()


def window_slope(half):
    at = np.arange(-half, half + 1)
    share = at / (at * at).sum()
    return lambda rate: lambda hz: rate * (share * np.exp(2j * math.pi * hz * at / rate)).sum()


def share_of(values, share):
    """The least value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else math.nan


def heights(values):
    """Peak to peak of each two neighbouring half waves."""
    peaks, sign = [], None
    for v in values:
        if sign is not None and (v >= 0) == sign:
            peaks[-1] = max(peaks[-1], abs(v))
        else:
            peaks.append(abs(v))
        sign = v >= 0
    return [a + b for a, b in pairwise(peaks)]


def ride(axes, rate, size, step):
    """Figures of one burst, or None where it shows no whole ride; size, step as of the filters."""
    n = len(axes["z"])
    edge, half = max(1, round(0.5 * rate)), max(1, round(0.25 * rate))
    head, tail = np.mean(axes["z"][:edge]), np.mean(axes["z"][-edge:])
    rest = {k: (np.mean(a[:edge]) + np.mean(a[-edge:])) / 2 for k, a in axes.items()}
    z = axes["z"] - rest["z"]
    kept = rate / step

    def through(values, *factors):
        return filtered(
            values, rate, lambda hz: math.prod([f(hz) for f in factors], start=1 + 0j), size, step
        )

    smooth = through(z, motion, window_mean(half)(rate))
    moves = [i for i, v in enumerate(smooth) if abs(v) > 0.15]
    wide = round(0.5 * kept)
    if not moves or n < 3 * rate:
        return None
    begin, end = moves[0] - wide, moves[-1] + wide
    if begin < 0 or end >= len(smooth) or abs(head - tail) > 0.15:
        return None
    if (smooth[moves[0]] > 0) == (smooth[moves[-1]] > 0):
        return None
    a = through(z, motion)[begin : end + 1]
    mend = sum(a) / len(a)
    if abs(mend) > 0.1:
        return None
    a, speed, v = [x - mend for x in a], [], 0.0
    for x in a:
        v += x / kept
        speed.append(v)
    if max(speed) < -min(speed):
        a, speed = [-x for x in a], [-x for x in speed]
    top = max(speed)
    if top < 0.2:
        return None
    fast = [i for i, x in enumerate(speed) if x >= 0.95 * top]
    middle = [0.05 * top * (1 - 1e-15) <= x <= 0.95 * top for x in speed]
    up = [i for i in range(len(a)) if i <= fast[0]]
    down = [i for i in range(len(a)) if i >= fast[-1]]
    far, total = [], sum(max(x, 0) for x in speed) / kept
    way = 0.0
    for i, x in enumerate(speed):
        way += max(x, 0) / kept
        if 0.5 <= way <= total - 0.5:
            far.append(i)
    settle = round(kept)
    calm = range(fast[0] + settle, fast[-1] - settle + 1)
    vertical = through(z, lambda hz: weight("k", hz))[begin:]
    jerk = through(z, motion, window_slope(half)(rate))[begin : end + 1]
    sides = []
    for k in ("x", "y"):
        if k in axes and far:
            shaken = through(axes[k] - rest[k], lambda hz: weight("d", hz))[begin:]
            sides.append(heights([shaken[i] for i in far]))
    along = heights([vertical[i] for i in calm])
    rides = [i for i, x in enumerate(speed) if x >= 0.05 * top * (1 - 1e-15)]
    return {
        "ride_a95_h": max((share_of(s, 0.95) for s in sides), default=math.nan),
        "ride_max_h": max((share_of(s, 1) for s in sides), default=math.nan),
        "ride_a95_v": share_of(along, 0.95),
        "ride_max_v": share_of(along, 1),
        "ride_acc": max(a[i] for i in up),
        "ride_dec": max(-a[i] for i in down),
        "ride_acc_a95": share_of([a[i] for i in up if middle[i]], 0.95),
        "ride_dec_a95": share_of([-a[i] for i in down if middle[i]], 0.95),
        "ride_jerk": max(abs(x) for x in jerk),
        "ride_speed": top,
        "ride_v95": share_of([speed[i] for i in fast], 0.95),
        "ride_travel_s": (rides[-1] - rides[0] + 1) / kept,
        "ride_distance": total,
    }


def door(current, rate):
    """Figures and signature of one door movement, or None where there is none."""
    block = max(1, round(0.02 * rate))
    blocks = [current[i : i + block] for i in range(0, len(current) - block + 1, block)]
    effective = [math.sqrt(sum(float(x) ** 2 for x in b) / block) for b in blocks]
    signed = [sum(float(x) for x in b) / block for b in blocks]
    idle, work = np.quantile(effective, 0.05), np.quantile(effective, 0.95)
    limit = idle + 0.15 * (work - idle)
    active = [i for i, x in enumerate(effective) if x > limit]
    if len(current) < rate or work - idle < 0.05 or not active or active[-1] >= len(blocks) - 1:
        return None
    every = block / rate
    begin, end = active[0], active[-1]
    length = end - begin + 1
    if length * every < 0.5:
        return None
    low, high = begin + 0.3 * length, begin + 0.7 * length
    middle = [x for i, x in enumerate(effective) if low <= i < high and begin <= i <= end]
    mean = sum(middle) / len(middle)
    pause = longest = 0
    for i in range(begin + 1, end):
        pause = 0 if i in active else pause + 1
        longest = max(longest, pause)
    signs = {math.copysign(1, signed[i]) for i in active if abs(signed[i]) > 0.5 * limit}
    places = [begin + k / 15 * (end - begin) for k in range(16)]
    figures = {
        "door_time_s": length * every,
        "door_inrush": max(effective[begin : min(begin + max(1, round(0.3 / every)), end + 1)]),
        "door_plateau": mean,
        "door_energy": sum(x * x for x in effective[begin : end + 1]) * every,
        "door_ripple": math.sqrt(sum((x - mean) ** 2 for x in middle) / len(middle)) / mean,
        "door_reversal": float(longest >= max(1, round(0.1 / every)) or len(signs) == 2),
    }
    signature = np.interp(places, range(len(effective)), effective)
    return figures, signature, sum(signed[begin : end + 1]) < 0


def bearing(signal, rate, n):
    """Figures of one signal, n values of it, or None where nothing turns."""
    if rate < 400 or len(signal) < rate or np.std(signal) < 0.02:
        return None
    used = np.asarray(signal[:n], np.float64)
    spectrum = np.fft.rfft(used - used.mean())[: n // 2]
    best = (-math.inf, None, None)
    for parts in (2, 3, 4, 6, 8):
        wide = len(spectrum) // parts
        bands = [spectrum[band * wide : (band + 1) * wide] for band in range(1, parts)]
        powers = [np.abs(np.fft.ifft(own)) ** 2 for own in bands]
        for band, own, power in zip(range(1, parts), bands, powers, strict=True):
            if power.mean() > 0 and power.mean() >= 1e-3 * sum(p.mean() for p in powers):
                kurtosis = (power**2).mean() / power.mean() ** 2 - 2
                if kurtosis > best[0]:
                    best = (kurtosis, own, (band + 0.5) * wide * rate / n)
    kurtosis, own, centre = best
    wide, line_hz = len(own), rate / n
    squared = np.abs(np.fft.ifft(own, 2 * wide)) ** 2
    lines = np.abs(np.fft.rfft(squared))[:wide]
    lines = 2 * lines / lines[0]
    centres, medians = medians_of(lines)
    prominence = [line / np.interp(k, centres, medians) for k, line in enumerate(lines)]
    least = max(2, math.ceil(2 / line_hz))

    def near(k):
        return max(prominence[max(k - 1, 0) : k + 2])

    def series(k):
        found = prominence[k]
        return found + sum(near(h * k) / h for h in (2, 3) if h * k < wide)

    strongest = line = max(range(least, wide), key=series)
    for harmonic in (2, 3, 4, 5):
        middle = round(strongest / harmonic)
        below = max(range(max(middle - 1, 0), middle + 2), key=lambda k: prominence[k])
        if below >= least and prominence[below] >= max(0.5 * prominence[strongest], 4):
            line = below
    return {
        "bearing_line_hz": line * line_hz,
        "bearing_prominence": prominence[line],
        "bearing_harmonics": sum(h * line < wide and near(h * line) > 4 for h in range(1, 6)),
        "bearing_kurtosis": kurtosis,
        "bearing_band_hz": centre,
    }


def medians_of(lines):
    """Medians of blocks of about 64 lines, and where their middles lie."""
    usable = lines[2:]
    blocks = max(1, len(usable) // 64)
    each = len(usable) // blocks
    medians = [np.median(usable[b * each : (b + 1) * each]) for b in range(blocks)]
    return [2 + each / 2 + b * each for b in range(blocks)], medians
