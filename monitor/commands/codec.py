"""`liftwatch codec …`: the wire formats that are read, what becomes of a payload, a first map."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from config.errors import ConfigError
from config.settings import load_settings
from config.text import Text
from devices.batch import Refusal
from devices.codecs import OURS, Limits, Setup, listing
from devices.codecs.dialects import DIALECTS
from devices.codecs.mapping import find_mapping, load, shipped
from devices.codecs.mapping.dialect import dialect_names, dialect_of, platform_dialect, read_map
from devices.codecs.mapping.trial import Sample, Trial, attempt, invented, topics_of
from devices.codecs.routes import Dialect, Routes
from devices.registry import Registry, load_registry
from devices.vocabulary import Vocabulary, load_vocabulary
from monitor.clock import wall_ms
from monitor.commands.site import ConfigFile, SiteFolder

app = typer.Typer(
    help="Wire formats: list, try, init · 通信格式：列出、试用、新建", no_args_is_help=True
)
console = Console(highlight=False)
TEMPLATE = "commented"
GATEWAYS = 200  # of a site, tried where no topic is given
FileOrName = Annotated[
    str,
    typer.Argument(
        help="A mapping file or its name, a file of codes, a dialect / 映射文件或名称、码表、方言"
    ),
]


def _dialect(said: str, vocab: Vocabulary) -> Dialect:
    if said in dialect_names():
        return platform_dialect(said, vocab)
    if Path(said).is_file():
        return read_map(Path(said), vocab)
    if said in shipped():
        return dialect_of(find_mapping(said, vocab))
    listed = ", ".join([*shipped(), *dialect_names()])
    way_out = Text(f"没有这个文件；自带的有：{listed}", f"no such file; shipped are: {listed}")
    raise ConfigError("command line", "FILE", said, way_out)


def _limits(config: Path | None) -> Limits:
    return Limits.of(load_settings(config).ingest)


def _moment(said: str | None) -> int:
    if said is None:
        return wall_ms()
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        way_out = Text("应为带时区的时间，如 2026-01-01T08:00:05+08:00",
                       "a time with zone such as 2026-01-01T08:00:05+08:00")  # fmt: skip
        raise ConfigError("command line", "--at", said, way_out) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _read(payload: str) -> bytes:
    if payload == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(payload).read_bytes()
    except OSError as error:
        way_out = Text(
            "应为可读的文件，或 - 表示标准输入", "must be a readable file, or - for stdin"
        )
        raise ConfigError("command line", "--payload", error.strerror or payload, way_out) from None


@app.command("try")
def try_one(
    file: FileOrName,
    payload: Annotated[
        str, typer.Option(help="File with one message, - for stdin / 一条消息的文件")
    ],
    topic: Annotated[
        str | None, typer.Option(help="Its topic; made up where left out / 主题，缺省自拟")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Received when, with zone; now / 接收时刻，缺省为现在")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line / 输出一行 JSON")] = False,
    config: ConfigFile = None,
    site: SiteFolder = None,
) -> None:
    """Show what becomes of a payload, field by field. 逐字段显示一条消息的去处。

    Each value with its channel, unit and source; what was refused and why; what of the payload
    nobody reads. Without --config or --site every lift that it names counts as registered.
    Ends with 0 when all was taken, 1 when something was refused, 2 when the file is wrong.

    \b
    Examples / 示例:
      liftwatch codec try my-map.toml --payload message.json
      liftwatch codec try my-map.toml --payload - --topic acme/gw-01/up < message.json
      liftwatch codec try gbt24476-chongqing --payload status.json --site var/site --json
    """
    vocab = load_vocabulary()
    routes, raw, now_ms = Routes((_dialect(file, vocab),)), _read(payload), _moment(at)
    folder = site or (load_settings(config).site.folder if config else None)
    registry = None if folder is None else load_registry(folder)
    trial = _attempt(routes, topic, raw, now_ms, registry, vocab, _limits(config))
    if as_json:
        typer.echo(orjson.dumps(_plain(trial)).decode())
    else:
        _show(trial, vocab)
    raise typer.Exit(1 if trial.refused or trial.rejected else 0)


def _attempt(
    routes: Routes,
    topic: str | None,
    raw: bytes,
    now_ms: int,
    registry: Registry | None,
    vocab: Vocabulary,
    limits: Limits,
) -> Trial:
    """Try the topic that was said, else those of the routes until one takes something."""
    if topic is not None:
        topics = [topic]
    elif registry is not None and registry.gateways:
        lift = registry.lifts[0].reg_code if registry.lifts else ""
        some = registry.gateways[:GATEWAYS]
        topics = [one for gateway in some for one in topics_of(routes, gateway.id, lift)]
    else:
        topics = topics_of(routes, "gw", f"{1:020d}")
    best: Trial | None = None
    for one in topics:
        known = registry or invented(routes, one, raw, now_ms, vocab)
        trial = attempt(routes, one, raw, now_ms, known, vocab, limits)
        if trial is not None and (best is None or _worth(trial) > _worth(best)):
            best = trial
        if best is not None and not best.rejected and not best.refused:
            break
    if best is None:
        filters = ", ".join(r.filter for d in routes.dialects for r in d.routes)
        way_out = Text(f"应符合 {filters}", f"must fit {filters}")
        raise ConfigError("command line", "--topic", topic, way_out)
    return best


def _worth(trial: Trial) -> tuple[bool, int, bool]:
    """What makes one outcome tell more than another: taken, how much, more than `empty`."""
    telling = any(one.reason != "empty" for one in trial.refused)
    return not trial.rejected, len(trial.samples) + len(trial.messages), telling


def _refusal(one: Refusal) -> dict[str, Any]:
    return asdict(one) | {"way_out": one.way_out.as_json()}


def _plain(trial: Trial) -> dict[str, Any]:
    return asdict(trial) | {"refused": [_refusal(one) for one in trial.refused]}


def _utc(ms: int) -> str:
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _show(trial: Trial, vocab: Vocabulary) -> None:
    way = "fast 快速" if trial.fast else "careful 逐值"
    console.print(f"{trial.codec} · {trial.topic} · gateway 网关 {trial.gateway} · {way}")
    for sample in trial.samples:
        when = _utc(sample.ts_ms) + (" late 迟到" if sample.late else "")
        console.print(f"\n{escape(sample.lift)} · {when}")
        console.print(_values(sample, vocab))
    for one in trial.messages:
        meaning = vocab.messages[one.code].text
        what = f"{one.code} {meaning.zh} {meaning.en}"
        console.print(f"\n! {escape(one.lift)} · {_utc(one.ts_ms)} · {what} · {one.state}")
    for refused in trial.refused:
        said = "" if refused.value is None else f" = {refused.value}"
        console.print(escape(f"\n✗ {refused.reason} · {refused.field or ''}{said}"))
        if refused.limit:
            console.print(escape(f"  should be 应为: {refused.limit}"))
        console.print(escape(f"  → {refused.way_out.en}\n  → {refused.way_out.zh}"))
    console.print()
    for text, paths in (
        ("not read by anybody 无人读取", trial.unread),
        ("not in this payload 本消息未含", trial.silent),
    ):
        if paths:
            console.print(f"{text}: {escape(', '.join(paths))}")
    if trial.rejected:
        console.print("nothing was taken · 全部拒收")
    elif not trial.timed:
        console.print("time of receipt: late data loses its time · 以接收时刻为准，补发将失去时间")


def _values(sample: Sample, vocab: Vocabulary) -> Table:
    table = Table(box=box.SIMPLE)
    for head in ("channel 通道", "value 值", "unit 单位", "from 来自"):
        table.add_column(head, overflow="fold")
    for value in sample.values:
        name = f"{value.channel} {vocab.by_name[value.channel].text.zh}"
        table.add_row(name, _word(value.value), value.unit, escape(value.source))
    return table


def _word(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


@app.command("list")
def show(config: ConfigFile = None) -> None:
    """List the wire formats: ours, dialects to switch on, maps that are shipped and your own.
    列出通信格式：自有协议、可启用的方言、自带与站点映射。

    Example / 示例: liftwatch codec list --config site.toml
    """
    vocab, settings = load_vocabulary(), load_settings(config)
    ingest = settings.ingest
    setup = Setup(Registry([], []), vocab, settings.site.folder, ingest)
    for route in OURS.dialects[0].routes:
        names = ", ".join(codec.name for codec in route.codecs)
        _line("lift/v1", "always on 总是启用", [route.filter], names)
    for name in DIALECTS:
        text = listing.text_of(name, vocab).both()
        state = "on 已启用" if name in ingest.dialects else ""
        _line(name, state, listing.topics_of(name, setup), text)
    for name in shipped():
        one = find_mapping(name, vocab)
        _line(f"{name}.toml", "example 示例", [one.topic], one.text.both())
    for path in ingest.maps:
        topics = [route.filter for route in read_map(path, vocab).routes]
        _line(str(path), "on 已启用", topics, "")


def _line(name: str, state: str, topics: list[str], what: str) -> None:
    """Print one format: name and state, then its topics whole, however narrow the terminal is."""
    heading = "  ".join(part for part in (name, what, state) if part)
    typer.echo("\n".join([heading, *(f"    {topic}" for topic in topics)]))


@app.command("init")
def init(
    file: Annotated[Path, typer.Argument(help="The file to write / 要写的文件")],
    like: Annotated[
        str, typer.Option(help=f"Which example: {TEMPLATE} explains every key / 以哪个示例为样")
    ] = TEMPLATE,
) -> None:
    """Write a commented mapping file to begin with. 写出带注释的映射文件样例。

    \b
    Examples / 示例:
      liftwatch codec init my-map.toml
      liftwatch codec init my-map.toml --like collector-csv
    """
    if like not in shipped():
        listed = ", ".join(shipped())
        raise ConfigError(
            "command line", "--like", like, Text(f"可用：{listed}", f"one of: {listed}")
        )
    if file.exists():
        way_out = Text(
            "文件已存在，不覆盖；请换名", "it is there and is not overwritten: another name"
        )
        raise ConfigError("command line", "FILE", str(file), way_out)
    file.write_text((load.FOLDER / f"{like}.toml").read_text("utf-8"), "utf-8")
    typer.echo(f"{file}: edit it, then / 修改后: liftwatch codec try {file} --payload message.json")
