"""GB/T 24476 style JSON: status, escalator status, statistics and messages of one platform.

What is particular to a platform (field names, values, codes, time, topic) is its code map
(devices/codes); the shape is one object, an array of objects, or {"data": [objects]}:

[{"Registration_Code":"…","Time_Stamps":"2026-01-01 08:00:00","Service_Mode":1,"Door_Zone":true},…]

It is read by the engine of the mapping codec: a code map is compiled into column operations.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from config.text import Text
from devices.codecs.mapping.codec import JsonCodec
from devices.codecs.mapping.model import FieldRule, LiftRule, Mapping, MessageRule, TimeRule, Values
from devices.codecs.mapping.paths import EACH_STEP, Path, shown
from devices.codecs.mapping.rules import plain_values
from devices.codecs.mapping.units import conversion
from devices.codecs.routes import Claims, Codec, Dialect, Route
from devices.codes import CodeMap, FieldMap
from devices.vocabulary import Vocabulary

NAME = "gbt24476"
MESSAGE = "message"
_WRAPPED = re.compile(rb'\s*\{.*?"data"\s*:\s*\[', re.DOTALL)
_LOOK = 4096  # bytes in which a wrapper must show


def _array(payload: bytes) -> bool:
    return payload.lstrip()[:1] == b"["


def _wrapped(payload: bytes) -> bool:
    return _WRAPPED.match(payload[:_LOOK]) is not None


def _single(payload: bytes) -> bool:
    return True


# the shapes in the order they are tried: where its objects are, and how to tell it
SHAPES: tuple[tuple[str, Path, Claims], ...] = (
    ("array", (EACH_STEP,), _array),
    ("data", ("data", EACH_STEP), _wrapped),
    ("object", (), _single),
)


def kinds(codes: CodeMap) -> list[str]:
    """Return the kinds of messages that a platform's map knows."""
    return [name for name, part in codes.parts() if part.fields] + [MESSAGE]


def topic_of(codes: CodeMap, kind: str) -> str:
    """Return the topic of a kind, with `{gateway}` in it."""
    return codes.topic.replace("{kind}", kind)


def mapping_of(codes: CodeMap, kind: str, at: Path, vocab: Vocabulary) -> Mapping:
    """Return the mapping of one kind of message whose objects are found at a path."""
    zone = ZoneInfo(codes.zone)
    lift = LiftRule("reg_code", (*at, codes.lift))
    part = dict(codes.parts()).get(kind)
    time_field = codes.message.time if part is None else part.time
    time = TimeRule((*at, time_field), codes.time_format, zone)
    fields = () if part is None else tuple(_field(codes, f, at, vocab) for f in part.fields)
    messages = (_message(codes, at, lift, time),) if kind == MESSAGE else ()
    text = Text(f"{codes.text.zh} {kind}", f"{codes.text.en} {kind}")
    name = f"{NAME}-{codes.platform}-{kind}"
    topic = topic_of(codes, kind)
    return Mapping(codes.file, name, text, topic, None, None, lift, time, fields, messages)


def _field(codes: CodeMap, one: FieldMap, at: Path, vocab: Vocabulary) -> FieldRule:
    channel = vocab.by_name[one.channel]
    known = one.values if one.values is not None else plain_values(channel, codes.quoted)
    scale, offset = conversion(channel, one.unit) or (1.0, 0.0)
    path = (*at, one.name)
    return FieldRule(
        path,
        shown(path),
        channel,
        scale,
        offset,
        None if known is None else Values.of(known),
        codes.quoted,
        fallback=one.fallback,
    )


def _message(codes: CodeMap, at: Path, lift: LiftRule, time: TimeRule) -> MessageRule:
    own = codes.message
    path = (*at, own.code, EACH_STEP) if own.several else (*at, own.code)
    return MessageRule(
        path,
        shown(path),
        codes,
        lift,
        time,
        None if own.state is None else (*at, own.state),
        own.states,
        prefix=own.prefix,
        escalator_prefix=own.escalator_prefix,
    )


def dialect(codes: CodeMap, vocab: Vocabulary) -> Dialect:
    """Return the routes of one platform: a topic a kind, a codec a shape."""
    routes = []
    for kind in kinds(codes):
        codecs = []
        for shape, at, claims in SHAPES:
            codec = JsonCodec(mapping_of(codes, kind, at, vocab))
            name = f"{NAME}-{codes.platform}-{kind}-{shape}"
            codecs.append(Codec(name, codec.careful, codec.fast, claims))
        routes.append(Route(topic_of(codes, kind), tuple(codecs)))
    return Dialect(f"{NAME}-{codes.platform}", tuple(routes))
