"""`liftwatch backtest`: rules over stored history; what would have rung, cleared, been missed."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text as Words

from alerts.rules import DEFAULT_RULES, RuleSet, load_rules
from config.errors import ConfigError
from config.settings import Settings, load_settings
from config.text import Text
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.backtest import ask, both, jobs, picture, report
from monitor.backtest.compare import compare
from monitor.backtest.labels import load_labels
from monitor.backtest.life import rings_in_life
from monitor.backtest.rings import Ring, pairs_of, rings_of
from monitor.backtest.source import Source, take
from monitor.detector import rule_schema
from monitor.own import own_or

LIFE, IN_FORCE = "life", "in-force"
PIPED_WIDTH = 120
progress_console = Console(stderr=True, highlight=False)


def backtest(
    rules: Annotated[Path, typer.Option(help="Rule file A · 规则文件 A")],
    against: Annotated[
        str,
        typer.Option(
            help="B: a rule file; in-force: the site's rules; life: alerts that really stood · "
            "B：规则文件、in-force 现行规则、life 实际警情"
        ),
    ] = IN_FORCE,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="2026-03-02 | 2026-03-02T08:00[+08:00]; default: all · 起"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="End; a day alone is counted whole · 止；只写日期则含当日")
    ] = None,
    lifts: Annotated[
        list[str] | None, typer.Option(help="Registration code; may be repeated · 只看这些电梯")
    ] = None,
    only_rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Rule id; may be repeated · 只看这些规则")
    ] = None,
    changed: Annotated[
        bool, typer.Option(help="Only rules that differ, faster · 只判有改动的规则，更快")
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV reg_code,rule,start,end: tells missed and false · 标注，得漏报误报"),
    ] = None,
    warm_up: Annotated[
        float, typer.Option(help="Hours before --from, not counted · 起点前的预热小时数")
    ] = 24.0,
    without_late: Annotated[
        bool, typer.Option(help="Leave out samples that came late · 不用迟到的采样")
    ] = False,
    exact: Annotated[
        bool,
        typer.Option(help="Walk each lift in one go; slower for few lifts · 不分段，台数少时更慢"),
    ] = False,
    history: Annotated[
        Path | None, typer.Option(help="History folder, e.g. of a copy · 历史文件夹，如副本")
    ] = None,
    top: Annotated[int, typer.Option(help="Lifts in the table · 表中电梯数")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document · 输出 JSON")] = False,
    csv: Annotated[Path | None, typer.Option(help="Every transition · 全部跃迁写入 CSV")] = None,
    picture_file: Annotated[
        Path | None, typer.Option("--picture", help="FILE.svg | FILE.html · 图")
    ] = None,
    lang: Annotated[str, typer.Option(help="both | zh | en")] = "both",
    cores: Annotated[
        int | None, typer.Option(help="Processes; default: all cores · 进程数")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Site settings; without it the demo's · 站点配置")
    ] = None,
) -> None:
    """Run rules over stored history; tell what would have rung, cleared, been missed. 规则回测。

    Nothing is paged and nothing is changed. The service may run meanwhile.

    \b
    Examples / 示例:
      liftwatch backtest --rules new.toml --from 2026-03-01 --to 2026-03-31
      liftwatch backtest --rules new.toml --against old.toml --changed --picture diff.html
      liftwatch backtest --rules new.toml --against life --labels visits.csv
      liftwatch backtest --rules new.toml --lifts 31105001992009000178 --csv single.csv
    """
    if lang not in report.LANGUAGES:
        way_out = Text("应为 both、zh 或 en", "must be both, zh or en")
        raise ConfigError("backtest", "--lang", lang, way_out)
    picture.check(picture_file)
    _check_writable(csv, picture_file)
    settings = load_settings(config)
    zone = ZoneInfo(settings.site.timezone)
    a, b, sides = _sides(settings, rules, against)
    ids = dict.fromkeys([*(rule.id for rule in a.rules), *(rule.id for rule in b.rules)])
    for rule in only_rule or ():
        if rule not in ids:
            way_out = Text(f"应为其一：{' '.join(ids)}", f"must be one of {' '.join(ids)}")
            raise ConfigError("backtest", "--rule", rule, way_out)
    known = load_labels(labels, zone, ids) if labels else []
    plan = both.plan(a, b, only_rule or (), changed and against != LIFE)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="liftwatch-backtest-") as work:
        source = take(history or settings.data_dir / "history", Path(work))
        registry = load_registry(settings.site.folder, source.lifts)
        rows = ask.chosen_rows(registry, source, lifts or [])
        span = ask.span_of(source, from_, to, warm_up, zone)
        codes = [source.lifts[row] for row in rows.tolist()]
        life = None
        if against == LIFE:
            life = rings_in_life(settings.database, span.begin_ms, span.to_ms, codes)
            life = [ring for ring in life if not only_rule or ring.rule in only_rule]
        found = _judge(source, plan, registry, rows, span, cores, without_late, exact)
    wanted = set(codes)
    first, second = (
        [ring for ring in rings_of(found, plan, side, source.lifts) if ring.lift in wanted]
        for side in (plan.a, plan.b)
    )
    pairs = pairs_of(first, second if life is None else _until(life, span.to_ms))
    made = report.Report(
        compare(pairs, span.counted, [one for one in known if one.lift in wanted]),
        sides,
        {**{rule.id: rule.text for rule in b.rules}, **_names(a), **_others(life, a)},
        registry,
        span,
        zone,
        len(rows),
        labels is not None,
        plan.left_out,
        source.copied,
        found.spent,
        found.seams,
        found.pieces,
        time.monotonic() - begun,
    )
    _tell(made, as_json, csv, picture_file, lang, top)


def _check_writable(*files: Path | None) -> None:
    """Say before minutes of work that the result could not be written."""
    for file in files:
        if file is not None and not os.access(file.parent, os.W_OK):
            way_out = Text("文件夹应存在且可写", "its folder must be there and writable")
            raise ConfigError("backtest", "file", str(file), way_out)


def _sides(
    settings: Settings, rules: Path, against: str
) -> tuple[RuleSet, RuleSet, tuple[Text, Text]]:
    schema = rule_schema(load_vocabulary())
    a = load_rules(rules, schema)
    name = Text(str(rules), str(rules))
    if against == LIFE:
        return a, a, (name, Text("实际警情", "alerts that really stood"))
    if against == IN_FORCE:
        file = own_or(settings.site.folder, "rules.toml", DEFAULT_RULES)
        shipped = file == DEFAULT_RULES
        other = Text("现行规则（随附）", "rules in force (as shipped)") if shipped else Text(
            "现行规则（站点）", "rules in force (the site's)")  # fmt: skip
        return a, load_rules(file, schema), (name, other)
    return a, load_rules(Path(against), schema), (name, Text(against, against))


def _names(ruleset: RuleSet) -> dict[str, Text]:
    return {rule.id: rule.text for rule in ruleset.rules}


def _others(life: list[Ring] | None, a: RuleSet) -> dict[str, Text]:
    """Rules that rang in life and are in the file no more have no name but their id."""
    have = _names(a)
    return {ring.rule: Text(ring.rule, ring.rule) for ring in life or () if ring.rule not in have}


def _until(rings: list[Ring], to_ms: int) -> list[Ring]:
    """What was cleared after the end still stood at the end."""
    return [ring if ring.end_ms < to_ms else replace(ring, cleared_ms=None) for ring in rings]


def _judge(
    source: Source, plan: both.Plan, registry: Registry, rows: ask.Rows,
    span: ask.Span, cores: int | None, without_late: bool, exact: bool,
) -> jobs.Found:  # fmt: skip
    cores = cores or os.cpu_count() or 1
    tasks = ask.tasks_of(source, plan, registry, rows, span, cores, without_late, exact)
    days = sum(task.lift_days for task in tasks)
    with _bar(days) as tell:
        return jobs.run(tasks, tell, cores)


class _Rate(ProgressColumn):
    """Lift-months a minute so far."""

    def render(self, task: Task) -> Words:
        """Return the rate as text."""
        speed = (task.finished_speed or task.speed or 0) * 60 / ask.MONTH_DAYS
        return Words(f"{speed:,.1f} lift-months/min 台·月/分")


@contextmanager
def _bar(days: float) -> Iterator[Callable[[float], None]]:
    columns = ("{task.description}", BarColumn(), "{task.percentage:>3.0f}%", _Rate(),
               TimeRemainingColumn())  # fmt: skip
    hidden = not progress_console.is_terminal
    with Progress(*columns, console=progress_console, disable=hidden) as progress:
        task = progress.add_task("back-test 回测", total=days)
        yield lambda done: progress.advance(task, done)


def _tell(
    made: report.Report, as_json: bool, csv: Path | None, drawn: Path | None, lang: str, top: int
) -> None:
    if csv is not None:
        report.write_csv(made, csv)
    if drawn is not None:
        picture.write(made, drawn, lang, top)
    if as_json:
        typer.echo(json.dumps(made.as_json(), ensure_ascii=False))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPED_WIDTH)
    report.show(made, console, lang, top)
    rate = made.lift_months / max(made.seconds, 1e-9) * 60
    progress_console.print(
        f"{made.lift_months:,.1f} lift-months 台·月, {made.seconds:,.1f} s: "
        f"{rate:,.0f} lift-months/min 台·月/分", style="dim"
    )  # fmt: skip
