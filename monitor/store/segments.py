"""Filling what single rows of history lack: in fresh rows, and in the segments of whole days.

A segment never changes: one with gaps to fill is written anew beside itself, and the transaction
that fills the fresh rows names the new file instead of the old one. A crash before the commit
leaves the old file named and the new one a stray, which compaction removes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from devices.vocabulary import Vocabulary

_number = count(1)


@dataclass(slots=True)
class Stands:
    """known bool[n]: history has this (lift, ts) · filled int32[n]: values that were added."""

    known: NDArray[np.bool_]
    filled: NDArray[np.int32]


def mend(
    db: duckdb.DuckDBPyConnection,
    vocab: Vocabulary,
    lift: NDArray[np.int32],
    ts_ms: NDArray[np.int64],
    values: NDArray[np.float32],
    dry: bool = False,
) -> Stands:
    """Fill, within the open transaction of `db`, the absent values of rows that stand.

    lift int32[n], ts_ms int64[n]: each pair once · values float32[n, C], NaN where there is
    nothing to add. A value that stands is never replaced. `dry`: only look.
    """
    stands = Stands(np.zeros(len(lift), np.bool_), np.zeros(len(lift), np.int32))
    if not len(lift):
        return stands
    columns = {"place": np.arange(len(lift)), "lift": lift, "ts_ms": ts_ms}
    told = {f"c{c}": values[:, c] for c in range(len(vocab))}
    absent = np.isnan(values)
    table = {name: pa.array(column) for name, column in columns.items()}
    table |= {
        name: pa.array(np.ascontiguousarray(column), mask=absent[:, c])
        for c, (name, column) in enumerate(told.items())
    }
    db.register("mending", pa.table(table))
    try:
        lo_ms, hi_ms = int(ts_ms.min()), int(ts_ms.max())
        # said once more: by it whole blocks of rows are passed over
        span = f"ts_ms BETWEEN {lo_ms} AND {hi_ms}"
        _fresh(db, vocab, stands, dry, span)
        _segments(db, vocab, stands, dry, (lo_ms, hi_ms), span)
    finally:
        db.unregister("mending")
    return stands


def _look(
    db: duckdb.DuckDBPyConnection, vocab: Vocabulary, stands: Stands, rows: str, span: str
) -> bool:
    """Note which rows of `rows` are known; return whether one of them has a gap to fill.

    First by key alone: most second tries are of what was never taken, and 40 columns cost.
    """
    known = db.execute(
        f"SELECT m.place FROM mending m SEMI JOIN (SELECT lift, ts_ms FROM {rows} WHERE {span}) s"  # noqa: S608
        " ON s.lift = m.lift AND s.ts_ms = m.ts_ms"
    ).fetchnumpy()["place"]
    place = np.asarray(known).astype(np.int64)
    if not len(place):
        return False
    stands.known[place] = True
    gaps = " + ".join(
        f'(s."{channel.name}" IS NULL AND m.c{c} IS NOT NULL)::INT'
        for c, channel in enumerate(vocab.channels)
    )
    found = db.execute(
        f"SELECT m.place, max({gaps}) AS gaps FROM mending m"  # noqa: S608
        f" JOIN (SELECT * FROM {rows} WHERE {span}) s"
        " ON s.lift = m.lift AND s.ts_ms = m.ts_ms GROUP BY m.place"
    ).fetchnumpy()
    place = np.asarray(found["place"]).astype(np.int64)
    filled = np.asarray(found["gaps"]).astype(np.int32)
    stands.filled[place] += filled
    return bool(filled.any())


def _fresh(
    db: duckdb.DuckDBPyConnection, vocab: Vocabulary, stands: Stands, dry: bool, span: str
) -> None:
    if not _look(db, vocab, stands, "sample", span) or dry:
        return
    filled = ", ".join(
        f'"{channel.name}" = coalesce(sample."{channel.name}", m.c{c})'
        for c, channel in enumerate(vocab.channels)
    )
    db.execute(
        f"UPDATE sample SET {filled} FROM mending m"  # noqa: S608
        f" WHERE sample.{span} AND sample.lift = m.lift AND sample.ts_ms = m.ts_ms"
    )


def _segments(
    db: duckdb.DuckDBPyConnection,
    vocab: Vocabulary,
    stands: Stands,
    dry: bool,
    ends: tuple[int, int],
    span: str,
) -> None:
    files = db.execute("SELECT file FROM segment WHERE hi_ms >= ? AND lo_ms <= ?", ends).fetchall()
    for (file,) in files:
        have = _columns(db, file)
        missing = [c.name for c in vocab.channels if c.name not in have]
        added = "".join(f', NULL::FLOAT AS "{name}"' for name in missing)
        rows = f"(SELECT *{added} FROM read_parquet({_quoted(file)}))"  # noqa: S608
        if _look(db, vocab, stands, rows, span) and not dry:
            _rewrite(db, vocab, file, rows)


def _columns(db: duckdb.DuckDBPyConnection, file: str) -> set[str]:
    found = db.execute(f"DESCRIBE SELECT * FROM read_parquet({_quoted(file)})").fetchall()  # noqa: S608
    return {str(row[0]) for row in found}


def _rewrite(db: duckdb.DuckDBPyConnection, vocab: Vocabulary, file: str, rows: str) -> None:
    old = Path(file)
    new = old.with_name(f"{old.stem.split('+')[0]}+{_fresh_number(old)}.parquet")
    part = new.with_suffix(".part")
    filled = ", ".join(
        f'coalesce(s."{channel.name}", m.c{c}) AS "{channel.name}"'
        for c, channel in enumerate(vocab.channels)
    )
    db.execute(
        f"COPY (SELECT s.* REPLACE ({filled}) FROM {rows} s LEFT JOIN mending m"  # noqa: S608
        f" ON s.lift = m.lift AND s.ts_ms = m.ts_ms ORDER BY s.lift, s.ts_ms)"
        f" TO {_quoted(str(part))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    )
    part.replace(new)
    db.execute("UPDATE segment SET file = ? WHERE file = ?", (str(new), file))


def _fresh_number(file: Path) -> int:
    """A name nobody has: a try that was rolled back may have left its file behind."""
    while True:
        number = next(_number)
        if not file.with_name(f"{file.stem.split('+')[0]}+{number}.parquet").exists():
            return number


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
