"""Where the master is, and whether it is there: found in the database, heard by its beats.

A master that was started anew listens elsewhere, so it is looked up whenever nothing is heard.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import zmq
import zmq.asyncio
from pydantic import ValidationError

from zoe_core.protocol import AWAY_AFTER, Beat, Envelope, MalformedEnvelope, WrongVersion
from zoe_core.protocol.messages import Message
from zoe_hub.channel import Channel, MasterAway, NoAnswer, of_another_version
from zoe_hub.endless import for_ever
from zoe_store.cluster import MasterRecord, master_record
from zoe_store.database import Database, DatabaseAway
from zoe_store.keys import HUB, MASTER, KeyRing, KeysRefused
from zoe_store.wire import bound

LOOK_EVERY = 0.25
"""Seconds between looks for a master of which nothing is heard."""

DEAF_AFTER = 8
"""Pings without an answer, one at each look, after which a connection is dead although the master
is heard elsewhere."""

REQUESTS_AT_ONCE = 1000
LOGS_AT_ONCE = 500
"""Requests under way; each for a log may bring a whole chunk, for which there must be room."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a master listens, during one term of its office."""

    epoch: int
    commands_url: str
    logs_url: str
    events_url: str


class Contact:
    """Keeps two DEALER sockets, for requests and for logs, and a SUB connected to the master.

    ``there`` is set unless the master is known to be away: a moment after the start it is not known
    yet, and requests are tried.
    """

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._context = zmq.asyncio.Context()
        self.requests = Channel(REQUESTS_AT_ONCE, self._heard)
        self.logs = Channel(LOGS_AT_ONCE, self._heard)
        self.there = asyncio.Event()
        self.there.set()
        self._heard_at: datetime | None = None
        self._lost = asyncio.Event()
        self._lost.set()
        self._refusal: str | None = None
        self._place: _Place | None = None
        self._finding = asyncio.Lock()
        self._looked_at = 0.0
        self._listener: asyncio.Task[None] | None = None
        self._searcher: asyncio.Task[None] | None = None
        self._bells: list[asyncio.Event] = []
        self._newest_event = 0

    # --- what the link uses ---

    def start(self) -> None:
        """Begin to look for the master; on the event loop that is running."""
        if self._searcher is None:
            self._searcher = asyncio.create_task(for_ever("The search", self._search))

    def ring(self, bell: asyncio.Event) -> None:
        """Set ``bell`` from now on whenever the master tells of a new event."""
        self._bells.append(bell)

    async def ask(self, channel: Channel, message: Message, deadline: float) -> Envelope:
        """The answer. Raises MasterAway: at once when the master is known to be away.

        Raises DatabaseAway when nobody knows where it is.
        """
        await self._reach()
        try:
            return await channel.ask(message, deadline)
        except NoAnswer:
            self._lost.set()
            raise

    async def close(self) -> None:
        """Close the sockets; requests under way fail."""
        tasks = [each for each in (self._searcher, self._listener) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in (self.requests, self.logs):
            channel.close("the portal is being stopped")
        self._context.destroy(linger=0)

    async def _reach(self) -> None:
        self.start()
        # One that fell silent is for the search alone: the database may be slow as well.
        if self._lost.is_set() and (self.there.is_set() or self._place is None):
            await self._find()
        if self._refusal is not None:
            raise MasterAway(self._refusal)
        if not self.there.is_set():
            raise MasterAway(self._since())

    def _since(self) -> str:
        if self._place is None:
            return "the scheduler has not been started yet"
        if self._heard_at is None:
            return "the scheduler does not answer"
        since = self._heard_at.astimezone(UTC)
        return f"the scheduler is away since {since:%Y-%m-%d %H:%M:%S %Z}"

    # --- finding it ---

    async def _search(self) -> None:
        while True:
            await self._lost.wait()
            with suppress(MasterAway, DatabaseAway):
                await self._find()
                # Any answer will do: on the socket for logs it is a refusal.
                await self.requests.ping()
                await self.logs.ping()
            await asyncio.sleep(LOOK_EVERY)

    async def _find(self) -> None:
        """Look up where the master is. Raises MasterAway or DatabaseAway when nobody knows."""
        clock = asyncio.get_running_loop().time
        asked = clock()
        async with self._finding:
            # One look is for all who asked before it began.
            if self._looked_at < asked:
                began = clock()
                await self._look_up()
                self._looked_at = began
        if self._place is None:
            self.there.clear()
            raise MasterAway(self._refusal or self._since())

    async def _look_up(self) -> None:
        try:
            record = await asyncio.to_thread(master_record, self._database)
        except DatabaseAway:
            if self._place is None:
                raise
            return  # it may still be where it was
        place = _place_of(record)
        if place is not None and place != self._place:
            try:
                self._connect(place, "the scheduler has been restarted just now")
            except (KeysRefused, zmq.ZMQError, OSError) as error:
                reason = "the scheduler cannot be reached: the administrator's log says why"
                self._refuse(reason, f"The master cannot be reached: {error}")
                return
            self._heard_at = record.seen_at
            self._place = place
            self._refusal = None
            self.there.set()

    def _refuse(self, reason: str, logged: str) -> None:
        """Until it is heard again there is a reason for people, and one line in the log."""
        if self._refusal != reason:
            log.error("%s", logged)
        self._refusal = reason

    def _connect(self, place: _Place, reason: str) -> None:
        self.requests.connect(self._socket(zmq.DEALER, place.commands_url), reason)
        self.logs.connect(self._socket(zmq.DEALER, place.logs_url), reason)
        if self._listener is not None:
            self._listener.cancel()
        self._listener = asyncio.create_task(
            for_ever("Listening to the master", lambda: self._listen(place))
        )

    def _socket(self, kind: int, url: str) -> zmq.asyncio.Socket:
        pair, master = self._keys.pair(HUB), self._keys.public(MASTER)
        socket = self._context.socket(kind)
        bound(socket)
        socket.curve_publickey = pair.public
        socket.curve_secretkey = pair.secret
        socket.curve_serverkey = master
        socket.connect(url)
        return socket

    # --- hearing it ---

    async def _listen(self, place: _Place) -> None:
        with self._socket(zmq.SUB, place.events_url) as socket:
            socket.subscribe(b"")
            noticing = asyncio.create_task(self._notice_its_end(socket))
            try:
                while await socket.poll(int(AWAY_AFTER * 1000)):
                    self._take_in(await socket.recv_multipart(), place)
            finally:
                noticing.cancel()
        self._fall_silent()
        # A connection that was refused, for its key, stays dead for ever: only a new one is heard.
        self._connect(place, self._since())

    async def _notice_its_end(self, socket: zmq.asyncio.Socket) -> None:
        """A master that ends may have a successor at once: do not wait for the silence."""
        with socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
            while await monitor.recv_multipart():
                self._lost.set()

    def _take_in(self, frames: list[bytes], place: _Place) -> None:
        try:
            envelope = Envelope.parse(frames)
            beat = Beat.model_validate_json(envelope.body)
        except WrongVersion as error:
            self._heard(error)
        except (MalformedEnvelope, ValidationError) as error:
            log.error("What the master publishes cannot be read: %s", error)
        else:
            # One of another epoch has been replaced, or was found too early: look again.
            if beat.epoch != place.epoch:
                self._lost.set()
                return
            self._heard(envelope)
            self._replace_dead(place)
            if beat.newest_event > self._newest_event:
                self._newest_event = beat.newest_event
                for bell in self._bells:
                    bell.set()

    def _heard(self, said: Envelope | WrongVersion) -> None:
        if isinstance(said, WrongVersion):
            self._refuse(of_another_version(said), f"The master cannot be understood: {said}")
        else:
            self._refusal = None
        self._heard_at = datetime.now(UTC)
        if not self.there.is_set():
            log.info("The master is back")
        self.there.set()
        if not any(channel.unanswered for channel in (self.requests, self.logs)):
            self._lost.clear()

    def _replace_dead(self, place: _Place) -> None:
        """One connection alone may have been refused, or its reader have failed."""
        urls = {self.requests: place.commands_url, self.logs: place.logs_url}
        for channel, url in urls.items():
            if channel.unanswered >= DEAF_AFTER:
                log.warning("The master is there and does not answer at %s: connecting anew", url)
                reason = "the scheduler has not answered: it is connected to anew"
                channel.connect(self._socket(zmq.DEALER, url), reason)

    def _fall_silent(self) -> None:
        self._lost.set()
        if self.there.is_set():
            self.there.clear()
            log.warning("Nothing is heard of the master: %s", self._since())
            for channel in (self.requests, self.logs):
                channel.give_up(self._since())


def _place_of(record: MasterRecord) -> _Place | None:
    """None when no master has announced itself."""
    if not (record.commands_url and record.logs_url and record.events_url):
        return None
    return _Place(record.epoch, record.commands_url, record.logs_url, record.events_url)
