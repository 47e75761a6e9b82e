"""`liftwatch directory …`: the directory in and out of spreadsheets, and what is amiss in it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import orjson
import typer

from alerts.directory.findings import findings
from alerts.directory.sheets.files import write_grids
from alerts.directory.sheets.tables import alone, read_tables, write_tables
from alerts.directory.sheets.transfer import Import, import_from
from monitor.clock import wall_ms
from monitor.commands.differences import show_sheet, told_cell_by_cell
from monitor.commands.site import ConfigFile, SiteFolder, open_site

app = typer.Typer(
    help="Directory: import, export, check · 单位名录：导入、导出、检查", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="As JSON / 以 JSON 输出")]


@app.command("import")
def import_directory(
    source: Annotated[
        Path, typer.Argument(help=".xlsx, .csv or a folder of CSV / 表格文件或文件夹")
    ],
    apply: Annotated[
        bool, typer.Option("--apply", help="Write directory.toml; else only show / 写入，否则只看")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """What a spreadsheet would change in the directory · 导入名录

    Nothing is written without --apply; with it the old file is kept beside the new one. Sheets:
    units 单位, contacts 联系人, contracts 合同, duties 值班, holidays 节假日, swaps 调班;
    one that is not there stays as it is.

    \b
    Examples / 示例:
      liftwatch directory export book.xlsx --site site
      liftwatch directory import book.xlsx --site site
      liftwatch directory import book.xlsx --site site --apply
    """
    place = open_site(config, site)
    backup: Path | None = None
    with alone(place.file) if apply else nullcontext():
        old = read_tables(place.file, place.zone.key)
        with told_cell_by_cell():
            found = import_from(source, old, place.folder, place.zone.key)
        if apply and not found.none:
            backup = write_tables(place.file, found.tables, place.zone.key, wall_ms())
    if as_json:
        typer.echo(orjson.dumps(_json(found, backup)).decode())
    else:
        _show(found, backup)


def _json(found: Import, backup: Path | None) -> dict[str, object]:
    return {
        "applied": backup is not None,
        "backup": str(backup) if backup else None,
        "sheets": [one.as_json() for one in found.differences],
        "notes": [note.as_json() for note in found.notes],
    }


def _show(found: Import, backup: Path | None) -> None:
    for one in found.differences:
        show_sheet(one)
    for note in found.notes:
        typer.echo(f"note 注意: {note.both()}")
    if found.none:
        typer.echo("No difference. / 没有差异。")
    elif backup is None:
        typer.echo("Nothing was changed: --apply writes it. / 未修改：加 --apply 才写入。")
    else:
        typer.echo(f"Written; the old file is {backup.name}. / 已写入，旧文件保留。")
        typer.echo("A running service takes it up on SIGHUP. / 运行中的服务收到 SIGHUP 后采用。")


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(help="FILE.xlsx or a folder for CSV / 文件或文件夹")],
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Write a spreadsheet that `import` reads · 导出名录

    Example / 示例: liftwatch directory export book.xlsx --site site
    """
    place = open_site(config, site)
    tables = read_tables(place.file, place.zone.key)
    write_grids(target, tables)
    counts = ", ".join(f"{len(rows)} {table}" for table, rows in tables.items() if rows)
    typer.echo(f"{target}: {counts}")


@app.command("check")
def check(
    days: Annotated[int, typer.Option(min=1, max=400, help="How far ahead / 向前看多少天")] = 30,
    as_json: AsJson = False,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Holes in rosters and contracts · 检查名录

    Also overlapping contracts and units that are not on record. Leaves with 1 if it found any.

    Example / 示例: liftwatch directory check --site site --days 60
    """
    place = open_site(config, site)
    found = findings(
        place.directory(), place.registry().lifts, place.moment(None, wall_ms()), days, place.zone
    )
    if as_json:
        typer.echo(orjson.dumps([text.as_json() for text in found]).decode())
    else:
        for text in found:
            typer.echo(f"! {text.en}\n  {text.zh}")
        if not found:
            typer.echo(f"ok: {days} d. / 无问题。")
    raise typer.Exit(1 if found else 0)
