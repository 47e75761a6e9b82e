"""`liftwatch user …`: accounts of the console and the API."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from alerts.database.access import open_engine
from alerts.directory.directory_file import load_directory
from alerts.migrations import migrate
from alerts.model import Actor, Role
from config.settings import load_settings
from monitor.admin.accounts import Accounts
from monitor.clock import wall_ms

app = typer.Typer(
    help="Accounts: add, passwd, remove, list · 账号管理",
    no_args_is_help=True,
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
Name = Annotated[str, typer.Argument(help="Name to sign in with / 登录名")]


def _accounts(config: Path | None, firms: bool = False) -> Accounts:
    """The site's accounts; the directory is read only where a firm's unit must be known."""
    settings, units = load_settings(config), frozenset[str]()
    if firms:
        file = settings.site.folder / "directory.toml"
        book = load_directory(file, settings.site.timezone)
        units = frozenset(unit.id for unit in book.of_kind("maintenance"))
    migrate(settings.database)
    return Accounts(open_engine(settings.database), wall_ms, units)


def _actor() -> Actor:
    return Actor(f"{getpass.getuser()} (liftwatch user)", Role.ADMIN)


def _password() -> str:
    if not sys.stdin.isatty():  # from a script: one line on standard input, never an argument
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password / 口令", hide_input=True, confirmation_prompt=True))


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
    accounts = _accounts(config, firms=bool(unit))
    accounts.add(name, _password(), role, unit, _actor())
    typer.echo(f"{name}: {role}")


@app.command("passwd")
def passwd(name: Name, config: ConfigFile = None) -> None:
    """Set another password; ends the account's sessions and invitations. 修改口令。"""
    _accounts(config).set_password(name, _password(), _actor())


@app.command("remove")
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove an account; the last administrator stays. 删除账号，最后一位管理员除外。"""
    _accounts(config).remove(name, _actor())


@app.command("list")
def show(config: ConfigFile = None) -> None:
    """List accounts. 列出账号。"""
    for one in _accounts(config).listed():
        typer.echo(f"{one['name']}\t{one['role']}\t{one['unit'] or '-'}")
