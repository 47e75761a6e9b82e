"""The credentials of gateways as rows: who has which, until when, and which are good now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from alerts.database.registry_tables import credential

PASSWORD, CERTIFICATE = "password", "certificate"


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential; its user at the broker is its own, so that two may overlap."""

    id: int
    gateway: str
    username: str
    kind: str
    mosquitto_hash: str | None
    rabbitmq_hash: str | None
    serial: str | None
    fingerprint: str | None
    created_ms: int
    created_by: str
    expires_ms: int | None
    ends_ms: int | None
    revoked_ms: int | None
    reason: str | None

    @property
    def last_ms(self) -> int | None:
        """When it stops being good by itself: its expiry or the end of an overlap."""
        times = [at for at in (self.expires_ms, self.ends_ms) if at is not None]
        return min(times) if times else None

    def state(self, now_ms: int) -> str:
        """Return good, ending (replaced, in its overlap), expired, ended or revoked."""
        if self.revoked_ms is not None:
            return "revoked"
        if self.expires_ms is not None and self.expires_ms <= now_ms:
            return "expired"
        if self.ends_ms is not None:
            return "ended" if self.ends_ms <= now_ms else "ending"
        return "good"

    def good(self, now_ms: int) -> bool:
        """True while a broker is to let it in."""
        return self.state(now_ms) in ("good", "ending")

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """Return it for API and commands: no hash."""
        return {
            "username": self.username,
            "gateway": self.gateway,
            "kind": self.kind,
            "state": self.state(now_ms),
            "serial": self.serial,
            "fingerprint": self.fingerprint,
            "created_ms": self.created_ms,
            "created_by": self.created_by,
            "expires_ms": self.expires_ms,
            "ends_ms": self.ends_ms,
            "revoked_ms": self.revoked_ms,
            "reason": self.reason,
        }


def read_credentials(conn: Connection, gateway: str | None = None) -> list[Credential]:
    """Return all credentials, or those of one gateway, in order of making."""
    query = select(credential).order_by(credential.c.id)
    if gateway is not None:
        query = query.where(credential.c.gateway == gateway)
    return [Credential(**row) for row in conn.execute(query).mappings()]


def next_username(conn: Connection, gateway: str) -> str:
    """Return the user name of a gateway's next credential: its id, then id@2, id@3 …

    `@` cannot be in a gateway's id, so none of them is ever another gateway's.
    """
    taken = {
        name
        for name in conn.execute(
            select(credential.c.username).where(credential.c.gateway == gateway)
        ).scalars()
    }
    if gateway not in taken:
        return gateway
    return next(name for n in range(2, 10**6) if (name := f"{gateway}@{n}") not in taken)


def add_credential(conn: Connection, **values: Any) -> None:
    """Write a new row."""
    conn.execute(insert(credential).values(values))


def end_credentials(conn: Connection, ids: list[int], **values: Any) -> None:
    """Change these rows: an overlap's end, a revocation."""
    conn.execute(update(credential).where(credential.c.id.in_(ids)).values(values))
