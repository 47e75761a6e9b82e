"""The honest acknowledgement, service → gateway: what is durable, what is missing, what was
refused and why. The service encodes it, the gateway SDK decodes it.

    {"v":1,"boot":B,"durable":S,"gaps":[[a,b],…],"ts":T,"refused":[{"seq":S,"reason":…},…]}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from config.text import Text
from devices.batch import Refusal
from devices.codecs.parse import VERSION

GAPS_TOLD = 32  # the lowest missing ranges of one answer


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refused field of one message, as it travels."""

    seq: int | None
    reason: str
    way_out: dict[str, str]
    lift: str | None = None
    field: str | None = None
    value: str | None = None
    limit: str | None = None

    @staticmethod
    def of(seq: int | None, refusal: Refusal) -> Refused:
        """Return the wire form of a codec's refusal."""
        return Refused(
            seq,
            refusal.reason,
            refusal.way_out.as_json(),
            refusal.lift,
            refusal.field,
            refusal.value,
            refusal.limit,
        )

    @property
    def refusal(self) -> Refusal:
        """The codec's refusal again."""
        way_out = Text(self.way_out.get("zh", ""), self.way_out.get("en", ""))
        return Refusal(self.reason, self.field, self.value, self.limit, way_out, self.lift)


class Ack(msgspec.Struct, frozen=True):
    """Every seq ≤ `durable` of this boot is safe with the service, and so is every seq up to
    `highest` that is not within `gaps` (the lowest 32: behind the 32nd nothing is said).

    boot is None, and seq in `refused`, where the refused bytes did not say it. backfill: the
    service takes what was kept on the topic `backfill`, behind all that is live.
    """

    v: int
    boot: int | None
    durable: int
    ts: int
    gaps: tuple[tuple[int, int], ...] = ()
    refused: tuple[Refused, ...] = ()
    highest: int = 0
    backfill: bool = False

    @property
    def known_to(self) -> int:
        """The seq up to which this answer tells of each message whether it is safe."""
        if len(self.gaps) >= GAPS_TOLD:
            return max(self.durable, self.gaps[-1][1])
        return max(self.durable, self.highest)


_DECODER = msgspec.json.Decoder(Ack)
_ENCODER = msgspec.json.Encoder()


def encode_ack(
    boot: int | None,
    durable: int,
    ts_ms: int,
    gaps: Sequence[tuple[int, int]] = (),
    refused: Iterable[tuple[int | None, Refusal]] = (),
    highest: int = 0,
    backfill: bool = False,
) -> bytes:
    """Return the payload of an acknowledgement; `refused` are (seq, refusal) pairs."""
    told = tuple(Refused.of(seq, refusal) for seq, refusal in refused)
    return _ENCODER.encode(Ack(VERSION, boot, durable, ts_ms, tuple(gaps), told, highest, backfill))


def decode_ack(payload: bytes) -> Ack | None:
    """Return the acknowledgement, None where the payload is not one of version 1."""
    try:
        ack = _DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return ack if ack.v == VERSION else None
