"""The site's map: gateways, devices and metrics by their names; mistakes are told with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.settings import load_settings
from devices.codecs.sparkplug import site_names
from devices.codecs.sparkplug.names import FOLDERS, NOTHING, Lifts, Meaning, Names, load_names
from devices.codecs.sparkplug.topics import Topic, filters, parse_topic
from devices.registry import Gateway, Registry
from tests.devices.sparkplug.spb import GW, REGISTRY, VOCAB, Edge, code, metric
from tests.devices.wire import said

MAP = f"""
folders = ["Car"]
[gateways]
"district-7/edge-12" = "{GW}"
[devices]
"A2" = "{code(2)}"
"B1" = "100003"
[metrics]
"Geschwindigkeit" = "speed"
"Alarms/Trapped" = "code/93"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "sparkplug.toml"
    made.write_text(MAP, "utf-8")
    return made


def test_a_map_renames_gateways_devices_and_metrics(file: Path) -> None:
    edge = Edge("edge-12", group="district-7", names=site_names(file.parent, VOCAB))
    edge.nbirth()
    born = edge.dbirth(
        "A2",
        metric("Car/Geschwindigkeit", 1.5),
        metric("Car/speed", 1.5, ts=None),
        metric("Alarms/Trapped", True, 11),
    )
    assert born.refusals == []
    assert (born.batch.lift.tolist(), said(born)) == ([2], {"speed": 1.5})
    assert born.batch.messages.code.tolist() == [93]
    assert edge.dbirth("B1", metric("load", 3.0)).batch.lift.tolist() == [3]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('folders = "Lift"', "folders"),
        ("folders = [1]", "folders"),
        ("[devices]\nA = 1", "devices.A"),
        ("devices = 3", "devices."),
        ('[metrics]\n"x" = "velocity"', "metrics.x"),
        ('[metrics]\n"x" = "code/94"', "metrics.x"),
        ("[lifts]", "lifts"),
        ("= 3", "TOML"),
    ],
)
def test_a_mistake_in_the_map_is_named(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "sparkplug.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as told:
        load_names(file, VOCAB)
    assert told.value.key == key
    assert told.value.way_out.zh
    assert told.value.way_out.en


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("speed", Meaning(VOCAB.index("speed"))),
        ("Lift/speed", Meaning(VOCAB.index("speed"))),
        ("DATA/Lift/speed", Meaning(VOCAB.index("speed"))),
        ("Motor/speed", NOTHING),  # of what is not ours to guess
        ("code/93", Meaning(code=93)),
        ("Lift/code/93", Meaning(code=93)),
        ("code/94", NOTHING),
        ("code/", NOTHING),
        ("", NOTHING),
        ("/speed", NOTHING),
    ],
)
def test_what_a_metric_means(name: str, meaning: Meaning) -> None:
    assert Names(FOLDERS).meaning(name, VOCAB) == meaning


def test_a_rescue_code_of_two_lifts_names_neither() -> None:
    twins = Registry([REGISTRY.slots[0], REGISTRY.slots[0]], [Gateway(GW, "", "")])
    assert Lifts(Names(), twins).find("100000") is None
    assert Lifts(Names(), REGISTRY).find("100004") == 4
    assert Lifts(Names(), REGISTRY).find("") is None


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("spBv1.0/g/NBIRTH/n", Topic("g", "NBIRTH", "n", None)),
        ("spBv1.0/g/DDATA/n/d", Topic("g", "DDATA", "n", "d")),
        ("spBv1.0/组/DDATA/网关/梯", Topic("组", "DDATA", "网关", "梯")),
        ("spBv1.0/g/NDATA/n/d", None),
        ("spBv1.0/g/DDATA/n", None),
        ("spBv1.0/g/NCMD/n", None),
        ("spBv1.0/g/DCMD/n/d", None),
        ("spBv1.0/STATE/host", None),
        ("spAv1.0/g/NBIRTH/n", None),
        ("spBv1.0//NBIRTH/n", None),
        ("spBv1.0/g/DDATA/n/d/e", None),
        ("spBv1.0/g/NBIRTH/+", None),
    ],
)
def test_topics(topic: str, parts: Topic | None) -> None:
    """tck-id-topic-structure, tck-id-topic-structure-namespace-a, -valid-group-id and so on."""
    assert parse_topic(topic) == parts


def test_only_the_groups_that_were_named_are_subscribed() -> None:
    assert filters(("a",))[0] == "spBv1.0/a/NBIRTH/+"
    assert len(filters(("a", "b"))) == 12
    assert all(one.startswith("spBv1.0/+/") for one in filters(()))


def test_settings_of_a_site(tmp_path: Path) -> None:
    file = tmp_path / "liftwatch.toml"
    text = '[ingest]\ndialects = ["sparkplug"]\n[ingest.sparkplug]\n'
    file.write_text(text + 'groups = ["city"]\nhost_id = "h1"\n', "utf-8")
    found = load_settings(file).ingest.sparkplug
    assert (found.groups, found.host_id) == (["city"], "h1")
    assert site_names(tmp_path, VOCAB) == Names()
    for wrong in ('groups = ["a/b"]', 'host_id = "a/b"', "rebirth_s = 0"):
        file.write_text(f"[ingest.sparkplug]\n{wrong}\n", "utf-8")
        with pytest.raises(ConfigError):
            load_settings(file)


def test_a_long_session_keeps_no_more_than_its_births() -> None:
    """Metrics that no birth told are not remembered: a sender cannot fill our memory."""
    edge = Edge()
    edge.nbirth()
    edge.dbirth(code(0), metric("speed", 1.0))
    for i in range(500):
        edge.ddata(code(0), metric(f"Unknown/{i}", 1.0))
    node = edge.sessions.node(0, REGISTRY)
    assert len(node.known) == 3  # bdSeq, Node Control/Rebirth, speed
