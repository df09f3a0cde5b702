"""Requests made beforehand, each unique: batches of real records, sealed and authenticated."""

import hashlib
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exam_server.contract.batches import CONTENT_TYPE, Batch
from exam_server.contract.records import Answered, WritingKeys, genesis

RECORDS = 2
"""Saves in one request."""
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Prepared:
    """Files of requests for `wrk`, and for each attempt the head after each of its requests."""

    files: tuple[Path, ...]
    heads: dict[str, list[bytes]]
    request_bytes: int
    body_bytes: int


def prepare(folder: Path, writers: Sequence[WritingKeys], rounds: int) -> Prepared:
    """`rounds` requests for every writer. The files take turns, a request from each."""
    slices = [writers[place::PROCESSES] for place in range(PROCESSES)]
    names = [folder / f"requests-{place}" for place in range(PROCESSES)]
    make = partial(_write, rounds=rounds)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        parts = pool.starmap(make, zip(names, slices, strict=True))
    heads = {attempt: own for part, _, _ in parts for attempt, own in part.items()}
    return Prepared(tuple(names), heads, parts[0][1], parts[0][2])


def _write(
    name: Path, writers: Sequence[WritingKeys], *, rounds: int
) -> tuple[dict[str, list[bytes]], int, int]:
    heads: dict[str, list[bytes]] = {writer.attempt: [] for writer in writers}
    request = body = b""
    with name.open("wb", buffering=1 << 20) as file:
        for number in range(rounds):
            for writer in writers:
                own = heads[writer.attempt]
                body, head = batch(writer, number, own[-1] if own else genesis(writer.attempt))
                own.append(head)
                request = http_request(writer.attempt, body)
                file.write(len(request).to_bytes(4, "big") + request)
    return heads, len(request), len(body)


def batch(writer: WritingKeys, number: int, head: bytes) -> tuple[bytes, bytes]:
    """The writer's batch `number` (from 0) and the head after it; `head` is the one before."""
    records = []
    now = int(time.time() * 1000)
    for place in range(RECORDS):
        sequence = number * RECORDS + place + 1
        # One of the four options of one of forty items, as candidates of one form choose.
        item = hashlib.sha256(f"{sequence % 40}".encode()).hexdigest()[:12]
        option = hashlib.sha256(f"{item}{head[0] % 4}".encode()).hexdigest()[:8]
        answer = {"kind": "single", "options": [option]}
        record = writer.seal(
            Answered(item, answer), sequence=sequence, previous=head,
            acknowledged=number * RECORDS, at=now, rng=os.urandom,
        )  # fmt: skip
        head = record.head
        records.append(record.to_bytes())
    batch = Batch(writer.attempt, writer.epoch, tuple(records))
    return batch.to_bytes(writer.lease_key), head


def http_request(attempt: str, body: bytes) -> bytes:
    """One request over HTTP/1.1, as it goes over the wire."""
    head = (
        f"POST /api/station/attempts/{attempt}/records HTTP/1.1\r\n"
        "host: exam\r\n"
        f"content-type: {CONTENT_TYPE}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def questions(folder: Path, writers: Sequence[WritingKeys], rounds: int) -> tuple[Path, ...]:
    """Batches without records, which change nothing: they bring the leases into memory."""
    name = folder / "questions"
    asked = [
        http_request(writer.attempt, Batch(writer.attempt, writer.epoch).to_bytes(writer.lease_key))
        for writer in writers
    ]
    name.write_bytes(
        b"".join(len(one).to_bytes(4, "big") + one for _ in range(rounds) for one in asked)
    )
    return (name,)
