"""The service cannot command a lift: no command but the request for a rebirth can leave."""

from __future__ import annotations

import ast
import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.codecs.sparkplug import say
from devices.codecs.sparkplug.schema import DataType
from devices.codecs.sparkplug.topics import DEVICE_VERBS, NODE_VERBS, filters, rebirth_topic
from tests.devices.sparkplug.spb import GW, Edge, code, metric, payload

ROOT = Path(__file__).parents[3]
VERBS = sorted(NODE_VERBS | DEVICE_VERBS)
NAMES = ["speed", "code/93", "Node Control/Rebirth", "Node Control/Reboot", "Device Control/x", ""]


def _texts(file: Path) -> list[str]:
    """String constants of a module, also those within f-strings; docstrings aside."""
    tree = ast.parse(file.read_text("utf-8"))
    docs = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # fmt: skip
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_the_source_names_one_command_in_one_place() -> None:
    """NCMD stands in `rebirth_topic`, DCMD nowhere: nothing else could build such a topic."""
    found = [
        (file.relative_to(ROOT).as_posix(), text)
        for room in ("config", "devices", "alerts", "monitor")
        for file in sorted((ROOT / room).rglob("*.py"))
        for text in _texts(file)
        if "CMD" in text and text != "CMD/"
    ]
    assert found == [("devices/codecs/sparkplug/topics.py", "/NCMD/")]
    assert rebirth_topic("g", "n") == "spBv1.0/g/NCMD/n"
    assert not any("CMD" in one for one in filters(()))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_comes_in_only_rebirths_go_out(seed: int) -> None:
    """Any order of any messages, also such as carry commands' names: all that is said is the
    request for a rebirth, to the node that was heard."""
    rng = random.Random(seed)
    edge = Edge()
    for _ in range(20):
        verb = rng.choice(VERBS)
        metrics = [
            metric(
                rng.choice(NAMES) or None,
                rng.random() < 0.5,
                DataType.BOOLEAN,
                alias=rng.choice([None, 1, 2]),
            )
            for _ in range(rng.randint(0, 3))
        ]
        device = rng.choice([code(0), code(1), "x"]) if verb.startswith("D") else None
        found = edge.send(verb, payload(rng.choice([None, 0, 1, 7]), metrics), device)
        edge.now += rng.choice([0, 1, 20_000])
        for said in found.said:
            assert said.topic == f"spBv1.0/city/NCMD/{GW}"
            now = edge.now
            assert said.payload in {say.rebirth(now - d) for d in (0, 1, 20_000)}
            assert (said.qos, said.retain) == (0, False)
