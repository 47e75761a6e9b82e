"""The only place where the parts are wired together."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from zoneinfo import ZoneInfo

import structlog
import uvicorn

from alerts.chains.chains_file import load_chains
from alerts.chains.ladder import DEFAULT_CHAINS
from alerts.database.access import open_engine
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from alerts.lifecycle.causes import DEFAULT_CAUSES, Causes, load_causes
from alerts.migrations import migrate
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.pages.links import Links
from alerts.pages.page import Pages, vocabulary_words
from alerts.replies.answers import Replies
from alerts.rules import DEFAULT_RULES, RuleSet, load_rules
from alerts.story.sheet import fonts
from config.settings import Settings
from devices.cancel import cancel_all
from devices.codecs import Limits, Setup, build_routes
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor import reload
from monitor.admin.rulebook import RuleBook
from monitor.admin.trials import Trials
from monitor.aftercare import Aftercare
from monitor.answers import Answers
from monitor.channels import callbacks, channels, open_push, reply_tokens
from monitor.clock import Clock
from monitor.detector import rule_schema
from monitor.heads import DailyHead
from monitor.housekeeping import Housekeeper
from monitor.incoming import Incoming
from monitor.intake import Intake
from monitor.judge import Judge
from monitor.late import LateLane
from monitor.link.keeper import LinkKeeper
from monitor.metrics import Metrics
from monitor.own import own_or
from monitor.pipeline import Pipeline, Wires
from monitor.port import Port, book_of
from monitor.provisioning.issuer import Issuer
from monitor.provisioning.watch import Watch
from monitor.quarantine.replayer import Replayer
from monitor.receive import Receiver
from monitor.registry.keeper import Keeper
from monitor.repeats import NOBODY, Repeats
from monitor.reply_mail import ReplyMail
from monitor.reply_topic import ReplyTopic
from monitor.secret import load_secret
from monitor.snapshot import Snapshots
from monitor.sparkplug import sparkplug_host
from monitor.store.history import History
from monitor.store.influx import InfluxCopy
from monitor.store.ledger import Ledger
from monitor.store.rollup import roll_up
from monitor.upstream.office import Upstream
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
        self.zone = ZoneInfo(settings.site.timezone)
        self._read_site()
        taken = self._open_stores()
        self._open_desk()
        self._open_wires(taken)
        self._open_pipeline()
        self._open_ways_out()
        self._open_ways_in()
        self._look_after_gateways()
        self.app = create_app(Port(self))
        self.leave: Callable[[], None] = lambda: None
        self.beside: list[Coroutine[None, None, None]] = []

    def _read_site(self) -> None:
        """The site's files; a mistake in them is told before any file is made."""
        settings, site = self.settings, self.settings.site.folder
        self.vocab, self.causes = load_vocabulary(), causes_of(settings)
        self.schema = rule_schema(self.vocab)
        self.rules = load_rules(own_or(site, "rules.toml", DEFAULT_RULES), self.schema)
        chains_file = own_or(site, "chains.toml", DEFAULT_CHAINS)
        self.chains = load_chains(chains_file, settings.site.arrival_profile)
        self.directory = load_directory(site / "directory.toml", settings.site.timezone)
        load_registry(site)

    def _open_stores(self) -> list[tuple[str, int, str]]:
        """History, registry, alert database; returns the ledger as last committed."""
        settings, site = self.settings, self.settings.site.folder
        self.secret = load_secret(settings.data_dir)
        self.history = History(
            settings.data_dir / "history", self.vocab, settings.history.memory_mb
        )
        self.registry = load_registry(site, self.history.known_lifts())
        self.history.number_lifts([s.reg_code if s else "" for s in self.registry.slots])
        taken = self.history.ledger()
        self.ledger = Ledger(row for row in taken if row[0] != NOBODY)
        migrate(settings.database)
        self.engine = open_engine(settings.database)
        return taken

    def _open_desk(self) -> None:
        settings = self.settings
        self.rulebook = RuleBook(
            self.engine, settings.site.folder, self.schema, self.chains, self.clock
        )
        self.rules, self.trials = self.rulebook.read().ruleset, Trials()
        links = Links(
            self.secret.hex(), settings.public_url, settings.notify.link_hours, prefix="/p/"
        )
        named = {name: (one.text, one.kind, one.unit) for name, one in self.schema.items()}
        pages = Pages(links, vocabulary_words(self.vocab, named), self.zone)
        self.subjects = Subjects(self.registry)
        self.keeper = Keeper(self.engine, self.registry, settings.registry, self.clock).open()
        self.desk = AlertDesk(
            self.engine, self.rules.meta, self.chains, self.directory, self.subjects, pages
        )

    def _open_wires(self, taken: list[tuple[str, int, str]]) -> None:
        """What comes in by MQTT and what is answered; nothing is connected yet."""
        settings, clock, metrics = self.settings, self.clock, self.metrics
        setup = Setup(self.registry, self.vocab, settings.site.folder, settings.ingest)
        self.routes = build_routes(setup)
        self.intake = Intake(
            self.registry,
            self.vocab,
            self.ledger,
            settings.ingest,
            settings.mqtt.window,
            clock,
            metrics,
            settings.history.quarantine_mb,
            self.routes,
            Repeats(taken),
        )
        known = settings.data_dir / "subscriptions.json"
        epochs = itertools.count(1)
        self.receiver, self.backfill = (
            Receiver(settings.mqtt, self.intake, metrics, self.routes, file, epochs=epochs,
                     backfill=old)
            for file, old in ((known, False), (None, True))
        )  # fmt: skip
        self.link = self.intake.link
        limits, witness = Limits.of(settings.ingest), self.link.witness
        self.answers = Answers(
            settings.mqtt, self.registry, limits, clock, metrics, self.routes, witness,
            self.backfill.listening.is_set,
        )  # fmt: skip
        host = (self.intake, self.answers.say, clock, metrics)
        self.sparkplug = sparkplug_host(settings, self.routes, *host)

    def _open_pipeline(self) -> None:
        settings, clock = self.settings, self.clock
        self.judge = Judge(self.vocab, self.registry, self.rules, self.zone)
        self.detector = self.judge.detector
        self.judge.expect(self.keeper.expected(self.registry, clock()))
        self.late = LateLane(self.vocab, self.registry, self.rules, self.history, self.zone)
        snapshots = Snapshots(settings.data_dir / "snapshots")
        heads = DailyHead(self.engine, settings.audit, settings.site.timezone, clock)
        self.housekeeper = Housekeeper(
            settings.history, self.history, snapshots, self.intake, clock, self.late, heads
        )
        wires = Wires(
            self._acknowledge,
            self.answers.post,
            self._wake,
            self.answers.say,
            self.keeper.saw,
        )
        self.pipeline = Pipeline(
            settings,
            self.history,
            self.intake,
            self.judge,
            self.late,
            self.desk,
            snapshots,
            wires,
            clock,
            self.metrics,
        )
        self.replayer = Replayer(self.engine, self.history, self.intake, clock, self._wake)

    def _open_ways_out(self) -> None:
        """Pages to people, copies to InfluxDB and to the platforms above."""
        settings, clock = self.settings, self.clock
        self.channels = channels(settings, clock, self.secret)
        self.push = open_push(settings, self.desk, self.channels)
        policy = RetryPolicy(attempts=settings.notify.attempts)
        self.outbox = OutboxWorker(self.engine, self.channels, clock, policy)
        self.wakes.append(self.outbox.wake)
        self.desk.sender = self.outbox
        self.desk.rehearse(clock())
        influx = settings.influx
        self.influx = InfluxCopy(influx, self.history, self.registry) if influx.url else None
        self.upstream = Upstream(
            settings, self.history, self.engine, self.registry, self.vocab, clock
        )
        self.housekeeper.also.append(self.upstream.tidy)
        self.housekeeper.also.append(self._roll_up)

    def _roll_up(self) -> None:
        """Long curves are read from rollups of the segments; what is missing is written."""
        try:
            roll_up(self.history, lambda: self.housekeeper.worker.stopping)
        except OSError as error:  # a full disk: samples are read instead, and it is tried again
            log.error("rollup.failed", reason=str(error))

    def _look_after_gateways(self) -> None:
        """Who spoke is told to the keeper; it looks after their credentials, too."""
        self.keeper.listen(lambda: list(self.answers.heard))
        self.intake.acceptance.on_kept = self.keeper.sightings.note
        self.issuer = Issuer(self.engine, self.settings, self.clock, lambda: self.routes)
        self.watch = Watch(self.issuer, self.metrics, self.clock, lambda: book_of(self))
        self.keeper.beside(self.watch.turn)
        self.links = LinkKeeper(
            self.link, self.registry, self.history, self.clock, self.metrics, self.zone,
            self.settings.history.retention_days,
        )  # fmt: skip

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
        """Take up what changed in the site's files, rules and mapping files; a mistake in one of
        them changes nothing."""
        reload.reload(self)

    def take_up_site(self) -> Event:
        """Read the site's files and have them count; the event tells when they do.

        Raises ConfigError for a mistake in them, which changes nothing.
        """
        return reload.take_up_site(self)

    def _acknowledge(self, receipts: Sequence[tuple[int, int]]) -> None:
        """Tell the broker; each connection knows its own receipts."""
        self.receiver.acknowledge(receipts)
        self.backfill.acknowledge(receipts)

    def take_up_rules(self, rules: RuleSet) -> Event:
        """Have these rules count; the event tells when they do."""
        return reload.take_up_rules(self, rules)

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
        await asyncio.to_thread(self.upstream.open)  # before the first batch and the first alert
        await asyncio.to_thread(self.pipeline.recover)
        await asyncio.to_thread(reload.recovered, self)
        server, stop = self._server(), asyncio.Event()
        self.leave = server.leave
        loop = asyncio.get_running_loop()
        # in a thread: it may have to wait until a change at the desk has been taken up
        loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, self.reload)
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
        self.backfill.start()
        for optional in (self.sparkplug, self.reply_topic):
            if optional is not None:
                optional.start()
        for room in (self.influx, self.housekeeper, self.keeper, self.replayer, self.links):
            if room is not None:
                room.worker.start()
        self.upstream.start()
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
        self.trials.close()
        for end in (self.replayer.worker.stop, self.links.stop, self.receiver_then_pipeline_stop):
            await asyncio.to_thread(end)
        if self.reply_topic is not None:
            await asyncio.to_thread(self.reply_topic.stop)
        await asyncio.wait([task for task in tasks if task.get_name() == "outbox"], timeout=15)
        await cancel_all(tasks)
        if self.influx is not None:
            await asyncio.to_thread(self.influx.stop)
        for end in (self.upstream.stop, self.housekeeper.worker.stop, self.keeper.stop):
            await asyncio.to_thread(end)
        self.history.close()
        self.engine.dispose()
        log.info("service.stopped")

    def receiver_then_pipeline_stop(self) -> None:
        """Edge nodes are told first; the pipeline acknowledges over the open connection."""
        if self.sparkplug is not None:
            self.sparkplug.stop()
        self.pipeline.stop()
        self.receiver.stop()
        self.backfill.stop()


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
