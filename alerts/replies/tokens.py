"""Short tokens that bind a reply to an alert and a person, and an address of a call-back to a page.

A reply token has to survive an e-mail address: at most 64 characters before the @, upper and lower
case not told apart. So it is packed: alert, hour of expiry, six bytes that find the contact, and
96 bits of HMAC-SHA256 over all of it and the contact's whole id; 44 letters and digits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from alerts.pages.links import LinkClaim
from config.text import Text

HOUR_MS = 3_600_000
LENGTH = 44
_BODY, _MAC = 15, 12
CALLBACK_DAYS = 7


def _finder(contact: str) -> bytes:
    return hashlib.sha256(contact.encode()).digest()[:6]


@dataclass(frozen=True)
class ReplyTokens:
    """Makes and reads reply tokens. `secret` is the site's own, `hours` how long one is good."""

    secret: str
    hours: float = 24.0

    def make(self, alert_id: int, contact: str, sent_ms: int) -> str:
        """Return the token of a page: 44 lower-case letters and digits."""
        until = -(-(sent_ms + round(self.hours * HOUR_MS)) // HOUR_MS)
        body = alert_id.to_bytes(5, "big") + until.to_bytes(4, "big") + _finder(contact)
        return base64.b32encode(body + self._mac(body, contact)).decode().lower().rstrip("=")

    def read(self, token: str, contacts: Iterable[str], now_ms: int) -> LinkClaim | Text:
        """Return what a token proves, or in words why it proves nothing.

        `contacts` are the ids the directory has now: one who has left it proves nothing.
        """
        wrong = Text(
            "回复令牌无效，请直接回复原通知", "this token is not valid: reply to the page itself"
        )
        try:
            raw = base64.b32decode(token.strip().upper() + "=" * (-len(token.strip()) % 8))
        except (binascii.Error, ValueError):
            return wrong
        body, mac = raw[:_BODY], raw[_BODY:]
        if len(raw) != _BODY + _MAC:
            return wrong
        for contact in contacts:
            if _finder(contact) == body[9:] and hmac.compare_digest(self._mac(body, contact), mac):
                if now_ms >= int.from_bytes(body[5:9], "big") * HOUR_MS:
                    return Text(
                        "回复令牌已过期，请登录操作", "this token has expired: sign in instead"
                    )
                return LinkClaim(int.from_bytes(body[:5], "big"), contact)
        return wrong

    def _mac(self, body: bytes, contact: str) -> bytes:
        said = b"liftwatch.reply.v1|" + body + contact.encode()
        return hmac.new(self.secret.encode(), said, hashlib.sha256).digest()[:_MAC]


class Callbacks:
    """Addresses that a gateway may call to tell what became of one page."""

    def __init__(self, secret: str, base_url: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="liftwatch.receipt.v1")
        self._front = base_url.rstrip("/") + "/receipts/"

    def url(self, channel: str, key: str, sent_ms: int) -> str:
        """Return the address for the page of this idempotency key, good for a week."""
        until_ms = sent_ms + CALLBACK_DAYS * 24 * HOUR_MS
        return f"{self._front}{channel}/{self._signer.dumps([channel, key, until_ms])}"

    def read(self, channel: str, token: str, now_ms: int) -> str | None:
        """Return the key a token stands for; None where it proves nothing, or no longer."""
        try:
            said, key, until_ms = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        return str(key) if said == channel and now_ms < until_ms else None
