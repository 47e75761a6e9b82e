"""The same with asyncio: python -m devices.gateway.examples.tasks mqtt://HOST NAME LIFT"""

# ruff: noqa: T201

import asyncio
import os
import sys
from pathlib import Path

from devices.gateway import AsyncGateway


async def measure(gateway: AsyncGateway, lift: str, seconds: int) -> None:
    """One lift, once a second; an alarm goes before everything else."""
    for second in range(seconds):
        now_ms = gateway.sync.now_ms()
        await gateway.publish_rows(lift, [(now_ms, {"speed": 0.0, "door_zone": 1})])
        if second == seconds - 1:
            await gateway.publish_message(lift, now_ms, 43)
        await asyncio.sleep(float(os.environ.get("PERIOD", "1")))


async def listen(gateway: AsyncGateway) -> None:
    """Say what the service refuses."""
    async for refused in gateway.refusals():
        print("refused:", refused.why.field, refused.why.value, refused.why.way_out.both())


async def main(url: str, name: str, *lifts: str) -> None:
    """Run until the seconds are over."""
    seconds = int(os.environ.get("SECONDS_TO_RUN", "60"))
    options = {"username": os.environ.get("MQTT_USER"), "password": os.environ.get("MQTT_PASSWORD")}
    store = Path(os.environ.get("STORE", f"{name}.db"))
    async with AsyncGateway(name, store=store, url=url, **options) as gateway:
        listener = asyncio.create_task(listen(gateway))
        await asyncio.gather(*(measure(gateway, lift, seconds) for lift in lifts))
        durable = await gateway.flush(30.0)
        print("durable" if durable else f"{gateway.sync.pending} held for later")
        listener.cancel()


asyncio.run(main(*sys.argv[1:]))
