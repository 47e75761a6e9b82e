"""What makes the site an app of a telephone: manifest, icons, service worker, and the page that
says that there is no connection. None of it needs a sign-in or tells anything of a lift."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from config.text import Text
from monitor.web import icons, problems
from monitor.web.i18n import HTML_LANG, language
from monitor.web.static_files import STATIC
from monitor.web.visitor import web_of

router = APIRouter(include_in_schema=False)
A_DAY = "public, max-age=86400"
OFFLINE = "/offline"
SHELL = ("css/tokens.css", "css/offline.css", "icon.svg")
"""All that the page without a connection needs; nothing that could be old is kept."""


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> Response:
    """The app's name, colours and icons, in the visitor's language."""
    web = web_of(request)
    lang = language(request)
    words = web.pages.words(request)
    _ = words.catalogue.gettext
    site = web.port.settings.site
    told = {
        "id": "/",
        "name": f"{_('Liftwatch')} · {Text(site.name_zh, site.name_en).of(lang)}",
        "short_name": _("Liftwatch"),
        "description": _("Lift safety monitoring"),
        "lang": HTML_LANG[lang],
        "dir": "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": "#17567f",
        "background_color": "#eceef0",
        "icons": _icons(web.pages.static),
        "shortcuts": [{"name": _("Alerts"), "url": "/alerts"}],
    }
    body = json.dumps(told, ensure_ascii=False)
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    return Response(body, media_type="application/manifest+json", headers=headers)


def _icons(static: str) -> list[dict[str, Any]]:
    drawn = [
        {
            "src": f"/icons/{name}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for name, (size, purpose) in icons.SHAPES.items()
        if name.startswith(("icon", "maskable"))
    ]
    vector = {"src": f"{static}/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    return [vector | {"purpose": "any"}, *drawn]


@router.get("/icons/{name}.png")
def icon(name: str) -> Response:
    """One of the app's icons."""
    if name not in icons.SHAPES:
        raise problems.not_found("icon", name)
    headers = {"Cache-Control": A_DAY}
    return Response(icons.png(name), media_type="image/png", headers=headers)


@router.get("/sw.js")
def service_worker(request: Request) -> Response:
    """The service worker; it stands at the root, so that it serves the whole site."""
    static = web_of(request).pages.static
    told = {
        "version": static.rpartition("/")[2],
        "offline": OFFLINE,
        "shell": [f"{static}/{name}" for name in SHELL],
    }
    body = f"const SITE = {json.dumps(told)};\n" + (STATIC / "sw.js").read_text("utf-8")
    return Response(body, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get(OFFLINE)
def offline(request: Request) -> Response:
    """No connection, in both languages: it is kept before anybody knows who will read it."""
    return web_of(request).pages.render(request, "offline.html", None)
