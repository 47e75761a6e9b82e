from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from devices.vocabulary import load_vocabulary
from monitor.web.console import charts, strips
from monitor.web.i18n import load_catalogues
from monitor.web.words import Words
from tests.monitor.web.house import DrawnHistory, House

HOUR = 3_600_000


def models(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for part in node:
            yield from models(part)
    elif isinstance(node, dict):
        if "attributes" in node:
            yield node
        for part in node.values():
            yield from models(part)


def named(item: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for model in models(item):
        if name := model["attributes"].get("name"):
            found.setdefault(name, []).append(model["attributes"])
    return found


def values(array: dict[str, Any]) -> list[float]:
    raw = gzip.decompress(base64.b64decode(array["array"]["data"]))
    return list(np.frombuffer(raw, array["dtype"]))


def english() -> Words:
    return Words(load_catalogues()["en"], load_vocabulary(), ZoneInfo("Asia/Shanghai"))


def test_a_filled_sheet_carries_the_history_in_the_sites_time(house: House) -> None:
    words = english()
    start, end = 1_767_225_600_000, 1_767_225_600_000 + HOUR
    moment = charts.Moment(start + 1000, start + 31_000)
    for _ in range(2):  # the second time out of the cache
        item = charts.signals(
            house, words, 3, ("speed", "door_state", "nothing"), (start, end), "dark", moment
        )
        found = named(item)
        assert found[strips.TIME][0]["start"] == start + 8 * HOUR
        times, wanted = DrawnHistory().series(3, "speed", start, end, charts.POINTS)
        data = dict(found[strips.SOURCE + "speed"][0]["data"]["entries"])
        assert values(data["t"]) == (times + 8 * HOUR).tolist()
        assert np.allclose(values(data["v"]), wanted)
        told = dict(found[strips.SOURCE + "door_state"][0]["data"]["entries"])["told"]
        assert set(told) == {"closed", "open"}
        assert [line["location"] for line in found[strips.RAISED]] == [
            start + 31_000 + 8 * HOUR
        ] * 2
        assert len(found[strips.HELD]) == 2


def test_one_sheet_never_leaks_into_the_next(house: House) -> None:
    words = english()
    first = charts.signals(house, words, 0, ("speed",), (0, HOUR), "light")
    second = charts.signals(house, words, 5, ("speed",), (HOUR, 3 * HOUR), "light")
    assert named(first)[strips.TIME][0]["end"] == HOUR + 8 * HOUR
    assert named(second)[strips.TIME][0]["end"] == 3 * HOUR + 8 * HOUR
    assert strips.HELD not in named(second)


def test_nothing_kept_gives_nothing_to_draw(house: House) -> None:
    assert charts.signals(house, english(), 0, ("no_such",), (0, HOUR), "light") == {}
