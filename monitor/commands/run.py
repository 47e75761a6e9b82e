"""`liftwatch run`: the service; without a configuration the demo district, all in one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.panel import Panel

from config.errors import ConfigError
from config.settings import Settings, load_settings
from config.text import Text
from monitor import demo, logs
from monitor.broker import GATEWAY_USER, EmbeddedBroker
from monitor.clock import Clock
from monitor.service import Service

console = Console(stderr=True, highlight=False)


def run(
    config: Annotated[
        Path | None,
        typer.Option(help="Site settings (TOML); without it the demo district · 站点配置文件"),
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug | info | warning | error")] = "info",
) -> None:
    """Run the service: receive, detect, store, page, serve the console. 运行服务。

    Without --config: an embedded broker, a demo district of 200 lifts and the console on
    127.0.0.1:8080; state is kept in var/ and goes on at the next start. Ctrl+C stops it cleanly.

    \b
    Examples / 示例:
      liftwatch run
      liftwatch run --config site.toml
      LIFTWATCH_WEB__PORT=8090 liftwatch run
    """
    settings = load_settings(config)
    is_demo = config is None
    logs.set_up(log_level, settings.data_dir / "liftwatch.log" if is_demo else None)
    with ExitStack() as stack:
        if is_demo:
            demo.prepare_site(settings)
        broker = start_broker(settings, stack)
        if broker is not None:
            settings = demo.with_broker(settings, broker)
        service = open_service(settings, Clock())
        service.issuer.embedded = broker is not None
        leaving: Callable[[], object] = lambda: None  # noqa: E731
        told = greeting(service, broker, is_demo)
        if is_demo and broker is not None:
            gateways = demo.SimulatedGateways(settings, broker, service.clock)
            stack.callback(gateways.stop)
            leaving = gateways.stop
            service.beside.append(demo.rescuers(settings, service.engine))
        asyncio.run(service.run(told, leaving))
    console.print("Stopped; state is kept. / 已停止，状态已保存。")


def start_broker(settings: Settings, stack: ExitStack) -> EmbeddedBroker | None:
    """Start the embedded broker where the settings ask for it."""
    if settings.mqtt.url != "embedded":
        return None
    broker = EmbeddedBroker(settings.data_dir / "broker", settings.mqtt.embedded_port)
    broker.start()
    stack.callback(broker.stop)
    return broker


def open_service(settings: Settings, clock: Clock) -> Service:
    """Open the service; a data folder that is in use is named, not traced back."""
    try:
        return Service(settings, clock)
    except duckdb.IOException as error:
        way_out = Text(
            "另一个 liftwatch 正在使用此文件夹，或其文件不可写",
            "another liftwatch uses this folder, or its files cannot be written",
        )
        raise ConfigError("settings", "data_dir", str(settings.data_dir), way_out) from error


def greeting(
    service: Service, broker: EmbeddedBroker | None, is_demo: bool
) -> Callable[[int], None]:
    """Return what to print once the console is up."""
    settings = service.settings
    lines = []
    if is_demo:
        firm = min(unit.id for unit in service.directory.of_kind("maintenance"))
        for account in demo.accounts(service.engine, settings.data_dir, firm, service.clock()):
            lines.append(f"  {account.name:<10} {account.password}")

    def told(port: int) -> None:
        address = f"http://{settings.web.host}:{port}"
        text = [f"[bold]Console / 控制台[/]  {address}"]
        if lines:
            text += ["Sign in / 登录:", *lines]
        if broker is not None:
            text += [
                f"Broker / 消息服务器  {broker.url} (MQTT 5: {broker.port5})",
                f"  gateways / 网关: -u {GATEWAY_USER} -P {broker.credentials.gateway}",
            ]
        text.append(f"State / 状态  {settings.data_dir}   Ctrl+C stops / 停止")
        console.print(Panel("\n".join(text), title="Liftwatch · 电梯安全运行监测", expand=False))

    return told
