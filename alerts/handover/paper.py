"""The report of a shift on paper (A4), to be signed and filed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reportlab.platypus import Flowable, KeepTogether, Spacer

from alerts.model import SEVERITIES
from alerts.pages.page import SEVERITY_TEXT
from alerts.story.paper import Frameword, heading, part, print_pages, signatures, table
from alerts.story.sheet import BAD, MUTED, Sheet
from config.text import Text
from devices.registry import place_and_name

Json = dict[str, Any]
TITLE = Text("值班交接报告", "Hand-over report of a shift")
OPEN = Text("未关闭的警情", "Open alerts")
COUNTS = Text("本班警情", "Alerts of this shift")
FREED = Text("解困", "People freed")
ESCALATIONS = Text("升级通知", "Escalations")
FALSE = Text("误报", "False alarms")
ASIDE = Text("搁置、抑制与停用", "Shelved, suppressed, out of service")
DRILLS = Text("演练", "Exercises")
GATEWAYS = Text("离线网关", "Gateways down")
SERVICE = Text("服务异常", "Trouble of the service")
SIGN = Text("签字", "Signatures")
NONE = Text("无", "none")
ON_TIME, LATE = Text("按时", "in time"), Text("超时", "too late")


def where(one: Json) -> str:
    """Return place and name of what a line is about."""
    return place_and_name(str(one["place"]), str(one["name"] or one["subject"]))


def handover_pdf(report: Json, signed: Json | None, sheet: Sheet) -> bytes:
    """Return the report as a PDF in the sheet's language; the same report gives the same bytes."""
    say = sheet.say
    span = f"{sheet.date(report['from_ms'])} – {sheet.date(report['to_ms'])}"
    as_of = say(Text("截至", "as of")) + " " + sheet.date(report["as_of_ms"])
    officers = ", ".join(report["officers"])
    duty = f" · {say(Text('当班', 'on duty'))}: {officers}" if officers else ""
    flowables: list[Flowable] = [
        sheet.p(say(TITLE), 16, bold=True),
        Spacer(1, 3),
        sheet.p(f"{span} · {as_of}{duty}", 9.5),
    ]
    if signed and signed["remark"]:
        flowables += [Spacer(1, 4), sheet.p(signed["remark"], 9.5)]
    sections: Sequence[tuple[Text, Callable[[Json, Sheet], Flowable | None]]] = (
        (OPEN, _open), (COUNTS, _counts), (FREED, _freed), (ESCALATIONS, _escalations),
        (FALSE, _false), (ASIDE, _asides), (DRILLS, _drills), (GATEWAYS, _gateways),
        (SERVICE, _service),
    )  # fmt: skip
    for title, made in sections:
        told = made(report, sheet)
        flowables += part(sheet, title, told or sheet.p(say(NONE), 8.5, color=MUTED))
    flowables.append(
        KeepTogether([*heading(sheet, SIGN), signatures(sheet, signers(signed, sheet))])
    )
    frame = Frameword(say(TITLE), span, _foot(report, signed, sheet), False)
    return print_pages(frame, sheet, flowables)


def signers(signed: Json | None, sheet: Sheet) -> list[Text]:
    """Return both officers, with name and time where they have signed in the console."""

    def told(role: Text, name: str | None, at_ms: int | None) -> Text:
        if name is None:
            return role
        at = sheet.date(at_ms)
        return Text(f"{role.zh}：{name} {at}", f"{role.en}: {name} {at}")

    one = signed or {"given_by": None, "given_ms": None, "taken_by": None, "taken_ms": None}
    return [
        told(Text("交班", "Handed over by"), one["given_by"], one["given_ms"]),
        told(Text("接班", "Taken over by"), one["taken_by"], one["taken_ms"]),
    ]


def _foot(report: Json, signed: Json | None, sheet: Sheet) -> str:
    lines = report["journal"]
    parts = [sheet.say(TITLE)]
    if lines["hash"]:
        word = sheet.say(Text("流水", "journal"))
        parts.append(f"{word} {lines['first']}–{lines['last']} {lines['hash'][:16]}")
    if signed:
        parts.append(f"SHA-256 {signed['digest'][:16]}")
    return " · ".join(parts)


def _open(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["open"]:
        return None
    head = (
        Text("警情", "Alert"), Text("级别", "Severity"), Text("地点", "Where"),
        Text("始于", "Since"), Text("状态", "State"), Text("责任人", "Owner"),
        Text("交接备注", "Note"),
    )  # fmt: skip
    rows = [
        [
            f"#{one['alert']} {sheet.say(one['what'])}",
            sheet.say(one["severity_text"]),
            where(one) + (f" · {sheet.say(one['people'])}" if one["people"] else ""),
            sheet.date(one["raised_ms"])[5:16],
            sheet.say(one["stage_text"]),
            " ".join(p for p in (one["owner"] or "–", sheet.say(one["owner_unit"])) if p),
            one["note"]["text"] if one["note"] else "–",
        ]
        for one in report["open"]
    ]
    more = report["open_total"] - len(rows)
    if more > 0:
        rows.append([sheet.say(Text(f"另有 {more} 条", f"and {more} more")), *[""] * 6])
    return table(sheet, head, rows, (2.2, 1, 2.2, 1.2, 1.2, 1.5, 2.6))


def _counts(report: Json, sheet: Sheet) -> Flowable:
    head = [
        Text("警情", "Alerts"),
        *(SEVERITY_TEXT[name] for name in SEVERITIES),
        Text("合计", "Total"),
    ]
    rows = [
        [sheet.say(text), *(str(report[key][name]) for name in (*SEVERITIES, "total"))]
        for key, text in (("raised", Text("触发", "raised")), ("closed", Text("关闭", "closed")))
    ]
    return table(sheet, head, rows, (2, 1, 1, 1, 1, 1))


def _freed(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["freed"]:
        return None
    head = (
        Text("警情", "Alert"), Text("地点", "Where"), Text("人数", "People"),
        Text("接单", "Accepted"), Text("到场", "On site"), Text("限值", "Limit"),
        Text("解困", "Freed"), Text("到场", "Arrival"),
    )  # fmt: skip
    rows: list[list[str | Flowable]] = [
        [
            f"#{one['alert']} {sheet.say(one['what'])}",
            where(one),
            "–" if one["people"] is None else str(one["people"]),
            sheet.long(one["accept_took_ms"]),
            sheet.long(one["arrive_took_ms"]),
            sheet.long(one["arrive_limit_ms"]),
            sheet.long(one["freed_took_ms"]),
            _verdict(one["in_time"], sheet),
        ]
        for one in report["freed"]
    ]
    return table(sheet, head, rows, (2.2, 2.2, 0.8, 1.2, 1.2, 1.2, 1.2, 0.9))


def _verdict(in_time: bool | None, sheet: Sheet) -> str | Flowable:
    if in_time is None:
        return "–"
    return sheet.say(ON_TIME) if in_time else sheet.p(sheet.say(LATE), 7.8, color=BAD)


def _escalations(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["escalations"]:
        return None
    head = (
        Text("时间", "Time"),
        Text("警情", "Alert"),
        Text("地点", "Where"),
        Text("步骤", "Step"),
    )
    rows = [
        [
            sheet.clock(one["at_ms"]),
            f"#{one['alert']} {sheet.say(one['what'])}",
            where(one),
            sheet.say(one["text"]),
        ]
        for one in report["escalations"]
    ]
    return table(sheet, head, rows, (1, 2, 2, 3))


def _false(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["false_alarms"]:
        return None
    rows = [
        [
            sheet.clock(one["at_ms"]), f"#{one['alert']} {sheet.say(one['what'])}", where(one),
            sheet.say(one["text"]),
        ]
        for one in report["false_alarms"]
    ]  # fmt: skip
    return table(sheet, (), rows, (1, 2, 2, 3))


def _asides(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["asides"]:
        return None
    head = (
        Text("种类", "Kind"), Text("对象", "What"), Text("理由", "Reason"), Text("由", "By"),
        Text("至", "Until"),
    )  # fmt: skip
    rows = [
        [
            sheet.say(one["kind_text"]),
            " · ".join(p for p in (where(one), sheet.say(one["what"])) if p),
            one["reason"],
            one["by"],
            sheet.date(one["until_ms"])[:16],
        ]
        for one in report["asides"]
    ]
    return table(sheet, head, rows, (1.2, 3, 2.4, 1, 1.6))


def _drills(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["drills"]:
        return None
    rows: list[list[str | Flowable]] = [
        [
            sheet.clock(one["raised_ms"]), f"#{one['alert']} {sheet.say(one['what'])}",
            where(one), sheet.say(one["stage_text"]), _verdict(one["in_time"], sheet),
        ]
        for one in report["drills"]
    ]  # fmt: skip
    return table(sheet, (), rows, (1, 2.4, 2, 1.2, 1))


def _gateways(report: Json, sheet: Sheet) -> Flowable | None:
    if not report["gateways"]:
        return None
    rows = [
        [
            str(one["subject"]), str(one["place"]), sheet.say(one["what"]),
            sheet.date(one["since_ms"])[:16],
        ]
        for one in report["gateways"]
    ]  # fmt: skip
    return table(sheet, (), rows, (1.4, 2, 2, 1.6))


def _service(report: Json, sheet: Sheet) -> Flowable | None:
    lines = service_lines(report)
    return table(sheet, (), [[sheet.say(line)] for line in lines], (1,)) if lines else None


def service_lines(report: Json) -> list[Text]:
    """Return what was wrong with the service, in words; empty when nothing was."""
    told = report["service"]
    found = []
    if told["undelivered"]:
        n = told["undelivered"]
        found.append(Text(f"{n} 条通知未能送达", f"pages that could not be delivered: {n}"))
    if told["nobody"]:
        n = told["nobody"]
        found.append(Text(f"{n} 次无人可通知", f"times nobody was there to be called: {n}"))
    if told["fallback"]:
        n = told["fallback"]
        text = Text(
            f"{n} 次改通知他人（无人值班）", f"times others were called, nobody on duty: {n}"
        )
        found.append(text)
    return found + [Text(one["zh"], one["en"]) for one in told["now"]]
