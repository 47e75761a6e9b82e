"""The pages of the console in the order of a tour, with a line for each: docs/tour.md and pictures.

Only what is true of every site stands here; `scripts/pictures.py` fills in the address of a lift,
an alert, a gateway of the service that it looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "pictures" / "tour"
PAGE = DOCS / "tour.md"


@dataclass(frozen=True)
class Stop:
    """One page. `who` looks at it ("" a stranger); `tall` px are shown at most."""

    name: str
    path: str
    zh: str
    en: str
    who: str = "operator"
    tall: int = 1500
    ready: str = ""


STOPS = (
    Stop("sign-in", "/sign-in", "登录", "Sign in", who="", tall=620),
    Stop("alerts", "/alerts", "警情列表：轿内有人的在前，再按时限",
         "The alerts: people in the car first, then by deadline"),
    Stop("alerts-closed", "/alerts?state=closed", "已结的警情", "Alerts that are closed"),
    Stop("alert", "/alerts/{alert}", "一条警情：经过、此刻能做什么、时限、回放、通知",
         "One alert: what happened, what can be done, deadlines, replay, who was called", tall=2000,
         ready="#replay[data-state=drawn]"),
    Stop("tap", "{link}", "一键页：维保人员在手机上的四个大按钮",
         "The one-tap page: four big buttons on a mechanic's phone", who=""),
    Stop("bigscreen", "/wall", "大屏", "The big screen", tall=900),
    Stop("overview", "/lifts", "电梯总览：按街道、单位、类型、状态",
         "The lifts by street office, firm, use unit, type and state"),
    Stop("wall", "/lifts/wall", "墙：每台电梯一个记号", "The wall: a mark for each lift",
         tall=900, ready="#stage[data-ready=yes]"),
    Stop("map", "/lifts/map", "地图：不依赖外部瓦片", "The map, without a foreign tile server",
         tall=900, ready="#stage[data-ready=yes]"),
    Stop("list", "/lifts/list", "电梯列表", "The list of lifts"),
    Stop("lift", "/lifts/{lift}", "一台电梯：此刻的样子与曲线",
         "One lift: as it is now, and its curves", tall=1700),
    Stop("lift-trips", "/lifts/{lift}?tab=trips", "运行与开关门", "Its trips", tall=1500),
    Stop("lift-drift", "/lifts/{lift}?tab=drift", "与自身常态相比", "Against its own normal"),
    *(Stop(f"lift-{tab}", f"/lifts/{{lift}}?tab={tab}", zh, en) for tab, zh, en in (
        ("messages", "控制系统消息", "What its controller reported"),
        ("visits", "到场记录", "Visits to it"),
        ("quality", "数据质量", "The quality of its data"),
        ("alerts", "历史警情", "Its alerts"),
        ("documents", "证照期限", "Its documents and their dates"),
        ("export", "导出原始采样", "Its samples to take away"),
    )),
    Stop("firm", "/firm", "维保单位：本单位的电梯、警情、值班",
         "A firm's own lifts, alerts and roster", who="firm"),
    Stop("firm-alerts", "/alerts", "维保单位看到的警情列表", "The alerts as a firm sees them",
         who="firm"),
    Stop("push", "/push", "本账号的设备与推送", "One's devices, and pushes to them", who="firm"),
    Stop("units-desk", "/firm", "值班台看各单位", "The units as the duty desk sees them"),
    Stop("unit-desk", "/firm/{unit}", "一个单位的工作台", "The desk of one unit"),
    Stop("handover", "/handover", "交接班", "Hand-over of a shift"),
    Stop("drills", "/drills", "演练", "Exercises", who="admin"),
    Stop("quality", "/quality", "报警质量", "Alarm quality"),
    Stop("admin", "/admin", "系统管理", "Administration", who="admin"),
    Stop("registry", "/registry", "台账：已登记、在说话、不一致",
         "The registry: what is registered, what speaks, what differs", who="admin"),
    Stop("units", "/admin/units", "单位与值班", "Units and duty", who="admin"),
    Stop("roster", "/admin/units/{unit}", "一个单位的值班表", "The roster of a unit", who="admin"),
    Stop("chains", "/admin/chains?lift={lift}&rule=1&people=2", "会通知谁，何时",
         "Who would be called, and when", who="admin"),
    Stop("rules", "/admin/rules", "规则", "Rules", who="admin"),
    Stop("rule", "/admin/rules/18", "一条规则及其历史", "A rule and its versions", who="admin"),
    Stop("rule-edit", "/admin/rules/18/edit", "修改规则：检查、回测、保存",
         "A rule is changed: check, back-test, save", who="admin"),
    Stop("channels", "/admin/channels", "通知渠道与测试", "Channels, with a test", who="admin"),
    Stop("codes", "/admin/codes", "代码对照", "Code maps", who="admin"),
    Stop("people", "/admin/people", "人员与角色", "People and roles", who="admin"),
    Stop("settings", "/admin/settings", "全部设置及其来源", "Every setting and where it is from",
         who="admin"),
    Stop("retention", "/admin/retention", "保存期限", "Retention", who="admin"),
    Stop("audit", "/admin/audit", "审计", "The audit", who="admin"),
    Stop("links", "/links", "链路质量", "Quality of the links"),
    Stop("link", "/links/{gateway}", "一台网关的链路", "The link of one gateway"),
    Stop("quarantine", "/quarantine", "隔离区：被拒的数据与原因",
         "Quarantine: what was refused, and why", who="admin"),
    Stop("quarantine-message", "/quarantine/{message}", "一条被拒的消息", "One refused message",
         who="admin"),
    Stop("health", "/health", "服务自身的状况", "The health of the service itself"),
    Stop("invitation", "{invitation}", "受邀者设置口令", "Who is invited sets a password", who="",
         tall=620),
    Stop("account", "/account", "我的账号", "One's own account"),
    Stop("api", "/api", "接口文档", "The API", who="admin"),
)  # fmt: skip


def write_tour(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Write docs/tour.md about the pictures that there are."""
    lines = [
        "# 控制台一览 · A tour of the console",
        "",
        "每一页四张：1440 与 360 像素宽，中文为浅色，英文为深色。由 `scripts/pictures.py` "
        "对着运行中的演示辖区拍下。 Four pictures of every page: 1440 and 360 px wide, Chinese in "
        "light and English in dark, taken by `scripts/pictures.py` of the running demo district.",
    ]
    for stop in STOPS:
        if not (folder / f"{stop.name}-zh-1440.png").exists():
            continue
        cells = []
        for lang, text in (("zh", stop.zh), ("en", stop.en)):
            for width, shown in ((1440, 420), (360, 150)):
                where = f"pictures/{folder.name}/{stop.name}-{lang}-{width}.png"
                alt = f"{text}, {width} px"
                cells.append(
                    f'<a href="{where}"><img src="{where}" width="{shown}" alt="{alt}"></a>'
                )
        lines += ["", f"## {stop.zh} · {stop.en}", "", f"`{stop.path}`", "", " ".join(cells)]
    page.write_text("\n".join(lines) + "\n", "utf-8")
