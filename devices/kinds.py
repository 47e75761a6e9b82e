"""Kinds of devices: what a lift's `type` in lifts.csv means beyond its name."""

from __future__ import annotations

from devices.registry import Lift

ESCALATORS = ("escalator", "walkway")  # 自动扶梯、自动人行道


def is_escalator(lift: Lift) -> bool:
    """True for an escalator or moving walk: it has no car, no doors, and codes 61–65."""
    return lift.type in ESCALATORS
