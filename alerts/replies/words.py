"""What people write back, understood in Chinese and English.

The first line that is the writer's own counts: quoted lines, greetings of mail programs and
everything below them do not. A line is a step's word alone, or a word, a colon and more: the cause
of `原因：门锁` or `cause: door lock`, a comment for every other step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from alerts.model import Step
from config.text import Text

WORDS: Mapping[Step, tuple[str, ...]] = {
    Step.ACKNOWLEDGE: ("确认", "收到", "知道了", "acknowledge", "acknowledged", "ack", "received"),
    Step.ACCEPT: ("接单", "已接单", "接受", "accept", "accepted", "accepting"),
    Step.DEPART: (
        "赶往",
        "出发",
        "已出发",
        "在路上",
        "on the way",
        "on my way",
        "departed",
        "depart",
    ),
    Step.ARRIVE: ("到场", "已到场", "到达", "已到达", "arrived", "arrive", "on site"),
    # Not "free": whoever writes that may mean that they have time.
    Step.FREE: ("解困", "已解困", "救出", "已救出", "freed", "all freed"),
    Step.FILE_CAUSE: ("原因", "cause", "reason"),
}
STEP_OF: Mapping[str, Step] = {word: step for step, words in WORDS.items() for word in words}
TELL = Text(
    "请回复：接单、赶往、到场、解困，或“原因：……”",
    "answer: accept, on the way, arrived, freed, or 'cause: …'",
)
LONGEST = 500  # characters of a cause or comment, as on the one-tap page
_QUOTE = re.compile(
    r"^\s*(?:>|-{2,}|_{5,}|On .{5,200} wrote:|在.{3,200}(?:写道|寫道)|发件人|From:|Sent from|发自)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*[:：]\s*")
_END = " \t\r\n.。!！,，;；"


@dataclass(frozen=True, slots=True)
class Said:
    """A step and what was said with it."""

    step: Step
    cause: str | None = None
    comment: str | None = None


def first_line(text: str) -> str:
    """Return the first line that the writer wrote; empty when there is none."""
    for line in text.splitlines():
        if _QUOTE.match(line):
            return ""
        if line.strip(_END):
            return line.strip()
    return ""


def understand(text: str) -> Said | Text:
    """Return what a reply asks for, or in words what may be answered."""
    line = first_line(text)
    head, *rest = _SPLIT.split(line, maxsplit=1)
    step = STEP_OF.get(" ".join(head.strip(_END).casefold().split()))
    if step is None:
        shown = line[:40]
        return Text(f"不明白“{shown}”。{TELL.zh}", f"'{shown}' is not understood; {TELL.en}")
    more = (rest[0].strip(" \t\r\n") if rest else "")[:LONGEST] or None
    if step is not Step.FILE_CAUSE:
        return Said(step, comment=more)
    if more is None:
        return Text("请写明原因，例如“原因：门锁”", "say the cause, for example 'cause: door lock'")
    return Said(step, cause=more)
