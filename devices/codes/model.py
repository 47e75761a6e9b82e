"""A code map in memory: codes, fields and the shape of messages of one platform."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from config.text import Text
from devices.vocabulary import Vocabulary

STATES = ("on", "off", "once")


@dataclass(frozen=True, slots=True)
class Code:
    """Their code for one of ours. `also`: ours that this platform can only tell by it, too.

    `preferred`: of several of theirs for one of ours, the one that is sent.
    """

    theirs: str
    ours: int
    also: tuple[int, ...] = ()
    preferred: bool = False
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A code of theirs that is not translated; `ours`: what it may mean, to be confirmed."""

    theirs: str
    text: Text
    ours: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A field of theirs and the channel it tells.

    values: their value (as text; true and false too) → ours, NaN where theirs says nothing;
    None: the field speaks our numbers. `back`: ours → theirs. `fallback`: another field of this
    channel comes first. `unit`: theirs, where it is not ours.
    """

    name: str
    channel: str
    values: Mapping[str, float] | None = None
    back: Mapping[float, str] | None = None
    fallback: bool = False
    unit: str | None = None

    def encode(self, value: float) -> str | None:
        """Return what they say for a value of ours; None where they cannot."""
        if math.isnan(value):
            return None
        return f"{value:.9g}" if self.back is None else self.back.get(value)


@dataclass(frozen=True, slots=True)
class Part:
    """The fields of one kind of message, and the field that tells its time."""

    fields: tuple[FieldMap, ...]
    time: str


@dataclass(frozen=True, slots=True)
class MessageFields:
    """The fields of a fault, event or alarm; without `state` every message is a single report.

    `several`: the field is an array of codes. `prefix` stands before a number of theirs to make
    the code (BACnet: LiftFault.), and `escalator_prefix` where the device is an escalator.
    """

    code: str
    time: str
    state: str | None
    states: Mapping[str, str]
    several: bool
    prefix: str
    escalator_prefix: str


@dataclass(frozen=True)
class CodeMap:
    """All that is particular to one platform. `file` and `source` are for people."""

    file: Path
    platform: str
    text: Text
    version: str
    source: str
    confirm: Text | None
    codes: tuple[Code, ...]
    open: tuple[OpenCode, ...]
    no_fault: tuple[str, ...]
    width: int
    quoted: bool
    topic: str
    lift: str
    time_format: str
    zone: str
    status: Part
    escalator: Part
    statistics: Part
    message: MessageFields

    @cached_property
    def _ours(self) -> Mapping[str, int]:
        return {code.theirs: code.ours for code in self.codes}

    @cached_property
    def _theirs(self) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for code in self.codes:
            if code.preferred or code.ours not in found:
                found[code.ours] = code.theirs
        also = {ours: code.theirs for code in self.codes for ours in code.also}
        return also | found

    def key(self, raw: object) -> str | None:
        """Return a code as this map writes it: 8 is "08" where `width` is 2. None: no code."""
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            return None
        return f"{raw:0{self.width}d}" if isinstance(raw, int) else raw.strip()

    def decode(self, raw: object) -> int | None:
        """Return our code of a number or text of theirs; None where the map does not say."""
        key = self.key(raw)
        return None if key is None else self._ours.get(key)

    def encode(self, ours: int) -> str | None:
        """Return their code of one of ours; None where this platform cannot say it."""
        return self._theirs.get(ours)

    def told(self, raw: object) -> OpenCode | None:
        """Return what is known of a code that is not translated."""
        key = self.key(raw)
        return next((code for code in self.open if code.theirs == key), None)

    def unspeakable(self, vocab: Vocabulary) -> list[int]:
        """Return our codes that this platform has no code for, in order."""
        return [code for code in sorted(vocab.messages) if self.encode(code) is None]

    def faults(self, vocab: Vocabulary) -> list[int]:
        """Return our codes of kind `fault` that this platform knows: what "no fault" ends."""
        found = {code.ours for code in self.codes}
        return sorted(code for code in found if vocab.messages[code].kind == "fault")

    def parts(self) -> Iterator[tuple[str, Part]]:
        """Give the kinds of messages that carry channels, by name."""
        yield "status", self.status
        yield "escalator", self.escalator
        yield "statistics", self.statistics
