"""From a controller on a bus to a gateway: any machine with a serial line or a network port.

plan_file  what a site writes: sources, points, alarms (TOML)
plan       the same in memory; raw value → channel
modbus, bacnet, opcua   one reader a protocol, over the protocol's own client library
running    polls, publishes what changed through the gateway SDK, comes back after every failure

Readers only read: nothing in here can write to a controller.
"""
