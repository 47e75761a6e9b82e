"""The site's own secret, made at the first start and kept in the data folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from py_vapid import Vapid02  # type: ignore[import-untyped]

from config.errors import ConfigError
from config.text import Text
from monitor.broker import write_private

LENGTH = 32
VAPID = "vapid.pem"


def load_secret(folder: Path) -> bytes:
    """Return 32 random bytes, the same over restarts. Raises ConfigError for a damaged file."""
    file = folder / "secret.key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_private(file, secrets.token_hex(LENGTH))
    try:
        secret = bytes.fromhex(file.read_text("utf-8").strip())
    except ValueError:
        secret = b""
    if len(secret) != LENGTH:
        way_out = Text(
            "文件损坏；删除后会生成新的（已发出的链接与登录将失效）",
            "damaged; remove it for a new one (links and sign-ins given out end)",
        )
        raise ConfigError(file, "secret", "(secret)", way_out)
    return secret


def load_vapid(folder: Path) -> Vapid02:
    """Return the pair of keys by which push services know this site (RFC 8292).

    Made at the first start and kept beside the secret: browsers bind their subscription to it, so
    another pair ends them all. Raises ConfigError for a damaged file.
    """
    file = folder / VAPID
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = Vapid02()
        fresh.generate_keys()
        write_private(file, fresh.private_pem().decode())
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        way_out = Text(
            "文件损坏；删除后会生成新的（已开启的推送须重新开启）",
            "damaged; remove it for a new one (whoever had push on switches it on again)",
        )
        raise ConfigError(file, "vapid", "(secret)", way_out)
    return Vapid02(key)
