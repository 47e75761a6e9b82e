"""`liftwatch channel …`: which ways out there are, and a test page by one of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from alerts.notify.channel import Channel, DeliveryError, Item, Receipt
from alerts.notify.trial import trial
from config.settings import load_settings
from monitor.channels import channels
from monitor.clock import wall_ms
from monitor.secret import load_secret

app = typer.Typer(help="Channels of pages: list, try · 通知通道：列出、试发", no_args_is_help=True)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]


def _ways(config: Path | None) -> tuple[dict[str, Channel], str]:
    settings = load_settings(config)
    secret_file = settings.data_dir / "secret.key"
    # A test needs no secret of the site: a command that looks makes no file.
    secret = load_secret(settings.data_dir) if secret_file.exists() else bytes(32)
    return channels(settings, wall_ms, secret), settings.public_url


@app.command("list")
def show(config: ConfigFile = None) -> None:
    """List the channels that are set up here. 列出已配置的通道。

    Example / 示例: liftwatch channel list --config site.toml
    """
    for name, channel in _ways(config)[0].items():
        typer.echo(f"{name}\t{channel.timeout_s:g} s\t× {channel.concurrency}")


@app.command("try")
def try_one(
    name: Annotated[str, typer.Argument(help="mqtt | webhook | email | sms | … / 通道名")],
    to: Annotated[str, typer.Option(help="Address as in directory.toml / 地址")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show it / 只显示，不发送")
    ] = False,
    lang: Annotated[str, typer.Option(help="zh | en")] = "zh",
    config: ConfigFile = None,
) -> None:
    """Show what would be sent, secrets masked, and send a page marked as a test. 试发一条测试通知。

    \b
    Examples / 示例:
      liftwatch channel try sms --to 13900000000 --dry-run --config site.toml
      liftwatch channel try webhook --to https://example.org/hook
    """
    ways, base_url = _ways(config)
    channel = ways.get(name)
    if channel is None:
        known = ", ".join(ways)
        typer.echo(
            f"liftwatch: channel = {name!r}: not set up here; there are {known} / "
            f"此处未配置；现有 {known}",
            err=True,
        )
        raise typer.Exit(2)
    item = trial(name, to, lang, wall_ms(), base_url)
    try:
        typer.echo(channel.show(item))
        if dry_run:
            return
        receipt = asyncio.run(_send(channel, item))
    except (DeliveryError, TimeoutError) as error:
        told = str(error) or f"no answer within {channel.timeout_s:g} s"
        typer.echo(f"\nliftwatch: not delivered / 未送达: {told}", err=True)
        raise typer.Exit(1) from None
    number = f" ({receipt.ref})" if receipt.ref else ""
    typer.echo(f"\ndelivered / 已送达: {receipt.text}{number}")


async def _send(channel: Channel, item: Item) -> Receipt:
    try:
        async with asyncio.timeout(channel.timeout_s):
            return await channel.send(item)
    finally:
        await channel.close()
