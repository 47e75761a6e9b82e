"""Bearings: lines in the spectrum of the envelope, without knowing the bearing.

A damaged race knocks once each time a ball passes, and each knock rings the structure at its own
resonance. So the band in which the signal is most impulsive is sought, and the knocks are read
from the spectrum of its squared envelope (R. B. Randall, J. Antoni, Mech. Syst. Signal Process.
25, 2011, doi:10.1016/j.ymssp.2010.07.017). Impulsive is the spectral kurtosis of a band,
mean|c|⁴ / mean²|c|² − 2 of its complex envelope c: 0 for noise, large for knocks (J. Antoni,
Mech. Syst. Signal Process. 21, 2007, doi:10.1016/j.ymssp.2005.12.002); the bands are halves,
thirds, quarters, sixths and eighths of the spectrum, without the lowest of each, which holds the
ride itself. The envelope of a band is the inverse transform of its own frequencies alone.

A line is told by its prominence: its amplitude over the median of its neighbourhood; noise alone
reaches 3 to 4 somewhere. The line with the strongest series counts: itself, half of its second
and a third of its third harmonic; and instead of it the lowest line of which it is the second to
fifth harmonic and that is half as prominent. A band must hold a thousandth of the power. Limits
are domain defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Index = NDArray[np.intp]

DIVISIONS: Final = (2, 3, 4, 6, 8)
LEAST_RATE_HZ: Final = 400.0
LEAST_S: Final = 1.0
STANDS: Final = 0.02  # m/s² effective: below it nothing turns
LOWEST_HZ: Final = 2.0
NEIGHBOURS: Final = 64  # lines whose median is the floor
HARMONICS: Final = 5
CLEAR: Final = 4.0  # prominence of a harmonic that counts
BELOW: Final = 0.5  # share of a line's prominence that makes the line below it the first
LEAST_POWER: Final = 1e-3  # share of the power that a band must hold

FIGURES: Final = (
    "bearing_line_hz", "bearing_prominence", "bearing_harmonics", "bearing_kurtosis",
    "bearing_band_hz",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Envelope:
    """Spectra of R signals whose bands are equally wide.

    which intp[R]: places among the signals given · kurtosis, centre_hz float64[R] of the band ·
    hz float64[K] · amplitude, prominence float64[R, K]: amplitude is the share of the mean
    squared envelope, so 1 + m·cos(…) on a carrier has a line of 2·m / (1 + m²/2).
    """

    which: Index
    kurtosis: Floats
    centre_hz: Floats
    hz: Floats
    amplitude: Floats
    prominence: Floats


def analyse(samples: Floats, rate_hz: float) -> dict[str, Floats]:
    """Return FIGURES of bursts [B, A, n] in m/s², float64[B]: of the axis with the clearest line.

    NaN below 400 Hz or 1 s, and where nothing turns. All values must be finite.
    """
    bursts, axes, n = samples.shape
    found = np.full((len(FIGURES), bursts * axes), np.nan)
    if rate_hz >= LEAST_RATE_HZ and n >= LEAST_S * rate_hz and bursts * axes:
        signals = samples.reshape(-1, n)
        for part in envelopes(signals, rate_hz):
            found[:, part.which] = _lines(part)
        found[:, signals.std(axis=-1) < STANDS] = np.nan
    by_axis = found.reshape(len(FIGURES), bursts, axes)
    best = np.nan_to_num(by_axis[1], nan=-1.0).argmax(axis=-1)
    chosen = by_axis[:, np.arange(bursts), best]
    return dict(zip(FIGURES, chosen, strict=True))


def envelopes(signals: Floats, rate_hz: float) -> list[Envelope]:
    """Return the envelope spectra of signals [R, n] in each one's most impulsive band."""
    n = usable(signals.shape[-1])
    used = signals[:, :n]
    spectrum = np.fft.rfft(used - used.mean(axis=-1, keepdims=True))[:, : n // 2]
    best = np.full(len(signals), -np.inf)
    division, band = np.zeros(len(signals), np.intp), np.zeros(len(signals), np.intp)
    for parts in DIVISIONS:
        kurtosis = _kurtosis(spectrum, parts)
        place = kurtosis.argmax(axis=-1)
        value = np.take_along_axis(kurtosis, place[:, None], axis=-1)[:, 0]
        better = value > best
        best = np.where(better, value, best)
        division, band = np.where(better, parts, division), np.where(better, place + 1, band)
    found = []
    for parts in DIVISIONS:
        which = np.flatnonzero(division == parts)
        if len(which):
            wide = spectrum.shape[-1] // parts
            lines = band[which][:, None] * wide + np.arange(wide)
            own = np.take_along_axis(spectrum[which], lines, axis=-1)
            centre = (band[which] + 0.5) * wide * rate_hz / n
            found.append(_envelope(which, own, best[which], centre, rate_hz / n))
    return found


def usable(n: int) -> int:
    """Return the largest number up to n whose half every band divides, and fast to transform.

    48 times a product of 2, 3 and 5; a few per cent of a burst are left out at most.
    """
    most = n // 48
    found = 1
    for two in range(most.bit_length()):
        for three in range(most.bit_length()):
            part = 2**two * 3**three
            while part <= most:
                found, part = max(found, part), part * 5
    return 48 * found


def _kurtosis(spectrum: Complex, parts: int) -> Floats:
    """Spectral kurtosis of all bands but the lowest, [R, parts − 1]."""
    wide = spectrum.shape[-1] // parts
    bands = spectrum[:, wide : parts * wide].reshape(len(spectrum), parts - 1, wide)
    c = np.fft.ifft(bands)
    power = c.real**2 + c.imag**2
    mean = power.mean(axis=-1)
    square = (power**2).mean(axis=-1)
    heard = (mean > 0) & (mean >= LEAST_POWER * mean.sum(axis=-1, keepdims=True))
    return np.where(heard, square / np.where(heard, mean, 1) ** 2 - 2, -np.inf)


def _envelope(
    which: Index, band: Complex, kurtosis: Floats, centre_hz: Floats, line_hz: float
) -> Envelope:
    """Transform back at twice the width, so that no line of the square folds onto another."""
    wide = band.shape[-1]
    c = np.fft.ifft(band, 2 * wide)
    lines = np.abs(np.fft.rfft(c.real**2 + c.imag**2))[:, :wide]
    amplitude = 2 * lines / np.where(lines[:, :1] > 0, lines[:, :1], 1)
    hz = np.arange(wide, dtype=np.float64) * line_hz
    return Envelope(which, kurtosis, centre_hz, hz, amplitude, amplitude / floor(amplitude))


def floor(amplitude: Floats) -> Floats:
    """Return the local median of lines [R, K]: of each 64, straight in between; 1 where it is 0.

    The mean (line 0) and its neighbour, which is the burst's own length, count in no median.
    """
    usable = amplitude[:, 2:]
    blocks = max(1, usable.shape[-1] // NEIGHBOURS)
    each = usable.shape[-1] // blocks
    median = np.median(usable[:, : blocks * each].reshape(len(usable), blocks, each), axis=-1)
    place = np.clip((np.arange(amplitude.shape[-1]) - 2 - each / 2) / each, 0, blocks - 1)
    lower = np.minimum(place.astype(np.intp), max(blocks - 2, 0))
    upper, share = np.minimum(lower + 1, blocks - 1), place - lower
    found = median[:, lower] * (1 - share) + median[:, upper] * share
    return np.asarray(np.where(found > 0, found, 1.0))


def at_frequencies(part: Envelope, hz: Floats) -> Floats:
    """Return the prominence at given frequencies float64[F] (a known bearing), [R, F].

    The strongest of the nearest line and its two neighbours; NaN beyond the spectrum.
    """
    wide = _widened(part.prominence)
    place = np.rint(hz / part.hz[1]).astype(np.intp)
    inside = place < wide.shape[-1]
    return np.where(inside, wide[:, np.where(inside, place, 0)], np.nan)


def _widened(lines: Floats) -> Floats:
    """Each line the strongest of itself and its neighbours."""
    wide = lines.copy()
    wide[:, 1:] = np.maximum(wide[:, 1:], lines[:, :-1])
    wide[:, :-1] = np.maximum(wide[:, :-1], lines[:, 1:])
    return wide


def _lines(part: Envelope) -> Floats:
    """FIGURES [5, R] of the strongest series of lines."""
    lines = part.prominence
    count, total = len(lines), lines.shape[-1]
    least = max(2, int(np.ceil(LOWEST_HZ / part.hz[1])))
    if total <= least + 1:
        return np.full((len(FIGURES), count), np.nan)
    wide = _widened(lines)
    series = lines.copy()
    for harmonic in (2, 3):
        there = -(-total // harmonic)
        series[:, :there] += wide[:, ::harmonic] / harmonic
    series[:, :least] = -1
    here = np.arange(count)
    line = series.argmax(axis=-1)
    enough = np.maximum(BELOW * lines[here, line], CLEAR)
    first = line
    for harmonic in range(2, HARMONICS + 1):
        below = np.rint(line / harmonic).astype(np.intp)
        near = np.clip(below[:, None] + np.array([-1, 0, 1]), 0, total - 1)
        below = near[here, lines[here[:, None], near].argmax(axis=-1)]
        first = np.where((below >= least) & (lines[here, below] >= enough), below, first)
    line = first
    harmonics = np.zeros(count)
    for harmonic in range(1, HARMONICS + 1):
        place = line * harmonic
        seen = place < total
        harmonics += seen & (wide[here, np.where(seen, place, 0)] > CLEAR)
    return np.array(
        [part.hz[line], lines[here, line], harmonics, part.kurtosis, part.centre_hz], np.float64
    )
