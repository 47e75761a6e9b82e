"""The accident report's draft on paper: what is missing stands out and leaves room to write."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Flowable, KeepTogether, Spacer

from alerts.story.accident import MISSING
from alerts.story.paper import Frameword, heading, part, print_pages, signatures, table
from alerts.story.pdf import foot
from alerts.story.sheet import BAD, MUTED, Sheet
from config.text import Text

_TITLE = Text("电梯事故报告（草稿）", "Lift accident report (draft)")
SIGNERS = (
    Text("报告人", "Reporter"),
    Text("使用单位负责人", "Head of the use unit"),
    Text("受理人", "Received by"),
)


def draft_pdf(draft: dict[str, Any], sheet: Sheet) -> bytes:
    """Return the draft of `build_draft` as a PDF in the sheet's language."""
    n = draft["missing"]
    note = Text(
        f"由监测记录自动生成的草稿，尚有 {n} 项待补；补齐、核对并签字后方可上报。",
        f"A draft made from the monitoring record. {n} items are to be filled in; complete, check "
        "and sign it before it is sent.",
    )
    title = sheet.say(_TITLE)
    flowables: list[Flowable] = [
        sheet.p(title, 16, bold=True),
        Spacer(1, 3),
        sheet.p(sheet.say(note), 9, color=BAD),
    ]
    if not draft["due"]:
        text = Text("目前尚未达到两小时。", "Two hours have not been reached so far.")
        flowables.append(sheet.p(sheet.say(text), 9, color=MUTED))
    for section in draft["sections"]:
        rows = [
            (sheet.p(sheet.say(field["text"]), 8.5, color=MUTED), _value(field, sheet))
            for field in section["fields"]
        ]
        flowables += part(sheet, Text(**section["text"]), table(sheet, (), rows, (1.6, 4), 8.5))
    sign = Text("签字", "Signatures")
    flowables.append(KeepTogether([*heading(sheet, sign), signatures(sheet, SIGNERS)]))
    frame = Frameword(title, str(draft["incident"]), foot(draft, sheet), draft["exercise"])
    return print_pages(frame, sheet, flowables)


def _value(field: dict[str, Any], sheet: Sheet) -> Flowable:
    if field["value"] is None:
        return sheet.p(f"[ {sheet.say(MISSING)} ]", 8.5, color=BAD)
    return sheet.p(sheet.say(field["value"]), 8.5)
