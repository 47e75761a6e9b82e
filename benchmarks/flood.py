"""A power cut over ten thousand lifts, people in sixty of them: how fast their pages are handed on.

    python -m benchmarks flood [--lifts 10000] [--trapped 60]

Ten transitions a lift arrive at once: seven rules raise, three of them clear again at once. The
desk stands on its durable database; the worker hands pages to the real MQTT channel, a real broker
carries them, and a subscriber counts what arrives. `seconds_to_accepted`: until all transitions are
durable in the desk's inbox and the pipeline is free for the next batch. `seconds_to_handed`: from
the first transition until the broker has the last page about a car with people.
`seconds_to_committed`: until all is worked off, every effect committed. `longest_slice_s`: how long
a new batch could have had to wait for the slice before it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import paho.mqtt.client as mqtt
from sqlalchemy import func, select

from alerts.database.access import reading
from alerts.database.tables import alert, outbox
from alerts.desk.alert_desk import AlertDesk
from alerts.grouping.gathering import WAIT_MS
from alerts.journal import audit
from alerts.model import Evidence, Transition
from alerts.notify.channel import Item, Receipt
from alerts.notify.mqtt import MqttChannel
from alerts.notify.outbox import OutboxWorker
from benchmarks._city import city, desk, people
from benchmarks._district import reg_code, say
from monitor.broker import HOST, SERVICE_USER, EmbeddedBroker

NOW_MS: Final = 1_790_000_000_000
RAISED: Final = ("12", "13", "14", "15", "17", "20", "26")
BOUNCED: Final = ("14", "17", "20")


def transitions(lifts: int, trapped: int, seed: int = 1) -> list[Transition]:
    """Return what the rules say of a power cut, in the order lifts happen to be judged in."""
    rng = random.Random(seed)
    inside = set(rng.sample(range(lifts), trapped))
    found: list[Transition] = []
    for i in range(lifts):
        since = NOW_MS - 30_000 - rng.randrange(5_000)
        code, with_people = reg_code(i), i in inside
        seen = (Evidence("power", 1.0, since), Evidence("speed", 0.0, since))
        for k, rule in enumerate(("11", *RAISED[1:]) if with_people else RAISED):
            grave = rule == "11"
            found.append(
                Transition("lift", code, rule, True, since + 30_000, since + k, grave,
                           3 if grave else None, seen)
            )  # fmt: skip
        found += [
            Transition("lift", code, rule, False, since + 30_001, since + RAISED.index(rule))
            for rule in BOUNCED
        ]
    rng.shuffle(found)
    return sorted(found, key=lambda one: not one.raised)


class Heard:
    """A subscriber to every page: when each key came, and how often."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        self.keys: Counter[str] = Counter()
        self.last_life = 0.0
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "heard")
        self.client.username_pw_set(SERVICE_USER, broker.credentials.service)
        self.client.on_message = self._take
        self.client.connect(HOST, broker.port)
        self.client.subscribe("liftwatch/v1/pages/#", qos=1)
        self.client.loop_start()

    def _take(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        said = orjson.loads(message.payload)
        self.keys[said["key"]] += 1
        if said["page"].get("with_people"):
            self.last_life = time.monotonic()


class Timed(MqttChannel):
    """The product's channel, and when it was last handed a page about people."""

    handed = 0.0

    async def send(self, item: Item) -> Receipt:
        """Deliver, then look at the clock."""
        receipt = await super().send(item)
        if item.page.get("with_people"):
            self.handed = time.monotonic()
        return receipt


async def _run(lifts: int, trapped: int, folder: Path) -> dict[str, Any]:
    broker = EmbeddedBroker(folder / "broker", 0)
    broker.start()
    heard = Heard(broker)
    channel = Timed(HOST, broker.port, SERVICE_USER, broker.credentials.service, "pages")
    mine = desk(folder, city(lifts), people())
    begun, ahead_ms = time.monotonic(), 0

    def clock() -> int:
        return NOW_MS + ahead_ms + round((time.monotonic() - begun) * 1000)

    worker = mine.sender = OutboxWorker(mine.engine, {"mqtt": channel}, clock)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    todo = transitions(lifts, trapped)
    say(f"{len(todo)} transitions over {lifts} lifts, {trapped} with people")
    begun = time.monotonic()
    await asyncio.to_thread(mine.accept, NOW_MS, todo)
    worker.wake()
    accepted_s = time.monotonic() - begun
    say(f"accepted in {accepted_s:.2f} s")
    longest_s = await asyncio.to_thread(_work_off, mine, worker, clock)
    committed_s = time.monotonic() - begun
    say(f"committed in {committed_s:.1f} s")
    await _drain(mine)
    all_s = time.monotonic() - begun
    handed_s, heard_s = channel.handed - begun, heard.last_life - begun
    ahead_ms = WAIT_MS  # a minute later: one page tells of many
    await asyncio.to_thread(mine.tick, clock())
    worker.wake()
    await _drain(mine)
    stop.set()
    await running
    heard.client.loop_stop()
    broker.stop()
    return {
        "lifts": lifts, "transitions": len(todo), "seconds_to_handed": round(handed_s, 2),
        "seconds_to_heard": round(heard_s, 2), "seconds_to_accepted": round(accepted_s, 2),
        "longest_slice_s": round(longest_s, 2),
        "seconds_to_committed": round(committed_s, 1),
        "seconds_to_last_page": round(all_s, 1),
        "transitions_per_s": round(len(todo) / committed_s),
        **_counted(mine, heard, todo, trapped), "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def _work_off(mine: AlertDesk, worker: OutboxWorker, clock: Callable[[], int]) -> float:
    """As the pipeline does between two batches; return how long the longest slice took."""
    longest_s = 0.0
    while mine.waiting:
        begun = time.monotonic()
        mine.work_off(clock())
        worker.wake()
        longest_s = max(longest_s, time.monotonic() - begun)
    return longest_s


async def _drain(mine: AlertDesk) -> None:
    """Wait until every page is handed over."""
    shown = 0
    while left := await asyncio.to_thread(_unsent, mine):
        if not 2 * left > shown > 0:
            say(f"{left} pages to go")
            shown = left
        await asyncio.sleep(0.2)


def _unsent(mine: AlertDesk) -> int:
    with reading(mine.engine) as conn:
        waits = outbox.c.state.in_(("due", "leased"))
        return conn.execute(select(func.count()).where(waits)).scalar() or 0


def _counted(mine: AlertDesk, heard: Heard, todo: list[Transition], trapped: int) -> dict[str, Any]:
    """What stands in the database against what was said."""
    with reading(mine.engine) as conn:
        subjects = conn.execute(select(alert.c.subject, alert.c.rule)).all()
        sent = set(
            conn.execute(select(outbox.c.key).where(outbox.c.state == "delivered")).scalars()
        )
        cars = conn.execute(
            select(func.count(func.distinct(alert.c.subject))).where(
                alert.c.with_people.is_(True), alert.c.closed_ms.is_(None)
            )
        ).scalar()
        dead = conn.execute(select(func.count()).where(outbox.c.state == "dead")).scalar()
        summed = conn.execute(select(func.count()).where(outbox.c.state == "summarised")).scalar()
        broken = next(iter(audit.check(conn)), None)
    expected = {(one.subject, one.rule) for one in todo if one.raised}
    return {
        "alerts": len(subjects),
        "lost": len(expected - {tuple(s) for s in subjects}) + len(sent - set(heard.keys)),
        "doubled": len(subjects) - len(expected) + sum(n - 1 for n in heard.keys.values()),
        "summed_up": summed, "dead": dead, "pages": len(sent),
        "cars_with_people": trapped, "cars_shown": cars,
        "journal_sound": broken is None,
    }  # fmt: skip


def run(argv: list[str]) -> dict[str, Any]:
    """Run the flood; return what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks flood", description=__doc__)
    parser.add_argument("--lifts", type=int, default=10_000)
    parser.add_argument("--trapped", type=int, default=60)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(args.lifts, args.trapped, Path(folder)))


__all__ = ["run", "transitions"]
