"""The demo district around a service: accounts, simulated gateways, all on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
from pydantic import SecretStr
from sqlalchemy import Engine, select

from alerts.database.access import reading
from alerts.database.tables import alert, journal
from alerts.desk import queries
from alerts.model import SYSTEM
from config.settings import Settings
from devices.simulator.district import write_district
from devices.simulator.releases import TOPIC
from monitor.admin.accounts import Accounts
from monitor.answers import connection
from monitor.broker import GATEWAY_USER, SERVICE_USER, EmbeddedBroker, real_gateways, write_private
from monitor.clock import Clock
from monitor.web.auth import find_user

PASSWORD_ENV = "LIFTWATCH_SIMULATOR_PASSWORD"  # noqa: S105 - the name, not the thing


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the demo."""

    name: str
    password: str
    role: str
    unit: str | None = None


def with_broker(settings: Settings, broker: EmbeddedBroker) -> Settings:
    """Return settings that point at the embedded broker."""
    password = SecretStr(broker.credentials.service)
    mqtt = settings.mqtt.model_copy(
        update={"url": broker.url, "username": SERVICE_USER, "password": password}
    )
    return settings.model_copy(update={"mqtt": mqtt})


def prepare_site(settings: Settings) -> None:
    """Write the demo district into the site folder unless there is one."""
    if not (settings.site.folder / "lifts.csv").exists():
        write_district(settings.site.folder)


def accounts(engine: Engine, folder: Path, firm: str, now_ms: int) -> list[Account]:
    """Make the demo's accounts with passwords of their own, kept readable by this user only."""
    file = folder / "sign-in.toml"
    if not file.exists():
        roles = {"operator": None, "firm": firm, "admin": None}
        made = [Account(role, secrets.token_urlsafe(9), role, unit) for role, unit in roles.items()]
        lines = (
            f'[{one.name}]\npassword = "{one.password}"\nrole = "{one.role}"\n' for one in made
        )
        write_private(file, "".join(lines))
    kept = tomllib.loads(file.read_text("utf-8"))
    found = [
        Account(name, row["password"], row["role"], firm if row["role"] == "firm" else None)
        for name, row in kept.items()
    ]
    book = Accounts(engine, lambda: now_ms, frozenset({firm}))
    for one in found:
        if find_user(engine, one.name) is None:
            book.add(one.name, one.password, one.role, one.unit, SYSTEM)
    return found


class SimulatedGateways:
    """The simulator in a process of its own, publishing as the district's gateways do."""

    def __init__(
        self, settings: Settings, broker: EmbeddedBroker, clock: Clock, *options: str
    ) -> None:
        command = [
            sys.executable, "-m", "devices.simulator",
            "--site", str(settings.site.folder),
            "--store", str(settings.data_dir / "gateways"),
            "--real", ",".join(real_gateways(settings.data_dir / "broker")),
            "--mqtt", broker.url,
            "--user", GATEWAY_USER,
            "--password-env", PASSWORD_ENV,
            "--speed", str(clock.speed),
            "--epoch-ms", str(clock.start_ms or clock.wall_start_ms),
            "--wall-ms", str(clock.wall_start_ms),
            "--json",
            *options,
        ]  # fmt: skip
        env = os.environ | {PASSWORD_ENV: broker.credentials.gateway}
        # A session of its own: Ctrl+C is for the service, which then ends its gateways in order.
        self.process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._said: str | None = None

    def stop(self, timeout_s: float = 20) -> str:
        """Ask it to end and return what it printed."""
        if self._said is not None:
            return self._said
        if self.process.poll() is None:
            self.process.terminate()
        try:
            out, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, _ = self.process.communicate()
        self._said = out or ""
        return self._said


async def rescuers(settings: Settings, engine: Engine) -> None:
    """Tell the simulator when somebody was freed, so that in the demo a tap opens the door.

    Only simulated lifts listen to this topic; a real one is freed by hands.
    """
    with reading(engine) as before:
        seen = queries.newest_line(before)
    while True:
        try:
            async with connection(settings.mqtt, "liftwatch-demo-rescuers") as client:
                while True:
                    lines = await asyncio.to_thread(_freed_since, engine, seen)
                    for number, reg_code in lines:
                        if reg_code:
                            await client.publish(TOPIC, reg_code, qos=1)
                        seen = number
                    await asyncio.sleep(0.5)
        except aiomqtt.MqttError:
            await asyncio.sleep(1)


def _freed_since(engine: Engine, seen: int) -> list[tuple[int, str | None]]:
    query = (
        select(journal.c.id, journal.c.kind, alert.c.subject)
        .join(alert, alert.c.id == journal.c.alert_id, isouter=True)
        .where(journal.c.id > seen)
        .order_by(journal.c.id)
        .limit(500)
    )
    with reading(engine) as rows:
        return [
            (number, subject if kind == "freed" else None)
            for number, kind, subject in rows.execute(query)
        ]
