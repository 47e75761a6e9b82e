"""Passwords as scrypt hashes (RFC 7914)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from functools import cache

LOG_N, R, P = 15, 8, 3
"""N = 2^15, r = 8, p = 3: 32 MiB; one of the settings of OWASP's password storage cheat sheet."""
MIN_LENGTH = 10
_MAX_LENGTH = 1024
_AT_ONCE = threading.BoundedSemaphore(2)
"""A flood of attempts then takes time, and not 32 MiB for each."""


def _derive(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    secret = password.encode()[:_MAX_LENGTH]
    with _AT_ONCE:
        return hashlib.scrypt(secret, salt=salt, n=1 << log_n, r=r, p=p, maxmem=1 << 27, dklen=32)


def hash_password(password: str) -> str:
    """Return `scrypt$log2 N$r$p$salt$key`. Raises ValueError for fewer than 10 characters."""
    if len(password) < MIN_LENGTH:
        raise ValueError(
            f"password: {len(password)} characters, at least {MIN_LENGTH} are needed"
            f" / 口令至少 {MIN_LENGTH} 个字符"
        )
    salt = os.urandom(16)
    key = _derive(password, salt, LOG_N, R, P)
    parts = [base64.b64encode(part).decode() for part in (salt, key)]
    return "$".join(["scrypt", str(LOG_N), str(R), str(P), *parts])


def verify_password(password: str, stored: str) -> bool:
    """Return whether `password` gives the stored key; False for an unreadable hash."""
    try:
        scheme, log_n, r, p, salt, key = stored.split("$")
        if scheme != "scrypt":
            return False
        derived = _derive(password, base64.b64decode(salt), int(log_n), int(r), int(p))
        return hmac.compare_digest(derived, base64.b64decode(key))
    except ValueError:
        return False


@cache
def nobody() -> str:
    """Return a hash no password fits.

    Verified against when a name is unknown, so that both answers take the same time.
    """
    return hash_password(base64.b64encode(os.urandom(16)).decode())
