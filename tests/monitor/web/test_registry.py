"""The registry over the API: states, what people decide, and that all of it stands on record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts.database.access import reading
from alerts.database.tables import journal
from devices.batch import Refusal
from devices.codecs.refuse import refusal
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code

STRANGER = "31105001002015019999"


def said(house: House, gateway: str, *refusals: Refusal, times: int = 1, ago_ms: int = 0) -> None:
    topic = f"lift/v1/{gateway}/telemetry"
    for _ in range(times):
        at_ms = house.now_ms() - ago_ms
        house.keeper.sightings.note(topic, gateway, b'{"v":1,"seq":7}', refusals, at_ms)
    house.keeper.turn()


async def listed(client: Any, kind: str = "lift", **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v1/registry/{kind}s", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


def lines(house: House) -> list[dict[str, Any]]:
    with reading(house.engine) as conn:
        rows = conn.execute(journal.select().where(journal.c.kind == "registry")).all()
    return [json.loads(row.data) | {"actor": row.actor} for row in rows]


async def post(client: Any, path: str, **body: Any) -> Any:
    headers = {"X-CSRF-Token": client.csrf}
    return await client.post(f"/api/v1/registry/{path}", json=body, headers=headers)


async def test_every_state_has_its_place_and_its_default(house: House, enter: Enter) -> None:
    desk = enter("operator")
    assert {row["state"] for row in await listed(desk)} == {"never_seen"}
    house.spoke(*range(24))
    assert {row["state"] for row in await listed(desk)} == {"ok"}

    unknown = refusal("unknown_lift", "lift", STRANGER, "20 digits", STRANGER)
    other = refusal("wrong_gateway", "lift", reg_code(1), "gw-2", reg_code(1))
    said(house, "gw-1", unknown, other, times=3)
    said(house, "gw-9", refusal("unknown_gateway", "topic", "gw-9"))

    (one,) = await listed(desk, state="unregistered")
    assert one["id"] == STRANGER
    (seen,) = one["seen_by"]
    assert (seen["gateway"], seen["count"], seen["size"]) == ("gw-1", 3, 45)
    assert seen["topic"] == "lift/v1/gw-1/telemetry"
    assert seen["sample"] == '{"v":1,"seq":7}'
    assert seen["first_ms"] <= seen["last_ms"]
    (two,) = await listed(desk, state="two_gateways")
    assert (two["id"], two["gateway"]) == (reg_code(1), "gw-2")
    assert [by["gateway"] for by in two["seen_by"]] == ["gw-1"]
    (gateway,) = await listed(desk, "gateway", state="unregistered")
    assert (gateway["id"], gateway["seen_by"][0]["topic"]) == ("gw-9", "lift/v1/gw-9/telemetry")
    for row in (one, two, gateway):
        assert row["default"]["zh"]
        assert row["default"]["en"]

    summary = (await desk.get("/api/v1/registry/summary")).json()
    assert summary["lifts"] == {"unregistered": 1, "two_gateways": 1, "ok": 23}
    assert sum(sum(site["lifts"].values()) for site in summary["sites"]) == 24


async def test_one_tap_moves_a_lift_and_asks_about_its_baseline(house: House, enter: Enter) -> None:
    admin = enter("admin")
    house.spoke(*range(24))
    said(house, "gw-1", refusal("wrong_gateway", "lift", reg_code(1), "gw-2", reg_code(1)))
    answer = await post(admin, f"lifts/{reg_code(1)}/move", gateway="gw-1")
    assert answer.status_code == 200, answer.text

    (row,) = await listed(admin, q=reg_code(1))
    assert (row["state"], row["gateway"], row["moved_from"]) == ("replaced", "gw-1", "gw-2")
    assert house.registry.find(reg_code(1)).gateway == "gw-1"  # type: ignore[union-attr]
    answer = await post(admin, f"lifts/{reg_code(1)}/baseline", baseline="keep")
    assert answer.status_code == 200
    (row,) = await listed(admin, q=reg_code(1))
    assert row["state"] == "moved", "not heard by its new gateway yet"
    house.spoke(1)
    (row,) = await listed(admin, q=reg_code(1))
    assert row["state"] == "ok"
    assert {(one["what"], one["actor"]) for one in lines(house) if "what" in one} == {
        ("moved", "admin"), ("baseline", "admin"),
    }  # fmt: skip
    assert any(c["what"] == "moved" for one in lines(house) for c in one.get("changes", ()))


async def test_an_answer_may_come_with_the_move(house: House, enter: Enter) -> None:
    admin = enter("admin")
    house.spoke(*range(24))
    await post(admin, f"lifts/{reg_code(3)}/move", gateway="gw-1", baseline="fresh")
    (row,) = await listed(admin, q=reg_code(3))
    assert (row["state"], row["question"]) == ("moved", None)
    assert row["device_since_ms"] is not None


async def test_retired_and_back(house: House, enter: Enter) -> None:
    admin = enter("admin")
    house.spoke(*range(24))
    assert (await post(admin, f"lifts/{reg_code(5)}/retire", reason="拆除")).status_code == 200
    (row,) = await listed(admin, q=reg_code(5))
    assert row["state"] == "retired"
    assert reg_code(5) not in house.registry.row_of
    said(house, "gw-2", refusal("unknown_lift", "lift", reg_code(5), "registered", reg_code(5)))
    (row,) = await listed(admin, q=reg_code(5))
    assert row["state"] == "unregistered", "it speaks on"
    assert row["retired_ms"]

    assert (await post(admin, "lifts", row={"reg_code": reg_code(5)})).status_code == 200
    (row,) = await listed(admin, q=reg_code(5))
    assert row["place"], "its line came back with it"
    assert house.registry.row_of[reg_code(5)] == 5, "and so did its row"


async def test_a_gateway_that_spoke_unasked_is_registered_or_dismissed(
    house: House, enter: Enter
) -> None:
    admin = enter("admin")
    said(house, "gw-8", refusal("unknown_gateway", "topic", "gw-8"))
    said(house, "gw-9", refusal("unknown_gateway", "topic", "gw-9"))
    assert (await post(admin, "gateways", id="gw-8", vendor="acme")).status_code == 200
    assert (await post(admin, "gateways/gw-9/dismiss")).status_code == 200
    assert await listed(admin, "gateway", state="unregistered") == []
    assert "gw-8" in {row["id"] for row in await listed(admin, "gateway", state="never_seen")}
    assert (await post(admin, "gateways/gw-9/dismiss")).status_code == 409
    refused = await post(admin, "gateways/gw-1/retire")
    assert refused.status_code == 409
    assert "12" in refused.json()["detail"]


async def test_pages_of_the_list_follow_each_other(house: House, enter: Enter) -> None:
    desk = enter("operator")
    found: list[str] = []
    cursor = None
    for _ in range(3):
        answer = await desk.get(
            "/api/v1/registry/lifts", params={"limit": 10, **({"cursor": cursor} if cursor else {})}
        )
        found += [row["id"] for row in answer.json()["entries"]]
        cursor = answer.json()["next_cursor"]
    assert found == [reg_code(i) for i in range(24)]
    assert cursor is None


@pytest.mark.parametrize("name", ["operator", "firm-a"])
async def test_only_an_administrator_changes_it(house: House, enter: Enter, name: str) -> None:
    client = enter(name)
    answer = await post(client, f"lifts/{reg_code(1)}/move", gateway="gw-1")
    assert answer.status_code == 403
    if name == "firm-a":
        assert (await client.get("/api/v1/registry/lifts")).status_code == 403


async def test_what_cannot_be_is_refused_by_name(house: House, enter: Enter) -> None:
    admin = enter("admin")
    answer = await post(admin, f"lifts/{reg_code(1)}/move", gateway="gw-77")
    assert answer.status_code == 409
    assert (answer.json()["field"], answer.json()["value"]) == ("gateway", "gw-77")
    answer = await admin.get("/api/v1/registry/lifts", params={"state": "lost"})
    assert answer.status_code == 422
    assert "never_seen" in answer.json()["limit"]
    folder = house.settings.site.folder
    text = (folder / "lifts.csv").read_text("utf-8")
    (folder / "lifts.csv").write_text(text.replace("1.75", "175"), "utf-8")
    answer = await post(admin, "reload")
    assert answer.status_code == 409
    assert "rated_speed" in answer.json()["field"]
