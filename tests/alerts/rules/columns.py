"""A small schema for tests: switches a b c, numbers x y (m/s) w (s), one enumeration."""

from __future__ import annotations

from dataclasses import dataclass, field

from config.text import Text
from devices.vocabulary import EnumValue, Kind


@dataclass(frozen=True)
class Spec:
    kind: Kind
    unit: str = ""
    values: dict[int, EnumValue] = field(default_factory=dict)
    time_driven: bool = False


MODES = {
    code: EnumValue(name, Text(name, name))
    for code, name in enumerate(("stopped", "normal", "inspection", "a"))
}
SCHEMA = {
    **{name: Spec(Kind.BOOL) for name in "abc"},
    "x": Spec(Kind.FLOAT, "m/s"),
    "y": Spec(Kind.FLOAT, "m/s"),
    "w": Spec(Kind.FLOAT, "s"),
    "mode": Spec(Kind.ENUM, values=MODES),
    "silent_s": Spec(Kind.FLOAT, "s", time_driven=True),
    "code(93)": Spec(Kind.BOOL),
    "once(93)": Spec(Kind.BOOL),
}
