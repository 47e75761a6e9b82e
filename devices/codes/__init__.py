"""Code maps: what one platform's numbers and fields mean in ours, as data, both ways.

One TOML file a platform in `config/defaults/codes/`; a site adds its own. How they are written:
docs/codes.md, whose tables are made by `python -m devices.codes`.
"""

from devices.codes.load import FOLDER, find_code_map, load_code_map, read_values, shipped
from devices.codes.model import STATES, Code, CodeMap, FieldMap, MessageFields, OpenCode, Part

__all__ = [
    "FOLDER",
    "STATES",
    "Code",
    "CodeMap",
    "FieldMap",
    "MessageFields",
    "OpenCode",
    "Part",
    "find_code_map",
    "load_code_map",
    "read_values",
    "shipped",
]
