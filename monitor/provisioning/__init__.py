"""Credentials of gateways: passwords and client certificates, so that each can only be itself.

Nothing that lets somebody in is kept: passwords as the brokers' own hashes, private keys not at
all, claim codes as keyed hashes.
"""
