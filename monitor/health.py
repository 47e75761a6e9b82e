"""What the service knows of itself, part by part, in words and figures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.desk import inbox
from config.text import Text
from monitor.store import quarantine
from monitor.store.series import count_samples
from monitor.web.ports import Figure, GatewayHealth, HealthPart, HealthReport, Readiness

if TYPE_CHECKING:
    from monitor.service import Service
    from monitor.sparkplug import SparkplugHost
    from monitor.upstream.courier import Courier

# A batch that costs seconds, on a machine that is busy, is work. Not ready is the service while
# what is live stands for so long in its queue, or nothing at all goes round for longer.
LIVE_MS = 5_000
PULSE_MS = 10_000
VITAL = frozenset({"broker", "pipeline", "store", "sparkplug"})
OK = Text("正常", "fine")


def report(service: Service) -> HealthReport:
    """Return the health of all parts; ready is False while alerts may be missed."""
    parts = [*_vital(service), _backfill(service), _outbox(service)]
    if service.influx is not None:
        parts.append(_influx(service))
    ok, told = service.watch.verdict()
    parts.append(_part("credentials", Text("网关凭据", "gateways' credentials"), ok, told))
    parts += [_tier(courier) for courier in service.upstream.couriers]
    reasons = [part["detail"] for part in parts if not part["ok"] and part["name"] in VITAL]
    return {
        "ready": not reasons,
        "reasons": reasons,
        "parts": parts,
        "figures": _figures(service),
        "gateways": [_gateway(service, i) for i in range(len(service.registry.gateways))],
    }


def readiness(service: Service) -> Readiness:
    """Return whether alerts are certain to come, and what stands in the way; asks no database,
    so that a busy one does not make it late."""
    reasons = [part["detail"] for part in _vital(service) if not part["ok"]]
    return {"ready": not reasons, "reasons": reasons}


def _vital(service: Service) -> list[HealthPart]:
    parts = [_broker(service), _pipeline(service), _store(service)]
    return parts if service.sparkplug is None else [*parts, _sparkplug(service.sparkplug)]


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
    name = Text("处理流水线", "pipeline")
    behind_s = (service.clock() - service.pipeline.pulse_ms) / 1000
    if behind_s > PULSE_MS / 1000 * max(1.0, service.clock.speed):
        stood = Text(f"已停顿 {behind_s:.0f} 秒", f"has stood for {behind_s:.0f} s")
        return _part("pipeline", name, False, stood)
    since = service.intake.live_since()
    waits_s = 0.0 if since is None else time.monotonic() - since
    ok = since is None or waits_s <= LIVE_MS / 1000
    waits = Text(f"实时数据已等待 {waits_s:.0f} 秒", f"live data has waited for {waits_s:.0f} s")
    return _part("pipeline", name, ok, OK if ok else waits)


def _backfill(service: Service) -> HealthPart:
    """Late data may wait: it is told how much, and is no reason not to be ready."""
    up = service.backfill.listening.is_set()
    rows, behind = service.intake.waiting["backfill"], service.late.behind
    down = Text("补发通道未连接，正在重试", "no connection for back-fill, trying again")
    busy = Text(
        f"等待入库 {rows} 行，待判定 {behind} 批",
        f"{rows} rows to store, {behind} batches to judge",
    )
    told = (busy if rows or behind else OK) if up else down
    return _part("backfill", Text("补发数据", "back-fill"), up, told)


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
        f"落后 {copy.behind} 批" + (f"：{copy.worker.trouble}" if copy.worker.trouble else ""),
        f"{copy.behind} batches behind"
        + (f": {copy.worker.trouble}" if copy.worker.trouble else ""),
    )
    return _part("influx", Text("InfluxDB 副本", "InfluxDB copy"), not copy.worker.trouble, detail)


def _tier(courier: Courier) -> HealthPart:
    behind = ", ".join(f"{stream} {count}" for stream, count in courier.behind().items())
    trouble = courier.worker.trouble
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
    link, now_ms = service.link, service.clock()
    missing = link.missing(gateway.id, boot, now_ms) if boot is not None else 0
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
        "gaps": missing,
    }
