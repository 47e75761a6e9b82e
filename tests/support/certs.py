"""A throw-away certificate authority and a server certificate for 127.0.0.1 and localhost."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certs:
    ca: Path
    cert: Path
    key: Path


def make_certs(folder: Path) -> Certs:
    """Made with the system's openssl; valid for two days."""
    folder.mkdir(parents=True, exist_ok=True)
    certs = Certs(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    ca_key, request, extra = folder / "ca.key", folder / "server.csr", folder / "server.ext"
    extra.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", "utf-8")
    new: list[str | Path] = ["-newkey", "rsa:2048", "-nodes", "-keyout"]
    _openssl(
        "req", "-x509", *new, ca_key, "-out", certs.ca, "-days", "2", "-subj", "/CN=test authority"
    )
    _openssl("req", *new, certs.key, "-out", request, "-subj", "/CN=localhost")
    signed_by: list[str | Path] = ["-CA", certs.ca, "-CAkey", ca_key, "-CAcreateserial"]
    _openssl(
        "x509", "-req", "-in", request, *signed_by, "-out", certs.cert, "-days", "2",
        "-extfile", extra,
    )  # fmt: skip
    return certs


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
