"""`liftwatch token …`: tokens by which programs use the API."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Engine

from alerts.database.access import open_engine
from alerts.migrations import migrate
from alerts.model import Actor, Role
from config.errors import ConfigError
from config.settings import Settings, load_settings
from config.text import Text
from monitor.clock import wall_ms
from monitor.web import tokens

app = typer.Typer(help="API tokens: add, list, revoke · API 令牌", no_args_is_help=True)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]


def _open(config: Path | None) -> tuple[Settings, Engine]:
    settings = load_settings(config)
    migrate(settings.database)
    return settings, open_engine(settings.database)


def _actor() -> Actor:
    return Actor(f"{getpass.getuser()} (liftwatch token)", Role.ADMIN)


@app.command("add")
def add(
    owner: Annotated[str, typer.Argument(help="Account it belongs to / 所属账号")],
    name: Annotated[str, typer.Option(help="Which program is it for? / 用于哪个程序")],
    days: Annotated[int, typer.Option(help="How long it is good / 有效天数")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read | act | admin | admin:PART; several times / 可多次"),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Make a token and print it; it is told this once. 新建令牌，只显示这一次。

    Example / 示例: liftwatch token add 张伟 --name 月报 --days 90 --scope read --scope act
    """
    settings, engine = _open(config)
    # Which parts there are only the service knows; a part that is none opens nothing.
    _, text = tokens.make(
        engine, owner, name, scope or [], days, _actor(), wall_ms(),
        longest=settings.web.token_days,
    )  # fmt: skip
    typer.echo(text)


@app.command("list")
def show(
    owner: Annotated[str | None, typer.Option(help="Of this account only / 只看此账号")] = None,
    config: ConfigFile = None,
) -> None:
    """List tokens, the newest first; never a secret. 列出令牌，不含密钥。

    Columns / 列: id, owner, name, scope, state, good until, last used
    """
    settings, engine = _open(config)
    zone, now_ms = ZoneInfo(settings.site.timezone), wall_ms()

    def told(at_ms: int | None) -> str:
        return "-" if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, zone):%F %H:%M}"

    for one in tokens.tokens(engine, owner):
        scope = ",".join(tokens.in_order(one.scope))
        columns = (one.id, one.owner, one.name, scope, one.state(now_ms))
        typer.echo("\t".join(map(str, (*columns, told(one.expires_ms), told(one.used_ms)))))


@app.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(help="Its id, or the token itself / 编号，或令牌本身")],
    config: ConfigFile = None,
) -> None:
    """End a token at once. 立即吊销令牌。

    Examples / 示例: liftwatch token revoke 3 · liftwatch token revoke lw_5f0c2a9be1d4_…
    """
    _, engine = _open(config)
    found = tokens.find(engine, int(token)) if token.isdecimal() else tokens.check(engine, token)
    if found is None:
        shown = token if token.isdecimal() else f"{token[:15]}…"
        text = Text("没有这个令牌：见 token list", "no such token: see liftwatch token list")
        raise ConfigError("liftwatch token", "token", shown, text)
    changed = tokens.revoke(engine, found, _actor(), wall_ms())
    typer.echo(f"{found.owner}\t{found.name}\t{'revoked' if changed else 'was revoked before'}")
