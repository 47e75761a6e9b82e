"""Scripts and styles, served under an address that changes with their content.

They are few and small, so they stay in memory, packed once: the first view of a page asks for two
dozen of them, and none of these requests costs a thread, a look at the disk or a compression.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
TOGETHER = "+"
"""Between the names of styles that come as one: `css/tokens+base.css`, in this order."""
_WORTH = 512  # bytes from which packing pays
_STYLES = re.compile(r"""/(css/[\w-]+(?:\+[\w-]+)+\.css)["']""")
_IMPORT = re.compile(r"""^\s*(?:import|export)\b[^'"()]*["'](\.{1,2}/[^'"]+)["']""", re.MULTILINE)


def static_version() -> str:
    """Return a short hash over all static files."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def modules(name: str) -> tuple[str, ...]:
    """Return the scripts a page's script needs, itself last: paths below `js` without `.js`.

    Told to the browser at once; else it would ask for each when the one that needs it has come.
    """
    found: dict[str, None] = {}

    def visit(path: Path) -> None:
        told = path.relative_to(STATIC / "js").with_suffix("").as_posix()
        if told in found:
            return
        found[told] = None
        for other in _IMPORT.findall(path.read_text("utf-8")):
            visit((path.parent / other).resolve())
        found.pop(told)
        found[told] = None  # behind what it needs

    visit((STATIC / "js" / f"{name}.js").resolve())
    return tuple(found)


def together_in(templates: Path) -> frozenset[str]:
    """Return the names under which the pages ask for several styles as one."""
    texts = (path.read_text("utf-8") for path in templates.rglob("*.html"))
    return frozenset(name for text in texts for name in _STYLES.findall(text))


class Immutable:
    """Static files that never change at their address, so a browser asks once."""

    def __init__(self, directory: Path, together: Collection[str] = ()) -> None:
        """`together`: the names under which styles come as one; no other such name is served, so
        what strangers ask for makes no work and takes no memory."""
        files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
        self._files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
        self._together = frozenset(together)
        self._packed: dict[str, bytes] = {}

    def _read(self, name: str) -> bytes | None:
        """Return a file, or the styles of such a name one behind the other."""
        if name not in self._together:
            return self._files.get(name)
        folder, _, last = name.rpartition("/")
        parts = [self._files.get(f"{folder}/{one}.css") for one in last[:-4].split(TOGETHER)]
        if None in parts:
            return None
        return b"\n".join(part for part in parts if part is not None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file with a year of caching. Raises HTTPException 404 and 405."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)
        root = scope.get("root_path", "")
        name = scope["path"].removeprefix(root).lstrip("/")
        body = self._read(name)
        if body is None:
            raise HTTPException(404)
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        if len(body) >= _WORTH and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            body = self._pack(name, body)
            headers["Content-Encoding"] = "gzip"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response = Response(body, media_type=kind, headers=headers)
        await response(scope, receive, send)

    def _pack(self, name: str, body: bytes) -> bytes:
        """Pack a file once; there are no more names than files and what pages ask together."""
        packed = self._packed.get(name)
        if packed is None:
            packed = self._packed[name] = gzip.compress(body, 9, mtime=0)
        return packed
