"""Where the time of one batch goes: µs a lift-sample for each stage of detector and rules.

    python -m benchmarks profile [--lifts 100000] [--share 1.0] [--batches 10]

Under cProfile, so the sum is a little more than without; the shares are what counts. A fleet of
100,000 in full batches is the dense case, --share 0.05 the sparse one.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from pathlib import Path
from typing import Any

import numpy as np

from alerts.rules import DEFAULT_RULES, RuleEngine, load_rules
from benchmarks._district import REPO, say
from benchmarks._fleet import START_MS
from benchmarks.detector import BELIEF, WARM_S, warmed
from devices.vocabulary import load_vocabulary
from monitor.detector import Signals, rule_schema

JUDGES = ("sensors", "baseline", "drift", "multivariate", "peers")
# stage → (file, function), cumulative; a stage holds nothing of another
STAGES = {
    "rounds": ("rounds.py", "rounds"),
    "gather": ("table.py", "take"),
    "scatter": ("table.py", "put"),
    "last values": ("fleet.py", "update"),
    "reading": ("reading.py", "read"),
    "codes and silence": ("detector.py", "_extra"),
    "present columns": ("fleet.py", "present_in"),
    "upkeep: messages": ("upkeep.py", "hear"),
    "silence": ("silence.py", "hear"),
    **{f"judge: {part}": (f"{part}.py", "settle") for part in JUDGES},
    "judge: gather": ("settling.py", "all"),  # what is left of it; see `stages`
    "belief": ("profile.py", "_believe"),
    "rules: columns and truth": ("engine.py", "_apply"),
    "rules: holds": ("engine.py", "_settle_rows"),
}
WHOLE = {("detector.py", "update"), ("engine.py", "evaluate"), ("profile.py", "_believe")}


def run(argv: list[str]) -> dict[str, Any]:
    """Profile some batches."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks profile", description=__doc__)
    parser.add_argument("--lifts", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--batches", type=int, default=10)
    args = parser.parse_args(argv)
    detector, fleet = warmed(args.lifts)
    rules = load_rules(DEFAULT_RULES, rule_schema(load_vocabulary()))
    engine = RuleEngine(rules, args.lifts)
    whole = args.share >= 1
    batches = [
        fleet.batch(WARM_S + i, None if whole else fleet.some(args.share))
        for i in range(args.batches)
    ]
    profile = cProfile.Profile()
    for number, batch in enumerate(batches):
        now_ms = START_MS + (WARM_S + number) * 1000
        profile.enable()
        for signals in detector.update(batch, now_ms):
            _believe(signals)
            engine.evaluate(signals.rows, signals.at_ms, signals.columns, now_ms, signals.sampled)
        profile.disable()
    samples = sum(len(batch) for batch in batches)
    found = stages(pstats.Stats(profile), samples)
    for name, micros in sorted(found.items(), key=lambda one: -one[1]):
        say(f"{micros:8.3f} µs  {name}")
    return {"lifts": args.lifts, "share": args.share, "us_a_lift_sample": found}


def _believe(signals: Signals) -> None:
    """Ask for what is believed, before the rules do."""
    with np.errstate(invalid="ignore"):
        for name in BELIEF:
            signals.columns[name]


def stages(stats: pstats.Stats, samples: int) -> dict[str, float]:
    """Return µs a lift-sample by stage; the parts of the suite by their own names."""
    spent: dict[str, float] = {}
    whole = 0.0
    for (file, _line, function), (_cc, _nc, _own, total, _callers) in stats.stats.items():  # type: ignore[attr-defined]
        path = Path(file)
        if not path.is_relative_to(REPO) or ".venv" in path.parts:
            continue
        if (path.name, function) in WHOLE:
            whole += total
        for name, (wanted, called) in STAGES.items():
            if (path.name, function) == (wanted, called):
                spent[name] = spent.get(name, 0.0) + total
        if function == "advance" and path.parent.name == "detector":
            spent[f"part: {path.stem}"] = total
    judges = sum(spent.get(f"judge: {part}", 0.0) for part in JUDGES)
    spent["judge: gather"] = spent.get("judge: gather", 0.0) - judges
    spent["the rest"] = whole - sum(spent.values())
    return {name: round(seconds / samples * 1e6, 4) for name, seconds in spent.items()}
