"""Public labelled recordings, scored with the general method as `benchmarks.score` runs it.

* nab-dev: single series with labelled windows (windows.json); NAB's own score, see `_nab`.
* skab-dev: a pump test bed, 8 channels at 1 Hz; rows 1–400 are learned from, the rest is judged
  row by row, all files together: F1 = TP / (TP + (FP + FN) / 2), FAR = FP / (FP + TN),
  MAR = FN / (FN + TP), as in SKAB's leaderboard (I. Katser, V. Kozitsin, 2020,
  doi:10.34740/kaggle/dsv/1693952).

Both are also scored the other way: NAB with its probation learned from, SKAB without --learn.
Nothing of the recordings is part of this project.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _nab
from benchmarks.score import score_file
from monitor.detector.method.general import THRESHOLD

NAB, SKAB, WINDOWS = "nab-dev", "skab-dev", "windows.json"
SKAB_LEARN = 400


def run(folder: Path) -> dict[str, Any]:
    """Return the scores of what `folder` holds; a corpus that is not there is named as missing."""
    told: dict[str, Any] = {}
    missing = []
    if (folder / NAB / WINDOWS).is_file():
        told |= nab(folder / NAB)
    else:
        missing.append(f"{NAB}/{WINDOWS}")
    if any((folder / SKAB).glob("*/*.csv")):
        told |= skab(folder / SKAB)
    else:
        missing.append(f"{SKAB}/*/*.csv")
    return told | ({"missing": missing} if missing else {})


def nab(folder: Path) -> dict[str, Any]:
    """Return NAB's scores over the files that windows.json of this folder names."""
    windows: Mapping[str, list[tuple[str, str]]] = json.loads((folder / WINDOWS).read_text("utf-8"))
    found: dict[str, Any] = {"nab_files": len(windows)}
    for tag, with_learn in (("", False), ("_learn", True)):
        files: dict[str, _nab.Judged] = {}
        for name, spans in windows.items():
            _say(f"{name} …")
            files[name] = _judged(folder / name, spans, with_learn)
        for profile, cost in _nab.PROFILES.items():
            best = _nab.best_threshold(list(files.values()), cost)
            at_best = _nab.scaled(list(files.values()), best, cost)
            at_ours = _nab.scaled(list(files.values()), THRESHOLD, cost)
            found[f"nab_{profile}{tag}"] = round(at_best, 2)
            found[f"nab_{profile}{tag}_own_threshold"] = round(at_ours, 2)
        found[f"nab_threshold{tag}"] = round(
            _nab.best_threshold(list(files.values()), _nab.PROFILES["standard"]), 4
        )
        found[f"nab_held_out{tag}"] = round(held_out(files), 2)
    return found


def held_out(files: Mapping[str, _nab.Judged]) -> float:
    """Return the standard score where each folder is scored at the threshold of the others."""
    cost = _nab.PROFILES["standard"]
    windows = sum(len(file.windows) for file in files.values())
    total = 0.0
    groups = {name.split("/")[0] for name in files}
    for group in groups:
        own = [file for name, file in files.items() if name.split("/")[0] == group]
        others = [file for name, file in files.items() if name.split("/")[0] != group]
        total += _nab.raw(own, _nab.best_threshold(others, cost), cost)
    return 100 * (total + windows * cost.miss) / (windows * (1 + cost.miss))


def _judged(file: Path, spans: list[tuple[str, str]], with_learn: bool) -> _nab.Judged:
    with file.open(encoding="utf-8") as stream:
        stamps = [row[0] for row in csv.reader(stream)][1:]
    learn = _nab.probation(len(stamps)) if with_learn else None
    score = np.array([one.score for one in score_file(file, learn)])
    # the windows carry microseconds, the files may not
    row_of = {stamp.split(".")[0]: i for i, stamp in enumerate(stamps)}
    where = [(row_of[a.split(".")[0]], row_of[b.split(".")[0]]) for a, b in spans]
    return _nab.Judged(score, sorted(where))


def skab(folder: Path) -> dict[str, Any]:
    """Return F1, FAR and MAR over all rows of all files, and F1 of each group of files."""
    found: dict[str, Any] = {}
    files = sorted(folder.glob("*/*.csv"))
    found["skab_files"] = len(files)
    for tag, learn in (("", SKAB_LEARN), ("_no_learn", None)):
        groups: dict[str, NDArray[np.int64]] = {}
        for file in files:
            _say(f"{file.parent.name}/{file.name} …")
            said = np.array([one.anomaly for one in score_file(file, learn)])
            counts = _counts(said[SKAB_LEARN:], _labels(file)[SKAB_LEARN:])
            group = file.parent.name
            groups[group] = groups.get(group, np.zeros(4, np.int64)) + counts
        f1, far, mar = rates(sum(groups.values(), np.zeros(4, np.int64)))
        found |= {f"skab_f1{tag}": f1, f"skab_far{tag}": far, f"skab_mar{tag}": mar}
        found[f"skab_f1_groups{tag}"] = {name: rates(c)[0] for name, c in groups.items()}
    return found


def _labels(file: Path) -> NDArray[np.bool_]:
    with file.open(encoding="utf-8") as stream:
        return np.array(
            [float(row["anomaly"]) == 1 for row in csv.DictReader(stream, delimiter=";")]
        )


def _counts(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> NDArray[np.int64]:
    """TP, FP, FN, TN."""
    return np.array(
        [(said & true).sum(), (said & ~true).sum(), (~said & true).sum(), (~said & ~true).sum()]
    )


def rates(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return F1, false alarm rate and missing alarm rate of TP, FP, FN, TN; 0 where undefined."""
    tp, fp, fn, tn = (int(c) for c in counts)
    f1 = tp / (tp + (fp + fn) / 2) if tp else 0.0
    far = fp / (fp + tn) if fp else 0.0
    mar = fn / (fn + tp) if fn else 0.0
    return round(f1, 4), round(far, 4), round(mar, 4)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
