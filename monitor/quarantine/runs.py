"""Second tries as rows of the alert database: asked for anywhere, done by the running service.

Whoever asks writes a row, and the journal says so in the same transaction; the service takes due
rows one after the other and writes the end the same way. So a try that was asked for is done once
the service runs, a crash in the middle is gone on from, and the journal tells of each once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import orjson
from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.tables import quarantine_run
from alerts.journal.journal import Line, append
from alerts.model import Actor, Role
from devices.batch import Refusal
from devices.codecs import Refused
from monitor.quarantine.choice import Choice

Kind = Literal["replay", "try", "drop"]
DUE, RUNNING, DONE, FAILED = "due", "running", "done", "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One row. `counts`: rows by outcome, and what was new of them."""

    id: int
    kind: Kind
    state: str
    choice: Choice
    by: str
    role: str
    why: str | None
    asked_ms: int
    begun_ms: int | None
    ended_ms: int | None
    upto_id: int | None
    total: int
    done: int
    counts: Mapping[str, int]
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as the API gives it."""
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "filter": self.choice.as_json(),
            "by": self.by, "why": self.why, "asked_ms": self.asked_ms, "begun_ms": self.begun_ms,
            "ended_ms": self.ended_ms, "total": self.total, "done": self.done,
            "counts": dict(self.counts), "error": self.error,
        }  # fmt: skip


def ask(
    engine: Engine, kind: Kind, choice: Choice, actor: Actor, now_ms: int, why: str | None = None
) -> int:
    """Write down that a second try (or its end without one) is wanted; return its number."""
    row = {
        "kind": kind, "state": DUE, "filter": choice.dump(), "by": actor.name,
        "role": actor.role.value, "why": why, "asked_ms": now_ms, "total": 0, "done": 0,
        "counts": "{}",
    }  # fmt: skip
    with writing(engine) as conn:
        number = conn.execute(insert(quarantine_run).values(row)).inserted_primary_key
        run = int(number[0]) if number else 0
        if kind != "try":  # a look changes nothing
            data = {"run": run, "filter": choice.as_json()} | ({"why": why} if why else {})
            append(conn, now_ms, [Line(None, f"quarantine_{kind}_asked", actor, data)])
    return run


def find(engine: Engine, number: int) -> Run | None:
    """Return a run by its number."""
    with reading(engine) as conn:
        row = conn.execute(select(quarantine_run).where(quarantine_run.c.id == number)).mappings()
        found = row.first()
    return _run(found) if found else None


def recent(engine: Engine, limit: int, before: int | None = None) -> list[Run]:
    """Return runs, newest first."""
    query = select(quarantine_run).order_by(quarantine_run.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(quarantine_run.c.id < before)
    with reading(engine) as conn:
        return [_run(row) for row in conn.execute(query).mappings()]


def next_due(engine: Engine) -> Run | None:
    """Return the oldest run that is not through: one that a crash broke off comes first."""
    query = (
        select(quarantine_run)
        .where(quarantine_run.c.state.in_((DUE, RUNNING)))
        .order_by(quarantine_run.c.id)
        .limit(1)
    )
    with reading(engine) as conn:
        row = conn.execute(query).mappings().first()
    return _run(row) if row else None


def begin(engine: Engine, run: Run, upto_id: int, total: int, now_ms: int) -> None:
    """Fix which rows belong to it; a run that goes on keeps what it began with."""
    _set(engine, run.id, state=RUNNING, upto_id=upto_id, total=total, begun_ms=now_ms)


def progress(engine: Engine, run: int, done: int, counts: Mapping[str, int]) -> None:
    """Note how far it is, for people who look."""
    _set(engine, run, done=done, counts=orjson.dumps(dict(counts)).decode())


def end(
    engine: Engine, run: Run, counts: Mapping[str, int], now_ms: int, error: str | None = None
) -> None:
    """Close it; the journal gets its end in the same transaction, by whoever asked for it."""
    with writing(engine) as conn:
        state = conn.execute(
            select(quarantine_run.c.state).where(quarantine_run.c.id == run.id)
        ).scalar()
        if state in (DONE, FAILED):
            return
        values = {
            "state": FAILED if error else DONE, "ended_ms": now_ms, "error": error,
            "counts": orjson.dumps(dict(counts)).decode(), "done": counts.get("rows", 0),
        }  # fmt: skip
        _update(conn, run.id, values)
        if run.kind != "try":
            data: dict[str, Any] = {"run": run.id, "filter": run.choice.as_json(), **counts}
            data |= ({"why": run.why} if run.why else {}) | ({"error": error} if error else {})
            actor = Actor(run.by, Role(run.role))
            append(conn, now_ms, [Line(None, f"quarantine_{run.kind}", actor, data)])


def as_json(seq: int | None, refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Return refusals as a gateway is told them."""
    named = [Refused.of(seq, one) for one in refusals]
    found: list[dict[str, Any]] = orjson.loads(msgspec.json.encode(named))
    return found


def _set(engine: Engine, run: int, **values: object) -> None:
    with writing(engine) as conn:
        _update(conn, run, values)


def _update(conn: Connection, run: int, values: Mapping[str, object]) -> None:
    conn.execute(update(quarantine_run).where(quarantine_run.c.id == run).values(**values))


def _run(row: RowMapping) -> Run:
    told = dict(row)
    told["choice"] = Choice.load(told.pop("filter"))
    told["counts"] = orjson.loads(told["counts"])
    return Run(**told)
