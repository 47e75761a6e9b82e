"""`liftwatch drill …`: marked exercises over the true chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from alerts.database.access import reading
from alerts.drills import running
from alerts.drills.times import SPANS, list_drills
from alerts.model import Actor, ActResult, Role
from devices.registry import place_and_name
from monitor.clock import wall_ms
from monitor.offline import open_offline

app = typer.Typer(
    help="Exercises: start, stop, list · 演练",
    no_args_is_help=True,
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
ACTOR = Actor("liftwatch drill", Role.ADMIN)
console = Console(highlight=False)


def _say(result: ActResult) -> None:
    typer.echo(result.text.both(), err=not result.ok)
    if not result.ok:
        raise typer.Exit(2)


@app.command("start")
def start(
    lift: Annotated[str, typer.Option(help="Registration code · 电梯注册代码")],
    rule: Annotated[str, typer.Option(help="Rule to exercise · 演练哪条规则")] = "1",
    people: Annotated[int, typer.Option(help="People in the car · 轿内人数")] = 2,
    minutes: Annotated[
        int, typer.Option(help="Ends by itself after · 到时自动结束（分钟）")
    ] = running.MINUTES,
    config: ConfigFile = None,
) -> None:
    """Begin an exercise; the running service sends its pages. 开始演练。

    \b
    It calls real people through real channels, 119 and 110 included if nobody accepts in time;
    every page says 演练 / EXERCISE first. It ends when its cause is filed, by `drill stop`, after
    --minutes, or when something real happens on that lift.

    \b
    Example / 示例:
      liftwatch drill start --lift 31105001082012000001 --people 2
    """
    site = open_offline(config)
    result = site.desk.drill(wall_ms(), lift, ACTOR, rule, people, minutes)
    if result.alert:
        typer.echo(f"#{result.alert['id']} {result.alert['rule_text']['en']}")
    _say(result)


@app.command("stop")
def stop(
    alert_id: Annotated[int, typer.Argument(help="Number of the exercise · 演练编号")],
    config: ConfigFile = None,
) -> None:
    """End an exercise before its time; nothing real can be stopped this way. 停止演练。"""
    _say(open_offline(config).desk.stop_drill(alert_id, ACTOR, wall_ms()))


@app.command("list")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line each · 每行一条")] = False,
    limit: Annotated[int, typer.Option(help="How many · 条数", min=1, max=1000)] = 20,
    config: ConfigFile = None,
) -> None:
    """List exercises with the times they yielded. 列出演练与用时。"""
    with reading(open_offline(config).desk.engine) as conn:
        rows = list_drills(conn, limit)
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    table = Table("#", "place 地点", "state 状态", *SPANS, "on time 按时")
    for row in rows:
        spans = ["–" if row["ms"][n] is None else f"{row['ms'][n] / 1000:.0f} s" for n in SPANS]
        on_time = {True: "yes 是", False: "no 否", None: "–"}[row["on_time"]]
        where = place_and_name(row["place"], row["name"])
        table.add_row(str(row["id"]), where, row["rescue_state"], *spans, on_time)
    console.print(table)
