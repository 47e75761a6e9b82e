"""A RabbitMQ node of the test's own: MQTT plugin, free ports, its own folder and name daemon."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.ports import free_port, is_listening
from tests.support.process import Program
from tests.support.wait import until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The script itself: the one in the path changes to another account, and wants its own folders."""
STARTS_S = 60.0


class RabbitMQ:
    """`definitions` (JSON) are loaded at its start; MQTT is on 127.0.0.1:`port`."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, definitions: bytes) -> None:
        self.folder, self.port, self._names = folder, free_port(), free_port()
        folder.mkdir(parents=True)
        (folder / "plugins").write_text("[rabbitmq_mqtt].\n", "utf-8")
        (folder / "definitions.json").write_bytes(definitions)
        (folder / "rabbit.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{free_port()}\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "mqtt.allow_anonymous = false\n"
            f"load_definitions = {folder}/definitions.json\n",
            "utf-8",
        )
        self._env = {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"lw{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "db"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbit.conf"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # two cores, shared: a small node starts quicker
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        self.program: Program | None = None
        self.names: Program | None = None

    def start(self) -> RabbitMQ:
        """Return once it says that it is ready; its ports listen some seconds earlier."""
        epmd = shutil.which("epmd")
        assert epmd, "comes with RabbitMQ's Erlang"
        # a daemon that the node starts by itself would outlive it
        self.names = Program([epmd, "-address", "127.0.0.1", "-port", str(self._names)],
                             self.folder / "epmd.log")  # fmt: skip
        until(lambda: is_listening(self._names), what="the name daemon")
        self.program = Program(["sh", SERVER], self.folder / "out.log", self.folder, self._env)

        def up() -> bool:
            assert self.program is not None
            if not self.program.running:
                raise RuntimeError(self.program.output[-2000:])
            return "completed with" in self.program.output

        until(up, STARTS_S, "RabbitMQ to be ready")
        return self

    def end(self) -> None:
        """End the node and its name daemon."""
        for program in (self.program, self.names):
            if program is not None:
                program.end()
