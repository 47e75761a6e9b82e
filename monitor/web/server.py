"""uvicorn, told to end the live feeds before it waits for connections to end."""

from __future__ import annotations

import socket
import sys

import uvicorn

from monitor.web.visitor import Web

SWITCH_S = 0.0005
"""How long a thread that computes keeps the interpreter when another wants it.

Each write to a socket and each row of a database gives it away and has to get it back. By Python's
own 5 ms, two hundred consoles are told of an alert in up to a second while a batch is worked off.
"""


class Server(uvicorn.Server):
    """A feed never ends by itself, so a server that waits for it would run into its timeout."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, beside threads that compute."""
        sys.setswitchinterval(SWITCH_S)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the feeds, then stop as uvicorn does."""
        state = getattr(self.config.app, "state", None)
        web: Web | None = getattr(state, "web", None)
        if web is not None:
            await web.hub.close()
        await super().shutdown(sockets)
