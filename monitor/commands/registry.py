"""`liftwatch registry …`: lifts, gateways and sensor sets in and out, their states, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from alerts.database.access import open_engine, reading
from alerts.directory.sheets.files import write_grids
from alerts.directory.units import Directory
from alerts.migrations import migrate
from alerts.model import Actor, Role
from config.errors import ConfigError
from config.settings import Settings, load_settings
from config.text import Text
from devices.registry import place_and_name
from devices.vocabulary import load_vocabulary
from monitor.clock import wall_ms
from monitor.commands.differences import MOST_ROWS, show_sheet, told_cell_by_cell
from monitor.commands.site import ConfigFile, open_site
from monitor.registry.entries import GATEWAY, LIFT, read_entries
from monitor.registry.files import SiteFiles
from monitor.registry.registrar import Registrar
from monitor.registry.sheets import SHEETS, Import, import_from, typed
from monitor.registry.sightings import read_sightings
from monitor.registry.states import ORDER, STATES, Book, counts

app = typer.Typer(
    help="Lifts, gateways, sensor sets: import, export, states · 台账",
    no_args_is_help=True,
)
ACTOR = Actor("liftwatch registry", Role.ADMIN)
AsJson = Annotated[bool, typer.Option("--json", help="As JSON / 以 JSON 输出")]
Lifts = Annotated[list[str], typer.Argument(help="Registration codes / 电梯注册代码")]
Baseline = Annotated[
    Literal["keep", "fresh"] | None,
    typer.Option(help="Does the learned normal go on? Asked later if not told / 已学常态是否沿用"),
]
console = Console(highlight=False)


@dataclass(frozen=True)
class Place:
    """A site with its database, for commands beside a running service or without one."""

    settings: Settings
    engine: Engine

    @property
    def registrar(self) -> Registrar:
        """What changes the registry; the service takes it up at SIGHUP."""
        return Registrar(self.engine, self.settings.site.folder, wall_ms)

    def book(self) -> Book:
        """All that is known without the service's live values."""
        files = SiteFiles(self.settings.site.folder)
        with reading(self.engine) as conn:
            entries, seen = read_entries(conn), read_sightings(conn)
        settled = round(self.settings.registry.settled_hours * 3_600_000)
        return Book(files.check(files.read()), entries, seen, wall_ms(), settled)


def open_place(config: Path | None) -> Place:
    """Open the site's database. Raises ConfigError as the service would."""
    settings = load_settings(config)
    migrate(settings.database)
    return Place(settings, open_engine(settings.database))


def taken_up() -> None:
    """Say when a change counts."""
    typer.echo("A running service takes it up on SIGHUP. / 运行中的服务收到 SIGHUP 后采用。")


@app.command("import")
def import_registry(
    source: Annotated[Path, typer.Argument(help=".xlsx, .csv or a folder / 表格文件或文件夹")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the files; else only show / 写入，否则只看")
    ] = False,
    retire: Annotated[
        bool,
        typer.Option("--retire", help="Lifts and gateways the sheet lacks leave / 表中没有的退役"),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every row / 显示全部行")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """What a spreadsheet would change in the registry · 导入台账

    Nothing is written without --apply. Sheets: gateways 网关, sensor_sets 传感器组, lifts 电梯; one
    that is not there stays as it is, and so does a column a sheet does not have. Rows that a
    sheet does not have would leave the site: that needs --retire.

    \b
    Examples / 示例:
      liftwatch registry export lifts.xlsx --config site.toml
      liftwatch registry import lifts.xlsx --config site.toml
      liftwatch registry import lifts.xlsx --config site.toml --apply
    """
    settings = load_settings(config)
    book = open_site(config, None).directory()
    with told_cell_by_cell():
        found = import_from(
            source, SiteFiles(settings.site.folder), _units(book), load_vocabulary().by_name
        )
    if apply and found.leaving and not retire:
        way_out = Text(
            "表中没有的电梯与网关将退役：确认后加 --retire",
            "lifts and gateways the sheet lacks would leave: add --retire if that is meant",
        )
        raise ConfigError(source, "rows that leave", found.leaving, way_out)
    applied = apply and not found.none
    if applied:
        open_place(config).registrar.apply(found, ACTOR, source.name)
    if as_json:
        typer.echo(orjson.dumps(_json(found, applied)).decode())
        return
    for one in found.differences:
        show_sheet(one, None if every else MOST_ROWS)
    for note in found.notes:
        typer.echo(f"note 注意: {note.both()}")
    if found.none:
        typer.echo("No difference. / 没有差异。")
    elif applied:
        typer.echo("Written; the old files are kept beside them. / 已写入，旧文件保留。")
        taken_up()
    else:
        typer.echo("Nothing was changed: --apply writes it. / 未修改：加 --apply 才写入。")


def _units(book: Directory) -> set[str]:
    return set(book.units)


def _json(found: Import, applied: bool) -> dict[str, Any]:
    return {
        "applied": applied,
        "sheets": [one.as_json() for one in found.differences],
        "notes": [note.as_json() for note in found.notes],
        "leaving": found.leaving,
    }


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(help="FILE.xlsx or a folder for CSV / 文件或文件夹")],
    config: ConfigFile = None,
) -> None:
    """Write a spreadsheet that `import` reads · 导出台账

    Example / 示例: liftwatch registry export lifts.xlsx --config site.toml
    """
    tables = SiteFiles(load_settings(config).site.folder).read()
    write_grids(target, typed(tables), SHEETS)
    told = ", ".join(f"{len(tables[sheet.table])} {sheet.name}" for sheet in SHEETS)
    typer.echo(f"{target}: {told}")


@app.command("show")
def show(
    state: Annotated[
        str | None, typer.Option(help="Only this state / 只看此状态: " + " | ".join(STATES))
    ] = None,
    gateways: Annotated[
        bool, typer.Option("--gateways", help="Gateways, not lifts / 看网关")
    ] = False,
    sites: Annotated[bool, typer.Option("--sites", help="By street office / 按街道汇总")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many / 条数")] = 100,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Lifts or gateways by their state: never seen, unknown, two gateways, moved … · 台账状态

    \b
    Examples / 示例:
      liftwatch registry show --config site.toml
      liftwatch registry show --state unregistered --config site.toml
      liftwatch registry show --gateways --json --config site.toml
    """
    if state is not None and state not in STATES:
        way_out = Text("应为：" + " | ".join(STATES), "one of " + " | ".join(STATES))
        raise ConfigError("options", "--state", state, way_out)
    rows = open_place(config).book().rows(GATEWAY if gateways else LIFT)
    rows.sort(key=lambda row: (ORDER[row["state"]], row["id"]))
    shown = [row for row in rows if state in (None, row["state"])]
    if sites:
        _show_sites(rows, as_json)
    elif as_json:
        typer.echo(orjson.dumps({"counts": counts(rows), "rows": shown[:limit]}).decode())
    else:
        _show(rows, shown, limit)


def _show(rows: list[dict[str, Any]], shown: list[dict[str, Any]], limit: int) -> None:
    for name, number in counts(rows).items():
        word, default = STATES[name]
        typer.echo(f"{number:>7}  {name:<13} {word.zh}  ({default.both()})")
    table = Table(box=None, pad_edge=False)
    for title in ("state 状态", "id", "gateway 网关", "place 地点", "seen by 来自", "count 次"):
        table.add_column(title, no_wrap=title == "id")
    for row in shown[:limit]:
        others = row["seen_by"]
        table.add_row(
            row["state"],
            row["id"],
            row.get("gateway") or "",
            place_and_name(row.get("place") or "", row.get("name") or ""),
            ", ".join(one["gateway"] or one["topic"] for one in others),
            str(sum(one["count"] for one in others) or ""),
        )
    console.print(table)
    if len(shown) > limit:
        typer.echo(f"… +{len(shown) - limit} (--limit)")


def _show_sites(rows: list[dict[str, Any]], as_json: bool) -> None:
    offices = sorted({row.get("street_office", "") for row in rows} - {""})
    found = [
        {"street_office": o, **counts([r for r in rows if r.get("street_office") == o])}
        for o in offices
    ]
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    for one in found:
        told = ", ".join(f"{k} {v}" for k, v in one.items() if k != "street_office")
        typer.echo(f"{one['street_office']}: {told}")


@contextmanager
def _acting(config: Path | None) -> Iterator[Registrar]:
    yield open_place(config).registrar
    taken_up()


@app.command("move")
def move(
    lifts: Lifts,
    to: Annotated[str, typer.Option("--to", help="The other gateway / 新网关")],
    baseline: Baseline = None,
    config: ConfigFile = None,
) -> None:
    """Let lifts belong to another gateway · 换网关

    Example / 示例: liftwatch registry move 31105001082012000001 --to gw-02 --baseline keep
    """
    with _acting(config) as registrar:
        registrar.move(lifts, to, ACTOR, baseline)


@app.command("retire")
def retire_one(
    ident: Annotated[str, typer.Argument(help="Lift or, with --gateway, gateway / 编号")],
    gateway: Annotated[bool, typer.Option("--gateway", help="It is a gateway / 是网关")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the journal / 原因")] = "",
    config: ConfigFile = None,
) -> None:
    """Take a lift or gateway out of the site; its history stays · 退役

    Example / 示例: liftwatch registry retire 31105001082012000001 --reason 拆除
    """
    with _acting(config) as registrar:
        registrar.retire(GATEWAY if gateway else LIFT, ident, ACTOR, reason)


@app.command("answer")
def answer(
    lift: Annotated[str, typer.Argument(help="Registration code / 注册代码")],
    baseline: Annotated[
        Literal["keep", "fresh"], typer.Argument(help="keep 沿用 | fresh 重新学习")
    ],
    config: ConfigFile = None,
) -> None:
    """Say whether the learned normal of a lift goes on; also when its device was replaced · 答复

    \b
    fresh: its device was replaced; history stays, what was learned from it is learned anew.
    Example / 示例: liftwatch registry answer 31105001082012000001 fresh
    """
    with _acting(config) as registrar:
        registrar.answer(lift, baseline, ACTOR)


@app.command("dismiss")
def dismiss(
    ident: Annotated[str, typer.Argument(help="Lift or gateway nobody registered / 编号")],
    gateway: Annotated[bool, typer.Option("--gateway", help="It is a gateway / 是网关")] = False,
    config: ConfigFile = None,
) -> None:
    """Forget that somebody unknown spoke; whoever speaks again is seen again · 不再列出"""
    open_place(config).registrar.dismiss(GATEWAY if gateway else LIFT, ident, ACTOR)
