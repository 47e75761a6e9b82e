"""Answers by e-mail: a small SMTP listener that the site's mail server hands them to.

It takes mails to the one reply address of the settings and nothing else, so it relays nothing.
The token in the address or the subject proves whose page is answered; the sender is never looked
at. The outcome is told by a mail to the contact's own address in the directory; a mail that proves
nothing is refused in the SMTP dialogue itself, so that nobody is sent mail who did not write.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.exc import SQLAlchemyError

from alerts.notify.email import HOLE
from alerts.replies import words
from alerts.replies.answers import Answer, Replies
from alerts.replies.notes import write_answer
from alerts.replies.tokens import LENGTH
from config.notify_settings import Replies as Settings

log = structlog.get_logger("liftwatch.replies")
MAX_BYTES = 1024 * 1024
_IN_SUBJECT = re.compile(rf"\[LW-([a-z2-7]{{{LENGTH}}})\]", re.IGNORECASE)
_TAG = re.compile(r"<(?:style|script|head)\b.*?</(?:style|script|head)>|<[^>]+>", re.DOTALL | re.I)
_BREAK = re.compile(r"<(?:br|/p|/div|/blockquote|/li|/tr)\b[^>]*>|<blockquote\b[^>]*>", re.I)


class ReplyMail:
    """The listener. `clock` is wall time in epoch ms."""

    def __init__(
        self, settings: Settings, replies: Replies, clock: Callable[[], int], tells: bool
    ) -> None:
        self._settings, self._replies, self._clock = settings, replies, clock
        self._tells = tells  # e-mail can be sent here
        name, _, domain = (settings.mail_to or "").partition("@")
        front, _, back = name.partition(HOLE)
        hole = f"([a-z2-7]{{{LENGTH}}})" if HOLE in name else ""
        pattern = re.escape(front) + hole + re.escape(back) + "@" + re.escape(domain)
        self._address = re.compile(pattern, re.IGNORECASE)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set."""
        loop, settings = asyncio.get_running_loop(), self._settings
        while True:
            try:
                server = await loop.create_server(
                    self._dialogue, settings.mail_host, settings.mail_port
                )
                break
            except OSError as error:
                log.error("replies.not_listening", port=settings.mail_port, reason=str(error))
                await asyncio.sleep(5)
        log.info("replies.listening", host=settings.mail_host, port=settings.mail_port)
        try:
            await stop.wait()
        finally:
            server.close()

    def _dialogue(self) -> SMTP:
        return SMTP(
            self,
            hostname="liftwatch",
            ident="liftwatch",
            data_size_limit=MAX_BYTES,
            enable_SMTPUTF8=True,
            timeout=60,
        )

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take mail to the reply address alone, and one answer at a time."""
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        if not self._address.fullmatch(address):
            return "550 5.7.1 only answers to pages are taken here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Act on a mail; its acceptance is given after the effect is committed."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            answer = await asyncio.to_thread(self.take, envelope.rcpt_tos[0], content)
        except SQLAlchemyError as error:
            log.error("reply not taken, the sender tries again", error=str(error))
            return "451 4.3.0 try again later"
        if answer.code == "not_proven":
            return f"550 5.7.1 {answer.text.en}"
        return "250 OK"

    def take(self, address: str, content: bytes) -> Answer:
        """Act on one mail and leave the answer in the outbox."""
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if _automatic(mail):  # an out-of-office note is no answer
            return Answer("not_understood", words.TELL)
        now_ms = self._clock()
        claim = self._replies.claim(self._token(address, mail), now_ms)
        key = str(mail["Message-ID"] or "").strip()
        said = words.understand(written(mail))
        answer = self._replies.take("email", key, claim, said, now_ms)
        if self._tells:
            write_answer(self._replies.desk, answer, "email", key, now_ms)
            self._replies.wake()
        return answer

    def _token(self, address: str, mail: EmailMessage) -> str:
        found = self._address.fullmatch(address)
        if found and found.groups():
            return found[1]
        in_subject = _IN_SUBJECT.search(str(mail["Subject"] or ""))
        return in_subject[1] if in_subject else ""


def written(mail: EmailMessage) -> str:
    """Return the text of a mail; of HTML alone what stands between the tags."""
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError):  # a character set that nobody knows
        text = part.get_payload(decode=True).decode("utf-8", "replace")  # type: ignore[union-attr]
    if part.get_content_subtype() != "html":
        return text
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))


def _automatic(mail: EmailMessage) -> bool:
    """Written by a machine: two of them would write to each other for ever."""
    return str(mail["Auto-Submitted"] or "no").lower() != "no"
