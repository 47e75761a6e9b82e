"""The one link of a page: signed, bound to one alert and one contact, good for a limited time."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from itsdangerous import BadSignature, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from config.text import Text


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What a valid link proves: this contact was paged about this alert."""

    alert_id: int
    contact: str


class Links:
    """Makes and reads links. `secret` is the site's own; `prefix` is where the web room answers."""

    def __init__(
        self, secret: str, base_url: str, hours: float = 24.0, prefix: str = "/page/"
    ) -> None:
        self._reader = URLSafeSerializer(secret, salt="liftwatch.page.v1")
        # The key is derived once, not for each page: that took longer than signing with it.
        derived = self._reader.make_signer().derive_key()
        self._signer = Signer(derived, key_derivation="none")
        self._front = base_url.rstrip("/") + prefix
        self._life_ms = round(hours * 3_600_000)

    def token(self, alert_id: int, contact: str, now_ms: int) -> str:
        """Return the signed token. The expiry is inside, since nobody here reads a clock."""
        claim = orjson.dumps([alert_id, contact, now_ms + self._life_ms])
        # What `URLSafeSerializer.dumps` writes, but for its attempt to make 40 bytes shorter.
        return self._signer.sign(base64_encode(claim)).decode()

    def url(self, alert_id: int, contact: str, now_ms: int) -> str:
        """Return the whole address for a page."""
        return self._front + self.token(alert_id, contact, now_ms)

    def read(self, token: str, now_ms: int) -> LinkClaim | Text:
        """Return what the token proves, or in words why it proves nothing."""
        try:
            alert_id, contact, until_ms = self._reader.loads(token)
        except (BadSignature, ValueError, TypeError):
            return Text(
                "链接无效，请用通知中的原链接", "this link is not valid: use the one you got"
            )
        if now_ms >= until_ms:
            return Text("链接已过期，请登录操作", "this link has expired: sign in instead")
        return LinkClaim(int(alert_id), str(contact))
