"""What the service knows of itself, part by part, in words and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.desk import inbox
from config.text import Text
from monitor.store import quarantine
from monitor.store.series import count_samples
from monitor.web.ports import Figure, GatewayHealth, HealthPart, HealthReport

if TYPE_CHECKING:
    from monitor.service import Service
    from monitor.sparkplug import SparkplugHost
    from monitor.upstream.courier import Courier

PULSE_MS = 3_000
OK = Text("正常", "fine")


def report(service: Service) -> HealthReport:
    """Return the health of all parts; ready is False while alerts may be missed."""
    parts = [_broker(service), _pipeline(service), _store(service), _outbox(service)]
    if service.influx is not None:
        parts.append(_influx(service))
    ok, told = service.watch.verdict()
    parts.append(_part("credentials", Text("网关凭据", "gateways' credentials"), ok, told))
    if service.sparkplug is not None:
        parts.append(_sparkplug(service.sparkplug))
    parts += [_tier(courier) for courier in service.upstream.couriers]
    vital = {"broker", "pipeline", "store", "sparkplug"}
    reasons = [part["detail"] for part in parts if not part["ok"] and part["name"] in vital]
    return {
        "ready": not reasons,
        "reasons": reasons,
        "parts": parts,
        "figures": _figures(service),
        "gateways": [_gateway(service, i) for i in range(len(service.registry.gateways))],
    }


def _part(name: str, text: Text, ok: bool, detail: Text) -> HealthPart:
    return {"name": name, "text": text.as_json(), "ok": ok, "detail": detail.as_json()}


def _broker(service: Service) -> HealthPart:
    up = service.receiver.connected.is_set()
    url = service.settings.mqtt.url
    down = Text(f"未连接到 {url}，正在重试", f"not connected to {url}, trying again")
    return _part("broker", Text("消息服务器", "broker"), up, OK if up else down)


def _sparkplug(host: SparkplugHost) -> HealthPart:
    down = Text("Sparkplug 主机会话未建立，正在重试", "no Sparkplug host session, trying again")
    up = host.online.is_set()
    return _part("sparkplug", Text("Sparkplug 主机", "Sparkplug host"), up, OK if up else down)


def _pipeline(service: Service) -> HealthPart:
    behind_ms = service.clock() - service.pipeline.pulse_ms
    ok = behind_ms <= PULSE_MS * max(1.0, service.clock.speed)
    late = Text(f"已停顿 {behind_ms / 1000:.0f} 秒", f"has stood for {behind_ms / 1000:.0f} s")
    return _part("pipeline", Text("处理流水线", "pipeline"), ok, OK if ok else late)


def _store(service: Service) -> HealthPart:
    trouble = service.pipeline.trouble
    told = Text(f"故障：{trouble}", f"trouble: {trouble}")
    return _part("store", Text("历史与警情库", "stores"), not trouble, told if trouble else OK)


def _outbox(service: Service) -> HealthPart:
    with reading(service.engine) as connection:
        service.metrics.inbox.set(inbox.behind(connection).count)
        rows = connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
        counts = {str(state): int(number) for state, number in rows}
    for state, number in counts.items():
        service.metrics.outbox.labels(state).set(number)
    dead, due = counts.get("dead", 0), counts.get("due", 0)
    detail = Text(f"待发 {due}，未能送达 {dead}", f"{due} to send, {dead} could not be delivered")
    return _part("outbox", Text("通知发送", "pages"), not dead, detail)


def _influx(service: Service) -> HealthPart:
    copy = service.influx
    if copy is None:
        return _part("influx", Text("InfluxDB 副本", "InfluxDB copy"), True, OK)
    detail = Text(
        f"落后 {copy.behind} 批" + (f"：{copy.trouble}" if copy.trouble else ""),
        f"{copy.behind} batches behind" + (f": {copy.trouble}" if copy.trouble else ""),
    )
    return _part("influx", Text("InfluxDB 副本", "InfluxDB copy"), not copy.trouble, detail)


def _tier(courier: Courier) -> HealthPart:
    behind = ", ".join(f"{stream} {count}" for stream, count in courier.behind().items())
    trouble = courier.trouble
    detail = Text(
        f"未送达：{behind}" + (f"；{trouble}" if trouble else ""),
        f"not proven yet: {behind}" + (f"; {trouble}" if trouble else ""),
    )
    name = courier.tier.name
    text = Text(f"上级平台 {name}", f"platform above: {name}")
    return _part(f"upstream-{name}", text, not trouble, detail)


def _figures(service: Service) -> list[Figure]:
    def figure(name: str, text: Text, value: float, unit: str = "") -> Figure:
        return {"name": name, "text": text.as_json(), "value": value, "unit": unit}

    return [
        figure("lifts", Text("电梯", "lifts"), len(service.registry.lifts)),
        figure("samples", Text("历史采样", "samples in history"), count_samples(service.history)),
        figure(
            "quarantine",
            Text("隔离区", "messages in quarantine"),
            quarantine.count(service.history),
        ),
        figure("batch", Text("批次", "batches committed"), service.history.last_batch),
    ]


def _gateway(service: Service, index: int) -> GatewayHealth:
    gateway = service.registry.gateways[index]
    heard = service.answers.heard.get(gateway.id)
    state = "unknown" if heard is None else "online" if heard.status.online else "offline"
    boot = heard.status.boot if heard else None
    gaps = service.ledger.ranges(gateway.id, boot).gaps() if boot is not None else []
    own = service.registry.lift_gateway == index
    newest_ms = int(service.detector.fleet.at_ms[: len(own)][own].max(initial=0))
    return {
        "id": gateway.id,
        "vendor": gateway.vendor,
        "place": gateway.place,
        "state": state,
        "last_ms": max(heard.at_ms if heard else 0, newest_ms) or None,
        "lifts": int(own.sum()),
        "refused": service.intake.refused_of(gateway.id),
        "gaps": sum(high - low + 1 for low, high in gaps),
    }
