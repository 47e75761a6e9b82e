"""Signatures of web hooks, out and in: HMAC-SHA256 with a shared secret.

Two headers go out. `X-Liftwatch-Signature` covers the raw body alone and stays for receivers that
have it. `X-Liftwatch-Signature-V2` covers `<timestamp>.<body>` with the timestamp of its own
header, so that what was recorded once is worth nothing later; what comes in must carry this one.
"""

from __future__ import annotations

import hashlib
import hmac

from config.text import Text

SIGNATURE = "X-Liftwatch-Signature"
TIMESTAMP = "X-Liftwatch-Timestamp"
SIGNATURE_V2 = "X-Liftwatch-Signature-V2"
TOLERANCE_S = 300  # either way; beyond it a clock is wrong or a recording is played


def sign(secret: str, body: bytes) -> str:
    """Return `sha256=<hex>`: HMAC-SHA256 of the raw body with the secret."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes, at_ms: int | None) -> dict[str, str]:
    """Return the headers that sign a body sent at `at_ms`; the plain one alone without a time."""
    headers = {SIGNATURE: sign(secret, body)}
    if at_ms is not None:
        stamp = str(at_ms // 1000)
        headers |= {TIMESTAMP: stamp, SIGNATURE_V2: sign(secret, _stamped(stamp, body))}
    return headers


def check(
    secret: str, body: bytes, stamp: str | None, signature: str | None, now_ms: int
) -> Text | None:
    """Return None when the signature with timestamp holds, else in words why it does not."""
    if not stamp or not signature:
        return Text(
            f"缺少请求头 {TIMESTAMP} 或 {SIGNATURE_V2}",
            f"the header {TIMESTAMP} or {SIGNATURE_V2} is missing",
        )
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return Text(
            f"{TIMESTAMP} 应为 Unix 秒，例如 {now_ms // 1000}",
            f"{TIMESTAMP} is Unix seconds such as {now_ms // 1000}",
        )
    if abs(now_ms / 1000 - int(stamp)) > TOLERANCE_S:
        return Text(
            f"{TIMESTAMP} 与本机时间相差超过 {TOLERANCE_S} 秒，请校时后重新签名",
            f"{TIMESTAMP} is more than {TOLERANCE_S} s off our clock: set yours and sign anew",
        )
    right = sign(secret, _stamped(stamp, body))
    if not hmac.compare_digest(right.encode(), signature.encode()):
        return Text(
            f"{SIGNATURE_V2} 与请求体不符：应为 HMAC-SHA256(密钥， “时间戳.请求体”)",
            f"{SIGNATURE_V2} does not fit: it is HMAC-SHA256(secret, '<timestamp>.<body>')",
        )
    return None


def _stamped(stamp: str, body: bytes) -> bytes:
    return stamp.encode() + b"." + body
