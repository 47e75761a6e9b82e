"""A gateway in thirty lines: python -m devices.gateway.examples.threads mqtt://HOST NAME LIFT

Replace `measure` by what your controller says. 把 measure 换成对控制器的读取即可。
"""

# ruff: noqa: T201

import os
import sys
import time
from pathlib import Path

from devices.batch import Refusal
from devices.gateway import Gateway


def measure(lift: str) -> dict[str, float]:
    """What this lift's sensors say now."""
    return {"speed": 0.0, "door_zone": 1, "motor_temp": 41.5 + hash(lift) % 10 / 10}


def refused(boot: int | None, seq: int | None, why: Refusal) -> None:
    """The service says what is wrong, field by field."""
    print("refused:", why.lift, why.field, why.value, why.limit, why.way_out.both())


url, name, *lifts = sys.argv[1:]
gateway = Gateway(
    name,
    store=Path(os.environ.get("STORE", f"{name}.db")),
    url=url,
    username=os.environ.get("MQTT_USER"),
    password=os.environ.get("MQTT_PASSWORD"),
    when_full="thin",
    on_refused=refused,
)
with gateway:
    for _ in range(int(os.environ.get("SECONDS_TO_RUN", "60"))):
        values = [measure(lift) for lift in lifts]
        columns = {key: [one[key] for one in values] for key in values[0]}
        gateway.publish_columns(gateway.now_ms(), lifts, columns)
        if gateway.clock and gateway.clock.wrong:
            print("the clock is off by", gateway.clock.offset_ms / 1000, "s: set it by NTP")
        time.sleep(float(os.environ.get("PERIOD", "1")))
    print("durable" if gateway.flush(30.0) else f"{gateway.pending} held for later")
