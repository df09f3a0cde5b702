"""The table of what officers signed: their own list, and every version of the trust."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from exam_server.contract import canonical
from exam_server.db import Base, UtcDateTime, by_value

DOMAIN = "truong-thi/trust-document"


class DocumentKind(StrEnum):
    """What a document decides."""

    OFFICERS = "officers"  # who may sign
    COLLECTION = "collection"  # whom cards are believed on


class TrustDocument(Base, table=True):
    """One signed document that came into force; the newest `number` of its kind is in force.

    Rows are held by triggers, as the audit log is. `officers` is the number of the list whose
    officers signed it (0: the founding of the list itself, which nobody could sign). `seal` is the
    server's own signature: a row that was written past the program counts for nothing.
    """

    __tablename__ = "trust_document"
    __deferred__ = ("content",)

    kind: DocumentKind = Field(sa_type=by_value(DocumentKind), primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    digest: bytes
    officers: int
    content: bytes
    proposed_by: str
    countersigned_by: str
    reason: str
    added: int
    removed: int
    applied_at: datetime = Field(sa_type=UtcDateTime)
    seal: bytes

    def sealed_bytes(self) -> bytes:
        return canonical.encode(DOMAIN, 1, self.kind.value, self.number, self.digest, self.officers)
