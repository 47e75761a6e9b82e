"""A derived copy of history in InfluxDB, caught up by a cursor; never in an alert's way.

The copy may be switched off, lost or rebuilt at any time: history is the truth. The cursor is
the last batch the server has confirmed; a batch sent twice overwrites the same points.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import HTTPError

from config.settings import Influx
from devices.registry import Registry
from monitor.store.history import History
from monitor.store.series import source
from monitor.worker import Worker

BATCHES_A_WRITE = 50
IDLE_S = 1.0


class InfluxCopy:
    """Reads history behind the cursor and writes line protocol, in a thread of its own."""

    def __init__(self, settings: Influx, history: History, registry: Registry) -> None:
        """Nothing is sent before `start`. Raises ValueError where no URL is set."""
        if not settings.url:
            raise ValueError("influx.url is not set")
        token = settings.token.get_secret_value() if settings.token else ""
        self._client = InfluxDBClient(settings.url, token, org=settings.org, timeout=10_000)
        self._bucket, self._org = settings.bucket, settings.org
        self._history, self._registry = history, registry
        self.worker = Worker(
            "influx",
            self._turn,
            expected=(InfluxDBError, HTTPError, OSError, duckdb.Error),
            first_s=IDLE_S,
            patience_s=15.0,
        )
        self.cursor = self._read_cursor()

    def stop(self) -> None:
        """Finish the write at hand and let go."""
        self.worker.stop()
        self._client.close()  # type: ignore[no-untyped-call]

    @property
    def behind(self) -> int:
        """How many batches the copy still lacks."""
        return max(0, self._history.last_batch - self.cursor)

    def _turn(self) -> float:
        while self.behind and not self.worker.stopping:
            self.copy_some()
        return IDLE_S

    def copy_some(self) -> int:
        """Copy the next few batches and move the cursor; returns the number of samples."""
        upto = min(self.cursor + BATCHES_A_WRITE, self._history.last_batch)
        lines = list(self._lines(self.cursor, upto))
        if lines:
            with self._client.write_api(write_options=SYNCHRONOUS) as api:
                body = "\n".join(lines).encode()
                api.write(self._bucket, self._org, body, write_precision="ms")
        self._history.run(("INSERT OR REPLACE INTO cursor VALUES ('influx', ?)", (upto,)))
        self.cursor = upto
        return len(lines)

    def _read_cursor(self) -> int:
        db = self._history.reader()
        try:
            row = db.execute("SELECT batch FROM cursor WHERE name = 'influx'").fetchone()
        finally:
            db.close()
        return int(row[0]) if row else 0

    def _lines(self, after: int, upto: int) -> Iterator[str]:
        channels = [channel.name for channel in self._history.vocab.channels]
        columns = ", ".join(f'"{name}"' for name in channels)
        db = self._history.reader()
        try:
            rows = source(db, 0, 2**62, f"batch, lift, ts_ms, {columns}")
            found = db.execute(
                f"SELECT * EXCLUDE (batch) FROM ({rows}) WHERE batch > ? AND batch <= ?",  # noqa: S608
                (after, upto),
            )
            while part := found.fetchmany(5000):
                for slot, ts_ms, *values in part:
                    lift = self._registry.slots[slot]
                    fields = ",".join(
                        f"{name}={value:g}"
                        for name, value in zip(channels, values, strict=True)
                        if value is not None
                    )
                    if lift and fields:
                        tags = f"reg_code={lift.reg_code},gateway={lift.gateway}"
                        yield f"lift,{tags} {fields} {ts_ms}"
        finally:
            db.close()
