"""Browsers that people have pushed to: subscribed, ended, and found by contact.

Nobody is pushed to who has not asked for it on that very device. A subscription belongs to an
account and names the contact of that account's unit whose pages it gets; the journal says who
subscribed as whom. It lasts as long as that account may see that unit's alerts. Addresses and keys
of a browser never leave the table.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.shift_tables import push_subscription as table
from alerts.database.tables import app_user
from alerts.directory.units import Directory
from alerts.journal import journal
from alerts.model import SYSTEM, Actor, Role
from config.text import Text

MOST: Final = 20
"""Browsers of one account; domain default. A firm's mechanics may share an account."""
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
DESK_KINDS: Final = ("operator", "bureau")
"""Kinds of unit whose people an account of the duty desk may stand for."""


class SubscriptionRefused(Exception):
    """What a browser sent is no subscription; `field` names what is wrong with it."""

    def __init__(self, name: str, text: Text, limit: str | None = None) -> None:
        self.field, self.text, self.limit = name, text, limit
        super().__init__(text.en)


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser's `PushSubscription.toJSON()` says."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def digest(self) -> str:
        """By what a browser is recognised."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()


def allowed(endpoint: str, services: tuple[str, ...]) -> bool:
    """True for an address at one of the push services a site allows.

    A service is a host name, `*.domain` for those below a domain, or, for trials on the machine
    itself, `http://127.0.0.1:PORT`; all others are asked by https alone.
    """
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    if parts.scheme == "http":
        return host in LOOPBACK and f"http://{parts.netloc}" in services
    if parts.scheme != "https" or port not in (None, 443):
        return False
    return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in services)


def checked(endpoint: str, p256dh: str, auth: str, services: tuple[str, ...]) -> Browser:
    """Return a browser's subscription. Raises SubscriptionRefused."""
    if len(endpoint) > 1000 or not allowed(endpoint, services):
        known = ", ".join(services) or "–"
        text = Text(
            f"endpoint：不是本站允许的推送服务，允许：{known}（notify.push.services）",
            f"endpoint: not one of the push services allowed here: {known} (notify.push.services)",
        )
        raise SubscriptionRefused("endpoint", text, known)
    for name, value, size in (("p256dh", p256dh, 65), ("auth", auth, 16)):
        raw = _bytes(value)
        if raw is None or len(raw) != size or (name == "p256dh" and raw[0] != 4):
            text = Text(
                f"{name}：应为 base64url 的 {size} 字节，由浏览器给出",
                f"{name}: {size} bytes in base64url, as the browser gives them",
            )
            raise SubscriptionRefused(name, text, f"{size} B")
    return Browser(endpoint, p256dh, auth)


def _bytes(value: str) -> bytes | None:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def may_have(book: Directory, contact: str, role: str, unit: str | None) -> bool:
    """True when an account of this role and unit may get this contact's pages: those of its own
    unit's people, at the duty desk those of the desk's. A viewer gets none."""
    known = book.contacts.get(contact)
    if known is None:
        return False
    if role == Role.FIRM:
        return known.unit == unit
    return role in (Role.OPERATOR, Role.ADMIN) and book.units[known.unit].kind in DESK_KINDS


def end_of_account(conn: Connection, account: str, why: str, now_ms: int, actor: Actor) -> int:
    """End all an account's subscriptions within the caller's transaction; returns how many.

    `Subscriptions.refresh` is due when that is committed.
    """
    return _end(conn, [table.c.account == account], why, now_ms, actor)


def _end(
    conn: Connection, which: list[ColumnElement[bool]], why: str, now_ms: int, actor: Actor
) -> int:
    standing = select(table.c.id).where(*which, table.c.ended_ms.is_(None)).order_by(table.c.id)
    ids = list(conn.execute(standing).scalars())
    # An address is a right to send: it goes with the subscription.
    values = {"ended_ms": now_ms, "ended_why": why, "endpoint": "", "p256dh": "", "auth": ""}
    conn.execute(update(table).where(table.c.id.in_(ids)).values(values))
    data = [{"subscription": ident, "why": why} for ident in ids]
    journal.append(conn, now_ms, [journal.Line(None, "push_off", actor, one) for one in data])
    return len(ids)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A subscription, and what its account was when it was read."""

    id: int
    role: str
    unit: str | None


@dataclass
class Subscriptions:
    """The table, and in memory whom it names: the desk asks for every page it writes.

    `directory` gives the directory as it is now.
    """

    engine: Engine
    services: tuple[str, ...]
    public_key: str
    """Of the site's VAPID pair, base64url: the browser binds its subscription to it."""
    directory: Callable[[], Directory]
    _by_contact: dict[str, tuple[_Standing, ...]] = field(default_factory=dict, init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)

    def open(self) -> Subscriptions:
        """Read whom the table names; before anything is paged."""
        self.refresh()
        return self

    def refresh(self) -> None:
        """Read again whom the table names: an account has changed."""
        with self._guard, reading(self.engine) as conn:
            self._read(conn)

    def _read(self, conn: Connection) -> None:
        query = (
            select(table.c.contact, table.c.id, app_user.c.role, app_user.c.unit)
            .join(app_user, app_user.c.name == table.c.account)
            .where(table.c.ended_ms.is_(None), app_user.c.locked_ms.is_(None))
            .order_by(table.c.id)
        )
        found: dict[str, list[_Standing]] = {}
        for contact, ident, role, unit in conn.execute(query):
            found.setdefault(contact, []).append(_Standing(ident, role, unit))
        self._by_contact = {contact: tuple(ones) for contact, ones in found.items()}

    def of(self, contact: str) -> tuple[int, ...]:
        """Return the browsers a contact's pages go to."""
        ones, book = self._by_contact.get(contact, ()), self.directory()
        return tuple(one.id for one in ones if may_have(book, contact, one.role, one.unit))

    def mine(self, account: str) -> list[dict[str, Any]]:
        """Return an account's standing subscriptions: id, contact, device, created_ms, service."""
        query = (
            select(table)
            .where(table.c.account == account, table.c.ended_ms.is_(None))
            .order_by(table.c.id)
        )
        with reading(self.engine) as conn:
            rows = conn.execute(query).mappings().all()
        return [
            {
                "id": row["id"],
                "contact": row["contact"],
                "device": row["device"],
                "created_ms": row["created_ms"],
                "service": urlsplit(row["endpoint"]).hostname,
            }
            for row in rows
        ]

    def subscribe(
        self, browser: Browser, actor: Actor, contact: str, device: str, now_ms: int
    ) -> int:
        """Have a contact's pages go to a browser as well; returns the subscription's id.

        The same browser again takes over what it had before. Raises SubscriptionRefused when an
        account has too many.
        """
        values = {
            "endpoint": browser.endpoint, "p256dh": browser.p256dh, "auth": browser.auth,
            "account": actor.name, "contact": contact, "device": device, "created_ms": now_ms,
            "ended_ms": None, "ended_why": None,
        }  # fmt: skip
        with self._guard, writing(self.engine) as conn:
            where = table.c.endpoint_hash == browser.digest
            known = conn.execute(select(table.c.id).where(where)).scalar()
            others = (table.c.account == actor.name, table.c.ended_ms.is_(None), ~where)
            if (conn.execute(select(func.count()).where(*others)).scalar() or 0) >= MOST:
                text = Text(
                    f"一个帐号最多 {MOST} 台设备，请先关闭其中一台",
                    f"an account has {MOST} devices at most: switch one of them off first",
                )
                raise SubscriptionRefused("account", text, str(MOST))
            if known is None:
                made = conn.execute(insert(table).values(endpoint_hash=browser.digest, **values))
                known = int((made.inserted_primary_key or (0,))[0])
            else:
                conn.execute(update(table).where(where).values(values))
            data = {"subscription": known, "contact": contact, "device": device}
            journal.append(conn, now_ms, [journal.Line(None, "push_on", actor, data)])
            self._read(conn)
        return int(known)

    def end(self, ident: int, why: str, now_ms: int, actor: Actor = SYSTEM) -> bool:
        """End a subscription and forget its address; False when it has ended before.

        `actor` other than the service itself ends only what is their own.
        """
        which = [table.c.id == ident]
        if actor is not SYSTEM:
            which.append(table.c.account == actor.name)
        with self._guard, writing(self.engine) as conn:
            ended = _end(conn, which, why, now_ms, actor)
            self._read(conn)
        return ended == 1

    def find(self, ident: int) -> Browser | None:
        """Return a standing subscription whose account may have its contact's pages now, else None.

        Asked when a page leaves: the account may have changed since, by another process, too.
        """
        query = (
            select(table, app_user.c.role, app_user.c.unit)
            .join(app_user, app_user.c.name == table.c.account)
            .where(
                table.c.id == ident, table.c.ended_ms.is_(None), app_user.c.locked_ms.is_(None)
            )
        )  # fmt: skip
        with reading(self.engine) as conn:
            row = conn.execute(query).first()
        if row is None or not may_have(self.directory(), row.contact, row.role, row.unit):
            self.refresh()  # what is in memory is older than the table
            return None
        return Browser(row.endpoint, row.p256dh, row.auth)
