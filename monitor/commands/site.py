"""What the commands that read a site folder share: which folder, which zone, what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alerts.chains.chains_file import load_chains
from alerts.chains.ladder import DEFAULT_CHAINS, Chains
from alerts.directory.directory_file import load_directory
from alerts.directory.units import Directory
from config.errors import ConfigError
from config.settings import load_settings
from config.text import Text
from devices.registry import Lift, Registry, load_registry
from monitor.own import own_or

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
SiteFolder = Annotated[
    Path | None, typer.Option("--site", help="A site folder, instead of --config / 站点文件夹")
]
DIRECTORY = "directory.toml"


@dataclass(frozen=True)
class Site:
    """A site folder and its zone; what is in it is read when it is asked for."""

    folder: Path
    zone: ZoneInfo
    profile: str

    @property
    def file(self) -> Path:
        """The directory's file."""
        return self.folder / DIRECTORY

    def directory(self) -> Directory:
        """Read directory.toml. Raises ConfigError."""
        return load_directory(self.file, self.zone.key)

    def chains(self) -> Chains:
        """Read the site's chains, or the shipped ones. Raises ConfigError."""
        return load_chains(own_or(self.folder, "chains.toml", DEFAULT_CHAINS), self.profile)

    def registry(self) -> Registry:
        """Read the lifts. Raises ConfigError."""
        return load_registry(self.folder)

    def moment(self, said: str | None, now_ms: int) -> int:
        """Return a moment said as local time of the site (`2026-10-01T03:00`), or now."""
        if said is None:
            return now_ms
        try:
            at = datetime.fromisoformat(said)
        except ValueError:
            way_out = Text(
                "应为时间，如 2026-10-01T03:00（站点当地时间）或带时区 …+08:00",
                "a time such as 2026-10-01T03:00 (local time of the site) or with an offset",
            )
            raise ConfigError("options", "--at / --from", said, way_out) from None
        return round((at if at.tzinfo else at.replace(tzinfo=self.zone)).timestamp() * 1000)


def open_site(config: Path | None, folder: Path | None) -> Site:
    """Return the site of `--config` or `--site`. Raises ConfigError."""
    settings = load_settings(config)
    zone = ZoneInfo(settings.site.timezone)
    return Site(folder or settings.site.folder, zone, settings.site.arrival_profile)


def find_lift(registry: Registry, said: str) -> Lift:
    """Return a lift by registration code, rescue code or name. Raises ConfigError."""
    found = [
        lift for lift in registry.lifts if said in (lift.reg_code, lift.rescue_code, lift.name)
    ]
    if len(found) == 1:
        return found[0]
    some = [lift.reg_code for lift in (found or registry.lifts)][:3]
    if found:
        way_out = Text(
            f"有 {len(found)} 台：请用注册代码，如 {some[0]}",
            f"{len(found)} lifts are called so: use a registration code such as {some[0]}",
        )
    else:
        way_out = Text(
            f"应为 lifts.csv 中的注册代码、识别码或名称，如 {' | '.join(some)}",
            f"must be a registration code, rescue code or name of lifts.csv: {' | '.join(some)} …",
        )
    raise ConfigError("options", "--lift", said, way_out)
