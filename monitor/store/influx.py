"""A derived copy of history in InfluxDB, caught up by a cursor; never in an alert's way.

The copy may be switched off, lost or rebuilt at any time: history is the truth. The cursor is
the last batch the server has confirmed; a batch sent twice overwrites the same points.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import duckdb
import structlog
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import HTTPError

from config.settings import Influx
from devices.registry import Registry
from monitor.store.history import History
from monitor.store.series import source

log = structlog.get_logger()
BATCHES_A_WRITE = 50
IDLE_S, RETRY_S, RETRY_MOST_S = 1.0, 2.0, 60.0


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
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)
        self.cursor = self._read_cursor()
        self.trouble: str | None = None

    def start(self) -> None:
        """Begin to catch up."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the write at hand and let go."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=15)
        self._client.close()  # type: ignore[no-untyped-call]

    @property
    def behind(self) -> int:
        """How many batches the copy still lacks."""
        return max(0, self._history.last_batch - self.cursor)

    def _run(self) -> None:
        wait_s = IDLE_S
        while not self._stopping.wait(wait_s):
            try:
                while self.behind and not self._stopping.is_set():
                    self.copy_some()
                self.trouble, wait_s = None, IDLE_S
            except (InfluxDBError, HTTPError, OSError, duckdb.Error) as error:
                self.trouble = str(error).splitlines()[0]
                wait_s = min(RETRY_MOST_S, max(RETRY_S, wait_s * 2))
                log.warning("influx.behind", batches=self.behind, reason=self.trouble)

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
