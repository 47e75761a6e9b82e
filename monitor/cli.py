"""The command `liftwatch`."""

from __future__ import annotations

import sys

import typer

from config.errors import ConfigError
from monitor.commands import accounts, check, demo, replay, run, simulate

HELP = """Liftwatch · 电梯安全运行监测

Lift telemetry in over MQTT, the right people paged, nothing lost.
电梯数据经 MQTT 接入，通知责任单位，一条不丢。

Examples / 示例:

  liftwatch run                         demo district, all in one / 示范区，一条命令

  liftwatch run --config site.toml      your site and broker / 您的站点与消息服务器

  liftwatch check --config site.toml    is the configuration right? / 配置是否正确

  liftwatch demo --seconds 60 --json    a district at speed, then one JSON line / 加速演示

  liftwatch replay door.csv --lift 5001… --map elevator-door   a recording as a gateway / 回放录制

  liftwatch user add 张伟 --role operator   an account / 建立账号
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command(
    "simulate",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True,
                      "help_option_names": []},
)(simulate.simulate)  # fmt: skip
app.command("replay")(replay.replay_file)
app.command("check")(check.check)
app.command("version")(check.version)
app.add_typer(accounts.app, name="user")


def main() -> None:
    """Run a command; what a person got wrong is one line, not a traceback."""
    try:
        app()
    except ConfigError as error:
        sys.stderr.write(f"liftwatch: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
