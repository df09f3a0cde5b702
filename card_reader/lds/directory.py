"""EF.DIR of the master file: the chip's applications.

ICAO 9303-10 §3.11.2.2, ISO/IEC 7816-4 §12.2.3: a row of application templates.
"""

from dataclasses import dataclass

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds.atr_info import used_part

_TEMPLATE, _AID, _LABEL = 0x61, 0x4F, 0x50
MAX_APPLICATIONS = 32
MAX_AID_BYTES = 16
MAX_LABEL_BYTES = 64


@dataclass(frozen=True, slots=True)
class Application:
    """One application: its identifier, its label, and (tag, value) of what else stands there."""

    aid: bytes
    label: str = ""
    unknown: tuple[tuple[int, bytes], ...] = ()


def parse(raw: bytes) -> tuple[Application, ...]:
    """The applications in the file's order; an empty file names none."""
    items = tlv.parse_all(used_part(raw))
    if len(items) > MAX_APPLICATIONS:
        raise MalformedFileError(f"EF.DIR names more than {MAX_APPLICATIONS} applications")
    return tuple(_application(item) for item in items if item.tag == _TEMPLATE)


def encode(applications: tuple[Application, ...]) -> bytes:
    if len(applications) > MAX_APPLICATIONS:
        raise MalformedFileError(f"EF.DIR names more than {MAX_APPLICATIONS} applications")
    return b"".join(tlv.encode(_TEMPLATE, _template(item)) for item in applications)


def _application(item: tlv.Tlv) -> Application:
    parts = item.children()
    aid = tlv.find(parts, _AID).value
    labels = [part.value for part in parts if part.tag == _LABEL]
    if not 1 <= len(aid) <= MAX_AID_BYTES or len(labels) > 1:
        raise MalformedFileError("EF.DIR names an application wrongly")
    label = labels[0] if labels else b""
    if len(label) > MAX_LABEL_BYTES:
        raise MalformedFileError(f"EF.DIR has a label longer than {MAX_LABEL_BYTES} bytes")
    try:
        text = label.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedFileError("EF.DIR has a label that is no text") from None
    unknown = tuple((part.tag, part.value) for part in parts if part.tag not in (_AID, _LABEL))
    return Application(aid, text, unknown)


def _template(application: Application) -> bytes:
    label = application.label.encode()
    if not 1 <= len(application.aid) <= MAX_AID_BYTES or len(label) > MAX_LABEL_BYTES:
        raise MalformedFileError("an application has an identifier of 1 to 16 bytes")
    return (
        tlv.encode(_AID, application.aid)
        + (tlv.encode(_LABEL, label) if label else b"")
        + b"".join(tlv.encode(tag, value) for tag, value in application.unknown)
    )
