"""Scores of public corpora: the rules of their authors, on corpora made here."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import _nab, _public, public
from tests.benchmarks.test_score import noise, recording

STANDARD = _nab.PROFILES["standard"]


def sigmoid(y):
    return -1.0 if y >= 3 else 2 / (1 + math.exp(5 * y)) - 1


def naive(files, threshold, profile):
    """NAB's score told row by row, as in its paper."""
    total, windows = 0.0, 0
    for file in files:
        n = len(file.score)
        probation = min(math.floor(0.15 * n), 750)
        best = [-profile.miss] * len(file.windows)
        for i in range(probation, n):
            if file.score[i] < threshold:
                continue
            inside = [w for w, (a, b) in enumerate(file.windows) if a <= i <= b]
            before = [(a, b) for a, b in file.windows if b < i]
            if inside:
                a, b = file.windows[inside[0]]
                worth = sigmoid(-(b - i + 1) / (b - a + 1)) / sigmoid(-1.0)
                best[inside[0]] = max(best[inside[0]], worth)
            elif before:
                a, b = before[-1]
                total += profile.false_alarm * sigmoid((i - b) / (b - a))
            else:
                total -= profile.false_alarm
        total += sum(best)
        windows += len(best)
    return 100 * (total + profile.miss * windows) / (windows * (1 + profile.miss))


@st.composite
def corpora(draw):
    files = []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(40, 120))
        scores = draw(st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9]), min_size=n, max_size=n))
        first, width = draw(st.integers(n // 4, n // 2)), draw(st.integers(2, n // 5))
        windows = [(first, first + width)]
        if draw(st.booleans()) and first + 2 * width + 3 < n:
            windows.append((first + width + 2, first + 2 * width + 3))
        files.append(_nab.Judged(np.array(scores), windows))
    return files


@settings(max_examples=60, deadline=None)
@given(corpora(), st.sampled_from(sorted(_nab.PROFILES)))
def test_nab_is_its_twin_and_its_threshold_the_best(files, name):
    profile = _nab.PROFILES[name]
    levels = [0.0, 0.2, 0.5, 0.9, _nab.NEVER]
    told = [_nab.scaled(files, level, profile) for level in levels]
    np.testing.assert_allclose(told, [naive(files, level, profile) for level in levels])
    at = _nab.best_threshold(files, profile)
    assert _nab.scaled(files, at, profile) == pytest.approx(max(told))


def test_nab_is_100_for_the_first_row_of_every_window_and_0_for_silence():
    score = np.zeros(200)
    score[[100, 150]] = 1
    file = _nab.Judged(score, [(100, 119), (150, 169)])
    for profile in _nab.PROFILES.values():
        assert _nab.scaled([file], 0.5, profile) == pytest.approx(100)
        assert _nab.scaled([file], _nab.NEVER, profile) == pytest.approx(0)
    assert [_nab.probation(n) for n in (100, 4032, 15_902)] == [15, 604, 750]


def test_nab_without_a_window_has_no_score():
    with pytest.raises(ValueError, match="no labelled window"):
        _nab.scaled([_nab.Judged(np.zeros(9), [])], 0.5, STANDARD)


def test_skab_rates():
    assert _public.rates(np.array([6, 2, 2, 10])) == (0.75, 0.1667, 0.25)
    assert _public.rates(np.array([0, 0, 0, 0])) == (0.0, 0.0, 0.0)


def test_both_corpora_are_scored(tmp_path):
    nab, skab = tmp_path / "nab-dev", tmp_path / "skab-dev"
    spans = {}
    for group in ("a", "b"):
        (nab / group).mkdir(parents=True)
        x = np.sin(np.arange(900) / 15) + np.random.default_rng(3).normal(0, 0.05, 900)
        x[700:704] += 9
        file = recording(nab / group / "one.csv", {"value": [f"{v:.4f}" for v in x]})
        stamps = [line.split(",")[0] for line in file.read_text("utf-8").splitlines()[1:]]
        spans[f"{group}/one.csv"] = [[f"{stamps[690]}.000000", f"{stamps[729]}.000000"]]
    (nab / "windows.json").write_text(json.dumps(spans), "utf-8")
    (skab / "valve").mkdir(parents=True)
    label = [f"{float(420 <= i < 480):.1f}" for i in range(600)]
    columns = {"flow": noise(600, 1, 9.0), "heat": noise(600, 2), "anomaly": label}
    recording(skab / "valve" / "0.csv", columns, ";")
    told = public.run(["--data", str(tmp_path)])
    assert told["nab_files"] == 2
    assert told["nab_standard"] > 60
    assert told["nab_standard"] >= told["nab_standard_own_threshold"]
    assert told["skab_f1"] > 0.8
    assert told["skab_far"] < 0.2
    assert set(told["skab_f1_groups"]) == {"valve"}
    json.dumps(told)


def test_what_is_missing_is_named(tmp_path, capsys):
    assert _public.run(tmp_path)["missing"] == ["nab-dev/windows.json", "skab-dev/*/*.csv"]
    with pytest.raises(SystemExit):
        public.run(["--data", str(tmp_path)])
    assert "general-method.md" in capsys.readouterr().err
