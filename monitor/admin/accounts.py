"""Accounts as administrators keep them, on the console and at the command line.

People set their own password by a link that works once; who has the machine may also type one. The
last administrator who can sign in can be neither locked, demoted nor removed. Whoever is locked,
removed or given other work is pushed to no more. Every change stands in the journal; links and
passwords do not.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.admin_tables import invitation
from alerts.database.tables import app_user
from alerts.database.token_tables import api_token
from alerts.journal.journal import Line, append
from alerts.model import Actor, Role
from alerts.notify.subscriptions import end_of_account
from config.errors import ConfigError
from config.text import Text
from monitor.web.auth import NAME, ROLES
from monitor.web.passwords import hash_password

GOOD_FOR_MS = 72 * 3_600_000


@dataclass
class Accounts:
    """Reads and changes accounts. `units`: ids of maintenance firms, for accounts of role firm.

    `push_changed` is called after subscriptions to push may have ended.
    """

    engine: Engine
    clock: Callable[[], int]
    units: frozenset[str]
    push_changed: Callable[[], None] = field(default=lambda: None)

    def listed(self) -> list[dict[str, Any]]:
        """Return all accounts by name: role, unit, created, last signed in, locked, invited."""
        now_ms = self.clock()
        with reading(self.engine) as conn:
            rows = conn.execute(select(app_user).order_by(app_user.c.name)).mappings().all()
            open_ = {
                row.name: row.expires_ms
                for row in conn.execute(
                    select(invitation.c.name, invitation.c.expires_ms).where(
                        invitation.c.ended_ms.is_(None), invitation.c.expires_ms > now_ms
                    )
                )
            }
        keys = ("name", "role", "unit", "created_ms", "signed_in_ms", "locked_ms")
        return [
            {key: row[key] for key in keys} | {"invited_until_ms": open_.get(row["name"])}
            for row in rows
        ]

    def add(self, name: str, password: str, role: str, unit: str | None, actor: Actor) -> None:
        """Make an account with a password. Raises ConfigError."""
        self._check(name, role, unit)
        now_ms, hashed = self.clock(), _hashed(password)
        with writing(self.engine) as conn:
            _insert(conn, name, role, unit, hashed, now_ms)
            _say(conn, now_ms, actor, "added", name, None, {"role": role, "unit": unit or None})

    def invite(self, name: str, role: str, unit: str | None, actor: Actor) -> str:
        """Make an account nobody can sign in to yet; return the token of its invitation."""
        self._check(name, role, unit)
        token, now_ms, hashed = secrets.token_urlsafe(24), self.clock(), _unknown()
        with writing(self.engine) as conn:
            _insert(conn, name, role, unit, hashed, now_ms)
            self._invite(conn, name, token, actor, now_ms)
            _say(conn, now_ms, actor, "invited", name, None, {"role": role, "unit": unit or None})
        return token

    def reset(self, name: str, actor: Actor) -> str:
        """Take an account's password away and end its sessions; return a token for a new one."""
        token, now_ms, hashed = secrets.token_urlsafe(24), self.clock(), _unknown()
        with writing(self.engine) as conn:
            row = _known(conn, name)
            self._keep_an_admin(conn, row)
            conn.execute(_of(name).values(password_hash=hashed))
            self._invite(conn, name, token, actor, now_ms)
            _say(conn, now_ms, actor, "reset", name, None, None)
        return token

    def set_role(self, name: str, role: str, unit: str | None, actor: Actor) -> None:
        """Give an account another role; its sessions end, and pushes if anything has changed."""
        self._check(name, role, unit)
        now_ms = self.clock()
        with writing(self.engine) as conn:
            row = _known(conn, name)
            if role != Role.ADMIN:
                self._keep_an_admin(conn, row)
            before = {"role": row["role"], "unit": row["unit"]}
            after = {"role": role, "unit": unit or None}
            more = {"generation": row["generation"] + 1}
            conn.execute(_of(name).values(**after, **more))
            _say(conn, now_ms, actor, "role", name, before, after)
            if after != before:
                end_of_account(conn, name, "role changed", now_ms, actor)
        self.push_changed()

    def lock(self, name: str, locked: bool, actor: Actor) -> None:
        """Keep an account from signing in, at once, or let it in again. A lock ends its pushes."""
        now_ms = self.clock()
        with writing(self.engine) as conn:
            row = _known(conn, name)
            if locked:
                self._keep_an_admin(conn, row)
            was = row["locked_ms"] is not None
            if was != locked:
                more = {"generation": row["generation"] + 1}
                conn.execute(_of(name).values(locked_ms=now_ms if locked else None, **more))
                _say(conn, now_ms, actor, "locked", name, {"locked": was}, {"locked": locked})
            if locked:
                end_of_account(conn, name, "account locked", now_ms, actor)
        self.push_changed()

    def end_sessions(self, name: str, actor: Actor) -> None:
        """Sign an account out everywhere."""
        now_ms = self.clock()
        with writing(self.engine) as conn:
            row = _known(conn, name)
            conn.execute(_of(name).values(generation=row["generation"] + 1))
            _say(conn, now_ms, actor, "sessions_ended", name, None, None)

    def remove(self, name: str, actor: Actor) -> None:
        """Delete an account; what it did stays in the journal."""
        now_ms = self.clock()
        with writing(self.engine) as conn:
            row = _known(conn, name)
            self._keep_an_admin(conn, row)
            # Whoever is given this name later must not inherit its tokens, pages or invitations.
            conn.execute(delete(api_token).where(api_token.c.owner == name))
            end_of_account(conn, name, "account removed", now_ms, actor)
            conn.execute(delete(app_user).where(app_user.c.name == name))
            _end(conn, name, now_ms)
            _say(conn, now_ms, actor, "removed", name, {"role": row["role"]}, None)
        self.push_changed()

    def invited(self, token: str) -> str | None:
        """Return whose invitation this is, None when it is used, old or none of ours."""
        with reading(self.engine) as conn:
            return _whose(conn, token, self.clock())

    def accept(self, token: str, password: str) -> str:
        """Set the password of an invitation, once; return the name. Raises ConfigError."""
        now_ms, hashed = self.clock(), _hashed(password)
        with writing(self.engine) as conn:
            name = _whose(conn, token, now_ms)
            if name is None:
                raise _no(
                    "token", "…", "链接已用过或过期：请让管理员再发一个",
                    "the link was used or is too old: ask an administrator for another",
                )  # fmt: skip
            row = _known(conn, name)
            _set(conn, row, hashed, Actor(name, Role(row["role"]), row["unit"]), now_ms)
        return name

    def set_password(self, name: str, password: str, actor: Actor) -> None:
        """Set an account's password; its sessions and invitations end. Raises ConfigError."""
        now_ms, hashed = self.clock(), _hashed(password)
        with writing(self.engine) as conn:
            _set(conn, _known(conn, name), hashed, actor, now_ms)

    def _check(self, name: str, role: str, unit: str | None) -> None:
        if not NAME.fullmatch(name):
            raise _no(
                "name", name, "1–64 位字母、数字或 . _ @ -", "1–64 letters, digits or . _ @ -"
            )
        if role not in ROLES:
            known = " | ".join(ROLES)
            raise _no("role", role, f"应为 {known}", f"one of {known}")
        if (role == Role.FIRM) != bool(unit):
            raise _no("unit", unit or "", "维保账号须选单位，其他角色不填",
                      "needed for role firm, and only there")  # fmt: skip
        if unit and unit not in self.units:
            known = " | ".join(sorted(self.units)[:12])
            raise _no("unit", unit, f"应为 {known}", f"one of {known}")

    def _invite(self, conn: Connection, name: str, token: str, actor: Actor, now_ms: int) -> None:
        _end(conn, name, now_ms)
        row = {"name": name, "created_ms": now_ms, "created_by": actor.name}
        more = {"token_hash": _digest(token), "expires_ms": now_ms + GOOD_FOR_MS}
        conn.execute(insert(invitation).values(**row, **more))

    def _keep_an_admin(self, conn: Connection, row: Any) -> None:
        """Refuse what would leave nobody who can administer."""
        if row["role"] != Role.ADMIN or row["locked_ms"] is not None:
            return
        invited = select(invitation.c.name).where(invitation.c.ended_ms.is_(None))
        others = select(func.count()).where(
            app_user.c.role == Role.ADMIN,
            app_user.c.locked_ms.is_(None),
            app_user.c.name != row["name"],
            app_user.c.name.not_in(invited),
        )
        if not conn.execute(others).scalar():
            raise _no(
                "name", row["name"], "这是最后一位可登录的管理员：请先让另一位管理员可以登录",
                "is the last administrator who can sign in: let another one sign in first",
            )  # fmt: skip


def _unknown() -> str:
    """The hash of a password nobody knows: it is checked as slowly as any other."""
    return hash_password(secrets.token_urlsafe(32))


def _hashed(password: str) -> str:
    try:
        return hash_password(password)
    except ValueError:
        raise _no("password", "…", "口令至少 10 个字符", "has at least 10 characters") from None


def _digest(token: str) -> str:
    return hashlib.sha256(b"invitation\0" + token.encode()).hexdigest()


def _of(name: str) -> Any:
    return update(app_user).where(app_user.c.name == name)


def _find(conn: Connection, name: str) -> Any:
    return conn.execute(select(app_user).where(app_user.c.name == name)).mappings().first()


def _insert(
    conn: Connection, name: str, role: str, unit: str | None, hashed: str, now_ms: int
) -> None:
    if _find(conn, name) is not None:
        raise _no("name", name, "用户名已存在", "is taken: choose another")
    row = {"name": name, "role": role, "unit": unit or None, "created_ms": now_ms}
    conn.execute(insert(app_user).values(**row, password_hash=hashed))


def _set(conn: Connection, row: Any, hashed: str, actor: Actor, now_ms: int) -> None:
    name, values = row["name"], {"password_hash": hashed, "generation": row["generation"] + 1}
    conn.execute(_of(name).values(**values))
    _end(conn, name, now_ms)
    _say(conn, now_ms, actor, "password_set", name, None, None)


def _known(conn: Connection, name: str) -> Any:
    row = _find(conn, name)
    if row is None:
        raise _no("name", name, "没有这个账号", "there is no such account")
    return row


def _whose(conn: Connection, token: str, now_ms: int) -> str | None:
    return conn.execute(
        select(invitation.c.name).where(
            invitation.c.token_hash == _digest(token),
            invitation.c.ended_ms.is_(None),
            invitation.c.expires_ms > now_ms,
        )
    ).scalar()


def _end(conn: Connection, name: str, now_ms: int) -> None:
    open_ = (invitation.c.name == name) & invitation.c.ended_ms.is_(None)
    conn.execute(update(invitation).where(open_).values(ended_ms=now_ms))


def _say(
    conn: Connection, now_ms: int, actor: Actor, what: str, name: str, before: Any, after: Any
) -> None:
    data = {"what": what, "account": name, "before": before, "after": after}
    append(conn, now_ms, [Line(None, "account", actor, data)])


def _no(key: str, value: str, zh: str, en: str) -> ConfigError:
    return ConfigError("accounts", key, value, Text(zh, en))
