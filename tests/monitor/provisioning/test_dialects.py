"""A gateway may write its own topics of every format that is switched on, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import config.settings
from config.settings import Ingest, Settings, Sparkplug
from monitor.provisioning.brokers import acl_of, rabbitmq_definitions
from monitor.provisioning.issuer import routes_of
from tests.monitor.provisioning.client import Client
from tests.monitor.provisioning.test_mosquitto import PASSWORD, SERVICE, Site, clients, site
from tests.monitor.provisioning.test_rabbitmq import given
from tests.support.brokers import BrokerFactory
from tests.support.wait import until

__all__ = ["clients", "site"]  # fixtures
MAP = """
topic = "acme/{gateway}/{lift}/up"
[lift]
is = "reg_code"
[time]
path = "t"
[[field]]
path = "v"
channel = "speed"
"""
MAY = (
    "acme/gw-0/31105001992014000001/up",
    "tb/gw-0/v1/gateway/telemetry",
    "tb/gw-0/v1/gateway/connect",
    "gbt24476/chongqing/gw-0/message",
    "spBv1.0/city/NBIRTH/gw-0",
    "spBv1.0/city/DDATA/gw-0/31105001992014000001",
)
MAY_NOT = (
    "acme/gw-1/31105001992014000001/up",
    "tb/gw-1/v1/gateway/telemetry",
    "v1/gateway/telemetry",
    "gbt24476/chongqing/gw-1/message",
    "spBv1.0/city/NBIRTH/gw-1",
    "spBv1.0/town/NBIRTH/gw-0",
    "spBv1.0/city/NCMD/gw-0",
    "spBv1.0/STATE/liftwatch",
)


@pytest.fixture
def dialects(site: Site) -> Site:
    """The site with formats of others switched on."""
    (site.folder / "acme.toml").write_text(MAP, "utf-8")
    text = (site.folder / "site.toml").read_text("utf-8")
    text += (
        '[ingest]\nmaps = ["acme.toml"]\n'
        'dialects = ["thingsboard", "thingsboard-bare", "sparkplug", "gbt24476-chongqing"]\n'
        '[ingest.sparkplug]\ngroups = ["city"]\n'
    )
    (site.folder / "site.toml").write_text(text, "utf-8")
    return site


def test_mosquitto_holds_each_to_its_own_topics_of_every_format(
    dialects: Site, broker_factory: BrokerFactory, clients: list[Client]
) -> None:
    one = dialects.give("gw-0")
    for rule in ("write acme/gw-0/+/up", "write spBv1.0/city/DDATA/gw-0/+", "read spBv1.0/STATE"):
        assert f"topic {rule}" in one["rules"]
    broker = broker_factory(
        "mosquitto", allow_anonymous=False, password_file=dialects.files / "mosquitto.passwd",
        acl_file=dialects.files / "mosquitto.acl",
    )  # fmt: skip
    service = Client(broker, SERVICE, PASSWORD).up()
    gateway = Client(broker, one["username"], one["password"]).up()
    clients += [service, gateway]
    service.hear(
        "acme/+/+/up", "tb/+/v1/gateway/#", "v1/gateway/#", "gbt24476/#", "spBv1.0/+/+/+/#"
    )
    gateway.hear("spBv1.0/STATE/liftwatch", "spBv1.0/city/NCMD/#", "spBv1.0/city/DDATA/#")
    for topic in MAY_NOT:
        Client(broker, one["username"], one["password"], name="f").up().forge(topic)
    for topic in MAY:
        gateway.say(topic, "mine")
    service.say("spBv1.0/STATE/liftwatch", "online")
    service.say("spBv1.0/city/NCMD/gw-0", "rebirth")
    service.say("spBv1.0/city/NCMD/gw-1", "rebirth")
    until(lambda: len(service.got) >= len(MAY) and len(gateway.got) >= 2, what="what is allowed")
    assert [topic for topic, _ in service.got] == list(MAY)
    asked = {topic for topic, _ in gateway.got}
    assert asked == {"spBv1.0/STATE/liftwatch", "spBv1.0/city/NCMD/gw-0"}


def test_rabbitmq_knows_them_as_keys(dialects: Site) -> None:
    told = dialects.run("add", "gw-0", "--broker", "rabbitmq", "--json")
    (own,) = json.loads(json.loads(told)["rules"])["topic_permissions"]
    keys = {topic: topic.replace("/", ".") for topic in (*MAY, *MAY_NOT)}
    for topic in MAY:
        assert re.match(own["write"], keys[topic]), topic
    for topic in MAY_NOT:
        assert not re.match(own["write"], keys[topic]), topic
    assert re.match(own["write"], "spBv1___0.city.NDATA.gw-0")  # mqtt.sparkplug = true
    assert re.match(own["read"], "spBv1___0.STATE.liftwatch")
    assert not re.match(own["write"], "acme.gw-0.a.b.up")


def test_without_dialects_nothing_is_added() -> None:
    (own, *_) = json.loads(rabbitmq_definitions(given()))["topic_permissions"]
    assert "spBv1" not in own["write"]


def test_a_node_of_another_name_is_let_in_by_that_name(tmp_path: Path) -> None:
    (tmp_path / "sparkplug.toml").write_text(
        '[gateways]\n"district-7/edge 12" = "gw-12"\n"x/gw-7" = "gw-8"\n"x/+" = "gw-9"\n', "utf-8"
    )
    ingest = Ingest(dialects=["sparkplug"], sparkplug=Sparkplug(groups=["city", "x"]))
    place = config.settings.Site(folder=tmp_path)
    settings = Settings(data_dir=tmp_path, site=place, ingest=ingest)
    routes = routes_of(settings)
    rules = acl_of("gw-12", routes.rights("gw-12"))
    assert "topic write spBv1.0/district-7/NDATA/edge 12\n" in rules
    assert "topic read spBv1.0/district-7/NCMD/edge 12\n" in rules
    assert "spBv1.0/city" not in rules
    assert "topic write spBv1.0/city/NDATA/gw-3" in acl_of("g", routes.rights("gw-3"))
    assert "spBv1.0" not in acl_of("g", routes.rights("gw-7"))  # that node speaks for gw-8
    assert "/+\n" not in acl_of("g", routes.rights("gw-9")).replace("/gw-9/+\n", "")  # nor by "+"


def test_a_wrong_map_is_told_before_a_secret_is_made(dialects: Site) -> None:
    (dialects.folder / "acme.toml").write_text(MAP.replace("speed", "spede"), "utf-8")
    assert "spede" in dialects.run("add", "gw-0", fails=True)
    (dialects.folder / "acme.toml").write_text(MAP, "utf-8")
    assert json.loads(dialects.run("show", "gw-0", "--json")) == []
