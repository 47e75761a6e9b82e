"""Maps that the tests of the mapping codec read payloads with, and what reading gives."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from devices.batch import Decoded, RejectedMessage
from devices.codecs.context import Context
from devices.codecs.mapping import CsvCodec, JsonCodec, codec_of, load_mapping
from devices.codecs.values import plan_of
from tests.devices.wire import LIMITS, NOW, REGISTRY, VOCAB, code
from tests.naive import mapping as naive

FIELDS = """
[[field]]
path = "{at}speed"
channel = "speed"
unit = "mm/s"
[[field]]
path = "{at}floor"
channel = "car_position"
[[field]]
path = "{at}zone"
channel = "door_zone"
values = {{ "1" = true, "2" = false }}
[[field]]
path = "{at}dir"
channel = "car_direction"
values = {{ "UP" = "up", "DN" = "down", "--" = "none", "?" = "" }}
[[field]]
path = "{at}load"
channel = "load"
unit = "kg"
[[field]]
path = "{at}temp"
channel = "room_temp"
unit = "degF"
quoted = true
[[field]]
path = "{at}mode"
channel = "service_mode"
[[field]]
path = "{at}door"
channel = "door_closed"
[[field]]
path = "{at}door2"
channel = "door_closed"
fallback = true
"""
MESSAGE = """
[[message]]
path = "{at}code"
codes = "collector"
time = "{at}t"
state = "{at}st"
states = {{ "1" = "on", "0" = "off" }}
ignore = ["88"]
"""
NESTED = (
    'topic = "n/{gateway}"\n[lift]\npath = "lifts[*].id"\nis = "rescue_code"\n[time]\n'
    'path = "lifts[*].samples[*].t"\n'
    + FIELDS.format(at="lifts[*].samples[*].v.")
    + MESSAGE.format(at="lifts[*].faults[*].")
)
ROWS = (
    'topic = "r/{gateway}"\n[lift]\npath = "[*].id"\n[time]\npath = "[*].t"\nformat = "iso"\n'
    'zone = "Asia/Shanghai"\n[constants]\npower = "main"\n' + FIELDS.format(at="[*].")
)
COLUMNS = (
    'topic = "c/{gateway}"\n[lift]\npath = "ids[*]"\n[time]\npath = "t"\nformat = "s"\n'
    + FIELDS.format(at="v.").replace('"\nchannel', '[*]"\nchannel')
)
KEYED = 'topic = "k/{gateway}"\n[time]\npath = "lifts.{lift}.t"\n' + FIELDS.format(
    at="lifts.{lift}."
)
SINGLE = (
    'topic = "s/{gateway}/{lift}/up"\nquoted = true\n[lift]\nis = "alias"\n'
    f'alias = {{ "A" = "{code(1)}", "B" = "{code(2)}", "C" = "{code(90)}" }}\n'
    '[time]\npath = "t"\nformat = "%Y-%m-%d %H:%M:%S"\nzone = "Asia/Shanghai"\n'
    + FIELDS.format(at="")
    + '[[message]]\npath = "code"\nignore = ["0"]\n'
)
CSV = (
    'format = "csv"\ntopic = "v/{gateway}"\n[lift]\npath = "id"\n[time]\npath = "t"\n'
    + FIELDS.format(at="")
    + '[[message]]\npath = "code"\ncodes = "collector"\n'
)
COMMA = CSV.replace("[lift]", '[csv]\ndelimiter = ";"\ndecimal = ","\n[lift]')
BARE = (
    'format = "csv"\ntopic = "b/{gateway}"\n[csv]\ncolumns = ["id", "t", "junk", "speed", "zone"]\n'
    '[lift]\npath = "id"\n[time]\npath = "t"\n[[field]]\npath = "speed"\nchannel = "speed"\n'
    '[[field]]\npath = "zone"\nchannel = "door_zone"\nvalues = { "1" = true, "2" = false }\n'
)
MAPS = {
    "nested": NESTED, "rows": ROWS, "columns": COLUMNS, "keyed": KEYED, "single": SINGLE,
    "csv": CSV, "comma": COMMA, "bare": BARE,
}  # fmt: skip
TOPICS = {"single": "s/gw-01/A/up"}


@cache
def codec(name: str) -> JsonCodec | CsvCodec:
    """Return a compiled map of these."""
    return of_text(MAPS[name])


def of_text(text: str) -> JsonCodec | CsvCodec:
    """Compile a map from its text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.toml"
        file.write_text(text, "utf-8")
        return codec_of(load_mapping(file, VOCAB))


def context(name: str, topic: str | None = None) -> Context:
    """Return the surroundings of a message of gw-01."""
    where = topic if topic is not None else TOPICS.get(name, "")
    return Context(0, NOW, REGISTRY, plan_of(VOCAB), LIMITS, where)


def told(outcome: Decoded | RejectedMessage) -> naive.Read:
    """Return what a codec said in the naive twin's words."""
    if isinstance(outcome, RejectedMessage):
        refused = [(r.reason, r.field or "") for r in outcome.refusals]
        return naive.Read(refused=refused, rejected=True)
    batch, found = outcome.batch, naive.Read()
    for i in range(len(batch)):
        values = {
            c.name: float(batch.values[i, c.index])
            for c in VOCAB.channels
            if batch.values[i, c.index] == batch.values[i, c.index]
        }
        lift = REGISTRY.lift(int(batch.lift[i])).reg_code
        found.samples.append((lift, int(batch.ts_ms[i]), values, bool(batch.late[i])))
    rows = batch.messages
    for i in range(len(rows)):
        state = ("off", "on", "once")[int(rows.state[i])]
        lift = REGISTRY.lift(int(rows.lift[i])).reg_code
        found.messages.append((lift, int(rows.ts_ms[i]), int(rows.code[i]), state))
    found.refused = [(r.reason, r.field or "") for r in outcome.refusals]
    return found


def carefully(name: str, payload: bytes, topic: str | None = None) -> naive.Read:
    """Read a payload the careful way."""
    try:
        return told(codec(name).careful(payload, context(name, topic)))
    except RejectedMessage as rejection:
        return told(rejection)


def fast(name: str, payload: bytes, topic: str | None = None) -> naive.Read | None:
    """Read a payload the fast way; None where it leaves it to the other."""
    try:
        found = codec(name).fast(payload, context(name, topic))
    except RejectedMessage as rejection:
        return told(rejection)
    return None if found is None else told(found)


def slowly(name: str, payload: bytes, topic: str | None = None) -> naive.Read:
    """Read a payload by the naive twin."""
    where = topic if topic is not None else TOPICS.get(name, "")
    site = naive.Site("gw-01", REGISTRY, VOCAB, NOW, where)
    return naive.read(codec(name).map, payload, site)


def dumps(document: Any) -> bytes:
    """Return JSON, NaN and Infinity included."""
    return json.dumps(document, ensure_ascii=False).encode()
