"""directory.toml of the demo district: units, contacts by role, duty rosters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEAD = """# Who is responsible and who is on duty. Written for the demo: every name is a role, every
# telephone number starts with 0100 and every address ends in .example: nobody can be reached.
"""
# kind of unit → roles of its contacts: first on duty, then the deputy
_ROLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "operator": (("值班员甲", "operator A"), ("值班员乙", "operator B"), ("值班长", "supervisor")),
    "bureau": (("值班科长", "section chief on duty"), ("局值班领导", "bureau leader on duty")),
    "maintenance": (
        ("值班技师甲", "mechanic A"), ("值班技师乙", "mechanic B"), ("维保经理", "manager"),
    ),
    "use_unit": (("安全管理员", "safety officer"), ("值班保安", "guard on duty")),
    "rescue_station": (("救援一组", "rescue team 1"), ("救援二组", "rescue team 2")),
    "public_rescue": (("指挥中心", "command centre"),),
    "street_office": (("安监专员", "safety clerk"),),
    "town": (("安监专员", "safety clerk"),),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Unit:
    id: str
    kind: str
    zh: str
    en: str


def _units(data: Mapping[str, Any], use_units: Sequence[tuple[str, str, str]]) -> Iterator[_Unit]:
    yield _Unit("duty-desk", "operator", "96333 值班台（虚构）", "96333 duty desk (fictive)")
    yield _Unit("bureau", "bureau", data["bureau_zh"], data["bureau_en"])
    yield _Unit("pr-119", "public_rescue", "119 指挥中心（虚构）", "119 command (fictive)")
    yield _Unit("pr-110", "public_rescue", "110 指挥中心（虚构）", "110 command (fictive)")
    for table, kind in (("station", "rescue_station"), ("office", "street_office"),
                        ("town", "town"), ("firm", "maintenance")):  # fmt: skip
        for row in data[table]:
            yield _Unit(row["id"], kind, row["zh"], row["en"])
    for name, zh, en in use_units:
        yield _Unit(name, "use_unit", zh, en)


def directory_toml(data: Mapping[str, Any], use_units: Sequence[tuple[str, str, str]]) -> str:
    """Render the directory. use_units: (id, name_zh, name_en) each."""
    units = list(_units(data, use_units))
    parts = [HEAD]
    for i, unit in enumerate(units):
        parts.append(_table("unit", id=unit.id, kind=unit.kind, name_zh=unit.zh, name_en=unit.en,
                            phone=_phone(i, 0)))  # fmt: skip
    for i, unit in enumerate(units):
        parts.extend(_contacts(i, unit))
    for unit in units:
        ids = [f"{unit.id}-{k + 1}" for k in range(len(_ROLES[unit.kind]))]
        parts.append(_table("duty", unit=unit.id, contacts=ids[:1], deputies=ids[1:],
                            weekday="monday", time="08:00", tz="Asia/Shanghai"))  # fmt: skip
    return "\n".join(parts)


def _contacts(i: int, unit: _Unit) -> Iterator[str]:
    for k, (zh, en) in enumerate(_ROLES[unit.kind]):
        yield _table(
            "contact", id=f"{unit.id}-{k + 1}", unit=unit.id, name=f"{unit.zh} {zh} · {en}",
            phone=_phone(i, k + 1), email=f"{unit.id}-{k + 1}@demo.example",
            mqtt=True, lang="zh", channels=["mqtt"], post=_post(unit.kind, k),
        )  # fmt: skip


def _post(kind: str, place: int) -> str:
    """Return what a contact is in the unit: chains call managers and leaders by their post."""
    last = place == len(_ROLES[kind]) - 1
    if last and kind in ("maintenance", "bureau"):
        return "manager" if kind == "maintenance" else "leader"
    return "member" if place == 0 else "deputy"


def _phone(unit: int, contact: int) -> str:
    return f"0100-{unit:04d}{contact:02d}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Iterable):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value)


def _table(table: str, /, **values: object) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return f"[[{table}]]\n" + "\n".join(lines) + "\n"
