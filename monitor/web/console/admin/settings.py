"""Settings, retention and formats on the console."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from monitor.admin import formats, inventory, keeping
from monitor.web.console.admin.rules import stamp
from monitor.web.visitor import AdminVisitor, web_of

router = APIRouter(prefix="/admin", include_in_schema=False)
STEPS = ("B", "KB", "MB", "GB", "TB")


@router.get("/settings")
def settings(request: Request, visitor: AdminVisitor, q: str = "") -> Response:
    """Every setting by section."""
    web = web_of(request)
    words, found = web.pages.words(request), web.port.settings
    _ = words.catalogue.gettext
    sources = {
        "environment": _("environment"),
        "file": _("file"),
        "default": _("default"),
        "start": _("given at the start"),
    }
    wanted = q.strip().casefold()
    groups: dict[str, list[dict[str, object]]] = {}
    for one in inventory.entries(found):
        text = words.text(one.meaning)
        if wanted and wanted not in f"{one.key} {one.meaning.zh} {one.meaning.en}".casefold():
            continue
        name = one.key.partition(".")[0] if "." in one.key else ""
        row = {"entry": one, "text": text, "source": sources[one.source]}
        groups.setdefault(name, []).append(row)
    titles = inventory.sections()
    return web.pages.render(
        request,
        "admin/settings.html",
        visitor,
        q=q[:100],
        file=str(found.file) if found.file else "",
        groups=[
            {"title": words.text(titles[name]) if name in titles else name, "rows": rows}
            for name, rows in groups.items()
        ],
    )


def size(count: int) -> str:
    """Return `12.3 MB`."""
    value, step = float(count), 0
    while value >= 1000 and step < len(STEPS) - 1:
        value, step = value / 1000, step + 1
    return (
        f"{value:.0f} {STEPS[step]}" if step == 0 or value >= 100 else f"{value:.1f} {STEPS[step]}"
    )


@router.get("/retention")
def retention(request: Request, visitor: AdminVisitor) -> Response:
    """What is kept and how large it is."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    told, disk = keeping.retention(port.settings, port.now_ms()), keeping.disk(port.settings)
    found = keeping.parts(port.settings)
    most = max(1, *(one.bytes for one in found))
    return web.pages.render(
        request,
        "admin/retention.html",
        visitor,
        told=told,
        kept_from=words.day(told["kept_from_ms"]),
        oldest=words.day(told["oldest_ms"]) if told["oldest_ms"] else "–",
        due={**told["due"], "size": size(told["due"]["bytes"])},
        soon={**told["soon"], "size": size(told["soon"]["bytes"])},
        parts=[
            {"text": words.text(one.text), "files": one.files, "size": size(one.bytes),
             "share": round(100 * one.bytes / most)}
            for one in found
        ],
        total=size(sum(one.bytes for one in found)),
        free=size(disk["free"]),
        disk=size(disk["total"]),
        used_share=round(100 * (1 - disk["free"] / max(disk["total"], 1))),
        folder=str(port.settings.data_dir),
    )  # fmt: skip


@router.get("/codes")
def codes(request: Request, visitor: AdminVisitor) -> Response:
    """What is read, and codes nobody knew."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    unknown = formats.unknown_codes(port.quarantine, port.now_ms())
    return web.pages.render(
        request,
        "admin/codes.html",
        visitor,
        formats=[
            {**one, "text": words.text(one["text"])}
            for one in formats.formats(port.settings, port.vocab)
        ],
        maps=[{**one, "text": words.text(one["text"])} for one in formats.code_maps(port.settings)],
        unknown=[{**one, "last": stamp(words, one["last_ms"])} for one in unknown],
    )
