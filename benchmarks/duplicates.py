"""What a bank of 10,000 items is like one item: how soon the server tells, and the whole bank.

Writes build/bench/duplicates.json. `value` is the 99th percentile of the server's whole answer to
one item, in milliseconds: which items may be seen asked of SQLite, traits looked up in memory, the
nearest items opened and compared; `first_s` is the first answer of a process, which opens all
traits. `ceiling` is that of the plainest peer in the same run, rapidfuzz over all 10,000 texts,
which the server could not have in the clear. Half of the items asked about are copies of items in
the bank; `found` tells how many of those are named.
"""

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from rapidfuzz import fuzz, process
from sqlmodel import Session

from benchmarks._alike_items import ROOT, SUBJECT, WAYS, Copy, Writer, made, text_of
from exam_server import db, schema
from exam_server.items import alike, keeping, traits
from exam_server.items.models import Item as StoredItem
from exam_server.items.models import ItemCard
from exam_server.items.rights import Rights
from exam_server.items.traits import KnownTraits
from exam_server.sealing import Sealing
from question_bank.duplicates import Index, sketch_of
from question_bank.duplicates.findings import within
from question_bank.item import Item
from question_bank.lifecycle import Role, State

ITEMS, ASKED, SEED = 10_000, 200, 20270301
BUDGET_MS = 1000
CHUNK = 500
RIGHTS = Rights(Role.ITEM_WRITER, {SUBJECT: True})
#: From this score on (of 100) the peer's match counts.
PEER_FROM = 80.0


def main() -> None:
    writer = Writer(SEED)
    told = dict(writer.bank(ITEMS))
    bank = [made(name, stem, options) for name, (stem, options) in told.items()]
    asked = _asked(writer, told)
    details: dict[str, object] = {"items": ITEMS, "asked": len(asked)}
    details["memory"] = _in_memory(bank, asked)
    details["rapidfuzz"] = peer = _peer(bank, asked)
    details["server"] = server = _on_the_server(bank, asked)
    value, ceiling = server["p99_ms"], peer["p99_ms"]
    details |= {"budget_ms": BUDGET_MS, "in_budget": value < BUDGET_MS}
    result = {
        "name": "duplicates",
        "value": round(value, 1),
        "unit": "milliseconds for one item among 10,000 on the server, 99th percentile",
        "ceiling": round(ceiling, 1),
        "ratio": round(value / ceiling, 4),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": details,
    }
    target = ROOT / "build" / "bench" / "duplicates.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def _asked(writer: Writer, told: dict[str, tuple[str, tuple[str, ...]]]) -> list[Copy]:
    """Copies of items from all over the bank, and as many that are new."""
    step = ITEMS // (ASKED // 2)
    names = list(told)[::step]
    copies = [
        Copy(how, name, writer.copy(how, f"moi-{n}", told[name]))
        for n, name in enumerate(names)
        for how in (WAYS[n % len(WAYS)],)
    ]
    fresh = [
        Copy("new", "", made(f"la-{n}", *what))
        for n, (_, what) in enumerate(writer.bank(ASKED - len(copies)))
    ]
    return copies + fresh


def _measured(asked: Sequence[Copy], ask: Callable[[Item], set[str]]) -> dict[str, float | str]:
    """Times in milliseconds, and which copies were found."""
    ask(asked[0].item)
    times, worked, found = [], [], dict.fromkeys(WAYS, 0)
    for one in asked:
        begin, working = time.perf_counter(), time.process_time()
        names = ask(one.item)
        worked.append((time.process_time() - working) * 1000)
        times.append((time.perf_counter() - begin) * 1000)
        found[one.how] = found.get(one.how, 0) + (one.of in names if one.of else bool(names))
    counts = {how: sum(one.how == how for one in asked) for how in found}
    return {
        "p50_ms": round(median(times), 2),
        "p99_ms": round(quantiles(times, n=100)[98], 2),
        "p50_processor_ms": round(median(worked), 2),
        "p99_processor_ms": round(quantiles(worked, n=100)[98], 2),
        **{f"found_{how}": f"{found[how]} of {counts[how]}" for how in found},
    }


def _in_memory(bank: Sequence[Item], asked: Sequence[Copy]) -> dict[str, float]:
    begin = time.perf_counter()
    index = Index()
    for item in bank:
        index.add(item.id, sketch_of(item))
    built = time.perf_counter() - begin
    measured = _measured(asked, lambda item: {m.name for m in index.like(sketch_of(item)).listed})
    begin = time.perf_counter()
    pairs = len(within(bank).found)
    swept = time.perf_counter() - begin
    more = {"index_s": round(built, 1), "whole_bank_s": round(swept, 1), "whole_bank_pairs": pairs}
    return measured | more


def _peer(bank: Sequence[Item], asked: Sequence[Copy]) -> dict[str, float]:
    """Every text compared, words sorted, so that an order of options does not matter."""
    texts = {item.id: text_of(item) for item in bank}

    def ask(item: Item) -> set[str]:
        found = process.extract(
            text_of(item), texts, scorer=fuzz.token_sort_ratio, limit=50, score_cutoff=PEER_FROM
        )
        return {name for _, _, name in found}

    return _measured(asked, ask)


def _on_the_server(bank: Sequence[Item], asked: Sequence[Copy]) -> dict[str, float]:
    sealing, now = Sealing(os.urandom(32)), datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        engine = db.create_engine(f"sqlite:///{Path(folder) / 'bank.db'}")
        schema.METADATA.create_all(engine)
        begin = time.perf_counter()
        for first in range(0, len(bank), CHUNK):
            with db.transaction(engine) as session:
                for item in bank[first : first + CHUNK]:
                    _keep(session, item, sealing, now)
        kept = time.perf_counter() - begin

        known = KnownTraits()

        def ask(item: Item) -> set[str]:
            with db.reading(engine) as session:
                found = alike.of_item(session, RIGHTS, "", item, known, sealing)
                return {one.name for one in found.bank}

        begin = time.perf_counter()
        ask(asked[0].item)
        first_s = time.perf_counter() - begin
        measured = _measured(asked, ask)
        begin = time.perf_counter()
        with db.reading(engine) as session:
            groups = len(alike.groups(session, RIGHTS, known, sealing=sealing))
        grouped = time.perf_counter() - begin
        engine.dispose()
    more = {
        "first_s": round(first_s, 2),
        "keeping_s": round(kept, 1),
        "groups_s": round(grouped, 2),
        "groups": groups,
    }
    return measured | more


def _keep(session: Session, item: Item, sealing: Sealing, now: datetime) -> None:
    """As the bank keeps an item, without what searches read of it."""
    named, about = StoredItem(name=item.id), item.metadata
    session.add(named)
    session.flush()
    keeping.add_version(session, named.id, item, State.DRAFT, sealing=sealing, now=now)
    card = ItemCard(
        item_id=named.id, version=1, state=State.DRAFT, kind=item.kind, subject=about.subject,
        grade="", topic="", level="", code="", author="", secret=False, owner_id=None,
        changed_at=now,
    )  # fmt: skip
    session.add(card)
    session.flush()
    traits.keep(session, card, item, sealing)


if __name__ == "__main__":
    main()
