"""What every part of the API keeps to, over the whole OpenAPI document.

A new operation is held to all of this by being there. What it needs: an example of its answer
with every member, a tag that stands in monitor.web.api.tags, and a value in VALUES below for a name
in its path or a needed parameter that is new.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from alerts.model import Actor, Role, Step
from monitor.quarantine.choice import Choice
from monitor.web import tokens
from monitor.web.api.document import operations
from monitor.web.api.tags import TAGS
from tests.monitor.web.admin_site import write_directory
from tests.monitor.web.conftest import Enter
from tests.monitor.web.house import House, reg_code

ADMIN = Actor("admin", Role.ADMIN)
VALUES: dict[str, Any] = {
    "alert_id": 1, "reg_code": reg_code(0), "kind": "lift", "gateway": "gw-1", "number": 1,
    "token_id": 1, "channel": "speed", "channels": "speed", "after": 0, "name": "city", "order": 1,
    "step": "acknowledge", "lift": reg_code(0), "rule": "1", "key": "abcdefghijklmnop",
    "act": "lock", "by": "street_office", "unit": "anda", "report_id": 1,
}  # fmt: skip
# Where one name means different things.
AT: dict[str, dict[str, Any]] = {
    "/api/v1/admin/rules/{ident}": {"ident": "1"},
    "/api/v1/admin/units/{ident}": {"ident": "anda"},
    "/api/v1/registry/{kind}s/{ident}": {"ident": reg_code(0)},
    "/api/v1/lifts/{reg_code}/{step}": {"step": "suppress"},
}
# Nothing of the kind is in a House that has just been built; they answer 404, and their own tests
# hold the answer: the platforms above, back-tests, a download that runs, an administrator's unit.
ABSENT = {
    "/api/v1/firm",
    "/api/v1/upstream/{name}/deliveries", "/api/v1/admin/backtests/{number}",
    "/api/v1/lifts/{reg_code}/export/{key}",
}  # fmt: skip
# Lists that are whole by nature: as long as what they list is few. All others have pages.
WHOLE = {
    "/api/v1/suppressions", "/api/v1/registry/claims", "/api/v1/registry/credentials",
    "/api/v1/links/vendors", "/api/v1/links/days", "/api/v1/quarantine/reasons", "/api/v1/upstream",
    "/api/v1/upstream/{name}/deliveries",
}  # fmt: skip
CHINESE = re.compile("[\u3400-\u9fff]")
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def spec(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def address(path: str, operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path filled in, and the query parameters that are needed."""
    values = dict(VALUES)
    for start, more in AT.items():
        values |= more if path.startswith(start) else {}
    needed = [p for p in operation.get("parameters", []) if p["required"]]
    missing = {p["name"] for p in needed} - set(values)
    assert not missing, f"{path}: give VALUES in test_document.py a value for {missing}"
    query = {p["name"]: values[p["name"]] for p in needed if p["in"] == "query"}
    return path.format(**values), query


def unsafe(spec: dict[str, Any]) -> Iterator[Operation]:
    yield from (one for one in operations(spec) if one[0] != "GET")


def validator(spec: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": spec["components"]})


def check_problem(spec: dict[str, Any], answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    validator(spec, spec["components"]["schemas"]["Problem"]).validate(body)
    assert body["status"] == answer.status_code
    assert body["detail"] == body["text"]["en"]
    return body


def test_the_document_is_openapi_3_1(spec: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(spec).validate()
    assert spec["openapi"].startswith("3.1")
    assert set(spec["components"]["securitySchemes"]) == {"basic", "bearer", "session"}
    assert [tag["name"] for tag in spec["tags"]] == list(TAGS)


def test_every_operation_is_told_whole(spec: dict[str, Any]) -> None:
    seen: set[str] = set()
    for method, path, operation in operations(spec):
        where = (method, path)
        assert operation["tags"][0] in TAGS, (where, "its part stands in monitor.web.api.tags")
        assert 8 < len(operation["summary"]) < 200 and not CHINESE.search(operation["summary"]), (
            where
        )
        assert len(operation["description"]) > 20, where
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        content = operation["responses"]["200"]["content"]
        assert all(one.get("example") for one in content.values()), (where, "an example")
        errors = {status for status in operation["responses"] if status >= "4"}
        assert {"401", "403", "404", "405", "422", "429", "500"} <= errors, where
        for status in errors:
            told = operation["responses"][status]["content"]["application/problem+json"]
            assert told["schema"] == {"$ref": "#/components/schemas/Problem"}, where
            validator(spec, told["schema"]).validate(told["example"])
        for param in operation.get("parameters", []):
            assert "schema" in param, where


def test_examples_fit_their_own_schemas(spec: dict[str, Any]) -> None:
    for method, path, operation in operations(spec):
        content = operation["responses"]["200"]["content"].get("application/json")
        if content:
            error = next(validator(spec, content["schema"]).iter_errors(content["example"]), None)
            assert error is None, (method, path, error)


def test_every_list_has_the_one_shape(spec: dict[str, Any]) -> None:
    for method, path, operation in operations(spec):
        example = operation["responses"]["200"]["content"].get("application/json", {})
        body = example.get("example")
        params = {p["name"]: p for p in operation.get("parameters", [])}
        if method != "GET" or not isinstance(body, dict):
            continue
        if "limit" in params and path not in WHOLE:
            assert "next_cursor" in body and "next" in body, (path, "pages: next_cursor")
        if "next_cursor" in body:
            assert {"cursor", "limit"} <= set(params), path
            kinds = json.dumps(params["cursor"]["schema"])
            assert "integer" not in kinds, (path, "cursors are opaque: monitor.web.api.paging")
            rows = [value for value in body.values() if isinstance(value, list)]
            assert any(rows), (path, "the example shows a row")


@pytest.fixture
def full(house: House) -> House:
    """A house in which there is one of each."""
    write_directory(house)
    house.say(0, people=3.0)
    house.raise_alert(0)
    house.raise_alert(1, "12", people=None)
    house.spoke(0, 1)
    house.quarantine.add()
    for name in ("one", "two"):
        tokens.make(house.engine, "admin", name, [], 30, ADMIN, house.now_ms(), longest=365)
    house.claims.make("gw-09", ADMIN, 60)
    house.quarantine.ask("try", Choice((1,)), ADMIN, house.now_ms(), None)
    until_ms = house.now_ms() + 3_600_000
    house.desk.take_out_of_service(reg_code(3), ADMIN, house.now_ms(), "ropes", until_ms)
    drill = house.desk.drill(house.now_ms(), reg_code(4), ADMIN, "1", 1, 5)
    assert drill.ok, drill.text
    return house


async def test_real_answers_are_as_their_schemas_say(
    full: House, spec: dict[str, Any], enter: Enter
) -> None:
    client, wrong, checked = enter("admin"), [], 0
    for method, path, operation in operations(spec):
        content = operation["responses"]["200"]["content"]
        if method != "GET" or "text/event-stream" in content:
            continue
        where, query = address(path, operation)
        answer = await client.get(where, params=query)
        if path in ABSENT:
            assert answer.status_code in (404, 422), where
            check_problem(spec, answer)
            continue
        if answer.status_code != 200:
            wrong.append((where, answer.status_code, answer.text[:300]))
            continue
        kind = answer.headers["content-type"].partition(";")[0]
        if kind != "application/json":
            assert kind in {one.partition(";")[0] for one in content}, (where, kind)
            continue
        schema = content["application/json"]["schema"]
        for error in list(validator(spec, schema).iter_errors(answer.json()))[:3]:
            wrong.append((where, error.json_path, error.message[:160]))
        checked += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert checked > 50


async def test_what_is_known_already_is_not_sent_again(
    full: House, spec: dict[str, Any], enter: Enter
) -> None:
    client, same = enter("admin"), 0
    for method, path, operation in operations(spec):
        responses = operation["responses"]
        if method != "GET" or "304" not in responses or path in ABSENT:
            continue
        where, query = address(path, operation)
        first = await client.get(where, params=query)
        tag = first.headers.get("etag")
        assert tag, (where, "answers to GET carry an ETag")
        assert "no-store" not in first.headers["cache-control"], where
        again = await client.get(where, params=query, headers={"If-None-Match": f'"x", {tag}'})
        if again.status_code == 304:
            assert again.content == b"" and again.headers["etag"] == tag
            same += 1
        else:  # it tells the time, or how old something is
            assert again.headers["etag"] != tag, where
    assert same > 30


Ask = Callable[[Operation], dict[str, Any]]


async def test_without_rights_nothing_is_done(
    full: House, spec: dict[str, Any], enter: Enter
) -> None:
    stranger, forged, reader = enter(), enter("admin"), enter()
    _, text = tokens.make(
        full.engine, "admin", "reader", ["read"], 1, ADMIN, full.now_ms(), longest=365
    )  # fmt: skip
    reader.headers["Authorization"] = f"Bearer {text}"
    tried = 0
    for method, path, operation in unsafe(spec):
        where, _ = address(path, operation)
        if not operation.get("security"):
            assert path == "/api/v1/claim", "open to anybody: only where a code is the right"
            continue
        for client, status, title in (
            (stranger, 401, "not signed in"),
            (forged, 403, "csrf"),
            (reader, 403, "token scope"),
        ):
            answer = await client.request(method, where, json={})
            body = check_problem(spec, answer)
            assert (answer.status_code, body["title"]) == (status, title), (method, where)
        tried += 1
    assert tried > 20


async def test_roles_are_as_the_document_says(
    full: House, spec: dict[str, Any], enter: Enter
) -> None:
    firm, desk = enter("firm-a"), enter("operator")
    for method, path, operation in operations(spec):
        roles = next(iter(operation.get("security", [{"": []}])[0].values()))
        where, query = address(path, operation)
        for client, kept_out in ((firm, {"desk", "admin"}), (desk, {"admin"})):
            if kept_out & set(roles):
                answer = await client.request(
                    method, where, params=query, json=None if method == "GET" else {},
                    headers={"X-CSRF-Token": client.csrf},
                )  # fmt: skip
                assert answer.status_code == 403, (method, where, answer.text)
                assert check_problem(spec, answer)["field"] == "role", where


async def test_every_way_to_be_wrong_is_told_alike(
    full: House, app: FastAPI, spec: dict[str, Any], enter: Enter
) -> None:
    client = enter("operator")
    csrf = {"X-CSRF-Token": client.csrf}
    accept = "/api/v1/alerts/1/accept"

    async def body_of(status: int, method: str, path: str, **more: Any) -> dict[str, Any]:
        more["headers"] = csrf | more.get("headers", {})
        answer = await client.request(method, path, **more)
        assert answer.status_code == status, answer.text
        return check_problem(spec, answer)

    assert (await body_of(404, "GET", "/api/v1/nowhere"))["field"] == "page"
    assert (await body_of(404, "GET", "/api/v1/alerts/999"))["value"] == "999"
    found = await body_of(405, "PATCH", "/api/v1/alerts")
    assert (found["field"], found["value"], found["limit"]) == ("method", "PATCH", "GET")
    large = await body_of(413, "POST", accept, json={"comment": "x" * 5_000_000})
    assert (large["field"], large["limit"]) == ("body", "4194304 bytes")
    plain = {"Content-Type": "text/plain"}
    other = await body_of(415, "POST", accept, content=b"{}", headers=plain)
    assert (other["field"], other["value"]) == ("Content-Type", "text/plain")
    json_type = {"Content-Type": "application/json"}
    broken = await body_of(422, "POST", accept, content=b"{", headers=json_type)
    assert (broken["field"], broken["limit"]) == ("body", "JSON")
    for path, field, limit in (
        ("alerts?limit=501", "limit", "≤ 500"),
        ("alerts?limit=0", "limit", "≥ 1"),
        ("alerts?limit=x", "limit", "a whole number"),
        ("alerts?severity=urgent", "severity", "critical"),
        (f"alerts?q={'x' * 101}", "q", "≤ 100 characters"),
        ("alerts?cursor=eA", "cursor", "next_cursor"),
    ):
        found = await body_of(422, "GET", f"/api/v1/{path}")
        assert found["field"] == field and limit in found["limit"], found


async def test_a_fault_of_ours_is_a_problem_too(
    house: House, app: FastAPI, spec: dict[str, Any], enter: Enter, monkeypatch: Any
) -> None:
    client = enter("operator")

    def fail() -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(house, "health", fail)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", cookies=client.cookies,
        headers={"Accept-Language": "en"},
    ) as reader:  # fmt: skip
        answer = await reader.get("/api/v1/health")
    assert answer.status_code == 500
    assert check_problem(spec, answer)["title"] == "broken"
    assert answer.headers["retry-after"] and answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text


async def test_links_lead_through_a_list_while_it_grows(house: House, enter: Enter) -> None:
    made = [house.raise_alert(i, "12", people=None) for i in range(7)]
    client, seen, where = enter("operator"), [], "/api/v1/alerts?severity=major&limit=3"
    while where:
        answer = await client.get(where)
        body = answer.json()
        seen += [alert["id"] for alert in body["alerts"]]
        house.raise_alert(10 + len(seen), "12", people=None)
        link = answer.headers.get("link")
        assert link == (f'<{body["next"]}>; rel="next"' if body["next"] else None)
        assert (body["next"] is None) == (body["next_cursor"] is None)
        where = body["next"]
    assert seen == made[::-1]
    cursor = (await client.get("/api/v1/alerts?limit=1")).json()["next_cursor"]
    assert str(made[0]) not in cursor, "opaque"
    other = await client.get("/api/v1/quarantine", params={"cursor": cursor})
    assert (other.status_code, other.json()["field"]) == (422, "cursor"), "of another list"


async def test_a_change_goes_through_only_on_what_was_seen(house: House, enter: Enter) -> None:
    alert, client = house.raise_alert(0), enter("operator")
    path = f"/api/v1/alerts/{alert}"
    seen = (await client.get(path)).headers["etag"]
    house.desk.act(alert, Step.ACKNOWLEDGE, Actor("desk", Role.OPERATOR), house.now_ms())
    headers = {"X-CSRF-Token": client.csrf, "If-Match": seen}
    late = await client.post(f"{path}/accept", headers=headers)
    assert (late.status_code, late.json()["field"]) == (412, "If-Match")
    now = (await client.get(path)).headers["etag"]
    assert late.headers["etag"] == late.json()["limit"] == now
    done = await client.post(f"{path}/accept", headers=headers | {"If-Match": now})
    assert done.json()["changed"] is True
