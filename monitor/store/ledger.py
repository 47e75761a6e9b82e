"""The ledger: which (gateway, boot, seq) is durable, so a repeat changes nothing.

One set of ranges per gateway and boot. It is written in the same transaction as the samples,
so after any crash it is exactly as old as they are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from enum import Enum

# A gateway that loses messages for ever would grow its ranges for ever; past this many the
# lowest gap is given up, and the sender is told so by the `durable` figure passing over it.
MAX_RANGES = 1024


class Taken(Enum):
    """What the ledger says to a sequence number."""

    NEW = "new"
    REPEAT = "repeat"
    BACK = "back"


class SeqRanges:
    """Sorted, disjoint, inclusive ranges of sequence numbers that were taken."""

    __slots__ = ("first", "highs", "lows", "newest_ms")

    def __init__(self, text: str = "") -> None:
        """`text` as written by `dump`: "F;a-b,c-d;T" with F the first number held and T the
        newest event time that was taken under any of them."""
        self.lows: list[int] = []
        self.highs: list[int] = []
        self.first = 1
        self.newest_ms = 0
        if text:
            first, ranges, newest_ms = text.split(";")
            self.first, self.newest_ms = int(first), int(newest_ms)
            for part in filter(None, ranges.split(",")):
                low, _, high = part.partition("-")
                self.lows.append(int(low))
                self.highs.append(int(high or low))

    def dump(self) -> str:
        """Return the text that the constructor reads."""
        pairs = zip(self.lows, self.highs, strict=True)
        ranges = ",".join(f"{a}-{b}" if a != b else f"{a}" for a, b in pairs)
        return f"{self.first};{ranges};{self.newest_ms}"

    def __contains__(self, seq: int) -> bool:
        if seq < self.first:
            return True
        place = bisect_right(self.lows, seq) - 1
        return place >= 0 and seq <= self.highs[place]

    def add(self, seq: int) -> None:
        """Take one number in; taking it twice changes nothing."""
        lows, highs = self.lows, self.highs
        if highs and seq == highs[-1] + 1:  # the ordinary case: the next in order
            highs[-1] = seq
            return
        if seq in self:
            return
        place = bisect_right(lows, seq)
        joins_left = place > 0 and highs[place - 1] == seq - 1
        joins_right = place < len(lows) and lows[place] == seq + 1
        if joins_left and joins_right:
            highs[place - 1] = highs.pop(place)
            lows.pop(place)
        elif joins_left:
            highs[place - 1] = seq
        elif joins_right:
            lows[place] = seq
        else:
            lows.insert(place, seq)
            highs.insert(place, seq)
            if len(lows) > MAX_RANGES:
                self.give_up_below(lows[1])

    def give_up_below(self, first: int) -> None:
        """The sender holds nothing below `first` any more: stop asking for it."""
        if first <= self.first:
            return
        self.first = first
        while self.lows and self.highs[0] < first - 1:
            self.lows.pop(0)
            self.highs.pop(0)

    @property
    def durable(self) -> int:
        """The number up to which everything was taken or given up; 0 before the first."""
        if self.lows and self.lows[0] <= self.first:
            return max(self.highs[0], self.first - 1)
        return self.first - 1

    @property
    def highest(self) -> int:
        """The highest number taken, 0 before the first."""
        return self.highs[-1] if self.highs else self.first - 1

    def gaps(self, most: int = 32) -> list[tuple[int, int]]:
        """Missing ranges below the highest number taken, lowest first, at most `most`."""
        found = []
        expected = self.durable + 1
        for low, high in zip(self.lows, self.highs, strict=True):
            if low > expected:
                found.append((expected, low - 1))
                if len(found) == most:
                    break
            expected = max(expected, high + 1)
        return found


class Ledger:
    """All ranges in memory; `dirty` names those to be written with the next commit."""

    def __init__(self, rows: Iterable[tuple[str, int, str]] = ()) -> None:
        """`rows` = (gateway, boot, text) as stored."""
        self._ranges = {(gateway, boot): SeqRanges(text) for gateway, boot, text in rows}
        self._dirty: set[tuple[str, int]] = set()

    def __len__(self) -> int:
        return len(self._ranges)

    def ranges(self, gateway: str, boot: int) -> SeqRanges:
        """Return the ranges of a gateway's boot, empty for a new one."""
        return self._ranges.setdefault((gateway, boot), SeqRanges())

    def take(
        self, gateway: str, boot: int, seq: int, first: int | None, newest_ms: int = 0
    ) -> Taken:
        """Note a message whose newest event time is `newest_ms` (0 where it has none).

        REPEAT: its samples must not be stored again. BACK: the number was used before, for
        something older, so this is no repeat but a sender that counts anew under an old boot.
        """
        ranges = self.ranges(gateway, boot)
        self._dirty.add((gateway, boot))
        if seq in ranges:
            return Taken.BACK if newest_ms > ranges.newest_ms else Taken.REPEAT
        if first is not None and first <= seq:
            ranges.give_up_below(first)
        ranges.add(seq)
        ranges.newest_ms = max(ranges.newest_ms, newest_ms)
        return Taken.NEW

    def dirty(self) -> Mapping[tuple[str, int], str]:
        """Return what changed since the last call as {(gateway, boot): text}."""
        changed = {key: self._ranges[key].dump() for key in self._dirty}
        self._dirty = set()
        return changed

    def forget(self, keys: Iterable[tuple[str, int]]) -> None:
        """Drop boots that are older than anything the wire still accepts."""
        for key in keys:
            self._ranges.pop(key, None)
