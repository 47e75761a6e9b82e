"""`liftwatch gateway …`: credentials of gateways, the broker's rules for them, claim codes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer

from alerts.model import Actor, Role
from config.errors import ConfigError
from config.text import Text
from monitor.broker import write_private
from monitor.clock import wall_ms
from monitor.commands import gateway_run
from monitor.commands.registry import Place, open_place, taken_up
from monitor.commands.site import ConfigFile
from monitor.provisioning.brokers import acl_of, embedded_entry, rabbitmq_definitions
from monitor.provisioning.claims import Claims
from monitor.provisioning.credentials import CERTIFICATE
from monitor.provisioning.issuer import Given, Issuer
from monitor.secret import load_secret

app = typer.Typer(
    help="Gateways: add, list, rotate, revoke, claim, ca; run, read · 网关凭据；运行网关",
    no_args_is_help=True,
)
ca_app = typer.Typer(help="The small certificate authority · 证书机构", no_args_is_help=True)
app.add_typer(ca_app, name="ca")
app.command("run")(gateway_run.run)
app.command("read")(gateway_run.read)
ACTOR = Actor("liftwatch gateway", Role.ADMIN)
Name = Annotated[str, typer.Argument(help="Id of the gateway / 网关编号")]
Auth = Annotated[
    Literal["password", "certificate"], typer.Option(help="How it proves itself / 凭据种类")
]
Broker = Annotated[
    Literal["mosquitto", "rabbitmq", "embedded"] | None,
    typer.Option(help="Whose rules to print; else as the settings say / 消息服务器"),
]
Lifts = Annotated[str, typer.Option(help="Registration codes, by commas / 电梯，逗号分隔")]
Out = Annotated[
    Path | None, typer.Option(help="Folder for certificate and key / 证书与私钥的文件夹")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON / 以 JSON 输出")]
Days = Annotated[int | None, typer.Option(min=1, max=3650, help="How long it is good / 有效天数")]


def _issuer(place: Place) -> Issuer:
    return Issuer(place.engine, place.settings, wall_ms)


def _broker(place: Place, said: str | None) -> str:
    if said is not None:
        return said
    return "embedded" if place.settings.mqtt.url == "embedded" else "mosquitto"


def _possible(name: str, auth: str | None, broker: str) -> None:
    if broker == "rabbitmq" and "." in name:
        way_out = Text(
            "RabbitMQ 把主题中的点当作层级：网关编号不可含点",
            "RabbitMQ takes a dot in a topic for a level: use an id without dots",
        )
        raise ConfigError("options", "NAME", name, way_out)
    if auth == CERTIFICATE and broker == "embedded":
        way_out = Text(
            "内置消息服务器只认口令：用 --auth password，或改用 mosquitto",
            "the embedded broker knows passwords only: --auth password, or use mosquitto",
        )
        raise ConfigError("options", "--auth", auth, way_out)


@app.command("add")
def add(
    name: Name,
    auth: Auth = "password",
    broker: Broker = None,
    lifts: Lifts = "",
    vendor: Annotated[str, typer.Option(help="Who made it / 厂商")] = "",
    place: Annotated[str, typer.Option(help="Where it is / 安装位置")] = "",
    days: Days = None,
    out: Out = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Register a gateway and give it a credential, shown once · 新增网关

    Prints what the broker must be told, too; the same stands ready in the provisioning folder.

    \b
    Examples / 示例:
      liftwatch gateway add gw-07 --vendor acme --lifts 31105001082012000001 --config site.toml
      liftwatch gateway add gw-08 --auth certificate --out certs --config site.toml
    """
    site = open_place(config)
    kind = _broker(site, broker)
    _possible(name, auth, kind)
    registrar = site.registrar
    new = registrar.register_gateway(name, ACTOR, vendor, place, missing_ok=True)
    codes = [code.strip() for code in lifts.split(",") if code.strip()]
    if codes:
        registrar.move(codes, name, ACTOR)
    issuer = _issuer(site)
    given = issuer.give(name, auth, ACTOR, days=days, embedded=kind == "embedded")
    _tell(site, issuer, given, kind, out, as_json)
    if (new or codes) and not as_json:
        taken_up()


@app.command("rotate")
def rotate(
    name: Name,
    auth: Annotated[
        Literal["password", "certificate"] | None,
        typer.Option(help="As before if not told / 默认同前"),
    ] = None,
    broker: Broker = None,
    overlap_hours: Annotated[
        float | None, typer.Option(min=0, help="The old one stays good so long / 新旧并存小时数")
    ] = None,
    days: Days = None,
    out: Out = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Give a new credential; the old one stays good for a while · 轮换凭据

    Example / 示例: liftwatch gateway rotate gw-07 --overlap-hours 48 --config site.toml
    """
    site = open_place(config)
    kind, issuer = _broker(site, broker), _issuer(site)
    _possible(name, auth, kind)
    given = issuer.rotate(
        name, ACTOR, auth=auth, overlap_hours=overlap_hours, days=days, embedded=kind == "embedded"
    )
    _tell(site, issuer, given, kind, out, as_json)


@app.command("revoke")
def revoke(
    name: Name,
    user: Annotated[
        str | None, typer.Option(help="Only this one of its users / 只吊销此用户")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the journal / 原因")] = "",
    config: ConfigFile = None,
) -> None:
    """Take a gateway's credentials back; the broker refuses it once it has reloaded · 吊销

    Example / 示例: liftwatch gateway revoke gw-07 --reason stolen --config site.toml
    """
    issuer = _issuer(open_place(config))
    users = issuer.revoke(name, ACTOR, reason, user)
    typer.echo(f"revoked 已吊销: {', '.join(users)}")
    _reload_broker(issuer)


@app.command("list")
def show_all(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every gateway with what it has · 列出网关与凭据"""
    site = open_place(config)
    issuer, now_ms = _issuer(site), wall_ms()
    rows = [one.as_json(now_ms) for one in issuer.credentials()]
    if as_json:
        typer.echo(orjson.dumps(rows).decode())
        return
    soon = {one.username for one in issuer.warnings()}
    for row in rows:
        mark = "  ! ends soon 即将到期" if row["username"] in soon else ""
        ends = _day(row["ends_ms"] or row["expires_ms"])
        typer.echo(
            f"{row['gateway']:<16} {row['username']:<18} {row['kind']:<12} {row['state']:<8} "
            f"{ends}{mark}"
        )
    have = {row["gateway"] for row in rows}
    for row in site.registrar.files.read()["gateways.csv"]:
        if row["id"] not in have:
            typer.echo(f"{row['id']:<16} {'-':<18} none 未发放")


@app.command("show")
def show(
    name: Name,
    broker: Broker = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """One gateway's credentials, and what the broker must be told; no secrets · 查看网关"""
    site = open_place(config)
    issuer, now_ms = _issuer(site), wall_ms()
    mine = issuer.credentials(name)
    if as_json:
        typer.echo(orjson.dumps([one.as_json(now_ms) for one in mine]).decode())
        return
    for one in mine:
        typer.echo(orjson.dumps(one.as_json(now_ms), option=orjson.OPT_INDENT_2).decode())
    for one in mine:
        if one.good(now_ms):
            typer.echo(_rules(issuer, name, one.username, _broker(site, broker)))


@app.command("files")
def files(config: ConfigFile = None) -> None:
    """Write the brokers' files anew: password file, ACL, definitions, CRL · 重写消息服务器文件"""
    issuer = _issuer(open_place(config))
    issuer.publish()
    _reload_broker(issuer)


@app.command("claim")
def claim(
    name: Name,
    lifts: Lifts = "",
    vendor: Annotated[str, typer.Option(help="Who made it / 厂商")] = "",
    place: Annotated[str, typer.Option(help="Where it is / 安装位置")] = "",
    minutes: Annotated[
        float | None, typer.Option(min=1, max=10_080, help="How long / 分钟")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Make a one-time code by which a gateway registers itself · 认领码

    The device sends it to POST /api/v1/claim and gets its credential; docs/provisioning.md.

    Example / 示例: liftwatch gateway claim gw-09 --lifts 31105001082012000001 --config site.toml
    """
    site = open_place(config)
    claims = Claims(
        site.engine, _issuer(site), site.registrar, wall_ms, load_secret(site.settings.data_dir)
    )
    lasts = minutes or site.settings.provisioning.claim_minutes
    codes = [code.strip() for code in lifts.split(",") if code.strip()]
    code, ends_ms = claims.make(name, ACTOR, lasts, vendor=vendor, place=place, lifts=codes)
    typer.echo(f"{name}: {code}  (until 至 {_day(ends_ms, True)}, once 仅一次)")


@ca_app.command("init")
def ca_init(
    days: Annotated[int, typer.Option(min=30, max=7300, help="How long / 有效天数")] = 3650,
    config: ConfigFile = None,
) -> None:
    """Make the authority: key (only readable by you), certificate, revocation list · 建立证书机构

    Example / 示例: liftwatch gateway ca init --config site.toml
    """
    place = open_place(config)
    issuer = _issuer(place)
    issuer.authority.init(place.settings.site.name_en, wall_ms(), days)
    issuer.publish()
    typer.echo(
        f"{issuer.authority.certificate_file}: until 至 {_day(issuer.authority.expires_ms())}"
    )
    typer.echo("Keep a copy of this folder offline. / 请离线备份此文件夹。")


@ca_app.command("server")
def ca_server(
    hosts: Annotated[list[str], typer.Argument(help="Host names or addresses / 主机名或地址")],
    out: Annotated[Path, typer.Option(help="Folder for server.crt, server.key / 文件夹")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long / 有效天数")] = 825,
    config: ConfigFile = None,
) -> None:
    """A certificate for the broker itself, where the site has no other · 消息服务器证书

    Example / 示例: liftwatch gateway ca server broker.example 10.0.0.5 --out tls
    """
    made = _issuer(open_place(config)).authority.server(hosts, wall_ms(), days)
    out.mkdir(parents=True, exist_ok=True)
    (out / "server.crt").write_text(made.certificate, "utf-8")
    write_private(out / "server.key", made.key or "")
    typer.echo(f"{out}/server.crt, server.key: until 至 {_day(made.expires_ms)}")


@ca_app.command("service")
def ca_service(
    out: Annotated[Path, typer.Option(help="Folder for service.crt, service.key / 文件夹")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long / 有效天数")] = 825,
    config: ConfigFile = None,
) -> None:
    """A certificate for the service itself at a broker that takes certificates only · 服务证书

    Its name is `mqtt.username`; name the two files in `mqtt.cert_file` and `mqtt.key_file`.

    Example / 示例: liftwatch gateway ca service --out tls --config site.toml
    """
    place = open_place(config)
    user = place.settings.mqtt.username or "liftwatch"
    made = _issuer(place).authority.client(user, user, wall_ms(), days)
    out.mkdir(parents=True, exist_ok=True)
    (out / "service.crt").write_text(made.certificate, "utf-8")
    write_private(out / "service.key", made.key or "")
    typer.echo(f"{out}/service.crt, service.key: {user}, until 至 {_day(made.expires_ms)}")


def _day(at_ms: int | None, minute: bool = False) -> str:
    if at_ms is None:
        return "-"
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.strftime("%Y-%m-%d %H:%M UTC" if minute else "%Y-%m-%d")


def _rules(issuer: Issuer, gateway: str, username: str, broker: str) -> str:
    if broker == "mosquitto":
        return acl_of(username, issuer.rights(gateway))
    if broker == "rabbitmq":
        mine = [c for c in issuer.credentials(gateway) if c.username == username]
        return rabbitmq_definitions(mine, issuer.rights).decode()
    return f"# var/broker/gateways.toml\n{embedded_entry(username, '…')}"


def _tell(
    place: Place, issuer: Issuer, given: Given, broker: str, out: Path | None, as_json: bool
) -> None:
    if out is not None and given.certificate:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{given.username}.crt").write_text(given.certificate, "utf-8")
        write_private(out / f"{given.username}.key", given.key or "")
        (out / "ca.crt").write_text(given.ca or "", "utf-8")
    rules = _rules(issuer, given.gateway, given.username, broker)
    if as_json:
        told = {
            "gateway": given.gateway,
            "username": given.username,
            "kind": given.kind,
            "expires_ms": given.expires_ms,
            "password": given.password,
            "certificate": given.certificate,
            "key": None if out else given.key,
            "broker": broker,
            "rules": rules,
        }
        typer.echo(orjson.dumps(told).decode())
        return
    typer.echo(f"user 用户      {given.username}")
    if given.password:
        typer.echo(f"password 口令  {given.password}   (shown once 只显示一次)")
    elif out is not None:
        typer.echo(f"certificate 证书  {out}/{given.username}.crt, .key, ca.crt")
    else:
        typer.echo(f"{given.certificate}{given.key}(key shown once 私钥只显示一次)")
    typer.echo(f"until 有效至   {_day(given.expires_ms)}\n")
    typer.echo(rules)
    if broker == "embedded":
        typer.echo(
            "The embedded broker takes it up at its next start, and keeps gateways apart by name "
            "only, not by topic: for a real site use mosquitto or RabbitMQ.\n"
            "内置消息服务器下次启动时采用；它只认用户名口令，"
            "不按主题隔离：正式站点请用 mosquitto 等。"
        )
    else:
        _reload_broker(issuer)


def _reload_broker(issuer: Issuer) -> None:
    typer.echo(
        f"{issuer.folder}: mosquitto.passwd, mosquitto.acl, rabbitmq.json are ready; let the "
        "broker reload (mosquitto: kill -HUP). / 文件已就绪，请让消息服务器重新加载。"
    )
