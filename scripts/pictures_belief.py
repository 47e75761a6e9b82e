"""Draw docs/pictures/detector-belief.png: an entrapment with a broken presence sensor, and an empty
stop with one that is stuck the other way. For developers.

    python scripts/pictures_belief.py

The stories are those of the detector's tests (tests/monitor/detector/test_belief.py), told second
by second to detector and rules; nothing is drawn that they did not say.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from monitor.detector.belief import PEOPLE_TERMS  # noqa: E402
from scripts.pictures_detector import FOLDER, INK, RED, STYLE  # noqa: E402
from tests.monitor.detector.stories import Story  # noqa: E402
from tests.monitor.detector.test_belief import EMPTY_RIDE, FULL, NOBODY, RIDE  # noqa: E402

COLOURS = dict(
    zip(
        PEOPLE_TERMS,
        ("#b3261e", "#1f5fa8", "#2e7d5b", "#c77700", "#7a4fa3", "#8a8f98"),
        strict=True,
    )
)
NAMES = {
    "presence": "有人传感器 presence", "count": "人数计 counter", "load": "载荷 load",
    "call": "轿内指令 call", "alarm": "报警 alarm", "ride": "曾运行 ride",
}  # fmt: skip
RIDES_S, STORY_S = 20, 90


def told(ride: dict[str, Any], stop: dict[str, Any]) -> tuple[np.ndarray[Any, Any], Story]:
    """Return the terms second by second, float32[seconds, terms], and the story."""
    story, terms = Story(), []
    for second in range(STORY_S):
        story.say(second, **(ride if second < RIDES_S else stop))
        said = {name: value for name, value, _ in story.detector.evidence(
            0, [f"people_by_{term}" for term in PEOPLE_TERMS])}  # fmt: skip
        terms.append([said[f"people_by_{term}"] or 0.0 for term in PEOPLE_TERMS])
    return np.array(terms), story


def draw(axis: Any, terms: np.ndarray[Any, Any], story: Story, title: str) -> None:
    """Stack what speaks for people above zero and what speaks against below."""
    at = np.arange(len(terms))
    for sign in (1, -1):
        base = np.zeros(len(terms))
        for i, term in enumerate(PEOPLE_TERMS):
            part = np.clip(terms[:, i] * sign, 0, None) * sign
            label = NAMES[term] if sign == 1 else None
            axis.fill_between(at, base, base + part, step="post", color=COLOURS[term], alpha=0.75,
                              lw=0, label=label)  # fmt: skip
            base += part
    axis.step(at, terms.sum(axis=1), where="post", color=INK, lw=2)
    axis.axhline(0, color=INK, lw=0.8)
    axis.axvline(RIDES_S, color=INK, lw=0.8, ls=":")
    axis.text(RIDES_S + 0.5, 13.5, "停在楼层之间 stops between floors", fontsize=8, va="top")
    for rule in ("1", "12"):
        for second in story.rang(rule):
            axis.axvline(second, color=RED, lw=1.6)
            axis.text(second + 0.5, 11.7, f"规则 rule {rule}", color=RED, fontsize=9, va="top")
    axis.set_ylim(-10, 14.5)
    axis.set_title(title)
    axis.set_ylabel("对数几率 log-odds")


def main() -> None:
    """Two stories, one above the other."""
    with plt.rc_context(STYLE):
        figure, (above, below) = plt.subplots(2, 1, figsize=(11, 7), sharex=True)
        terms, story = told(RIDE | {"passenger": 0}, FULL | {"passenger": 0})
        title = "有人被困，有人传感器坏了（总说无人）· people trapped, presence sensor says nobody"
        draw(above, terms, story, title)
        above.legend(ncols=3, fontsize=8, loc="lower right")
        terms, story = told(EMPTY_RIDE | {"passenger": 1}, NOBODY | {"passenger": 1})
        title = "空梯停住，有人传感器坏了（总说有人）· an empty car stops, presence says somebody"
        draw(below, terms, story, title)
        below.set_xlabel("秒 s；黑线为总和 the black line is the sum")
        figure.tight_layout()
        figure.savefig(FOLDER / "detector-belief.png")


if __name__ == "__main__":
    main()
