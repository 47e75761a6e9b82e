"""Settings, what is kept, and which formats are read: a look at what a file can set."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from monitor.admin import formats, inventory, keeping
from monitor.web.api import examples
from monitor.web.api import examples_admin as told
from monitor.web.visitor import AdminVisitor, web_of

router = APIRouter(tags=["administration"])
SETTING = {"key": "web.port", "value": "8080", "source": "default", "line": None}


@router.get("/settings", responses=examples.answer({"file": None, "settings": [SETTING]}))
def settings(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return every setting: value (secrets masked), source, line of the file, meaning."""
    found = web_of(request).port.settings
    file = str(found.file) if found.file else None
    return {"file": file, "settings": [one.as_json() for one in inventory.entries(found)]}


@router.get("/retention", responses=told.RETENTION)
def retention(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return what is kept, how large it is, and what goes next."""
    port = web_of(request).port
    return {
        "retention": keeping.retention(port.settings, port.now_ms()),
        "parts": [one.as_json() for one in keeping.parts(port.settings)],
        "disk": keeping.disk(port.settings),
    }


@router.get("/formats", responses=told.FORMATS)
def read_formats(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return the formats and code maps, and codes of the last seven days that nobody knew."""
    port = web_of(request).port
    return {
        "formats": formats.formats(port.settings, port.vocab),
        "code_maps": formats.code_maps(port.settings),
        "unknown_codes": formats.unknown_codes(port.quarantine, port.now_ms()),
    }
