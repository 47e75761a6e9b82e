"""The head of the journal, sent out once a day, so that cutting off its end is found too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from alerts.database.access import reading, writing
from alerts.database.tables import meta
from alerts.journal import audit
from config.settings import Audit

log = structlog.get_logger()
KEY = "audit.head_day"


class DailyHead:
    """Appends the head to `audit.head_file` on the first run of each local day.

    The file is meant to be where whoever can write the database cannot write: a share of another
    machine, or a file the system lets only append to. The day is kept in the database, so a
    restart sends nothing twice; a failure is tried again at the next run.
    """

    def __init__(
        self, engine: Engine, settings: Audit, timezone: str, clock: Callable[[], int]
    ) -> None:
        self._engine, self._file, self._clock = engine, settings.head_file, clock
        self._zone = ZoneInfo(timezone)
        self.trouble: str | None = None

    def send(self) -> None:
        """Append today's head if it was not yet; never raises."""
        if self._file is None:
            return
        day = datetime.fromtimestamp(self._clock() / 1000, self._zone).date().isoformat()
        try:
            with reading(self._engine) as conn:
                sent = conn.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
                newest = audit.head(conn)
            if sent == day:
                return
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{newest}\n")
            with writing(self._engine) as conn:
                known = update(meta).where(meta.c.key == KEY).values(value=day)
                if conn.execute(known).rowcount == 0:
                    conn.execute(insert(meta).values(key=KEY, value=day))
            self.trouble = None
            log.info("audit.head", line=newest.id, hash=newest.hash)
        except (OSError, SQLAlchemyError) as error:
            self.trouble = str(error)
            log.error("audit.head_failed", reason=str(error))
