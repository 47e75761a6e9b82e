"""What is told to a platform is what our own reader of that platform's dialect takes from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Ingest
from devices.batch import STATE_OFF, STATE_ON, STATE_ONCE, Decoded
from devices.codecs import Limits, Routes, Setup, build_routes, decode
from devices.codes import CodeMap, find_code_map, shipped
from devices.vocabulary import Channel, Kind
from monitor.upstream.encode import (
    CodeRow,
    StateRow,
    body_of,
    encode_codes,
    encode_states,
    told_time,
)
from tests.devices.wire import GW, NOW, REGISTRY, VOCAB, code

STATES = {"on": STATE_ON, "off": STATE_OFF, "once": STATE_ONCE}
MAPS = {name: find_code_map(name, VOCAB) for name in shipped()}
LIMITS = Limits.of(Ingest())
SECOND = NOW // 1000 * 1000  # what every platform can write


def routes_of(name: str) -> Routes:
    ingest = Ingest(dialects=[f"gbt24476-{name}"])
    return build_routes(Setup(REGISTRY, VOCAB, Path(), ingest))


ROUTES = {name: routes_of(name) for name in MAPS}


def read_back(codes: CodeMap, kind: str, body: bytes) -> Decoded:
    topic = codes.topic.replace("{gateway}", GW).replace("{kind}", kind)
    return decode(topic, body, NOW, REGISTRY, VOCAB, LIMITS, ROUTES[codes.file.stem])


def legal(channel: Channel) -> st.SearchStrategy[float]:
    if channel.kind is Kind.BOOL:
        return st.sampled_from([0.0, 1.0])
    if channel.kind is Kind.ENUM:
        return st.sampled_from([float(v) for v in channel.values])
    return st.integers(int(channel.lo), int(min(channel.hi, 1e6))).map(float)


def sayable(codes: CodeMap, part_name: str) -> st.SearchStrategy[dict[str, float]]:
    """Values of ours that the platform has words for. Channels that share a field of theirs are
    drawn together: it cannot say one of them alone."""
    part = dict(codes.parts())[part_name]
    names = Counter(one.name for one in part.fields)
    single: dict[str, st.SearchStrategy[float]] = {}
    groups: list[st.SearchStrategy[dict[str, float]]] = []
    for name, times in names.items():
        fields = [one for one in part.fields if one.name == name]
        if times > 1:
            words = [
                {f.channel: (f.values or {})[t] for f in fields} for t in fields[0].values or {}
            ]
            whole = [w for w in words if not any(np.isnan(v) for v in w.values())]
            groups.append(st.sampled_from([{}, *whole]))
            continue
        one = fields[0]
        same = [f for f in part.fields if f.channel == one.channel]
        told = sorted({value for f in same for value in (f.back or {})})
        single[one.channel] = st.sampled_from(told) if told else legal(VOCAB.by_name[one.channel])
    parts = st.tuples(st.fixed_dictionaries({}, optional=single), *groups)
    return parts.map(lambda those: {k: v for one in those for k, v in one.items()})


@pytest.mark.parametrize("kind", ["status", "statistics"])
@pytest.mark.parametrize("name", sorted(MAPS))
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_states_come_back_as_they_were(name: str, kind: str, data: st.DataObject) -> None:
    codes = MAPS[name]
    if not dict(codes.parts())[kind].fields:
        return  # the map says: this platform has no such message
    values = data.draw(sayable(codes, kind))
    row = StateRow(code(0), SECOND, values)
    told = encode_states([row], codes, VOCAB, statistics=kind == "statistics")
    assert not told.unsaid
    if not values:
        assert not told.objects
        return
    decoded = read_back(codes, kind, body_of(told.objects[kind]))
    assert not decoded.refusals
    (got,) = decoded.batch.values
    assert decoded.batch.ts_ms.tolist() == [SECOND]
    for channel in VOCAB.channels:
        want = values.get(channel.name)
        if want is None:
            assert np.isnan(got[channel.index]), channel.name
        else:
            assert got[channel.index] == pytest.approx(want, rel=1e-5), channel.name


@pytest.mark.parametrize("name", sorted(MAPS))
def test_codes_come_back_or_are_named(name: str) -> None:
    codes = MAPS[name]
    rows = [CodeRow(code(0), SECOND, c, s) for c in sorted(VOCAB.messages) for s in ("on", "off")]
    for row in rows:
        told = encode_codes([row], codes)
        theirs = codes.encode(row.code)
        if theirs is None:
            assert told.unsaid == {f"code {row.code}": 1}
            continue
        if told.unsaid:
            assert not told.objects
            continue
        decoded = read_back(codes, "message", body_of(told.objects["message"]))
        told_code = int(decoded.batch.messages.code[0])
        assert told_code == row.code or row.code in next(
            c.also for c in codes.codes if c.theirs == theirs
        )
        state = STATES[row.state] if codes.message.state is not None else STATE_ONCE
        assert decoded.batch.messages.state.tolist() == [state]


def test_an_end_is_not_told_to_who_knows_only_reports() -> None:
    codes = MAPS["standard"]
    mute = codes.message.state is None
    told = encode_codes([CodeRow(code(0), NOW, 93 if mute else 8, "off")], codes)
    assert bool(told.unsaid) == mute


def test_a_value_without_a_word_is_left_out_and_counted() -> None:
    codes = MAPS["provincial"]
    row = StateRow(code(0), NOW, {"power": 99.0, "car_status": 1.0})
    told = encode_states([row], codes, VOCAB)
    assert told.objects["status"][0]["car_status"] == "1"
    assert "power_status" not in told.objects["status"][0]
    assert told.unsaid == {"power = 99": 1}


def test_times_as_platforms_write_them() -> None:
    assert told_time(1_767_225_600_123, MAPS["standard"]) == "2026-01-01 08:00:00"
    assert told_time(1_767_225_600_123, MAPS["bacnet"]) == "2026-01-01T00:00:00.123+00:00"
