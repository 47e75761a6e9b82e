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
    """The receiver took it; `text` is what it said, kept for the record.

    `ref` is its own number of the message, `ask_after_s` when to ask it whether the page reached
    the person: both only where it tells of that later.
    """

    text: str
    ref: str | None = None
    ask_after_s: float | None = None


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

    def show(self, item: Item) -> str:
        """Return what `send` would send, to be read by a person: secrets are masked."""

    async def close(self) -> None:
        """Let go of connections."""
