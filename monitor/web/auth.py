"""Who may sign in: users and their roles, kept in the table `app_user`.

There is no default password anywhere. Accounts are made and changed by monitor.admin.accounts.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, select, update

from alerts.database.access import reading, writing
from alerts.database.tables import app_user
from alerts.model import Actor, Role
from monitor.web.passwords import nobody, verify_password
from monitor.web.sessions import password_mark

NAME = re.compile(r"[\w.@-]{1,64}")
ROLES = (Role.OPERATOR, Role.FIRM, Role.ADMIN, Role.VIEWER)
_REMEMBERED = 256
_REMEMBER_S = 60.0


@dataclass(frozen=True, slots=True)
class User:
    """One account. `unit` is set for a firm and binds it to its lifts and alerts.

    Equal are those with the same rights and the same password; when they signed in does not count.
    """

    name: str
    role: Role
    unit: str | None
    password_hash: str
    generation: int = 0
    locked_ms: int | None = None
    signed_in_ms: int | None = field(default=None, compare=False)
    created_ms: int = 0
    via: str = ""
    """The name of the token that speaks for this account, if one does."""

    @property
    def locked(self) -> bool:
        """True while an administrator keeps this account from signing in."""
        return self.locked_ms is not None

    @property
    def mark(self) -> str:
        """What a session of this account carries; another password or generation ends it."""
        return password_mark(
            f"{self.generation}:{self.password_hash}" if self.generation else self.password_hash
        )

    @property
    def scope(self) -> str | None:
        """The unit whose things this user may see; None = everything."""
        return self.unit if self.role is Role.FIRM else None

    @property
    def actor(self) -> Actor:
        """This user as the alert desk and the journal know it, with the token's name."""
        return Actor(f"{self.name} ({self.via})" if self.via else self.name, self.role, self.unit)


def find_user(engine: Engine, name: str) -> User | None:
    """Return an account, or None."""
    with reading(engine) as connection:
        row = connection.execute(select(app_user).where(app_user.c.name == name)).one_or_none()
    return _user(row) if row else None


def _user(row: Any) -> User:
    return User(
        row.name, Role(row.role), row.unit, row.password_hash, row.generation, row.locked_ms,
        row.signed_in_ms, row.created_ms,
    )  # fmt: skip


def note_sign_in(engine: Engine, user: User, now_ms: int) -> None:
    """Remember when somebody last signed in, to the minute."""
    if user.signed_in_ms is None or abs(now_ms - user.signed_in_ms) >= 60_000:
        with writing(engine) as connection:
            statement = update(app_user).where(app_user.c.name == user.name)
            connection.execute(statement.values(signed_in_ms=now_ms))


def check_password(engine: Engine, name: str, password: str) -> User | None:
    """Return the account when name and password fit; takes as long when they do not."""
    user = find_user(engine, name)
    fits = verify_password(password, user.password_hash if user else nobody())
    return user if user and fits and not user.locked else None


class Remembered:
    """Basic credentials verified within the last minute.

    A program that reads the API every second would otherwise keep a core busy with scrypt. Kept
    are keyed digests, never passwords; a changed password has another hash and so misses.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def _digest(self, user: User, password: str) -> bytes:
        message = "\0".join((user.name, user.password_hash, password)).encode()
        return hmac.new(self._key, message, hashlib.sha256).digest()

    def knows(self, user: User, password: str, now_s: float) -> bool:
        """Return whether exactly these were verified less than a minute ago."""
        with self._lock:
            return self._until.get(self._digest(user, password), 0.0) > now_s

    def remember(self, user: User, password: str, now_s: float) -> None:
        """Note that these were verified now."""
        with self._lock:
            self._until[self._digest(user, password)] = now_s + _REMEMBER_S
            while len(self._until) > _REMEMBERED:
                self._until.popitem(last=False)
