"""Sparkplug B payloads: the published message schema, written down as a table of fields.

Names, numbers and types are those of Eclipse Sparkplug 3.0, chapter 6 (package
org.eclipse.tahu.protobuf, proto2). In every message the fields are numbered from 1 in the order
given here; those after the bar share the oneof `value`. The classes live in a descriptor pool of
their own, so that another library's copy of the same schema in the process does not collide.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "org.eclipse.tahu.protobuf"
_NUMBERS = "int:u32 long:u64 float:f32 double:f64 boolean:bool string:str"
_MESSAGES: Mapping[str, tuple[str, str]] = {
    "Payload": ("timestamp:u64 metrics:*Payload.Metric seq:u64 uuid:str body:bytes", ""),
    "Payload.Template": (
        "version:str metrics:*Payload.Metric parameters:*Payload.Template.Parameter"
        " template_ref:str is_definition:bool",
        "",
    ),
    "Payload.Template.Parameter": (
        "name:str type:u32",
        f"{_NUMBERS} extension:Payload.Template.Parameter.ParameterValueExtension",
    ),
    "Payload.Template.Parameter.ParameterValueExtension": ("", ""),
    "Payload.DataSet": (
        "num_of_columns:u64 columns:*str types:*u32 rows:*Payload.DataSet.Row",
        "",
    ),
    "Payload.DataSet.DataSetValue": (
        "",
        f"{_NUMBERS} extension:Payload.DataSet.DataSetValue.DataSetValueExtension",
    ),
    "Payload.DataSet.DataSetValue.DataSetValueExtension": ("", ""),
    "Payload.DataSet.Row": ("elements:*Payload.DataSet.DataSetValue", ""),
    "Payload.PropertyValue": (
        "type:u32 is_null:bool",
        f"{_NUMBERS} propertyset:Payload.PropertySet propertysets:Payload.PropertySetList"
        " extension:Payload.PropertyValue.PropertyValueExtension",
    ),
    "Payload.PropertyValue.PropertyValueExtension": ("", ""),
    "Payload.PropertySet": ("keys:*str values:*Payload.PropertyValue", ""),
    "Payload.PropertySetList": ("propertyset:*Payload.PropertySet", ""),
    "Payload.MetaData": (
        "is_multi_part:bool content_type:str size:u64 seq:u64 file_name:str file_type:str"
        " md5:str description:str",
        "",
    ),
    "Payload.Metric": (
        "name:str alias:u64 timestamp:u64 datatype:u32 is_historical:bool is_transient:bool"
        " is_null:bool metadata:Payload.MetaData properties:Payload.PropertySet",
        f"{_NUMBERS} bytes:bytes dataset:Payload.DataSet template:Payload.Template"
        " extension:Payload.Metric.MetricValueExtension",
    ),
    "Payload.Metric.MetricValueExtension": ("", ""),
}
_F = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "u32": _F.TYPE_UINT32,
    "u64": _F.TYPE_UINT64,
    "f32": _F.TYPE_FLOAT,
    "f64": _F.TYPE_DOUBLE,
    "bool": _F.TYPE_BOOL,
    "str": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
}


class DataType(IntEnum):
    """Data types of a metric that a channel can be read from (Sparkplug 3.0, chapter 6)."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14


def _add_field(message: Any, spec: str, number: int, oneof: bool) -> None:
    name, _, kind = spec.partition(":")
    repeated = kind.startswith("*")
    kind = kind.lstrip("*")
    made = message.field.add(
        name=f"{name}_value" if oneof else name,
        number=number,
        label=_F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL,
    )
    if kind in _TYPES:
        made.type = _TYPES[kind]
    else:
        made.type, made.type_name = _F.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    if oneof:
        made.oneof_index = 0


def _file() -> Any:
    """Return the schema as protobuf describes files."""
    file = descriptor_pb2.FileDescriptorProto(
        name="liftwatch/sparkplug_b.proto", package=PACKAGE, syntax="proto2"
    )
    made: dict[str, Any] = {}
    for path, (plain, value) in _MESSAGES.items():
        parent, _, name = path.rpartition(".")
        message = made[parent].nested_type.add() if parent else file.message_type.add()
        message.name = name
        made[path] = message
        specs = [(spec, False) for spec in plain.split()] + [(s, True) for s in value.split()]
        if value:
            message.oneof_decl.add(name="value")
        for number, (spec, oneof) in enumerate(specs, start=1):
            _add_field(message, spec, number, oneof)
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())
DESCRIPTOR = _POOL.FindMessageTypeByName(f"{PACKAGE}.Payload")
Payload: Any = message_factory.GetMessageClass(DESCRIPTOR)
"""The message class; a proto2 message of the schema above, made by protobuf."""


def text(raw: str | bytes) -> str:
    """Return a text field; what is not UTF-8, which protobuf hands over as bytes, is made plain."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")
