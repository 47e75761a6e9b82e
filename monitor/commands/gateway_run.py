"""`liftwatch gateway run` and `gateway read`: this machine as a gateway of controllers on a bus."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from config.secrets import Secrets
from devices.fieldbus.plan import Plan, Raw, ReadError, Source, said
from devices.fieldbus.plan_file import load_plan
from devices.fieldbus.running import State, read_once, run_plan
from devices.gateway import GatewayError
from devices.vocabulary import Channel, Kind, load_vocabulary

PlanFile = Annotated[Path, typer.Option("--config", help="The gateway's plan (TOML) / 网关配置")]
SecretDir = Annotated[
    Path | None, typer.Option(help="Folder of secrets, one file each / 密钥文件夹")
]


def run(config: PlanFile, secret_dir: SecretDir = None) -> None:
    """Poll controllers (Modbus, BACnet/IP, OPC UA) and publish as a gateway. 作为网关运行。

    What is read is kept on disk until the service has it. docs/gateway-run.md tells how a plan is
    written. Ctrl+C stops.

    \b
    Examples / 示例:
      liftwatch gateway run --config gw-01.toml
      LIFTWATCH_KEY_BROKER=… liftwatch gateway run --config gw-01.toml
    """
    plan = load_plan(config, load_vocabulary())
    try:
        asyncio.run(_run(plan, Secrets(secret_dir)))
    except (GatewayError, ReadError) as error:
        typer.echo(f"liftwatch: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("Stopped; what is not yet delivered is kept. / 已停止，未送达的数据已保存。")


async def _run(plan: Plan, secrets: Secrets) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    typer.echo(f"{plan.name} → {plan.url}, {len(plan.sources)} sources 数据源, {plan.store}")
    try:
        await run_plan(plan, secrets, _tell, stop)
    except* (GatewayError, ReadError) as group:
        raise group.exceptions[0] from None


def _tell(state: State) -> None:
    fine = f"answers 正常, {len(state.source.points)} points"
    outside = "".join(f"; outside 超限 {name} = {v:g}" for name, v in state.outside.items())
    typer.echo(f"{state.source.name}: {state.trouble or fine}{outside}")


def read(config: PlanFile, secret_dir: SecretDir = None) -> None:
    """Read every point once and show what it becomes; nothing is published. 读取一次并显示。

    Exit code 1 where a source does not answer or a value is outside its channel's limits.

    Example / 示例: liftwatch gateway read --config gw-01.toml
    """
    plan, secrets = load_plan(config, load_vocabulary()), Secrets(secret_dir)
    console, sound = Console(file=sys.stdout), True
    for source in plan.sources:
        try:
            found = asyncio.run(read_once(source, secrets))
        except (ReadError, GatewayError) as error:
            typer.echo(f"{source.name}: {error}")
            sound = False
            continue
        table, fits = _table(source, found)
        console.print(table)
        sound = sound and fits
    if not sound:
        raise typer.Exit(1)


def _table(source: Source, found: list[Raw]) -> tuple[Table, bool]:
    table, sound = Table(title=f"{source.name} · {source.kind} · {source.lift}"), True
    for head in ("place 位置", "says 读数", "becomes 含义", ""):
        table.add_column(head)
    rules = source.channels
    for rule, raw in zip(rules, found[: len(rules)], strict=True):
        value = rule.of(raw)
        note = ""
        if math.isnan(value):
            note = "says nothing 无意义" if raw is not None else "not readable 不可读"
        elif not rule.fits(value):
            note, sound = f"outside 超出 {rule.channel.limit}", False
        shown = "" if math.isnan(value) else _shown(rule.channel, value)
        table.add_row(rule.point.at, _raw(raw), f"{rule.channel.name} {shown}".strip(), note)
    for alarm, raw in zip(source.alarms, found[len(rules) :], strict=True):
        on = alarm.of(raw)
        word = "–" if on is None else "on" if on else "off"
        table.add_row(alarm.point.at, _raw(raw), f"code {alarm.code} {word}", "")
    return table, sound


def _raw(raw: Raw) -> str:
    return "–" if raw is None else said(raw)


def _shown(channel: Channel, value: float) -> str:
    if channel.kind is Kind.BOOL:
        return "true" if value else "false"
    with contextlib.suppress(KeyError):
        if channel.kind is Kind.ENUM:
            return channel.values[int(value)].name
    return f"{value:.6g} {channel.unit}".strip()
