"""A mended mapping file or code map counts at SIGHUP; a wrong one is named, the old one stays."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from devices.codecs import Routes
from devices.codecs.routes import Codec, Dialect, Route
from tests.monitor.test_join_doc import metric
from tests.monitor.test_wire_story import alerts
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

CODES = """
platform = "ours"
zh = "本市"
en = "our city"
version = "2017"
source = "a test"
topic = "ours/{gateway}/{kind}"
lift = "id"
time = "t"
time_format = "ms"
zone = "UTC"
code = [{ theirs = "7", ours = 41 }]
[message]
code = "c"
"""
MAP = """
topic = "acme/{gateway}/up"
[lift]
path = "id"
[time]
path = "t"
[[field]]
path = "speed"
channel = "speed"
unit = "mm/s"
[[message]]
path = "fault"
codes = "codes.toml"
"""


class Town:
    """A service with a mapping file and a code map, and somebody who publishes."""

    def __init__(self, folder: Path, broker: TestBroker, spawn: Spawn) -> None:
        self.map, self.codes = folder / "acme.toml", folder / "codes.toml"
        self.map.write_text(MAP, "utf-8")
        self.codes.write_text(CODES, "utf-8")
        write_small_site(folder / "site")
        maps = json.dumps([str(self.map), str(self.codes)])
        self.service = ServiceProcess(spawn, folder, broker.url, {"LIFTWATCH_INGEST__MAPS": maps})
        self.service.start()
        until(lambda: metric(self.service, "broker_connected"), what="the service at the broker")
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def say(self, topic: str, **said: object) -> None:
        body = {"id": reg_code(1), "t": int(time.time() * 1000)} | said
        self.client.publish(topic, json.dumps(body), 1).wait_for_publish(5)

    def reload(self, told: str) -> None:
        before = self.service.program.output.count(told)
        os.kill(self.service.program.pid, signal.SIGHUP)
        until(lambda: self.service.program.output.count(told) > before, what=told)

    def refused(self, reason: str) -> float:
        return metric(self.service, f'refused_total{{reason="{reason}"}}')

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.service.stop()


@pytest.fixture
def town(tmp_path: Path, mosquitto: TestBroker, spawn: Spawn) -> Iterator[Town]:
    made = Town(tmp_path, mosquitto, spawn)
    yield made
    made.end()


def test_what_was_mended_counts_at_once_and_what_is_wrong_changes_nothing(town: Town) -> None:
    service = town.service
    town.say("acme/gw-1/up", speed=1500, fault=8)
    until(lambda: town.refused("unknown_code") == 1, what="code 8, which no map knows")

    town.codes.write_text(CODES.replace("ours = 41 }", 'ours = 41 }, { theirs = "8", ours = 93 }'))
    town.reload("site.reloaded")
    town.say("acme/gw-1/up", fault=8)  # by the mapping file, which names that code map
    wanted = ("2", reg_code(1), "critical", "unacknowledged")
    until(lambda: wanted in alerts(service), what="the alert for trapped passengers")

    town.codes.write_text(CODES.replace("ours = 41", "ours = 9999"), "utf-8")
    town.map.write_text(MAP.replace('"acme/', '"nobody/'), "utf-8")
    town.reload("site.refused")
    assert "codes.toml" in service.program.output and "9999" in service.program.output
    before = metric(service, "samples_total")
    town.say("acme/gw-1/up", speed=1600)
    until(lambda: metric(service, "samples_total") == before + 1, what="the old map goes on")

    town.codes.write_text(CODES, "utf-8")
    town.map.write_text(MAP.replace('"acme/', '"acme2/'), "utf-8")
    town.reload("site.reloaded")  # its topic is another one now
    town.say("acme2/gw-1/up", speed=1700)
    until(lambda: metric(service, "samples_total") == before + 2, what="the new topic is read")
    town.say("ours/gw-1/message", c=8)
    until(lambda: town.refused("unknown_code") == 2, what="the code map as it is now")


def test_a_dialect_with_a_session_of_its_own_keeps_it() -> None:
    codec = Codec("x", lambda payload, context: pytest.fail("not read"))
    old = Dialect("sparkplug", (Route("sp/{gateway}", (codec,), memory="sessions"),), apart=True)
    plain = Dialect("map", (Route("old/{gateway}", (codec,)),))
    routes = Routes((old, plain))
    assert routes.find("old/gw", b"") and not routes.find("new/gw", b"")
    fresh = Dialect("sparkplug", (Route("sp/{gateway}", (codec,), memory="none"),), apart=True)
    routes.take_up(Routes((fresh, Dialect("map", (Route("new/{gateway}", (codec,)),)))))
    assert routes.find("new/gw", b"") and not routes.find("old/gw", b"")
    found = routes.find("sp/gw", b"")
    assert found is not None and found.route.memory == "sessions"
