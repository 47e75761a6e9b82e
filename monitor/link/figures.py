"""Counts in figures: a row a gateway, the same for a vendor; for API, page and Prometheus."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.registry import Registry
from monitor.link.clocks import WRONG_MS
from monitor.link.counts import COUNTED, KEPT, REASON
from monitor.link.delays import quantile
from monitor.link.watch import LinkWatch

SHARES: Final = ("late", "missing", "repeats", "disordered", "rejected")


class Sums(NamedTuple):
    """Of k gateways: counts int64[k, len(COUNTED)] · reasons int64[k, R] · delays int64[k, BUCKETS]
    · gaps int64[k] · clock_s, drift float32[k]: of the lift whose clock is furthest off, NaN where
    none is known · wrong int64[k]: lifts with a wrong clock · ring float32[k, 60, len(KEPT)].
    """

    counts: NDArray[np.int64]
    reasons: NDArray[np.int64]
    delays: NDArray[np.int64]
    gaps: NDArray[np.int64]
    clock_s: NDArray[np.float32]
    drift: NDArray[np.float32]
    wrong: NDArray[np.int64]
    ring: NDArray[np.float32]


def sums_of(watch: LinkWatch, registry: Registry) -> Sums:
    """Return the day so far of every gateway, and the last hour by the minute; copies."""
    with watch.reading():
        counts, clocks = watch.counts, watch.clocks
        k = min(len(counts), len(registry.gateways))
        n = min(len(clocks), len(registry.lift_gateway))
        gateway = registry.lift_gateway[:n]
        offset, drift = clocks.offset_s()[:n], clocks.drift_s_day()[:n]
        far = np.where(np.isnan(offset), -1, np.abs(offset))
        mine = gateway >= 0
        order = np.lexsort((far[mine], gateway[mine]))  # the furthest of each gateway comes last
        rows = np.flatnonzero(mine)[order]
        clock_s, drifts = np.full((2, k), np.nan, np.float32)
        clock_s[gateway[rows]], drifts[gateway[rows]] = offset[rows], drift[rows]
        wrong = mine & (far * 1000 >= WRONG_MS)
        return Sums(
            counts.day["count"][:k] + counts.minute["count"][:k],
            counts.day["reasons"][:k] + counts.minute["reasons"][:k],
            counts.day["delays"][:k] + counts.minute["delays"][:k],
            counts.gaps[:k].copy(),
            clock_s,
            drifts,
            np.bincount(gateway[wrong], minlength=k)[:k],
            counts.ring[:k].copy(),
        )


def figures(
    counts: NDArray[np.int64], reasons: NDArray[np.int64], delays: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the figures of one row of sums, or of several added up. Shares are of 1."""
    told: dict[str, Any] = dict(zip(COUNTED, counts.tolist(), strict=True))
    p50, p99 = (quantile(delays[None, :], q)[0] for q in (0.5, 0.99))
    told["delay_p50_ms"], told["delay_p99_ms"] = _round(p50), _round(p99)
    rows = told["samples"] + told["late"]
    of = {
        "late": rows,
        "missing": told["expected"],
        "repeats": told["messages"],
        "disordered": told["messages"],
        "rejected": told["messages"],
        "fields": rows + told["fields"],
    }
    told["shares"] = {name: round(told[name] / n, 6) if n else None for name, n in of.items()}
    told["refused"] = {
        name: int(reasons[i]) for name, i in REASON.items() if reasons[i]
    }  # fmt: skip
    return told


def gateway_rows(sums: Sums, registry: Registry) -> list[dict[str, Any]]:
    """Return one row a gateway, in the order of the registry."""
    lifts = np.bincount(
        registry.lift_gateway[registry.lift_gateway >= 0], minlength=len(registry.gateways)
    )
    found = []
    for i, gateway in enumerate(registry.gateways[: len(sums.gaps)]):
        told = figures(sums.counts[i], sums.reasons[i], sums.delays[i])
        told |= {
            "gateway": gateway.id, "vendor": gateway.vendor, "place": gateway.place,
            "lifts": int(lifts[i]), "gaps": int(sums.gaps[i]),
            "clock_offset_s": _round(sums.clock_s[i]),
            "drift_s_day": _round(sums.drift[i]), "wrong_clocks": int(sums.wrong[i]),
        }  # fmt: skip
        told["badness"] = badness(told)
        found.append(told)
    return found


def vendor_rows(sums: Sums, registry: Registry, most: int | None = None) -> list[dict[str, Any]]:
    """Return one row a vendor, by name: its gateways added up.

    `most`: those with the most gateways only, the others added up as "other".
    """
    names = [gateway.vendor for gateway in registry.gateways[: len(sums.gaps)]]
    if most is not None:
        kept = {name for name, _ in Counter(names).most_common(most)}
        names = [name if name in kept else "other" for name in names]
    found = []
    for vendor in sorted(set(names)):
        mine = np.array([name == vendor for name in names])
        told = figures(*(part[mine].sum(axis=0) for part in sums[:3]))
        clock_s = sums.clock_s[mine]
        known = clock_s[~np.isnan(clock_s)]
        far = float(known[np.abs(known).argmax()]) if len(known) else float("nan")
        told |= {
            "vendor": vendor, "gateways": int(mine.sum()), "gaps": int(sums.gaps[mine].sum()),
            "clock_offset_s": _round(far), "wrong_clocks": int(sums.wrong[mine].sum()),
        }  # fmt: skip
        found.append(told)
    return found


def badness(told: dict[str, Any]) -> float:
    """Return one number to sort by: a wrong clock before all, then what is lost, refused, late.

    Each share counts as it is, a second of delay at the 99th percentile as much as 10 %.
    """
    shares = told["shares"]
    lost = sum(shares[name] or 0.0 for name in ("missing", "late", "rejected", "fields"))
    slow = min((told["delay_p99_ms"] or 0.0) / 10_000, 1.0)
    noise = 0.1 * ((shares["repeats"] or 0.0) + (shares["disordered"] or 0.0))
    return round(2.0 * bool(told["wrong_clocks"]) + lost + slow + noise + bool(told["gaps"]), 6)


def minutes(sums: Sums, place: int) -> dict[str, list[float | None]]:
    """Return the last hour of a gateway by the minute, oldest first; None where nothing was."""
    return {
        name: [_round(value) for value in sums.ring[place, :, i]] for i, name in enumerate(KEPT)
    }


def _round(value: float | np.floating[Any]) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)
