"""Tests mirror the packages: monitor, alerts, devices, config; house/ looks after the house."""
