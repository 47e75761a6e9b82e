"""The dialects there are, for people: what each is called, and the topics it reads."""

from __future__ import annotations

from collections.abc import Mapping

from config.text import Text
from devices.codecs.dialects import DIALECTS, OURS
from devices.codecs.mapping.dialect import dialect_names
from devices.codecs.setup import Setup
from devices.codes import find_code_map
from devices.vocabulary import Vocabulary

OURS_TEXT = Text("自有格式", "our own format")
_TEXTS: Mapping[str, Text] = {
    "sparkplug": Text("Sparkplug B", "Sparkplug B"),
    "thingsboard": Text("ThingsBoard 网关", "ThingsBoard gateway"),
    "thingsboard-bare": Text("ThingsBoard 设备", "ThingsBoard device"),
}
"""Those that are no platform's: a code map tells its own name."""


def is_platform(name: str) -> bool:
    """Whether a dialect is made of a shipped code map."""
    return name in dialect_names()


def text_of(name: str, vocab: Vocabulary) -> Text:
    """Return what a dialect is called; by its bare name where nothing is said of it."""
    if is_platform(name):
        return find_code_map(name.removeprefix("gbt24476-"), vocab).text
    return _TEXTS.get(name, Text(name, name))


def topics_of(name: str, setup: Setup) -> list[str]:
    """Return the filters a dialect reads. Raises ConfigError for a wrong file of the site."""
    return [route.filter for route in DIALECTS[name](setup).routes]


def own_topics() -> list[str]:
    """Return the filters of our own contract."""
    return [route.filter for route in OURS.dialects[0].routes]
