"""The table of allowed steps as a drawing and as a page: `python -m alerts.lifecycle.drawing`.

docs/pictures/lifecycle.svg and docs/lifecycle.md come from `allowed.TABLE` alone; a test reads the
arrows back out of the drawing and holds them against the table.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from alerts.lifecycle import allowed
from alerts.lifecycle.allowed import BUSY, FREE, HELD, SERVICE, Allowed, Cause, Event
from alerts.lifecycle.moves import ASIDE_WORDS, DONE_WORDS
from alerts.model import AlarmState as A
from alerts.model import Aside, LiftStep, Origin, Role, Step
from alerts.model import RescueState as R
from config.text import Text

DOCS = Path(__file__).parents[2] / "docs"
WIDE, HIGH, TALL = 1180, 1400, 46

State = Any  # of one of the three sides: mappings are not covariant in their keys
Way = tuple[State, State]
ALARM_WORDS: Mapping[State, Text] = {
    A.UNACKNOWLEDGED: Text("未确认", "unacknowledged"),
    A.ACKNOWLEDGED: Text("已确认", "acknowledged"),
    A.RETURNED: Text("恢复未确认", "returned unack."),
    A.LATCHED: Text("锁存", "latched"),
    A.CLOSED: Text("正常（已结）", "normal (closed)"),
}
RESCUE_WORDS: Mapping[State, Text] = {
    R.NONE: Text("无需救援", "nobody to free"),
    R.RAISED: Text("待接单", "raised"),
    R.ACCEPTED: Text("已接单", "accepted"),
    R.ON_THE_WAY: Text("赶往", "on the way"),
    R.ARRIVED: Text("到场", "arrived"),
    R.FREED: Text("解困", "freed"),
    R.CAUSE_FILED: Text("原因已填", "cause filed"),
    R.VERIFIED: Text("已复查", "verified"),
    R.CANCELLED: Text("已取消", "cancelled"),
}
CAUSES: Mapping[Cause, Text] = {
    **{step: Text(words.zh, step.value.replace("_", " ")) for step, words in DONE_WORDS.items()},
    LiftStep.TAKE_OUT: Text("停用", "take out of service"),
    LiftStep.RETURN: Text("恢复使用", "return to service"),
    LiftStep.SUPPRESS: Text("抑制", "suppress"),
    LiftStep.RELEASE: Text("解除抑制", "release"),
    Event.CLEAR: Text("恢复", "clear"),
    Event.AGAIN: Text("再现", "again"),
    Event.PEOPLE: Text("轿内有人", "people"),
    Event.JOIN: Text("并入救援", "join"),
    Event.ENDS: Text("到期", "ends"),
    Event.CLOSES: Text("结案", "closes"),
}
ONLY: Mapping[str, Text] = {
    HELD: Text("须人结案", "held"),
    FREE: Text("可自行结案", "free"),
    BUSY: Text("已有人处理", "busy"),
}


@dataclass(frozen=True)
class Panel:
    """One side: its rows, the words of its states and where they stand, how far its arrows bend
    (px, left of the way is positive) and where along them their words stand (0..1, and px down).
    """

    id: str
    title: Text
    title_y: int
    wide: int
    rows: tuple[Allowed, ...]
    words: Mapping[State, Text]
    places: Mapping[State, tuple[int, int]]
    bends: Mapping[Way, int]
    labels: Mapping[Way, tuple[float, int]]


_ORDER = (
    R.NONE, R.RAISED, R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED, R.FREED, R.CAUSE_FILED, R.VERIFIED
)  # fmt: skip
_OTHERS = (Aside.SHELVED, Aside.SUPPRESSED, Aside.OUT_OF_SERVICE)
PANELS = (
    Panel(
        "alarm",
        Text("报警状态（值班员一侧，ISA-18.2）", "Alarm state: the operator's side, ISA-18.2"),
        36,
        152,
        allowed.ALARM,
        ALARM_WORDS,
        {
            A.UNACKNOWLEDGED: (190, 170),
            A.ACKNOWLEDGED: (640, 170),
            A.RETURNED: (190, 430),
            A.LATCHED: (640, 430),
            A.CLOSED: (1060, 300),
        },
        {
            (A.UNACKNOWLEDGED, A.ACKNOWLEDGED): 16,
            (A.ACKNOWLEDGED, A.UNACKNOWLEDGED): 16,
            (A.UNACKNOWLEDGED, A.RETURNED): 40,
            (A.RETURNED, A.UNACKNOWLEDGED): 40,
            (A.ACKNOWLEDGED, A.LATCHED): 30,
            (A.LATCHED, A.ACKNOWLEDGED): 30,
            (A.RETURNED, A.ACKNOWLEDGED): 30,
            (A.LATCHED, A.UNACKNOWLEDGED): 30,
            (A.ACKNOWLEDGED, A.CLOSED): 30,
            (A.UNACKNOWLEDGED, A.CLOSED): 145,
            (A.RETURNED, A.CLOSED): -145,
            (A.LATCHED, A.CLOSED): -30,
        },
        {
            (A.UNACKNOWLEDGED, A.RETURNED): (0.3, 0),
            (A.RETURNED, A.UNACKNOWLEDGED): (0.36, 0),
            (A.RETURNED, A.ACKNOWLEDGED): (0.72, 0),
            (A.LATCHED, A.UNACKNOWLEDGED): (0.38, 0),
            (A.UNACKNOWLEDGED, A.CLOSED): (0.45, 0),
            (A.RETURNED, A.CLOSED): (0.45, 0),
        },
    ),
    Panel(
        "rescue",
        Text("救援状态（救援人员一侧）", "Rescue state: the rescuer's side"),
        584,
        104,
        allowed.RESCUE,
        RESCUE_WORDS,
        {state: (76 + 145 * i, 800) for i, state in enumerate(_ORDER)} | {R.CANCELLED: (560, 990)},
        {
            (R.RAISED, R.ON_THE_WAY): 50,
            (R.RAISED, R.ARRIVED): 104,
            (R.RAISED, R.FREED): 160,
            (R.ACCEPTED, R.ARRIVED): 50,
            (R.ACCEPTED, R.FREED): 104,
            (R.ON_THE_WAY, R.FREED): 50,
        },
        {(a, b): (0.5, 36) for a, b in pairwise(_ORDER)}
        | {(R.RAISED, R.CANCELLED): (0.38, 0), (R.RAISED, R.ARRIVED): (0.42, 0)}
        | {(R.ACCEPTED, R.FREED): (0.58, 0)}
        | {(state, R.CANCELLED): (0.48, 0) for state in _ORDER[2:7]},
    ),
    Panel(
        "aside",
        Text("搁置一侧（轿内有人时从不）", "Set aside: never with people in the car"),
        1072,
        152,
        allowed.ASIDE,
        {Aside.NONE: Text("照常通知", "pages as usual"), **ASIDE_WORDS},
        {Aside.NONE: (190, 1200)} | {one: (980, 1105 + 95 * i) for i, one in enumerate(_OTHERS)},
        {(Aside.NONE, one): 12 for one in _OTHERS} | {(one, Aside.NONE): 12 for one in _OTHERS},
        {(Aside.NONE, one): (0.86, 0) for one in _OTHERS}
        | {(one, Aside.NONE): (0.5, 0) for one in _OTHERS},
    ),
)


def arrows(panel: Panel) -> dict[Way, list[tuple[Cause, Allowed]]]:
    """Return each arrow of a side with what moves along it, in the table's order."""
    found: dict[Way, list[tuple[Cause, Allowed]]] = {}
    for row in panel.rows:
        for source in row.sources:
            found.setdefault((source, row.target), []).extend((by, row) for by in row.by)
    return found


def svg() -> str:
    """Return the drawing."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img" '
        'font-family="Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, '
        'sans-serif">',
        "<title>警情生命周期 · The life of an alert</title>",
        _STYLE,
        f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>',
    ]
    for panel in PANELS:
        title = _both(panel.title)
        parts.append(f'<text class="title" x="24" y="{panel.title_y}">{title}</text>')
        for (source, target), moves in arrows(panel).items():
            parts.append(_arrow(panel, source, target, moves))
        parts += [_box(panel, state, x, y) for state, (x, y) in panel.places.items()]
    parts += [_LEGEND, "</svg>"]
    return "\n".join(parts) + "\n"


_STYLE = """<defs>
<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"
 orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="context-stroke"/></marker>
<style>
.title{font-size:19px;font-weight:600;fill:#1c2733}
.box{fill:#f4f6f8;stroke:#4a5a6a;stroke-width:1.4}
.zh{font-size:15px;fill:#1c2733;text-anchor:middle}
.en{font-size:11.5px;fill:#4a5a6a;text-anchor:middle}
.move{fill:none;stroke-width:1.6;marker-end:url(#head)}
.anybody{stroke:#1769aa}.desk{stroke:#8a3ea8}.service{stroke:#77838f;stroke-dasharray:6 4}
.word{font-size:11.5px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:4px}
.w-anybody{fill:#1769aa}.w-desk{fill:#8a3ea8}.w-service{fill:#56626e}
</style></defs>"""
_LEGEND = """<g transform="translate(24 1382)">
<path class="move anybody" d="M0 -4h44"/><text class="en" style="text-anchor:start" x="52">\
有关人员：控制台、一键链接、回复 · anybody concerned: console, link, reply</text>
<path class="move desk" d="M480 -4h44"/><text class="en" style="text-anchor:start" x="532">\
值班员、管理员：仅控制台 · operator, admin: console only</text>
<path class="move service" d="M850 -4h28"/><text class="en" style="text-anchor:start" x="882">\
系统：信号与时间 · service: signals, time</text></g>"""


def _both(text: Text) -> str:
    return escape(f"{text.zh} · {text.en}")


def _box(panel: Panel, state: State, x: int, y: int) -> str:
    words = panel.words[state]
    return (
        f'<g class="state" data-side="{panel.id}" data-state="{state.value}">'
        f'<rect class="box" x="{x - panel.wide / 2}" y="{y - TALL / 2}" width="{panel.wide}" '
        f'height="{TALL}" rx="8"/><text class="zh" x="{x}" y="{y - 2}">{escape(words.zh)}</text>'
        f'<text class="en" x="{x}" y="{y + 15}">{escape(words.en)}</text></g>'
    )


def _arrow(panel: Panel, source: State, target: State, moves: list[tuple[Cause, Allowed]]) -> str:
    kind = _kind(moves)
    bend = panel.bends.get((source, target), 0)
    (x1, y1), (x2, y2) = panel.places[source], panel.places[target]
    long = math.hypot(x2 - x1, y2 - y1)
    # The control point stands beside the middle of the way; the curve passes half as far out.
    cx = (x1 + x2) / 2 + (y2 - y1) / long * bend * 2
    cy = (y1 + y2) / 2 - (x2 - x1) / long * bend * 2
    half = (panel.wide / 2, TALL / 2)
    sx, sy = _edge((x1, y1), (cx, cy), half)
    tx, ty = _edge((x2, y2), (cx, cy), half)
    by = " ".join(f"{cause.value}{'?' + row.only if row.only else ''}" for cause, row in moves)
    at, down = panel.labels.get((source, target), (0.5, 0))
    mx = (1 - at) ** 2 * sx + 2 * at * (1 - at) * cx + at**2 * tx
    my = (1 - at) ** 2 * sy + 2 * at * (1 - at) * cy + at**2 * ty + down
    lines = _words(moves, narrow=bool(down))
    text = "".join(
        f'<tspan x="{mx:.1f}" y="{my - 7 * (len(lines) - 1) + 14 * i + 3:.1f}">{escape(line)}'
        "</tspan>"
        for i, line in enumerate(lines)
    )
    return (
        f'<g data-side="{panel.id}" data-from="{source.value}" data-to="{target.value}" '
        f'data-by="{by}"><path class="move {kind}" d="M{sx:.1f} {sy:.1f}Q{cx:.1f} {cy:.1f} '
        f'{tx:.1f} {ty:.1f}"/><text class="word w-{kind}">{text}</text></g>'
    )


def _edge(
    centre: tuple[float, float], toward: tuple[float, float], half: tuple[float, float]
) -> tuple[float, float]:
    """Where the line from a box's centre toward a point leaves the box."""
    dx, dy = toward[0] - centre[0], toward[1] - centre[1]
    scale = min(half[0] / abs(dx) if dx else math.inf, half[1] / abs(dy) if dy else math.inf)
    return centre[0] + dx * min(scale, 1), centre[1] + dy * min(scale, 1)


def _kind(moves: list[tuple[Cause, Allowed]]) -> str:
    """The colour: the widest circle of those who may."""
    if any(row.who is allowed.ANYBODY for _, row in moves):
        return "anybody"
    return "desk" if any(row.who is allowed.DESK for _, row in moves) else "service"


def _words(moves: list[tuple[Cause, Allowed]], narrow: bool) -> list[str]:
    """Two languages: two causes a line, or where it is narrow one language a line."""
    causes = list(dict.fromkeys(CAUSES[by] for by, _ in moves))
    if narrow:
        return [line for words in causes for line in (words.zh, words.en)]
    told = [f"{words.zh} {words.en}" for words in causes]
    return [" / ".join(told[i : i + 2]) for i in range(0, len(told), 2)]


def page() -> str:
    """Return docs/lifecycle.md."""
    rows = []
    for panel in PANELS:
        for row in panel.rows:
            by = ", ".join(f"{CAUSES[c].zh} `{c.value}`" for c in row.by)
            sources = ", ".join(f"`{s.value}`" for s in row.sources)
            only = ONLY.get(row.only)
            when = f"{only.zh} {only.en}" if only else "–"
            needs = ", ".join(row.needs) or "–"
            rows.append(
                f"| {panel.id} | {by} | {sources} | `{row.target.value}` | {_who(row)} | {when} "
                f"| {needs} |"
            )
    people = [
        f"| `{by.value}` | " + " | ".join(_origins(by, role) for role in _PEOPLE) + " |"
        for by in (*Step, *LiftStep)
    ]
    return _PAGE.format(rows="\n".join(rows), people="\n".join(people))


_PEOPLE = (Role.OPERATOR, Role.ADMIN, Role.FIRM)


def _origins(by: Cause, role: Role) -> str:
    origins = allowed.who_may(by).get(role, frozenset())
    return ", ".join(origin.value for origin in Origin if origin in origins) or "–"


def _who(row: Allowed) -> str:
    if row.who is SERVICE:
        return "系统 service"
    return "有关人员 anybody" if row.who is allowed.ANYBODY else "值班台 desk"


_PAGE = """# 警情的一生 · The life of an alert

<!-- Written by `python -m alerts.lifecycle.drawing` from its table; do not edit. -->

一条警情有三面：值班员看的报警状态（ISA-18.2），救援人员走的救援状态，以及是否被搁置。\
每一步由谁、从哪里、在什么状态下可做，都在一张表里（`alerts/lifecycle/allowed.py`）；程序按表执行，图按表绘制，\
测试走遍所有状态证明三者一致。

An alert has three sides: the alarm state an operator sees (ISA-18.2), the rescue state a mechanic \
walks through, and whether it is set aside. Who may take which step, from where and in which \
state, stands in one table (`alerts/lifecycle/allowed.py`): the program moves by it, this \
drawing is made from it, and a test walks every state to show that the three agree.

![警情生命周期 · The life of an alert](pictures/lifecycle.svg)

## 搁置、抑制、停用 · Shelved, suppressed, out of service

三者都照常记录、照常显示、保持状态，但不通知任何人，定时等待。须写明理由与结束时间：\
搁置与抑制最长 24 小时，停用最长 30 天。到期（写在数据库里，重启后仍在）仍存在的警情\
从应到的步骤继续，期间到期的各执行一次；已恢复的不再通知，留在列表中。**轿内有人或救援未结的警情不可搁置、抑制、停用；\
搁置期间轿内有人，该电梯的全部警情立即恢复通知。**

All three are recorded, shown, and keep their state; they page nobody, and their timers wait. Each \
needs a reason and an end: 24 h at most for a shelf or a suppression, 30 days for a lift out of \
service. At the end, which stands in the database and survives a restart, what is still seen goes \
on where its chain would be: each step that fell due meanwhile happens once. What has cleared \
calls nobody and stays in the list. **An alarm with people in the car, or whose rescue is not \
verified, can be neither; and if people come into a car that was set aside, all its alerts page \
again at once.**

- API: `POST /api/v1/alerts/{{id}}/shelve` (`comment`, `hours` or `until_ms`), `…/unshelve`, \
`POST /api/v1/lifts/{{reg_code}}/take_out_of_service` (`reason`, `hours`), `…/return_to_service`, \
`…/suppress` (`reason`, `hours`, `rules`), `POST /api/v1/suppressions/{{id}}/release`, \
`GET /api/v1/suppressions`; lists take `state=aside`, `shelved`, `suppressed`, `out_of_service`.

## 谁、从哪里 · Who, from where

`console` 登录控制台或 API；`link` 通知里的一键链接；`reply` 以邮件、Web hook 或 MQTT 回复。\
链接与邮件可被转发，所以复查、取消、搁置只能在控制台。两人同时操作，只有一人生效，另一人得到一句话：谁、何时先做了。

`console` is signed in, by page or API; `link` the one-tap link of a page; `reply` an answer by \
mail, web hook or MQTT. Links and mails can be forwarded, so verifying, cancelling and setting \
aside need the console. Of two people who tap at once one wins, and the other is told who was \
first, and when.

| step | operator | admin | firm |
|---|---|---|---|
{people}

## 全表 · The whole table

`held` 须人结案：规则锁存或救援进行中。`free` 反之。`busy` 已有人处理：救援进行中，或刚确认过。

`held`: only a person ends it, since its rule latches or a rescue is under way. `free`: not so. \
`busy`: a rescue is under way, or it was acknowledged a moment ago.

| side | by | from | to | who | only | needs |
|---|---|---|---|---|---|---|
{rows}
"""


def write(docs: Path = DOCS) -> None:
    """Write drawing and page."""
    (docs / "pictures").mkdir(parents=True, exist_ok=True)
    (docs / "pictures" / "lifecycle.svg").write_text(svg(), "utf-8")
    (docs / "lifecycle.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
