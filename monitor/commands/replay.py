"""`liftwatch replay`: a recording published as a gateway does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from config.settings import load_settings
from config.text import Text
from devices.gateway import GatewayError
from devices.registry import load_registry
from devices.replay import SPEED, replay_with_bar
from monitor.broker import GATEWAY_USER, HOST, credentials


def replay_file(
    file: Annotated[Path, typer.Argument(help="Recording, CSV or Parquet · 录制文件")],
    lift: Annotated[str, typer.Option(help="Registration code, 20 digits · 注册代码")],
    mapping: Annotated[
        str, typer.Option("--map", help="Map file, or elevator-door, phone-ride · 映射文件")
    ],
    speed: Annotated[float, typer.Option(help=SPEED.both())] = 1.0,
    gateway: Annotated[
        str | None, typer.Option(help="Default: the lift's own · 默认为该梯的网关")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Site settings; without it the demo's · 站点配置")
    ] = None,
) -> None:
    """Publish a recording as samples of a lift, as its gateway does, with a progress bar. 回放。

    Prints one JSON line: what was sent, confirmed and refused.

    \b
    Examples / 示例:
      liftwatch replay door.csv --lift 31105001992009000178 --map elevator-door --speed 0
      liftwatch replay ride.csv --lift 31105001992009000178 --map phone-ride
    """
    settings = load_settings(config)
    registry = load_registry(settings.site.folder)
    found = registry.find(lift)
    if found is None:
        way_out = Text("应为站点 lifts.csv 中的注册代码", "must be a lift of the site's lifts.csv")
        raise typer.BadParameter(f"{lift}: {way_out.both()}", param_hint="--lift")
    mqtt = settings.mqtt
    url, username = mqtt.url, mqtt.username
    password = mqtt.password.get_secret_value() if mqtt.password else None
    if url == "embedded":
        url, username = f"mqtt://{HOST}:{mqtt.embedded_port}", GATEWAY_USER
        password = credentials(settings.data_dir / "broker").gateway
    try:
        result = replay_with_bar(
            file,
            lift,
            gateway or found.gateway,
            mapping,
            url,
            speed=speed,
            username=username,
            password=password,
            ca_file=mqtt.ca_file,
            cert_file=mqtt.cert_file,
            key_file=mqtt.key_file,
        )
    except GatewayError as error:
        typer.echo(f"liftwatch: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(result.as_json(), ensure_ascii=False))
