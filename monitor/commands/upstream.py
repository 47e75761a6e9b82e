"""`liftwatch upstream …`: the platforms above, and a first message to one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config.secrets import Secrets
from config.settings import load_settings
from devices.vocabulary import Vocabulary, load_vocabulary
from monitor.clock import wall_ms
from monitor.upstream.send import SendError, sender
from monitor.upstream.tier_file import FILE, Tier, load_tiers

app = typer.Typer(
    help="Platforms above: list, try the way · 上级平台：列出、试连", no_args_is_help=True
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Site settings (TOML) / 站点配置文件")
]
KIND = {"status": "status", "events": "message", "alarms": "message", "statistics": "statistics"}


def _tiers(config: Path | None) -> tuple[list[Tier], Secrets, Vocabulary]:
    settings, vocab = load_settings(config), load_vocabulary()
    tiers = load_tiers(settings.site.folder, vocab)
    if not tiers:
        where = settings.site.folder / FILE
        typer.echo(f"no [[tier]] in {where}: docs/upstream.md tells how / 未配置上级平台")
    return tiers, Secrets(settings.notify.secret_dir), vocab


@app.command("show")
def show(config: ConfigFile = None) -> None:
    """List platforms: where each stream goes, and which codes they have no word for. 列出上级平台。

    How far each has been told, and the proofs, are at /api/v1/upstream of the running service.

    Example / 示例: liftwatch upstream show --config site.toml
    """
    tiers, secrets, vocab = _tiers(config)
    for tier in tiers:
        way = sender(tier, secrets, wall_ms)
        typer.echo(f"{tier.name}\t{tier.codes.text.en} · {tier.codes.text.zh}")
        for stream in tier.wants:
            typer.echo(f"  {stream}\t→ {way.where(KIND[stream])}")
        mute = ", ".join(map(str, tier.codes.unspeakable(vocab)))
        typer.echo(f"  no word for / 无法表示: {mute or '–'}")
        way.close()


@app.command("try")
def try_one(
    name: Annotated[str, typer.Argument(help="name of the tier / 上级平台名称")],
    config: ConfigFile = None,
) -> None:
    """Send an empty list of states: is the way open, are user and secret right? 试连。

    Example / 示例: liftwatch upstream try city --config site.toml
    """
    tiers, secrets, _ = _tiers(config)
    tier = next((one for one in tiers if one.name == name), None)
    if tier is None:
        known = ", ".join(one.name for one in tiers) or "–"
        typer.echo(f"liftwatch: tier = {name!r}: known / 已有: {known}", err=True)
        raise typer.Exit(2)
    way = sender(tier, secrets, wall_ms)
    try:
        proof = way.send("status", f"{name}.try.{wall_ms()}", b"[]")
    except SendError as error:
        typer.echo(f"liftwatch: not taken / 未被接收: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        way.close()
    typer.echo(f"taken / 已接收: {proof}")
