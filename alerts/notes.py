"""Small messages about an alert that are no step of a chain: the answer to a reply, and the word
that it is over. They have the form of a page and travel through the outbox as one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, exists, insert, select
from sqlalchemy.orm import aliased

from alerts.desk import AlertDesk
from alerts.directory import Contact
from alerts.page import VERSION
from alerts.replies import Answer
from alerts.tables import alert, outbox, reading, writing
from config.text import Text
from devices.registry import place_and_name

REPLY, RESOLVED = "reply", "resolved"
AT_ONCE = 200


def answer_page(
    desk: AlertDesk, row: Mapping[str, Any], text: Text, contact: Contact, now_ms: int
) -> dict[str, Any]:
    """Return the page that tells a contact what their reply brought about."""
    link = desk.pages.links.url(row["id"], contact.id, now_ms)
    where = place_and_name(row["place"], row["name"])
    title = Text(f"回复：{text.zh} · {where}", f"Re: {text.en} · {where}")
    told = Text(
        f"{text.zh}\n地点：{where}\n情况：{row['rule_zh']}\n查看：{link}",
        f"{text.en}\nWhere: {where}\nWhat: {row['rule_en']}\nSee: {link}",
    )
    places = ("subject_kind", "subject", "name", "place", "rescue_code")
    return {
        "v": VERSION,
        "alert": row["id"],
        "incident": row["incident"],
        "step": REPLY,
        "step_text": Text("答复", "answer to a reply").as_json(),
        "severity": "info",  # whatever the alert is: an answer rings no bell
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
        "to": {"contact": contact.id, "name": contact.name, "unit": contact.unit},
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
        page = answer_page(desk, dict(row), answer.text, contact, now_ms)
        way = {
            "unit": contact.unit,
            "contact": contact.id,
            "channel": channel,
            "address": contact.addresses[channel],
            "lang": contact.lang,
        }
        return _write(conn, dict(row), f"{REPLY}-{digest}", REPLY, way, page, now_ms)


def write_resolved(engine: Engine, now_ms: int, channel: str = "alertmanager") -> int:
    """Tell receivers of Alertmanager's format that alerts they were paged about are over, each
    contact once an alert and round; return how many messages were written."""
    told = aliased(outbox)
    query = (
        select(outbox, alert.c.closed_ms, alert.c.severity_rank)
        .join(alert, alert.c.id == outbox.c.alert_id)
        .where(
            outbox.c.channel == channel,
            outbox.c.state == "delivered",
            outbox.c.step.not_in((REPLY, RESOLVED)),
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
    with reading(engine) as conn:
        if conn.execute(query.limit(1)).first() is None:
            return 0
    written = 0
    with writing(engine) as conn:
        for row in conn.execute(query).mappings().all():
            page = orjson.loads(row["payload"]) | {
                "step": RESOLVED,
                "sent_ms": now_ms,
                "resolved_ms": row["closed_ms"],
            }
            way = {name: row[name] for name in ("unit", "contact", "channel", "address", "lang")}
            about = {"id": row["alert_id"], "round": row["round"]}
            about["severity_rank"] = row["severity_rank"]
            number = f".{row['round']}" if row["round"] else ""
            written += _write(conn, about, RESOLVED + number, RESOLVED, way, page, now_ms)
    return written


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
