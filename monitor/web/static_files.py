"""Scripts and styles, served under an address that changes with their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"


def static_version() -> str:
    """Return a short hash over all static files."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Immutable(StaticFiles):
    """Static files that never change at their address, so a browser asks once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file with a year of caching."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = FOREVER
        return response
