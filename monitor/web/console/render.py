"""Templates to responses: language, theme, session, and the headers a page needs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts.model import Role
from config.text import Text
from monitor.web import i18n, terms
from monitor.web.console import sections
from monitor.web.i18n import Catalogue
from monitor.web.ports import ServicePort
from monitor.web.sessions import Session, Sessions
from monitor.web.static_files import modules, static_version
from monitor.web.visitor import Visitor
from monitor.web.words import Words

TEMPLATES = Path(__file__).parents[1] / "templates"
THEMES = ("auto", "light", "dark")
FLASH = "flash"
_YEAR_S = 365 * 86400


def shown_path(path: str) -> str:
    """Return a file's path as a reader knows it: one that ships with the service without where
    it is installed."""
    shipped = TEMPLATES.parents[2]
    return str(Path(path).relative_to(shipped)) if Path(path).is_relative_to(shipped) else path


def environment(catalogue: Catalogue) -> Environment:
    """Return the templates of one language. An undefined name is an error, not a blank."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.filters["shown_path"] = shown_path
    env.install_gettext_callables(  # type: ignore[attr-defined]
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    return env


class Pages:
    """Renders pages in the visitor's language."""

    def __init__(
        self, port: ServicePort, catalogues: dict[str, Catalogue], sessions: Sessions
    ) -> None:
        self.port = port
        self.sessions = sessions
        self.catalogues = catalogues
        self.static = f"/static/{static_version()}"
        self._envs = {lang: environment(catalogue) for lang, catalogue in catalogues.items()}
        self._scripts = {lang: self._script(lang) for lang in catalogues}
        zone = ZoneInfo(port.settings.site.timezone)
        self._words = {
            lang: Words(catalogue, port.vocab, zone, port.causes)
            for lang, catalogue in catalogues.items()
        }

    def _texts(self, lang: str) -> str:
        return f"/texts/{lang}-{self.catalogues[lang].version}.js"

    def _script(self, lang: str) -> Callable[[str], Markup]:
        """Return what puts a page's script into its head, with all it needs asked for at once."""

        @cache
        def script(name: str) -> Markup:
            *others, own = modules(name)
            needed = [f"{self.static}/js/{other}.js" for other in others]
            if "texts" in others:
                needed.append(self._texts(lang))
            told = [f'<link rel="modulepreload" href="{one}">' for one in needed]
            told.append(f'<script type="module" src="{self.static}/js/{own}.js"></script>')
            return Markup("\n".join(told))  # noqa: S704  names of our own files

        return script

    def words(self, request: Request) -> Words:
        """Return the wording in the language of a request."""
        return self._words[i18n.language(request)]

    def render(
        self,
        request: Request,
        template: str,
        visitor: Visitor | None,
        *,
        status: int = 200,
        **context: Any,
    ) -> Response:
        """Render a whole page.

        `?lang=` is answered with a cookie and the same address without it, so that addresses
        people pass on carry no language.
        """
        if "lang" in request.query_params and request.method == "GET":
            return self._remember_language(request)
        session, fresh = self._session(request, visitor)
        body = self.fragment(request, template, visitor, session=session, **context)
        response = HTMLResponse(body, status)
        if fresh:
            self.sessions.write(response, session)
        if FLASH in request.cookies:
            response.delete_cookie(FLASH)
        return response

    def fragment(
        self,
        request: Request,
        template: str,
        visitor: Visitor | None,
        session: Session | None = None,
        **context: Any,
    ) -> str:
        """Render a template to text."""
        lang = i18n.language(request)
        if session is None:
            session, _ = self._session(request, visitor)
        theme = request.cookies.get("theme", "auto")
        site = self.port.settings.site
        path = request.url.path
        admin = visitor is not None and visitor.user.role is Role.ADMIN
        common = {
            "is_admin": admin,
            "sections": sections.menu(visitor, admin, path, lang) if sections.inside(path) else [],
            "lang": lang,
            "html_lang": i18n.HTML_LANG[lang],
            "languages": self._switch(request),
            "texts": self._texts(lang),
            "static": self.static,
            "script": self._scripts[lang],
            "theme": theme if theme in THEMES else "auto",
            "visitor": visitor,
            "role_words": terms.roles(self.catalogues[lang]),
            "site": Text(site.name_zh, site.name_en).of(lang),
            "timezone": site.timezone,
            "csrf": self.sessions.csrf(session),
            "now_ms": self.port.now_ms(),
            "path": path,
            "flash": read_flash(request),
        }
        return self._envs[lang].get_template(template).render(common | context)

    def _session(self, request: Request, visitor: Visitor | None) -> tuple[Session, bool]:
        """Return the session, and whether its cookie is to be written.

        That is for a stranger's, so that the sign-in form has one, and for a visitor's that is a
        quarter used up. A page for anybody (an error, a link's) leaves a visitor's alone.
        """
        if visitor is not None and visitor.session is not None:
            return visitor.session, visitor.session.age_s > self.sessions.max_age_s / 4
        session = self.sessions.read(request)
        return session, session.user is None

    def _switch(self, request: Request) -> list[dict[str, Any]]:
        now = i18n.language(request)
        query = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
        return [
            {"lang": lang, "word": word, "href": f"?{urlencode([*query, ('lang', lang)])}"}
            for lang, word in i18n.LANGUAGES.items()
            if lang != now
        ]

    def _remember_language(self, request: Request) -> Response:
        query = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
        target = request.url.path + (f"?{urlencode(query)}" if query else "")
        response = RedirectResponse(target, 303)
        response.set_cookie(
            i18n.COOKIE, i18n.language(request), max_age=_YEAR_S, samesite="lax", path="/"
        )
        return response


def flash(response: Response, text: Text, ok: bool) -> Response:
    """Let the next page say one sentence."""
    raw = json.dumps({"zh": text.zh, "en": text.en, "ok": ok}).encode()
    response.set_cookie(
        FLASH, base64.urlsafe_b64encode(raw).decode(), max_age=30, httponly=True, samesite="lax"
    )
    return response


def read_flash(request: Request) -> dict[str, Any] | None:
    """Return the sentence the page before has left, if any."""
    try:
        data = json.loads(base64.urlsafe_b64decode(request.cookies.get(FLASH, "")))
        text = Text(str(data["zh"]), str(data["en"]))
        return {"text": text.of(i18n.language(request)), "ok": bool(data["ok"])}
    except (ValueError, KeyError, TypeError):
        return None
