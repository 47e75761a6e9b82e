"""The only place where the parts are wired together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import structlog
import uvicorn

from alerts.causes import DEFAULT_CAUSES, Causes, load_causes
from alerts.chains import DEFAULT_CHAINS, load_chains
from alerts.database import open_engine
from alerts.desk import AlertDesk
from alerts.directory import Directory
from alerts.directory_file import load_directory
from alerts.links import Links
from alerts.migrations import migrate
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.page import Pages, vocabulary_words
from alerts.replies import Replies
from alerts.rules import DEFAULT_RULES, load_rules
from alerts.story.sheet import fonts
from alerts.subjects import Subjects
from config.errors import ConfigError
from config.settings import Settings
from devices.codecs import Limits, Setup, build_routes
from devices.registry import Registry, load_registry
from devices.vocabulary import load_vocabulary
from monitor.aftercare import Aftercare
from monitor.answers import Answers
from monitor.channels import callbacks, channels, reply_tokens
from monitor.clock import Clock
from monitor.detector import rule_schema
from monitor.heads import DailyHead
from monitor.housekeeping import Housekeeper
from monitor.incoming import Incoming
from monitor.intake import Intake
from monitor.judge import Judge
from monitor.late import LateLane
from monitor.metrics import Metrics
from monitor.own import own_or
from monitor.pipeline import Pipeline, Wires
from monitor.port import Port
from monitor.receive import Receiver
from monitor.repeats import NOBODY, Repeats
from monitor.reply_mail import ReplyMail
from monitor.reply_topic import ReplyTopic
from monitor.secret import load_secret
from monitor.snapshot import Snapshots
from monitor.sparkplug import sparkplug_host
from monitor.store.history import History
from monitor.store.influx import InfluxCopy
from monitor.store.ledger import Ledger
from monitor.web.app import create_app
from monitor.web.server import Server

log = structlog.get_logger()


class Service:
    """One site's service. `settings.mqtt.url` is a real address here, never `embedded`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Load and check everything; nothing is connected yet. Raises ConfigError."""
        self.settings, self.clock = settings, clock
        self.wakes: list[Callable[[], None]] = []
        self.metrics = Metrics()
        self.vocab, self.causes = load_vocabulary(), causes_of(settings)
        site = settings.site.folder
        schema = rule_schema(self.vocab)
        rules = load_rules(own_or(site, "rules.toml", DEFAULT_RULES), schema)
        chains_file = own_or(site, "chains.toml", DEFAULT_CHAINS)
        chains = load_chains(chains_file, settings.site.arrival_profile)
        self.directory = load_directory(site / "directory.toml", settings.site.timezone)
        self.secret = load_secret(settings.data_dir)
        load_registry(site)  # a mistake in the site's files is told before any file is made
        self.history = History(
            settings.data_dir / "history", self.vocab, settings.history.memory_mb
        )
        self.registry = load_registry(site, self.history.known_lifts())
        self.history.number_lifts([s.reg_code if s else "" for s in self.registry.slots])
        taken = self.history.ledger()
        self.ledger = Ledger(row for row in taken if row[0] != NOBODY)
        self.routes = build_routes(Setup(self.registry, self.vocab, site, settings.ingest))
        migrate(settings.database)
        self.engine = open_engine(settings.database)
        links = Links(
            self.secret.hex(), settings.public_url, settings.notify.link_hours, prefix="/p/"
        )
        words = vocabulary_words(
            self.vocab, {name: (one.text, one.kind, one.unit) for name, one in schema.items()}
        )
        zone = ZoneInfo(settings.site.timezone)
        pages = Pages(links, words, zone)
        self.subjects = Subjects(self.registry)
        self.desk = AlertDesk(self.engine, rules.meta, chains, self.directory, self.subjects, pages)
        self.intake = Intake(
            self.registry,
            self.vocab,
            self.ledger,
            settings.ingest,
            settings.mqtt.window,
            clock,
            self.metrics,
            settings.history.quarantine_mb,
            self.routes,
            Repeats(taken),
        )
        self.receiver = Receiver(settings.mqtt, self.intake, self.metrics, self.routes)
        limits = Limits.of(settings.ingest)
        self.answers = Answers(
            settings.mqtt, self.registry, limits, clock, self.metrics, self.routes
        )
        host = (self.intake, self.answers.say, clock, self.metrics)
        self.sparkplug = sparkplug_host(settings, self.routes, *host)
        judge = self.judge = Judge(self.vocab, self.registry, rules, zone)
        self.detector = judge.detector
        self.late = LateLane(self.vocab, self.registry, rules, self.history, zone)
        snapshots = Snapshots(settings.data_dir / "snapshots")
        heads = DailyHead(self.engine, settings.audit, settings.site.timezone, clock)
        self.housekeeper = Housekeeper(
            settings.history, self.history, snapshots, self.intake, clock, self.late, heads
        )
        self.pipeline = Pipeline(
            settings,
            self.history,
            self.intake,
            judge,
            self.late,
            self.desk,
            snapshots,
            Wires(self.receiver.acknowledge, self.answers.post, self._wake, self.answers.say),
            clock,
            self.metrics,
        )
        policy = RetryPolicy(attempts=settings.notify.attempts)
        self.channels = channels(settings, clock, self.secret)
        self.outbox = OutboxWorker(self.engine, self.channels, clock, policy)
        self.wakes.append(self.outbox.wake)
        self._open_ways_in()
        influx = settings.influx
        self.influx = InfluxCopy(influx, self.history, self.registry) if influx.url else None
        self.app = create_app(Port(self))
        self.leave: Callable[[], None] = lambda: None
        self.beside: list[Coroutine[None, None, None]] = []

    def _open_ways_in(self) -> None:
        """Answers and receipts: by web hook always, by mail and MQTT where they are set."""
        replies = Replies(self.desk, reply_tokens(self.settings, self.secret), self._wake)
        self.incoming = Incoming(
            self.settings, replies, callbacks(self.settings, self.secret), self.channels
        )
        self.aftercare = Aftercare(self.incoming, self.clock)
        ways_in = self.settings.notify.replies
        self.reply_mail = (
            ReplyMail(ways_in, replies, self.clock, "email" in self.channels)
            if ways_in.mail_port
            else None
        )
        self.reply_topic = (
            ReplyTopic(self.settings.mqtt, replies, self.clock) if ways_in.mqtt else None
        )

    def reload(self) -> None:
        """Take up what changed in lifts.csv and directory.toml; a mistake changes nothing."""
        site = self.settings.site
        try:
            newer = load_registry(site.folder, self.history.known_lifts())
            book = load_directory(site.folder / "directory.toml", site.timezone)
        except ConfigError as error:
            log.error("site.refused", reason=str(error))
            return
        self.pipeline.between(lambda: self._take_up(newer, book))

    def _take_up(self, newer: Registry, book: Directory) -> None:
        """In the pipeline's thread; who decodes meanwhile learns of the new rows last."""
        self.history.number_lifts([s.reg_code if s else "" for s in newer.slots])
        now_ms = self.clock()
        over = self.judge.take_up(newer, now_ms)
        self.subjects.take_up(newer)
        self.directory = book
        self.desk.take_up(book)
        self.registry.take_up(newer)
        self.pipeline.apply(over, now_ms)
        log.info("site.reloaded", lifts=len(newer.lifts), gateways=len(newer.gateways))

    def _wake(self) -> None:
        for wake in self.wakes:
            wake()

    async def run(
        self,
        started: Callable[[int], None] = lambda port: None,
        leaving: Callable[[], object] = lambda: None,
    ) -> None:
        """Run until told to stop (SIGINT, SIGTERM).

        `started` is told the console's port; `leaving` is called while what comes in is still
        taken and confirmed, so that senders of our own can end in order.
        """
        await asyncio.to_thread(self.pipeline.recover)
        server, stop = self._server(), asyncio.Event()
        self.leave = server.leave
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.reload)
        tasks = [
            asyncio.create_task(self.answers.run(), name="answers"),
            asyncio.create_task(self.outbox.run(stop), name="outbox"),
            asyncio.create_task(self.aftercare.run(stop), name="aftercare"),
            asyncio.create_task(_when_up(server, started), name="started"),
        ]
        if self.reply_mail is not None:
            tasks.append(asyncio.create_task(self.reply_mail.run(stop), name="reply-mail"))
        tasks += [asyncio.create_task(work) for work in self.beside]
        self.pipeline.start()
        self.receiver.start()
        if self.sparkplug is not None:
            self.sparkplug.start()
        if self.reply_topic is not None:
            self.reply_topic.start()
        self.housekeeper.start()
        if self.influx is not None:
            self.influx.start()
        try:
            await server.serve()
        finally:
            await asyncio.to_thread(leaving)
            stop.set()
            await self._stop(tasks)

    def _server(self) -> _Server:
        web = self.settings.web
        return _Server(
            uvicorn.Config(
                self.app,
                host=web.host,
                port=web.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        """Take nothing new, finish what is at hand, tell it, close."""
        await asyncio.to_thread(self.receiver_then_pipeline_stop)
        if self.reply_topic is not None:
            await asyncio.to_thread(self.reply_topic.stop)
        await asyncio.wait([task for task in tasks if task.get_name() == "outbox"], timeout=15)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.influx is not None:
            await asyncio.to_thread(self.influx.stop)
        await asyncio.to_thread(self.housekeeper.stop)
        self.history.close()
        self.engine.dispose()
        log.info("service.stopped")

    def receiver_then_pipeline_stop(self) -> None:
        """Edge nodes are told first; the pipeline acknowledges over the open connection."""
        if self.sparkplug is not None:
            self.sparkplug.stop()
        self.pipeline.stop()
        self.receiver.stop()


def causes_of(settings: Settings) -> Causes:
    """Return what people may file; a font that no PDF can hold is told here, not at night."""
    fonts(settings.site.pdf_font)
    return load_causes(own_or(settings.site.folder, "causes.toml", DEFAULT_CAUSES))


class _Server(Server):
    """As the web has it, but a signal only ends `serve`: what comes after it is ours to finish."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop serving on SIGINT and SIGTERM; a second one is not needed and changes nothing."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.leave)
        yield

    def leave(self) -> None:
        """Stop serving; `serve` then returns."""
        self.should_exit = True


async def _when_up(server: uvicorn.Server, started: Callable[[int], None]) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.05)
    started(server.servers[0].sockets[0].getsockname()[1])
    await asyncio.Event().wait()
