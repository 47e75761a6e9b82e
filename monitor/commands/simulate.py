"""`liftwatch simulate`: the simulator alone, against any broker."""

from __future__ import annotations

import sys

import typer

from devices.simulator.__main__ import main


def simulate(context: typer.Context) -> None:
    """Publish a simulated district to any broker; --help shows its options. 模拟器。"""
    sys.argv = ["liftwatch simulate", *context.args]
    raise typer.Exit(main())
