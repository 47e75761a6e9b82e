"""A back-test of a changed rule, beside the running service: a process of its own, at low rank.

What is judged is the rule as somebody wants it (A) against the rule in force (B), over the last
days of history, and what people have filed as causes: an alert with a true cause that A would not
have raised is missed, one filed as false that A raises again is told too. A trial lives in memory
and one runs at a time; what came of it is kept with the version that is saved.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.rules import parse_rules
from alerts.rules.load import Overlay
from config.errors import ConfigError
from config.text import Text
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.backtest import ask, both, jobs, report
from monitor.backtest.compare import compare
from monitor.backtest.labels import Label
from monitor.backtest.rings import pairs_of, rings_of
from monitor.backtest.source import Source, take
from monitor.detector import rule_schema

DAY_MS = 86_400_000
WARM_UP_MS = DAY_MS
LONGEST_DAYS = 60
KEPT = 20
END_S = 5.0
PREFIX = "liftwatch-backtest-"
TOP = 15


@dataclass(frozen=True)
class Asked:
    """Everything a trial needs, as plain values that another process can have."""

    rule: str
    text: str
    file: str
    wanted: Overlay
    in_force: Overlay
    history: Path
    site: Path
    zone: str
    days: int
    filed: tuple[tuple[str, int, int, bool], ...]
    """Alerts with a filed cause: lift, from, to (epoch ms), whether it was filed as false."""


@dataclass
class Trial:
    """One trial and how far it is. state: running, done, refused, stopped."""

    id: int
    rule: str
    changes: Mapping[str, Any]
    days: int
    by: str
    begun_ms: int
    state: str = "running"
    share: float = 0.0
    result: Mapping[str, Any] | None = None
    refusal: Text | None = None
    seconds: float = 0.0
    process: Any = field(default=None, repr=False)
    listener: threading.Thread | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "id": self.id,
            "rule": self.rule,
            "changes": dict(self.changes),
            "days": self.days,
            "by": self.by,
            "begun_ms": self.begun_ms,
            "state": self.state,
            "progress": round(self.share, 3),
            "seconds": round(self.seconds, 1),
            "result": self.result,
            "refusal": self.refusal.as_json() if self.refusal else None,
        }


class Trials:
    """The trials of a running service; all methods from any thread."""

    def __init__(self, rank: int = 10) -> None:
        """`rank`: how far a trial stands back behind the service, as `nice` has it."""
        self.rank = rank
        self._lock = threading.Lock()
        self._known: dict[int, Trial] = {}
        self._next = 1

    def find(self, number: int) -> Trial | None:
        """Return a trial; None for one that is forgotten or never was."""
        return self._known.get(number)

    def begin(self, asked: Asked, changes: Mapping[str, Any], by: str, now_ms: int) -> Trial:
        """Start a trial. Raises ConfigError while another one runs.

        One that the machine cannot start now comes back as refused.
        """
        with self._lock:
            busy = next((one for one in self._known.values() if one.state == "running"), None)
            if busy is not None:
                way_out = Text(
                    f"{busy.by} 正在回测规则 {busy.rule}：请等它结束或将其停止",
                    f"{busy.by} is back-testing rule {busy.rule}: wait for it, or stop it",
                )
                raise ConfigError("backtest", "rule", asked.rule, way_out)
            trial = Trial(self._next, asked.rule, changes, asked.days, by, now_ms)
            self._next += 1
            self._known[trial.id] = trial
            for old in list(self._known)[:-KEPT]:
                del self._known[old]
            try:
                self._start(trial, asked)
            except OSError as error:
                _fail(trial, f"回测无法启动：{error}", f"the back-test could not start: {error}")
            except BaseException:
                _fail(trial, "回测无法启动", "the back-test could not start")
                raise
        return trial

    def _start(self, trial: Trial, asked: Asked) -> None:
        # The folder is ours and not the child's: one that is ended has no time to clear up.
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        # spawn: a child that begins fresh holds none of our locks and threads, and no history
        context = multiprocessing.get_context("spawn")
        try:
            ours, theirs = context.Pipe(duplex=False)
            with theirs:
                given = (asked, theirs, self.rank, folder)
                trial.process = context.Process(target=_work, args=given, daemon=True)
                try:
                    trial.process.start()
                except BaseException:
                    ours.close()
                    raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        trial.listener = threading.Thread(
            target=self._listen, args=(trial, ours, folder), daemon=True
        )
        trial.listener.start()

    def stop(self, number: int) -> None:
        """End a trial that runs."""
        with self._lock:  # not while it is just being started
            trial = self._known.get(number)
            if trial is not None and trial.state == "running":
                trial.state = "stopped"
                trial.process.terminate()

    def close(self) -> None:
        """End what runs, and wait until its copy of the history is gone: the service stops."""
        for number, trial in list(self._known.items()):
            self.stop(number)
            if trial.listener is not None:
                trial.listener.join(2 * END_S)

    def _listen(self, trial: Trial, pipe: Connection, folder: Path) -> None:
        begun = time.monotonic()
        try:
            while True:
                kind, value = pipe.recv()
                trial.seconds = time.monotonic() - begun
                if kind == "share":
                    trial.share = value
                elif trial.state == "running":
                    trial.refusal = Text(*value) if kind == "refused" else None
                    trial.result = value if kind == "done" else None
                    trial.share, trial.state = 1.0, kind
        except (EOFError, OSError):  # OSError: killed in the middle of a message
            pass
        finally:
            if trial.state == "running":
                _fail(trial, "回测进程意外结束", "the back-test ended by itself")
            pipe.close()
            trial.process.join(END_S)
            if trial.process.is_alive():
                trial.process.kill()
                trial.process.join()
            shutil.rmtree(folder, ignore_errors=True)


def _fail(trial: Trial, zh: str, en: str) -> None:
    trial.refusal, trial.state = Text(zh, en), "refused"


def _work(asked: Asked, pipe: Connection, rank: int, folder: Path) -> None:
    """In the child; what it writes goes into `folder`, which the service removes."""
    os.nice(rank)
    try:
        pipe.send(("done", _judged(asked, pipe, folder)))
    except ConfigError as error:
        pipe.send(("refused", (error.way_out.zh, error.way_out.en)))
    finally:
        pipe.close()


def _judged(asked: Asked, pipe: Connection, folder: Path) -> dict[str, Any]:
    vocab, zone = load_vocabulary(), ZoneInfo(asked.zone)
    schema = rule_schema(vocab)
    a, b = (
        parse_rules(asked.text, schema, asked.file, overlay)
        for overlay in (asked.wanted, asked.in_force)
    )
    plan = both.plan(a, b, (asked.rule,))
    begun = time.monotonic()
    source = take(asked.history, folder)
    registry = load_registry(asked.site, source.lifts)
    rows, span = ask.chosen_rows(registry, source, ()), _span(source, asked.days)
    tasks = ask.tasks_of(source, plan, registry, rows, span, 1)
    whole, done = max(sum(task.lift_days for task in tasks), 1e-9), 0.0

    def tell(days: float) -> None:
        nonlocal done
        done += days
        pipe.send(("share", min(done / whole, 1.0)))

    found = jobs.run(tasks, tell, 1)
    first, second = (rings_of(found, plan, side, source.lifts) for side in (plan.a, plan.b))
    labels = [
        Label(lift, asked.rule, begin, end) for lift, begin, end, false in asked.filed if not false
    ]
    made = report.Report(
        compare(pairs_of(first, second), span.counted, labels),
        (Text("新", "new"), Text("现行", "in force")),
        {rule.id: rule.text for rule in a.rules},
        registry,
        span,
        zone,
        len(rows),
        bool(labels),
        plan.left_out,
        source.copied,
        found.spent,
        found.seams,
        found.pieces,
        time.monotonic() - begun,
    )
    false = [Label(lift, asked.rule, at, end) for lift, at, end, wrong in asked.filed if wrong]
    told = made.as_json()
    return {
        **{key: told[key] for key in ("from", "to", "lifts", "lift_months", "samples", "seconds")},
        "copied": source.copied,
        "not_judged": asked.rule in plan.left_out,
        "filed": {"true": len(labels), "false": len(false)},
        "false_again": [
            sum(any(map(label.explains, rings)) for label in false) for rings in (first, second)
        ],
        "total": told["total"],
        "lifts_by_difference": told["lifts_by_difference"][:TOP],
    }


def _span(source: Source, days: int) -> ask.Span:
    """The last days of what history holds, a day before them to warm up."""
    held = source.span
    if held is None:
        way_out = Text("历史里还没有采样", "history holds no sample yet")
        raise ConfigError("backtest", "history", "", way_out)
    first, last = held[0] // 1000 * 1000, (held[1] // 1000 + 1) * 1000
    begin = max(last - days * DAY_MS, first)
    return ask.Span(max(begin - WARM_UP_MS, first), begin, last)


def answered(rows: Sequence[Mapping[str, Any]], is_false: Any) -> tuple[Any, ...]:
    """Return what people filed, of alert rows: (lift, from, to, false)."""
    return tuple(
        (
            row["subject"],
            row["since_ms"],
            row["cleared_ms"] or row["closed_ms"],
            is_false(row["cause"]),
        )
        for row in rows
        if row["cleared_ms"] or row["closed_ms"]
    )
