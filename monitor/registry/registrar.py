"""What people do to the registry: move, retire, register, answer, dismiss, import.

Every act changes the site's files or the memory of them, stands in the journal with who did it,
and counts once the service has taken it up. All raise ConfigError for what cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, and_, update

from alerts.database.access import reading, writing
from alerts.database.registry_tables import registry_entry
from alerts.journal.journal import Line, append
from alerts.model import Actor
from config.errors import ConfigError
from config.text import Text
from devices.registry import REG_CODE, Lift
from devices.registry.files import names_of
from monitor.registry.entries import LIFT, read_entries
from monitor.registry.files import GATEWAYS, LIFTS, Rows, SiteFiles, Tables
from monitor.registry.sheets import Import
from monitor.registry.sightings import forget_sightings

Answer = Literal["keep", "fresh"]


def wrong(key: str, value: object, zh: str, en: str) -> ConfigError:
    """Return the refusal of an act."""
    return ConfigError("registry", key, value, Text(zh, en))


@dataclass
class Registrar:
    """`take_up` has the service read the files again; a command beside a service has none."""

    engine: Engine
    folder: Path
    clock: Callable[[], int]
    take_up: Callable[[], None] = lambda: None

    @property
    def files(self) -> SiteFiles:
        """The site's files."""
        return SiteFiles(self.folder)

    def move(
        self, lifts: Sequence[str], gateway: str, actor: Actor, answer: Answer | None = None
    ) -> None:
        """Let lifts belong to another gateway. `answer`: does the learned normal go on; asked
        later where it is None."""

        def change(tables: Tables) -> None:
            if gateway not in {row["id"] for row in tables[GATEWAYS]}:
                raise wrong("gateway", gateway, "未登记此网关", "no such gateway is registered")
            for code in lifts:
                _find(tables[LIFTS], "reg_code", code)["gateway"] = gateway

        self._edit(
            change,
            "moved",
            actor,
            {"lifts": list(lifts), "gateway": gateway, "answer": answer},
            lambda conn: self._answer(conn, lifts, answer) if answer else None,
        )

    def retire(self, kind: str, ident: str, actor: Actor, reason: str = "") -> None:
        """Take a lift or gateway out of the site; its history stays. A gateway must be empty."""

        def change(tables: Tables) -> None:
            if kind == LIFT:
                tables[LIFTS].remove(_find(tables[LIFTS], "reg_code", ident))
                return
            row = _find(tables[GATEWAYS], "id", ident)
            own = [lift["reg_code"] for lift in tables[LIFTS] if lift["gateway"] == ident]
            if own:
                raise wrong(
                    "gateway",
                    ident,
                    f"名下还有 {len(own)} 台电梯（如 {own[0]}）：先换网关或退役",
                    f"still has {len(own)} lifts, e.g. {own[0]}: move or retire them first",
                )
            tables[GATEWAYS].remove(row)

        self._edit(change, "retired", actor, {"kind": kind, "id": ident, "reason": reason})

    def register_gateway(
        self, ident: str, actor: Actor, vendor: str = "", place: str = "", missing_ok: bool = False
    ) -> bool:
        """Enter a gateway; False where it is there already and may be."""
        there = ident in {row["id"] for row in self.files.read()[GATEWAYS]}
        if there and missing_ok:
            return False
        if there:
            raise wrong("gateway", ident, "已登记", "is registered already")
        row = {"id": ident, "vendor": vendor, "place": place}
        self._edit(lambda t: t[GATEWAYS].append(row), "registered", actor, {"gateway": row})
        return True

    def register_lift(self, row: Mapping[str, str], actor: Actor) -> None:
        """Enter a lift; `row` as lifts.csv has it. One that was retired brings its line along."""
        code = row.get("reg_code", "")
        if not REG_CODE.fullmatch(code):
            raise wrong("reg_code", code, "注册代码应为 20 位数字", "must have 20 digits")
        with reading(self.engine) as conn:
            old = read_entries(conn).get((LIFT, code))
        line = {**(old.data if old else {}), **{k: v for k, v in row.items() if v}}

        def change(tables: Tables) -> None:
            if any(one["reg_code"] == code for one in tables[LIFTS]):
                raise wrong("reg_code", code, "已登记", "is registered already")
            tables[LIFTS].append(dict.fromkeys(names_of(Lift), "") | line)

        self._edit(change, "registered", actor, {"lift": code})

    def answer(self, reg_code: str, answer: Answer, actor: Actor) -> None:
        """Say whether history and learned normal go on after a move, or another device began."""
        with writing(self.engine) as conn:
            entry = read_entries(conn).get((LIFT, reg_code))
            if entry is None or entry.retired_ms is not None:
                raise wrong("reg_code", reg_code, "未登记", "is not registered")
            self._answer(conn, [reg_code], answer)
            data = {"what": "baseline", "lift": reg_code, "answer": answer}
            append(conn, self.clock(), [Line(None, "registry", actor, data)])
        self.take_up()

    @staticmethod
    def _answer(conn: Connection, lifts: Sequence[str], answer: Answer) -> None:
        which = and_(registry_entry.c.kind == LIFT, registry_entry.c.id.in_(lifts))
        conn.execute(update(registry_entry).where(which).values(question=answer))

    def dismiss(self, kind: str, ident: str, actor: Actor) -> None:
        """Forget that somebody unknown spoke; whoever speaks again is seen again."""
        with writing(self.engine) as conn:
            if not forget_sightings(conn, kind, ident):
                raise wrong("id", ident, "没有这条记录", "nothing is kept of it")
            data = {"what": "dismissed", "kind": kind, "id": ident}
            append(conn, self.clock(), [Line(None, "registry", actor, data)])

    def apply(self, found: Import, actor: Actor, source: str) -> list[Path]:
        """Write an import; return the backups. What somebody changed meanwhile is refused."""
        before = found.before

        def change(tables: Tables) -> None:
            if tables != before:
                raise wrong(
                    "files",
                    str(self.folder),
                    "站点文件在核对后有变：请重新导入",
                    "the site's files have changed since they were compared: import again",
                )
            tables.update(found.tables)

        counts = {
            d.sheet.name: [len(d.added), len(d.changed), len(d.removed)] for d in found.differences
        }
        return self._edit(change, "imported", actor, {"source": source, "rows": counts})

    def _edit(
        self,
        change: Callable[[Tables], None],
        what: str,
        actor: Actor,
        data: Mapping[str, Any],
        beside: Callable[[Connection], None] = lambda conn: None,
    ) -> list[Path]:
        """Change the files, say so in the journal, have it taken up.

        The journal's line is written before the files are: a line for what then failed is
        followed by none of what the service found, a change without a line would be worse.
        """
        now_ms = self.clock()
        files = self.files
        trial = files.read()
        change(trial)
        files.check(trial)
        with writing(self.engine) as conn:
            append(conn, now_ms, [Line(None, "registry", actor, {"what": what, **data})])
            beside(conn)
        kept = files.edit(change, now_ms)
        self.take_up()
        return kept


def _find(rows: Rows, key: str, value: str) -> dict[str, str]:
    for row in rows:
        if row[key] == value:
            return row
    raise wrong(key, value, "未登记", "is not registered")
