"""A session with a card as JSON that a reader can be run against again.

A recording holds what the card said, hence personal data, and the key seed of its MRZ: it is
made only where a technician asks for it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from card_reader.access.passwords import MrzPassword
from card_reader.channel import Exchange
from card_reader.errors import UnreadableInputError


class SessionRecording:
    """Collects exchanges and drawn randomness; give ``rng`` and ``exchange`` to the reader."""

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        self._source = source
        self._randomness: list[bytes] = []
        self._exchanges: list[Exchange] = []

    def rng(self, length: int) -> bytes:
        value = self._source(length)
        self._randomness.append(value)
        return value

    def exchange(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)

    def save(self, path: Path, passwords: tuple[MrzPassword, ...]) -> None:
        """Write the recording, readable by its owner alone."""
        content = {
            "description": "a card read by card-reader",
            "start": {"secure_messaging": None},
            "password": {"type": "mrz_key_seed", "k": _hex(passwords[0].key_seed)},
            "further_passwords": [
                {"type": "mrz_key_seed", "k": _hex(item.key_seed)} for item in passwords[1:]
            ],
            "files": {},
            "procedure": "read_card",
            "randomness": [_hex(value) for value in self._randomness],
            "exchanges": [_entry(item) for item in self._exchanges],
        }
        write_private(path, json.dumps(content, indent=1).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that holds personal data: readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(content)
    except OSError as error:
        raise UnreadableInputError(f"{path} cannot be written: {error.strerror}") from error


def _entry(exchange: Exchange) -> dict[str, str]:
    parts = {
        "command": exchange.command,
        "response": exchange.response,
        "plain_command": exchange.plain_command,
        "plain_response": exchange.plain_response,
    }
    return {name: _hex(value) for name, value in parts.items() if value is not None}


def _hex(value: bytes) -> str:
    return value.hex().upper()
