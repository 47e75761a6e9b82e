"""Every deadline of an alert, judged by what people did: met or missed, and by how much. Pure.

A step of the chain after the first moment is a deadline: it fires because something had not been
done by then. So it was met when one of its `until` conditions came true no later than it was due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.chains.ladder import Chains, ChainStep
from alerts.drills.marks import END
from alerts.story.words import ARRIVAL, REASONS, SET_ASIDE
from config.text import Text

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deadline:
    """One deadline. `met_ms`: when what it waited for was done, before or after `due_ms`.

    `result`: met, missed, open (not yet due), not_needed (fell away; `reason` says why).
    `limit` marks the arrival limit itself, apart from the chain's own steps.
    """

    alert: int
    id: str
    text: Text
    due_ms: int
    result: str
    met_ms: int | None = None
    reason: Text | None = None
    limit: bool = False

    def margin_ms(self, now_ms: int) -> int | None:
        """Return by how much it was met (positive) or missed (negative); None if not needed.

        While it is open: what is left. Missed and still not done: what it is over by now.
        """
        if self.result == "not_needed":
            return None
        return self.due_ms - (now_ms if self.met_ms is None else self.met_ms)

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """Return the deadline for the wire."""
        return {
            "alert": self.alert,
            "id": self.id,
            "text": self.text.as_json(),
            "due_ms": self.due_ms,
            "result": self.result,
            "met_ms": self.met_ms,
            "margin_ms": self.margin_ms(now_ms),
            "reason": self.reason.as_json() if self.reason else None,
            "limit": self.limit,
        }


def judge(
    row: Row, timers: Iterable[Row], answered: Mapping[str, int], chains: Chains, now_ms: int
) -> list[Deadline]:
    """Return the deadlines of one alert in order of time.

    Args:
        row: the alert's row.
        timers: its rows of the timer table.
        answered: unit → when somebody of it first tapped.
        chains: for the words and conditions of the steps.
        now_ms: for what is still open.
    """
    found: list[Deadline] = []
    arrival = _arrival(row, now_ms)
    if arrival is not None:
        found.append(arrival)
    for timer in timers:
        if timer["due_ms"] <= row["raised_ms"] or timer["step"] == END:
            continue  # called at once, or an exercise's own end: nothing to be late for
        step = chains.step(row["chain"], timer["step"])
        one = _of_step(row, timer, step, answered, now_ms)
        if arrival is None or one.due_ms != arrival.due_ms:
            found.append(one)
    return sorted(found, key=lambda one: (one.due_ms, one.id))


def _arrival(row: Row, now_ms: int) -> Deadline | None:
    due_ms = row["arrival_due_ms"]
    if due_ms is None:
        return None
    # Whoever freed the people was there, even if nobody said so before.
    done = [at for at in (row["arrived_ms"], row["freed_ms"]) if at is not None]
    met_ms = min(done, default=None)
    if met_ms is None and row["closed_ms"] is not None and row["closed_ms"] <= due_ms:
        return _deadline(row, "arrival", ARRIVAL, due_ms, "not_needed", reason=REASONS["closed"])
    return _deadline(row, "arrival", ARRIVAL, due_ms, _result(met_ms, due_ms, now_ms), met_ms)


def _deadline(
    row: Row,
    ident: str,
    text: Text,
    due_ms: int,
    result: str,
    met_ms: int | None = None,
    reason: Text | None = None,
) -> Deadline:
    limit = ident == "arrival"
    return Deadline(int(row["id"]), ident, text, int(due_ms), result, met_ms, reason, limit)


def _result(met_ms: int | None, due_ms: int, now_ms: int) -> str:
    if met_ms is not None:
        return "met" if met_ms <= due_ms else "missed"
    return "open" if now_ms < due_ms else "missed"


def _of_step(
    row: Row, timer: Row, step: ChainStep | None, answered: Mapping[str, int], now_ms: int
) -> Deadline:
    ident, due_ms = str(timer["step"]), int(timer["due_ms"])
    text = step.text if step else Text(ident, ident)
    cancelled = timer["state"] == "cancelled"
    if timer["round"] != row["round"]:  # the row tells of the present round only
        waited = cancelled and timer["reason"] not in REASONS
        met_ms = timer["ended_ms"] if waited else None
    else:
        met_ms = _met_ms(row, step, answered)
    if met_ms is None and cancelled:
        reason = REASONS.get(timer["reason"] or "", REASONS["closed"])
        return _deadline(row, ident, text, due_ms, "not_needed", reason=reason)
    if met_ms is None and timer["state"] == "waiting":
        return _deadline(row, ident, text, due_ms, "not_needed", reason=SET_ASIDE)
    fired = timer["state"] == "fired" and met_ms is None
    result = "missed" if fired else _result(met_ms, due_ms, now_ms)
    return _deadline(row, ident, text, due_ms, result, met_ms)


def _met_ms(row: Row, step: ChainStep | None, answered: Mapping[str, int]) -> int | None:
    times: list[int] = []
    for condition in step.until if step else ():
        word, _, part = condition.partition(":")
        at_ms = answered.get(row[part] or "") if part else row.get(f"{word}_ms")
        if at_ms is not None:
            times.append(int(at_ms))
    return min(times, default=None)
