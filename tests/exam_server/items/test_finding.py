"""Finding: with and without diacritics, by parts of words, phrases and cards, and never past one's
rights."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from bank_world import MATHS, PHYSICS, Bank, maths_item

from exam_server import db
from exam_server.items import finding, keeping, life, statistics, topic_trees
from exam_server.items.finding import Wanted
from exam_server.items.models import Act, ItemCard, ItemText
from exam_server.items.rights import rights_of
from exam_server.items.texts import Texts
from exam_server.sealing import SealBrokenError, Sealed
from question_bank.item import Bloom, ItemMetadata, Stimulus
from question_bank.lifecycle import Action, State
from question_bank.psychometrics.classical import ItemStatistics
from question_bank.topics import Topic, TopicTree


def _in_order(bank: Bank, who: str, **wanted: object) -> list[str]:
    with db.reading(bank.engine) as session:
        rights = rights_of(session, bank.people[who])
        found = finding.find(session, rights, Wanted(**wanted), Texts(), sealing=bank.sealing)  # type: ignore[arg-type]
        assert len(found.cards) == found.total
        return [name for _, name in found.cards]


def _names(bank: Bank, who: str, **wanted: object) -> list[str]:
    return sorted(_in_order(bank, who, **wanted))


@pytest.fixture
def items(bank: Bank) -> dict[str, str]:
    made = {
        name: bank.create("soan2", maths_item(name, stem, **about))
        for name, stem, about in (
            ("a", "Cho <b>hàm số</b> bậc ba có đồ thị", {"topic": "Hàm số", "level": "V"}),
            ("b", "Số hàm ý trong đoạn văn", {"topic": "Đọc hiểu", "level": "N"}),
            ("c", "Đường thẳng đi qua hai điểm", {"code": "2D1H3-1", "author": "Lê Ánh"}),
        )
    }
    made["s"] = bank.create("soan2", maths_item("s", "Hàm số mật"), secret=True)
    made["p"] = bank.create("ly", maths_item("p", "Hàm số sóng", subject=PHYSICS))
    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hàm số", ["a", "b"]),
        ("ham so", ["a", "b"]),
        ("HAM SỐ", ["a", "b"]),
        ("hạm số", []),
        ('"hàm số"', ["a"]),
        ('"ham so"', ["a"]),
        ("“ham so” bac", ["a"]),
        ("duong thang", ["c"]),
        ("đường", ["c"]),
        ("đuong", ["c"]),
        ("dường", ["c"]),
        ("đưòng", []),
        ("ườn", ["c"]),
        ("uon", ["a", "b", "c"]),
        ("uon hang", ["c"]),
        ('"uon"', []),
        ('"duong"', ["c"]),
        ("u", []),
        ("thi", ["a"]),
        ("doan", ["b"]),
        ("2d1", ["c"]),
        ('"hàm so"', ["a"]),
        ('"số bậc ba có" đồ', ["a"]),
        ('"ba có đồ đạc"', []),
        ('"số" "hàm"', ["a", "b"]),
        ("2D1H3", ["c"]),
        ("le anh", ["c"]),
        ("Phương án", ["a", "b", "c"]),
        ("không có", []),
        ("%", ["a", "b", "c"]),
    ],
)
def test_words_are_found(bank: Bank, items: dict[str, str], text: str, found: list[str]) -> None:
    assert _names(bank, "soan", text=text) == found


def test_decomposed_letters_are_the_same_letters(bank: Bank, items: dict[str, str]) -> None:
    import unicodedata

    assert _names(bank, "soan", text=unicodedata.normalize("NFD", "hàm số bậc")) == ["a"]


def test_rights_bound_every_search(bank: Bank, items: dict[str, str]) -> None:
    assert _names(bank, "soan2", text="ham so") == ["a", "b", "s"]
    assert _names(bank, "ly") == ["p"]
    assert _names(bank, "moi") == _names(bank, "giamthi") == []
    assert _names(bank, "hoidong") == ["a", "b", "c", "p", "s"]
    assert _names(bank, "hoidong", secret=True) == ["s"]


def test_cards_are_found_by_what_they_say(bank: Bank, items: dict[str, str]) -> None:
    assert _names(bank, "soan", level="V") == ["a"]
    assert _names(bank, "soan", topic="Đọc hiểu") == ["b"]
    assert _names(bank, "soan", author="Lê Ánh", subject=MATHS) == ["c"]
    assert _names(bank, "hoidong", owner=bank.people["ly"].id) == ["p"]
    bank.step("soan2", items["a"], Action.SUBMIT)
    assert _names(bank, "soan", state=State.REVIEW) == ["a"]


def test_the_newest_version_alone_is_found(bank: Bank, items: dict[str, str]) -> None:
    bank.save("soan", items["c"], maths_item("c", "Mặt cầu"))
    assert _names(bank, "soan", text="mat cau") == ["c"]
    assert _names(bank, "soan", text="duong thang") == []


def test_the_nearest_come_first(bank: Bank) -> None:
    for name, stem in (
        ("part", "khám"),
        ("whole", "Tìm hàm"),
        ("beginning", "Hàmlượng"),
        ("folded", "Cái ham"),
        ("apart", "số của hàm"),
        ("together", "hàm số"),
    ):
        bank.create("soan", maths_item(name, stem))
    hits = _in_order(bank, "soan", text="hàm")
    assert set(hits[:3]) == {"whole", "apart", "together"} and hits[3:] == ["beginning"]
    assert _in_order(bank, "soan", text="ham")[0] == "folded", "just as typed comes first"
    assert _in_order(bank, "soan", text="ham")[-1] == "part"
    assert _in_order(bank, "soan", text="ham so") == ["together", "apart"]


def test_no_word_of_an_item_lies_in_the_clear(bank: Bank, items: dict[str, str]) -> None:
    with db.reading(bank.engine) as session:
        rows = list(session.scalars(sa.select(ItemText)))
        assert {row.item_id for row in rows} == set(items.values())
        for row in rows:
            for word in ("hàm", "ham", "cho", "phuong"):
                assert word.encode() not in row.text.lower()
            place = f"{row.item_id}/{session.get_one(ItemCard, row.item_id).text_revision}"
            said = bank.sealing.unseal(Sealed.ITEM_TEXT, place, row.text)
            assert "phương án a" in said.decode()
            with pytest.raises(SealBrokenError):
                bank.sealing.unseal(Sealed.ITEM_TEXT, f"{row.item_id}/other", row.text)


def test_a_process_searches_what_another_has_written_since(
    bank: Bank, items: dict[str, str]
) -> None:
    texts = Texts()

    def found(text: str) -> list[str]:
        with db.reading(bank.engine) as session:
            rights = rights_of(session, bank.people["soan"])
            return finding.ids(session, rights, Wanted(text=text), texts, sealing=bank.sealing)

    assert found("hàm số") and found("đường") == [items["c"]]
    bank.save("soan", items["c"], maths_item("c", "Hàm số mới"))
    assert found("đường") == [] and items["c"] in found("hàm số")
    bank.do(life.make_secret, "phanbien", items["a"], reason="để dành")
    assert items["a"] not in found("hàm số"), "a secret item is none of soan's, opened or not"


def test_every_content_of_an_item_is_found(bank: Bank) -> None:
    item = replace(
        maths_item("x", "Đề bài"),
        explanation="<p>Lời giải chi tiết</p>",
        stimulus=Stimulus("doan", "<p>Ngữ liệu dùng chung</p>"),
        metadata=ItemMetadata(subject=MATHS, source="Sở Hà Nội", topic="Hình học"),
    )
    bank.create("soan", item)
    for text in ("đề bài", "chi tiết", "dùng chung", "phương án d", "sở hà nội", "hình học", "x"):
        assert _names(bank, "soan", text=text) == ["x"], text
    assert _names(bank, "soan", text='"bài phương"') == [], "no phrase goes over two texts"


def test_cards_are_found_by_all_they_say(bank: Bank, items: dict[str, str]) -> None:
    bank.create("soan", maths_item("d", "x", code="2D1V3-2", grade="12", language="en"))
    assert _names(bank, "soan", code="2d1") == ["c", "d"]
    assert _names(bank, "soan", code="2D1H") == ["c"]
    assert _names(bank, "soan", code="%") == []
    assert _names(bank, "soan", grade="12") == _names(bank, "soan", language="en") == ["d"]
    assert _names(bank, "soan", kind="single") == ["a", "b", "c", "d"]
    assert _names(bank, "soan", kind="match") == []
    assert _names(bank, "soan", kind="single", code="2D1", text="duong", subject=MATHS) == ["c"]
    about = replace(maths_item("e").metadata, bloom=Bloom.EVALUATE)
    bank.create("soan", replace(maths_item("e"), metadata=about))
    assert _names(bank, "soan", level="C") == ["e"], "Bloom's process tells the level"


def test_a_topic_finds_what_is_below_it(bank: Bank) -> None:
    for name, topic in (("a", "2D1"), ("b", "Vectơ"), ("c", "2H5"), ("d", "riêng"), ("e", "1D1")):
        bank.create("soan", maths_item(name, topic=topic))
    assert _names(bank, "soan", topic="12") == ["a", "c"]
    assert _names(bank, "soan", topic="12", subject=MATHS) == ["a", "c"]
    assert _names(bank, "soan", topic="0H5") == ["b"]
    assert _names(bank, "soan", topic="riêng") == ["d"]
    tree = TopicTree(MATHS, (Topic("X", "Cả"), Topic("riêng", "R", "X"), Topic("2D1", "D", "X")))
    with db.transaction(bank.engine) as session:
        topic_trees.put(session, tree)
        topic_trees.put(session, tree)
    assert _names(bank, "soan", topic="X") == ["a", "d"]
    assert _names(bank, "soan", topic="12") == [], "the operator's tree is in the other's place"


def _tell(bank: Bank, item: str, source: str, told: ItemStatistics, version: int = 1) -> None:
    with db.transaction(bank.engine) as session:
        row = keeping.version_row(session, item, version)
        statistics.keep(session, row.id, source, told, now=bank.at())


def test_statistics_are_of_a_version_and_of_their_source(bank: Bank, items: dict[str, str]) -> None:
    told = {
        "a": ItemStatistics(40, Decimal("0.9"), Decimal("0.1")),
        "b": ItemStatistics(30, Decimal("0.35"), Decimal("0.45")),
        "c": ItemStatistics(8, Decimal("0.35"), None),
    }
    for name, one in told.items():
        _tell(bank, items[name], "shift:1", one)
    span = finding.Span
    assert _names(bank, "soan", difficulty=span(300, 400)) == ["b", "c"]
    assert _names(bank, "soan", difficulty=span(300, 400), answers=10) == ["b"]
    assert _names(bank, "soan", difficulty=span(most=350)) == ["b", "c"]
    assert _names(bank, "soan", discrimination=span(least=200)) == ["b"]
    bank.create("soan", maths_item("d"))
    assert _in_order(bank, "soan", sort=finding.Sort.EASY)[0] == "a"
    assert _in_order(bank, "soan", sort=finding.Sort.EASY)[-1] == "d"
    assert _in_order(bank, "soan", sort=finding.Sort.HARD)[2:] == ["a", "d"]
    assert _in_order(bank, "soan", sort=finding.Sort.TELLING)[:2] == ["b", "a"]
    _tell(bank, items["a"], "import:cũ", ItemStatistics(4, Decimal("0.2"), None))
    _tell(bank, items["a"], "import:cũ", ItemStatistics(5, Decimal("0.25"), None))
    with db.reading(bank.engine) as session:
        card = session.get_one(ItemCard, items["a"])
        assert (card.answers, card.difficulty, card.discrimination) == (5, 250, None)
        rows = statistics.of_version(session, items["a"], 1)
        assert [(row.source, row.answers) for row in rows] == [("import:cũ", 5), ("shift:1", 40)]
    bank.step("soan2", items["a"], Action.SUBMIT)
    bank.step("phanbien", items["a"], Action.APPROVE)
    bank.save("soan", items["a"], maths_item("a", "Khác hẳn"))
    assert _names(bank, "soan", answers=1) == ["a", "b", "c"], "behind the draft the old one stands"
    bank.step("soan", items["a"], Action.SUBMIT)
    bank.step("phanbien", items["a"], Action.APPROVE)
    assert _names(bank, "soan", answers=1) == ["b", "c"], "a new version was answered by nobody"
    _tell(bank, items["a"], "shift:2", ItemStatistics(9, Decimal("0.5"), None))
    assert _names(bank, "soan", answers=1) == ["b", "c"], "and an old one's stay its own"


def test_use_is_found_and_sorted(bank: Bank, items: dict[str, str]) -> None:
    for name in ("a", "b"):
        bank.step("soan2", items[name], Action.SUBMIT)
        bank.step("phanbien", items[name], Action.APPROVE)
        with db.transaction(bank.engine) as session:
            life.use(
                session, [bank.opened(items[name]).item], "Kì thi", sealing=bank.sealing,
                now=bank.at(),
            )  # fmt: skip
    between = bank.now
    with db.transaction(bank.engine) as session:
        life.seal_for(
            session, [("b", 1), ("b", 1)], "Kì thi · Ca 1", sealing=bank.sealing, now=bank.at()
        )
    used, unused = finding.Use.USED, finding.Use.UNUSED
    assert _names(bank, "soan", used=used) == ["a", "b"]
    assert _names(bank, "soan", used=unused) == ["c"]
    later = between + timedelta(seconds=1)
    assert _names(bank, "soan", used=used, since=later) == ["b"]
    assert _names(bank, "soan", used=unused, since=later) == ["a", "c"]
    assert _in_order(bank, "soan", sort=finding.Sort.UNUSED) == ["c", "a", "b"]
    uses = [event.note for event in bank.history(items["b"]) if event.act is Act.USED]
    assert uses == ["Kì thi · Ca 1", "Kì thi"]


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(text="bac ba")])
def test_pages_hold_all_and_each_once(bank: Bank, wanted: Wanted) -> None:
    for number in range(finding.PAGE_SIZE + 3):
        bank.create("soan", maths_item(f"n{number:02d}"))
    with db.reading(bank.engine) as session:
        rights = rights_of(session, bank.people["soan"])
        pages = [
            finding.find(session, rights, wanted, Texts(), sealing=bank.sealing, page=page)
            for page in (1, 2, 99)
        ]
    names = [[name for _, name in one.cards] for one in pages]
    assert len(names[0]) == finding.PAGE_SIZE and len(names[1]) == 3
    assert names[2] == names[1] and pages[2].page == 2
    assert len({*names[0], *names[1]}) == finding.PAGE_SIZE + 3
    assert names[0][0] == f"n{finding.PAGE_SIZE + 2}", "the newest change comes first"


def test_items_of_an_older_program_get_their_cards(bank: Bank, items: dict[str, str]) -> None:
    with db.transaction(bank.engine) as session:
        for item in (items["a"], items["b"]):
            session.execute(sa.delete(ItemText).where(ItemText.item_id == item))
            session.get_one(ItemCard, item).text_revision = ""
        session.delete(session.get_one(ItemCard, items["a"]))
        session.flush()
        assert keeping.index_all(session, sealing=bank.sealing, now=bank.at()) == 2
        assert keeping.index_all(session, sealing=bank.sealing, now=bank.at()) == 0
    assert "a" in _names(bank, "soan2", text='"ham so"')
    assert "a" not in _names(bank, "soan", text='"ham so"'), "nobody knows whether it was open"
