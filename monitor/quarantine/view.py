"""The quarantine as the web and the command line see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from alerts.model import Actor
from monitor.intake import Intake
from monitor.quarantine import fault, runs
from monitor.quarantine.choice import Choice
from monitor.quarantine.runs import Kind, Run
from monitor.store import quarantine
from monitor.store.history import History
from monitor.store.quarantine import Group, Kept, Readable


def refusal_rows(history: Readable, limit: int, before: int | None, choice: Choice) -> list[Any]:
    """Return one row a refusal, newest first; refusals of one message share its id."""
    return [
        {
            "id": kept.id,
            "at_ms": kept.at_ms,
            "gateway": kept.gateway,
            "topic": kept.topic,
            "reason": str(refusal["reason"]),
            "field": refusal.get("field"),
            "value": refusal.get("value"),
            "limit": refusal.get("limit"),
            "lift": refusal.get("lift"),
            "way_out": refusal["way_out"],
            "size": kept.size,
            "payload": kept.payload,
            "state": kept.outcome,
            "ended_ms": kept.ended_ms,
            "ended_by": kept.ended_by,
            "why": kept.why,
        }
        for kept in quarantine.recent(history, limit, before, choice)
        for refusal in kept.refusals
    ]


def look(kept: Kept) -> dict[str, Any]:
    """Return a row with all that was refused, and where in the bytes."""
    marks = [fault.locate(kept.payload, refusal) for refusal in kept.refusals]
    return {
        "id": kept.id,
        "at_ms": kept.at_ms,
        "gateway": kept.gateway,
        "topic": kept.topic,
        "boot": kept.boot,
        "seq": kept.seq,
        "size": kept.size,
        "cut": kept.held < kept.size,
        "state": kept.outcome,
        "run": kept.run,
        "ended_ms": kept.ended_ms,
        "ended_by": kept.ended_by,
        "why": kept.why,
        "took": kept.took,
        "refusals": [
            refusal | {"at": None if mark is None else [mark.start, mark.end]}
            for refusal, mark in zip(kept.refusals, marks, strict=True)
        ],
    }


class QuarantineView:
    """Look, try with today's configuration, ask for a second try."""

    def __init__(
        self, history: History, intake: Intake, engine: Engine, wake: Callable[[], None]
    ) -> None:
        """`wake`: tells the replayer that somebody has asked."""
        self._history, self._intake, self._engine, self._wake = history, intake, engine, wake

    def recent(self, limit: int, before_id: int | None, choice: Choice) -> list[Any]:
        """Return refusals, newest first."""
        return refusal_rows(self._history, limit, before_id, choice)

    def messages(self, limit: int, before_id: int | None, choice: Choice) -> list[Kept]:
        """Return messages, newest first."""
        return quarantine.recent(self._history, limit, before_id, choice)

    def groups(self, choice: Choice) -> list[Group]:
        """Return what fits by reason."""
        return quarantine.groups(self._history, choice)

    def one(self, number: int) -> Kept | None:
        """Return one message with all its bytes."""
        return quarantine.one(self._history, number)

    def today(self, kept: Kept) -> dict[str, Any]:
        """Return what would be taken of a message with today's configuration."""
        if kept.held < kept.size:
            return {"samples": 0, "messages": 0, "bursts": 0, "refusals": kept.refusals}
        decoded, rejected = self._intake.look_again(kept.topic, kept.payload, kept.at_ms)
        batch = decoded.batch if decoded else None
        left = decoded.refusals if decoded else rejected.refusals if rejected else []
        return {
            "samples": len(batch) if batch else 0,
            "messages": len(batch.messages) if batch else 0,
            "bursts": len(batch.waveforms) if batch else 0,
            "refusals": runs.as_json(kept.seq, left),
        }

    def ask(self, kind: Kind, choice: Choice, actor: Actor, now_ms: int, why: str | None) -> int:
        """Ask for a second try, a look at what one would do, or an end without one."""
        number = runs.ask(self._engine, kind, choice, actor, now_ms, why)
        self._wake()
        return number

    def runs(self, limit: int, before: int | None = None) -> list[Run]:
        """Return runs, newest first."""
        return runs.recent(self._engine, limit, before)

    def run(self, number: int) -> Run | None:
        """Return one run."""
        return runs.find(self._engine, number)
