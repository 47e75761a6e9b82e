"""The web application: console, API and probes over one service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from monitor.web import api, cap, incoming, probes, problems, refusals
from monitor.web.api.document import document
from monitor.web.console import (
    account,
    admin,
    alerts,
    api_page,
    asides,
    bigscreen,
    desk,
    drills,
    firm,
    handover,
    incident,
    installed,
    lift,
    links,
    papers,
    push,
    quality,
    quarantine,
    registry,
    signin,
    system,
    tap,
)
from monitor.web.console import (
    fleet as fleet_pages,
)
from monitor.web.console.render import TEMPLATES, Pages
from monitor.web.feed import Hub
from monitor.web.fleet.fleet import Fleet
from monitor.web.i18n import load_catalogues
from monitor.web.ports import ServicePort
from monitor.web.security import BodyLimit, SecurityHeaders
from monitor.web.sessions import Sessions
from monitor.web.static_files import FOREVER, STATIC, Immutable, static_version, together_in
from monitor.web.visitor import Web, web_of

texts = APIRouter(include_in_schema=False)


@texts.get("/texts/{lang}-{version}.js")
def messages(request: Request, lang: str, version: str) -> Response:
    """The messages of one language as a module; the address changes with them."""
    catalogue = web_of(request).catalogues.get(lang)
    if catalogue is None or catalogue.version != version:
        raise problems.not_found("page", request.url.path)
    headers = {"Cache-Control": FOREVER}
    return Response(catalogue.script, media_type="text/javascript", headers=headers)


def create_app(port: ServicePort) -> FastAPI:
    """Return the application for a running service.

    The feed begins with the application's lifespan. Run it by `monitor.web.server.Server`, which
    ends the feed's streams before it waits for open connections.
    """
    https = port.settings.public_url.startswith("https://")
    sessions = Sessions(port.secret, port.settings.web.session_hours, https)
    catalogues = load_catalogues()
    web = Web(port, sessions, catalogues, Pages(port, catalogues, sessions), Hub(port))

    fleet = Fleet(port)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await web.hub.start()
        fleet.warm()
        yield
        await web.hub.close()

    app = FastAPI(
        title="Liftwatch",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.web, app.state.fleet = web, fleet
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(SecurityHeaders, https=https)
    app.add_middleware(BodyLimit, most=problems.MOST_BYTES, under="/api/")
    refusals.install(app)
    for part in (
        api.router,
        signin.router,
        account.router,
        api_page.router,
        desk.router,  # before `/alerts/{alert_id}`, which takes any word
        alerts.router,
        incident.router,
        fleet_pages.router,
        bigscreen.router,
        lift.router,
        papers.router,
        drills.router,
        firm.router,
        handover.router,
        push.router,
        installed.router,
        quality.router,
        registry.router,
        asides.router,
        system.router,
        quarantine.router,
        links.router,
        admin.router,
        tap.router,
        incoming.router,
        cap.router,
        probes.router,
        texts,
    ):
        app.include_router(part)
    app.mount(
        f"/static/{static_version()}", Immutable(STATIC, together_in(TEMPLATES)), name="static"
    )
    return app
