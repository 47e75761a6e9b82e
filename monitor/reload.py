"""The site's files, taken up while the service runs: nothing stops, and no message is lost.

So are mapping files, code maps and thingsboard.toml: a message is read by the old or the new one.

What people answered about a lift (does its learned normal go on?) takes effect here, too.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from alerts.directory.directory_file import load_directory
from alerts.directory.units import Directory
from alerts.model import Transition
from alerts.rules import RuleSet
from config.errors import ConfigError
from devices.codecs import Routes, Setup, build_routes
from devices.registry import Registry, load_registry
from monitor.detector.table import NEVER
from monitor.registry.entries import FRESH

if TYPE_CHECKING:
    from monitor.service import Service

log = structlog.get_logger()


READING = threading.Lock()
"""Held from reading the site's files until what was read is handed over: of two who have them
taken up at once, the one who read last is also taken up last."""


def reload(service: Service) -> None:
    """Take up files and rules; a mistake in one of them is logged and changes nothing."""
    try:
        with service.rulebook.lock:
            rules = service.rulebook.read().ruleset
            service.take_up_site()
            service.take_up_rules(rules)
    except (ConfigError, SQLAlchemyError) as error:
        log.error("site.refused", reason=str(error))


def take_up_site(service: Service) -> Event:
    """Read the site's files and have them count; the event tells when they do.

    Raises ConfigError for a mistake in them, which changes nothing.
    """
    site, done = service.settings.site, Event()
    with READING:
        newer = load_registry(site.folder, service.history.known_lifts())
        book = load_directory(site.folder / "directory.toml", site.timezone)
        setup = Setup(service.registry, service.vocab, site.folder, service.settings.ingest)
        routes = build_routes(setup)
        answered = service.keeper.answers()
        service.pipeline.between(lambda: _take_up(service, newer, book, answered, routes))
        service.pipeline.between(done.set)
    return done


def _take_up(
    service: Service,
    newer: Registry,
    book: Directory,
    answered: Mapping[str, str],
    routes: Routes,
) -> None:
    """In the pipeline's thread; who decodes meanwhile learns of the new rows last."""
    service.history.number_lifts([s.reg_code if s else "" for s in newer.slots])
    now_ms = service.clock()
    service.keeper.take_up(newer, now_ms, answered)
    service.judge.expect(service.keeper.expected(newer, now_ms))
    over = service.judge.take_up(newer, now_ms)
    fresh = [code for code, answer in answered.items() if answer == FRESH]
    over += _forget(service, fresh, newer, now_ms)
    service.keeper.settle(answered)
    service.subjects.take_up(newer)
    service.directory = book
    service.desk.take_up(book)
    service.registry.take_up(newer)
    topics = service.routes.subscriptions()
    service.routes.take_up(routes)
    if service.routes.subscriptions() != topics:
        service.receiver.routes_changed()
        service.backfill.routes_changed()
    service.pipeline.apply(over, now_ms)
    log.info("site.reloaded", lifts=len(newer.lifts), gateways=len(newer.gateways))


def take_up_rules(service: Service, rules: RuleSet) -> Event:
    """Have these rules count, without a stop; the event tells when they do."""
    done = Event()

    def swap() -> None:
        now_ms = service.clock()
        service.desk.take_up_rules(rules.meta)
        over = service.judge.take_up_rules(rules, now_ms)
        service.late.take_up_rules(rules)
        service.rules = rules
        service.pipeline.apply(over, now_ms)
        log.info("rules.reloaded", rules=len(rules))

    service.pipeline.between(swap)
    service.pipeline.between(done.set)
    return done


def _forget(
    service: Service, lifts: Sequence[str], registry: Registry, now_ms: int
) -> list[Transition]:
    """What was learned of these lifts was of another machine or device."""
    rows = sorted(registry.row_of[code] for code in lifts if code in registry.row_of)
    return service.judge.forget(np.array(rows, np.int32), now_ms) if rows else []


def recovered(service: Service) -> None:
    """What the state shows to have spoken has; what was rebuilt meanwhile is learned anew."""
    registry, keeper, now_ms = service.registry, service.keeper, service.clock()
    keeper.saw_rows(service.detector.fleet.at_ms[: len(registry)] != NEVER)
    service.pipeline.apply(_forget(service, keeper.rebuilt, registry, now_ms), now_ms)
