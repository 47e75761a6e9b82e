"""The reader of a source, by its kind. Its library is imported only when it is needed."""

from __future__ import annotations

from importlib import import_module

from config.secrets import Secrets
from config.text import Text
from devices.fieldbus.plan import Reader, ReadError, Source
from devices.gateway import GatewayError


def reader_of(source: Source, secrets: Secrets) -> Reader:
    """Return the reader of a source, not yet open.

    Raises GatewayError where the protocol's library is not installed, ReadError for a secret
    that is missing.
    """
    try:
        module = import_module(f"devices.fieldbus.{source.kind.split('-')[0]}")
    except ImportError as error:
        raise GatewayError(
            Text(
                f"{source.kind} 需要 {error.name}：pip install 'liftwatch[fieldbus]'",
                f"{source.kind} needs {error.name}: pip install 'liftwatch[fieldbus]'",
            )
        ) from None
    if source.kind == "opcua":
        name = source.where.get("password")
        password = None if name is None else secrets.get(str(name))
        if name is not None and password is None:
            raise ReadError(f"the secret {name} is missing: {secrets.where(str(name))}")
        reader: Reader = module.OpcUaReader(source, password)
    elif source.kind == "bacnet":
        reader = module.BacnetReader(source)
    else:
        reader = module.ModbusReader(source)
    return reader
