"""The batch: telemetry as columns, from the codec to the detector and into history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from config.text import Text

STATE_OFF, STATE_ON, STATE_ONCE = 0, 1, 2


@dataclass(slots=True)
class MessageRows:
    """Fault, event and alarm messages, m rows.

    lift int32[m] registry row · ts_ms int64[m] event time · code int32[m] ·
    state int8[m] (0 off, 1 on, 2 once) · late bool[m] (history only, rings no bell) ·
    shift_ms int64[m]: what is added to ts_ms where the sender's clock is known to be wrong.
    """

    lift: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    code: NDArray[np.int32]
    state: NDArray[np.int8]
    late: NDArray[np.bool_]
    shift_ms: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.lift)

    @staticmethod
    def empty() -> MessageRows:
        """Return zero rows."""
        return MessageRows(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.int8),
            np.empty(0, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Waveform:
    """One burst: float32 samples per axis at `rate_hz`, in `unit` (m/s2 or A)."""

    lift: int
    ts_ms: int
    rate_hz: float
    unit: str
    axes: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class GapReport:
    """Samples that a gateway had and gave up, between two times (epoch ms); `kept` of them are
    there all the same. reason: dropped, thinned, aged or damaged."""

    gateway: str
    from_ms: int
    to_ms: int
    samples: int
    kept: int
    reason: str


@dataclass(slots=True)
class TelemetryBatch:
    """n samples of any lifts, in order of arrival.

    lift int32[n] registry row · ts_ms int64[n] event time, ms since epoch UTC ·
    values float32[n, C] in vocabulary order, NaN where absent · late bool[n] · shift_ms
    int64[n]: what is added to ts_ms where the sender's clock is known to be wrong; None: nowhere.
    """

    lift: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    values: NDArray[np.float32]
    late: NDArray[np.bool_]
    messages: MessageRows = field(default_factory=MessageRows.empty)
    waveforms: list[Waveform] = field(default_factory=list)
    gaps: list[GapReport] = field(default_factory=list)
    shift_ms: NDArray[np.int64] | None = None

    def at_our_clock(self) -> TelemetryBatch:
        """Return it with the times at which it is judged: as told, and what wrong clocks lack."""
        told = self.messages
        if self.shift_ms is None and told.shift_ms is None:
            return self
        moved = told.ts_ms if told.shift_ms is None else told.ts_ms + told.shift_ms
        messages = MessageRows(told.lift, moved, told.code, told.state, told.late)
        ts_ms = self.ts_ms if self.shift_ms is None else self.ts_ms + self.shift_ms
        return TelemetryBatch(self.lift, ts_ms, self.values, self.late, messages, self.waveforms)

    def __len__(self) -> int:
        return len(self.lift)

    @staticmethod
    def empty(channels: int) -> TelemetryBatch:
        """Return a batch of zero rows and `channels` columns."""
        return TelemetryBatch(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty((0, channels), np.float32),
            np.empty(0, np.bool_),
        )


def concat(parts: Sequence[TelemetryBatch], channels: int) -> TelemetryBatch:
    """Join batches in the order given; row order is kept. No parts: an empty batch."""
    if not parts:
        return TelemetryBatch.empty(channels)
    if len(parts) == 1:
        return parts[0]
    with_messages = [part.messages for part in parts if len(part.messages)]
    messages = MessageRows.empty()
    if with_messages:
        messages = MessageRows(
            np.concatenate([m.lift for m in with_messages]),
            np.concatenate([m.ts_ms for m in with_messages]),
            np.concatenate([m.code for m in with_messages]),
            np.concatenate([m.state for m in with_messages]),
            np.concatenate([m.late for m in with_messages]),
        )
    return TelemetryBatch(
        np.concatenate([part.lift for part in parts]),
        np.concatenate([part.ts_ms for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.late for part in parts]),
        messages,
        [burst for part in parts for burst in part.waveforms],
        [gap for part in parts for gap in part.gaps],
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not taken: field, value, limit, and the way out for the sender."""

    reason: str
    field: str | None
    value: str | None
    limit: str | None
    way_out: Text
    lift: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the service publishes because a dialect asks for it, e.g. a request for a rebirth."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class LinkFact:
    """A sender, or one lift behind it (`lift`: registry row), said that it came or went."""

    online: bool
    ts_ms: int
    lift: int | None = None


@dataclass(slots=True)
class Decoded:
    """What one wire message said; `refusals` name the parts of it that were not taken.

    boot, seq: None in dialects that have no such numbers. `timed`: the bytes hold their own
    time, so the same bytes again are a repeat and no new moment. `links`: who came, who went.
    `said`: what is to be published once this message is durable.
    """

    boot: int | None
    seq: int | None
    first: int | None
    kind: Literal["telemetry", "message", "waveform", "link"]
    batch: TelemetryBatch
    refusals: list[Refusal]
    timed: bool = True
    links: list[LinkFact] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


class RejectedMessage(Exception):
    """Nothing of a wire message could be taken. boot and seq where they could be read.

    `said`: what is to be published all the same.
    """

    def __init__(
        self,
        refusals: list[Refusal],
        boot: int | None = None,
        seq: int | None = None,
        said: Sequence[Said] = (),
    ) -> None:
        self.refusals, self.boot, self.seq, self.said = refusals, boot, seq, list(said)
        super().__init__("; ".join(r.reason for r in refusals))
