"""What a key press costs the candidate in the journal, beside the disk's own flush.

Every round writes one record into the journal and the same bytes into a bare file beside it
(`write`, `fdatasync`), in turn, on the same disk: the difference is our own code. Measured with 10,
1,000 and 20,000 records in the journal, to show growth. Then a whole kiosk without a window answers
at a real server: `key_press` is all that the candidate waits for. Writes build/bench/journal.json:
`value` is the 99th percentile of sealing and appending with 1,000 records, `ceiling` that of the
bare file, `ratio` what the disk's flush is of the whole.
"""

import json
import os
import platform
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks._key_press import key_presses
from exam_server.contract import journal_file
from exam_server.contract.journal_file import Header
from exam_server.contract.records import Answered, Record, WritingKeys, genesis
from exam_station.journal import Journal

ROOT = Path(__file__).parents[1]
ROUNDS = 2_000
PRESSES = 1_000
SIZES = (10, 1_000, 20_000)
MIDDLE = 1_000
TARGET_MS = 5.0
KEYS = WritingKeys("a" * 32, 1, b"L" * 32, b"A" * 32)
HEADER = Header("a" * 32, bytes(80), bytes(80))
BODY = Answered("i" * 12, {"kind": "single", "options": ["o" * 12]})


def sealed(sequence: int, previous: bytes) -> Record:
    return KEYS.seal(
        BODY,
        sequence=sequence,
        previous=previous,
        acknowledged=max(sequence - 3, 0),
        at=1_800_000_000_000 + sequence,
        rng=os.urandom,
    )


def filled(path: Path, count: int) -> Journal:
    """A journal that begins with `count` records."""
    records: list[Record] = []
    previous = genesis(KEYS.attempt)
    for sequence in range(1, count + 1):
        records.append(sealed(sequence, previous))
        previous = records[-1].head
    return Journal.create(path, HEADER, records)


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """`times` in seconds, the result in milliseconds."""
    ordered = sorted(times)
    return {
        name: round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 3)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    }


@contextmanager
def bare_file(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Appends bytes to a plain file, and flushes them."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def flush(data: bytes) -> None:
        os.write(handle, data)
        os.fdatasync(handle)

    try:
        yield flush
    finally:
        os.close(handle)


def measure(folder: Path, count: int) -> dict[str, dict[str, float]]:
    """With `count` records in the journal at the beginning: what → milliseconds."""
    journal = filled(folder / f"journal-{count}", count)
    times: dict[str, list[float]] = {"seal": [], "append": [], "seal_and_append": [], "bare": []}
    with bare_file(folder / f"bare-{count}") as flush:
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            record = sealed(journal.sequence + 1, journal.head)
            between = time.perf_counter()
            journal.append(record)
            end = time.perf_counter()
            entry = journal_file.record_entry(record)
            bare_begin = time.perf_counter()
            flush(entry)
            times["bare"].append(time.perf_counter() - bare_begin)
            times["seal"].append(between - begin)
            times["append"].append(end - between)
            times["seal_and_append"].append(end - begin)
    journal.close()
    return {what: percentiles(taken) for what, taken in times.items()}


def restart(path: Path) -> dict[str, float]:
    """What opening the journal at `path` takes: milliseconds, and the memory that it then holds."""
    begin = time.perf_counter()
    Journal.open(path).close()
    taken = time.perf_counter() - begin
    tracemalloc.start()
    journal = Journal.open(path)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    journal.close()
    return {
        "records": journal.sequence,
        "file_megabytes": round(path.stat().st_size / 1e6, 2),
        "milliseconds": round(taken * 1000, 1),
        "memory_megabytes": round(held / 1e6, 2),
    }


def main() -> None:
    # On the disk of the checkout, never in memory.
    build = ROOT / "build" / "bench"
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        folder = Path(scratch)
        records = {str(count): measure(folder, count) for count in SIZES}
        with bare_file(folder / "bare-kiosk") as flush:
            presses, flushes = key_presses(folder, PRESSES, lambda: flush(bytes(300)))
        restarts = {str(count): restart(folder / f"journal-{count}") for count in SIZES}
    whole, bare = records[str(MIDDLE)]["seal_and_append"], records[str(MIDDLE)]["bare"]
    result = {
        "name": "journal",
        "value": whole["p99"],
        "unit": "ms per key press in the journal, 99th percentile",
        "ceiling": bare["p99"],
        "ratio": round(bare["p99"] / whole["p99"], 3),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            "target_ms": TARGET_MS,
            "rounds": ROUNDS,
            "key_press": {"runner": percentiles(presses), "bare": percentiles(flushes)},
            "records": records,
            "restart": restarts,
        },
    }
    (build / "journal.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
