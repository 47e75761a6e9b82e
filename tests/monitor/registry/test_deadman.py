"""A device that never said a word is as silent as one that stopped: rule 23 from registration."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alerts.rules import DEFAULT_RULES, load_rules
from devices.batch import TelemetryBatch
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.detector.table import NEVER
from monitor.judge import Judge
from tests.support.site import reg_code, write_small_site

START_MS, GRACE_MS = 1_790_000_000_000, 3_600_000


def judge_of(folder: Path) -> Judge:
    site = write_small_site(folder, lifts=4, gateways=2)
    text = (site / "lifts.csv").read_text("utf-8")
    (site / "lifts.csv").write_text(text.replace(",3600,", ",1,"), "utf-8")
    vocab = load_vocabulary()
    rules = load_rules(DEFAULT_RULES, rule_schema(vocab))
    return Judge(vocab, load_registry(site), rules)


def said(judge: Judge, row: int, now_ms: int) -> None:
    vocab = load_vocabulary()
    values = np.full((1, len(vocab)), np.nan, np.float32)
    values[0, vocab.index("speed")] = 0.0
    batch = TelemetryBatch(
        np.array([row], np.int32), np.array([now_ms], np.int64), values, np.zeros(1, np.bool_)
    )
    judge.judge(batch, now_ms, 1)


def raised(judge: Judge, from_s: int, to_s: int) -> dict[str, list[int]]:
    """Return rule 23 (and 23b) by lift: at which second each was raised."""
    found: dict[str, list[int]] = {}
    for second in range(from_s, to_s, 10):
        for one in judge.tick(START_MS + second * 1000):
            if one.rule.startswith("23") and one.raised:
                found.setdefault(one.subject, []).append(second)
    return found


def test_the_grace_runs_from_registration(tmp_path: Path) -> None:
    judge = judge_of(tmp_path)
    since = np.full(4, START_MS + GRACE_MS, np.int64)
    since[0] = NEVER  # has spoken before
    judge.expect(since)
    found = raised(judge, 0, 3600)
    assert found == {reg_code(0): [60]}, "others have their grace"
    said(judge, 1, START_MS + 3_600_000)
    found = raised(judge, 3600, 3700)
    assert found == {
        reg_code(1): [3660], reg_code(2): [3660], reg_code(3): [3660],
    }, "three periods, at least 60 s, as for one that stopped"  # fmt: skip


def test_one_registered_long_ago_is_silent_at_once(tmp_path: Path) -> None:
    judge = judge_of(tmp_path)
    since = np.full(4, NEVER, np.int64)
    since[2] = START_MS - 2 * 86_400_000
    judge.expect(since)
    found = raised(judge, 0, 3)
    assert list(found) == [reg_code(2)]
    assert len(found[reg_code(2)]) >= 1
    said(judge, 2, START_MS + 5000)
    cleared = [t.rule for s in range(5, 90) for t in judge.tick(START_MS + s * 1000)
               if t.subject == reg_code(2) and not t.raised]  # fmt: skip
    assert "23" in cleared or "23b" in cleared


def test_it_survives_a_snapshot(tmp_path: Path) -> None:
    judge = judge_of(tmp_path)
    judge.expect(np.full(4, START_MS + GRACE_MS, np.int64))
    judge.tick(START_MS)
    judge.detector.save(tmp_path / "saved")
    again = judge_of(tmp_path / "other")
    again.detector.load(tmp_path / "saved")
    heard = again.detector.silence.heard.data[:4, 0]
    assert heard.tolist() == [START_MS + GRACE_MS] * 4
