"""A search of a bank of 10,000 items, as the list of the pages makes it: words and cards together.

Writes build/bench/search.json. `value` is the 99th percentile in milliseconds over many different
searches in one process that has opened the texts; `ceiling` what the same process needs to look for
the same words in the same texts in memory, without a database, at the same percentile. `first` is
the first search after a start, which opens all texts; `processor` the 99th percentile of processor
time alone, which other work on the machine changes less.
"""

import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import quantiles

from sqlalchemy.engine import Engine

from exam_server import db, migrations
from exam_server.items import finding, keeping
from exam_server.items.finding import Sort, Wanted
from exam_server.items.models import Item as StoredItem
from exam_server.items.rights import Rights
from exam_server.items.texts import Texts
from exam_server.items.words import Query, words_of
from exam_server.sealing import Sealing
from question_bank.item import (
    LEVELS,
    AllOrNothing,
    ChoiceKey,
    Item,
    ItemMetadata,
    Option,
    SingleChoice,
)
from question_bank.lifecycle import Role, State

ROOT = Path(__file__).parents[1]
ITEMS = 10_000
SEARCHES = 400
BUDGET_MS = 1000
NOW = datetime(2027, 3, 1, tzinfo=UTC)
_TEXT = """
hàm số đạo hàm nguyên hàm tích phân đồ thị cực trị tiệm cận đồng biến nghịch biến khoảng giá trị
lớn nhất nhỏ nhất phương trình bất mặt phẳng đường thẳng vuông góc song song thể tích khối chóp lăng
trụ cầu nón xác suất biến cố tổ hợp chỉnh hợp cấp số cộng nhân giới hạn liên tục lôgarit mũ vectơ
toạ độ trong không gian tam giác cạnh đáy chiều cao bán kính diện tích xung quanh
"""
WORDS = words_of(_TEXT)
CHAPTERS = ("2D1", "2H2", "2D3", "2D4", "2H5", "2D6", "1D1", "1D7", "1H8", "0D8")


def made_item(number: int, rng: random.Random) -> Item:
    """A choice item of some fifty words."""
    stem = " ".join(rng.choices(WORDS, k=30)) + f" bằng $x^2+{number}x$"
    options = tuple(Option(one, " ".join(rng.choices(WORDS, k=5))) for one in "ABCD")
    chapter, level = rng.choice(CHAPTERS), rng.choice(LEVELS)
    about = ItemMetadata(
        subject="Toán", grade="12", topic=chapter, level=level, language="vi",
        code=f"{chapter}{level}{rng.randint(1, 5)}-{rng.randint(1, 9)}", author="Tổ Toán",
    )  # fmt: skip
    return Item(
        f"cau-{number}", stem, SingleChoice(options), ChoiceKey(("A",)), AllOrNothing(),
        Decimal("0.25"), about,
    )  # fmt: skip


def fill(engine: Engine, sealing: Sealing) -> None:
    """The bank; its cards and texts are what a search reads, so bodies are left out."""
    rng = random.Random(1)
    with db.transaction(engine) as session:
        for number in range(ITEMS):
            item = made_item(number, rng)
            row = StoredItem(name=item.id)
            session.add(row)
            session.flush()
            keeping.put_card(session, row.id, item, State.DRAFT, sealing=sealing, now=NOW)


def searches() -> list[Wanted]:
    """Words, parts of words, phrases, with and without diacritics; some among chosen cards only."""
    rng = random.Random(2)
    made = []
    for number in range(SEARCHES):
        a, b = rng.choice(WORDS), rng.choice(WORDS)
        text = (a, f"{a} {b}", f'"{a} {b}"', a[:2], f"{a} {b[:3]}", f"2D1 {a}")[number % 6]
        made.append(
            Wanted(
                text=text,
                topic="12" if number % 5 == 0 else "",
                level=rng.choice(LEVELS) if number % 3 == 0 else "",
                sort=Sort.CODE if number % 7 == 0 else Sort.BEST,
            )
        )
    return made


def timed(
    work: Callable[[Wanted], object],
    asked: Sequence[Wanted],
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Milliseconds of each."""
    took = []
    for wanted in asked:
        begin = clock()
        work(wanted)
        took.append((clock() - begin) * 1000)
    return took


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = db.create_engine(f"sqlite:///{folder}/bank.db")
        migrations.upgrade(engine)
        sealing, texts = Sealing(os.urandom(32)), Texts()
        fill(engine, sealing)
        rights = Rights(Role.REVIEWER, {"Toán": True})

        def search(wanted: Wanted) -> object:
            with db.reading(engine) as session:
                return finding.find(session, rights, wanted, texts, sealing=sealing)

        asked = searches()
        (first,) = timed(search, [Wanted(text="hàm số")])
        took = timed(search, asked)
        of_processor = timed(search, asked, time.thread_time)
        held = [text for _, text in texts._opened.values()]

        def in_memory(wanted: Wanted) -> object:
            query = Query.of(wanted.text)
            return [query.rank(text) for text in held]

        bare = timed(in_memory, asked)
        engine.dispose()
    told = {
        "name": "search",
        "unit": "ms (p99)",
        "value": round(quantiles(took, n=100)[98], 1),
        "processor": round(quantiles(of_processor, n=100)[98], 1),
        "median": round(quantiles(took, n=2)[0], 1),
        "ceiling": round(quantiles(bare, n=100)[98], 1),
        "first": round(first, 1),
        "items": ITEMS,
        "searches": SEARCHES,
        "budget": BUDGET_MS,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    target = ROOT / "build/bench/search.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
