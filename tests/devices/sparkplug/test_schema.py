"""The schema we wrote down is the published one: compared with a client's generated module."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devices.codecs.sparkplug.schema import DESCRIPTOR, DataType, Payload
from tests.devices.sparkplug.spb import NOW, metric, payload

PEER = Path(sys.prefix) / "peers" / "pysparkplug" / "bin" / "python"
SCRIPT = """
import json, sys
from pysparkplug._protobuf import sparkplug_b_pb2 as pb

def walk(d):
    fields = sorted((f.name, f.number, f.type, f.is_repeated if hasattr(f, "is_repeated")
                     else f.label == 3, f.containing_oneof.name if f.containing_oneof else "",
                     f.message_type.full_name if f.message_type else "") for f in d.fields)
    found = {d.full_name: fields}
    for nested in d.nested_types:
        found.update(walk(nested))
    return found

again = []
for line in json.load(sys.stdin):
    message = pb.Payload.FromString(bytes.fromhex(line))
    again.append([message.SerializeToString().hex(), str(message)])
print(json.dumps({"schema": walk(pb.Payload.DESCRIPTOR), "again": again,
                  "types": dict(pb.DataType.items())}))
"""


def _walk(descriptor: Any) -> dict[str, list[list[Any]]]:
    fields = sorted(
        [
            f.name,
            f.number,
            f.type,
            bool(f.is_repeated),
            f.containing_oneof.name if f.containing_oneof else "",
            f.message_type.full_name if f.message_type else "",
        ]
        for f in descriptor.fields
    )
    found = {descriptor.full_name: fields}
    for nested in descriptor.nested_types:
        found |= _walk(nested)
    return found


def _everything() -> Any:
    """A payload in which every field of every kind stands."""
    made = Payload(timestamp=NOW, seq=255, uuid="u-1", body=b"\x00\xff")
    for name, field in (("int", 7), ("long", 2**63), ("float", 1.5), ("double", -2.5)):
        made.metrics.add(name=f"f/{name}", alias=len(made.metrics), **{f"{name}_value": field})
    made.metrics.add(name="b", boolean_value=True, is_historical=True, is_transient=True)
    made.metrics.add(name="t", string_value="平层", is_null=False, timestamp=1)
    made.metrics.add(name="x", bytes_value=b"\x01")
    made.metrics[0].metadata.description = "d"
    made.metrics[0].metadata.size = 3
    made.metrics[0].properties.keys.append("Quality")
    made.metrics[0].properties.values.add(type=3, int_value=192)
    nested = made.metrics[0].properties.values.add(type=20)
    nested.propertyset_value.keys.append("k")
    nested.propertyset_value.values.add(type=12, string_value="v")
    table = made.metrics.add(name="ds", datatype=16).dataset_value
    table.num_of_columns = 1
    table.columns.append("c")
    table.types.append(10)
    table.rows.add().elements.add(double_value=1.0)
    template = made.metrics.add(name="tp", datatype=19).template_value
    template.version = "1"
    template.is_definition = True
    template.parameters.add(name="p", type=3, int_value=1)
    template.metrics.add(name="m", float_value=1.0)
    return made


@pytest.fixture(scope="module")
def peer() -> dict[str, Any]:
    sent = [
        _everything().SerializeToString(),
        payload(3, [metric("speed", 1.5, alias=4), metric("people", -3, DataType.INT32)]),
        payload(None, [metric("bdSeq", 1, DataType.INT64)], None),
    ]
    lines = json.dumps([data.hex() for data in sent])
    ran = subprocess.run(
        [PEER, "-c", SCRIPT], input=lines, capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told | {"sent": sent}


def test_every_message_has_the_published_fields(peer: dict[str, Any]) -> None:
    assert _walk(DESCRIPTOR) == peer["schema"]


def test_the_bytes_are_the_same_both_ways(peer: dict[str, Any]) -> None:
    """Their module reads ours and writes the same bytes again; both mean the same."""
    for data, (again, text) in zip(peer["sent"], peer["again"], strict=True):
        assert again == data.hex()
        assert str(Payload.FromString(data)) == text


def test_the_data_types_have_the_published_numbers(peer: dict[str, Any]) -> None:
    theirs = {name.upper(): number for name, number in peer["types"].items()}
    for one in DataType:
        assert theirs[one.name] == one.value
