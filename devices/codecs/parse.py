"""Careful reading: JSON with its flaws kept visible, and the envelope v, boot, seq, first.

The codecs read a message the fast way first (msgspec, typed). Only what that refuses comes
here, where every flaw gets a name instead of an exception.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from devices.batch import RejectedMessage
from devices.codecs.limits import BOOT_MAX, SEQ_MAX
from devices.codecs.refuse import Refusals, refusal, reject

VERSION = 1
_DIGITS = 40  # longer whole numbers are read as floats: no limit of ours is near
_HEAD = 4096
_BOOT = re.compile(rb'"boot"\s*:\s*(\d{1,16})(?![\d.eE])')
_SEQ = re.compile(rb'"seq"\s*:\s*(\d{1,10})(?![\d.eE])')


class Fields(dict[str, object]):
    """A JSON object that remembers which of its keys stood more than once."""

    twice: frozenset[str] = frozenset()


def _fields(pairs: list[tuple[str, object]]) -> Fields:
    fields = Fields(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        fields.twice = frozenset(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
    return fields


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


_READER = json.JSONDecoder(object_pairs_hook=_fields, parse_int=_whole)


def parse(payload: bytes) -> Fields:
    """Read one JSON object; NaN and Infinity are read too, for the codecs to name.

    Raises RejectedMessage (not_json, empty, wrong_type), with boot and seq where they can be
    made out, so that the sender can be told which message to stop sending.
    """
    if not payload.strip():
        raise reject("empty", "payload", None)
    try:
        found = _READER.decode(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        boot, seq = salvage(payload)
        raise reject("not_json", "payload", str(error), boot=boot, seq=seq) from None
    if not isinstance(found, Fields):
        raise reject("wrong_type", "payload", found, "object")
    return found


def salvage(payload: bytes) -> tuple[int | None, int | None]:
    """Return (boot, seq) of a message that cannot be read as a whole, if both are plain to see.

    A sender repeats what it finds not acknowledged: a broken message whose number is known can
    be answered, one without a number would be sent for ever.
    """
    head = payload[:_HEAD]
    boots, seqs = _BOOT.findall(head), _SEQ.findall(head)
    if len(boots) != 1 or len(seqs) != 1:
        return None, None
    boot, seq = int(boots[0]), int(seqs[0])
    return (boot, seq) if 1 <= boot <= BOOT_MAX and seq <= SEQ_MAX else (None, None)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an upward message carries: which start, which number, the oldest still held.

    None where a dialect has no such numbers.
    """

    boot: int | None = None
    seq: int | None = None
    first: int | None = None


def _number(fields: Fields, name: str, lo: int, hi: int, wrong: Refusals) -> int | None:
    raw = fields.get(name)
    if name not in fields:
        wrong.add("missing_field", name)
    elif name in fields.twice:
        wrong.add("duplicate_key", name)
    elif type(raw) is not int:
        wrong.add("wrong_type", name, raw, "integer")
    elif not lo <= raw <= hi:
        wrong.add("seq_out_of_range", name, raw, f"{lo}..{hi}")
    else:
        return raw
    return None


def read_envelope(fields: Fields, refusals: Refusals) -> Envelope:
    """Check v, boot and seq; an unusable `first` is refused alone and read as absent.

    Raises RejectedMessage with all that is wrong with the envelope.
    """
    wrong = Refusals(8)
    boot = _number(fields, "boot", 1, BOOT_MAX, wrong)
    seq = _number(fields, "seq", 0, SEQ_MAX, wrong)
    version = fields.get("v")
    if "v" not in fields:
        wrong.add("missing_field", "v", limit=str(VERSION))
    elif "v" in fields.twice:
        wrong.add("duplicate_key", "v")
    elif type(version) is not int:
        wrong.add("wrong_type", "v", version, "integer")
    elif version != VERSION:
        wrong.add("wrong_version", "v", version, str(VERSION))
    if boot is None or seq is None or len(wrong):
        raise RejectedMessage(wrong.named(), boot, seq)
    first = None
    if fields.get("first") is not None:
        first = _number(fields, "first", 0, seq, refusals)
    return Envelope(boot, seq, first)


def fields_of(raw: object) -> Fields | None:
    """Return `raw` if it is a JSON object, else None."""
    return raw if isinstance(raw, Fields) else None


def nothing_left(
    refusals: Refusals, envelope: Envelope, field: str | None = None
) -> RejectedMessage:
    """Build the rejection of a message of which no part could be taken."""
    named = refusals.named() or [refusal("empty", field)]
    return RejectedMessage(named, envelope.boot, envelope.seq)
