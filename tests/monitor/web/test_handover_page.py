"""The hand-over report over the API and as a page, signed by two officers."""

from __future__ import annotations

import re

import pytest

from monitor.web.api import desk_examples
from tests.monitor.web import shift_site
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House


async def test_the_report_has_the_shape_of_its_example(enter: Enter, house: House) -> None:
    shift_site.busy(house)
    client = enter("operator")
    now = house.now_ms()
    query = f"from_ms={now - 10_000_000}&to_ms={now + 1000}"
    told = (await client.get(f"/api/v1/handover?{query}")).json()
    assert set(told) == set(desk_examples.HANDOVER) and told["signed"] is None
    assert set(told["report"]) == set(desk_examples.REPORT)
    assert set(told["report"]["open"][0]) == set(desk_examples.OPEN)
    assert set(told["report"]["freed"][0]) == set(desk_examples.FREED)
    assert [one["in_time"] for one in told["report"]["freed"]] == [True, False]
    paper = await client.get(f"/api/v1/handover.pdf?{query}&lang=zh")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")
    shifts = (await client.get("/api/v1/handover/shifts")).json()
    assert set(shifts) == set(desk_examples.SHIFTS)
    assert shifts["shifts"][0]["officers"], "the roster says whose shift it is"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from_ms=5&to_ms=4", "to_ms"), ("from_ms=0&to_ms=999999999999", "to_ms"),
        ("from_ms=99999999999999", "from_ms"), ("days=1", "days"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_shift_is_named(enter: Enter, query: str, field: str) -> None:
    answer = await enter("operator").get(f"/api/v1/handover?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_firms_do_not_see_it(enter: Enter) -> None:
    for path in ("/handover", "/api/v1/handover", "/api/v1/handover.pdf"):
        assert (await enter("firm-a").get(path)).status_code == 403


async def test_two_officers_sign_by_plain_forms(enter: Enter, house: House) -> None:
    shift_site.second_officer(house)
    house.raise_alert(0)
    first, second = enter("operator"), enter("officer-2")
    page = (await first.get("/handover")).text
    assert 'href="/handover"' in page, "the menu leads there"
    span = re.findall(r'name="(from_ms|to_ms)" value="(\d+)"', page)
    data = dict(span) | {"csrf": first.csrf, "remark": "3 号楼今日检修"}
    given = await first.post("/handover", data=data)
    address = given.headers["location"]
    page = (await first.get(address)).text
    assert "3 号楼今日检修" in page and "/take" not in page, "nobody takes over from themselves"
    page = (await second.get(address)).text
    found = re.search(r'action="(/handover/\d+/take)".*?name="digest" value="(\w+)"', page)
    assert found is not None
    house.raise_alert(2)  # what comes after is not in what was signed
    data = {"csrf": second.csrf, "digest": found[2], "back": address.partition("=")[2]}
    await second.post(found[1], data=data)
    page = (await second.get(address)).text
    assert (
        "officer-2" in page
        and "/take" not in page
        and 'method="post" action="/handover"' not in page
    )
    told = (await first.get("/api/v1/handover/shifts")).json()["signed"][0]
    assert (told["given_by"], told["taken_by"]) == ("operator", "officer-2")
    query = "from_ms={}&to_ms={}".format(*(value for _, value in span))
    report = (await first.get(f"/api/v1/handover?{query}")).json()
    assert report["report"]["open_total"] == 1
    assert set(report["signed"]) == set(desk_examples.SIGNATURES)


async def test_signing_over_the_api(enter: Enter, house: House) -> None:
    shift_site.second_officer(house)
    first, second, now = enter("operator"), enter("officer-2"), house.now_ms()
    shift = {"from_ms": now - 3_600_000, "to_ms": now + 3_600_000}
    headers = {"X-CSRF-Token": first.csrf}
    given = await first.post("/api/v1/handover", json=shift, headers=headers)
    signed = given.json()["signed"]
    assert given.status_code == 200 and signed["taken_by"] is None
    path = f"/api/v1/handover/{signed['id']}/take"
    own = await first.post(path, json={"digest": signed["digest"]}, headers=headers)
    assert own.status_code == 409
    headers = {"X-CSRF-Token": second.csrf}
    old = await second.post(path, json={"digest": "0" * 64}, headers=headers)
    assert old.status_code == 409
    taken = await second.post(path, json={"digest": signed["digest"]}, headers=headers)
    assert taken.json()["signed"]["taken_by"] == "officer-2"
    none = await second.post("/api/v1/handover/99/take", json={"digest": "0" * 64}, headers=headers)
    assert none.status_code == 404
