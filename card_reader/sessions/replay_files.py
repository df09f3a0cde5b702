"""Files in a replay, read in the way in which the recorded terminal read them.

What a session's ``parameters`` do not say (short identifier or SELECT, size of a block) is taken
from the recording as a way of reading for a whole file, never command by command.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from card_reader.apdu import CommandApdu
from card_reader.channel import Channel
from card_reader.errors import UnreadableInputError
from card_reader.lds import FILES_BY_NAME, MASTER_FILES_BY_NAME, ElementaryFile
from card_reader.reading.file_reading import BY_FILE_ID, READ_BINARY, SELECT, FileReader
from card_reader.reading.strategy import SELECT_FORMS
from card_reader.sessions.recorded_card import RecordedCard, RecordedRandomness
from card_reader.sessions.session_file import Fields, Session

SHORT_ID_READ = 0x80  # bit of P1 in READ BINARY
MAX_FOLLOWING = 64


@dataclass(slots=True)
class Run:
    """One replay under way: the reader's channel over the recorded card, and what it found."""

    session: Session
    card: RecordedCard
    rng: RecordedRandomness
    channel: Channel
    results: dict[str, Any] = field(default_factory=dict)
    at_files: bool = False  # where the reader tries several ways after a refusal

    @property
    def parameters(self) -> Fields:
        return self.session.parameters


def read_file(run: Run) -> None:
    run.at_files = True
    targets = [_file(item) for item in _listed(run.parameters, "files")] or [_file(run.parameters)]
    for target in targets:
        _read(run, target, run.parameters)


def follow(run: Run) -> None:
    """What the terminal did afterwards, under the keys that are then in force.

    Without ``then_reads`` and ``then_selects``: the recorded commands in their plain form.
    """
    run.at_files = True
    reads = [(_file(item), item) for item in _listed(run.parameters, "then_reads")]
    selects = [_file(item) for item in _listed(run.parameters, "then_selects")]
    read_ids = [file.file_id for file, _ in reads]
    for file in selects:
        # A file that is read afterwards is selected by its reading, unless twice in the recording.
        if file.file_id not in read_ids or _recorded_selects(run, file) > 1:
            _apply_recorded_form(run, run.parameters)
            FileReader(run.channel).select_file(file)
    for file, item in reads:
        _read(run, file, item if isinstance(item, Fields) else run.parameters)
    if not reads and not selects:
        for command in run.card.recorded_plain():
            run.channel.send(command)


def _listed(fields: Fields, name: str) -> list[Any]:
    """One entry or a list of them: names, file identifiers, or objects."""
    value = fields.get(name)
    entries = value if isinstance(value, list) else [] if value is None else [value]
    if len(entries) > MAX_FOLLOWING:
        raise UnreadableInputError(f"{name} has more than {MAX_FOLLOWING} entries")
    return [Fields(item, name) if isinstance(item, dict) else item for item in entries]


def _recorded_selects(run: Run, file: ElementaryFile) -> int:
    wanted = file.file_id.to_bytes(2, "big")
    plain = run.card.recorded_plain()
    return sum(item.ins == SELECT and item.data == wanted for item in plain)


def _read(run: Run, file: ElementaryFile, fields: Fields) -> None:
    _apply_recorded_form(run, fields)
    run.results |= {file.name: None, f"{file.file_id:04X}": None}
    content = bytearray()
    FileReader(run.channel).read(file, content)
    run.results |= {file.name: bytes(content), f"{file.file_id:04X}": bytes(content)}


def _apply_recorded_form(run: Run, fields: Fields) -> None:
    """How the recorded terminal reaches a file and reads it: one strategy until the next file."""
    strategy = replace(run.channel.strategy, block=None, first_read=None)
    commands = run.card.recorded_plain()
    if commands and commands[0].ins == SELECT and commands[0].p1 == BY_FILE_ID:
        forms = [form for form in SELECT_FORMS if (form.p2, form.le) == _form(commands[0])]
        strategy = replace(strategy, select=forms[0] if forms else strategy.select)
    reads = list(_reads_of_one_file(commands))
    short_id = bool(reads) and bool(reads[0].p1 & SHORT_ID_READ)
    lengths = [item.le for item in reads if item.le is not None]
    run.channel.strategy = replace(
        strategy,
        short_ids=short_id,
        first_read=fields.get("first_read", int) or next(iter(lengths), None),
        block=fields.get("block_size", int) or max(lengths[1:], default=None),
    )


def _form(select: CommandApdu) -> tuple[int, int | None]:
    return select.p2, select.le


def _reads_of_one_file(commands: list[CommandApdu]) -> Iterator[CommandApdu]:
    """The READ BINARY commands up to the next SELECT or the next short identifier."""
    for index, command in enumerate(commands):
        if command.ins == READ_BINARY and not (index > 0 and command.p1 & SHORT_ID_READ):
            yield command
        elif index > 0:
            return


def _file(value: object) -> ElementaryFile:
    """A file by name, by identifier, or as an object with ``file``, ``file_id``, ``short_id``."""
    fields = value if isinstance(value, Fields) else Fields({"file": value}, "a file")
    name = fields.get("file", str) or ""
    identifier = fields.octets("file_id")
    short_id = fields.get("short_id", int)
    if not name and identifier is None and short_id in range(1, 31):
        identifier = bytes([0x01, short_id])  # ICAO 9303-10 §3.11: of a file of the application
    known = FILES_BY_NAME.get(name) or MASTER_FILES_BY_NAME.get(name)
    if known is not None and identifier is None:
        return known
    if identifier is None and len(name) == 4:
        identifier = Fields({"file": name}, "a file").octets("file")
    if identifier is None or len(identifier) != 2:
        raise UnreadableInputError("a file is named by its name or by two bytes of file_id")
    number = int.from_bytes(identifier, "big")
    known = known or next((item for item in _FILES if item.file_id == number), None)
    if short_id is None:
        short_id = known.short_id if known else number & 0x1F
    return ElementaryFile(known.name if known else f"{number:04X}", number, short_id, 0)


_FILES = (*FILES_BY_NAME.values(), *MASTER_FILES_BY_NAME.values())
