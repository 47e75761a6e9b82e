"""`liftwatch user …`: accounts of the console and the API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from alerts.database.access import open_engine
from alerts.migrations import migrate
from config.settings import load_settings
from monitor.clock import wall_ms
from monitor.web.auth import add_user, list_users, remove_user, set_password

app = typer.Typer(
    help="Accounts: add, passwd, remove, list · 账号管理",
    no_args_is_help=True,
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
Name = Annotated[str, typer.Argument(help="Name to sign in with / 登录名")]


def _engine(config: Path | None) -> Engine:
    url = load_settings(config).database
    migrate(url)
    return open_engine(url)


def _password() -> str:
    if not sys.stdin.isatty():  # from a script: one line on standard input, never an argument
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password / 口令", hide_input=True, confirmation_prompt=True))


def _fail(error: Exception) -> typer.Exit:
    typer.echo(f"liftwatch: {error}", err=True)
    return typer.Exit(2)


@app.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="operator | firm | admin | viewer")] = "operator",
    unit: Annotated[str | None, typer.Option(help="For a firm: its unit id / 维保单位编号")] = None,
    config: ConfigFile = None,
) -> None:
    """Add an account; the password is asked for, or read from standard input. 新增账号。

    Example / 示例: liftwatch user add 李娜 --role firm --unit firm-03
    """
    try:
        add_user(_engine(config), name, _password(), role, wall_ms(), unit)
    except ValueError as error:
        raise _fail(error) from None
    typer.echo(f"{name}: {role}")


@app.command("passwd")
def passwd(name: Name, config: ConfigFile = None) -> None:
    """Set another password; ends the account's sessions. 修改口令。"""
    try:
        set_password(_engine(config), name, _password())
    except (ValueError, LookupError) as error:
        raise _fail(error) from None


@app.command("remove")
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove an account. 删除账号。"""
    try:
        remove_user(_engine(config), name)
    except (ValueError, LookupError) as error:
        raise _fail(error) from None


@app.command("list")
def show(config: ConfigFile = None) -> None:
    """List accounts. 列出账号。"""
    for user in list_users(_engine(config)):
        typer.echo(f"{user.name}\t{user.role}\t{user.unit or '-'}")
