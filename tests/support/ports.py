"""Free loopback ports that stay free while a server is restarted on them."""

from __future__ import annotations

import random
import socket

# Below the ephemeral range of Linux (32768..60999) and macOS (49152..65535): while a test has its
# broker down, no outgoing connection of this machine can be given the broker's port.
_LOWEST, _HIGHEST = 20_000, 32_000
_chooser = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on and this process has not given out before."""
    for _ in range(1_000):
        port = _chooser.randrange(_LOWEST, _HIGHEST)
        if port not in _given and _can_bind(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port between {_LOWEST} and {_HIGHEST} on 127.0.0.1")


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
