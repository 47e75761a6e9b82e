"""`python -m devices.simulator`: a district of lifts that publishes as real gateways do."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from config.errors import ConfigError
from devices.gateway import Address, GatewayError
from devices.registry import load_registry
from devices.simulator.district import write_district
from devices.simulator.errors import SimulatorError
from devices.simulator.plan import Plan
from devices.simulator.publisher import Counts, SimClock, make_world, publish_world
from devices.simulator.releases import Releases
from devices.simulator.world import World
from devices.vocabulary import load_vocabulary

EXAMPLES = """examples / 示例:
  python -m devices.simulator --site var/site --write
      write a demo district of 200 lifts and stop / 写出 200 台电梯的示范区后结束
  python -m devices.simulator --site var/site --mqtt mqtt://127.0.0.1:1883
      publish it in real time until interrupted / 实时发布，直到中断
  python -m devices.simulator --site var/site --mqtt mqtt://127.0.0.1:1883 --speed 10 \\
      --seconds 600 --json
      ten minutes of lift life in one, then one JSON line / 十倍速十分钟，最后输出一行 JSON
  with service and simulator on one clock / 与服务共用一个时钟:
      --epoch-ms START --wall-ms WALL --speed 10
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devices.simulator", epilog=EXAMPLES,
        description="Lifts as physics, faults as labels, published over MQTT. "
        "模拟电梯与故障，经 MQTT 发布。",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--site", type=Path, required=True, help="site folder / 站点文件夹")
    add("--write", action="store_true", help="write the demo district there and stop / 写出示范区")
    add("--lifts", type=int, default=200, help="with --write: lifts / 电梯数 (%(default)s)")
    add("--gateways", type=int, default=12, help="with --write: gateways / 网关数 (%(default)s)")
    add("--mqtt", metavar="URL", help="mqtt://HOST:PORT or mqtts://… / 消息服务器")
    add("--user", help="user name at the broker / 用户名")
    add("--password-env", metavar="NAME", default="LIFTWATCH_SIMULATOR_PASSWORD",
        help="environment variable with the password / 存放密码的环境变量")  # fmt: skip
    add("--ca-file", type=Path, help="certificate authority for mqtts / CA 证书")
    add("--real", default="", help="gateways not to be, by commas / 不模拟的网关，逗号分隔")
    add("--store", type=Path, help="folder of the gateways' stores / 网关存储 (SITE/../gateways)")
    add("--seed", type=int, default=2012, help="same seed, same day / 随机种子 (%(default)s)")
    add("--speed", type=float, default=1.0, help="simulated s per s / 倍速 (%(default)s)")
    add("--seconds", type=float, help="simulated seconds, then stop / 模拟秒数")
    add("--epoch-ms", type=int, help="simulated time at the start, ms / 模拟起始时刻 (now)")
    add("--wall-ms", type=int, help="wall time of the start, ms / 起始的实际时刻 (now)")
    add("--intensity", type=float, default=1.0, help="how much goes wrong, 0..100 / 故障密度")
    add("--no-first-trap", action="store_true", help="nobody trapped at once / 不先困人")
    add("--json", action="store_true", help="one JSON line at the end / 结束时输出一行 JSON")
    return parser


def _simulate(args: argparse.Namespace) -> int:
    if not args.speed > 0:
        raise ValueError("--speed: must be above 0 / 应大于 0")
    wall_ms = args.wall_ms if args.wall_ms is not None else int(time.time() * 1000)
    clock = SimClock(args.epoch_ms if args.epoch_ms is not None else wall_ms, wall_ms, args.speed)
    registry = load_registry(args.site)
    plan = Plan(args.seed, clock.start_ms, args.intensity, not args.no_first_trap)
    password = os.environ.get(args.password_env)
    address = Address.of(args.mqtt, username=args.user, password=password, ca_file=args.ca_file)
    world = make_world(registry, load_vocabulary(), args.seed, clock.start_ms, plan)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    releases = Releases(address)
    store = args.store or args.site.parent / "gateways"
    try:
        with _progress(args) as progress:
            task = progress.add_task("", total=args.seconds)

            def show(world: World, counts: Counts) -> None:
                done = (world.now_ms - clock.start_ms) / 1000
                text = f"{counts.samples} samples · {counts.messages} messages · {done:.0f} s"
                progress.update(task, completed=done, description=text)

            counts = publish_world(
                world, plan, clock, url=args.mqtt, store=store,
                username=args.user, password=password, ca_file=args.ca_file, stop=stop,
                seconds=args.seconds, releases=releases.take, on_progress=show,
                real=args.real.split(","),
            )  # fmt: skip
    finally:
        releases.close()
    _report(args, world, plan, clock, counts)
    return 0 if counts.durable else 1


def _progress(args: argparse.Namespace) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal or args.json)


def _report(
    args: argparse.Namespace, world: World, plan: Plan, clock: SimClock, counts: Counts
) -> None:
    seconds = (world.now_ms - clock.start_ms) / 1000
    if args.json:
        line = {
            "lifts": len(world.registry.lifts), "seconds": seconds,
            "samples_published": counts.samples, "messages_published": counts.messages,
            "wire_messages": counts.sent, "durable": counts.durable, "injected": plan.injected,
            "labels": [label.as_json() for label in world.labels],
        }  # fmt: skip
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(
            f"{counts.samples} samples, {counts.messages} messages, {seconds:.0f} s, "
            f"durable: {counts.durable} / 样本、消息、秒、是否已落盘\n"
        )


def main() -> int:
    """Parse the command line; what a person got wrong is one line, not a traceback."""
    parser = _parser()
    args = parser.parse_args()
    try:
        if args.write:
            write_district(args.site, args.seed, args.lifts, args.gateways)
            return 0
        if not args.mqtt:
            parser.error("--mqtt URL is needed to publish / 发布需要 --mqtt 地址")
        return _simulate(args)
    except (ConfigError, GatewayError, SimulatorError, ValueError) as error:
        sys.stderr.write(f"devices.simulator: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
