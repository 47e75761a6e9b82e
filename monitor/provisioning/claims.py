"""Claim codes: an operator makes one, a gateway brings it and gets its credential. Once.

A code has 50 random bits, lives for an hour or so, and only a keyed hash of it is kept; guessing
is slowed down where it is asked (monitor/web/api/claim.py). A device whose answer was lost asks
again with the nonce it chose: within ten minutes that gets it a fresh credential, and the one it
never saw is revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.registry_tables import claim
from alerts.journal.journal import Line, append
from alerts.model import Actor, Role
from config.errors import ConfigError
from config.text import Text
from devices.codecs.routes import Rights
from devices.registry import NAME
from monitor.provisioning.credentials import end_credentials, read_credentials
from monitor.provisioning.issuer import Auth, Given, Issuer
from monitor.registry.registrar import Registrar

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
LENGTH = 10
ALIKE = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})
AGAIN_MS = 600_000
MINUTE_MS = 60_000
NO_SUCH = Text(
    "认领码无效、已用或已过期：请向值班台索取新码",
    "this code is unknown, used or over: ask the duty desk for a new one",
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim that was granted."""

    given: Given
    gateway: str
    again: bool
    rights: Rights


def new_code() -> str:
    """Return a code as people read it out: `7KQ2M-XA09T`."""
    raw = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{raw[:5]}-{raw[5:]}"


class Claims:
    """Makes and takes codes; `secret` keys their hashes."""

    def __init__(
        self,
        engine: Engine,
        issuer: Issuer,
        registrar: Registrar,
        clock: Callable[[], int],
        secret: bytes,
    ) -> None:
        self._engine, self._issuer, self._registrar = engine, issuer, registrar
        self._clock, self._secret = clock, secret

    def _hash(self, text: str) -> str:
        return hmac.new(self._secret, b"claim\0" + text.encode(), hashlib.sha256).hexdigest()

    def make(
        self,
        gateway: str,
        actor: Actor,
        minutes: float,
        *,
        vendor: str = "",
        place: str = "",
        lifts: Sequence[str] = (),
    ) -> tuple[str, int]:
        """Return a code for a gateway and when it ends; an older open one of it is withdrawn.

        The gateway need not be registered; it will be, with these lifts, when it claims.
        """
        if not NAME.fullmatch(gateway):
            right = Text("1–64 个字母、数字或 _.-", "1–64 letters, digits or _.-")
            raise ConfigError("claim", "gateway", gateway, right)
        known = {row["reg_code"] for row in self._registrar.files.read()["lifts.csv"]}
        for one in sorted(set(lifts) - known):
            raise ConfigError("claim", "lifts", one, Text("未登记", "is not registered"))
        code, now_ms = new_code(), self._clock()
        ends_ms = now_ms + round(minutes * MINUTE_MS)
        data = {"vendor": vendor, "place": place, "lifts": list(lifts)}
        row = {
            "code_hash": self._hash(plain(code)),
            "gateway": gateway,
            "data": orjson.dumps(data).decode(),
            "created_ms": now_ms,
            "created_by": actor.name,
            "expires_ms": ends_ms,
        }
        with writing(self._engine) as conn:
            older = claim.c.gateway == gateway, claim.c.used_ms.is_(None)
            conn.execute(
                update(claim)
                .where(*older, claim.c.withdrawn_ms.is_(None))
                .values(withdrawn_ms=now_ms)
            )
            conn.execute(insert(claim).values(row))
            told = {"what": "claim_made", "gateway": gateway, "expires_ms": ends_ms, **data}
            append(conn, now_ms, [Line(None, "provisioning", actor, told)])
        return code, ends_ms

    def take(
        self, code: str, nonce: str, address: str, auth: Auth, csr: str | None = None
    ) -> Claimed:
        """Exchange a code for a credential. Raises ConfigError; a wrong code says only that."""
        now_ms = self._clock()
        with writing(self._engine) as conn:
            row = self._open(conn, code, nonce, now_ms)
            gateway, data = row["gateway"], orjson.loads(row["data"])
            actor = Actor(f"claim {gateway}", Role.SYSTEM)
            again = row["used_ms"] is not None
            if again:
                self._take_back(conn, gateway, row["used_ms"], actor, now_ms)
            used = {"used_ms": row["used_ms"] or now_ms, "used_from": address[:64]}
            conn.execute(
                update(claim)
                .where(claim.c.id == row["id"])
                .values(**used, nonce_hash=self._hash(nonce))
            )
            given = self._issuer.give(
                gateway, auth, actor, csr=csr, conn=conn, embedded=self._issuer.embedded
            )
            told = {"what": "claimed", "gateway": gateway, "from": address, "again": again}
            append(conn, now_ms, [Line(None, "provisioning", actor, told)])
        self._issuer.publish()
        self._register(gateway, data, actor)
        return Claimed(given, gateway, again, self._issuer.rights(gateway))

    def _open(self, conn: Connection, code: str, nonce: str, now_ms: int) -> Mapping[str, Any]:
        """Return the claim this code is good for."""
        query = select(claim).where(claim.c.code_hash == self._hash(plain(code)))
        row = conn.execute(query).mappings().one_or_none()
        fits = (
            row is not None
            and row["withdrawn_ms"] is None
            and (
                now_ms < row["expires_ms"]
                if row["used_ms"] is None
                else now_ms < row["used_ms"] + AGAIN_MS
                and hmac.compare_digest(row["nonce_hash"] or "", self._hash(nonce))
            )
        )
        if row is None or not fits:
            raise ConfigError("claim", "code", "(secret)", NO_SUCH)
        return dict(row)

    @staticmethod
    def _take_back(conn: Connection, gateway: str, used_ms: int, actor: Actor, now_ms: int) -> None:
        """What this claim gave before was never received."""
        mine = [
            c.id
            for c in read_credentials(conn, gateway)
            if c.created_by == actor.name and c.created_ms >= used_ms and c.revoked_ms is None
        ]
        end_credentials(conn, mine, revoked_ms=now_ms, reason="claimed again")

    def _register(self, gateway: str, data: Mapping[str, Any], actor: Actor) -> None:
        registrar = self._registrar
        registrar.register_gateway(gateway, actor, data["vendor"], data["place"], missing_ok=True)
        rows = {row["reg_code"]: row for row in registrar.files.read()["lifts.csv"]}
        moving = [c for c in data["lifts"] if c in rows and rows[c]["gateway"] != gateway]
        if moving:
            registrar.move(moving, gateway, actor)

    def open_claims(self) -> list[dict[str, Any]]:
        """Return the codes that can still be used, without the codes."""
        query = select(claim).where(claim.c.used_ms.is_(None), claim.c.withdrawn_ms.is_(None))
        with reading(self._engine) as conn:
            rows = conn.execute(query.where(claim.c.expires_ms > self._clock())).mappings().all()
        keys = ("gateway", "created_ms", "created_by", "expires_ms")
        return [{k: row[k] for k in keys} | orjson.loads(row["data"]) for row in rows]


def plain(code: str) -> str:
    """Return a code as it is hashed: without dashes, case, or letters that look like digits."""
    return code.strip().upper().translate(ALIKE)[: 2 * LENGTH]
