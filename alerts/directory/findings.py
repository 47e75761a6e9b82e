"""What is amiss in a directory though every line of it is right: holes, overlaps, the unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from alerts.directory.contracts import missing, overlaps
from alerts.directory.roster import DAY, holes
from alerts.directory.subjects import Subject, of_lift
from alerts.directory.units import Directory
from config.text import Text
from devices.registry import Lift

NEEDED = ("operator", "bureau")  # without them nobody is told that nobody is on duty


def findings(
    directory: Directory, lifts: Sequence[Lift], now_ms: int, days: int, tz: tzinfo
) -> list[Text]:
    """Return what will go wrong within so many days from now."""
    subjects = [of_lift(lift) for lift in lifts]
    return [
        *_kinds(directory),
        *_unknown(directory, subjects),
        *_contracts(directory, subjects, now_ms, days, tz),
        *_duties(directory, subjects, now_ms, days, tz),
    ]


def _kinds(directory: Directory) -> Iterator[Text]:
    for kind in NEEDED:
        if not any(directory.of_unit(unit.id) for unit in directory.of_kind(kind)):
            yield Text(
                f"没有可通知的 {kind} 单位：请登记一个并为其登记联系人",
                f"no unit of kind {kind} that can be told: enter one with a contact",
            )


def _unknown(directory: Directory, subjects: Sequence[Subject]) -> Iterator[Text]:
    named: dict[tuple[str, str], str] = {}
    for one in subjects:
        for part in ("use_unit", "maintenance", "street_office"):
            unit = getattr(one, part)
            if unit not in directory.units:
                named.setdefault((part, unit), one.id)
    for (part, unit), lift in named.items():
        yield Text(
            f"lifts.csv 的 {part} = {unit or '（空）'} 不在名录中（如电梯 {lift}）：将通知区局",
            f"{part} = {unit or '(empty)'} of lifts.csv is not in the directory (lift {lift}): "
            f"the bureau is told instead",
        )


def _contracts(
    directory: Directory, subjects: Sequence[Subject], now_ms: int, days: int, tz: tzinfo
) -> Iterator[Text]:
    today = datetime.fromtimestamp(now_ms / 1000, tz).date()
    ahead = [today + timedelta(days=i) for i in range(days + 1)]
    known = {one.id for one in subjects}
    for contract in directory.contracts:
        for code in contract.lifts:
            if code not in known:
                yield Text(
                    f"{contract.unit} 合同中的电梯 {code} 不在 lifts.csv 中",
                    f"lift {code} of a contract of {contract.unit} is not in lifts.csv",
                )
    current = [one for one in directory.contracts if one.last is None or one.last >= today]
    for one in subjects:
        yield from overlaps(current, one)
        if directory.contracts:
            yield from missing(directory.contracts, one, one.maintenance, ahead)


def _duties(
    directory: Directory, subjects: Sequence[Subject], now_ms: int, days: int, tz: tzinfo
) -> Iterator[Text]:
    to_ms = now_ms + days * round(DAY.total_seconds() * 1000)
    serving = {unit for one in subjects for unit in (one.use_unit, one.maintenance)}
    serving |= {contract.unit for contract in directory.contracts}
    for unit in directory.units.values():
        roster, contacts = directory.rosters.get(unit.id), directory.of_unit(unit.id)
        if roster is not None and roster.has("member"):
            for begin, end in holes(roster, now_ms, to_ms)[:5]:
                span = f"{_clock(begin, tz)} – {_clock(end, tz)}"
                yield Text(
                    f"{unit.name.zh}（{unit.id}）{span} 无人值班",
                    f"{unit.name.en} ({unit.id}) has nobody on duty {span}",
                )
        elif len(contacts) != 1 and (contacts or unit.id in serving):
            yield Text(
                f"{unit.name.zh}（{unit.id}）有 {len(contacts)} 个联系人而没有值班表",
                f"{unit.name.en} ({unit.id}) has {len(contacts)} contacts and no roster",
            )


def _clock(at_ms: int, tz: tzinfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz).strftime("%Y-%m-%d %H:%M")
