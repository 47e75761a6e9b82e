"""Small messages about an alert that are no step of a chain: the answer to a reply, and the word
that it is over. They have the form of a page and travel through the outbox as one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, Select, exists, insert, select
from sqlalchemy.orm import aliased

from alerts.database.access import reading, writing
from alerts.database.tables import alert, outbox
from alerts.desk.alert_desk import AlertDesk
from alerts.grouping.gathering import REPLY, RESOLVED, SUMMARISED, SUMMARY
from alerts.pages.page import VERSION
from alerts.replies.answers import Answer
from config.text import Text
from devices.registry import place_and_name

AT_ONCE = 200
EXERCISE = Text("【演练】", "[EXERCISE] ")
OVER = Text("警情已结束", "the alert is over")
STEP_TEXT = {REPLY: Text("答复", "answer to a reply"), RESOLVED: OVER}


def _page(
    desk: AlertDesk,
    row: Mapping[str, Any],
    step: str,
    words: Text,
    severity: str,
    to: Mapping[str, str],
    now_ms: int,
) -> dict[str, Any]:
    """A note in the form of a page. `row` is the alert's, `words` what is to be said."""
    link = desk.pages.links.url(row["id"], to["contact"], now_ms)
    where = place_and_name(row["place"], row["name"])
    exercise = bool(row.get("exercise"))
    title = Text(f"{words.zh} · {where}", f"{words.en} · {where}")
    if exercise:
        title = Text(f"{EXERCISE.zh}{title.zh}", f"{EXERCISE.en}{title.en}")
    told = Text(
        f"{words.zh}\n地点：{where}\n情况：{row['rule_zh']}\n查看：{link}",
        f"{words.en}\nWhere: {where}\nWhat: {row['rule_en']}\nSee: {link}",
    )
    places = ("subject_kind", "subject", "name", "place", "rescue_code")
    return {
        "v": VERSION,
        "alert": row["id"],
        "incident": row["incident"],
        "step": step,
        "step_text": STEP_TEXT[step].as_json(),
        "severity": severity,
        "exercise": exercise,
        "rule": row["rule"],
        "code": row["code"],
        "title": title.as_json(),
        "text": told.as_json(),
        "where": {name: row[name] for name in places},
        "what": Text(row["rule_zh"], row["rule_en"]).as_json(),
        "people": row["people"],
        "with_people": row["with_people"],
        "since_ms": row["since_ms"],
        "raised_ms": row["raised_ms"],
        "sent_ms": now_ms,
        "deadline_ms": None,
        "deadline_text": None,
        "evidence": [],
        "link": link,
        "to": dict(to),
    }


def write_answer(desk: AlertDesk, answer: Answer, channel: str, key: str, now_ms: int) -> bool:
    """Leave an answer for the contact on a channel; False if it stands there already, or the
    contact has no such address. `key` is the reply's own."""
    contact = desk.directory.contacts.get(answer.contact or "")
    if contact is None or channel not in contact.addresses or answer.alert_id is None:
        return False
    digest = hashlib.sha256(f"{key}|{answer.code}|{answer.step}".encode()).hexdigest()[:16]
    with writing(desk.engine) as conn:
        row = conn.execute(select(alert).where(alert.c.id == answer.alert_id)).mappings().first()
        if row is None:
            return False
        said = Text(f"回复：{answer.text.zh}", f"Re: {answer.text.en}")
        to = {"contact": contact.id, "name": contact.name, "unit": contact.unit}
        # Whatever the alert is, an answer rings no bell.
        page = _page(desk, row_of(row), REPLY, said, "info", to, now_ms)
        way = {
            "unit": contact.unit,
            "contact": contact.id,
            "channel": channel,
            "address": contact.addresses[channel],
            "lang": contact.lang,
        }
        return _write(conn, row_of(row), f"{REPLY}-{digest}", REPLY, way, page, now_ms)


def write_resolved(desk: AlertDesk, now_ms: int, channel: str = "alertmanager") -> int:
    """Tell receivers of Alertmanager's format that alerts they were paged about are over, each
    contact once an alert and round; return how many messages were written."""
    query = _over(channel)
    with reading(desk.engine) as conn:
        if conn.execute(query.limit(1)).first() is None:
            return 0
    written = 0
    with writing(desk.engine) as conn:
        for told in conn.execute(query).mappings().all():
            found = conn.execute(select(alert).where(alert.c.id == told["alert_id"])).mappings()
            row = row_of(found.one())
            way = {name: told[name] for name in ("unit", "contact", "channel", "address", "lang")}
            to = {"contact": told["contact"], "unit": told["unit"]}
            page = _page(desk, row, RESOLVED, OVER, row["severity"], to, now_ms)
            page["resolved_ms"] = row["closed_ms"]
            name = f"{RESOLVED}.{row['round']}" if row["round"] else RESOLVED
            written += _write(conn, row, name, RESOLVED, way, page, now_ms)
    return written


def _over(channel: str) -> Select[Any]:
    """Rows by which a closed alert was told, and whose contact was not told that it is over."""
    told = aliased(outbox)
    return (
        select(outbox)
        .join(alert, alert.c.id == outbox.c.alert_id)
        .where(
            outbox.c.channel == channel,
            outbox.c.delivered_ms.is_not(None),
            outbox.c.state.in_(("delivered", SUMMARISED)),
            outbox.c.step.not_in((REPLY, RESOLVED, SUMMARY)),
            outbox.c.round == alert.c.round,
            alert.c.closed_ms.is_not(None),
            ~exists().where(
                told.c.alert_id == outbox.c.alert_id,
                told.c.contact == outbox.c.contact,
                told.c.channel == channel,
                told.c.step == RESOLVED,
                told.c.round == outbox.c.round,
            ),
        )
        .order_by(outbox.c.id)
        .limit(AT_ONCE)
    )


def row_of(found: RowMapping) -> dict[str, Any]:
    """Return a row as a plain dict."""
    return {str(name): value for name, value in found.items()}


def _write(
    conn: Connection,
    row: Mapping[str, Any],
    name: str,
    step: str,
    way: Mapping[str, Any],
    page: Mapping[str, Any],
    now_ms: int,
) -> bool:
    """One row of the outbox, once: its key says alert, name, contact and channel."""
    key = f"{row['id']}:{name}:{way['contact']}:{way['channel']}"
    if conn.execute(select(outbox.c.id).where(outbox.c.key == key)).first() is not None:
        return False
    conn.execute(
        insert(outbox),
        {
            **way,
            "key": key,
            "alert_id": row["id"],
            "step": step,
            "round": row["round"],
            "origin": name,
            "rest": "[]",
            "priority": row["severity_rank"],
            "payload": orjson.dumps(page).decode(),
            "state": "due",
            "attempts": 0,
            "created_ms": now_ms,
            "next_ms": now_ms,
        },
    )
    return True
