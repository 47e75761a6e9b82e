"""`liftwatch roster …`: who is on duty, as a table, for calendars and from one."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer

from alerts.chains.explain import local
from alerts.directory.calendar_file import calendar_of, load_calendar
from alerts.directory.roster import MAIN_LINE, Roster, Shift, holes, shifts
from alerts.directory.roster_file import HAND_OVER
from alerts.directory.sheets.tables import alone, read_tables, write_tables
from alerts.directory.units import Directory, Unit
from config.errors import ConfigError
from config.text import Text
from monitor.clock import wall_ms
from monitor.commands.site import ConfigFile, Site, SiteFolder, open_site

app = typer.Typer(help="Rosters: show, export, import · 值班表", no_args_is_help=True)
UnitId = Annotated[str, typer.Option("--unit", help="Id of the unit / 单位编号")]
From = Annotated[
    str | None, typer.Option("--from", help="First day, local; default today / 起始日")
]
Days = Annotated[int, typer.Option(min=1, max=800, help="How many days / 天数")]
DAY_MS = 86_400_000


@app.command("show")
def show(
    unit: UnitId,
    begin: From = None,
    days: Days = 14,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON / 以 JSON 输出")] = False,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Who is on duty, shift by shift, in local time · 值班情况

    Stretches in which no line has anybody are told too; a line that only rests is not.

    Example / 示例: liftwatch roster show --site site --unit firm-03 --from 2026-10-01 --days 8
    """
    place = open_site(config, site)
    book = place.directory()
    listed = _shifts(place, book, unit, begin, days)
    if as_json:
        rows = [
            {"line": one.line, "from": local(one.from_ms, place.zone),
             "to": local(one.to_ms, place.zone), "contacts": list(one.contacts)}
            for one in listed
        ]  # fmt: skip
        typer.echo(orjson.dumps(rows).decode())
        return
    for one in listed:
        names = "、".join(book.contacts[who].name for who in one.contacts)
        span = f"{_clock(place, one.from_ms)} – {_clock(place, one.to_ms)}"
        typer.echo(f"{span}  {one.line}  {names or '(nobody at all / 无人值班)'}")


@app.command("export")
def export(
    unit: UnitId,
    begin: From = None,
    days: Days = 92,
    out: Annotated[Path | None, typer.Option("--out", help="File; default stdout / 文件")] = None,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Write shifts as .ics for calendars · 导出为日历

    Example / 示例: liftwatch roster export --site site --unit firm-03 --out firm-03.ics
    """
    place = open_site(config, site)
    book = place.directory()
    listed = _shifts(place, book, unit, begin, days)
    raw = calendar_of(book.units[unit], listed, book.contacts, wall_ms())
    if out is None:
        typer.echo(raw.decode(), nl=False)
    else:
        out.write_bytes(raw)
        typer.echo(f"{out}: {sum(bool(one.contacts) for one in listed)} shifts 班")


@app.command("import")
def import_calendar(
    source: Annotated[Path, typer.Argument(help="An .ics file / 日历文件")],
    unit: UnitId,
    line: Annotated[str, typer.Option(help="Duty line / 班次")] = MAIN_LINE,
    begin: From = None,
    days: Days = 14,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put it into the site; else only show / 写入")
    ] = False,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Keep a duty line in a calendar (.ics) · 导入日历

    Without --apply it is only told whom the calendar has on duty; with it the file is copied to
    rosters/ of the site folder, and the line's [[duty]] names it as `calendar`.

    Example / 示例: liftwatch roster import anda.ics --site site --unit firm-03 --apply
    """
    place = open_site(config, site)
    book = place.directory()
    _unit(book, unit)
    old = next((d for d in _roster(book, unit).lines if d.line == line), None)
    calendar = load_calendar(
        source,
        book.of_unit(unit),
        old.tz if old else place.zone,
        old.hand_over if old else HAND_OVER,
    )
    from_ms = _begin(place, begin)
    cuts = [from_ms, *sorted({*calendar.edges(from_ms + 1, from_ms + days * DAY_MS)})]
    for at, end in zip(cuts, [*cuts[1:], from_ms + days * DAY_MS], strict=True):
        names = "、".join(book.contacts[who].name for who in calendar.on(at))
        typer.echo(f"{_clock(place, at)} – {_clock(place, end)}  {names or '(nobody / 无人)'}")
    if not apply:
        typer.echo("Nothing was changed: --apply writes it. / 未修改：加 --apply 才写入。")
        return
    name = f"rosters/{unit}-{line}.ics"
    with alone(place.file):
        tables = read_tables(place.file, place.zone.key)
        _put(place.folder / name, source.read_bytes())
        known = (d for d in tables["duty"] if (d["unit"], d.get("line", MAIN_LINE)) == (unit, line))
        row = next(known, None)
        if row is None:
            row = {"unit": unit, "line": line}
            tables["duty"].append(row)
        row.pop("contacts", None)
        row["calendar"] = name
        backup = write_tables(place.file, tables, place.zone.key, wall_ms())
    typer.echo(f"Written; the old file is {backup.name}. / 已写入，旧文件保留。")


def _put(file: Path, raw: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    with fresh.open("wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def _unit(book: Directory, ident: str) -> Unit:
    if ident not in book.units:
        some = " | ".join([*book.units][:12])
        raise ConfigError("options", "--unit", ident, Text(f"应为：{some}", f"one of: {some}"))
    return book.units[ident]


def _roster(book: Directory, unit: str) -> Roster:
    return book.rosters.get(unit, Roster(unit))


def _shifts(place: Site, book: Directory, unit: str, said: str | None, days: int) -> list[Shift]:
    """Shifts with people, and the holes between them, in order."""
    _unit(book, unit)
    roster = _roster(book, unit)
    if not roster.lines:
        way_out = Text(
            "该单位没有值班表：请在 directory.toml 增加 [[duty]]",
            "the unit has no roster: add a [[duty]] to directory.toml",
        )
        raise ConfigError(place.file, "duty.unit", unit, way_out)
    from_ms = _begin(place, said)
    to = datetime.fromtimestamp(from_ms / 1000, place.zone).replace(tzinfo=None)
    to_ms = round((to + timedelta(days=days)).replace(tzinfo=place.zone).timestamp() * 1000)
    listed = [s for s in shifts(roster, roster.lines, from_ms, to_ms) if s.contacts]
    listed += [Shift(unit, "-", begin, end, ()) for begin, end in holes(roster, from_ms, to_ms)]
    return sorted(listed, key=lambda one: one.from_ms)


def _begin(place: Site, begin: str | None) -> int:
    if begin is not None:
        return place.moment(begin, 0)
    today = datetime.fromtimestamp(wall_ms() / 1000, place.zone)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return round(midnight.timestamp() * 1000)


def _clock(place: Site, at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, place.zone).strftime("%Y-%m-%d %H:%M")
