"""`liftwatch audit …`: is the journal what was written?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Connection, Engine, inspect

from alerts.database.access import open_engine, reading
from alerts.journal import audit
from config.errors import ConfigError
from config.settings import load_settings
from config.text import Text

app = typer.Typer(
    help="The journal: verify its chain of hashes, print its head · 流水审计",
    no_args_is_help=True,
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
SHOWN = 20
BAR_FROM = 50_000


@app.command("verify")
def verify(
    config: ConfigFile = None,
    head: Annotated[
        Path | None,
        typer.Option(help="Heads that were sent out, one a line / 此前发出的链首，一行一个"),
    ] = None,
) -> None:
    """Find a line that was changed, removed, added or moved; exit code 1 then. 核验流水。

    Without --head the end of the journal may have been cut off unseen. The database is only read.

    Examples / 示例:

      liftwatch audit verify --config site.toml

      liftwatch audit verify --config site.toml --head /mnt/bureau/heads.txt
    """
    heads = _heads(head) if head is not None else []
    engine = _engine(config)
    found = 0
    with reading(engine) as conn:
        total = audit.count(conn)
        with _bar(total) as bar:
            task = bar.add_task("journal 流水", total=total)
            for one in audit.check(conn, heads, lambda lines: bar.advance(task, lines)):
                found += 1
                if found <= SHOWN:
                    typer.echo(f"{one.what}: {one.text.en} · {one.text.zh}")
                else:  # the first ones tell where; a renumbered rest would fill the screen
                    typer.echo("… and more · 其余从略")
                    break
        newest = audit.head(conn)
    engine.dispose()
    if found:
        raise typer.Exit(1)
    against = f", {len(heads)} heads fit 链首相符" if heads else ""
    typer.echo(f"ok: {total} lines 行{against}, head 链首 {newest}")


@app.command("head")
def head_line(
    config: ConfigFile = None,
    append: Annotated[
        Path | None, typer.Option(help="Also append it to this file / 同时追加到文件")
    ] = None,
) -> None:
    """Print the head: id, hash and time of the newest line. 显示链首。

    Keep it where who can write the database cannot: a mail, another machine, paper.

    Example / 示例: liftwatch audit head --config site.toml | mail -s head bureau@example.org
    """
    engine = _engine(config)
    with reading(engine) as conn:
        newest = audit.head(conn)
    engine.dispose()
    if append is not None:
        with append.open("a", encoding="utf-8") as file:
            file.write(f"{newest}\n")
    typer.echo(str(newest))


def _engine(config: Path | None) -> Engine:
    settings = load_settings(config)
    way_out = Text(
        "没有警情数据库：请核对 --config，或先运行服务",
        "no alert database there: check --config, or run the service first",
    )
    url = settings.database
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.is_file():  # looking must not make one
        raise ConfigError(config or "settings", "database_url", str(path), way_out)
    engine = open_engine(url)
    with reading(engine) as conn:
        if not _has_journal(conn):
            raise ConfigError(config or "settings", "database_url", "(no journal)", way_out)
    return engine


def _has_journal(conn: Connection) -> bool:
    return inspect(conn).has_table("journal")


def _heads(file: Path) -> list[audit.Head]:
    try:
        return audit.read_heads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        text = Text("无法读取", f"cannot be read: {error}")
        raise ConfigError("--head", "FILE", str(file), text) from None
    except ValueError as error:
        text = Text("每行应为：行号 校验值 时间", "each line should be: id hash time")
        raise ConfigError(file, "line", str(error), text) from None


def _bar(total: int) -> Progress:
    """On a terminal, and only where it takes long enough to look at."""
    hidden = total < BAR_FROM or not sys.stderr.isatty()
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=hidden, transient=True,
    )  # fmt: skip
