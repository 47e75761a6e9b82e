"""The draft of an accident report: what is known is filled in, what is missing is marked.

People held in a lift for two hours or more is a general accident (Regulations on Safety
Supervision of Special Equipment, art. 64); the fields are those a report has to contain by the
Provisions on Reporting and Investigating Special Equipment Accidents (time, place, units, kind of
equipment; course, people, loss; class and cause; measures; reporter). It is a draft: a person
completes, signs and sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from config.text import Text
from devices.registry import place_and_name

Json = dict[str, Any]
LIMIT_MS = 7_200_000
MISSING = Text("待补", "to be filled in")
_TYPE = Text("电梯", "lift")


def accident_due(story: Json) -> bool:
    """True once people were held two hours or more, or the chain has marked an accident."""
    held = next(one for one in story["durations"] if one["id"] == "held")
    people = story["people"]["with_people"]
    return bool(story["accident"] or (people and (held["ms"] or 0) >= LIMIT_MS))


def build_draft(story: Json, tz: tzinfo) -> Json:
    """Return the draft as JSON: `sections` of `fields`, each with `value` or None = missing.

    `missing` counts what a person has still to fill in.
    """
    sections = [
        _section("event", Text("事故发生", "The event"), _event(story, tz)),
        _section("units", Text("单位与设备", "Units and equipment"), _units(story)),
        _section("course", Text("经过与人员", "Course and people"), _course(story, tz)),
        _section("class", Text("等级与原因", "Class and cause"), _class(story)),
        _section("measures", Text("已采取的措施", "Measures taken"), _measures(story, tz)),
        _section("reporter", Text("报告人", "Reporter"), _reporter()),
    ]
    fields = [field for section in sections for field in section["fields"]]
    return {
        "v": 1,
        "draft": True,
        "alert": story["alert"],
        "incident": story["incident"],
        "exercise": story["exercise"],
        "made_ms": story["made_ms"],
        "due": accident_due(story),
        "sections": sections,
        "missing": sum(field["value"] is None for field in fields),
        "journal": story["journal"],
    }


Field = tuple[str, Text, Text | None]


def _section(ident: str, text: Text, fields: list[Field]) -> Json:
    return {
        "id": ident,
        "text": text.as_json(),
        "fields": [
            {"id": name, "text": what.as_json(), "value": value.as_json() if value else None}
            for name, what, value in fields
        ],
    }


def _same(value: object) -> Text | None:
    """The same word in both languages; None for what is not known."""
    told = str(value or "").strip()
    return Text(told, told) if told else None


def _both(value: Mapping[str, str] | None) -> Text | None:
    return Text(value["zh"], value["en"]) if value and value["zh"].strip(" –") else None


def _moment(story: Json, name: str, tz: tzinfo) -> Text | None:
    for one in story["milestones"]:
        if one["id"] == name:
            at = datetime.fromtimestamp(one["at_ms"] / 1000, tz)
            return _same(at.strftime("%Y-%m-%d %H:%M:%S %z"))
    return None


def _minutes(story: Json, name: str) -> Text | None:
    one = next(d for d in story["durations"] if d["id"] == name)
    if one["ms"] is None:
        return None
    minutes = one["ms"] // 60_000
    if one["running"]:
        return Text(f"{minutes} 分钟（仍在继续）", f"{minutes} min (still going on)")
    return Text(f"{minutes} 分钟", f"{minutes} min")


def _event(story: Json, tz: tzinfo) -> list[Field]:
    place = story["place"]
    where = place_and_name(str(place["place"]), str(place["name"]))
    return [
        ("time", Text("发生时间", "Time"), _moment(story, "signal", tz)),
        ("place", Text("发生地点", "Place"), _same(where)),
        ("district", Text("所属街道", "Street office"), _both(place["street_office"])),
        ("floor", Text("轿厢位置（楼层）", "Where the car stood (floor)"), _floor(story)),
    ]


def _floor(story: Json) -> Text | None:
    for one in story["evidence"]:
        if one["name"] == "car_position" and one["value"] is not None:
            return _same(int(one["value"]))
    return None


def _units(story: Json) -> list[Field]:
    place = story["place"]
    of_part = {unit["part"]: unit for unit in reversed(story["units"])}
    found: list[Field] = [
        ("equipment", Text("设备种类", "Kind of equipment"), _TYPE),
        ("reg_code", Text("设备注册代码", "Registration code"), _same(place["subject"])),
        ("rescue_code", Text("应急识别码", "Rescue code"), _same(place["rescue_code"])),
    ]
    for part, text in (
        ("use_unit", Text("使用单位及电话", "Use unit and telephone")),
        ("maintenance", Text("维保单位及电话", "Maintenance firm and telephone")),
    ):
        unit = of_part.get(part)
        name, phone = (unit["name"], unit["phone"]) if unit else (None, "")
        told = (
            Text(f"{name['zh']} {phone}".strip(), f"{name['en']} {phone}".strip()) if name else None
        )
        found.append((part, text, told))
    return [
        *found,
        ("maker", Text("制造单位与出厂编号", "Maker and serial number"), None),
        ("inspection", Text("最近检验日期与结论", "Last inspection and its result"), None),
    ]


def _course(story: Json, tz: tzinfo) -> list[Field]:
    return [
        ("what", Text("简要经过", "What happened"), _both(story["what"])),
        ("evidence", Text("监测依据", "Evidence"), _evidence(story)),
        ("people", Text("轿内人数", "People in the car"), _both(story["people"]["text"])),
        ("held", Text("被困时长", "Held for"), _minutes(story, "held")),
        ("freed", Text("解困时间", "Freed at"), _moment(story, "freed", tz)),
        ("injured", Text("伤亡情况", "Dead and injured"), None),
        ("names", Text("被困人员姓名与联系方式", "Names and telephones of the people"), None),
        ("damage", Text("现场破坏情况与直接经济损失估计", "Damage and estimated loss"), None),
    ]


def _evidence(story: Json) -> Text | None:
    told = story["evidence"]
    if not told:
        return None
    return Text(
        "；".join(one["text"]["zh"] for one in told), "; ".join(one["text"]["en"] for one in told)
    )


def _class(story: Json) -> list[Field]:
    reached = Text("一般事故（轿厢滞留人员 2 小时以上）", "general accident (held 2 h or more)")
    return [
        ("class", Text("初步等级", "Preliminary class"), reached if accident_due(story) else None),
        ("cause", Text("初步原因", "Preliminary cause"), _both(story["cause"])),
        ("analysis", Text("原因分析", "Analysis of the cause"), None),
    ]


def _measures(story: Json, tz: tzinfo) -> list[Field]:
    missed = [one for one in story["deadlines"] if one["result"] == "missed"]
    return [
        ("called", Text("首次通知时间", "First call at"), _moment(story, "called", tz)),
        ("who", Text("已通知", "Who was called"), _called(story)),
        ("answered", Text("首次应答时间", "First answer at"), _moment(story, "answered", tz)),
        ("arrived", Text("到场时间", "Arrived at"), _moment(story, "arrived", tz)),
        ("missed", Text("超过的时限", "Deadlines missed"), _named(missed)),
        ("rescue", Text("救援方法", "How the people were freed"), None),
        ("comfort", Text("对乘客的安抚与善后", "What was done for the people"), None),
    ]


def _called(story: Json) -> Text | None:
    names = dict.fromkeys(one["who"] for one in story["calls"])
    return Text("、".join(names), ", ".join(names)) if names else None


def _named(deadlines: list[Json]) -> Text | None:
    if not deadlines:
        return Text("无", "none")
    return Text(
        "；".join(dict.fromkeys(one["text"]["zh"] for one in deadlines)),
        "; ".join(dict.fromkeys(one["text"]["en"] for one in deadlines)),
    )


def _reporter() -> list[Field]:
    return [
        ("name", Text("姓名", "Name"), None),
        ("phone", Text("联系电话", "Telephone"), None),
        ("unit", Text("单位", "Unit"), None),
        ("time", Text("报告时间", "Reported at"), None),
    ]
