"""Passwords of gateways, and how the brokers keep them.

Ours are 192 random bits: there is nothing to guess, so the brokers' own small work factors do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets

# As mosquitto_passwd of mosquitto 2 makes them: PBKDF2-HMAC-SHA512, 12 bytes of salt, 64 of key.
ROUNDS, SALT, KEY = 101, 12, 64
RABBITMQ_ALGORITHM = "rabbit_password_hashing_sha256"


def new_password() -> str:
    """Return 32 characters of 192 random bits."""
    return secrets.token_urlsafe(24)


def mosquitto_hash(password: str, salt: bytes | None = None, rounds: int = ROUNDS) -> str:
    """Return `$7$rounds$salt$key` as it stands in a mosquitto password file."""
    salt = os.urandom(SALT) if salt is None else salt
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, KEY)
    return "$".join(["", "7", str(rounds), *(base64.b64encode(x).decode() for x in (salt, key))])


def mosquitto_fits(password: str, stored: str) -> bool:
    """Return whether a password gives this hash; False for one we cannot read."""
    parts = stored.split("$")
    if len(parts) != 5 or parts[1] != "7":
        return False
    try:
        again = mosquitto_hash(password, base64.b64decode(parts[3]), int(parts[2]))
    except ValueError:
        return False
    return hmac.compare_digest(again, stored)


def rabbitmq_hash(password: str, salt: bytes | None = None) -> str:
    """Return base64(salt + SHA-256(salt + password)), 4 bytes of salt: RabbitMQ's definitions."""
    salt = os.urandom(4) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
