"""A directory with rosters for a House, and a channel that keeps what it was given."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.directory.directory_file import load_directory
from alerts.notify.channel import DeliveryError, Item, Receipt
from tests.monitor.web.house import House
from tests.monitor.web.town import PEOPLE, UNITS


def write_directory(house: House) -> None:
    """Every unit with its contact; anda has three people, and nobody on Sundays."""
    text = ""
    for ident, kind, zh, en in UNITS:
        text += f'[[unit]]\nid = "{ident}"\nkind = "{kind}"\nname_zh = "{zh}"\nname_en = "{en}"\n'
    for unit, name in PEOPLE.items():
        text += f'[[contact]]\nid = "c-{unit}"\nunit = "{unit}"\nname = "{name}"\nmqtt = true\n'
    for ident, name in (("c-zhou", "周明"), ("c-wu", "吴刚")):
        text += f'[[contact]]\nid = "{ident}"\nunit = "anda"\nname = "{name}"\nmqtt = true\n'
    text += '[[duty]]\nunit = "anda"\ncontacts = ["c-anda", "c-zhou", "c-wu"]\n'
    text += 'days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]\n'
    file = house.settings.site.folder / "directory.toml"
    file.write_text(text, "utf-8")
    house.directory = load_directory(file, house.settings.site.timezone)
    house.desk.take_up(house.directory)


def tomorrow(house: House) -> datetime:
    """Tomorrow noon, local and naive, as a form has it."""
    zone = ZoneInfo(house.settings.site.timezone)
    day = datetime.fromtimestamp(house.now_ms() / 1000, zone) + timedelta(days=1)
    return day.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)


class KeepingChannel:
    """Takes every page, or none."""

    timeout_s, concurrency = 5.0, 2

    def __init__(self, works: bool = True) -> None:
        self.works = works
        self.items: list[Item] = []

    async def send(self, item: Item) -> Receipt:
        if not self.works:
            raise DeliveryError("550 no such address", final=True)
        self.items.append(item)
        return Receipt("250 taken", "ref-7")

    def show(self, item: Item) -> str:
        return f"to {item.address}, password ••••"

    async def close(self) -> None:
        pass
