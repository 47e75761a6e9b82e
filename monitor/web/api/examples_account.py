"""Examples of one's own account and its tokens."""

from __future__ import annotations

from typing import Any

TOKEN: dict[str, Any] = {
    "id": 3,
    "prefix": "lw_5f0c2a9be1d4",
    "owner": "wang",
    "name": "monthly report",
    "scope": ["read", "act"],
    "state": "good",
    "created_ms": 1790000000000,
    "created_by": "wang",
    "expires_ms": 1797776000000,
    "used_ms": 1790000060000,
    "used_from": "192.0.2.7",
    "revoked_ms": None,
    "revoked_by": None,
}
TOKEN_MADE = TOKEN | {"token": "lw_5f0c2a9be1d4_…"}
TOKEN_REVOKED = {
    "ok": True,
    "changed": True,
    "token": TOKEN | {"state": "revoked", "revoked_ms": 1790000120000, "revoked_by": "wang"},
}
ME = {"name": "wang", "role": "firm", "unit": "firm-a", "token": None}
PASSWORD_DONE = {
    "ok": True,
    "message": "the password is changed, and other sessions ended",
    "text": {"zh": "口令已更改，其他登录已结束", "en": "the password is changed, …"},
}
