"""What comes back to the house: answers that act like a tap, and what gateways tell of pages."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from alerts.notify import receipts, signing
from alerts.notify.channel import Channel
from alerts.notify.gateway import GatewayChannel, Report, report
from alerts.notify.gateway_file import ReceiptSpec
from alerts.pages.links import LinkClaim
from alerts.replies import words
from alerts.replies.answers import Answer, Replies, claim_of_row, step_said
from alerts.replies.notes import write_answer
from alerts.replies.tokens import Callbacks
from alerts.replies.words import Said
from config.settings import Settings
from config.text import Text

log = structlog.get_logger("liftwatch.replies")


@dataclass
class Incoming:
    """Everything that the ways in share; `channels` are the ways out, by name."""

    settings: Settings
    replies: Replies
    callbacks: Callbacks
    channels: Mapping[str, Channel]

    def gateway(self, name: str) -> tuple[GatewayChannel, ReceiptSpec] | None:
        """Return a gateway that tells what became of its pages."""
        channel = self.channels.get(name)
        if isinstance(channel, GatewayChannel) and channel.spec.receipt is not None:
            return channel, channel.spec.receipt
        return None

    def signed(
        self, unit: str, body: bytes, stamp: str | None, signature: str | None, now_ms: int
    ) -> Text | None:
        """Return None where a unit has signed this request, else why that is not shown.

        A stranger is not told which units there are: one without a secret is answered as one
        with another.
        """
        known = self.settings.notify.replies.secrets.get(unit)
        secret = known.get_secret_value() if known else secrets.token_hex()
        if known is None:
            log.warning("reply of a unit without a secret (notify.replies.secrets)", unit=unit[:64])
        return signing.check(secret, body, stamp, signature, now_ms)

    def reply(self, unit: str, said: Mapping[str, Any], now_ms: int) -> Answer:
        """Act on an answer that `unit` has signed: `page` or `token`, `step` or `text`, `key`."""
        replies = self.replies
        if said.get("token"):
            claim = self._of_unit(replies.claim(str(said["token"]), now_ms), unit)
        else:
            claim = replies.claim_of_page(str(said.get("page") or ""), unit)
        asked: Said | Text
        if said.get("step"):
            asked = step_said(str(said["step"]), said.get("cause"), said.get("comment"))
        else:
            asked = words.understand(str(said.get("text") or ""))
        return replies.take("webhook", str(said.get("key") or ""), claim, asked, now_ms)

    def _of_unit(self, claim: LinkClaim | Text, unit: str) -> LinkClaim | Text:
        if isinstance(claim, LinkClaim):
            contact = self.replies.desk.directory.contacts.get(claim.contact)
            if contact is None or contact.unit != unit:
                return Text(f"令牌不属于单位 {unit}", f"the token is not of unit {unit}")
        return claim

    def called_back(self, name: str, token: str, data: Any, now_ms: int) -> str | None:
        """Take what a gateway tells by call-back; return what to answer, None where the token
        proves nothing or there is no such page."""
        found = self.gateway(name)
        if found is None:
            return None
        channel, spec = found
        told = report(spec, data)
        row = self._page(name, token, channel, spec, told, now_ms)
        if row is None:
            return None
        self.take_report(row, told, spec, now_ms)
        return spec.say

    def _page(
        self,
        name: str,
        token: str,
        channel: GatewayChannel,
        spec: ReceiptSpec,
        told: Report,
        now_ms: int,
    ) -> dict[str, Any] | None:
        engine = self.replies.desk.engine
        key = self.callbacks.read(name, token, now_ms)
        if key is not None:
            return receipts.find_page(engine, name, key=key)
        secret = channel.secrets.get(spec.secret) if spec.secret else None
        if secret is None or not hmac.compare_digest(secret.encode(), token.encode()):
            return None
        return receipts.find_page(engine, name, ref=told.ref)

    def take_report(
        self, row: Mapping[str, Any], told: Report, spec: ReceiptSpec, now_ms: int
    ) -> None:
        """Record what became of a page, and act on what the person keyed in or wrote."""
        desk = self.replies.desk
        at_ms = max(row["created_ms"], moment_ms(told.at, now_ms))
        if receipts.tell(desk.engine, desk.chains, row["id"], told.fate, told.said, at_ms, now_ms):
            self.replies.wake()
        if told.reply is None:
            return
        step = spec.replies.get(told.reply.strip())
        said = Said(step) if step is not None else words.understand(told.reply)
        claim = claim_of_row(row)
        if now_ms > row["created_ms"] + self.settings.notify.link_hours * 3_600_000:
            claim = Text("该通知已过期，请登录操作", "this page has expired: sign in instead")
        key = f"{row['key']}|{told.reply}"
        answer = self.replies.take(row["channel"], key, claim, said, now_ms)
        if row["channel"] == "sms" and write_answer(desk, answer, "sms", key, now_ms):
            self.replies.wake()


def moment_ms(text: str | None, now_ms: int) -> int:
    """Return the time a gateway gives: epoch s or ms, or ISO with a zone; `now_ms` for any other,
    and for one that is still to come."""
    if text is None:
        return now_ms
    try:
        number = float(text)
        at_ms = round(number if number > 1e11 else number * 1000)
    except (ValueError, OverflowError):
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return now_ms
        if when.tzinfo is None:
            return now_ms
        at_ms = round(when.timestamp() * 1000)
    return min(at_ms, now_ms)
