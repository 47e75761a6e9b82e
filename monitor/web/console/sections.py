"""The rooms of administration: the side menu, and the cards of its first page."""

from __future__ import annotations

from dataclasses import dataclass

from config.text import Text
from monitor.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Section:
    """One entry. `desk`: operators may look, too; the others are for administrators alone."""

    path: str
    group: str
    title: Text
    about: Text
    desk: bool = False


GROUPS = {
    "people": Text("人与值班", "People"),
    "alerting": Text("警情", "Alerting"),
    "data": Text("数据来源", "Data"),
    "service": Text("系统", "Service"),
}
SECTIONS = (
    Section(
        "/admin/people", "people",
        Text("人员与角色", "People & roles"),
        Text("谁可以登录、可看什么；邀请、锁定、重置。",
             "Who may sign in and see what; invite, lock, reset."),
    ),
    Section(
        "/admin/units", "people",
        Text("单位与值班表", "Units & rosters"),
        Text("本月谁当班、哪里空缺；换班与替班。",
             "Who is on duty this month and where nobody is; swaps and stand-ins."),
    ),
    Section(
        "/admin/rules", "alerting",
        Text("规则", "Rules"),
        Text("什么会触发警情；修改、回测、恢复。",
             "What raises an alert; change, back-test, undo."),
    ),
    Section(
        "/admin/chains", "alerting",
        Text("处置链与时限", "Chains & deadlines"),
        Text("通知谁、何时、到何时为止；对一台电梯说明。",
             "Who is told when, until what; explained for one lift."),
    ),
    Section(
        "/admin/channels", "alerting",
        Text("通知通道", "Channels"),
        Text("通知如何发出；试发一条。", "How pages leave the house; send a test."),
    ),
    Section(
        "/drills", "alerting",
        Text("演练", "Exercises"),
        Text("走真实的链的演练及其时间。", "Exercises over the true chain, and their times."),
        desk=True,
    ),
    Section(
        "/registry", "data",
        Text("网关与台账", "Gateways & registry"),
        Text("与登记不符的电梯与网关。", "Lifts and gateways that are not as registered."),
        desk=True,
    ),
    Section(
        "/admin/codes", "data",
        Text("码表与方言", "Code maps & dialects"),
        Text("读懂哪些格式；近来不认识的代码。",
             "Which formats are read; codes nobody knew lately."),
    ),
    Section(
        "/quarantine", "data",
        Text("隔离区", "Quarantine"),
        Text("被拒收的消息与重试。", "What was refused, and second tries."),
        desk=True,
    ),
    Section(
        "/links", "data",
        Text("链路质量", "Link quality"),
        Text("各网关的缺失、延迟与时钟。", "What gateways lose, how late they are, their clocks."),
        desk=True,
    ),
    Section(
        "/health", "service",
        Text("系统健康", "System health"),
        Text("服务各部分是否正常。", "Whether all parts of the service are well."),
        desk=True,
    ),
    Section(
        "/admin/settings", "service",
        Text("设置", "Settings"),
        Text("每一项设置的值、来处与含义。",
             "Every setting: its value, where from, what it means."),
    ),
    Section(
        "/admin/retention", "service",
        Text("保存与历史", "Retention & history"),
        Text("历史有多大、保存多久、将删除什么。",
             "How large history is, how long it is kept, what goes next."),
    ),
    Section(
        "/admin/audit", "service",
        Text("审计", "Audit"),
        Text("谁在何时做了什么；核验、导出。", "Who did what when; verify, export."),
    ),
)  # fmt: skip


def of(visitor: Visitor | None, admin: bool) -> list[Section]:
    """Return the entries a visitor may open."""
    if visitor is None or not visitor.desk:
        return []
    return [one for one in SECTIONS if admin or one.desk]


def inside(path: str) -> bool:
    """Return whether a page stands beside the side menu."""
    places = ("/admin", *(one.path for one in SECTIONS))
    return any(path == place or path.startswith(f"{place}/") for place in places)


def menu(visitor: Visitor | None, admin: bool, path: str, lang: str) -> list[dict[str, object]]:
    """Return the groups of the side menu with their entries, for the templates."""
    found: list[dict[str, object]] = []
    for key, title in GROUPS.items():
        entries = [
            {
                "path": one.path,
                "title": one.title.of(lang),
                "about": one.about.of(lang),
                "here": path == one.path or path.startswith(f"{one.path}/"),
            }
            for one in of(visitor, admin)
            if one.group == key
        ]
        if entries:
            found.append({"key": key, "title": title.of(lang), "entries": entries})
    return found
