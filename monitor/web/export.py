"""Raw samples of one lift as CSV or Parquet, streamed a day at a time; no limit of rows.

Memory is that of one day of one lift, however long the time asked for. CSV is UTF-8 with a header
that names channels and units; Parquet carries the same in its schema's metadata.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from devices.registry import Lift
from devices.vocabulary import Channel
from monitor.past import Past

KEPT = 100
"""Exports whose progress is remembered."""


@dataclass(slots=True)
class Progress:
    """How far an export is: up to which time, of [from_ms, to_ms); state running, done, failed or
    stopped (whoever asked went away)."""

    who: str
    reg_code: str
    from_ms: int
    to_ms: int
    done_ms: int
    rows: int = 0
    bytes: int = 0
    state: str = "running"

    def as_json(self) -> dict[str, Any]:
        """Return it as the API tells it; share 0..1."""
        whole = max(1, self.to_ms - self.from_ms)
        return {
            "reg_code": self.reg_code,
            "state": self.state,
            "share": round((self.done_ms - self.from_ms) / whole, 4),
            "rows": self.rows,
            "bytes": self.bytes,
        }


class Exports:
    """The exports under way and those just finished, by the number their asker gave them."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Progress] = OrderedDict()
        self._lock = Lock()

    def begin(self, key: str, progress: Progress) -> None:
        """Remember one; the oldest is forgotten."""
        with self._lock:
            self._known[progress.who, key] = progress
            self._known.move_to_end((progress.who, key))
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def find(self, who: str, key: str) -> Progress | None:
        """Return the progress of one's own export."""
        with self._lock:
            return self._known.get((who, key))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take away: channels of one lift over [from_ms, to_ms), times in `zone`."""

    lift: Lift
    row: int
    channels: Sequence[Channel]
    from_ms: int
    to_ms: int
    zone: str


def stream(past: Past, wanted: Wanted, form: str, progress: Progress) -> Iterator[bytes]:
    """Yield the file in pieces. form: csv or parquet."""
    pieces = (_csv if form == "csv" else _parquet)(wanted, _tables(past, wanted, progress))
    try:
        for piece in pieces:
            progress.bytes += len(piece)
            yield piece
        progress.state = "done"
    except GeneratorExit:
        progress.state = "stopped"
        raise
    except Exception:
        progress.state = "failed"
        raise


def _tables(past: Past, wanted: Wanted, progress: Progress) -> Iterator[pa.Table]:
    names = [channel.name for channel in wanted.channels]
    for upto, table in past.days(wanted.row, names, wanted.from_ms, wanted.to_ms):
        yield _named(table, wanted)
        progress.rows += table.num_rows
        progress.done_ms = upto


def _title(channel: Channel) -> str:
    return f"{channel.name} [{channel.unit}]" if channel.unit else channel.name


def _named(table: pa.Table, wanted: Wanted) -> pa.Table:
    """Return ts_ms, the time in the site's zone, and the channels with their units."""
    time = pc.assume_timezone(
        pa.array(table["ts_ms"].combine_chunks(), pa.int64()).cast(pa.timestamp("ms")), "UTC"
    ).cast(pa.timestamp("ms", wanted.zone))
    columns = {"ts_ms": table["ts_ms"], "time": time}
    columns |= {_title(one): table[one.name] for one in wanted.channels}
    return pa.table(columns)


def _csv(wanted: Wanted, tables: Iterator[pa.Table]) -> Iterator[bytes]:
    header = True
    for table in tables:
        local = pc.strftime(table["time"], "%Y-%m-%dT%H:%M:%S%z")
        out = io.BytesIO()
        pacsv.write_csv(
            table.set_column(1, f"time ({wanted.zone})", local),
            out,
            pacsv.WriteOptions(include_header=header, quoting_style="needed"),
        )
        header = False
        if out.tell():
            yield out.getvalue()


def _parquet(wanted: Wanted, tables: Iterator[pa.Table]) -> Iterator[bytes]:
    out, writer = _Sink(), None
    for table in tables:
        if writer is None:
            writer = pq.ParquetWriter(out, _schema(table.schema, wanted), compression="zstd")
        if table.num_rows:
            writer.write_table(table.cast(_schema(table.schema, wanted)))
        yield from out.take()
    if writer is not None:
        writer.close()
    yield from out.take()


def _schema(schema: pa.Schema, wanted: Wanted) -> pa.Schema:
    about = {"reg_code": wanted.lift.reg_code, "zone": wanted.zone}
    fields = [schema.field(0), schema.field(1)]
    for channel, field in zip(wanted.channels, list(schema)[2:], strict=True):
        told = {"name": channel.name, "unit": channel.unit}
        fields.append(field.with_metadata(told | channel.text.as_json()))
    return pa.schema(fields, metadata=about)


class _Sink(io.RawIOBase):
    """A file that is taken away while it is written; it tells where it would stand if whole."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece until it is taken."""
        piece = bytes(data)
        self._parts.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._at

    def take(self) -> Iterator[bytes]:
        """Yield what was written since the last time."""
        parts, self._parts = self._parts, []
        if parts:
            yield b"".join(parts)
