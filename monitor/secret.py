"""The site's own secret, made at the first start and kept in the data folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from config.errors import ConfigError
from config.text import Text
from monitor.broker import write_private

LENGTH = 32


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
