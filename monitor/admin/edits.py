"""Rules changed at the desk, as the database keeps them: versions, never changed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, func, insert, select

from alerts.database.admin_tables import rule_edit
from alerts.model import Actor


@dataclass(frozen=True, slots=True)
class Edit:
    """One version: `data` is all that then differed from the file; empty = as the file says."""

    rule: str
    version: int
    at_ms: int
    by: str
    comment: str
    data: Mapping[str, Any]
    trial: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "version": self.version,
            "at_ms": self.at_ms,
            "by": self.by,
            "comment": self.comment,
            "changes": dict(self.data),
            "backtest": self.trial,
        }


def newest(conn: Connection) -> dict[str, Edit]:
    """Return the version in force of every rule that was ever changed here."""
    last = (
        select(rule_edit.c.rule, func.max(rule_edit.c.version).label("version"))
        .group_by(rule_edit.c.rule)
        .subquery()
    )
    query = select(rule_edit).join(
        last, (last.c.rule == rule_edit.c.rule) & (last.c.version == rule_edit.c.version)
    )
    return {row["rule"]: _edit(row) for row in conn.execute(query).mappings()}


def versions(conn: Connection, rule: str) -> list[Edit]:
    """Return all versions of a rule, the newest first."""
    query = select(rule_edit).where(rule_edit.c.rule == rule).order_by(rule_edit.c.version.desc())
    return [_edit(row) for row in conn.execute(query).mappings()]


def write(
    conn: Connection,
    rule: str,
    version: int,
    data: Mapping[str, Any],
    actor: Actor,
    now_ms: int,
    comment: str,
    trial: Mapping[str, Any] | None,
) -> None:
    """Write one version inside the caller's transaction."""
    conn.execute(
        insert(rule_edit).values(
            rule=rule,
            version=version,
            at_ms=now_ms,
            by=actor.name,
            comment=comment,
            data=orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode(),
            trial=None if trial is None else orjson.dumps(trial).decode(),
        )
    )


def _edit(row: RowMapping) -> Edit:
    return Edit(
        row["rule"],
        row["version"],
        row["at_ms"],
        row["by"],
        row["comment"],
        orjson.loads(row["data"]),
        orjson.loads(row["trial"]) if row["trial"] else None,
    )
