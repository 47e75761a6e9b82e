"""The story of a rescue on paper, to be read, signed and filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reportlab.platypus import Flowable, Image, KeepTogether, Spacer, Table

from alerts.replies.photos import path_of
from alerts.story.paper import USABLE, Frameword, heading, part, print_pages, signatures, table
from alerts.story.picture import picture
from alerts.story.sheet import BAD, MUTED, TONES, Sheet
from config.text import Text
from devices.registry import place_and_name

Json = dict[str, Any]
_TITLE = Text("电梯警情处置记录", "Record of a lift alert")
_FACTS = Text("基本情况", "Facts")
_PICTURE = Text("时间线", "Timeline")
_DURATIONS = Text("用时", "Durations")
_DEADLINES = Text("时限", "Deadlines")
_CALLS = Text("通知", "Calls")
_ANSWERS = Text("经过", "Course of events")
_MEMBERS = Text("本事件的警情", "Alerts of this incident")
_PHOTOS = Text("照片", "Photos")
_SIGN = Text("签字", "Signatures")
SIGNERS = (
    Text("维保单位", "Maintenance firm"),
    Text("使用单位", "Use unit"),
    Text("值班员", "Duty operator"),
)
_HIDDEN = (
    "paged", "withdrawn", "sending", "failed", "delivered", "reached", "read", "tapped",
)  # fmt: skip
"""Told by the table of calls; on paper the course of events keeps to what else happened."""


def story_pdf(story: Json, sheet: Sheet, photos: Path | None = None) -> bytes:
    """Return the story as a PDF in the sheet's language; the same story gives the same bytes.

    `photos` is the folder they are kept in; without it, or where a file is gone, the paper says so.
    """
    title = sheet.say(_TITLE)
    head = [sheet.p(title, 16, bold=True), Spacer(1, 3), sheet.p(_summary(story, sheet), 9.5)]
    if story["accident"]:
        text = Text("被困两小时以上：达到一般事故等级", "Held two hours or more: accident class")
        head += [Spacer(1, 2), sheet.p(sheet.say(text), 9.5, bold=True, color=BAD)]
    flowables: list[Flowable] = [
        *head,
        *part(sheet, _FACTS, facts_table(story, sheet)),
        *part(sheet, _PICTURE, picture(story, sheet), _legend(sheet)),
        *part(sheet, _DURATIONS, _durations(story, sheet)),
        *part(sheet, _DEADLINES, _deadlines(story, sheet)),
        *part(sheet, _CALLS, _calls(story, sheet)),
        *part(sheet, _ANSWERS, _course(story, sheet)),
    ]
    if len(story["alerts"]) > 1 or story["left_out"]:
        flowables += part(sheet, _MEMBERS, _members(story, sheet))
    if story["photos"]:
        flowables += part(sheet, _PHOTOS, photo_table(story["photos"], sheet, photos))
    flowables.append(KeepTogether([*heading(sheet, _SIGN), signatures(sheet, SIGNERS)]))
    frame = Frameword(title, str(story["incident"]), foot(story, sheet), story["exercise"])
    return print_pages(frame, sheet, flowables)


def foot(story: Json, sheet: Sheet) -> str:
    """Return the line by which a page finds its way back to the journal."""
    seal = story["journal"]
    made = sheet.date(story["made_ms"])
    told = f"#{story['alert']} · {sheet.say(Text('生成于', 'made'))} {made}"
    if seal["hash"]:
        lines = sheet.say(Text("流水", "journal"))
        told += f" · {lines} {seal['first']}–{seal['last']} {seal['hash'][:16]}"
    return told


def _summary(story: Json, sheet: Sheet) -> str:
    place = story["place"]
    where = _where(place)
    parts = [where, sheet.say(story["what"]), sheet.say(story["people"]["text"])]
    return " · ".join(parts)


def facts_table(story: Json, sheet: Sheet) -> Flowable:
    """Return place, lift, people, units, evidence and cause as name and value."""
    place = story["place"]
    between = Text("；", "; ").of(sheet.lang)
    evidence = between.join(
        sheet.say(one["text"]) + f" ({sheet.clock(one['since_ms'])})" for one in story["evidence"]
    )
    own = [unit for unit in story["units"] if unit["part"] != "paged"]
    called = [_unit(unit, sheet) for unit in story["units"] if unit["part"] == "paged"]
    others = between.join(called)
    rows = [
        (Text("地点", "Place"), _where(place)),
        (Text("街道", "Street office"), sheet.say(place["street_office"])),
        (Text("注册代码", "Registration code"), str(place["subject"])),
        (Text("识别码", "Rescue code"), str(place["rescue_code"] or "–")),
        (Text("情况", "What"), f"{sheet.say(story['what'])} ({sheet.say(story['severity_text'])})"),
        (Text("人员", "People"), sheet.say(story["people"]["text"])),
        *((_part(unit), _unit(unit, sheet)) for unit in own),
        (Text("其他被通知单位", "Others called"), others or "–"),
        (Text("依据", "Evidence"), evidence or "–"),
        (
            Text("原因", "Cause"),
            sheet.say(story["cause"]) or sheet.say(Text("未填报", "not filed")),
        ),
    ]
    return table(sheet, (), [(sheet.p(sheet.say(n), 7.8, color=MUTED), v) for n, v in rows], (1, 5))


def _part(unit: Json) -> Text:
    return Text(unit["part_text"]["zh"], unit["part_text"]["en"])


def _unit(unit: Json, sheet: Sheet) -> str:
    told = " ".join(part for part in (sheet.say(unit["name"]), unit["phone"]) if part)
    if unit["answered_ms"] is None:
        return told + " · " + sheet.say(Text("未应答", "no answer"))
    answered = sheet.say(Text("应答", "answered"))
    return f"{told} · {unit['answered_by']} {answered} {sheet.clock(unit['answered_ms'])}"


def _legend(sheet: Sheet) -> Flowable:
    text = Text(
        "上：人做了什么。下：时限（方块按时，三角超时，空框未到，短线无需）。横轴按时间平方根。",
        "Above: what people did. Below: deadlines (square met, triangle missed, hollow open, dash "
        "not needed). The line runs by the square root of time.",
    )
    return sheet.p(sheet.say(text), 6.8, color=MUTED)


def _durations(story: Json, sheet: Sheet) -> Flowable:
    shown = [one for one in story["durations"] if one["ms"] is not None]
    running = sheet.say(Text("进行中", "still running"))
    rows = [
        (sheet.say(one["text"]), sheet.clock(one["from_ms"]), sheet.clock(one["to_ms"]),
         sheet.long(one["ms"]) + (f" ({running})" if one["running"] else ""))
        for one in shown
    ]  # fmt: skip
    head = (Text("阶段", "Stage"), Text("起", "From"), Text("止", "To"), Text("用时", "Time"))
    return table(sheet, head, rows, (3, 1.4, 1.4, 2.4))


def _deadlines(story: Json, sheet: Sheet) -> Flowable:
    head = (
        Text("时限", "Deadline"), Text("到期", "Due"), Text("完成", "Done"),
        Text("结果", "Result"), Text("相差", "By"),
    )  # fmt: skip
    rows: list[Sequence[str | Flowable]] = []
    for one in story["deadlines"]:
        result = sheet.say(one["result_text"])
        if one["reason"]:
            result += f" ({sheet.say(one['reason'])})"
        told = sheet.p(result, 7.8, bold=one["result"] == "missed", color=TONES[one["result"]])
        margin = one["margin_ms"]
        sign = "" if margin is None else "–" if margin < 0 else "+"
        rows.append(
            (sheet.say(one["text"]), sheet.clock(one["due_ms"]), sheet.clock(one["met_ms"]), told,
             sign + sheet.long(margin))
        )  # fmt: skip
    return table(sheet, head, rows, (3.6, 1.2, 1.2, 2, 1.6))


def _calls(story: Json, sheet: Sheet) -> Flowable:
    head = (
        Text("何人", "Who"), Text("为何", "Why"), Text("通道", "Channel"), Text("发出", "Called"),
        Text("送达", "Delivered"), Text("已读", "Read"), Text("结果", "State"),
    )  # fmt: skip
    rows = [
        (f"{one['who']} ({sheet.say(one['unit_name'])})", sheet.say(one["why"]),
         sheet.say(one["channel_text"]), sheet.clock(one["created_ms"]),
         sheet.clock(one["reached_ms"] or one["delivered_ms"]), sheet.clock(one["read_ms"]),
         sheet.say(one["state_text"]))
        for one in story["calls"]
    ]  # fmt: skip
    if not rows:
        return sheet.p(sheet.say(Text("未通知任何人", "nobody was called")), 8)
    return table(sheet, head, rows, (2.6, 2.8, 1, 1, 1, 1, 1))


def _course(story: Json, sheet: Sheet) -> Flowable:
    head = (Text("时间", "Time"), Text("事项", "What"), Text("何人", "Who"), Text("说明", "More"))
    # One tap frees a car with all its alerts: told once, with their numbers.
    told: dict[tuple[str, ...], list[int]] = {}
    for one in story["timeline"]:
        if one["kind"] not in _HIDDEN:
            key = (sheet.date(one["at_ms"]), sheet.say(one["text"]), one["actor"] or "–",
                   sheet.say(one["more"]))  # fmt: skip
            told.setdefault(key, []).append(one["alert"])
    several = len(story["alerts"]) > 1
    rows = [
        (at, f"{what} {' '.join(f'#{n}' for n in ids)}" if several else what, who, more)
        for (at, what, who, more), ids in told.items()
    ]
    return table(sheet, head, rows, (2, 1.8, 1.6, 4.4))


def _members(story: Json, sheet: Sheet) -> Flowable:
    head = (Text("警情", "Alert"), Text("情况", "What"), Text("地点", "Place"),
            Text("报警", "Raised"), Text("关闭", "Closed"))  # fmt: skip
    rows: list[Sequence[str | Flowable]] = [
        (f"#{one['id']}", sheet.say(one["text"]), _where(one),
         sheet.clock(one["raised_ms"]), sheet.clock(one["closed_ms"]))
        for one in story["alerts"]
    ]  # fmt: skip
    if story["left_out"]:
        n = story["left_out"]
        text = Text(f"另有 {n} 条警情，各有记录", f"and {n} more, each with a record of its own")
        rows.append(("…", sheet.say(text), "", "", ""))
    return table(sheet, head, rows, (0.8, 2.6, 3.2, 1.2, 1.2))


def photo_table(photos: Sequence[Json], sheet: Sheet, folder: Path | None) -> Flowable:
    """Return the photos, two side by side, each with who took it and when."""
    cells = [_photo(one, sheet, folder) for one in photos]
    if len(cells) % 2:
        cells.append([])
    rows = [cells[i : i + 2] for i in range(0, len(cells), 2)]
    return Table(
        rows, colWidths=[USABLE / 2, USABLE / 2], style=[("VALIGN", (0, 0), (-1, -1), "TOP")]
    )


def _photo(one: Json, sheet: Sheet, folder: Path | None) -> list[Flowable]:
    told = sheet.p(f"{one['by']} {sheet.date(one['at_ms'])}", 7, color=MUTED)
    file = path_of(folder, one["hash"]) if folder else None
    if file is None or not file.is_file():
        gone = Text(f"照片 {one['hash'][:16]} 不在此处", f"photo {one['hash'][:16]} is not here")
        return [sheet.p(sheet.say(gone), 8, color=BAD), told]
    scale = min((USABLE / 2 - 12) / one["width"], 230 / one["height"])
    return [Image(str(file), one["width"] * scale, one["height"] * scale), told]


def _where(one: Mapping[str, Any]) -> str:
    return place_and_name(str(one["place"]), str(one["name"]))
