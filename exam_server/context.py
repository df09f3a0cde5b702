"""What every route works with: settings, keys, database, clock and trust."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.engine import Engine
from sqlmodel import Session

from card_reader.trust.store import TrustStore
from exam_server import db
from exam_server.items.importing import Readings
from exam_server.items.texts import Texts
from exam_server.items.traits import KnownTraits
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealing
from exam_server.settings import Settings


def utc_now() -> datetime:
    """The machine's clock, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """One server. `trust_source` gives the anchors and CRLs as they are now; `texts` and
    `traits` are what this process has opened of items to search them and to find those alike,
    `readings` of brought files."""

    settings: Settings
    keys: ServerKeys
    engine: Engine
    trust_source: Callable[[], TrustStore]
    clock: Callable[[], datetime] = field(default=utc_now)
    texts: Texts = field(default_factory=Texts)
    traits: KnownTraits = field(default_factory=KnownTraits)
    readings: Readings = field(default_factory=Readings)

    @property
    def sealing(self) -> Sealing:
        return self.keys.sealing

    @property
    def trust(self) -> TrustStore:
        return self.trust_source()

    def now(self) -> datetime:
        """The server's time, which is the exam's time."""
        return self.clock()

    def transaction(self) -> AbstractContextManager[Session]:
        """A session that is committed when its block ends, before the answer goes out."""
        return db.transaction(self.engine)

    def reading(self) -> AbstractContextManager[Session]:
        """A session for looking only."""
        return db.reading(self.engine)


def server_of(request: Request) -> Server:
    """The server that answers `request`."""
    server: Server = request.app.state.server
    return server


ServerDep = Annotated[Server, Depends(server_of)]
