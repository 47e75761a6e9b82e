"""`liftwatch quarantine …`: what was refused, why, and a second try."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import Engine

from alerts.database.access import open_engine
from alerts.migrations import migrate
from alerts.model import Actor, Role
from config.errors import ConfigError
from config.settings import Settings, load_settings
from config.text import Text
from monitor.backtest.times import moment, told
from monitor.clock import wall_ms
from monitor.quarantine import runs
from monitor.quarantine.choice import MOST_IDS, OPEN, Choice
from monitor.quarantine.fault import Mark, hex_lines, text_pieces
from monitor.quarantine.reach import Reach, person
from monitor.quarantine.runs import Kind, Run

app = typer.Typer(
    help="The quarantine: list, show, replay, drop · 隔离区：查看、重放、放弃",
    no_args_is_help=True,
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
Reason = Annotated[str | None, typer.Option(help="Only this reason, e.g. unknown_lift · 拒收原因")]
Sender = Annotated[str | None, typer.Option("--gateway", help="Only of this gateway · 网关")]
Since = Annotated[str | None, typer.Option(help="2026-03-02 | 2026-03-02T08:00 · 收到时间不早于")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines · 每行一条 JSON")]
console = Console(highlight=False)
LOOK_S = 0.2
NOT_RUNNING_S = 5.0


def _choice(
    settings: Settings, ids: list[int], reason: str | None, gateway: str | None, since: str | None
) -> Choice:
    if len(ids) > MOST_IDS:
        way_out = Text(f"一次最多 {MOST_IDS} 个", f"at most {MOST_IDS} at a time")
        raise ConfigError("command line", "ID…", str(len(ids)), way_out)
    zone = ZoneInfo(settings.site.timezone)
    since_ms = moment(since, zone, ("command line", "--since")) if since else None
    return Choice(tuple(ids), reason, gateway, since_ms, OPEN)


@app.command("list")
def show_list(
    reason: Reason = None,
    gateway: Sender = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(help="Newest messages · 最新几条", min=1, max=500)] = 20,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """What stands open: by reason, then the newest messages. 列出隔离区。

    \b
    Examples / 示例:
      liftwatch quarantine list
      liftwatch quarantine list --reason unknown_lift --gateway gw-17 --since 2026-03-01
    """
    settings = load_settings(config)
    reach, choice = Reach(settings), _choice(settings, [], reason, gateway, since)
    groups, rows = reach.reasons(choice), reach.newest(choice, limit)
    if as_json:
        for one in (*groups, *rows):
            typer.echo(json.dumps({k: v for k, v in one.items() if k != "payload"},
                                  ensure_ascii=False))  # fmt: skip
        return
    zone = ZoneInfo(settings.site.timezone)
    table = Table("reason 原因", "messages 条数", "first 最早", "last 最近", "gateways 网关")
    for one in groups:
        names, more = one["gateways"][:3], one["gateway_count"] - 3
        table.add_row(
            one["reason"], str(one["rows"]), told(one["first_ms"], zone),
            told(one["last_ms"], zone), escape(" ".join(names) + (f" +{more}" if more > 0 else "")),
        )  # fmt: skip
    console.print(table if groups else "Nothing was refused. / 没有被拒收的消息。")
    if rows:
        newest = Table("#", "received 收到", "gateway 网关", "what 内容")
        for row in rows:
            first = row["refusals"][0]
            what = f"{first['reason']}: {first.get('field') or ''} {first.get('value') or ''}"
            newest.add_row(
                str(row["id"]), told(row["at_ms"], zone), escape(row["gateway"]), escape(what)
            )
        console.print(newest)


@app.command("show")
def show(
    number: Annotated[int, typer.Argument(help="Number of the message · 消息编号")],
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """One message: its bytes with the fault marked, and what would be taken today. 查看一条。

    \b
    Example / 示例:
      liftwatch quarantine show 17
    """
    found, payload = Reach(load_settings(config)).one(number)
    if as_json:
        typer.echo(json.dumps(found | {"payload": payload.hex()}, ensure_ascii=False))
        return
    console.print(f"#{found['id']}  {escape(found['topic'])}  {found['size']} bytes 字节  "
                  f"{found['state']}")  # fmt: skip
    for refusal in found["refusals"]:
        _tell(refusal)
    marks = [Mark(*one["at"]) for one in found["refusals"] if one.get("at")]
    text = "".join(
        f"[reverse]{escape(piece)}[/]" if bad else escape(piece)
        for piece, bad in text_pieces(payload, marks)
    )
    console.print(text, soft_wrap=True)
    for line in hex_lines(payload, marks, 1024):
        cells = " ".join(
            f"[reverse]{cell}[/]" if bad else cell
            for cell, bad in zip(line["hex"], line["bad"], strict=True)
        )
        blank = "   " * (16 - len(line["hex"]))
        console.print(f"{line['offset']:06x}  {cells}{blank}  {escape(line['text'])}")
    today = found["today"]
    console.print(
        f"today would be taken 现在可接收: {today['samples']} samples 采样, "
        f"{today['messages']} messages 消息, {today['bursts']} bursts 波形"
    )
    for refusal in today["refusals"]:
        _tell(refusal)


def _tell(refusal: dict[str, Any]) -> None:
    at = refusal.get("at")
    where = f"  bytes 字节 {at[0]}–{at[1] - 1}" if at else ""
    limit = f", allowed 允许 {refusal['limit']}" if refusal.get("limit") else ""
    what = f"{refusal.get('field') or ''} = {refusal.get('value')}{limit}{where}"
    console.print(f"[bold]{refusal['reason']}[/]  {escape(what)}")
    console.print(escape(f"  {refusal['way_out']['en']} · {refusal['way_out']['zh']}"))


@app.command("replay")
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers · 消息编号")] = None,
    reason: Reason = None,
    gateway: Sender = None,
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is open · 全部")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be taken · 只试不收")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the end · 等待完成")
    ] = True,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Decode again with today's configuration and take what is right now, once. 重放。

    \b
    The running service does it, beside its live samples; what is taken goes into history as late
    data and calls nobody. Where no service runs it is done at its next start.

    \b
    Examples / 示例:
      liftwatch quarantine replay --reason unknown_lift --dry-run
      liftwatch quarantine replay --reason unknown_lift
      liftwatch quarantine replay 17 18 19
    """
    settings = load_settings(config)
    choice = _choice(settings, ids or [], reason, gateway, since)
    if choice == Choice() and not everything:
        way_out = Text("请写编号、--reason 等条件，或 --all", "name numbers, a filter, or --all")
        raise ConfigError("command line", "replay", "", way_out)
    _do(settings, "try" if dry_run else "replay", choice, None, wait, as_json)


@app.command("drop")
def drop(
    ids: Annotated[list[int], typer.Argument(help="Numbers · 消息编号")],
    why: Annotated[str, typer.Option(help="Why; it stands in the journal · 理由，记入流水")],
    config: ConfigFile = None,
) -> None:
    """Give messages up; their bytes stay until retention ends. 放弃。

    \b
    Example / 示例:
      liftwatch quarantine drop 17 --why "test device · 测试设备"
    """
    if not why.strip():
        raise ConfigError("command line", "--why", why, Text("请写明理由", "say why"))
    settings = load_settings(config)
    _do(settings, "drop", _choice(settings, ids, None, None, None), why.strip(), True, False)


def _do(
    settings: Settings, kind: Kind, choice: Choice, why: str | None, wait: bool, as_json: bool
) -> None:
    migrate(settings.database)
    engine = open_engine(settings.database)
    try:
        actor = Actor(person(), Role.ADMIN)
        number = runs.ask(engine, kind, choice, actor, wall_ms(), why)
        run = _wait(engine, number) if wait else runs.find(engine, number)
    finally:
        engine.dispose()
    if run is None:
        return
    if as_json:
        typer.echo(json.dumps(run.as_json(), ensure_ascii=False))
    elif run.state in (runs.DONE, runs.FAILED):
        counts = "  ".join(f"{name} {n}" for name, n in run.counts.items() if n)
        typer.echo(f"run {run.id} {run.state} 完成: {counts or 'nothing 无'}")
    else:
        typer.echo(f"run {run.id} waits for the service · 第 {run.id} 次处理等待服务运行", err=True)
    if run.state == runs.FAILED:
        raise typer.Exit(1)


def _wait(engine: Engine, number: int) -> Run | None:
    hidden = not sys.stderr.isatty()
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=hidden, transient=True,
    )  # fmt: skip
    asked = time.monotonic()
    with bar:
        task = bar.add_task("quarantine 隔离区", total=None)
        while True:
            run = runs.find(engine, number)
            if run is None or run.state in (runs.DONE, runs.FAILED):
                return run
            if run.state == runs.DUE and time.monotonic() - asked > NOT_RUNNING_S:
                return run
            bar.update(task, total=run.total or None, completed=run.done)
            time.sleep(LOOK_S)
