"""Answers that come in by web hook, e-mail, MQTT or a gateway, and act like a tap.

Whatever the way, an answer proves by a signed token or a signed request whose page it belongs to;
who seems to have sent it counts for nothing. Each carries a key of its own: the same answer twice
is done once and told the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from alerts.database.access import reading, writing
from alerts.database.tables import outbox, reply
from alerts.desk.alert_desk import AlertDesk
from alerts.grouping.gathering import SUMMARY
from alerts.model import Origin, Step
from alerts.notify import receipts
from alerts.pages.links import LinkClaim
from alerts.replies import words
from alerts.replies.tokens import LENGTH, ReplyTokens
from alerts.replies.words import Said
from config.text import Text

KEEP_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told back. `code`: done, already (another was first), refused, not_understood or
    not_proven; `text` says it in both languages."""

    code: str
    text: Text
    alert_id: int | None = None
    contact: str | None = None
    step: str | None = None

    @property
    def ok(self) -> bool:
        """True if what was asked for is so now."""
        return self.code in ("done", "already")

    def as_json(self) -> dict[str, Any]:
        """Return `{"ok", "code", "text", "alert", "contact", "step"}`."""
        return {
            "ok": self.ok,
            "code": self.code,
            "text": self.text.as_json(),
            "alert": self.alert_id,
            "contact": self.contact,
            "step": self.step,
        }


@dataclass
class Replies:
    """Takes answers. `wake` is called after one that changed something, so that what it set in
    motion goes out at once."""

    desk: AlertDesk
    tokens: ReplyTokens
    wake: Callable[[], None] = lambda: None

    def claim(self, token: str, now_ms: int) -> LinkClaim | Text:
        """Return what a token proves: a reply token, or the last part of a page's link."""
        if len(token.strip()) == LENGTH:
            return self.tokens.read(token, self.desk.directory.contacts, now_ms)
        return self.desk.pages.links.read(token.strip(), now_ms)

    def claim_of_page(self, key: str, unit: str) -> LinkClaim | Text:
        """Return what a page's key proves to a unit that has signed its request: its own page."""
        query = select(outbox.c.alert_id, outbox.c.contact, outbox.c.step)
        with reading(self.desk.engine) as conn:
            row = conn.execute(query.where(outbox.c.key == key, outbox.c.unit == unit)).first()
        if row is None:
            return Text(
                f"贵单位没有通知 {key}：请填收到的 key", f"no page {key} of your unit: give its key"
            )
        return claim_of_row(row._asdict())

    def take(
        self,
        way: str,
        key: str,
        claim: LinkClaim | Text,
        said: Said | Text,
        now_ms: int,
    ) -> Answer:
        """Act on an answer, once; return what to tell.

        Args:
            way: email, webhook, mqtt, or the gateway's name; part of the key's name space.
            key: the answer's own, the same in every repeat; empty = it has none, and a repeat is
                told what a second tap is told.
            claim: whose page it belongs to, or why that is not proven.
            said: the step, or why it was not understood.
            now_ms: wall time.
        """
        if isinstance(claim, Text):
            return Answer("not_proven", claim)
        if isinstance(said, Text):
            return Answer("not_understood", said, claim.alert_id, claim.contact)
        named = _key(way, key, claim) if key else None
        kept = self._kept(named) if named else None
        if kept is not None:
            return kept
        answer = self._act(claim, said, now_ms)
        if answer.ok:
            receipts.page_opened(self.desk.engine, claim.alert_id, claim.contact, now_ms)
            self.wake()
        if named:
            self._keep(named, way, answer, now_ms)
        return answer

    def _act(self, claim: LinkClaim, said: Said, now_ms: int) -> Answer:
        about = (claim.alert_id, claim.contact, said.step.value)
        actor = self.desk.actor(claim)
        if actor is None:
            gone = Text(
                "您已不在通讯录中，请联系值班台",
                "you are no longer in the directory: call the desk",
            )
            return Answer("not_proven", gone, *about)
        result = self.desk.act(
            claim.alert_id,
            said.step,
            replace(actor, origin=Origin.REPLY),
            now_ms,
            comment=said.comment,
            cause=said.cause,
        )
        code = "refused" if not result.ok else "done" if result.changed else "already"
        return Answer(code, result.text, *about)

    def _kept(self, named: str) -> Answer | None:
        with reading(self.desk.engine) as conn:
            text = conn.execute(select(reply.c.answer).where(reply.c.key == named)).scalar()
        if text is None:
            return None
        found = orjson.loads(text)
        words = Text(found["text"]["zh"], found["text"]["en"])
        return Answer(found["code"], words, found["alert"], found["contact"], found["step"])

    def _keep(self, named: str, way: str, answer: Answer, now_ms: int) -> None:
        """After the act: a crash in between makes the repeat find its step already taken."""
        row = {"key": named, "at_ms": now_ms, "way": way}
        try:
            with writing(self.desk.engine) as conn:
                conn.execute(delete(reply).where(reply.c.at_ms < now_ms - KEEP_MS))
                text = orjson.dumps(answer.as_json()).decode()
                conn.execute(insert(reply), row | {"answer": text})
        except IntegrityError:  # the same answer came twice at once; both were told the outcome
            return


def claim_of_row(row: Mapping[str, Any]) -> LinkClaim | Text:
    """Return whose answer it is, by the row of the outbox that was answered."""
    if row["step"] == SUMMARY:
        return Text(
            "汇总通知含多条警情，请点其中的链接", "a summary tells of many alerts: use its links"
        )
    return LinkClaim(row["alert_id"], row["contact"])


def step_said(step: str, cause: str | None, comment: str | None) -> Said | Text:
    """Return a step that a program names, or in words which there are."""
    try:
        named = Step(step)
    except ValueError:
        right = ", ".join(one.value for one in words.WORDS)
        return Text(
            f"没有步骤 {step!r}；应为 {right}", f"there is no step {step!r}; one of {right}"
        )
    return Said(named, (cause or "").strip() or None, (comment or "").strip() or None)


def _key(way: str, key: str, claim: LinkClaim) -> str:
    """The key in its name space: a person's key never meets another's."""
    named = f"{way}|{claim.alert_id}|{claim.contact}|{key}"
    return f"{way}:{hashlib.sha256(named.encode()).hexdigest()}"
