"""What a process of several is given by its parent: over a pipe, never by disk or environment."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from exam_server.contract import canonical
from exam_server.contract.errors import ContractError
from exam_server.keys import ServerKeys
from exam_server.serving.logs import LogForm
from exam_server.settings import Settings

DOMAIN = "truong-thi/handover"
_LENGTH_BYTES = 4
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, repr=False)
class Handover:
    """The server in `directory` with its keys, and the descriptor of the process's own listener."""

    directory: Path
    settings: Settings
    keys: ServerKeys
    listener: int
    log_form: LogForm

    def to_bytes(self) -> bytes:
        """Length (4 bytes, big-endian) and canonical bytes; secret."""
        fields = (
            str(self.directory),
            self.settings.model_dump_json(),
            self.keys.to_bytes(),
            self.listener,
            self.log_form.value,
        )
        data = canonical.encode(DOMAIN, 1, *fields)
        return len(data).to_bytes(_LENGTH_BYTES, "big") + data

    @classmethod
    def from_pipe(cls, descriptor: int) -> "Handover":
        """Reads one from `descriptor`, which stays open; ContractError where there is none."""
        length = int.from_bytes(_exactly(descriptor, _LENGTH_BYTES), "big")
        if length > MOST_BYTES:
            raise ContractError("no handover")
        match canonical.decode(DOMAIN, 1, _exactly(descriptor, length), fields=5):
            case [str(directory), str(settings), bytes(own), int(listener), str(form)]:
                return cls(
                    Path(directory),
                    Settings.model_validate(json.loads(settings)),
                    ServerKeys.from_bytes(own),
                    listener,
                    LogForm(form),
                )
        raise ContractError("a handover whose fields are of the wrong kind")


def _exactly(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(descriptor, count - len(data))
        if not piece:
            raise ContractError("the handover was cut off")
        data += piece
    return data
