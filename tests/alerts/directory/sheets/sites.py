"""Any directory a site could have, for properties: odd names, leading zeros, signs of formulas."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import hypothesis.strategies as st

from alerts.directory.roster import SWAP_KINDS
from alerts.directory.sheets.cells import ROUNDED
from alerts.directory.units import POSTS, UNIT_KINDS, WEEKDAYS

IDS = st.text("abcXYZ019-_.维保", min_size=1, max_size=8)
NAMES = st.one_of(
    st.sampled_from(
        [
            "张伟",
            "=1+1",
            "+86",
            "-x",
            "@all",
            "'t Hooft",
            "'=x",
            "''",
            'O\'Neil, "J"',
            "a;b",
            "007",
            "是",
            "2026-01-05",
            "豪庭花园 3 栋",
            "ü\u3000x",
            "TRUE",
            "🛗",
        ]
    ),
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp", "Co")),
        min_size=1,
        max_size=12,
    ),
).filter(lambda name: name.strip() and not ROUNDED.fullmatch(name.strip()))
PHONES = st.one_of(st.from_regex(r"\+?0?[0-9]{2,18}(-[0-9]{1,4})?", fullmatch=True), st.just(""))
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
CLOCKS = st.times().map(lambda t: t.replace(microsecond=0, second=0).isoformat("minutes"))
MAYBE = st.booleans()


def some(draw: st.DrawFn, values: list[str], most: int = 3) -> list[str]:
    if not values:
        return []
    return draw(st.lists(st.sampled_from(values), max_size=most, unique=True))


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Return the tables of a right directory.toml."""
    ids = draw(st.lists(IDS, min_size=2, max_size=5, unique=True))
    kinds = ["maintenance", "use_unit", *draw(st.permutations(UNIT_KINDS))]
    units = [_unit(draw, ident, kind) for ident, kind in zip(ids, kinds, strict=False)]
    contacts = [
        _contact(draw, ident, draw(st.sampled_from(ids)))
        for ident in draw(st.lists(IDS, max_size=6, unique=True))
    ]
    own = {u: [c["id"] for c in contacts if c["unit"] == u] for u in ids}
    lines = draw(st.lists(st.tuples(st.sampled_from(ids), IDS), max_size=3, unique=True))
    found: dict[str, Any] = {
        "unit": units,
        "contact": contacts,
        "contract": [_contract(draw, ids) for _ in range(draw(st.integers(0, 2)))],
        "duty": [_duty(draw, unit, line, own[unit]) for unit, line in lines],
        "holiday": [], "swap": [],
    }  # fmt: skip
    for unit, line in lines:
        if draw(MAYBE):
            found["holiday"].append(_holiday(draw, unit, line, own[unit]))
        if len(own[unit]) > 1:
            found["swap"].append(_swap(draw, unit, line, own[unit]))
    return found


def _unit(draw: st.DrawFn, ident: str, kind: str) -> dict[str, Any]:
    unit = {"id": ident, "kind": kind, "name_zh": draw(NAMES), "name_en": draw(NAMES)}
    if draw(MAYBE):
        unit |= {"lat": draw(st.floats(-90, 90)), "lon": draw(st.integers(-180, 180))}
    return unit | {"phone": draw(PHONES)}


def _contact(draw: st.DrawFn, ident: str, unit: str) -> dict[str, Any]:
    contact = {"id": ident, "unit": unit, "name": draw(NAMES), "phone": draw(PHONES)}
    contact |= {"mqtt": draw(st.sampled_from([True, "a/b", "主题"])), "email": "a@example.org"}
    if draw(MAYBE):
        contact |= {"channels": draw(st.permutations(["email", "mqtt"]))}
    elif draw(MAYBE):
        contact |= {
            "sms": "013912345678",
            "voice": draw(st.sampled_from([False, "+8613912345678"])),
        }
        contact |= {"phone": "023-68001234", "apprise": "json://127.0.0.1:1"}
        contact |= {"sms": True} if draw(MAYBE) else {}
    return contact | {
        "lang": draw(st.sampled_from(["zh", "en"])),
        "post": draw(st.sampled_from(POSTS)),
    }


def _contract(draw: st.DrawFn, ids: list[str]) -> dict[str, Any]:
    first = draw(DAYS)
    contract: dict[str, Any] = {"unit": ids[0], "from": first, "use_units": draw(
        st.sampled_from([[], [ids[1]]]))}  # fmt: skip
    if draw(MAYBE):
        contract["to"] = first + timedelta(days=draw(st.integers(0, 900)))
    codes = st.from_regex(r"0?[0-9]{19}", fullmatch=True).map(lambda code: code.zfill(20))
    return contract | {
        "lifts": draw(st.lists(codes, max_size=3)),
        "groups": some(draw, ["村", "A B"]),
    }


def _duty(draw: st.DrawFn, unit: str, line: str, own: list[str]) -> dict[str, Any]:
    begin, until = draw(CLOCKS), draw(st.none() | CLOCKS)
    duty: dict[str, Any] = {
        "unit": unit, "line": line, "contacts": some(draw, own), "deputies": some(draw, own),
        "time": begin, "weekday": draw(st.sampled_from(WEEKDAYS)), "start": draw(DAYS),
        "days": some(draw, list(WEEKDAYS)), "groups": some(draw, ["村", "town"]),
        "tz": draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin"])),
        "post": draw(st.sampled_from(POSTS)),
    }  # fmt: skip
    return duty | ({"until": until} if until not in (None, begin) else {})


def _holiday(draw: st.DrawFn, unit: str, line: str, own: list[str]) -> dict[str, Any]:
    first = draw(DAYS)
    last = first + timedelta(days=draw(st.integers(0, 9)))
    return {"unit": unit, "line": draw(st.sampled_from(["", line])), "from": first, "to": last,
            "contacts": some(draw, own), "name_zh": draw(NAMES)}  # fmt: skip


def _swap(draw: st.DrawFn, unit: str, line: str, own: list[str]) -> dict[str, Any]:
    first: date = draw(DAYS)
    last: date = first + timedelta(days=draw(st.integers(1, 30)))
    if draw(MAYBE):
        first, last = (datetime.combine(d, draw(st.times()).replace(microsecond=0))
                       for d in (first, last + timedelta(days=1)))  # fmt: skip
    return {"unit": unit, "line": draw(st.sampled_from(["", line])), "out": own[0], "in": own[1],
            "kind": draw(st.sampled_from(SWAP_KINDS)), "from": first, "to": last}  # fmt: skip
