"""Giving out, rotating and revoking credentials; the brokers' files follow.

A secret is returned once, by the call that made it, and is nowhere afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine

from alerts.database.access import reading, writing
from alerts.journal.journal import Line, append
from alerts.model import Actor
from config.errors import ConfigError
from config.replaced import replace_text
from config.settings import Settings
from config.text import Text
from devices.codecs import Routes, Setup, build_routes
from devices.codecs.routes import Rights
from devices.registry import NAME, Registry
from devices.vocabulary import load_vocabulary
from monitor.broker import write_private
from monitor.provisioning.authority import Authority
from monitor.provisioning.brokers import (
    SERVICE,
    embedded_entry,
    mosquitto_acl,
    mosquitto_passwords,
    ours,
    rabbitmq_definitions,
)
from monitor.provisioning.credentials import (
    CERTIFICATE,
    Credential,
    add_credential,
    end_credentials,
    next_username,
    read_credentials,
)
from monitor.provisioning.hashes import mosquitto_fits, mosquitto_hash, new_password, rabbitmq_hash

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
Auth = Literal["password", "certificate"]


@dataclass(frozen=True, slots=True)
class Given:
    """What a gateway gets, once: a password, or a certificate and its key."""

    gateway: str
    username: str
    kind: str
    expires_ms: int | None
    password: str | None = None
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None

    def __repr__(self) -> str:
        """Without what must not be logged."""
        return f"Given({self.gateway}, {self.username}, {self.kind})"


def routes_of(settings: Settings) -> Routes:
    """Return what the settings switch on, for a site without lifts. Raises ConfigError."""
    setup = Setup(Registry([], []), load_vocabulary(), settings.site.folder, settings.ingest)
    return build_routes(setup)


def _same(routes: Routes) -> Routes:
    return routes


class Issuer:
    """All of it for one site."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        clock: Callable[[], int],
        routes: Callable[[], Routes] | None = None,
    ) -> None:
        """`routes`: what is switched on now; without it, what the settings say. Raises ConfigError
        where those name a mapping that is wrong, before anything is given out."""
        self._engine, self._settings, self._clock = engine, settings, clock
        self._routes = routes or partial(_same, routes_of(settings))
        self.folder = settings.provisioned
        self.embedded = settings.mqtt.url == "embedded"  # a running service's is an address
        self.authority = Authority(settings.data_dir / "ca")

    def rights(self, gateway: str) -> Rights:
        """Return what a gateway may do at the broker: ours, and every format switched on."""
        return ours(gateway) + self._routes().rights(gateway)

    def give(
        self,
        gateway: str,
        auth: Auth,
        actor: Actor,
        *,
        days: int | None = None,
        csr: str | None = None,
        embedded: bool = False,
        conn: Connection | None = None,
    ) -> Given:
        """Make a gateway's credential beside those it has. Raises ConfigError.

        `embedded`: the embedded broker keeps passwords readable, in a file of this user's own.
        """
        if not NAME.fullmatch(gateway):
            right = Text("1–64 个字母、数字或 _.-", "1–64 letters, digits or _.-")
            raise ConfigError("provisioning", "gateway", gateway, right)
        if conn is None:
            with writing(self._engine) as own:
                given = self._give(own, gateway, auth, actor, days, csr)
            self.publish()
        else:
            given = self._give(conn, gateway, auth, actor, days, csr)
        if embedded and given.password:
            self._to_embedded(given.username, given.password)
        return given

    def _give(
        self,
        conn: Connection,
        gateway: str,
        auth: Auth,
        actor: Actor,
        days: int | None,
        csr: str | None,
    ) -> Given:
        now_ms, limits = self._clock(), self._settings.provisioning
        given = Given(gateway, next_username(conn, gateway), auth, None)
        row = {
            "gateway": gateway,
            "username": given.username,
            "kind": auth,
            "created_ms": now_ms,
            "created_by": actor.name,
        }
        if auth == CERTIFICATE:
            made = self.authority.client(
                given.username, gateway, now_ms, days or limits.certificate_days, csr
            )
            row |= {"serial": made.serial, "fingerprint": made.fingerprint}
            given = replace(
                given,
                expires_ms=made.expires_ms,
                certificate=made.certificate,
                key=made.key,
                ca=self.authority.pem(),
            )
        else:
            word, lasts = new_password(), days or limits.password_days
            row |= {"mosquitto_hash": mosquitto_hash(word), "rabbitmq_hash": rabbitmq_hash(word)}
            ends = now_ms + lasts * DAY_MS if lasts else None
            given = replace(given, password=word, expires_ms=ends)
        add_credential(conn, **row, expires_ms=given.expires_ms)
        told = {"gateway": gateway, "username": given.username, "kind": auth}
        data = {"what": "given", **told, "expires_ms": given.expires_ms}
        append(conn, now_ms, [Line(None, "provisioning", actor, data)])
        return given

    def rotate(
        self,
        gateway: str,
        actor: Actor,
        *,
        auth: Auth | None = None,
        overlap_hours: float | None = None,
        days: int | None = None,
        embedded: bool = False,
    ) -> Given:
        """Give a new credential; the older ones stay good for the overlap, then end."""
        now_ms = self._clock()
        hours = (
            self._settings.provisioning.overlap_hours if overlap_hours is None else overlap_hours
        )
        with writing(self._engine) as conn:
            old = [c for c in read_credentials(conn, gateway) if c.good(now_ms)]
            if not old:
                way_out = Text("先用 gateway add 发放", "has none that is good: use gateway add")
                raise ConfigError("provisioning", "gateway", gateway, way_out)
            kind: Auth = auth or ("certificate" if old[-1].kind == CERTIFICATE else "password")
            given = self.give(gateway, kind, actor, days=days, embedded=embedded, conn=conn)
            ends = now_ms + round(hours * HOUR_MS)
            ids = [c.id for c in old if c.ends_ms is None or c.ends_ms > ends]
            end_credentials(conn, ids, ends_ms=ends)
            data = {"what": "rotated", "gateway": gateway, "to": given.username, "ends_ms": ends}
            append(conn, now_ms, [Line(None, "provisioning", actor, data)])
        self.publish()
        return given

    def revoke(
        self, gateway: str, actor: Actor, reason: str = "", username: str | None = None
    ) -> list[str]:
        """Take back a gateway's credentials, or one of them; return their users. Raises
        ConfigError where there is none to take back."""
        now_ms = self._clock()
        with writing(self._engine) as conn:
            mine = [c for c in read_credentials(conn, gateway) if c.revoked_ms is None]
            gone = [c for c in mine if username in (None, c.username)]
            if not gone:
                way_out = Text("没有可吊销的凭据", "there is no such credential to revoke")
                raise ConfigError("provisioning", "gateway", username or gateway, way_out)
            end_credentials(conn, [c.id for c in gone], revoked_ms=now_ms, reason=reason)
            users = [c.username for c in gone]
            data = {"what": "revoked", "gateway": gateway, "users": users, "reason": reason}
            append(conn, now_ms, [Line(None, "provisioning", actor, data)])
        self.publish()
        return users

    def credentials(self, gateway: str | None = None) -> list[Credential]:
        """Return what was given out, in order."""
        with reading(self._engine) as conn:
            return read_credentials(conn, gateway)

    def warnings(self) -> list[Credential]:
        """Return what is good and runs out soon with nothing newer beside it, the first first."""
        now_ms = self._clock()
        soon = now_ms + self._settings.provisioning.warn_days * DAY_MS
        every = self.credentials()
        lasting = {
            c.gateway for c in every if c.good(now_ms) and (c.last_ms is None or c.last_ms > soon)
        }
        ending = [
            c
            for c in every
            if c.gateway not in lasting
            and c.revoked_ms is None
            and c.last_ms is not None
            and c.last_ms <= soon
        ]
        newest = {c.gateway: c for c in sorted(ending, key=lambda c: c.last_ms or 0)}
        return sorted(newest.values(), key=lambda c: c.last_ms or 0)

    # -- the brokers' files -----------------------------------------------------------------

    def publish(self) -> None:
        """Write the brokers' files anew: whoever is good now, and nobody else."""
        now_ms, every = self._clock(), self.credentials()
        good = [c for c in every if c.good(now_ms)]
        self.folder.mkdir(parents=True, exist_ok=True)
        user, line = self._service_line()
        own = SERVICE + self._routes().own()
        self._file("mosquitto.acl", mosquitto_acl(good, user, self.rights, own))
        self._file("mosquitto.passwd", mosquitto_passwords(good, line))
        self._file("rabbitmq.json", rabbitmq_definitions(good, self.rights).decode())
        if self.authority.exists:
            gone = [(int(c.serial, 16), c.revoked_ms) for c in every if c.serial and c.revoked_ms]
            self.authority.write_crl(gone, now_ms)
            self._file("crl.pem", self.authority.crl_file.read_text("utf-8"))
            self._file("ca.crt", self.authority.pem())
        self._forget_embedded({c.username for c in good})

    def _file(self, name: str, text: str) -> None:
        file = self.folder / name
        if not file.exists() or file.read_text("utf-8") != text:
            replace_text(file, text, 0o640)

    def _service_line(self) -> tuple[str | None, str | None]:
        """The service's own user and line, where it has a password; the hash stays the same."""
        mqtt = self._settings.mqtt
        if mqtt.url == "embedded" or mqtt.username is None or mqtt.password is None:
            return mqtt.username, None
        word = mqtt.password.get_secret_value()
        known = self.folder / "mosquitto.passwd"
        for line in known.read_text("utf-8").splitlines() if known.exists() else ():
            name, _, stored = line.partition(":")
            if name == mqtt.username and mosquitto_fits(word, stored):
                return mqtt.username, line
        return mqtt.username, f"{mqtt.username}:{mosquitto_hash(word)}"

    @property
    def _embedded(self) -> Path:
        return self._settings.data_dir / "broker" / "gateways.toml"

    def _to_embedded(self, username: str, password: str) -> None:
        file = self._embedded
        file.parent.mkdir(parents=True, exist_ok=True)
        old = file.read_text("utf-8") if file.exists() else ""
        write_private(file, old + embedded_entry(username, password))

    def _forget_embedded(self, good: set[str]) -> None:
        file = self._embedded
        if not file.exists():
            return
        lines = file.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.split('"')[1:2] and line.split('"')[1] in good]
        if kept != lines:
            write_private(file, "".join(kept))
