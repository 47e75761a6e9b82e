"""Every page of the console, in both languages, both themes, on a desk's screen and on a phone:
nobody is shut out, nothing is asked of another host, nothing is wider than its screen, nothing
stands in the other language. A page that stands in neither list below fails, so none is forgotten.

Themes differ in colours only, so a page is loaded once a language and width and examined by all of
axe's rules in one theme (Chinese light, English dark); on the wide screen, where no column is left
out, by the rule of contrast in the other theme too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, Page, Request

from monitor.web.app import create_app
from monitor.web.sessions import COOKIE
from tests.monitor.web import town
from tests.monitor.web.conftest import cookie_of
from tests.monitor.web.house import House, Running
from tests.monitor.web.rich import furnish
from tests.support.ports import free_port
from tests.support.wait import until

CONTRAST = {"type": "rule", "values": ["color-contrast"]}
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WHOLE = os.environ.get("LIFTWATCH_PAGES") == "all"
COMBINATIONS = [
    (lang, width)
    for lang, width in (("zh-CN", 1440), ("en", 360), ("zh-CN", 360), ("en", 1440))
    if WHOLE or (lang == "en") == (width == 360)
]
"""By default each language and each width once; all four with LIFTWATCH_PAGES=all (make pages)."""
SHOTS = os.environ.get("LIFTWATCH_SHOTS")
"""A folder to keep the pictures in, for whoever wants to look at them."""

# The route, who looks at it, and a query where the page has parts or shows more with one.
PAGES = (
    ("/sign-in", "", ""),
    ("/invitation/{invitation}", "", ""),
    ("/p/{token}", "", ""),
    ("/alerts", "operator", ""),
    ("/alerts", "operator", "?state=closed"),
    ("/alerts", "operator", "?q=nowhere"),
    ("/alerts", "firm-a", ""),
    ("/alerts/{alert_id}", "operator", ""),
    ("/alerts/{alert_id}", "firm-a", ""),
    ("/wall", "operator", ""),
    ("/lifts", "operator", ""),
    ("/lifts", "operator", "?by=maintenance"),
    ("/lifts/wall", "operator", ""),
    ("/lifts/map", "operator", ""),
    ("/lifts/list", "operator", ""),
    ("/lifts/{reg_code}", "operator", ""),
    *(("/lifts/{reg_code}", "operator", f"?tab={tab}")
      for tab in ("trips", "drift", "messages", "visits", "quality", "alerts", "documents",
                  "export")),
    ("/firm", "firm-a", ""),
    ("/firm", "operator", ""),
    ("/firm/{unit}", "operator", ""),
    ("/handover", "operator", ""),
    ("/account", "admin", ""),
    ("/push", "firm-a", ""),
    ("/api", "operator", ""),
    ("/drills", "admin", ""),
    ("/quality", "operator", ""),
    ("/registry", "admin", ""),
    ("/quarantine", "admin", ""),
    ("/quarantine/{number}", "admin", ""),
    ("/links", "operator", ""),
    ("/links/{gateway}", "operator", ""),
    ("/health", "operator", ""),
    ("/admin", "admin", ""),
    ("/admin/people", "admin", ""),
    ("/admin/units", "admin", ""),
    ("/admin/units/{ident}", "admin", ""),
    ("/admin/rules", "admin", ""),
    ("/admin/rules/{ident}", "admin", ""),
    ("/admin/rules/{ident}/edit", "admin", ""),
    ("/admin/chains", "admin", "?lift={reg_code}&rule=1&people=2"),
    ("/admin/channels", "admin", ""),
    ("/admin/codes", "admin", ""),
    ("/admin/settings", "admin", ""),
    ("/admin/retention", "admin", ""),
    ("/admin/audit", "admin", ""),
)  # fmt: skip

# Answers to GET that are no page: what a page is made of, papers, files, probes.
NO_PAGES = {
    "/": "leads to the list",
    "/manifest.webmanifest": "what an installed desk is called",
    "/icons/{name}.png": "its icons",
    "/sw.js": "its worker",
    "/offline": "what the worker shows without a connection, in both languages: test_firm_page",
    "/alerts/rows": "rows of the list",
    "/alerts/health": "a part of the list",
    "/alerts/away": "a part of the list",
    "/alerts/{alert_id}/photos/{digest}.jpg": "a photo",
    "/p/{token}/photos/{digest}.jpg": "a photo",
    "/lifts/{reg_code}/part": "a part of the lift's page",
    "/lifts/{reg_code}/export": "a file",
    "/lifts/{reg_code}/live": "JSON",
    "/texts/{lang}-{version}.js": "a module",
}
PREFIXES = ("/api/v1/", "/static/", "/receipts/", "/cap/", "/healthz", "/readyz", "/metrics")

TEXTS = """() => {
  const not = 'script, style, code, pre, kbd, samp, textarea, .code, [lang]:not(html)';
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.parentElement.closest(not) && node.data.trim()) found.push(node.data.trim());
  }
  for (const one of document.body.querySelectorAll('[aria-label], [placeholder], [title]')) {
    if (one.closest(not)) continue;
    for (const name of ['aria-label', 'placeholder', 'title']) {
      if (one.getAttribute(name)) found.push(one.getAttribute(name));
    }
  }
  return [document.title, ...found];
}"""
CUT_OFF = """() => [...document.querySelectorAll('.scroll:has(> .stack)')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).length"""
ENGLISH = re.compile(r"[A-Za-z][a-z']+(?: [a-z][a-z']+){2,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]{2,}")
DATA = sorted(
    {word for _, _, zh, en in town.UNITS for word in (zh, en)}
    | {*town.PLACES, *town.PEOPLE.values()}
    | {
        "号梯",
        "王强",
        "周明",
        "吴刚",
        "钥匙在门岗",
        "等配件",
        "示范区",
        "已试运行",
        "龙湖花园",
        "万达广场",
    }
    | {text for rule in town.RULES for text in (rule.text.zh, rule.text.en)},
    key=len,
    reverse=True,
)
"""Names that people gave, in the language they gave them in."""
NAMES = re.compile("|".join(re.escape(name) for name in DATA))


@dataclass
class Walk:
    """One browser context of a language and a width, and what went wrong in it meanwhile."""

    page: Page
    lang: str
    width: int
    told: list[str] = field(default_factory=list)

    def listen(self, origin: str) -> None:
        def asked(request: Request) -> None:
            if not request.url.startswith((origin, "data:", "blob:")):
                self.told.append(f"asks another host: {request.url}")

        def said(message: Any) -> None:
            if message.type == "error":
                self.told.append(f"console: {message.text}")

        self.page.on("request", asked)
        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.told.append(f"script: {error}"))


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[House, Running, dict[str, str]]]:
    house = House(tmp_path_factory.mktemp("house"))
    house.users()
    fill = furnish(house) | {"ident": "18", "unit": town.FIRM_A}
    running = Running(create_app(house), free_port())
    running.thread.start()
    until(lambda: running.server.started, what="uvicorn to listen")
    yield house, running, fill
    running.stop()
    house.engine.dispose()


@pytest.fixture(scope="module")
def walks(chromium: Browser, site: tuple[House, Running, dict[str, str]]) -> Iterator[list[Walk]]:
    made = []
    for lang, width in COMBINATIONS:
        context = chromium.new_context(
            viewport={"width": width, "height": 900 if width > 500 else 740},
            locale=lang, color_scheme="light", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(20_000)
        walk = Walk(context.new_page(), lang, width)
        walk.listen(site[1].url)
        made.append(walk)
    yield made
    for walk in made:
        walk.page.context.close()


def gets(app: Any) -> set[str]:
    """Every address of the console that answers GET."""
    found: set[str] = set()
    stack = [(route, "") for route in app.routes]
    while stack:
        route, prefix = stack.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            further = prefix + route.include_context.prefix
            stack.extend((one, further) for one in inner.routes)
        elif isinstance(route, APIRoute) and "GET" in route.methods:
            found.add(prefix + route.path)
    return {path for path in found if not path.startswith(PREFIXES)}


def test_no_page_is_forgotten(site: tuple[House, Running, dict[str, str]]) -> None:
    app = site[1].server.config.app
    there, listed = gets(app), {path for path, _, _ in PAGES} | set(NO_PAGES)
    named = {re.sub(r"\{invitation\}", "{token}", path) for path in listed}
    assert len(there) > 25, "the routes were found"
    assert there - named == set(), "list them above, with how House comes there"
    assert named - there == set(), "no longer there: take them out"


def foreign(lang: str, texts: list[str]) -> list[str]:
    """What stands there in the other language."""
    pattern = ENGLISH if lang == "zh-CN" else CHINESE
    found = []
    for text in texts:
        told = NAMES.sub(" · ", text)
        found += [match.group() for match in pattern.finditer(told)]
    return sorted(set(found))


def settle(page: Page) -> None:
    """Wait until the page has drawn what it draws by itself."""
    if page.locator("#pulse").count():
        page.locator("#pulse[data-state=live]").wait_for()
    if page.locator("#stage").count():
        page.locator("#stage[data-ready=yes]").wait_for()
    page.evaluate("document.fonts.ready")


@pytest.mark.parametrize(("path", "who", "query"), PAGES)
def test_for_everybody(
    site: tuple[House, Running, dict[str, str]], walks: list[Walk], path: str, who: str, query: str
) -> None:
    house, running, fill = site
    ident = "anda" if "units" in path else fill["ident"]
    address = (path + query).format_map(fill | {"ident": ident})
    cookie = cookie_of(running.server.config.app, house, who)[0] if who else ""  # type: ignore[arg-type]
    faults = []
    for walk in walks:
        faults += look(walk, running.url, address, cookie)
    assert not faults, "\n".join(faults)


def look(walk: Walk, origin: str, address: str, cookie: str) -> list[str]:
    """Return everything that is not right with one page, in one language at one width."""
    page, where = walk.page, f"{address} {walk.lang} {walk.width}"
    page.goto("about:blank")  # or what the last page still asks is refused
    page.context.clear_cookies()
    if cookie:
        page.context.add_cookies([{"name": COOKIE, "value": cookie, "url": origin}])
    answer = page.goto(origin + address)
    assert answer is not None and answer.status == 200, (where, answer and answer.status)
    settle(page)
    found = [f"{where}: {text}" for text in walk.told]
    walk.told.clear()
    lang = page.get_attribute("html", "lang")
    if lang != walk.lang:
        found.append(f"{where}: html lang is {lang}")
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > walk.width:
        found.append(f"{where}: {wide} px wide")
    if walk.width < 500:
        found += [f"{where}: a stacked table is cut off" for _ in range(page.evaluate(CUT_OFF))]
    found += [f"{where}: not translated: {t}" for t in foreign(walk.lang, page.evaluate(TEXTS))]
    first, second = ("light", "dark") if walk.lang == "zh-CN" else ("dark", "light")
    page.evaluate("theme => document.documentElement.dataset.theme = theme", first)
    found += violations(page, f"{where} {first}", {"type": "tag", "values": LEVELS})
    keep(page, f"{address}-{walk.lang}-{walk.width}-{first}")
    if walk.width > 500:
        page.evaluate("theme => document.documentElement.dataset.theme = theme", second)
        found += violations(page, f"{where} {second}", CONTRAST)
    return found


def violations(page: Page, where: str, only: dict[str, Any]) -> list[str]:
    told = Axe().run(page, options={"runOnly": only, "resultTypes": ["violations"]}).response
    return [
        f"{where}: {one['id']}: {node['html'][:200]}"
        for one in told["violations"]
        for node in one["nodes"][:3]
    ]


def keep(page: Page, name: str) -> None:
    if SHOTS:
        plain = re.sub(r"[^\w-]+", "_", name).strip("_")
        page.screenshot(path=Path(SHOTS) / f"{plain}.png", full_page=True)
