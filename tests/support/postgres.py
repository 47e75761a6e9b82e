"""A PostgreSQL server for tests: a cluster of its own on a free port, ended by its own pid."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port, is_listening
from tests.support.wait import until

USER = "liftwatch"


def programs() -> Path | None:
    """Where `initdb` and `postgres` are; None where PostgreSQL is not installed."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return versions[-1].parent if versions else None


def _account() -> tuple[int, int] | None:
    """Under whose name it runs: PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            one = pwd.getpwnam(name)
        except KeyError:
            continue
        return one.pw_uid, one.pw_gid
    raise RuntimeError("PostgreSQL does not run as root, and there is no other account")


@contextmanager
def cluster(bin_folder: Path) -> Iterator[str]:
    """Run a server; yields its URL for SQLAlchemy."""
    folder = Path(tempfile.mkdtemp(prefix="liftwatch-pg-"))
    account = _account()
    uid, gid = account if account is not None else (None, None)
    if uid is not None and gid is not None:
        os.chown(folder, uid, gid)
    data, port = folder / "data", free_port()
    subprocess.run(
        [bin_folder / "initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8"],
        check=True, capture_output=True, user=uid, group=gid, cwd=folder,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                bin_folder / "postgres", "-D", data, "-p", str(port), "-k", folder,
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
            ],
            stdout=log, stderr=log, user=uid, group=gid, cwd=folder,
        )  # fmt: skip
    try:
        until(lambda: is_listening(port), 30)
        yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # ends connections, then itself
        server.wait(timeout=30)
        shutil.rmtree(folder)
