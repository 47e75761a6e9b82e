"""Who is on duty, as a month; and swaps and stand-ins, written into the site's directory.toml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from alerts.database.access import writing
from alerts.directory.directory_file import parse_directory
from alerts.directory.roster import Roster, Shift, holes, shifts
from alerts.directory.sheets.tables import alone, read_tables, write_tables
from alerts.directory.units import Directory
from alerts.journal.journal import Line, append
from alerts.model import Actor
from config.settings import Settings


def midnight_ms(day: date, zone: ZoneInfo) -> int:
    """Return when a local day begins, epoch ms."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


def span_of(month: date, zone: ZoneInfo) -> tuple[date, date, int, int]:
    """Return first day, first day of the next month, and both as epoch ms."""
    first = month.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return first, after, midnight_ms(first, zone), midnight_ms(after, zone)


def on_duty(
    book: Directory, unit: str, from_ms: int, to_ms: int
) -> tuple[list[Shift], list[tuple[int, int]]]:
    """Return the shifts with people within a span, and the stretches in which nobody is."""
    roster = book.rosters.get(unit, Roster(unit))
    if not roster.lines:
        return [], []
    found = [one for one in shifts(roster, roster.lines, from_ms, to_ms) if one.contacts]
    return found, holes(roster, from_ms, to_ms)


@dataclass
class RosterDesk:
    """Writes swaps. `take_up` makes the site's files count in the running service."""

    engine: Engine
    settings: Settings
    clock: Callable[[], int]
    take_up: Callable[[], None]

    def swap(self, row: dict[str, Any], actor: Actor) -> None:
        """Add a row of [[swap]]: unit, line, kind, out, in, from, to.

        The file is checked as at a start, kept as a backup, and replaced in one step. Raises
        ConfigError, naming key, value and what would be right.
        """
        site = self.settings.site
        file, zone, now_ms = site.folder / "directory.toml", site.timezone, self.clock()
        told = {key: value.isoformat() if isinstance(value, date) else value
                for key, value in row.items()}  # fmt: skip
        data = {"what": "swap", "unit": row["unit"], "before": None, "after": told}
        with alone(file):
            tables = read_tables(file, zone)
            said = {key: value for key, value in row.items() if value not in ("", None)}
            tables["swap"].append(said)
            parse_directory(tables, file, file.parent, zone)  # refuses before anything is written
            write_tables(file, tables, zone, now_ms)
            with writing(self.engine) as conn:  # no line of what could not be written
                append(conn, now_ms, [Line(None, "roster", actor, data)])
        self.take_up()
