"""Which rows of the quarantine somebody means."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import orjson

OPEN, REPLAYED, DROPPED = "open", "replayed", "dropped"
STATES = (OPEN, REPLAYED, DROPPED)
MOST_IDS = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """All that is set must fit; nothing set means every row."""

    ids: tuple[int, ...] = ()
    reason: str | None = None
    gateway: str | None = None
    since_ms: int | None = None
    state: str | None = OPEN

    def sql(self) -> tuple[str, list[object]]:
        """Return a condition on the table `quarantine` and its values."""
        parts: list[str] = []
        values: list[object] = []
        if self.ids:
            parts.append(f"id IN ({', '.join('?' * len(self.ids))})")
            values += self.ids
        for name, value in (("reason", self.reason), ("gateway", self.gateway)):
            if value is not None:
                parts.append(f"{name} = ?")
                values.append(value)
        if self.since_ms is not None:
            parts.append("at_ms >= ?")
            values.append(self.since_ms)
        if self.state == OPEN:
            parts.append("outcome IS NULL")
        elif self.state is not None:
            parts.append("outcome = ?")
            values.append(self.state)
        return " AND ".join(parts) or "true", values

    def as_json(self) -> dict[str, Any]:
        """Return what is set."""
        told = asdict(self) | {"ids": list(self.ids)}
        return {name: value for name, value in told.items() if value}

    def dump(self) -> str:
        """Return it as a text; `load` reads it."""
        return orjson.dumps(self.as_json(), option=orjson.OPT_SORT_KEYS).decode()

    @staticmethod
    def load(text: str) -> Choice:
        """Read what `dump` wrote."""
        told = orjson.loads(text)
        return Choice(
            tuple(told.get("ids", ())),
            told.get("reason"),
            told.get("gateway"),
            told.get("since_ms"),
            told.get("state"),
        )
