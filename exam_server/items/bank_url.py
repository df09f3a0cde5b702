"""A server's bank as `question-bank import --bank` names it: what it brings become drafts.

``exam-server:///srv/exam?username=rade&subject=Toán`` is the server in that folder, on this
machine, and the item writer whose drafts they become; ``&secret=true`` makes them secret ones.
The passphrase comes from EXAM_SERVER_PASSPHRASE or is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from sqlmodel import Session, select

from exam_server import db, directory, keys
from exam_server.auth import Officer, ThroughOperator
from exam_server.console import PASSPHRASE, remark, secret
from exam_server.context import utc_now
from exam_server.errors import InputError, ServerError
from exam_server.items import alike, life
from exam_server.items.models import Act
from exam_server.sealing import Sealing
from exam_server.staff import Staff
from question_bank.assembly import BaseForm
from question_bank.duplicates.findings import Findings
from question_bank.errors import FileRefusedError
from question_bank.item import Item

EXAMPLE = "exam-server:///srv/exam?username=NAME&subject=SUBJECT"


@dataclass(frozen=True, slots=True)
class ServerBank:
    """The bank of the server in `folder`, as `username` writes in it."""

    folder: Path
    username: str
    subject: str
    secret: bool
    #: The server's keys, once they are open: nobody is asked twice.
    _sealing: list[Sealing] = field(default_factory=list, init=False, repr=False, compare=False)

    def add_items(self, items: Sequence[Item]) -> int:
        """Makes drafts of them, all or none; gives how many."""
        named = [
            replace(item, metadata=replace(item.metadata, subject=self.subject)) for item in items
        ]
        with self._opened() as (session, officer, sealing):
            made = life.create(
                session, officer, named, act=Act.IMPORTED, secret=self.secret, sealing=sealing,
                now=utc_now(),
            )  # fmt: skip
        return len(made)

    def duplicates(self, items: Sequence[Item]) -> Findings:
        """What each of `items` is like, of what the writer may see and among those before it."""
        with self._opened() as (session, officer, sealing):
            return alike.findings(session, officer, items, sealing=sealing)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Session, Officer, Sealing]]:
        """A transaction of the server's, for the writer."""
        with _in_its_words(), directory.open_server(self.folder) as server:
            if not self._sealing:
                asked = secret(None, PASSPHRASE, "Passphrase of the server")
                self._sealing.append(keys.load(self.folder, asked).sealing)
            with db.transaction(server.engine) as session:
                person = session.exec(select(Staff).where(Staff.username == self.username)).first()
                if person is None or person.disabled_at is not None:
                    raise InputError(f"there is no {self.username}; see exam-server staff list")
                officer = ThroughOperator(person.id, person.username, person.name, person.role)
                yield session, officer, self._sealing[0]

    def add_base_forms(self, forms: Iterable[BaseForm]) -> None:
        """A server's forms are an exam's: they are named, and not taken."""
        for form in forms:
            remark(
                f"base form {form.id} is not taken; exam-server load paper makes an exam's forms"
            )


@contextmanager
def _in_its_words() -> Iterator[None]:
    """What the server refuses, as the question bank's own refusal."""
    try:
        yield
    except (ServerError, OSError) as error:
        raise FileRefusedError(f"--bank: {error}") from error


def open_bank(url: str) -> ServerBank:
    """The bank that `url` names; raises FileRefusedError."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True, keep_blank_values=True)
        (username,), (subject,) = query.pop("username"), query.pop("subject")
        (hidden,) = query.pop("secret", ["false"])
    except (ValueError, KeyError):
        raise FileRefusedError(f"--bank: {url!r} is incomplete; write {EXAMPLE}") from None
    if parts.netloc or not parts.path or query or hidden not in ("true", "false"):
        raise FileRefusedError(f"--bank: {url!r} names no folder of this machine; write {EXAMPLE}")
    return ServerBank(Path(unquote(parts.path)), username, subject, hidden == "true")
