"""The tables of docs/wire.md, made from the vocabulary and by the codecs themselves.

    python -m devices.wire_tables docs/wire.md      rewrite them in place

A test holds that the document says what this says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

from devices.batch import Decoded, Refusal, RejectedMessage
from devices.codecs import Limits, decode
from devices.codecs.packed import encode_packed
from devices.codecs.refuse import REASONS
from devices.registry import Gateway, Lift, Registry
from devices.vocabulary import Channel, Kind, Vocabulary, load_vocabulary

EXAMPLE_LIFT, OTHER_LIFT = "31105001992014000001", "31105001992014000099"
EXAMPLE_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_ENVELOPE = {"v": 1, "boot": EXAMPLE_MS, "seq": 7}
_ROW: dict[str, Any] = _ENVELOPE | {
    "lift": EXAMPLE_LIFT,
    "ts": EXAMPLE_MS,
    "values": {"speed": 1.5, "load": 30},
}
_COLUMNS: dict[str, Any] = _ENVELOPE | {
    "ts": EXAMPLE_MS,
    "lifts": [EXAMPLE_LIFT, EXAMPLE_LIFT],
    "columns": {"speed": [1.5, 1.5]},
}
_MESSAGE: dict[str, Any] = _ENVELOPE | {"lift": EXAMPLE_LIFT, "ts": EXAMPLE_MS, "code": 93}

_PACKED = encode_packed(
    load_vocabulary(), EXAMPLE_MS, 7, EXAMPLE_MS, [EXAMPLE_LIFT], {"speed": [1.5]}
)


def _time_form(payload: bytes, form: int) -> bytes:
    head = payload[:4] + bytes([form]) + payload[5:44]
    return head + crc32(head).to_bytes(4, "little") + payload[48:]


# reason → (kind, gateway, what is wrong as a reader sees it, the whole message)
_Sent = dict[str, Any] | bytes
EXAMPLES: dict[str, tuple[str, str, str, _Sent]] = {
    "not_json": ("telemetry", "gw-01", "`{'v': 1}`", b"{'v': 1}"),
    "empty": ("telemetry", "gw-01", '`"values": {}`', _ROW | {"values": {}}),
    "too_large": ("telemetry", "gw-01", "300,000 bytes", b" " * 300_000),
    "too_many_samples": (
        "telemetry",
        "gw-01",
        "2,001 lifts",
        _COLUMNS | {"lifts": [EXAMPLE_LIFT] * 2001},
    ),
    "wrong_version": ("telemetry", "gw-01", '`"v": 2`', _ROW | {"v": 2}),
    "missing_field": (
        "telemetry",
        "gw-01",
        "no `ts`",
        {name: value for name, value in _ROW.items() if name != "ts"},
    ),
    "wrong_type": ("telemetry", "gw-01", '`"speed": "1.5"`', _ROW | {"values": {"speed": "1.5"}}),
    "duplicate_key": (
        "telemetry",
        "gw-01",
        '`"speed": 1.5, "speed": 1.6`',
        json.dumps(_ROW).replace('"speed": 1.5', '"speed": 1.5, "speed": 1.6').encode(),
    ),
    "not_finite": (
        "telemetry",
        "gw-01",
        '`"speed": NaN`',
        _ROW | {"values": {"speed": float("nan")}},
    ),
    "out_of_range": ("telemetry", "gw-01", '`"speed": 35.0`', _ROW | {"values": {"speed": 35.0}}),
    "length_mismatch": (
        "telemetry",
        "gw-01",
        '2 lifts, `"speed": [1.5]`',
        _COLUMNS | {"columns": {"speed": [1.5]}},
    ),
    "unknown_channel": (
        "telemetry",
        "gw-01",
        '`"velocity": 1.5`',
        _ROW | {"values": {"velocity": 1.5}},
    ),
    "unknown_code": ("message", "gw-01", '`"code": 94`', _MESSAGE | {"code": 94}),
    "unknown_lift": ("telemetry", "gw-01", '`"lift": "12"`', _ROW | {"lift": "12"}),
    "wrong_gateway": (
        "telemetry",
        "gw-01",
        f'`"lift": "{OTHER_LIFT}"`',
        _ROW | {"lift": OTHER_LIFT},
    ),
    "unknown_gateway": ("telemetry", "gw-77", "topic `lift/v1/gw-77/telemetry`", _ROW),
    "unknown_topic": ("gossip", "gw-01", "topic `lift/v1/gw-01/gossip`", _ROW),
    "clock_ahead": (
        "telemetry",
        "gw-01",
        "`ts` one hour ahead",
        _ROW | {"ts": EXAMPLE_MS + 3_600_000},
    ),
    "too_old": ("telemetry", "gw-01", "`ts` in seconds", _ROW | {"ts": EXAMPLE_MS // 1000}),
    "seq_out_of_range": ("telemetry", "gw-01", '`"boot": 0`', _ROW | {"boot": 0}),
    "bad_length": ("telemetry", "gw-01", "packed, the last 9 bytes cut off", _PACKED[:-9]),
    "bad_checksum": ("telemetry", "gw-01", "packed, its CRC 0", _PACKED[:-4] + bytes(4)),
    "bad_header": ("telemetry", "gw-01", "packed, time form 3", _time_form(_PACKED, 3)),
    "more_refused": (
        "telemetry",
        "gw-01",
        "101 channels nobody knows",
        _ROW | {"values": {"load": 30} | {f"c{i}": 0 for i in range(101)}},
    ),
}  # fmt: skip


def _lift(code: str, gateway: str) -> Lift:
    return Lift(code, "200003", "1#", "", "", "", "", gateway, "", 1.75, 1000, 1, 20, "", 1.0, 0, 0)


def answer(reason: str) -> Refusal:
    """Return what the codecs say to the example of a reason."""
    kind, gateway, _, sent = EXAMPLES[reason]
    registry = Registry(
        [_lift(EXAMPLE_LIFT, "gw-01"), _lift(OTHER_LIFT, "gw-02")],
        [Gateway("gw-01", "", ""), Gateway("gw-02", "", "")],
    )
    payload = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    where = f"lift/v1/{gateway}/{kind}"
    try:
        outcome: Decoded | RejectedMessage = decode(
            where, payload, EXAMPLE_MS, registry, load_vocabulary(), Limits()
        )
    except RejectedMessage as rejection:
        outcome = rejection
    return next(refusal for refusal in outcome.refusals if refusal.reason == reason)


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _range(channel: Channel) -> str:
    if channel.kind is Kind.BOOL:
        return "true, false (or 1, 0)"
    if channel.kind is Kind.ENUM:
        values = channel.values.items()
        return ", ".join(f"{code} `{v.name}` {v.text.zh}" for code, v in values)
    return f"{channel.lo:,.12g} … {channel.hi:,.12g}"


def channels(vocab: Vocabulary) -> str:
    """Return the table of channels."""
    rows = [
        [f"`{c.name}`", c.text.zh, c.text.en, c.kind, c.unit, _range(c), c.bacnet or ""]
        for c in vocab.channels
    ]
    return _table(["channel", "中文", "meaning", "kind", "unit", "values", "BACnet"], rows)


def codes(vocab: Vocabulary) -> str:
    """Return the table of message codes."""
    rows = [
        [str(code), m.text.zh, m.text.en, m.kind, m.severity, m.severity_with_people or ""]
        for code, m in sorted(vocab.messages.items())
    ]
    return _table(["code", "中文", "meaning", "kind", "severity", "with people"], rows)


def refusals(_vocab: Vocabulary) -> str:
    """Return the table of refusal reasons, each with what the codecs answer to an example."""
    rows = []
    for reason, (_, _, sent, _) in EXAMPLES.items():
        said = answer(reason)
        told = [f"`{n}`: {v}" for n in ("field", "value", "limit") if (v := getattr(said, n))]
        way_out = f"{REASONS[reason].en}. {REASONS[reason].zh}。"
        rows.append([f"`{reason}`", sent, "; ".join(told), way_out])
    return _table(["reason", "sent", "answered", "way out · 出路"], rows)


TABLES: dict[str, Callable[[Vocabulary], str]] = {
    "channels": channels,
    "codes": codes,
    "refusals": refusals,
}


def update(text: str, vocab: Vocabulary) -> str:
    """Return the document with every table between its markers made anew.

    Raises ValueError where a pair of markers is missing.
    """
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: made by devices/wire_tables.py -->", f"<!-- /{name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        block = f"{begin}\n\n{make(vocab)}\n\n{end}"
        parts = pattern.split(text)
        if len(parts) != 2:
            raise ValueError(f"the document needs one pair of markers {begin} … {end}")
        text = parts[0] + block + parts[1]
    return text


def main() -> None:
    """Rewrite the tables of the file named on the command line."""
    file = Path(sys.argv[1])
    file.write_text(update(file.read_text("utf-8"), load_vocabulary()), "utf-8")


if __name__ == "__main__":
    main()
