"""The same work by others: our plain twin, river, and the rules in plain Python."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from alerts.rules import DEFAULT_RULES, RuleEngine, load_rules
from benchmarks._fleet import CHANNELS, START_MS, Fleet, registry_columns
from devices.vocabulary import load_vocabulary
from monitor.detector import Detector, rule_schema
from monitor.detector.method import cusum, robust
from tests.naive import expression
from tests.naive.detector import NaiveLift

NAIVE_LIFTS, NAIVE_SECONDS = 50, 60
RIVER_SERIES, RIVER_SAMPLES = 200, 500
RULE_ROWS = 4096


def naive(fast_rate: float) -> dict[str, Any]:
    """Return how much faster the detector is than its plain twin, on the same kind of load."""
    vocab = load_vocabulary()
    fleet = Fleet(vocab, NAIVE_LIFTS)
    names = [channel.name for channel in vocab.channels]
    lifts = [NaiveLift(names, 1.75) for _ in range(NAIVE_LIFTS)]
    spent = 0.0
    for second in range(NAIVE_SECONDS):
        batch = fleet.batch(second)
        rows = [dict(zip(names, row, strict=True)) for row in batch.values]
        begun = time.process_time()
        for lift, ts, said in zip(lifts, batch.ts_ms.tolist(), rows, strict=True):
            lift.sample(ts, said)
        spent += time.process_time() - begun
    rate = NAIVE_LIFTS * NAIVE_SECONDS * len(CHANNELS) / spent
    return {"ratio_naive": round(fast_rate / rate), "naive_channel_samples_per_s": round(rate)}


def river_job() -> dict[str, Any]:
    """Return our baseline and drift parts beside river's for the same job.

    The job, for every value of every channel of every lift: move a level and a spread, form the
    standardised residual, move a two-sided cumulative sum of it, tell whether it crossed.
    river: EWMean, EWVar and PageHinkley(mode="both"), one object each, one call a value.
    """
    from river import drift, stats

    rng = np.random.default_rng(5)
    series = rng.normal(5, 0.1, (RIVER_SERIES, RIVER_SAMPLES))
    begun = time.process_time()
    for one in series.tolist():
        level, spread = stats.EWMean(0.02), stats.EWVar(0.02)
        sums = drift.PageHinkley(mode="both")
        for x in one:
            sigma = (spread.get() or 0.01) ** 0.5
            sums.update((x - level.get()) / sigma)
            level.update(x)
            spread.update(x)
    theirs = series.size / (time.process_time() - begun)
    ours = _our_job()
    return {
        "ratio_river": round(ours / theirs, 1),
        "river_values_per_s": round(theirs),
        "same_job_values_per_s": round(ours),
    }


def _our_job() -> float:
    """Values/s of the same job by the detector's kernels, over columns of many series."""
    k, steps = 4096, 400
    rng = np.random.default_rng(5)
    series = rng.normal(5, 0.1, (steps, k)).astype(np.float32)
    state = robust.Robust(*np.zeros((3, k), np.float32))
    sums = cusum.Cusum(*np.zeros((3, k), np.float32))
    begun = time.process_time()
    for x in series:
        state, z = robust.learn(state, x, robust.Limits())
        sums = cusum.advance(sums, z, cusum.USUAL)
    return series.size / (time.process_time() - begun)


def rules() -> dict[str, Any]:
    """Return rows/s of the compiled rules and of the same rules walked in plain Python."""
    vocab = load_vocabulary()
    schema = rule_schema(vocab)
    ruleset = load_rules(DEFAULT_RULES, schema)
    fleet = Fleet(vocab, RULE_ROWS)
    detector = Detector(vocab, registry_columns(RULE_ROWS), RULE_ROWS, codes=ruleset.codes)
    engine = RuleEngine(ruleset, RULE_ROWS)
    times = []
    for second in range(30):
        now_ms = START_MS + second * 1000
        for signals in detector.update(fleet.batch(second), now_ms):
            begun = time.process_time()
            engine.evaluate(signals.rows, signals.at_ms, signals.columns, now_ms, signals.sampled)
            times.append((time.process_time() - begun) / len(signals))
    fast = 1 / statistics.median(times)
    plain = _plain_rules(signals.columns, schema)
    return {
        "rules_rows_per_s": round(fast),
        "rules": len(ruleset.rules),
        "ratio_plain_rules": round(fast / plain),
    }


def _plain_rules(columns: Any, schema: Any) -> float:
    """Rows/s of every rule's `when` on some rows, one truth after another.

    Rules on what waiting alone makes true are not looked at by sample, here and there.
    """
    import tomllib

    told = tomllib.loads(DEFAULT_RULES.read_text("utf-8"))
    by_time = {rule.id for rule in load_rules(DEFAULT_RULES, schema).rules if rule.time_driven}
    sampled = [rule for rule in told["rule"] if rule["id"] not in by_time]
    names = list(columns)
    rows = [{name: float(columns[name][i]) for name in names} for i in range(20)]
    begun = time.process_time()
    for row in rows:
        for rule in sampled:
            for part in ("when", "at_once", "suppressed_by"):
                if part in rule:
                    expression.evaluate(rule[part], row, schema, told["define"])
    return len(rows) / (time.process_time() - begun)
