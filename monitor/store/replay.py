"""Reading logged batches back, to rebuild the detector's state after a crash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from devices.batch import MessageRows, TelemetryBatch, Waveform
from monitor.store.history import History

BATCHES_A_READ = 100
_MESSAGE_KINDS: Mapping[str, Any] = {
    "lift": np.int32,
    "ts_ms": np.int64,
    "code": np.int32,
    "state": np.int8,
    "late": np.bool_,
}


@dataclass(frozen=True, slots=True)
class Logged:
    """A batch as it was logged."""

    id: int
    now_ms: int
    batch: TelemetryBatch


def batches_after(history: History, number: int) -> Iterator[Logged]:
    """Yield logged batches with a number above `number`, in order, rows as they arrived."""
    db = history.reader()
    try:
        ids = db.execute(
            "SELECT id, now_ms FROM batch WHERE id > ? ORDER BY id", (number,)
        ).fetchall()
        names = ", ".join(f'"{channel.name}"' for channel in history.vocab.channels)
        # at the times at which they were judged
        ts = "ts_ms + coalesce(shift_ms, 0) AS ts_ms"
        samples = f"SELECT batch, lift, {ts}, late, {names} FROM sample"  # noqa: S608
        messages = f"SELECT batch, lift, {ts}, code, state, late FROM message"  # noqa: S608
        span = " WHERE batch BETWEEN ? AND ? ORDER BY batch, rowid"
        for start in range(0, len(ids), BATCHES_A_READ):
            part = ids[start : start + BATCHES_A_READ]
            ends = (part[0][0], part[-1][0])
            found = db.execute(samples + span, ends).fetchnumpy()
            said = db.execute(messages + span, ends).fetchnumpy()
            bursts = _bursts(db, ends)
            for logged in _split(history, part, found, said):
                logged.batch.waveforms = bursts.get(logged.id, [])
                yield logged
    finally:
        db.close()


def _bursts(db: duckdb.DuckDBPyConnection, ends: tuple[int, int]) -> dict[int, list[Waveform]]:
    """Return the bursts of these batches by number, each as it arrived.

    One row is one axis. A row from before bursts were numbered joins the one before it where
    lift, time, rate and unit agree and the axis is new.
    """
    query = (
        "SELECT batch, burst, lift, ts_ms, rate_hz, unit, axis, data FROM waveform"
        " WHERE batch BETWEEN ? AND ? ORDER BY batch, rowid"
    )
    found: dict[int, list[Waveform]] = {}
    last: tuple[object, ...] = ()
    for number, burst, lift, ts_ms, rate_hz, unit, axis, data in db.execute(query, ends).fetchall():
        key = (number, burst, lift, ts_ms, rate_hz, unit)
        bursts = found.setdefault(number, [])
        if key != last or axis in bursts[-1].axes:
            bursts.append(Waveform(lift, ts_ms, rate_hz, unit, {}))
        bursts[-1].axes[axis] = np.frombuffer(data, "<f4").astype(np.float32)
        last = key
    return found


def _split(
    history: History,
    ids: list[tuple[int, int]],
    found: Mapping[str, NDArray[Any]],
    said: Mapping[str, NDArray[Any]],
) -> Iterator[Logged]:
    values = _values(history, found)
    numbers = np.array([number for number, _ in ids])
    cuts = np.searchsorted(np.asarray(found["batch"]), numbers, "left")
    ends = np.searchsorted(np.asarray(found["batch"]), numbers, "right")
    message_cuts = np.searchsorted(np.asarray(said["batch"]), numbers, "left")
    message_ends = np.searchsorted(np.asarray(said["batch"]), numbers, "right")
    lift = np.asarray(found["lift"]).astype(np.int32)
    ts_ms = np.asarray(found["ts_ms"]).astype(np.int64)
    late = np.asarray(found["late"]).astype(np.bool_)
    columns = {name: np.asarray(said[name]).astype(k) for name, k in _MESSAGE_KINDS.items()}
    for i, (number, now_ms) in enumerate(ids):
        own = slice(cuts[i], ends[i])
        theirs = slice(message_cuts[i], message_ends[i])
        messages = MessageRows(**{name: column[theirs] for name, column in columns.items()})
        batch = TelemetryBatch(lift[own], ts_ms[own], values[own], late[own], messages)
        yield Logged(number, now_ms, batch)


def late_numbers(history: History, after: int, upto: int, most: int) -> list[int]:
    """Return the numbers of the next batches with late rows, ascending."""
    span = "late AND batch > ? AND batch <= ?"
    db = history.reader()
    try:
        found = db.execute(
            f"SELECT batch FROM sample WHERE {span} UNION SELECT batch FROM message"  # noqa: S608
            f" WHERE {span} ORDER BY 1 LIMIT ?",
            (after, upto, after, upto, most),
        ).fetchall()
    finally:
        db.close()
    return [int(row[0]) for row in found]


def late_rows(history: History, first: int, last: int) -> TelemetryBatch:
    """Return all late rows of these batches as one, in the order in which they arrived."""
    db = history.reader()
    try:
        names = ", ".join(f'"{channel.name}"' for channel in history.vocab.channels)
        span = " WHERE late AND batch BETWEEN ? AND ? ORDER BY batch, rowid"
        found = db.execute(
            f"SELECT lift, ts_ms, late, {names} FROM sample{span}",  # noqa: S608
            (first, last),
        ).fetchnumpy()
        said = db.execute(
            f"SELECT lift, ts_ms, code, state, late FROM message{span}",  # noqa: S608
            (first, last),
        ).fetchnumpy()
    finally:
        db.close()
    columns = {name: np.asarray(said[name]).astype(kind) for name, kind in _MESSAGE_KINDS.items()}
    return TelemetryBatch(
        np.asarray(found["lift"]).astype(np.int32),
        np.asarray(found["ts_ms"]).astype(np.int64),
        _values(history, found),
        np.asarray(found["late"]).astype(np.bool_),
        MessageRows(**columns),
    )


def _values(history: History, found: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    values = np.full((len(found["lift"]), len(history.vocab)), np.nan, np.float32)
    for channel in history.vocab.channels:
        column = found[channel.name].astype(np.float32)
        values[:, channel.index] = np.ma.filled(column, np.nan)
    return values
