"""The simulated district straight into detector and rules: what rings against what is wrong.

    python -m benchmarks detection [--hours 1] [--seed 21] [--intensity 1.5] [--lifts 200]

No broker and no database: only the judgement. Labels are the simulator's; a near miss must stay
quiet, a fault must ring within its limit.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from alerts.rules import DEFAULT_RULES, load_rules
from benchmarks._district import say
from devices.registry import load_registry
from devices.simulator.district import write_district
from devices.simulator.plan import Plan
from devices.simulator.publisher import make_world, run_to
from devices.simulator.score import Ring, score
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.judge import Judge

START_MS = 1_790_000_000_000
STEP_MS = 1_000


def run(argv: list[str]) -> dict[str, Any]:
    """Simulate, judge second by second, add up."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks detection", description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--intensity", type=float, default=1.5)
    parser.add_argument("--lifts", type=int, default=200)
    args = parser.parse_args(argv)
    vocab = load_vocabulary()
    with tempfile.TemporaryDirectory() as name:
        write_district(Path(name), lifts=args.lifts)
        registry = load_registry(Path(name))
    plan = Plan(args.seed, START_MS, args.intensity)
    world = make_world(registry, vocab, args.seed, START_MS, plan)
    judge = Judge(vocab, registry, load_rules(DEFAULT_RULES, rule_schema(vocab)))
    rings: list[Ring] = []
    samples, judged_s, begun = 0, 0.0, time.monotonic()
    end_ms = START_MS + round(args.hours * 3_600_000)
    for now_ms in range(START_MS + STEP_MS, end_ms + 1, STEP_MS):
        run_to(world, plan, now_ms)
        batch = world.drain()
        samples += len(batch)
        before = time.monotonic()
        moved = judge.judge(batch, now_ms, 0) + judge.tick(now_ms)
        judged_s += time.monotonic() - before
        rings += [Ring(one.subject, one.rule, one.at_ms) for one in moved if one.raised]
        if (now_ms - START_MS) % 600_000 == 0:
            say(f"{(now_ms - START_MS) // 60_000} min, {len(rings)} rings")
    found = score(world.labels, rings, end_ms)
    return {
        "lifts": args.lifts,
        "hours": args.hours,
        "seed": args.seed,
        "intensity": args.intensity,
        "samples": samples,
        **found.as_json(),
        "missed_faults": sorted(label.fault for label in found.missed),
        "false_by_rule": dict(Counter(ring.rule for ring in found.false)),
        "times_real_time": round(args.hours * 3600 / (time.monotonic() - begun)),
        "judged_samples_per_s": round(samples / judged_s),
    }
