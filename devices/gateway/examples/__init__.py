"""Whole gateways in thirty lines each, to begin from; tests run them as they are."""
