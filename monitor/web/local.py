"""Tokens by which a command of this machine speaks to the running service.

Made from the site's own secret, which only who runs the service can read; whoever has it could
sign any session. A token names a person of the machine and is good for a minute.
"""

from __future__ import annotations

import hashlib
import hmac
import re

GOOD_FOR_S = 60
_NAME = re.compile(r"[\w.@() -]{1,64}")
_PREFIX = "local"


def make(secret: bytes, name: str, now_s: float) -> str:
    """Return a token for `name`."""
    body = f"{_PREFIX}:{int(now_s)}:{name}"
    return f"{body.encode().hex()}.{_sign(secret, body)}"


def read(secret: bytes, token: str, now_s: float) -> str | None:
    """Return whose token it is; None for a wrong or an old one."""
    raw, _, sign = token.partition(".")
    try:
        body = bytes.fromhex(raw).decode()
        prefix, made_s, name = body.split(":", 2)
        age_s = now_s - int(made_s)
    except (ValueError, UnicodeDecodeError):
        return None
    fresh = -5 <= age_s <= GOOD_FOR_S and prefix == _PREFIX and _NAME.fullmatch(name)
    return name if fresh and hmac.compare_digest(sign, _sign(secret, body)) else None


def _sign(secret: bytes, body: str) -> str:
    return hmac.new(secret, b"command line\0" + body.encode(), hashlib.sha256).hexdigest()
