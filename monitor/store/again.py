"""A second try of what was refused: what history does not have yet goes in, exactly once.

One transaction takes the samples and marks the quarantine row, so a crash leaves both or neither.
What is there already is known by its natural key: a sample by (lift, ts), a message by (lift, ts,
code, state), a burst by (lift, ts, rate, axis). Of a sample that was taken without its refused
fields only those fields are new: they fill the gaps of the row that stands, in fresh rows as in
the segments of whole days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from devices.batch import MessageRows, TelemetryBatch, Waveform, concat
from devices.vocabulary import Vocabulary
from monitor.store.segments import mend

REPLAYED, DROPPED = "replayed", "dropped"


@dataclass(slots=True)
class Settled:
    """One row of the quarantine after a second try.

    `batch`: what is taken now, None for nothing · `refusals`: JSON of what is still refused, the
    row then stays open · `run`, `by`, `at_ms`: which try, whose, when · `counts`: filled in by
    `settle`: samples, fields, messages and bursts that were new · `done`: set once it is
    committed, or has `failed`.
    """

    id: int
    run: int
    by: str
    at_ms: int
    batch: TelemetryBatch | None
    refusals: list[dict[str, Any]]
    counts: dict[str, int] = field(default_factory=dict)
    failed: str | None = None
    done: Event = field(default_factory=Event)

    @property
    def whole(self) -> bool:
        """True when nothing of it is refused any more."""
        return not self.refusals


def settle(
    db: duckdb.DuckDBPyConnection,
    vocab: Vocabulary,
    live: TelemetryBatch,
    tried: Sequence[Settled],
    dry: bool = False,
) -> TelemetryBatch:
    """Fill and mark within the open transaction of `db`; return what remains to be inserted.

    `live`: the rest of the same batch, already bound to be inserted; it comes first. `dry`: only
    count.
    """
    parts = [one.batch for one in tried if one.batch is not None]
    owners = [i for i, one in enumerate(tried) if one.batch is not None]
    for one in tried:
        one.counts = {"samples": 0, "fields": 0, "messages": 0, "bursts": 0}
    batch = concat(parts, len(vocab))
    of = np.repeat(np.array(owners, np.int64), [len(part) for part in parts])
    said = np.repeat(np.array(owners, np.int64), [len(part.messages) for part in parts])
    fresh = _samples(db, vocab, live, batch, of, tried, dry)
    told = _messages(db, live.messages, batch.messages, said, tried)
    bursts = _bursts(db, parts, owners, tried)
    if not dry:
        _mark(db, tried)
    return replace(fresh, messages=told, waveforms=bursts)


# -- samples -----------------------------------------------------------------------------------


def _samples(
    db: duckdb.DuckDBPyConnection,
    vocab: Vocabulary,
    live: TelemetryBatch,
    batch: TelemetryBatch,
    of: NDArray[np.int64],
    tried: Sequence[Settled],
    dry: bool,
) -> TelemetryBatch:
    """Return rows whose (lift, ts) is nowhere yet, one each; fill those that stand."""
    if not len(batch):
        return batch
    first, group = _firsts(batch.lift, batch.ts_ms)
    values = batch.values[first]
    for again in np.flatnonzero(first[group] != np.arange(len(batch))).tolist():
        row = values[group[again]]
        np.copyto(row, batch.values[again], where=np.isnan(row))
    lift, ts, late = batch.lift[first], batch.ts_ms[first], np.ones(len(first), np.bool_)
    stands = mend(db, vocab, lift, ts, values, dry)
    if len(live):  # a live row of the same moment is bound for the same commit: it stands
        keys = _keys(np.concatenate([live.lift, lift]), np.concatenate([live.ts_ms, ts]))
        stands.known |= np.isin(keys[len(live) :], keys[: len(live)])
    for place in np.flatnonzero(stands.filled).tolist():
        tried[int(of[first[place]])].counts["fields"] += int(stands.filled[place])
    new = ~stands.known
    for place in np.flatnonzero(new).tolist():
        tried[int(of[first[place]])].counts["samples"] += 1
    return TelemetryBatch(lift[new], ts[new], values[new], late[new])


def _keys(lift: NDArray[np.int32], ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number equal (lift, ts) alike."""
    pairs = np.stack([lift.astype(np.int64), ts], axis=1)
    numbers: NDArray[np.int64] = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
    return numbers


def _firsts(
    lift: NDArray[np.int32], ts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each distinct (lift, ts) stands first, and for each row which of these."""
    pairs = np.stack([lift.astype(np.int64), ts], axis=1)
    _, first, group = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), group.reshape(-1).astype(np.int64)


# -- messages and bursts -----------------------------------------------------------------------


def _messages(
    db: duckdb.DuckDBPyConnection,
    live: MessageRows,
    messages: MessageRows,
    said: NDArray[np.int64],
    tried: Sequence[Settled],
) -> MessageRows:
    if not len(messages):
        return messages
    keys = pa.table(
        {
            "place": np.arange(len(messages), dtype=np.int64),
            "lift": messages.lift,
            "ts_ms": messages.ts_ms,
            "code": messages.code,
            "state": messages.state,
        }
    )
    db.register("tried", keys)
    known = db.execute(
        "SELECT place FROM tried SEMI JOIN message USING (lift, ts_ms, code, state)"
    ).fetchnumpy()["place"]
    db.unregister("tried")
    seen = set(zip(*(c.tolist() for c in _message_key(live)), strict=True))
    there = set(np.asarray(known).tolist())
    new = []
    for place, key in enumerate(zip(*(c.tolist() for c in _message_key(messages)), strict=True)):
        if place not in there and key not in seen:
            seen.add(key)
            new.append(place)
            tried[int(said[place])].counts["messages"] += 1
    some = np.array(new, np.int64)
    return MessageRows(
        messages.lift[some],
        messages.ts_ms[some],
        messages.code[some],
        messages.state[some],
        np.ones(len(some), np.bool_),
    )


def _message_key(rows: MessageRows) -> tuple[NDArray[Any], ...]:
    return rows.lift, rows.ts_ms, rows.code, rows.state


def _bursts(
    db: duckdb.DuckDBPyConnection,
    parts: Sequence[TelemetryBatch],
    owners: Sequence[int],
    tried: Sequence[Settled],
) -> list[Waveform]:
    found: list[Waveform] = []
    for part, owner in zip(parts, owners, strict=True):
        for burst in part.waveforms:
            rows = db.execute(
                "SELECT axis FROM waveform WHERE lift = ? AND ts_ms = ? AND rate_hz = ?",
                (burst.lift, burst.ts_ms, burst.rate_hz),
            ).fetchall()
            have = {row[0] for row in rows}
            for other in found:
                if (other.lift, other.ts_ms, other.rate_hz) == (
                    burst.lift,
                    burst.ts_ms,
                    burst.rate_hz,
                ):
                    have |= set(other.axes)
            axes = {name: data for name, data in burst.axes.items() if name not in have}
            if axes:
                found.append(replace(burst, axes=axes))
                tried[owner].counts["bursts"] += 1
    return found


# -- the mark ----------------------------------------------------------------------------------


def _mark(db: duckdb.DuckDBPyConnection, tried: Sequence[Settled]) -> None:
    """Who tried and when; what is still refused stays open with what is wrong with it now."""
    open_ = [not one.whole for one in tried]
    left = [one.refusals for one in tried]
    table = {
        "id": pa.array([one.id for one in tried], pa.int64()),
        "run": pa.array([one.run for one in tried], pa.int64()),
        "took": pa.array([orjson.dumps(one.counts).decode() for one in tried], pa.string()),
        "outcome": pa.array([None if still else REPLAYED for still in open_], pa.string()),
        "ended_ms": pa.array(
            [None if still else one.at_ms for still, one in zip(open_, tried, strict=True)],
            pa.int64(),
        ),
        "ended_by": pa.array(
            [None if still else one.by for still, one in zip(open_, tried, strict=True)],
            pa.string(),
        ),
        "reason": pa.array([str(one[0]["reason"]) if one else None for one in left], pa.string()),
        "refusals": pa.array(
            [orjson.dumps(one).decode() if one else None for one in left], pa.string()
        ),
    }
    db.register("marking", pa.table(table))
    db.execute(
        "UPDATE quarantine SET run = m.run, took = m.took, outcome = m.outcome,"
        " ended_ms = m.ended_ms, ended_by = m.ended_by, reason = coalesce(m.reason,"
        " quarantine.reason), refusals = coalesce(m.refusals, quarantine.refusals)"
        " FROM marking m WHERE quarantine.id = m.id"
    )
    db.unregister("marking")
