"""`liftwatch demo`: a whole district at speed, without a browser, then one JSON line."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import func, select

from alerts.database.access import reading
from alerts.database.tables import alert, outbox
from config.settings import Settings, load_settings
from devices.simulator.labels import Label
from devices.simulator.score import Ring, Score, score
from monitor import demo as district
from monitor import logs
from monitor.clock import Clock
from monitor.commands.run import open_service, start_broker
from monitor.service import Service
from monitor.store.series import count_samples

TRAPPED = ("1", "2")
console = Console(stderr=True, highlight=False)


def demo(
    seconds: Annotated[float, typer.Option(help="How long, by the wall · 实际秒数")] = 60,
    speed: Annotated[float, typer.Option(help="Simulated seconds a second · 倍速")] = 10,
    seed: Annotated[int, typer.Option(help="Same seed, same day · 随机种子")] = 2012,
    intensity: Annotated[float, typer.Option(help="How much goes wrong · 故障密度")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line · 输出一行 JSON")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Keep the state here · 保存状态的文件夹")
    ] = None,
) -> None:
    """Run the demo district at speed and say what was raised against what was injected. 加速演示。

    \b
    Examples / 示例:
      liftwatch demo --seconds 60 --json
      liftwatch demo --seconds 120 --speed 20 --intensity 3 --data /tmp/district
    """
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        result = _run(stack, folder, seconds, speed, "--seed", str(seed), "--intensity",
                      str(intensity))  # fmt: skip
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        console.print(result)
    if result["samples_stored"] != result["samples_published"]:
        raise typer.Exit(1)


def _settings(folder: Path) -> Settings:
    settings = load_settings(None, data_dir=folder)
    return settings.model_copy(
        update={
            "site": settings.site.model_copy(update={"folder": folder / "site"}),
            "web": settings.web.model_copy(update={"port": 0}),
            "mqtt": settings.mqtt.model_copy(update={"url": "embedded", "embedded_port": 0}),
        }
    )


def _run(
    stack: ExitStack, folder: Path, seconds: float, speed: float, *more: str
) -> dict[str, Any]:
    settings = _settings(folder)
    logs.set_up("info", folder / "liftwatch.log")
    district.prepare_site(settings)
    broker = start_broker(settings, stack)
    if broker is None:
        raise AssertionError("the demo brings its own broker")
    settings = district.with_broker(settings, broker)
    service = open_service(settings, Clock.fast(speed))
    options = ("--seconds", str(seconds * speed), *more)
    gateways = district.SimulatedGateways(settings, broker, service.clock, *options)
    stack.callback(gateways.stop)
    watch = _Watch(service, gateways, seconds)
    asyncio.run(watch.run())
    return watch.result


@dataclass
class _Watch:
    """Looks on while service and simulator run, then adds up."""

    service: Service
    gateways: district.SimulatedGateways
    seconds: float
    first_trapped_s: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Run the service until the simulator has ended and all it said is durable."""
        watching = asyncio.create_task(self._look())
        await self.service.run(leaving=self._add_up)
        watching.cancel()

    async def _look(self) -> None:
        with Progress(console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("district / 示范区", total=self.seconds)
            while self.gateways.process.poll() is None:
                progress.update(task, completed=time.monotonic() - self.begun)
                if self.first_trapped_s is None and await asyncio.to_thread(self._trapped):
                    self.first_trapped_s = round(time.monotonic() - self.begun, 1)
                await asyncio.sleep(0.1)
        self.service.leave()

    def _trapped(self) -> bool:
        with reading(self.service.engine) as connection:
            query = select(func.count()).select_from(alert).where(alert.c.rule.in_(TRAPPED))
            return bool(connection.execute(query).scalar())

    def _add_up(self) -> None:
        said = self.gateways.stop()
        told = json.loads(said.splitlines()[-1]) if said.strip() else {}
        end = time.monotonic() + 15
        while self._pages("due") + self._pages("sending") and time.monotonic() < end:
            time.sleep(0.1)
        with reading(self.service.engine) as connection:
            columns = (alert.c.subject, alert.c.rule, alert.c.raised_ms)
            raised = [Ring(*row) for row in connection.execute(select(*columns))]
        speed = self.service.clock.speed
        self.result = {
            "lifts": len(self.service.registry.lifts),
            "gateways": len(self.service.registry.gateways),
            "speed": speed,
            "samples_published": told.get("samples_published", -1),
            "samples_stored": count_samples(self.service.history),
            "alerts_raised": len(raised),
            "pages_delivered": self._pages("delivered"),
            "seconds_to_first_trapped_alert": self.first_trapped_s,
            **self._judged(told.get("labels", []), raised).as_json(),
        }

    def _judged(self, labels: list[dict[str, Any]], raised: list[Ring]) -> Score:
        row_of = self.service.registry.row_of
        known = [Label.from_json(label, row_of.get(label["subject"], -1)) for label in labels]
        return score(known, raised, self.service.clock())

    def _pages(self, state: str) -> int:
        with reading(self.service.engine) as connection:
            query = select(func.count()).select_from(outbox).where(outbox.c.state == state)
            return int(connection.execute(query).scalar() or 0)
