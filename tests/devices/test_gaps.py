"""Named gaps: from the wire into history, and every flaw by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devices.batch import GapReport, RejectedMessage, TelemetryBatch, concat
from devices.codecs import decode
from monitor.store.gaps import gaps_between
from monitor.store.history import History
from tests.devices.wire import GW, LIMITS, NOW, REGISTRY, VOCAB

GAP = {"from": NOW - 7000, "to": NOW - 1000, "samples": 12, "kept": 3, "reason": "thinned"}


def read(gaps: Any) -> Any:
    body = {"v": 1, "boot": 7, "seq": 3, "gaps": gaps}
    topic = f"lift/v1/{GW}/message"
    return decode(topic, json.dumps(body).encode(), NOW, REGISTRY, VOCAB, LIMITS)


def test_a_gap_is_read_and_kept(tmp_path: Path) -> None:
    decoded = read([GAP])
    report = GapReport(GW, NOW - 7000, NOW - 1000, 12, 3, "thinned")
    assert (decoded.boot, decoded.seq, decoded.refusals) == (7, 3, [])
    assert decoded.batch.gaps == [report]
    history = History(tmp_path, VOCAB)
    history.append(concat([TelemetryBatch.empty(len(VOCAB)), decoded.batch], len(VOCAB)), NOW, {})
    assert gaps_between(history, NOW - 2000, NOW) == [report]
    assert gaps_between(history, NOW - 2000, NOW, "gw-02") == []
    assert gaps_between(history, NOW, NOW + 1) == []
    history.close()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": "bored"}, "gaps[1].reason"),
        ({"samples": -1}, "gaps[1].samples"),
        ({"kept": "3"}, "gaps[1].kept"),
        ({"from": "yesterday"}, "gaps[1].from"),
        ({"to": NOW + 10**9}, "gaps[1].to"),
    ],
)
def test_a_wrong_gap_is_refused_alone(change: dict[str, Any], field: str) -> None:
    decoded = read([GAP, GAP | change])
    assert len(decoded.batch.gaps) == 1
    assert [one.field for one in decoded.refusals] == [field]


@pytest.mark.parametrize("gaps", [{}, [], [7], [GAP] * 101])
def test_nothing_left_is_a_rejection(gaps: Any) -> None:
    with pytest.raises(RejectedMessage) as caught:
        read(gaps)
    assert (caught.value.boot, caught.value.seq) == (7, 3)
