"""Tables of the bank.

What an item says lies sealed; in the clear stand only its card (what lists and filters need) and
what answers told of it.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field

from exam_server.db import Base, UtcDateTime, by_value, new_id
from question_bank.lifecycle import State


class Act(StrEnum):
    """What happened to an item; the audit log uses the same words."""

    CREATED = "item_created"
    IMPORTED = "item_imported"
    LOADED = "item_loaded"
    EDITED = "item_edited"
    REVISED = "item_revised"
    SUBMITTED = "item_submitted"
    DISCARDED = "item_discarded"
    WITHDRAWN = "item_withdrawn"
    RETURNED = "item_returned"
    APPROVED = "item_approved"
    USED = "item_used"
    RETIRED = "item_retired"
    COMMENTED = "item_commented"
    RESTORED = "item_restored"
    MOVED = "item_moved"
    TAGGED = "item_tagged"
    UNTAGGED = "item_untagged"
    SECRECY = "item_secrecy_set"
    SEEN = "item_seen"
    EXPORT_ASKED = "item_export_asked"
    EXPORT_GRANTED = "item_export_granted"
    EXPORT_REFUSED = "item_export_refused"
    EXPORTED = "item_exported"
    OPENING_ASKED = "item_opening_asked"
    OPENING_REFUSED = "item_opening_refused"
    OPENED = "item_opened"


#: Whoever did one of these wrote in the version, and cannot be its second person.
WRITING = (Act.CREATED, Act.IMPORTED, Act.EDITED, Act.REVISED, Act.SUBMITTED)


class Item(Base, table=True):
    """An item under the name its authors gave it."""

    __tablename__ = "item"

    id: str = Field(primary_key=True, default_factory=new_id)
    name: str = Field(unique=True)


class ItemVersion(Base, table=True):
    """One version. `body` is what may be shown, `answer_key` what never leaves the server.

    Both are sealed (`exam_server.sealing`) under purposes of their own with the version's id.
    `digest` is a keyed one of both in the clear: the same content is never stored twice, and
    nobody without the master key can try answers against it.
    """

    __tablename__ = "item_version"
    __table_args__ = (UniqueConstraint("item_id", "version"),)

    id: str = Field(primary_key=True, default_factory=new_id)
    item_id: str = Field(foreign_key="item.id")
    version: int
    state: State = Field(sa_type=by_value(State))
    body: bytes
    answer_key: bytes
    digest: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)


class ItemCard(Base, table=True):
    """What lists and filters read of an item without opening it: its newest version, and the
    subject, topic and secrecy that the bank holds it under (they count, not the author's own).

    `used_at` is when it last stood in a form that was made or sealed. `answers`, `difficulty` and
    `discrimination` are the newest statistics of the newest version; `text_revision` is new with
    every writing of its words, and empty where there are none yet.
    """

    __tablename__ = "item_card"

    item_id: str = Field(primary_key=True, foreign_key="item.id")
    version: int
    state: State = Field(sa_type=by_value(State), index=True)
    kind: str
    subject: str = Field(index=True)
    grade: str
    topic: str
    level: str
    code: str
    author: str
    language: str = ""
    secret: bool
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answers: int = 0
    difficulty: int | None = None
    discrimination: int | None = None
    text_revision: str = ""
    owner_id: str | None = Field(default=None, foreign_key="staff.id")
    changed_at: datetime = Field(sa_type=UtcDateTime, index=True)


class ItemText(Base, table=True):
    """The words of an item's newest version, sealed (`exam_server.items.texts`) for the revision
    that its card names."""

    __tablename__ = "item_text"

    item_id: str = Field(primary_key=True, foreign_key="item.id")
    text: bytes


class ItemStatistic(Base, table=True):
    """What answers told of a version. `source` is `shift:ID`, or `import:NAME` of a file.

    Difficulty (the mean share of the marks) and discrimination are in thousandths; None: it cannot
    be told.
    """

    __tablename__ = "item_statistic"

    item_version_id: str = Field(primary_key=True, foreign_key="item_version.id")
    source: str = Field(primary_key=True)
    answers: int
    difficulty: int
    discrimination: int | None = None
    at: datetime = Field(sa_type=UtcDateTime)


class TopicNode(Base, table=True):
    """A topic in the tree of a subject (`question_bank.topics`), in its place."""

    __tablename__ = "topic"

    subject: str = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    code: str
    name: str
    parent: str


class ItemTraits(Base, table=True):
    """By what near-duplicates of an item's newest version find it, sealed; each writing is another
    revision."""

    __tablename__ = "item_traits"

    item_id: str = Field(primary_key=True, foreign_key="item.id")
    revision: str
    traits: bytes


class ItemEvent(Base, table=True):
    """One thing that happened to an item, in order. `staff_id` is None for the server's operator.

    `note` (a comment, a reason, the exam it was used in) is sealed: it may quote the key.
    """

    __tablename__ = "item_event"

    item_id: str = Field(primary_key=True, foreign_key="item.id")
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: int
    act: Act = Field(sa_type=by_value(Act))
    at: datetime = Field(sa_type=UtcDateTime)
    staff_id: str | None = Field(default=None, foreign_key="staff.id")
    note: bytes | None = None


class StaffSubject(Base, table=True):
    """A member of staff may work on the items of a subject (`ANY_SUBJECT`: of every one)."""

    __tablename__ = "staff_subject"

    staff_id: str = Field(primary_key=True, foreign_key="staff.id")
    subject: str = Field(primary_key=True)
    secret: bool


class ItemImport(Base, table=True):
    """A file that a writer brought: what was found in it (sealed), and which of it was taken.

    `made`: place (in decimals) → id of the item that it became; of what an older program took
    there is none.
    """

    __tablename__ = "item_import"
    __deferred__ = ("found",)

    id: str = Field(primary_key=True, default_factory=new_id)
    staff_id: str = Field(foreign_key="staff.id")
    file: str
    at: datetime = Field(sa_type=UtcDateTime)
    found: bytes
    taken: list[int] = Field(sa_type=JSON)
    made: dict[str, str] = Field(default_factory=dict, sa_type=JSON)


class ItemExport(Base, table=True):
    """Somebody's wish to take a secret item out of the bank, another's word on it, and its end.

    `opens`: the wish is that the item is secret no more; another's word ends it.
    """

    __tablename__ = "item_export"

    id: str = Field(primary_key=True, default_factory=new_id)
    item_id: str = Field(foreign_key="item.id")
    version: int
    reason: bytes
    asked_by: str = Field(foreign_key="staff.id")
    asked_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    granted: bool | None = None
    opens: bool = False
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
