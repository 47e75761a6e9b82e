"""Tests mirror the packages: tests/monitor, tests/alerts, tests/devices, tests/config, tests/house."""
