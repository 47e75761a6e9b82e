"""A shift as it is handed over: what is open and whose it is, what happened, what stands aside.

Everything is told as of one moment, the end of the shift or, while it runs, now: an alert that was
closed after it counts as open, and a step somebody took after it has not been taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from alerts.chains.ladder import Chains
from alerts.directory.subjects import Subjects
from alerts.directory.units import Directory
from alerts.drills.marks import real_rule
from alerts.handover import rows
from alerts.handover.shift import Span
from alerts.lifecycle.causes import Causes
from alerts.model import SEVERITIES, Aside
from alerts.pages.page import SEVERITY_TEXT, people_text
from config.text import Text

VERSION: Final = 1
Json = dict[str, Any]
Row = Mapping[str, Any]
STAGES: Mapping[str, Text] = {
    "cause_filed": Text("已填原因", "cause filed"),
    "freed": Text("已解困", "freed"),
    "arrived": Text("已到场", "on site"),
    "departed": Text("赶往", "on the way"),
    "accepted": Text("已接单", "accepted"),
}
UNSEEN = Text("未确认", "unacknowledged")
SEEN = Text("已确认", "acknowledged")
ASIDES: Mapping[str, Text] = {
    Aside.SHELVED: Text("搁置", "shelved"),
    Aside.SUPPRESSED: Text("按计划抑制", "suppressed by design"),
    Aside.OUT_OF_SERVICE: Text("电梯停用", "out of service"),
}
CANCELLED = Text("取消", "cancelled")
TROUBLE = ("undelivered", "nobody", "fallback")


@dataclass(frozen=True)
class Reporter:
    """What is needed to say a shift in words; `service`: what is wrong with the service now."""

    chains: Chains
    directory: Directory
    subjects: Subjects
    causes: Causes
    service: Sequence[Text] = ()


def build_report(conn: Connection, teller: Reporter, span: Span, now_ms: int) -> Json:
    """Return the report of a shift, JSON-ready: texts are {"zh", "en"}, times epoch ms.

    Args:
        conn: a read transaction, so that all of it belongs to one moment.
        teller: words for steps, units and causes.
        span: the shift.
        now_ms: wall time; what is after it has not happened yet.
    """
    at_ms = min(span.to_ms, now_ms)
    total, open_rows = rows.open_at(conn, at_ms)
    notes = rows.notes_at(conn, [row["id"] for row in open_rows], at_ms)
    freed = [_freed(row) for row in rows.stamped(conn, "freed_ms", span.from_ms, at_ms)]
    escalations, escalated = rows.escalated(conn, span.from_ms, at_ms)
    first, last, seal = rows.lines_between(conn, span.from_ms, at_ms)
    return {
        "v": VERSION,
        "from_ms": span.from_ms,
        "to_ms": span.to_ms,
        "as_of_ms": at_ms,
        "running": now_ms < span.to_ms,
        "officers": list(span.officers),
        "open": [_open(teller, row, notes.get(row["id"]), at_ms) for row in open_rows],
        "open_total": total,
        "raised": _spread(rows.counted(conn, "raised_ms", span.from_ms, at_ms)),
        "closed": _spread(rows.counted(conn, "closed_ms", span.from_ms, at_ms)),
        "freed": freed,
        "freed_people": sum(one["people"] or 0 for one in freed),
        "escalations": [_escalation(teller, row) for row in escalated],
        "escalations_total": escalations,
        "false_alarms": _false(conn, teller, span.from_ms, at_ms),
        "asides": [_aside(teller, row) for row in rows.set_aside(conn, at_ms)],
        "drills": [_drill(row, at_ms) for row in rows.exercises(conn, span.from_ms, at_ms)],
        "service": _service(conn, teller, (first, last), span.to_ms, now_ms),
        "gateways": [_gateway(row) for row in open_rows if row["subject_kind"] == "gateway"],
        "journal": {"first": first, "last": last, "hash": seal},
    }


def _spread(counted: Mapping[str, int]) -> Json:
    return {"total": sum(counted.values())} | {n: counted.get(n, 0) for n in SEVERITIES}


def _about(row: Row) -> Json:
    """What every line says of its alert."""
    return {
        "alert": row["id"],
        "severity": row["severity"],
        "severity_text": SEVERITY_TEXT[row["severity"]].as_json(),
        "what": {"zh": row["rule_zh"], "en": row["rule_en"]},
        "subject_kind": row["subject_kind"],
        "subject": row["subject"],
        "place": row["place"],
        "name": row["name"],
    }


def _by_then(row: Row, name: str, at_ms: int) -> int | None:
    stamp = row[f"{name}_ms"]
    return None if stamp is None or stamp > at_ms else int(stamp)


def stage(row: Row, at_ms: int) -> tuple[str, Text, int | None]:
    """Return how far an alert was at a moment: a word for programs, in words, and since when."""
    for name, text in STAGES.items():
        since = _by_then(row, name, at_ms)
        if since is not None:
            return name, text, since
    seen = _by_then(row, "acknowledged", at_ms)
    return ("unacknowledged", UNSEEN, None) if seen is None else ("acknowledged", SEEN, seen)


def _open(teller: Reporter, row: Row, note: Json | None, at_ms: int) -> Json:
    name, text, since_ms = stage(row, at_ms)
    owned = _by_then(row, "accepted", at_ms) is not None or name in STAGES
    unit = teller.directory.units.get(row["owner_unit"] or "") if owned else None
    due_ms = row["arrival_due_ms"]
    return _about(row) | {
        "raised_ms": row["raised_ms"],
        "people": people_text(row).as_json() if row["with_people"] or row["people"] else None,
        "stage": name,
        "stage_text": text.as_json(),
        "stage_ms": since_ms,
        "owner": row["owner"] if owned else None,
        "owner_unit": unit.name.as_json() if unit else None,
        "arrival_due_ms": due_ms if name in ("accepted", "departed", "unacknowledged",
                                             "acknowledged") else None,
        "note": note,
    }  # fmt: skip


def _freed(row: Row) -> Json:
    start, there = row["last_raised_ms"], row["arrived_ms"] or row["freed_ms"]
    due_ms = row["arrival_due_ms"]
    return _about(row) | {
        "people": row["people"],
        "raised_ms": row["raised_ms"],
        "freed_ms": row["freed_ms"],
        "accept_took_ms": _took(start, row["accepted_ms"]),
        "arrive_took_ms": _took(start, there),
        "freed_took_ms": _took(start, row["freed_ms"]),
        "arrive_limit_ms": None if due_ms is None else due_ms - start,
        "in_time": None if due_ms is None else there <= due_ms,
        "accident": bool(row["accident"]),
    }


def _took(start_ms: int, end_ms: int | None) -> int | None:
    return None if end_ms is None else max(0, end_ms - start_ms)


def _escalation(teller: Reporter, row: Row) -> Json:
    step = teller.chains.step(row["chain"], row["step"])
    text = step.text if step else Text(row["step"], row["step"])
    return _about(row) | {"step": row["step"], "text": text.as_json(), "at_ms": row["ended_ms"]}


def _false(conn: Connection, teller: Reporter, from_ms: int, at_ms: int) -> list[Json]:
    """Alerts that turned out to be none: cancelled, or with a cause that says the lift was well."""
    found: dict[int, Json] = {}
    for row in rows.stamped(conn, "cancelled_ms", from_ms, at_ms):
        told = {"at_ms": row["cancelled_ms"], "text": CANCELLED.as_json()}
        found[row["id"]] = _about(row) | told
    for row in rows.stamped(conn, "cause_filed_ms", from_ms, at_ms):
        words = teller.causes.words(row["cause"])
        if teller.causes.is_false(row["cause"]) and words is not None:
            told = {"at_ms": row["cause_filed_ms"], "text": words.as_json()}
            found.setdefault(row["id"], _about(row) | told)
    return sorted(found.values(), key=lambda one: (one["at_ms"], one["alert"]))


def _aside(teller: Reporter, row: Row) -> Json:
    known = row["rule_zh"] is not None
    subject = teller.subjects.of(row["subject_kind"], row["subject"])
    return {
        "kind": row["kind"],
        "kind_text": ASIDES[row["kind"]].as_json(),
        "alert": row["alert_id"],
        "what": {"zh": row["rule_zh"], "en": row["rule_en"]} if known else None,
        "subject_kind": row["subject_kind"],
        "subject": row["subject"],
        "place": subject.place,
        "name": subject.name,
        "reason": row["reason"],
        "by": row["begun_by"],
        "from_ms": row["from_ms"],
        "until_ms": row["until_ms"],
    }


def _drill(row: Row, at_ms: int) -> Json:
    _, text, _ = stage(row, at_ms)
    there = _by_then(row, "arrived", at_ms) or _by_then(row, "freed", at_ms)
    due_ms = row["arrival_due_ms"]
    return _about(row) | {
        "rule": real_rule(row["rule"]),
        "raised_ms": row["raised_ms"],
        "stage_text": text.as_json(),
        "in_time": None if there is None or due_ms is None else there <= due_ms,
    }


def _gateway(row: Row) -> Json:
    return _about(row) | {"since_ms": row["since_ms"]}


def _service(
    conn: Connection, teller: Reporter, lines: tuple[int, int], to_ms: int, now_ms: int
) -> Json:
    """Pages that did not reach anybody; while the shift runs, also what is wrong right now."""
    counted = rows.kinds(conn, TROUBLE, *lines)
    told = teller.service if now_ms < to_ms else ()
    return {name: counted.get(name, 0) for name in TROUBLE} | {
        "now": [text.as_json() for text in told]
    }
