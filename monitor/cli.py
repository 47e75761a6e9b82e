"""The command `liftwatch`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from config.errors import ConfigError

HELP = """Liftwatch · 电梯安全运行监测

Lift telemetry in over MQTT, the right people paged, nothing lost.
电梯数据经 MQTT 接入，通知责任单位，一条不丢。

Examples / 示例:

  liftwatch run                         demo district, all in one / 示范区，一条命令

  liftwatch run --config site.toml      your site and broker / 您的站点与消息服务器

  liftwatch check --config site.toml    is the configuration right? / 配置是否正确

  liftwatch demo --seconds 60 --json    a district at speed, then one JSON line / 加速演示

  liftwatch replay door.csv --lift 5001… --map elevator-door   a recording as a gateway / 回放录制

  liftwatch backtest --rules new.toml --from 2026-03-01   rules over stored history / 规则回测

  liftwatch story 17 --out alert-17.pdf   the record of a rescue / 警情处置记录

  liftwatch drill start --lift 3110…   an exercise with real pages / 演练

  liftwatch quality --from 2026-03-01   figures of alarm quality / 报警质量

  liftwatch chain explain --lift A梯 --rule 1 --people 2   who would be called? / 会通知谁

  liftwatch directory import 通讯录.xlsx   what would change? / 名录导入（先看差异）

  liftwatch registry show --state unregistered   who speaks and is not registered? / 台账状态

  liftwatch gateway add gw-07 --lifts 3110…   credentials and the broker's rules / 网关凭据

  liftwatch roster show --unit firm-03   who is on duty? / 谁在值班

  liftwatch user add 张伟 --role operator   an account / 建立账号

  liftwatch token add 张伟 --name 报表 --days 90   a token for a program / API 令牌

  liftwatch channel try sms --to 139… --dry-run   a test page by one channel / 试发通知

  liftwatch codec try my-map.toml --payload one.json   what becomes of a payload? / 试用映射

  liftwatch quarantine replay --reason unknown_lift   a second try / 隔离消息重放

  liftwatch upstream show --config site.toml   platforms above: where, what / 上级平台

  liftwatch audit verify --config site.toml   is the journal what was written? / 核验流水
"""

# Only the module of the command that was asked for is imported: the service's libraries take
# seconds to load, and `user add` or `version` need none of them.
COMMANDS = {
    "run": "run:run",
    "demo": "demo:demo",
    "simulate": "simulate:simulate",
    "replay": "replay:replay_file",
    "backtest": "backtest:backtest",
    "story": "story:story",
    "drill": "drill:app",
    "quality": "quality:quality",
    "check": "check:check",
    "version": "version:version",
    "user": "accounts:app",
    "token": "tokens:app",
    "chain": "chain:app",
    "directory": "directory:app",
    "registry": "registry:app",
    "gateway": "gateway:app",
    "roster": "roster:app",
    "channel": "channel:app",
    "quarantine": "quarantine:app",
    "audit": "audit:app",
    "codec": "codec:app",
    "upstream": "upstream:app",
}
# The simulator has a command line of its own, help included.
PASSED_ON = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": [],
}


def build(names: Iterable[str]) -> typer.Typer:
    """Return the command line with these commands."""
    app = typer.Typer(
        help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
        rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(lambda: None)  # with one command alone it would else lose its name
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"monitor.commands.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            settings = PASSED_ON if name == "simulate" else None
            app.command(name, context_settings=settings)(found)
    return app


def main() -> None:
    """Run a command; what a person got wrong is one line, not a traceback."""
    try:
        asked = sys.argv[1] if len(sys.argv) > 1 else ""
        build([asked] if asked in COMMANDS else COMMANDS)()
    except ConfigError as error:
        sys.stderr.write(f"liftwatch: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
