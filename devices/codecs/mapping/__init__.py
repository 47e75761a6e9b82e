"""The mapping codec: a site describes any JSON or CSV payload in a TOML file, without Python.

docs/join.md shows how; `liftwatch codec try` shows what becomes of a payload.
"""

from devices.codecs.mapping.codec import JsonCodec
from devices.codecs.mapping.csv_codec import CsvCodec
from devices.codecs.mapping.load import find_mapping, load_mapping, shipped
from devices.codecs.mapping.model import Mapping

__all__ = [
    "CsvCodec",
    "JsonCodec",
    "Mapping",
    "codec_of",
    "find_mapping",
    "load_mapping",
    "shipped",
]


def codec_of(one: Mapping) -> JsonCodec | CsvCodec:
    """Compile a map."""
    return JsonCodec(one) if one.csv is None else CsvCodec(one, one.csv)
