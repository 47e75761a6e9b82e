"""The tables of docs/codes.md, made from the code maps.

    python -m devices.codes docs/codes.md      rewrite them in place

A test holds that the document says what this says.
"""

from __future__ import annotations

import json
import math
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from devices.codes.load import FOLDER, find_code_map, shipped
from devices.codes.model import CodeMap, Part
from devices.vocabulary import Channel, Kind, Vocabulary, load_vocabulary

BEGIN, END = "<!-- code maps: made by devices/codes -->", "<!-- /code maps -->"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )


def _overview(maps: list[CodeMap], vocab: Vocabulary) -> str:
    rows = []
    for code, message in sorted(vocab.messages.items()):
        told = []
        for one in maps:
            theirs = one.encode(code) or ""
            lossy = any(code in c.also for c in one.codes)
            told.append(f"{theirs} \\*" if lossy else theirs)
        if any(told):
            rows.append([str(code), f"{message.text.zh} {message.text.en}", *told])
    return _table(["ours", "", *(one.platform for one in maps)], rows)


def _shown(channel: Channel, value: float) -> str:
    if math.isnan(value):
        return "–"
    if channel.kind is Kind.BOOL:
        return "true" if value else "false"
    return channel.values[int(value)].name if channel.values else f"{value:g}"


def _part(name: str, part: Part, vocab: Vocabulary) -> list[list[str]]:
    rows = []
    for one in part.fields:
        channel = vocab.by_name[one.channel]
        values = [f"{k} → {_shown(channel, v)}" for k, v in (one.values or {}).items()]
        said = ", ".join(values) or (one.unit or "as ours 同我方")
        rows.append([name, f"`{one.name}`", f"`{one.channel}`", said])
    return rows


def _message(one: CodeMap) -> list[list[str]]:
    said = one.message
    prefixed = f"`{said.prefix}` + number 号" if said.prefix else "the codes above 见上"
    rows = [["message", f"`{said.code}`" + (" [ ]" if said.several else ""), "code", prefixed]]
    if said.state is not None:
        states = ", ".join(f"{theirs} → {ours}" for theirs, ours in said.states.items())
        rows.append(["message", f"`{said.state}`", "state", states])
    return rows


def example(one: CodeMap) -> str:
    """Return one message of a platform in its own words: the first code that it has."""
    said, at = one.message, datetime(2026, 1, 1, tzinfo=UTC)
    times: dict[str, object] = {
        "ms": int(at.timestamp() * 1000), "s": int(at.timestamp()), "iso": at.isoformat(),
    }  # fmt: skip
    local = at.astimezone(ZoneInfo(one.zone)).strftime(one.time_format)
    when = times.get(one.time_format, local)
    theirs = one.codes[0].theirs.removeprefix(said.prefix)
    number = theirs.isdigit() and not one.quoted and len(str(int(theirs))) == len(theirs)
    code: object = int(theirs) if number else theirs
    body: dict[str, object] = {one.lift: "31105001992014000001", said.time: when}
    body[said.code] = [code] if said.several else code
    if said.state is not None:
        body[said.state] = next((k for k, v in said.states.items() if v == "on"), "")
    return json.dumps([body], ensure_ascii=False)


def _one(one: CodeMap, vocab: Vocabulary) -> str:
    parts = [row for name, part in one.parts() for row in _part(name, part, vocab)]
    parts += _message(one)
    mute = ", ".join(str(code) for code in one.unspeakable(vocab))
    lines = [
        f"### `{one.platform}` {one.text.zh} · {one.text.en}",
        f"Source 来源: {one.source}. Vocabulary 词汇版本: {one.version}. "
        f"Topic 主题: `{one.topic}`. Lift 电梯: `{one.lift}`. "
        f"Time 时间: `{one.status.time}`, `{one.time_format}`, {one.zone}.",
    ]
    if one.confirm:
        lines.append(
            f"**To be confirmed by the site 待确认**: {one.confirm.en}. {one.confirm.zh}。"
        )
    if parts:
        lines.append(_table(["kind", "field 字段", "channel 通道", "values 取值"], parts))
    lines.append("A message 消息例:\n\n```json\n" + example(one) + "\n```")
    if one.open:
        lines.append("Not translated, refused by name 不翻译、按名拒收:")
        lines.append(
            _table(
                ["code", "", "may be 可能是"],
                [
                    [c.theirs, f"{c.text.zh} {c.text.en}", ", ".join(map(str, c.ours))]
                    for c in one.open
                ],
            )
        )
    if one.no_fault:
        lines.append(f"“No fault” 无故障: {', '.join(one.no_fault)}.")
    lines.append(f"Cannot say 无法表示: {mute or '–'}.")
    return "\n\n".join(lines)


def tables(vocab: Vocabulary) -> str:
    """Return all maps beside each other, then each with its fields and what it cannot say."""
    maps = [find_code_map(name, vocab, FOLDER) for name in shipped()]
    return "\n\n".join([_overview(maps, vocab), *(_one(one, vocab) for one in maps)])


def update(text: str, vocab: Vocabulary) -> str:
    """Return the document with its tables made anew. Raises ValueError without the markers."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    parts = pattern.split(text)
    if len(parts) != 2:
        raise ValueError(f"the document needs one pair of markers {BEGIN} … {END}")
    return f"{parts[0]}{BEGIN}\n\n{tables(vocab)}\n\n{END}{parts[1]}"


def main() -> None:
    """Rewrite the tables of the file named on the command line."""
    file = Path(sys.argv[1])
    file.write_text(update(file.read_text("utf-8"), load_vocabulary()), "utf-8")


if __name__ == "__main__":
    main()
