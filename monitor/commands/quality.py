"""`liftwatch quality`: are the alarms worth answering?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.table import Table

from alerts.database.access import reading
from alerts.quality import Period, report
from alerts.quality.report import parse_verdict
from config.errors import ConfigError
from config.text import Text
from devices.registry import place_and_name
from monitor.backtest.times import moment
from monitor.clock import wall_ms
from monitor.offline import open_offline

console = Console(highlight=False)
WEEK_MS = 7 * 86_400_000


def quality(
    from_: Annotated[
        str | None,
        typer.Option("--from", help="2026-03-02 | 2026-03-02T08:00[+08:00] · 起；默认一周前"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="End; a day alone is counted whole · 止；只写日期则含当日")
    ] = None,
    positions: Annotated[
        int, typer.Option(help="Operator positions · 值班席位数", min=1, max=100)
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line · 输出一行 JSON")] = False,
    config: Annotated[Path | None, typer.Option(help="Site settings (TOML) · 站点配置文件")] = None,
) -> None:
    """Figures of alarm quality after ISA-18.2 / IEC 62682 for a period. 报警质量。

    \b
    Examples / 示例:
      liftwatch quality
      liftwatch quality --from 2026-03-01 --to 2026-03-31 --positions 2
      liftwatch quality --from 2026-03-01 --json
    """
    site = open_offline(config)
    tz, now_ms = ZoneInfo(site.settings.site.timezone), wall_ms()
    end = min(now_ms, moment(to, tz, ("command line", "--to"), True) if to else now_ms)
    start = moment(from_, tz, ("command line", "--from")) if from_ else end - WEEK_MS
    if start >= end:
        way_out = Text("应早于 --to，且早于此刻", "should be before --to, and before now")
        raise ConfigError("command line", "--from", from_ or start, way_out)
    with reading(site.desk.engine) as conn:
        found = report(conn, Period(start, end), site.teller.causes, tz, positions)
    if as_json:
        typer.echo(orjson.dumps(found).decode())
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    left = found["left_out"]
    console.print(
        f"{found['alarms']} alarms 报警; not counted 不计: {left['notices']} notices 提示, "
        f"{left['exercises']} exercises 演练, {left['late']} late 迟到"
    )
    table = Table("figure 指标", "value 值", "limit 限值", "")
    for one in found["verdicts"]:
        kept = {True: "✓", False: "✗", None: ""}[one["ok"]]
        limit = parse_verdict({**one, "value": one["limit"]})
        table.add_row(f"{one['text']['en']} {one['text']['zh']}", parse_verdict(one), limit, kept)
    console.print(table)
    actors = Table("most frequent 最频繁", "what 警情", "onsets 次数", "share 占比")
    for one in found["bad_actors"]["alarms"]:
        where = place_and_name(str(one["place"]), str(one["name"]))
        what = f"{one['text']['zh']} {one['text']['en']}"
        actors.add_row(where, what, str(one["onsets"]), f"{100 * one['share']:.1f} %")
    console.print(actors)
    rules = Table("rule 规则", "alarms 报警", "judged 已判", "false 误报")
    for one in found["rules"]:
        what = f"{one['rule']} {one['text']['zh']} {one['text']['en']}"
        rules.add_row(what, str(one["alarms"]), str(one["judged"]), str(one["false"]))
    console.print(rules)
