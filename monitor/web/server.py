"""uvicorn, told to end the live feeds before it waits for connections to end."""

from __future__ import annotations

import socket

import uvicorn

from monitor.web.visitor import Web


class Server(uvicorn.Server):
    """A feed never ends by itself, so a server that waits for it would run into its timeout."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the feeds, then stop as uvicorn does."""
        state = getattr(self.config.app, "state", None)
        web: Web | None = getattr(state, "web", None)
        if web is not None:
            await web.hub.close()
        await super().shutdown(sockets)
