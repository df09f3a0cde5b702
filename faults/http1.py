"""Just enough of HTTP/1.1 (RFC 9112) for a proxy: whole messages, as the bytes they are."""

import asyncio
from dataclasses import dataclass

LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 64 * 1024 * 1024


class BrokenMessageError(Exception):
    """The other side ended in the middle of a message, or sent what is none."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: first line, headers with small names, and all of its bytes."""

    first_line: str
    headers: dict[str, str]
    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    @property
    def target(self) -> str:
        """Of a request: its path with its query."""
        return self.first_line.split(" ")[1]


async def read_head(reader: asyncio.StreamReader) -> Message | None:
    """A message without its body yet; None where the other side has ended in order."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise BrokenMessageError from error
    except asyncio.LimitOverrunError as error:
        raise BrokenMessageError from error
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Message(first, headers, head, b"")


async def read_body(reader: asyncio.StreamReader, message: Message) -> Message:
    """The message with its body, whose length the head tells."""
    try:
        if message.headers.get("transfer-encoding", "").lower() == "chunked":
            body = await _chunks(reader)
        else:
            length = int(message.headers.get("content-length", "0"))
            if not 0 <= length <= LONGEST_BODY:
                raise BrokenMessageError
            body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise BrokenMessageError from error
    return Message(message.first_line, message.headers, message.head, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body += line
        if size == 0:
            break
        body += await reader.readexactly(size + 2)
        if len(body) > LONGEST_BODY:
            raise BrokenMessageError
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        body += line
    return bytes(body + b"\r\n")
