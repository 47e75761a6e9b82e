"""`liftwatch version`."""

from __future__ import annotations

from importlib.metadata import version as installed

import typer


def version() -> None:
    """Print the version. 显示版本。"""
    typer.echo(f"liftwatch {installed('liftwatch')}")
