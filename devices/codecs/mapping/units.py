"""Units of others → ours: value × scale + offset."""

from __future__ import annotations

from devices.vocabulary import Channel

# (ours, theirs) → scale, offset
_UNITS: dict[tuple[str, str], tuple[float, float]] = {
    ("m/s", "mm/s"): (1e-3, 0.0),
    ("m/s", "cm/s"): (1e-2, 0.0),
    ("m/s", "m/min"): (1 / 60, 0.0),
    ("m/s", "ft/min"): (0.3048 / 60, 0.0),
    ("m/s2", "g"): (9.80665, 0.0),
    ("m/s2", "mg"): (9.80665e-3, 0.0),
    ("m/s2", "cm/s2"): (1e-2, 0.0),
    ("A", "mA"): (1e-3, 0.0),
    ("degC", "degF"): (5 / 9, -160 / 9),
    ("degC", "K"): (1.0, -273.15),
    ("%", "1"): (100.0, 0.0),
    ("% rated", "1"): (100.0, 0.0),
    ("mm", "cm"): (10.0, 0.0),
    ("mm", "m"): (1000.0, 0.0),
    ("h", "min"): (1 / 60, 0.0),
    ("h", "s"): (1 / 3600, 0.0),
    ("m", "km"): (1000.0, 0.0),
    ("m", "cm"): (1e-2, 0.0),
    ("kWh", "Wh"): (1e-3, 0.0),
    ("kWh", "MWh"): (1000.0, 0.0),
}
OF_RATED = "kg"  # load in kg: percent of the lift's rated load, from lifts.csv


def units(channel: Channel) -> list[str]:
    """Return the units that a channel may come in."""
    found = [channel.unit or "-"] + [
        theirs for ours, theirs in _UNITS if ours == channel.unit
    ]  # fmt: skip
    return found + ([OF_RATED] if channel.unit == "% rated" else [])


def conversion(channel: Channel, unit: str | None) -> tuple[float, float] | None:
    """Return (scale, offset) of a unit, None for one that cannot become the channel's.

    kg for a load is (1, 0): it is divided by the lift's rated load later.
    """
    if unit in (None, channel.unit) or (unit == OF_RATED and channel.unit == "% rated"):
        return 1.0, 0.0
    return _UNITS.get((channel.unit, str(unit)))
