"""A small site with everybody a rescue needs, and a desk on a real SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Engine, select

from alerts.chains.chains_file import load_chains
from alerts.database.access import open_engine, reading
from alerts.database.tables import outbox
from alerts.desk import queries
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from alerts.directory.units import Directory
from alerts.migrations import migrate
from alerts.model import Actor, ActResult, Evidence, FeedEvent, Role, RuleMeta, Step, Transition
from alerts.pages.links import Links
from alerts.pages.page import Pages, plain_words
from config.text import Text
from devices.registry import Gateway, Lift, Registry

T0 = 1_767_225_600_000  # 2026-01-01 08:00 in Shanghai
TZ = ZoneInfo("Asia/Shanghai")
CAR = "31105001002015010001"
CAR_2 = "31105001002015010002"
CAR_3 = "31105001002015010003"  # on a gateway of its own

UNITS: Mapping[str, str] = {
    "desk": "operator",
    "haoting": "use_unit",
    "anda": "maintenance",
    "kone": "maintenance",
    "north": "rescue_station",
    "fire": "public_rescue",
    "bureau": "bureau",
    "street": "street_office",
}
PEOPLE: Mapping[str, tuple[str, str, str]] = {  # id → (unit, name, post)
    "desk1": ("desk", "值班台", "member"),
    "pm1": ("haoting", "王芳", "member"),
    "pm2": ("haoting", "赵敏", "member"),
    "zhang": ("anda", "张伟", "member"),
    "li": ("anda", "李强", "deputy"),
    "boss": ("anda", "陈总", "manager"),
    "sun": ("kone", "孙工", "member"),
    "station1": ("north", "救援一队", "member"),
    "f119": ("fire", "119", "member"),
    "duty": ("bureau", "区局值班", "member"),
    "leader": ("bureau", "局长", "leader"),
    "street1": ("street", "街道办", "member"),
}
RULES = {
    rule.id: rule
    for rule in (
        RuleMeta(
            "1", Text("非平层困人", "trapped, not level"), "critical", chain="R",
            latched=True, group="car", code=1012,
        ),
        RuleMeta(
            "3", Text("报警按钮", "alarm button"), "critical", chain="R", latched=True, group="car"
        ),
        RuleMeta(
            "4", Text("冲顶", "overtravel"), "critical", chain="F", chain_with_people="R",
            latched=True,
        ),
        RuleMeta("9", Text("超速", "overspeed"), "critical", chain="F+bureau", latched=True),
        RuleMeta(
            "11", Text("停电困人", "power cut with people"), "critical", chain="R", group="feeder"
        ),
        RuleMeta("16", Text("关门故障", "door-close fault"), "minor", "major", chain="F"),
        RuleMeta("21", Text("消防", "fire service"), "major", chain="O+use_unit"),
        RuleMeta("23", Text("终端离线", "terminal offline"), "minor", chain="F", group="gateway"),
        RuleMeta("23b", Text("离线超过一天", "silent for a day"), "major", chain="A+street_office",
                 group="gateway"),
        RuleMeta("28b", Text("电动车入梯", "e-bike in the car"), "info", chain="F", bell=False),
        RuleMeta("29", Text("维保超期", "maintenance overdue"), "minor", chain="A"),
    )
}  # fmt: skip


def lift(code: str, gateway: str = "g1", feeder: str = "f1", maintenance: str = "anda") -> Lift:
    return Lift(
        code, code[-6:], f"{int(code[-2:])} 号梯", "豪庭花园 3 栋", "street", "haoting",
        maintenance, gateway, "traction", 1.75, 1000, -1, 18, feeder, 5.0, 29.5, 106.5,
    )  # fmt: skip


def registry() -> Registry:
    lifts = [lift(CAR), lift(CAR_2), lift(CAR_3, "g2", "f2", "kone")]
    return Registry(lifts, [Gateway("g1", "acme", "3 栋机房"), Gateway("g2", "acme", "5 栋机房")])


def directory_toml(address: Callable[[str], str]) -> str:
    """`address(contact)` returns the lines that say how a contact is reached."""
    parts = []
    for unit, kind in UNITS.items():
        place = "lat = 29.55\nlon = 106.5\n" if kind == "rescue_station" else ""
        parts.append(
            f'[[unit]]\nid = "{unit}"\nkind = "{kind}"\nname_zh = "单位{unit}"\n'
            f'name_en = "Unit {unit}"\nphone = "023-1"\n{place}'
        )
    for ident, (unit, name, post) in PEOPLE.items():
        parts.append(
            f'[[contact]]\nid = "{ident}"\nunit = "{unit}"\nname = "{name}"\nphone = "139"\n'
            f'post = "{post}"\n{address(ident)}\n'
        )
    for unit in UNITS:
        own = [c for c, (u, _, post) in PEOPLE.items() if u == unit and post == "member"]
        deputies = [c for c, (u, _, post) in PEOPLE.items() if u == unit and post == "deputy"]
        if own:
            parts.append(
                f'[[duty]]\nunit = "{unit}"\ncontacts = {own[:1]}\ndeputies = {deputies}\n'
            )
    return "\n".join(parts)


def without(book: Directory, unit: str) -> Directory:
    """The same directory, but this unit has neither contacts nor a roster."""
    contacts = {c.id: c for c in book.contacts.values() if c.unit != unit}
    return replace(book, contacts=contacts, rosters={
        name: roster for name, roster in book.rosters.items() if name != unit
    })  # fmt: skip


def raised(
    rule: str = "1",
    subject: str = CAR,
    at_ms: int = T0,
    since_ms: int | None = None,
    people: int | None = 2,
    kind: str = "lift",
    with_people: bool | None = None,
) -> Transition:
    since = at_ms - 30_000 if since_ms is None else since_ms
    some = bool(people) if with_people is None else with_people
    evidence = (Evidence("speed", 0.0, since), Evidence("door_zone", 0.0, since))
    return Transition(kind, subject, rule, True, at_ms, since, some, people, evidence, 7)


def cleared(one: Transition, at_ms: int) -> Transition:
    return Transition(one.subject_kind, one.subject, one.rule, False, at_ms, one.since_ms)


@dataclass
class House:
    """A desk on a file; `restart` opens the same file with a new desk, as a new process would."""

    url: str
    directory: Directory
    engine: Engine = field(init=False)
    desk: AlertDesk = field(init=False)

    def __post_init__(self) -> None:
        migrate(self.url)
        self.restart(first=True)

    def restart(self, first: bool = False) -> None:
        if not first:
            self.engine.dispose()
        self.engine = open_engine(self.url)
        pages = Pages(Links("secret", "http://127.0.0.1:8080"), plain_words, TZ)
        self.desk = AlertDesk(
            self.engine, RULES, load_chains(), self.directory, Subjects(registry()), pages
        )

    def raise_(self, *transitions: Transition, now_ms: int | None = None) -> list[FeedEvent]:
        return self.desk.apply(now_ms or max(one.at_ms for one in transitions), transitions)

    def act(self, alert: int, step: Step, who: str, at_ms: int, **more: Any) -> ActResult:
        actor = OPERATOR if who == "operator" else self.directory.actor(who)
        assert actor is not None
        return self.desk.act(alert, step, actor, at_ms, **more)

    def alert(self, ident: int = 1) -> dict[str, Any]:
        with reading(self.engine) as conn:
            found = queries.get_alert(conn, ident, chains=self.desk.chains)
        assert found is not None
        return found

    def alerts(self, **chosen: Any) -> list[dict[str, Any]]:
        with reading(self.engine) as conn:
            return queries.list_alerts(conn, queries.AlertFilter(**chosen), chains=self.desk.chains)

    def kinds(self, ident: int = 1) -> list[str]:
        return [line["kind"] for line in self.alert(ident)["timeline"]]

    def pages(self, *states: str) -> list[str]:
        """Keys in the outbox, of these states (all if none is given), in order."""
        query = select(outbox.c.key).order_by(outbox.c.id)
        if states:
            query = query.where(outbox.c.state.in_(states))
        with reading(self.engine) as conn:
            return list(conn.execute(query).scalars())


OPERATOR = Actor("刘洋", Role.OPERATOR)


@pytest.fixture
def site_directory(tmp_path: Path) -> Callable[[Callable[[str], str]], Directory]:
    def make(address: Callable[[str], str]) -> Directory:
        file = tmp_path / "directory.toml"
        file.write_text(directory_toml(address), "utf-8")
        return load_directory(file)

    return make


@pytest.fixture
def house(
    tmp_path: Path, site_directory: Callable[[Callable[[str], str]], Directory]
) -> Iterator[House]:
    made = House(f"sqlite:///{tmp_path / 'alerts.db'}", site_directory(lambda _: "mqtt = true"))
    yield made
    made.engine.dispose()


@pytest.fixture
def page(house: House) -> dict[str, Any]:
    """What is written to the mechanic on call of a trapped passenger."""
    house.raise_(raised())
    with reading(house.engine) as conn:
        payload = conn.exec_driver_sql(
            "SELECT payload FROM outbox WHERE contact = 'zhang'"
        ).scalar()
    return dict(orjson.loads(payload))
