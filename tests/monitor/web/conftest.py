from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from monitor.web.app import create_app
from monitor.web.auth import find_user
from monitor.web.sessions import COOKIE, Session
from monitor.web.visitor import Web
from tests.monitor.web.house import House, Running
from tests.monitor.web.past_site import write_past
from tests.support.ports import free_port
from tests.support.wait import until


class Client(httpx.AsyncClient):
    """A browser's cookies and the token of its forms, without signing in by password."""

    csrf = ""

    async def step(self, alert_id: int, step: str, **body: str) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf}
        return await self.post(f"/api/v1/alerts/{alert_id}/{step}", json=body, headers=headers)


Enter = Callable[..., Client]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.users()
    yield house
    house.engine.dispose()


@pytest.fixture
def end_ms(house: House) -> Iterator[int]:
    """Where the past of lift 0 ends, see `write_past`."""
    yield write_past(house)
    house.quarantine._history.close()


@pytest.fixture
async def app(house: House) -> AsyncIterator[FastAPI]:
    app = create_app(house)
    async with app.router.lifespan_context(app):
        yield app


def cookie_of(app: FastAPI, house: House, name: str) -> tuple[str, str]:
    """The cookie of somebody who has signed in, and the token of the forms."""
    web: Web = app.state.web
    user = find_user(house.engine, name)
    assert user is not None
    session = Session("nonce", name, user.mark)
    response = Response()
    web.sessions.write(response, session)
    value = response.headers["set-cookie"].split(";")[0].partition("=")[2]
    return value, web.sessions.csrf(session)


@pytest.fixture
async def enter(app: FastAPI, house: House) -> AsyncIterator[Enter]:
    """`enter("operator")` is a client signed in as that user; `enter()` a stranger."""
    clients: list[Client] = []

    def make(name: str | None = None, lang: str = "en") -> Client:
        transport = httpx.ASGITransport(app, client=("203.0.113.7", 4711))
        client = Client(
            transport=transport, base_url="http://test", headers={"Accept-Language": lang}
        )
        if name:
            value, client.csrf = cookie_of(app, house, name)
            client.cookies.set(COOKIE, value)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def running(house: House) -> Iterator[Running]:
    """The same house behind a real uvicorn, for streams and browsers."""
    running = Running(create_app(house), free_port())
    running.thread.start()
    until(lambda: running.server.started, what="uvicorn to listen")
    yield running
    running.stop()
