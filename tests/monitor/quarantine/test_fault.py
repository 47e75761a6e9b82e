"""The exact fault is marked in the bytes, in all forms that the wire knows."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.batch import RejectedMessage
from devices.codecs import Limits, Refused, decode
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.quarantine.fault import Mark, hex_lines, locate, text_pieces
from tests.support.site import reg_code, write_small_site

NOW_MS = 1_790_000_000_000
VOCAB = load_vocabulary()
HEAD = f'{{"v":1,"boot":5,"seq":1,"lift":"{reg_code(0)}","ts":{NOW_MS},'
COLUMNS = f'{{"v":1,"boot":5,"seq":1,"ts":{NOW_MS},"lifts":["{reg_code(0)}","12"],'


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return load_registry(write_small_site(tmp_path_factory.mktemp("site")))


@pytest.mark.parametrize(
    ("payload", "reason", "marked"),
    [
        (HEAD + '"values":{"load":3,"speed":35.0}}', "out_of_range", "35.0"),
        (HEAD + '"values":{"速度":1,"speed" : 35.0}}', "out_of_range", "35.0"),
        (HEAD + '"values":{"velocity":35.0}}', "unknown_channel", "35.0"),
        (HEAD + '"values":{"speed":1,"speed":2}}', "duplicate_key", "2"),
        (HEAD.replace(reg_code(0), "7") + '"values":{"speed":1}}', "unknown_lift", '"7"'),
        (COLUMNS + '"columns":{"speed":[1.5,2]}}', "unknown_lift", '"12"'),
        (COLUMNS + '"columns":{"speed":[1.5]}}', "length_mismatch", "[1.5]"),
        ('{"v":1,"boot":5,,}', "not_json", ","),
    ],
)
def test_the_fault_is_marked(registry: Registry, payload: str, reason: str, marked: str) -> None:
    raw = payload.encode()
    try:
        found = decode("lift/v1/gw-0/telemetry", raw, NOW_MS, registry, VOCAB, Limits()).refusals
    except RejectedMessage as rejected:
        found = rejected.refusals
    told = [json.loads(msgspec.json.encode(Refused.of(1, one))) for one in found]
    one = next(one for one in told if one["reason"] == reason)
    mark = locate(raw, one)
    assert mark is not None
    assert raw[mark.start : mark.end].decode() == marked
    pieces = text_pieces(raw, [mark])
    assert "".join(piece for piece, _ in pieces) == payload
    assert [piece for piece, bad in pieces if bad] == [marked]
    lines = hex_lines(raw, [mark])
    assert sum(bad for line in lines for bad in line["bad"]) == mark.end - mark.start
    assert bytes.fromhex("".join(h for line in lines for h in line["hex"])) == raw


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.text(max_size=12))
def test_whatever_the_bytes_a_look_ends(payload: bytes, field: str) -> None:
    refusal = {"reason": "out_of_range", "field": field, "value": "1"}
    for one in (refusal, refusal | {"reason": "not_json", "value": "x (char 7)"}):
        mark = locate(payload, one)
        assert mark is None or 0 <= mark.start < mark.end <= len(payload)
        text_pieces(payload, [mark] if mark else [])


def test_a_byte_that_is_no_text_is_the_fault() -> None:
    assert locate(b'{"v":\xff}', {"reason": "not_json", "field": "payload"}) == Mark(5, 6)
