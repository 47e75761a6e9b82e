"""The alert desk without the service around it: for commands that work on the same database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.chains.chains_file import load_chains
from alerts.chains.ladder import DEFAULT_CHAINS
from alerts.database.access import open_engine
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from alerts.lifecycle.causes import DEFAULT_CAUSES, load_causes
from alerts.migrations import migrate
from alerts.pages.links import Links
from alerts.pages.page import Pages, vocabulary_words
from alerts.rules import DEFAULT_RULES, load_rules
from alerts.story import Teller
from config.settings import Settings, load_settings
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.own import own_or
from monitor.secret import load_secret


@dataclass(frozen=True)
class Offline:
    """A desk, what tells its alerts in words, and the settings both were made from."""

    settings: Settings
    desk: AlertDesk
    teller: Teller


def open_offline(config: Path | None) -> Offline:
    """Open the desk of a site; a running service may use the same database meanwhile.

    Raises ConfigError as the service would at its start.
    """
    settings = load_settings(config)
    site = settings.site.folder
    vocab = load_vocabulary()
    schema = rule_schema(vocab)
    rules = load_rules(own_or(site, "rules.toml", DEFAULT_RULES), schema)
    chains = load_chains(own_or(site, "chains.toml", DEFAULT_CHAINS), settings.site.arrival_profile)
    causes = load_causes(own_or(site, "causes.toml", DEFAULT_CAUSES))
    directory = load_directory(site / "directory.toml")
    subjects = Subjects(load_registry(site))
    links = Links(
        load_secret(settings.data_dir).hex(),
        settings.public_url,
        settings.notify.link_hours,
        prefix="/p/",
    )
    words = vocabulary_words(vocab, {n: (c.text, c.kind, c.unit) for n, c in schema.items()})
    pages = Pages(links, words, ZoneInfo(settings.site.timezone))
    migrate(settings.database)
    engine = open_engine(settings.database)
    desk = AlertDesk(engine, rules.meta, chains, directory, subjects, pages)
    return Offline(settings, desk, Teller(chains, directory, pages, causes))
