"""`liftwatch chain explain`: who would be called, when, how, and what would stop it."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alerts.chains import explain as chain
from alerts.chains.calling import ways
from alerts.chains.explain import Explained, Rung, explain, masked, stops
from alerts.chains.ladder import Chains
from alerts.desk.gaps import OFF_DUTY
from alerts.directory.subjects import Subjects
from alerts.directory.units import Contact, Directory
from alerts.model import RuleMeta
from alerts.rules import DEFAULT_RULES, load_rules
from config.errors import ConfigError
from config.text import Text
from devices.registry import place_and_name
from devices.vocabulary import load_vocabulary
from monitor.clock import wall_ms
from monitor.commands.site import ConfigFile, Site, SiteFolder, find_lift, open_site
from monitor.detector import rule_schema
from monitor.own import own_or

app = typer.Typer(help="Chains: explain · 处置链", no_args_is_help=True)
WIDE = 150


@app.callback()
def _more_may_come() -> None:
    """Chains: who is told, when, until what. 处置链：通知谁、何时、到何时为止。"""


@app.command("explain")
def explain_chain(
    lift: Annotated[
        str, typer.Option(help="Registration code, rescue code or name / 注册代码、识别码或名称")
    ],
    rule: Annotated[str, typer.Option(help="Rule of rules.toml, e.g. 1 / 规则编号")],
    at: Annotated[
        str | None, typer.Option(help="Local time of the raise; default now / 触发时间（当地）")
    ] = None,
    people: Annotated[int, typer.Option(min=0, help="People in the car / 轿内人数")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Whole phone numbers / 完整电话")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON / 以 JSON 输出")] = False,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Who would be called, and when · 说明会通知谁、何时

    By the very functions escalation uses; nobody is called, no service has to run. 不会真的通知。

    \b
    Examples / 示例:
      liftwatch chain explain --site site --lift 31105001990000000001 --rule 1 --people 2
      liftwatch chain explain --lift A梯 --rule 16 --at 2026-10-01T03:00 --json
    """
    place = open_site(config, site)
    book, chains, registry = place.directory(), place.chains(), place.registry()
    meta = _rule(place, chains, rule)
    found = find_lift(registry, lift)
    at_ms = place.moment(at, wall_ms())
    told = explain(
        book, chains, Subjects(registry), meta, "lift", found.reg_code, at_ms, people > 0
    )
    if as_json:
        typer.echo(orjson.dumps(chain.as_json(told, book, place.zone, full)).decode())
    else:
        _show(told, book, place.zone, full)


def _rule(place: Site, chains: Chains, ident: str) -> RuleMeta:
    rules = load_rules(
        own_or(place.folder, "rules.toml", DEFAULT_RULES), rule_schema(load_vocabulary())
    )
    known = {OFF_DUTY.id: OFF_DUTY} | dict(rules.meta)
    chains.check(known.values())
    if ident not in known:
        right = " | ".join(known)
        raise ConfigError("options", "--rule", ident, Text(f"应为：{right}", f"one of: {right}"))
    return known[ident]


def _show(told: Explained, book: Directory, tz: tzinfo, full: bool) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    subject, rule = told.subject, told.rule
    console.print(
        f"[bold]{escape(place_and_name(subject.place, subject.name))}[/]  {subject.id}\n"
        f"{escape(rule.text.both())} · {told.severity} · chain 处置链 {told.chain} · "
        f"profile 到场时限 {told.profile}"
    )
    if told.arrival_due_ms is not None:
        console.print(f"arrival due 到场时限 {_clock(told.arrival_due_ms, tz)}")
    if not told.rungs:
        console.print("shown, and nobody is paged (bell = false) / 只显示，不通知")
        return
    table = Table()
    for head in ("when 时间", "step 步骤", "who 何人", "phone 电话", "channels 通道", "until 至"):
        table.add_column(head, no_wrap=head.startswith(("when", "phone")), overflow="fold")
    for rung in told.rungs:
        _add(table, rung, told.at_ms, book, tz, full)
    console.print(table)
    console.print(
        "Every step also falls away when the alert is over. / 警情结束后所有步骤都不再执行。"
    )


def _add(table: Table, rung: Rung, at_ms: int, book: Directory, tz: tzinfo, full: bool) -> None:
    """One row a person; what is said of the whole step stands in the first one."""
    step, after = rung.step, (rung.due_ms - at_ms) // 1000
    when = f"{_clock(rung.due_ms, tz)}\n+{after // 3600}:{after // 60 % 60:02d}:{after % 60:02d}"
    what = f"{escape(step.text.zh)}\n{escape(step.text.en)}"
    if step.mark == "accident":
        what += "\n[bold red]accident class / 一般事故[/]"
    until = "\n".join(text.both() for text in stops(step)[:-1]) or "-"
    rows = [
        (
            f"{escape(one.name)}\n  {escape(_unit(book, one))}",
            one.phone if full else masked(one.phone),
            _channels(rung, one),
        )
        for one in rung.calls.contacts
    ]
    rows += [(f"[yellow]! {escape(text.both())}[/]", "", "") for text in _fallbacks(rung)]
    for i, row in enumerate(rows or [("[bold red]nobody / 无人[/]", "", "")]):
        head, tail = ((when, what), until) if i == 0 else (("", ""), "")
        table.add_row(*head, *row, tail, end_section=i == max(len(rows), 1) - 1)


def _clock(at_ms: int, tz: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz).strftime("%m-%d %H:%M:%S %Z")


def _unit(book: Directory, contact: Contact) -> str:
    name = book.units[contact.unit].name
    return name.zh if name.zh == name.en else f"{name.zh} {name.en}"


def _fallbacks(rung: Rung) -> list[Text]:
    return [found.fallback for _, found in rung.calls.roles if found.fallback is not None]


def _channels(rung: Rung, contact: Contact) -> str:
    """`mqtt > email`: one after another; `voice + sms`: all at once."""
    groups = ways(rung.step, contact)
    return " + ".join(" > ".join(channel for channel, _ in group) for group in groups)
