"""Administration: rules, people, journal, settings, channels and rosters; for administrators."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select, update

from alerts.database.access import reading, writing
from alerts.database.tables import alert, journal
from alerts.model import Role
from config.meanings import MEANINGS
from config.settings import Settings
from devices.codecs import dialects, thingsboard
from monitor.admin import inventory
from monitor.web.auth import ROLES, check_password, find_user
from monitor.web.i18n import LANGUAGES
from tests.monitor.web.admin_site import KeepingChannel, tomorrow, write_directory
from tests.monitor.web.conftest import Client, Enter
from tests.monitor.web.house import House
from tests.monitor.web.town import reg_code
from tests.support.wait import until

PAGES = (
    "/admin", "/admin/rules", "/admin/rules/1", "/admin/rules/1/edit", "/admin/people",
    "/admin/units", "/admin/units/anda", "/admin/chains", "/admin/channels", "/admin/codes",
    "/admin/settings", "/admin/retention", "/admin/audit",
)  # fmt: skip
API = (
    "rules", "rules/1", "accounts", "journal", "journal/verify", "settings", "retention",
    "formats", "chains", "channels", "units", "units/anda/roster",
)  # fmt: skip


def headers(client: Client) -> dict[str, str]:
    return {"X-CSRF-Token": client.csrf}


def written(house: House, kind: str) -> list[dict[str, object]]:
    with reading(house.engine) as conn:
        query = select(journal.c.data).where(journal.c.kind == kind).order_by(journal.c.id)
        return [orjson.loads(data) for data in conn.execute(query).scalars()]


async def test_pages_open_in_both_languages_and_are_for_administrators(
    house: House, enter: Enter
) -> None:
    write_directory(house)
    for lang in LANGUAGES:
        admin = enter("admin", lang.replace("_", "-"))
        for page in PAGES:
            assert (await admin.get(page)).status_code == 200, page
    operator, firm = enter("operator"), enter("firm-a")
    for path in PAGES[1:]:
        assert (await operator.get(path)).status_code == 403, path
    for path in API:
        assert (await enter("admin").get(f"/api/v1/admin/{path}")).status_code == 200, path
        refused = await operator.get(f"/api/v1/admin/{path}")
        assert (refused.status_code, refused.json()["field"]) == (403, "role")
        assert "administrator" in refused.json()["detail"], "it says why"
    assert (await firm.get("/admin")).status_code == 403
    landing = (await operator.get("/admin")).text
    assert "/registry" in landing and "/admin/people" not in landing


async def test_a_rule_is_checked_saved_obeyed_and_undone(house: House, enter: Enter) -> None:
    admin = enter("admin")
    at = "/api/v1/admin/rules/18"
    body = {"changes": {"severity": "fatal"}}
    wrong = await admin.post(f"{at}/check", json=body, headers=headers(admin))
    assert (wrong.status_code, wrong.json()["field"]) == (422, "severity")
    assert "critical, major, minor, info" in wrong.json()["detail"]
    body = {"changes": {"when": "door_opn"}}
    wrong = await admin.post(f"{at}/check", json=body, headers=headers(admin))
    assert wrong.json()["field"] == "when" and "door_open" in wrong.json()["detail"]
    chain = await admin.post(
        f"{at}/check", json={"changes": {"chain": "Z"}}, headers=headers(admin)
    )
    assert (chain.status_code, chain.json()["field"]) == (422, "chain")

    saved = {"changes": {"severity": "major", "hold_s": 5}, "version": 0, "comment": "louder"}
    answer = await admin.put(at, json=saved, headers=headers(admin))
    assert answer.json() == {"version": 1}
    number = house.raise_alert(3, "18", people=0)
    with reading(house.engine) as conn:
        assert (
            conn.execute(select(alert.c.severity).where(alert.c.id == number)).scalar() == "major"
        )
    again = await admin.put(at, json=saved, headers=headers(admin))
    assert (again.status_code, again.json()["field"]) == (422, "version"), "made from an older one"
    told = (await admin.get(at)).json()
    assert told["rule"]["source"] == "desk" and told["rule"]["file_values"]["severity"] == "minor"
    line = written(house, "rule_edited")[-1]
    assert line["changes"]["severity"] == {"before": "minor", "after": "major"}  # type: ignore[index]

    back = await admin.post(f"{at}/restore", json={"to": 0, "version": 1}, headers=headers(admin))
    assert back.json() == {"version": 2}
    assert (await admin.get(at)).json()["rule"]["source"] == "file"
    number = house.raise_alert(4, "18", people=0)
    with reading(house.engine) as conn:
        assert (
            conn.execute(select(alert.c.severity).where(alert.c.id == number)).scalar() == "minor"
        )
    forth = await admin.post(f"{at}/restore", json={"to": 1, "version": 2}, headers=headers(admin))
    assert forth.json() == {"version": 3}


async def test_a_change_that_fits_its_file_no_more_is_set_aside(house: House, enter: Enter) -> None:
    admin = enter("admin")
    body = {"changes": {"when": "door_open and said_shut"}, "version": 0}
    answer = await admin.put("/api/v1/admin/rules/18", json=body, headers=headers(admin))
    assert answer.status_code == 200
    read = house.rulebook.read()
    own = house.settings.site.folder / "rules.toml"
    own.write_text(read.text.replace("said_shut", "shut_it_said"), "utf-8")
    read = house.rulebook.read()
    assert "18" in read.aside and read.changes("18") == {}
    assert read.rule("18").source == read.tables["18"]["when"]
    page = (await admin.get("/admin/rules/18")).text
    assert "set aside" in page


async def test_people_are_invited_and_the_last_administrator_stays(
    house: House, enter: Enter
) -> None:
    admin = enter("admin")

    async def post(path: str, **body: object) -> object:
        return await admin.post(f"/api/v1/admin/accounts{path}", json=body, headers=headers(admin))

    for act in ("lock", "remove", "reset"):
        refused = await post(f"/admin/{act}")
        assert refused.status_code == 422 and "last administrator" in refused.text  # type: ignore[attr-defined]
    made = await post("", name="li.wei", role="admin")
    link = made.json()["link"]  # type: ignore[attr-defined]
    path = link[link.index("/invitation/") :]
    refused = await post("/admin/lock")
    assert refused.status_code == 422, "an invited one cannot sign in yet"  # type: ignore[attr-defined]

    stranger = enter()
    page = (await stranger.get(path)).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": csrf, "password": "short", "again": "short"}
    assert (await stranger.post(path, data=form)).status_code == 422
    form |= {"password": "a long password", "again": "a long password"}
    assert (await stranger.post(path, data=form)).status_code == 303
    assert (await stranger.get(path)).status_code == 404, "it works once"
    assert check_password(house.engine, "li.wei", "a long password") is not None

    other = enter("li.wei")
    assert (await other.get("/admin/people")).status_code == 200
    assert (await post("/li.wei/lock")).status_code == 200  # type: ignore[attr-defined]
    assert (await other.get("/admin/people")).status_code == 303, "its session has ended"
    assert check_password(house.engine, "li.wei", "a long password") is None
    lines = written(house, "account")
    assert [one["what"] for one in lines] == ["invited", "password_set", "locked"]
    assert "password" not in str(lines[0]) and path.rsplit("/", 1)[1] not in str(lines)
    assert (await post("/li.wei/unlock")).status_code == 200  # type: ignore[attr-defined]
    other = enter("li.wei")
    assert (await post("/li.wei/end-sessions")).status_code == 200  # type: ignore[attr-defined]
    assert (await other.get("/alerts")).status_code == 303
    unit = await admin.put(
        "/api/v1/admin/accounts/li.wei/role", json={"role": "firm"}, headers=headers(admin)
    )
    assert (unit.status_code, unit.json()["field"]) == (422, "unit")
    body = {"role": "firm", "unit": "anda"}
    await admin.put("/api/v1/admin/accounts/li.wei/role", json=body, headers=headers(admin))
    found = find_user(house.engine, "li.wei")
    assert found is not None and found.scope == "anda"


async def test_every_role_can_be_given(house: House, enter: Enter) -> None:
    admin = enter("admin")
    app = admin._transport.app  # type: ignore[attr-defined]
    schemas = app.openapi()["components"]["schemas"]
    for body in ("RoleBody", "InviteBody"):
        assert schemas[body]["properties"]["role"]["enum"] == [role.value for role in ROLES]
    at = "/api/v1/admin/accounts"
    for role in ROLES:
        unit = {"unit": "anda"} if role is Role.FIRM else {}
        told = {"name": f"new.{role}", "role": role.value} | unit
        made = await admin.post(at, json=told, headers=headers(admin))
        assert made.status_code == 200, made.text
        found = find_user(house.engine, f"new.{role}")
        assert found is not None and found.role is role
        body = {"role": role.value} | unit
        moved = await admin.put(f"{at}/operator/role", json=body, headers=headers(admin))
        assert moved.status_code == 200, moved.text
    for wrong in ("system", "root"):
        body = {"name": "x", "role": wrong}
        no = await admin.post(at, json=body, headers=headers(admin))
        assert (no.status_code, no.json()["field"]) == (422, "role")


async def test_the_journal_is_read_checked_and_exported(house: House, enter: Enter) -> None:
    admin, number = enter("admin"), house.raise_alert()
    house.raise_alert(2, "12", people=0)
    found = (await admin.get(f"/api/v1/admin/journal?alert={number}&kind=raised")).json()
    assert [one["alert_id"] for one in found["lines"]] == [number]
    assert (await admin.get("/api/v1/admin/journal?who=nobody-of-ours")).json()["lines"] == []
    raw = (await admin.get("/api/v1/admin/journal/export")).text.splitlines()
    assert [orjson.loads(one)["id"] for one in raw] == list(range(1, len(raw) + 1))

    async def verified() -> dict[str, object]:
        await admin.post("/api/v1/admin/journal/verify", headers=headers(admin))
        until(lambda: app_check().state == "done", what="the check")
        return (await admin.get("/api/v1/admin/journal/verify")).json()["check"]

    def app_check() -> object:
        return admin._transport.app.state.web.checker.last  # type: ignore[attr-defined]

    check = await verified()
    assert check["ok"] and check["done"] == len(raw)
    with writing(house.engine) as conn:
        conn.execute(update(journal).where(journal.c.id == 1).values(actor="somebody"))
    check = await verified()
    assert not check["ok"] and check["findings"][0]["id"] == 1  # type: ignore[index]
    page = (await admin.get("/admin/audit")).text
    assert "broken" in page


async def test_every_setting_is_told_and_no_secret(house: House, enter: Enter) -> None:
    assert set(inventory.keys()) == set(MEANINGS), "every setting has its meaning"
    secret = "hunter2-hunter2"
    told = inventory.entries(
        Settings(
            mqtt={"password": secret},  # type: ignore[arg-type]
            database_url=f"postgresql://liftwatch:{secret}@db/liftwatch",
            notify={"replies": {"secrets": {"anda": secret}}},  # type: ignore[arg-type]
        )
    )
    assert secret not in str(told)
    assert {one.key: one.source for one in told}["mqtt.password"] == "start"
    rows = (await enter("admin").get("/api/v1/admin/settings")).json()["settings"]
    assert len(rows) == len(MEANINGS)


@pytest.mark.parametrize(
    "address",
    ["http://liftwatch:hunter2@influx:8086/", "https://hunter2@influx", "redis://:hun/ter2@h:1",
     "http://[odd:hunter2@influx", "https://influx/write?access_token=hunter2&db=x",
     "http://u:hunter2@host:no-port"],
)  # fmt: skip
def test_no_address_tells_its_secret_whatever_the_key(address: str) -> None:
    told = inventory.entries(Settings(influx={"url": address}))  # type: ignore[arg-type]
    value = {one.key: one.value for one in told}["influx.url"]
    assert "ter2" not in value and inventory.MASK in value
    assert (
        inventory.told("https://map/{lat},{lon}?key={key}") == "https://map/{lat},{lon}?key={key}"
    )


async def test_every_dialect_there_is_is_told(
    house: House, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dialects.DIALECTS, "new-one", thingsboard.build)  # type: ignore[arg-type]
    told = (await enter("admin").get("/api/v1/admin/formats")).json()["formats"]
    topics = {one["name"]: one["topic"] for one in told}
    assert set(topics) == {"lift/v1", "new-one", "sparkplug", "thingsboard", "thingsboard-bare"}
    assert topics["new-one"] == topics["thingsboard"] != topics["thingsboard-bare"]
    assert all(topics.values())


def test_where_a_value_comes_from(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from config.settings import load_settings

    file = tmp_path / "site.toml"
    file.write_text('data_dir = "var"\n\n[web]\nport = 9000\nsession_hours = 8\n', "utf-8")
    monkeypatch.setenv("LIFTWATCH_WEB__PORT", "9100")
    settings = load_settings(file)
    file.write_text(file.read_text("utf-8").replace("= 8", "= 6"), "utf-8")
    by_key = {one.key: one for one in inventory.entries(settings)}
    port, hours = by_key["web.port"], by_key["web.session_hours"]
    assert (port.value, port.source) == ("9100", "environment")
    assert (hours.value, hours.source, hours.line, hours.pending) == ("8", "file", 5, "6")
    assert by_key["web.host"].source == "default"


async def test_a_channel_is_tried_and_the_receipt_shown(house: House, enter: Enter) -> None:
    write_directory(house)
    house.channels["mqtt"] = KeepingChannel()
    admin = enter("admin")
    at, body = "/api/v1/admin/channels/mqtt/test", {"contact": "c-anda"}
    answer = (await admin.post(at, json=body, headers=headers(admin))).json()
    assert answer["ok"] and answer["receipt"] == "250 taken (ref-7)"
    assert house.channels["mqtt"].items[0].page["test"] is True
    house.channels["mqtt"] = KeepingChannel(works=False)
    form = {"csrf": admin.csrf, "contact": "c-anda"}
    page = (await admin.post("/admin/channels/mqtt/test", data=form)).text
    assert "Not delivered" in page and "550 no such address" in page
    assert [one["ok"] for one in written(house, "channel_tested")] == [True, False]
    missing = await admin.post(at, json={"contact": "x"}, headers=headers(admin))
    assert missing.status_code == 404


async def test_a_chain_is_explained(house: House, enter: Enter) -> None:
    admin = enter("admin")
    path = f"/api/v1/admin/chains/explain?lift={reg_code(0)}&rule=1&people=2"
    told = (await admin.get(path)).json()
    assert told["chain"] == "R" and told["steps"][0]["people"]
    page = await admin.get("/admin/chains?lift=nonsense&rule=1")
    assert page.status_code == 404 and "nonsense" in page.text


async def test_a_stand_in_is_entered_and_counts(house: House, enter: Enter) -> None:
    write_directory(house)
    admin, begin = enter("admin"), tomorrow(house)
    units = {one["id"]: one for one in (await admin.get("/api/v1/admin/units")).json()["units"]}
    assert units["anda"]["gaps"], "nobody on Sundays"
    body = {
        "out": "c-anda", "stand_in": "c-anda", "kind": "swap",
        "from_at": begin.isoformat(), "to_at": begin.replace(hour=18).isoformat(),
    }  # fmt: skip
    at = "/api/v1/admin/units/anda/swaps"
    refused = await admin.post(at, json=body, headers=headers(admin))
    assert refused.status_code == 422 and "in" in refused.json()["field"]
    for out, other in (("c-anda", "c-wu"), ("c-zhou", "c-wu")):
        body |= {"out": out, "stand_in": other, "kind": "illness"}
        assert (await admin.post(at, json=body, headers=headers(admin))).json() == {"ok": True}
    assert len(house.directory.rosters["anda"].swaps) == 2
    assert written(house, "roster")[0]["unit"] == "anda"
    calendar = (await admin.get("/api/v1/admin/units/anda/roster.ics")).text
    assert calendar.startswith("BEGIN:VCALENDAR")
    assert "病假" in (await enter("admin", "zh-CN").get("/admin/units/anda")).text


async def test_codes_nobody_knew_lead_to_the_quarantine(house: House, enter: Enter) -> None:
    house.quarantine.add(reason="unknown_code", field="code", value="4711")
    told = (await enter("admin").get("/api/v1/admin/formats")).json()
    assert told["unknown_codes"][0]["code"] == "4711"
    assert {one["name"] for one in told["code_maps"]} >= {"shanghai", "chongqing"}
    page = (await enter("admin").get("/admin/codes")).text
    assert "/quarantine?reason=unknown_code" in page
