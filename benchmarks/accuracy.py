"""How truthful detector and rules are: a simulated month with labels, and public recordings.

    python -m benchmarks accuracy [--lifts 1000] [--days 30] [--seed 101] [--intensity 1]
        [--stride 5] [--quick] [--report FILE] [--keep FOLDER] [--data FOLDER] [--final]

The month is made without a look at the detector (devices/simulator/month). HELD_OUT seeds are
for the final figure only: what was developed against a seed proves nothing about it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import Any, Final

from benchmarks._month import Asked, run_month
from benchmarks._month_score import MonthScore

DEVELOPMENT: Final = 101
HELD_OUT: Final = (7_001, 7_002, 7_003)


def _month(asked: Asked, report: Path | None, keep: Path | None) -> dict[str, Any]:
    ran = run_month(asked, keep)
    score = MonthScore(ran)
    if report:
        report.write_text(json.dumps(score.report(), ensure_ascii=False, indent=1), "utf-8")
    return {
        "lifts": asked.lifts,
        "days": asked.days,
        "seed": asked.seed,
        "intensity": asked.intensity,
        **score.as_json(),
        "samples": ran.samples,
        "messages": ran.messages,
        "events_without_a_moment": ran.unplaced,
        "load_average": round(os.getloadavg()[0], 1),
        "times_real_time": round(asked.days * 86_400 / ran.took_s),
        "samples_per_s": round(ran.samples / ran.took_s),
        "judged_samples_per_cpu_s": round(ran.samples / ran.judged_s),
        "generator_samples_per_cpu_s": round(ran.samples / ran.made_s),
    }


def run(argv: list[str]) -> dict[str, Any]:
    """Run what is asked for and return the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy", description=__doc__)
    parser.add_argument("--lifts", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT)
    parser.add_argument("--intensity", type=float, default=1.0, help="of life-critical events")
    parser.add_argument("--stride", type=float, default=5.0, help="s from batch to batch")
    parser.add_argument("--quick", action="store_true", help="60 lifts, 1 day, intensity 10")
    parser.add_argument("--report", type=Path, help="JSON file: each miss, each false alert")
    parser.add_argument("--keep", type=Path, help="folder: go on after the last whole day")
    parser.add_argument("--data", type=Path, help="folder of public recordings")
    parser.add_argument("--final", action="store_true", help="the seeds held apart")
    args = parser.parse_args(argv)
    lifts, days, intensity = args.lifts, args.days, args.intensity
    if args.quick:
        lifts, days, intensity = 60, 1, 10.0
    stride_ms = round(args.stride * 1000)
    seeds = HELD_OUT if args.final else (args.seed,)
    wanted = [Asked(lifts, days, seed, intensity, stride_ms) for seed in seeds]
    months = [_month(one, args.report, args.keep) for one in wanted]
    found = {"final": args.final, **months[0]}
    if len(months) > 1:
        found = {"final": True, "months": months, **_worst(months)}
    if args.data:
        found |= _public(args.data)
    return found


def _worst(months: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the headline figures of several months, each at its worst."""
    lows = ("month_recall", "month_precision", "month_precision_at_natural_rate")
    highs = ("alerts_per_lift_month", "alerts_per_lift_month_at_natural_rate")
    found = {name: min(m[name] for m in months) for name in lows}
    return found | {name: max(m[name] for m in months) for name in highs}


def _public(folder: Path) -> dict[str, Any]:
    try:
        module = importlib.import_module("benchmarks._public")
    except ModuleNotFoundError:
        return {"public": "no benchmarks/_public.py here"}
    return dict(module.run(folder))


__all__ = ["DEVELOPMENT", "HELD_OUT", "run"]
