"""Brings a database to the present form when the service starts."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from alerts.database.access import open_engine, writing


def migrate(url: str) -> None:
    """Upgrade the database behind a SQLAlchemy URL, in one transaction; a no-op when current."""
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            settings = Config()
            settings.set_main_option("script_location", str(Path(__file__).parent))
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
    finally:
        engine.dispose()
