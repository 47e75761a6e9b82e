"""How fast rules are back-tested, in lift-months a minute, and what the time goes into.

    python -m benchmarks backtest [--lifts 1000] [--days 2] [--seed 11] [--changed] [--exact]

A history is generated (benchmarks/_past.py): 12 channels, 120–280 trips a day. Two samplings:
`active`: every 10 s, every second at work; `on_change`: where something changed, and every 60 s.
Then the shipped rules are judged against themselves with one hold changed, warm-up included. A
lift-month is 30 days. `ratio_reading`: all CPU time to that of reading the same history.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from alerts.rules import DEFAULT_RULES, RuleSet, load_rules
from benchmarks._district import say
from benchmarks._past import DAY_MS, START_MS, write_past
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.backtest import jobs
from monitor.backtest.ask import MONTH_DAYS, Span, chosen_rows, tasks_of
from monitor.backtest.both import plan
from monitor.backtest.rings import pairs_of, rings_of
from monitor.backtest.source import take
from monitor.detector import rule_schema

SAMPLINGS = ("active", "on_change")


def run(argv: list[str]) -> dict[str, Any]:
    """Generate, judge, add up; once for each sampling."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks backtest", description=__doc__)
    parser.add_argument("--lifts", type=int, default=1000)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sampling", choices=SAMPLINGS, help="default: one after the other")
    parser.add_argument("--changed", action="store_true", help="only the rule that differs")
    parser.add_argument("--exact", action="store_true", help="no cuts in time")
    args = parser.parse_args(argv)
    found: dict[str, Any] = {
        "lifts": args.lifts, "days": args.days, "cores": args.cores, "seed": args.seed,
        "changed": args.changed, "exact": args.exact,
    }  # fmt: skip
    for name in (args.sampling,) if args.sampling else SAMPLINGS:
        with tempfile.TemporaryDirectory(prefix="liftwatch-backtest-") as folder:
            found[name] = _one(Path(folder), args, name == "on_change")
    return found


def _one(folder: Path, args: argparse.Namespace, on_change: bool) -> dict[str, Any]:
    vocab = load_vocabulary()
    samples = write_past(folder, vocab, args.lifts, args.days, on_change, args.seed)
    say(f"{samples / 1e6:.1f} million samples written")
    b = load_rules(DEFAULT_RULES, rule_schema(vocab))
    a = RuleSet(tuple(replace(r, hold_s=90.0) if r.id == "16b" else r for r in b.rules))
    begun = time.monotonic()
    work = folder / "work"
    work.mkdir()
    source = take(folder / "var" / "history", work)
    registry = load_registry(folder / "site", source.lifts)
    rows = chosen_rows(registry, source, [])
    span = Span(START_MS, START_MS, START_MS + args.days * DAY_MS)
    both = plan(a, b, changed=args.changed)
    tasks = tasks_of(source, both, registry, rows, span, args.cores, exact=args.exact)
    say(f"{len(tasks)} groups, {len(tasks[0].pieces)} pieces, windows of "
        f"{tasks[0].step_ms / 3_600_000:g} h")  # fmt: skip
    result = jobs.run(tasks, lambda done: None, args.cores)
    sides = [rings_of(result, both, side, source.lifts) for side in (both.a, both.b)]
    pairs = pairs_of(*sides)
    wall = time.monotonic() - begun
    months = args.lifts * args.days / MONTH_DAYS
    spent = result.spent
    shares = {
        name: round(getattr(spent, name) / spent.seconds, 3)
        for name in ("reading", "gathering", "detecting", "rules", "silence")
    }
    return {
        "lift_months_per_minute": round(months / wall * 60, 1),
        "lift_months_per_cpu_minute": round(months / spent.seconds * 60, 1),
        "samples_a_lift_day": round(samples / args.lifts / args.days),
        "samples_per_s": round(samples / wall),
        "wall_s": round(wall, 1),
        "cpu_s": round(spent.seconds, 1),
        "share": shares,
        "ratio_reading": round(spent.seconds / spent.reading, 1),
        "us_a_round": round((spent.detecting + spent.rules) / max(spent.rounds, 1) * 1e6),
        "pieces": result.pieces,
        "seams": [result.seams.standing, result.seams.disagree],
        "rings": [len(side) for side in sides],
        "alone": sum(None in pair for pair in pairs),
    }
