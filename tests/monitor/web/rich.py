"""A House in the middle of a night: something stands on every page of the console.

`furnish(house)` fills it and returns the values of the addresses' placeholders.
"""

from __future__ import annotations

import json

from alerts.model import Actor, Role, Step
from monitor.admin.accounts import Accounts
from monitor.web import tokens
from monitor.web.fleet.outlines import FILE
from tests.monitor.web import shift_site
from tests.monitor.web.admin_site import KeepingChannel, write_directory
from tests.monitor.web.hours import an_hour
from tests.monitor.web.house import House
from tests.monitor.web.past_site import write_past
from tests.monitor.web.town import reg_code

WANG = Actor("王强", Role.OPERATOR)
ZHANG = Actor("张伟", Role.FIRM, "anda", "c-anda")
ADMIN = Actor("admin", Role.ADMIN)
RING = [[106.44, 29.51], [106.56, 29.51], [106.56, 29.6], [106.44, 29.6], [106.44, 29.51]]


def furnish(house: House) -> dict[str, str]:
    """Alerts of every severity and state, notes, a silent lift and one with a past, refusals,
    links, tokens, an exercise."""
    write_directory(house)
    house.channels["mqtt"] = KeepingChannel()
    for row in range(len(house.registry)):
        house.say(row, age_ms=-600_000)  # fresh for as long as the tests take
    house.say(0, age_ms=-600_000, people=3.0, door_zone=0.0)
    house.say(9, age_ms=900_000)
    write_past(house)
    shift_site.dues(house)
    for days in (3, 300):
        tokens.make(
            house.engine, "admin", f"for {days} days", ["admin:registry"], days, ADMIN,
            house.now_ms(), longest=365,
        )  # fmt: skip
    trapped = _alerts(house)
    house.quarantine.add()
    house.quarantine.add(reason="unknown_code", field="code", value="4711")
    an_hour(house.link, house.registry, house.now_ms())
    outline = {"type": "Polygon", "coordinates": [RING]}
    told = {"kind": "office", "name_zh": "石桥铺街道", "name_en": "Shiqiaopu"}
    feature = {"type": "Feature", "properties": told, "geometry": outline}
    (house.settings.site.folder / FILE).write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8"
    )
    invitation = Accounts(house.engine, house.now_ms, []).invite("li.wei", "operator", None, ADMIN)
    return {
        "alert_id": str(trapped),
        "reg_code": reg_code(0),
        "gateway": "gw-2",
        "number": "1",
        "token": house.desk.pages.links.token(trapped, "c-anda", house.now_ms()),
        "invitation": invitation,
    }


def _alerts(house: House) -> int:
    trapped = house.raise_alert(0, people=3, ago_s=95)
    house.desk.act(trapped, Step.ACCEPT, ZHANG, house.now_ms())
    house.desk.note(trapped, "钥匙在门岗", WANG, house.now_ms())
    house.raise_alert(1, "7", people=None)
    house.raise_alert(2, "12", people=None)
    seen = house.raise_alert(3, "18", people=None)
    house.desk.act(seen, Step.ACKNOWLEDGE, WANG, house.now_ms())
    shelved = house.raise_alert(4, "23", people=None)
    now = house.now_ms()
    until_ms = now + 3_600_000
    house.desk.act(shelved, Step.SHELVE, WANG, now, comment="等配件", until_ms=until_ms)
    _ended(house)
    shift_site.rescued(house, 12, (75, 1300, 2100), 5400)
    false = house.raise_alert(10, rule="12", people=None, ago_s=600)
    house.desk.act(false, Step.CANCEL, WANG, house.now_ms(), comment="误报，现场正常")
    assert house.desk.drill(now, reg_code(6), ADMIN, "1", 2, 60).ok
    return trapped


def _ended(house: House) -> None:
    """A rescue that is over: freed, its cause filed, verified."""
    over = house.raise_alert(5, people=1, ago_s=900)
    for step in (Step.ACCEPT, Step.ARRIVE, Step.FREE):
        house.desk.act(over, step, ZHANG, house.now_ms())
    house.desk.act(over, Step.FILE_CAUSE, ZHANG, house.now_ms(), cause="door.landing_lock")
    house.desk.act(over, Step.VERIFY, WANG, house.now_ms(), comment="已试运行")
