"""`liftwatch check`: is the configuration right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alerts.chains.chains_file import load_chains
from alerts.chains.ladder import DEFAULT_CHAINS
from alerts.directory.directory_file import load_directory
from alerts.directory.findings import findings
from alerts.lifecycle.causes import DEFAULT_CAUSES, load_causes
from alerts.notify.cap import DEFAULT_CAP, load_cap
from alerts.rules import DEFAULT_RULES, load_rules
from alerts.story.sheet import fonts
from config.settings import load_settings
from devices.codecs import Setup, build_routes
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.channels import channels, unready
from monitor.clock import wall_ms
from monitor.detector import rule_schema
from monitor.own import own_or
from monitor.upstream.tier_file import load_tiers

AHEAD_DAYS, SHOWN = 30, 20  # of `liftwatch directory check`, which shows all


def check(
    config: Annotated[Path | None, typer.Option(help="Site settings (TOML) · 站点配置文件")] = None,
) -> None:
    """Check settings, site files, rules and chains without starting anything. 检查配置。

    Prints what was found, or the first mistake with file, key, value and what would be right; then
    holes in rosters and contracts (see `liftwatch directory check`), which are no mistakes;
    warns of contacts whose channels are not set up. 未配置的通道会有警告。
    """
    settings = load_settings(config)
    site = settings.site.folder
    vocab = load_vocabulary()
    rules = load_rules(own_or(site, "rules.toml", DEFAULT_RULES), rule_schema(vocab))
    chains = load_chains(own_or(site, "chains.toml", DEFAULT_CHAINS), settings.site.arrival_profile)
    chains.check(rules.meta.values())
    load_causes(own_or(site, "causes.toml", DEFAULT_CAUSES))
    fonts(settings.site.pdf_font)
    registry = load_registry(site)
    build_routes(Setup(registry, vocab, site, settings.ingest))
    directory = load_directory(site / "directory.toml", settings.site.timezone)
    ways = channels(settings, wall_ms, bytes(32))
    load_tiers(site, vocab)
    load_cap(own_or(site, "cap.toml", DEFAULT_CAP))
    typer.echo(
        f"ok: {len(registry.lifts)} lifts 电梯, {len(registry.gateways)} gateways 网关, "
        f"{len(directory.units)} units 单位, {len(rules)} rules 规则, "
        f"{len(vocab)} channels 通道, {len(vocab.messages)} codes 代码"
    )
    zone = ZoneInfo(settings.site.timezone)
    for text in findings(directory, registry.lifts, wall_ms(), AHEAD_DAYS, zone)[:SHOWN]:
        typer.echo(f"! {text.both()}")
    for one in registry.sensor_sets.values():
        for name in (name for name in one.channels if name not in vocab.by_name):
            typer.echo(
                f"warning / 警告: sensor_sets.csv: {one.id}: no channel is called {name}"
                f" / 没有通道 {name}",
                err=True,
            )
    for text in unready(ways, directory):
        typer.echo(f"warning / 警告: {text.both()}", err=True)
