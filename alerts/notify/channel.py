"""What every channel is: one item in, one receipt out, or DeliveryError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """One page to one address. `key` is the same in every attempt: receivers may drop repeats."""

    key: str
    address: str
    lang: str
    page: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver took it; `text` is what it said, kept for the record."""

    text: str


class DeliveryError(Exception):
    """The page was not taken. `final` = trying again cannot help (no such address)."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        self.final = final
        super().__init__(text)


class Channel(Protocol):
    """One way to reach people. `timeout_s` bounds one attempt, `concurrency` those at once."""

    @property
    def timeout_s(self) -> float: ...

    @property
    def concurrency(self) -> int: ...

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""

    async def close(self) -> None:
        """Let go of connections."""
