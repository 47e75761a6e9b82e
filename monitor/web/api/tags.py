"""The parts of the API in the order in which its document tells them.

A part is also what a token's scope may name: `admin:registry`. A router's first tag is its part.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.text import Text

TAGS: Mapping[str, Text] = {
    "alerts": Text(
        "警情：列表、详情、处置步骤、停用与抑制",
        "Alerts: the list, each one whole, the steps people take, lifts set aside",
    ),
    "feed": Text(
        "实时事件流（server-sent events）", "What happens, as it happens: server-sent events"
    ),
    "lifts": Text(
        "电梯：状态、各通道的值与历史", "Lifts: state, values and history of each channel"
    ),
    "fleet": Text("全部电梯一览、分组、检索", "All lifts at once: list, search, groups, outlines"),
    "firm": Text(
        "单位工作台：值班、到期、时限", "A unit's desk: who is on duty, what is due, its times"
    ),
    "push": Text("浏览器推送", "Push messages to browsers"),
    "handover": Text("交接班报告", "Hand-over reports of shifts"),
    "drills": Text("演练", "Exercises: the true chain, marked"),
    "registry": Text("台账、认领码、网关凭据", "Registry, claim codes, credentials of gateways"),
    "links": Text("链路质量", "Link quality of gateways"),
    "quarantine": Text("隔离区：被拒的消息", "Quarantine: what was refused"),
    "service": Text("服务状态、报警质量、上级平台", "Health, alarm quality, platforms above"),
    "administration": Text(
        "管理：规则、人员、值班、通道、流水、设置",
        "Administration: rules, people, rosters, channels, journal, settings",
    ),
    "account": Text("自己的账号、口令与令牌", "Your account: who you are, password, tokens"),
}
