"""The registry's page: what is not as registered stands first, one tap decides."""

from __future__ import annotations

import re

from alerts.model import Actor, Role
from devices.codecs.refuse import refusal
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code

EVIL = "<script>alert(1)</script>"


def trouble(house: House) -> None:
    house.spoke(*range(23))
    for name, gateway in ((reg_code(1), "gw-1"), (reg_code(2), "gw-2")):
        told = refusal("wrong_gateway", "lift", name, "another", name)
        house.keeper.sightings.note(
            f"lift/v1/{gateway}/telemetry", gateway, EVIL.encode(), [told], house.now_ms()
        )
    house.keeper.turn()


async def test_what_is_wrong_stands_first_and_its_text_stays_text(
    house: House, enter: Enter
) -> None:
    trouble(house)
    text = (await enter("operator", "en").get("/registry")).text
    assert text.index(reg_code(1)) < text.index(reg_code(23)), "two gateways before never seen"
    assert reg_code(7) not in text, "what is as registered is shown when asked for"
    assert reg_code(7) in (await enter("operator").get("/registry?state=ok")).text
    assert EVIL not in text
    assert '<form method="post" action="/registry' not in text, "an operator only looks"
    assert "台账" in (await enter("operator", "zh-CN").get("/registry")).text


async def test_one_tap_moves_it(house: House, enter: Enter) -> None:
    trouble(house)
    admin = enter("admin", "en")
    page = (await admin.get("/registry")).text
    found = re.search(rf'action="(/registry/lift/{reg_code(1)}/move)"', page)
    assert found
    fields = {"csrf": admin.csrf, "gateway": "gw-1"}
    answer = await admin.post(found[1], data=fields)
    assert answer.status_code == 303
    lift = house.registry.find(reg_code(1))
    assert lift and lift.gateway == "gw-1"
    page = (await admin.get("/registry?state=replaced")).text
    assert "came from gw-2" in page
    answer = await admin.post(f"/registry/lift/{reg_code(1)}/move", data=fields | {"gateway": "x"})
    page = (await admin.get("/registry")).text
    assert "gateway = x" in page, "what cannot be is told by name"


async def test_gateways_show_what_they_were_given(house: House, enter: Enter) -> None:
    house.spoke(*range(24))
    house.issuer.authority.init("test", house.now_ms())
    admin = Actor("admin", Role.ADMIN)
    given = house.issuer.give("gw-1", "password", admin)
    house.issuer.give("gw-2", "certificate", admin, days=10)
    house.issuer.revoke("gw-1", admin)
    house.issuer.give("gw-1", "password", admin)
    page = (await enter("operator", "en").get("/registry?kind=gateway&state=ok")).text
    assert "gw-1@2" in page
    assert re.search(r'chip bad">certificate until', page), "it ends within 30 days"
    assert given.password and given.password not in page


async def test_without_the_forms_token_nothing_happens(house: House, enter: Enter) -> None:
    trouble(house)
    answer = await enter("admin").post(f"/registry/lift/{reg_code(1)}/retire", data={})
    assert answer.status_code == 403
    assert house.registry.find(reg_code(1)) is not None
