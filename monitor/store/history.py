"""History in DuckDB, embedded: the log that everything else can be rebuilt from.

One transaction holds a batch's samples, its messages, its quarantine rows and the ledger of
the sequence numbers it took. It commits or it does not; there is no half of a batch. Fresh
rows live in the database file in order of arrival; `compact` moves whole days into Parquet
segments sorted by lift and time, where a year of one lift is a few pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa

from devices.batch import GapReport, MessageRows, TelemetryBatch
from devices.vocabulary import Vocabulary
from monitor.store.again import Settled, settle
from monitor.store.schema import TABLES, sample_table


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Bytes that were refused, wholly or in part, and why (`refusals` is JSON).

    `size`: how many there were; `payload` holds fewer while the quarantine is full.
    """

    at_ms: int
    gateway: str
    topic: str
    boot: int | None
    seq: int | None
    reason: str
    refusals: str
    payload: bytes
    size: int


class History:
    """The history of one site. One writer; any number of readers on cursors of their own."""

    def __init__(self, folder: Path, vocab: Vocabulary, memory_mb: int = 1024) -> None:
        """Open or create `folder`/history.duckdb. Raises duckdb.Error if it cannot."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.vocab = folder, vocab
        self._db = duckdb.connect(str(folder / "history.duckdb"))
        self._db.execute(f"SET memory_limit='{memory_mb}MB'")
        # One thread: for the small commits of the live path a second one only costs hand-overs
        # (2.8 ms instead of 5.1 ms for a batch of 20 rows), and a chart must not delay an alert.
        self._db.execute("SET threads=1")
        self._db.execute("SET preserve_insertion_order=true")
        self._db.execute(TABLES)
        self._db.execute(sample_table(vocab))
        self._add_new_channels()
        self._write = Lock()
        # Held by whoever moves rows that stand, or fills them: compaction, a replay.
        self.still = Lock()
        self._unfolded: dict[tuple[str, int], str] = {}
        # all of it: a result not read to its end keeps the connection busy
        rows = self._db.execute("SELECT coalesce(max(id), 0) FROM batch").fetchall()
        self.last_batch: int = rows[0][0]

    def _add_new_channels(self) -> None:
        """A channel added to the vocabulary is a new column; old rows have none of it."""
        have = {row[0] for row in self._db.execute("DESCRIBE sample").fetchall()}
        for channel in self.vocab.channels:
            if channel.name not in have:
                self._db.execute(f'ALTER TABLE sample ADD COLUMN "{channel.name}" FLOAT')

    def close(self) -> None:
        """Write everything into the database file and let go of it."""
        with self._write:
            self._db.close()

    def run(self, *statements: tuple[str, Sequence[object]]) -> None:
        """Run writing statements in one transaction, beside `append` and not in its way.

        Raises duckdb.Error where it conflicts with another; nothing is changed then.
        """
        db = self._db.cursor()
        try:
            db.execute("BEGIN")
            for sql, values in statements:
                db.execute(sql, values)
            db.execute("COMMIT")
        finally:
            db.close()  # a transaction that did not commit ends with its cursor

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor for one reading thread; the caller closes it."""
        return self._db.cursor()

    # -- lifts and ledger ---------------------------------------------------------------

    def known_lifts(self) -> list[str]:
        """Return registration codes in row order, as this history numbers them.

        By a cursor of its own: a reload asks while the pipeline is writing.
        """
        db = self.reader()
        try:
            rows = db.execute("SELECT reg_code FROM lift ORDER BY slot").fetchall()
        finally:
            db.close()
        return [row[0] for row in rows]

    def number_lifts(self, reg_codes: Sequence[str]) -> None:
        """Give every lift of the list its row; rows that were given stay as they are."""
        known = len(self.known_lifts())
        fresh = pa.table(
            {
                "slot": pa.array(np.arange(known, len(reg_codes), dtype=np.int32)),
                "reg_code": pa.array(list(reg_codes[known:]), pa.string()),
            }
        )
        with self._write:
            self._insert("lift", fresh, self._db)

    def ledger(self) -> list[tuple[str, int, str]]:
        """Return (gateway, boot, ranges) as last committed."""
        rows = self._db.execute("SELECT gateway, boot, ranges FROM ledger").fetchall()
        newest = {(gateway, boot): ranges for gateway, boot, ranges in rows}
        changes = self._db.execute(
            "SELECT ledger FROM batch WHERE id > (SELECT coalesce(max(batch), 0) FROM cursor"
            " WHERE name = 'ledger') AND ledger != '[]' ORDER BY id"
        ).fetchall()
        for (text,) in changes:
            changed = {(gateway, boot): ranges for gateway, boot, ranges in orjson.loads(text)}
            newest |= changed
            self._unfolded |= changed
        return [(gateway, boot, ranges) for (gateway, boot), ranges in newest.items()]

    def fold_ledger(self, now_ms: int) -> None:
        """Move what batches said of the ledger into its table, so that a start stays quick.

        A batch carries its own changes as a text because a second insert into an indexed table
        would cost every batch 4 ms; folded now and then it costs nothing.
        """
        with self._write:
            if not self._unfolded:
                return
            rows = pa.table(
                {
                    "gateway": pa.array([gateway for gateway, _ in self._unfolded], pa.string()),
                    "boot": pa.array([boot for _, boot in self._unfolded], pa.int64()),
                    "ranges": pa.array(list(self._unfolded.values()), pa.string()),
                    "changed_ms": pa.array([now_ms] * len(self._unfolded), pa.int64()),
                }
            )
            self._db.register("incoming", rows)
            self._db.execute("BEGIN")
            try:
                self._db.execute("INSERT OR REPLACE INTO ledger SELECT * FROM incoming")
                self._db.execute(
                    "INSERT OR REPLACE INTO cursor VALUES ('ledger', ?)", (self.last_batch,)
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise
            self._unfolded = {}

    # -- writing ------------------------------------------------------------------------

    def append(
        self,
        batch: TelemetryBatch,
        now_ms: int,
        ledger: Mapping[tuple[str, int], str],
        quarantine: Sequence[QuarantineRow] = (),
        again: Sequence[Settled] = (),
    ) -> int:
        """Commit a batch with all that belongs to it and return its number.

        `again`: what a replay of the quarantine takes in the same transaction; what history has
        of it already is left out. Raises duckdb.Error where nothing was committed: the caller
        may try again as it is.
        """
        number = self.last_batch + 1
        with self._write:
            db = self._db
            db.execute("BEGIN")
            try:
                self._insert_batch(number, now_ms, ledger)
                if again:
                    self._insert_again(settle(db, self.vocab, batch, again), number)
                self._insert_samples(batch, number)
                self._insert_messages(batch.messages, number)
                self._insert_waveforms(batch, number)
                self._insert_gaps(batch.gaps, number)
                self._insert_quarantine(quarantine)
                db.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise
        self.last_batch = number
        self._unfolded |= ledger
        return number

    def _insert_again(self, fresh: TelemetryBatch, number: int) -> None:
        self._insert_samples(fresh, number)
        self._insert_messages(fresh.messages, number)
        self._insert_waveforms(fresh, number)

    def _rollback(self) -> None:
        try:
            self._db.execute("ROLLBACK")
        except duckdb.TransactionException:  # the failed statement already ended it
            return

    @staticmethod
    def _insert(table: str, rows: pa.Table, db: duckdb.DuckDBPyConnection) -> None:
        if rows.num_rows:
            names = ", ".join(f'"{name}"' for name in rows.column_names)
            db.register("incoming", rows)
            db.execute(f"INSERT INTO {table} ({names}) SELECT * FROM incoming")  # noqa: S608
            db.unregister("incoming")

    def _insert_batch(
        self, number: int, now_ms: int, ledger: Mapping[tuple[str, int], str]
    ) -> None:
        changes = [(gateway, boot, ranges) for (gateway, boot), ranges in ledger.items()]
        row = (number, now_ms, orjson.dumps(changes).decode())
        self._db.execute("INSERT INTO batch VALUES (?, ?, ?)", row)

    def _insert_samples(self, batch: TelemetryBatch, number: int) -> None:
        if not len(batch):
            return
        columns: dict[str, Any] = {
            "batch": pa.array(np.full(len(batch), number, np.int64)),
            "lift": pa.array(batch.lift),
            "ts_ms": pa.array(batch.ts_ms),
            "late": pa.array(batch.late),
        }
        if batch.shift_ms is not None:
            columns["shift_ms"] = pa.array(batch.shift_ms, mask=batch.shift_ms == 0)
        absent = np.isnan(batch.values)
        present = np.flatnonzero(~absent.all(axis=0))
        for index in present.tolist():
            values = np.ascontiguousarray(batch.values[:, index])
            columns[self.vocab.channels[index].name] = pa.array(values, mask=absent[:, index])
        self._insert("sample", pa.table(columns), self._db)

    def _insert_messages(self, messages: MessageRows, number: int) -> None:
        if len(messages):
            columns = {
                "batch": np.full(len(messages), number, np.int64),
                "lift": messages.lift,
                "ts_ms": messages.ts_ms,
                "code": messages.code,
                "state": messages.state,
            }
            rows = {name: pa.array(values) for name, values in columns.items()}
            if messages.shift_ms is not None:
                rows["shift_ms"] = pa.array(messages.shift_ms, mask=messages.shift_ms == 0)
            self._insert("message", pa.table(rows | {"late": pa.array(messages.late)}), self._db)

    def _insert_waveforms(self, batch: TelemetryBatch, number: int) -> None:
        rows = [
            (number, w.lift, w.ts_ms, w.rate_hz, w.unit, axis, samples.astype("<f4").tobytes(), i)
            for i, w in enumerate(batch.waveforms)
            for axis, samples in w.axes.items()
        ]
        if rows:
            self._db.executemany("INSERT INTO waveform VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _insert_gaps(self, gaps: Sequence[GapReport], number: int) -> None:
        rows = [(number, g.gateway, g.from_ms, g.to_ms, g.samples, g.kept, g.reason) for g in gaps]
        if rows:
            self._db.executemany("INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def _insert_quarantine(self, rows: Sequence[QuarantineRow]) -> None:
        values = [
            (
                *(r.at_ms, r.gateway, r.topic, r.boot, r.seq, r.reason, r.refusals),
                *(r.size, r.payload),
            )
            for r in rows
        ]
        if values:
            self._db.executemany(
                "INSERT INTO quarantine (at_ms, gateway, topic, boot, seq, reason, refusals, size,"
                " payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
