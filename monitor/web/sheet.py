"""The list as a sheet: CSV without a limit of rows, written while it is read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from alerts.chains.ladder import Chains
from alerts.database.access import reading
from monitor.web import find, terms
from monitor.web.views import cause_word
from monitor.web.words import Words

AT_ONCE = 500
BOM = "\ufeff"
"""By which spreadsheets know UTF-8."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TIMES = (
    "raised_ms", "acknowledged_ms", "accepted_ms", "arrived_ms", "freed_ms", "cleared_ms",
    "closed_ms", "next_due_ms",
)  # fmt: skip
_PLAIN = (
    "id", "rule", "code", "place", "name", "subject", "rescue_code", "people", "owner",
    "maintenance", "use_unit", "street_office", "gateway", "incident",
)  # fmt: skip
COLUMNS = (
    "id", "raised", "severity", "code", "rule", "what", "place", "name", "subject", "rescue_code",
    "lift_type", "people", "alarm_state", "rescue_state", "aside", "owner", "next_due",
    "acknowledged", "accepted", "arrived", "freed", "cleared", "closed", "cause", "maintenance",
    "use_unit", "street_office", "gateway", "incident", "exercise",
)  # fmt: skip


def lines(engine: Engine, query: find.Query, chains: Chains, words: Words) -> Iterator[str]:
    """Yield the sheet in pieces, the newest alert first.

    Each piece is a read of its own, so a sheet of years holds no transaction open: what changes
    meanwhile may stand in it as it was or as it is, and nothing stands twice.
    """
    yield BOM + _line(COLUMNS)
    before_id: int | None = None
    while True:
        with reading(engine) as conn:
            rows = find.find(
                conn, query, chains=chains, limit=AT_ONCE, before_id=before_id, newest=True
            )
        if not rows:
            return
        before_id = int(rows[-1]["id"])
        yield "".join(_line(_cells(row, words)) for row in rows)


def _cells(row: Mapping[str, Any], words: Words) -> list[str]:
    catalogue = words.catalogue
    told = {name: _text(row.get(name)) for name in _PLAIN}
    told |= {name.removesuffix("_ms"): _time(row.get(name), words) for name in _TIMES}
    told |= {
        "severity": terms.severities(catalogue)[row["severity"]],
        "what": words.text(row["rule_text"]),
        "lift_type": words.lift_type(str(row.get("lift_type") or "")),
        "alarm_state": terms.alarm_states(catalogue)[row["alarm_state"]],
        "rescue_state": terms.rescue_states(catalogue)[row["rescue_state"]],
        "aside": terms.asides(catalogue)[row["aside"]],
        "cause": cause_word(words, row.get("cause")),
        "exercise": "1" if row.get("exercise") else "",
    }
    if not told["people"] and row.get("with_people"):
        told["people"] = "+"
    return [told[name] for name in COLUMNS]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _time(at_ms: int | None, words: Words) -> str:
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, words.tz).isoformat(sep=" ", timespec="seconds")


def _line(cells: list[str] | tuple[str, ...]) -> str:
    # A cell that begins like a formula would be run by the reader's spreadsheet. A bare sign
    # (people: some, nobody knows how many) is none.
    safe = [f"'{cell}" if len(cell) > 1 and cell.startswith(_FORMULA) else cell for cell in cells]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(safe)
    return stream.getvalue()
