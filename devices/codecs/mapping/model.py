"""A mapping in memory: how one payload of others becomes our channels and messages."""

from __future__ import annotations

import math
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from pathlib import Path as File
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.codecs.mapping.paths import EACH_STEP, Path, depth
from devices.codes import CodeMap
from devices.vocabulary import Channel

Raw = object  # a value as the parser gives it
LIFT_KEYS = ("reg_code", "rescue_code", "name", "alias")


def _whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and str(int(text)) == text


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Their values → ours. `by_text`: as text; `fast`: as a parser gives them, null included.

    keys, ours float64[k], sorted by key: the same where all of theirs are whole numbers.
    """

    by_text: Map[str, float]
    fast: Map[Raw, float] = field(default_factory=dict)
    keys: NDArray[np.float64] | None = None
    ours: NDArray[np.float64] | None = None

    @staticmethod
    def of(by_text: Map[str, float]) -> Values:
        """Prepare a table. Raises ValueError where 1 and true would differ: nobody can tell."""
        fast: dict[Raw, float] = {}
        fast.update(by_text)
        for text, value in by_text.items():
            if text in ("true", "false"):
                fast[text == "true"] = value
        for text, value in by_text.items():
            if _whole(text):
                other = fast.setdefault(int(text), value)
                if other != value and not (math.isnan(other) and math.isnan(value)):
                    raise ValueError(text)
        fast[None] = math.nan
        numbers = sorted((int(text), value) for text, value in by_text.items() if _whole(text))
        if len(numbers) != len(by_text):
            return Values(by_text, fast)
        keys, ours = np.array(numbers, np.float64).T
        return Values(by_text, fast, keys, ours)

    def of_numbers(self, theirs: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return ours of float64[n], NaN as NaN; None where one is not in the table."""
        assert self.keys is not None and self.ours is not None
        at = np.searchsorted(self.keys, theirs).clip(max=len(self.keys) - 1)
        silent = np.isnan(theirs)
        if not ((self.keys[at] == theirs) | silent).all():
            return None
        return np.where(silent, math.nan, self.ours[at])

    @property
    def types(self) -> frozenset[type]:
        """The types of the parser that this table can stand for."""
        kinds = {type(key) for key in self.fast}
        return frozenset(kinds | {str})


@dataclass(frozen=True, slots=True, eq=False)
class FieldRule:
    """One path and the channel that it tells: value × scale + offset, or a table of values.

    `of_rated`: a load in kg. `fallback`: counts only where an earlier field of the channel is
    silent. `quoted`: numbers come as texts, too; `comma`: with a decimal comma;
    `cells`: every value is a text, as CSV has it.
    """

    path: Path
    label: str
    channel: Channel
    scale: float = 1.0
    offset: float = 0.0
    values: Values | None = None
    quoted: bool = False
    of_rated: bool = False
    fallback: bool = False
    comma: bool = False
    cells: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TimeRule:
    """Where time comes from; path None: the time of receipt.

    format: `ms`, `s`, `us`, `iso`, or a strftime pattern read in `zone`.
    """

    path: Path | None
    format: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, eq=False)
class LiftRule:
    """How a lift is named: by `path`, by level `level` of the topic, or `constant`.

    key: which of its names it is (LIFT_KEYS); `alias`: theirs → registration code.
    """

    key: str
    path: Path | None = None
    level: int | None = None
    constant: str | None = None
    alias: Map[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MessageRule:
    """One path that tells codes. Without `state` every report is `always`.

    `codes` None: the numbers are ours. `ignored`: theirs that say nothing.
    """

    path: Path
    label: str
    codes: CodeMap | None
    lift: LiftRule
    time: TimeRule
    state: Path | None = None
    states: Map[str, str] = field(default_factory=dict)
    always: str = "once"
    ignored: frozenset[str] = frozenset()
    prefix: str = ""
    escalator_prefix: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class CsvForm:
    """How lines become columns. `columns` None: the first line names them."""

    delimiter: str = ","
    columns: tuple[str, ...] | None = None
    header: bool = True
    encoding: str = "utf-8-sig"
    decimal: str = "."


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A whole map file. `csv` None: the payload is JSON. `constants`: column → value."""

    file: File
    name: str
    text: Text
    topic: str
    gateway: str | None
    csv: CsvForm | None
    lift: LiftRule
    time: TimeRule
    fields: tuple[FieldRule, ...]
    messages: tuple[MessageRule, ...]
    constants: Map[int, float] = field(default_factory=dict)

    def sample_paths(self) -> list[Path]:
        """All paths that a sample needs."""
        paths = [rule.path for rule in self.fields]
        return paths + [p for p in (self.lift.path, self.time.path) if p is not None]

    @staticmethod
    def message_paths(rule: MessageRule) -> list[Path]:
        """All paths that a message of this rule needs."""
        paths = [rule.path, rule.lift.path, rule.time.path, rule.state]
        return [path for path in paths if path is not None]


class Crossing(Exception):
    """Two paths run over different arrays: nobody can say which rows belong together."""

    def __init__(self, one: Path, other: Path) -> None:
        self.one, self.other = one, other
        super().__init__()


def check_together(paths: list[Path]) -> None:
    """Raise Crossing unless all paths run over the same rows.

    The rows are those of the deepest path; others may end earlier on the way there. Arrays
    beside each other (`speed[*]`, `load[*]`) run together where all of them end in `[*]`.
    """
    deepest = max(paths, key=depth, default=())
    most = depth(deepest)
    for path in paths:
        own = depth(path)
        if own == 0:
            continue
        same = own if own < most or not _ends_wild(path, deepest) else own - 1
        if _up_to(path, same) != _up_to(deepest, same):
            raise Crossing(path, deepest)


def _ends_wild(one: Path, other: Path) -> bool:
    return one[-1] is EACH_STEP and other[-1] is EACH_STEP


def _up_to(path: Path, wilds: int) -> Path:
    seen = 0
    for i, step in enumerate(path):
        if not isinstance(step, str | int):
            seen += 1
        if seen == wilds:
            return path[: i + 1] if wilds else ()
    return path
