"""Who handed a shift over and who took it, in the table and in the journal.

The officer who leaves signs first, and with it the report is kept as it was then: the other signs
for exactly that. Two different accounts sign; who has signed a report that nobody has taken yet may
sign a newer one. A taken shift does not change any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, insert, select, update

from alerts.database.access import writing
from alerts.database.shift_tables import shift_handover as table
from alerts.journal import journal
from alerts.model import Actor, ActResult, Role
from config.text import Text

LONGEST: Final = 2000  # characters of a remark; domain default
DESK: Final = frozenset({Role.OPERATOR, Role.ADMIN})
Json = dict[str, Any]


def digest_of(report: Mapping[str, Any]) -> str:
    """Return the hash of a report, 64 hex digits: equal reports have equal ones."""
    return hashlib.sha256(journal.canonical(report).encode()).hexdigest()


def found(conn: Connection, from_ms: int, to_ms: int) -> Json | None:
    """Return the hand-over of a shift, None while nobody has signed: id, given_by, given_ms,
    remark, taken_by, taken_ms, digest, report."""
    return _one(conn, table.c.from_ms == from_ms, table.c.to_ms == to_ms)


def by_id(conn: Connection, ident: int) -> Json | None:
    """Return a hand-over by its number, as `found` does."""
    return _one(conn, table.c.id == ident)


def _one(conn: Connection, *where: Any) -> Json | None:
    row = conn.execute(select(table).where(*where)).mappings().first()
    return None if row is None else dict(row) | {"report": orjson.loads(row["report"])}


def latest(conn: Connection, limit: int = 20) -> list[Json]:
    """Return the newest hand-overs without their reports."""
    names = ("id", "from_ms", "to_ms", "given_by", "given_ms", "taken_by", "taken_ms", "digest")
    query = select(*(table.c[name] for name in names)).order_by(table.c.given_ms.desc())
    return [dict(row) for row in conn.execute(query.limit(limit)).mappings()]


def give(engine: Engine, report: Json, remark: str, actor: Actor, now_ms: int) -> ActResult:
    """Sign a shift over; `report` is what the officer has seen."""
    remark = remark.strip()
    if actor.role not in DESK:
        return ActResult(False, False, Text("由值班员交班", "an operator hands a shift over"))
    if len(remark) > LONGEST:
        text = Text(
            f"remark（{len(remark)} 字）：最多 {LONGEST} 字",
            f"remark ({len(remark)} characters): {LONGEST} at most",
        )
        return ActResult(False, False, text)
    shift = {"from_ms": report["from_ms"], "to_ms": report["to_ms"]}
    values = {
        "given_by": actor.name, "given_ms": now_ms, "remark": remark,
        "report": journal.canonical(report), "digest": digest_of(report),
    }  # fmt: skip
    with writing(engine) as conn:
        was = found(conn, shift["from_ms"], shift["to_ms"])
        if was is not None and was["taken_by"] is not None:
            text = Text(
                f"{was['taken_by']} 已接班，不能再改",
                f"{was['taken_by']} has taken it over already",
            )
            return ActResult(False, False, text)
        if was is not None and was["given_by"] != actor.name:
            text = Text(
                f"{was['given_by']} 已交班", f"{was['given_by']} has handed it over already"
            )
            return ActResult(False, False, text)
        if was is None:
            made = conn.execute(insert(table).values(**shift, **values))
            ident = int((made.inserted_primary_key or (0,))[0])
        else:
            ident = was["id"]
            conn.execute(update(table).where(table.c.id == ident).values(**values))
        data = shift | {
            "handover": ident, "digest": values["digest"], "open": report["open_total"],
            "comment": remark,
        }  # fmt: skip
        journal.append(conn, now_ms, [journal.Line(None, "handover_given", actor, data)])
    return ActResult(
        True, True, Text("已交班，等待接班签字", "handed over: to be taken by the other")
    )


def take(engine: Engine, ident: int, digest: str, actor: Actor, now_ms: int) -> ActResult:
    """Sign for a shift that was handed over. `digest` is that of the report one has seen."""
    if actor.role not in DESK:
        return ActResult(False, False, Text("由值班员接班", "an operator takes a shift over"))
    with writing(engine) as conn:
        was = by_id(conn, ident)
        if was is None:
            return ActResult(False, False, Text("没有这次交班", "there is no such hand-over"))
        if was["taken_by"] is not None:
            same = was["taken_by"] == actor.name
            text = Text(f"{was['taken_by']} 已接班", f"{was['taken_by']} has taken it over already")
            return ActResult(same, False, text)
        if was["given_by"] == actor.name:
            text = Text(
                "接班须由另一位值班员用自己的帐号签字",
                "the other officer signs, by an account of their own",
            )
            return ActResult(False, False, text)
        if was["digest"] != digest:
            text = Text(
                "报告在您查看之后有更新，请重新查看再签字",
                "the report was renewed after you saw it: read it again, then sign",
            )
            return ActResult(False, False, text)
        signed = {"taken_by": actor.name, "taken_ms": now_ms}
        conn.execute(update(table).where(table.c.id == ident).values(**signed))
        data = {
            "handover": ident, "from_ms": was["from_ms"], "to_ms": was["to_ms"],
            "digest": digest, "given_by": was["given_by"],
        }  # fmt: skip
        journal.append(conn, now_ms, [journal.Line(None, "handover_taken", actor, data)])
    return ActResult(True, True, Text("已接班", "the shift is yours"))
