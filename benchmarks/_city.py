"""A city's registry and directory in memory, and a desk on a database of its own."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.chains.chains_file import load_chains
from alerts.database.access import open_engine
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.roster import Duty, Roster
from alerts.directory.subjects import Subjects
from alerts.directory.units import TOPIC, Contact, Directory, Unit
from alerts.migrations import migrate
from alerts.model import RuleMeta
from alerts.pages.links import Links
from alerts.pages.page import Pages, plain_words
from alerts.rules import DEFAULT_RULES, load_rules
from benchmarks._district import reg_code
from config.text import Text
from devices.registry import Gateway, Lift, Registry
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema

ZONE = ZoneInfo("Asia/Shanghai")
FIRMS, USE_UNITS, STREETS, STATIONS = 40, 400, 12, 6
ONE_EACH = ("operator", "bureau", "public_rescue")


def city(lifts: int, gateways: int = 200) -> Registry:
    """Return lifts spread over firms, use units, streets, gateways and feeders of 50."""
    return Registry(
        [
            Lift(
                reg_code(i), f"{i:06d}", f"{i % 8 + 1} 号梯", f"花园 {i // 8} 栋",
                f"street-{i % STREETS}", f"use-{i % USE_UNITS}", f"firm-{i % FIRMS}",
                f"gw-{i % gateways}", "traction", 1.75, 1000, -1, 18, f"feeder-{i // 50}", 5.0,
                29.5, 106.5,
            )
            for i in range(lifts)
        ],
        [Gateway(f"gw-{k}", "bench", "-") for k in range(gateways)],
    )  # fmt: skip


def people(channel: str = "mqtt", address: str = TOPIC) -> Directory:
    """Return units with two people each, one on duty, all reached by this channel."""
    many = {
        "firm": ("maintenance", FIRMS),
        "use": ("use_unit", USE_UNITS),
        "street": ("street_office", STREETS),
        "station": ("rescue_station", STATIONS),
    }
    kinds = {f"{name}-{k}": kind for name, (kind, n) in many.items() for k in range(n)}
    kinds |= {kind: kind for kind in ONE_EACH}
    units = {ident: Unit(ident, kind, Text(ident, ident), "1") for ident, kind in kinds.items()}
    contacts: dict[str, Contact] = {}
    for ident in units:
        for k, post in enumerate(("member", "deputy")):
            who = f"{ident}.{k}"
            to = {channel: address.format(unit=ident, contact=who)}
            contacts[who] = Contact(who, ident, f"{ident} {k}", "1", "zh", post, to)
    monday, eight, start = 0, time(8), date(2026, 1, 5)
    rosters = {
        unit: Roster(
            unit, (Duty(unit, (f"{unit}.0",), (f"{unit}.1",), monday, eight, ZONE, start),)
        )
        for unit in units
    }
    return Directory(units, contacts, rosters)


def rules() -> dict[str, RuleMeta]:
    """Return the shipped rules as alerting knows them."""
    return dict(load_rules(DEFAULT_RULES, rule_schema(load_vocabulary())).meta)


def desk(folder: Path, registry: Registry, directory: Directory, **more: Any) -> AlertDesk:
    """Return a desk on a new SQLite file, durable as the product's."""
    url = f"sqlite:///{folder / 'alerts.db'}"
    migrate(url)
    pages = Pages(Links("secret", "http://127.0.0.1:8080", prefix="/p/"), plain_words, ZONE)
    return AlertDesk(
        open_engine(url), rules(), load_chains(), directory, Subjects(registry), pages, **more
    )
