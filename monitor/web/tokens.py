"""Tokens of the API: a name, an owner, a scope and an end.

A token is `lw_<number>_<secret>`: the prefix lets scanners of leaked secrets find it, the number
finds its row, and of the secret (192 random bits) only a hash is kept. It never reaches further
than its owner does at that moment, and only as far as its scope: `read` reads, `act` takes the
steps its owner may take, `admin` does what administrators do, `admin:PART` only that in one part
of the API (a tag of the OpenAPI document).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, case, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.tables import app_user
from alerts.database.token_tables import api_token
from alerts.journal.journal import Line, append
from alerts.model import Actor, Role
from config.errors import ConfigError
from config.text import Text

PREFIX = "lw_"
READ, ACT, ADMIN = "read", "act", "admin"
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
DAY_MS = 86_400_000
_FILE = "token"
MOST = 100
"""Living tokens of one owner."""
USED_EVERY_MS = 60_000
"""`used_ms` is written this often at most: a program that reads each second writes nothing."""
_TOKEN = re.compile(r"lw_([0-9a-f]{12})_([\w-]{32})")
_PART = re.compile(r"admin:[a-z_]{1,32}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; never its secret."""

    id: int
    number: str
    owner: str
    name: str
    scope: frozenset[str]
    created_ms: int
    created_by: str
    expires_ms: int
    used_ms: int | None
    used_from: str | None
    revoked_ms: int | None
    revoked_by: str | None

    def state(self, now_ms: int) -> str:
        """Return good, expired or revoked."""
        if self.revoked_ms is not None:
            return "revoked"
        return "good" if now_ms < self.expires_ms else "expired"

    def may_act(self, part: str) -> bool:
        """Return whether it may change something in a part of the API."""
        return ACT in self.scope or self.may_admin(part)

    def may_admin(self, part: str) -> bool:
        """Return whether it may do there what only administrators may."""
        return ADMIN in self.scope or f"{ADMIN}:{part}" in self.scope

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """Return the token as the API tells it."""
        return {
            "id": self.id,
            "prefix": f"{PREFIX}{self.number}",
            "owner": self.owner,
            "name": self.name,
            "scope": in_order(self.scope),
            "state": self.state(now_ms),
            "created_ms": self.created_ms,
            "created_by": self.created_by,
            "expires_ms": self.expires_ms,
            "used_ms": self.used_ms,
            "used_from": self.used_from,
            "revoked_ms": self.revoked_ms,
            "revoked_by": self.revoked_by,
        }


def in_order(scope: frozenset[str]) -> list[str]:
    """Return the words of a scope: read, act, admin, then the parts."""
    first = [word for word in (READ, ACT, ADMIN) if word in scope]
    return first + sorted(scope - {READ, ACT, ADMIN})


def scope_of(
    words: Sequence[str], role: Role, parts: Sequence[str] | None = None
) -> frozenset[str]:
    """Return a scope; `read` is always in it. `parts`: those there are, None = not known here.

    Raises ConfigError for an unknown word, or for more than the role of its owner reaches.
    """
    for word in words:
        known = word in (READ, ACT, ADMIN) or _PART.fullmatch(word)
        if not known or (":" in word and parts is not None and word.partition(":")[2] not in parts):
            told = "read | act | admin" + "".join(f" | admin:{part}" for part in parts or ["PART"])
            raise ConfigError(_FILE, "scope", word, Text(f"可用：{told}", f"one of {told}"))
        reach = {Role.ADMIN: (READ, ACT, ADMIN), Role.VIEWER: (READ,)}.get(role, (READ, ACT))
        if word.partition(":")[0] not in reach:
            told = " | ".join(reach)
            text = Text(
                f"令牌的范围不能大于其账号：{role} 只能用 {told}",
                f"a token reaches no further than its owner: {told} for {role}",
            )
            raise ConfigError(_FILE, "scope", word, text)
    return frozenset(words) | {READ}


def make(
    engine: Engine,
    owner: str,
    name: str,
    words: Sequence[str],
    days: int,
    actor: Actor,
    now_ms: int,
    *,
    longest: int,
    parts: Sequence[str] | None = None,
) -> tuple[Token, str]:
    """Make a token for an account; return it and its text, which is told this once.

    Raises ConfigError naming the field for an unknown owner, a bad or taken name, a scope that is
    too wide, too long a life, or too many tokens.
    """
    if not NAME.fullmatch(name) or not name.strip():
        raise ConfigError(_FILE, "name", name, Text("1–64 个字符", "1–64 characters"))
    if not 1 <= days <= longest:
        text = Text(f"1–{longest} 天（web.token_days）", f"1–{longest} days (web.token_days)")
        raise ConfigError(_FILE, "days", days, text)
    number, secret = secrets.token_hex(6), secrets.token_urlsafe(24)
    with writing(engine) as conn:
        role = conn.execute(select(app_user.c.role).where(app_user.c.name == owner)).scalar()
        if role is None:
            raise ConfigError(
                _FILE, "owner", owner, Text("没有这个账号", "there is no such account")
            )
        scope = scope_of(words, Role(role), parts)
        living = (api_token.c.owner == owner) & api_token.c.revoked_ms.is_(None)
        names = conn.execute(
            select(api_token.c.name).where(living & (api_token.c.expires_ms > now_ms))
        ).scalars().all()  # fmt: skip
        if name in names:
            text = Text("已有同名令牌：请换名或先吊销", "is taken: take another or revoke that")
            raise ConfigError(_FILE, "name", name, text)
        if len(names) >= MOST:
            text = Text(f"最多 {MOST} 个：请先吊销不用的", f"{MOST} at most: revoke some")
            raise ConfigError(_FILE, "owner", owner, text)
        row: dict[str, Any] = {
            "number": number,
            "owner": owner,
            "name": name,
            "scope": " ".join(in_order(scope)),
            "hash": _digest(secret),
            "created_ms": now_ms,
            "created_by": actor.name,
            "expires_ms": now_ms + days * DAY_MS,
        }
        key = conn.execute(insert(api_token).values(row)).inserted_primary_key
        told = {"what": "made", "token": number, "owner": owner, "name": name}
        told |= {"scope": row["scope"], "expires_ms": row["expires_ms"]}
        append(conn, now_ms, [Line(None, "token", actor, told)])
    made = _token({**row, "id": key[0] if key else 0} | dict.fromkeys(_LATER))
    return made, f"{PREFIX}{number}_{secret}"


_LATER = ("used_ms", "used_from", "revoked_ms", "revoked_by")


def revoke(engine: Engine, token: Token, actor: Actor, now_ms: int) -> bool:
    """End a token at once. Returns False when somebody had done so before."""
    with writing(engine) as conn:
        mine = (api_token.c.id == token.id) & api_token.c.revoked_ms.is_(None)
        values = {"revoked_ms": now_ms, "revoked_by": actor.name}
        if conn.execute(update(api_token).where(mine).values(values)).rowcount != 1:
            return False
        told = {"what": "revoked", "token": token.number, "owner": token.owner, "name": token.name}
        append(conn, now_ms, [Line(None, "token", actor, told)])
    return True


def find(engine: Engine, ident: int, owner: str | None = None) -> Token | None:
    """Return a token by its id, or None; with `owner` only one of theirs."""
    query = select(api_token).where(api_token.c.id == ident)
    with reading(engine) as conn:
        row = conn.execute(query).mappings().one_or_none()
    found = _token(dict(row)) if row else None
    return found if found and owner in (None, found.owner) else None


def tokens(
    engine: Engine,
    owner: str | None = None,
    before: int | None = None,
    limit: int = 500,
    good_at_ms: int | None = None,
) -> list[Token]:
    """Return tokens, the newest first: of one owner or of all, with ids below `before`.

    With `good_at_ms` those that are good then come before all others.
    """
    order: list[ColumnElement[Any]] = [api_token.c.id.desc()]
    if good_at_ms is not None:
        good = and_(api_token.c.revoked_ms.is_(None), api_token.c.expires_ms > good_at_ms)
        order.insert(0, case((good, 0), else_=1))
    query = select(api_token).order_by(*order).limit(limit)
    if owner is not None:
        query = query.where(api_token.c.owner == owner)
    if before is not None:
        query = query.where(api_token.c.id < before)
    with reading(engine) as conn:
        return [_token(dict(row)) for row in conn.execute(query).mappings()]


def check(engine: Engine, text: str) -> Token | None:
    """Return the token of a text, whatever its state; None for one that was never given out."""
    parts = _TOKEN.fullmatch(text)
    if parts is None:
        return None
    with reading(engine) as conn:
        query = select(api_token).where(api_token.c.number == parts[1])
        row = conn.execute(query).mappings().one_or_none()
    kept = row["hash"] if row else "0" * 64
    fits = hmac.compare_digest(_digest(parts[2]), kept)
    return _token(dict(row)) if row and fits else None


def used(engine: Engine, token: Token, address: str, now_ms: int) -> None:
    """Note that a token was used, once a minute at most."""
    if token.used_ms is not None and 0 <= now_ms - token.used_ms < USED_EVERY_MS:
        return
    with writing(engine) as conn:
        values = {"used_ms": now_ms, "used_from": address}
        conn.execute(update(api_token).where(api_token.c.id == token.id).values(values))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: dict[str, Any]) -> Token:
    named = {key: row[key] for key in Token.__slots__}
    return Token(**named | {"scope": frozenset(row["scope"].split())})
