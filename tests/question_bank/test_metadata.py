"""What a bank knows about items: levels and processes, codes, topics, enemies; and through QTI."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_builders import METADATA, cluster, multiple, single

from question_bank import item_code, topics
from question_bank.assembly import BaseForm, BasePart, arrange
from question_bank.errors import AssemblyError, FileRefusedError, ItemError, MalformedError
from question_bank.interchange.archive import Archive
from question_bank.interchange.markup import parse_xml
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_metadata import read_metadata
from question_bank.interchange.qti3_writer import write_package
from question_bank.item_code import ItemCode, read_code, with_code
from question_bank.metadata import LEVELS, PROCESSES, Bloom, ItemMetadata, bloom_of, level_of
from question_bank.records import item_from_plain, item_to_plain
from question_bank.topics import Topic, TopicTree, known_trees, read_topics

FULL = replace(
    METADATA, bloom=Bloom.ANALYSE, source="Đề thi thử 2026", enemies=("q-cluster", "q-x")
)


def test_every_process_is_of_one_level() -> None:
    assert [level_of(bloom) for bloom in Bloom] == ["N", "H", "V", "C", "C", "C"]
    assert sorted(one for level in LEVELS for one in PROCESSES[level]) == sorted(Bloom)
    assert [bloom_of(level) for level in LEVELS] == ["remember", "understand", "apply", None]
    assert ItemMetadata(bloom=Bloom.CREATE).known_level == "C"
    assert ItemMetadata(bloom=Bloom.CREATE, level="V").known_level == "V"
    assert ItemMetadata(level="H").known_bloom is Bloom.UNDERSTAND
    assert ItemMetadata().known_level is None and ItemMetadata(level="C").known_bloom is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2D1H3-1", ItemCode("Toán", "12", "2D1", "H", "3", "1")),
        ("0H9N1-2", ItemCode("Toán", "10", "0H9", "N", "1", "2")),
        ("1C2C3", ItemCode("Toán", "11", "1C2", "C", "3", "")),
        ("9D1V1-2", ItemCode("Toán", "9", "9D1", "V", "1", "2")),
        ("2D1B3-1", ItemCode("Toán", "12", "2D1", None, "3", "1")),
        ("3D1H3-1", ItemCode("Toán", "", "3D1", "H", "3", "1")),
        ("2L1H3-1", ItemCode("", "12", "2L1", "H", "3", "1")),
        ("2D1-1.2-3", None),
        ("", None),
        ("2D1H3-1 ", None),
    ],
)
def test_codes_are_read_by_the_table(text: str, read: ItemCode | None) -> None:
    assert read_code(text) == read


def test_a_code_fills_what_nothing_else_told() -> None:
    bare = with_code(ItemMetadata(code="2H5V1-1"))
    assert (bare.subject, bare.grade, bare.topic, bare.level) == ("Toán", "12", "2H5", "V")
    told = ItemMetadata(code="2H5V1-1", subject="Toán 12", topic="Mặt cầu", level="C", grade="12A")
    assert with_code(told) == told
    assert with_code(METADATA) == METADATA


def test_chapters_of_codes_stand_in_the_tree_of_maths() -> None:
    (maths,) = [tree for tree in known_trees() if tree.subject == item_code.SUBJECTS["D"]]
    codes = {topic.code for topic in maths.topics}
    assert {read_code(code).chapter for code in ("2D1H3-1", "0D0N1-1", "1H8C1-2")} <= codes  # type: ignore[union-attr]  # all three are codes
    assert maths.below("12") >= {"2D1", "2H5", "Nguyên hàm. Tích phân", "Toán 12"}
    assert "1D1" not in maths.below("12")
    assert maths.below("Vectơ") == {"0H5", "Vectơ"}
    assert maths.below("chủ đề riêng") == {"chủ đề riêng"}
    assert [(depth, topic.code) for depth, topic in maths.lines()][:2] == [(0, "10"), (1, "0D1")]


def test_below_goes_all_the_way_down() -> None:
    tree = TopicTree("X", (Topic("a", "A"), Topic("b", "B", "a"), Topic("c", "C", "b")))
    assert tree.below("a") == {"a", "A", "b", "B", "c", "C"}
    assert tree.below("B") == {"B", "b", "c", "C"}


@pytest.mark.parametrize(
    "text",
    [
        "subject = 'X'",
        "subject = 'X'\n[[topic]]\ncode = 'a'",
        "subject = 'X'\n[[topic]]\ncode = 'a'\nname = 'A'\nparent = 'b'",
        "subject = 'X'\n[[topic]]\ncode = 'a'\nname = 'A'\n[[topic]]\ncode = 'a'\nname = 'B'",
        "subject = 'X'\n[[topic]]\ncode = 'a'\nname = 7",
        "subject = 'X'\nmore = 1\n[[topic]]\ncode = 'a'\nname = 'A'",
        "[[topic]",
        "subject = ''\n[[topic]]\ncode = 'a'\nname = 'A'",
    ],
)
def test_what_is_no_tree_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        read_topics(text.encode(), "t.toml")
    assert "\n" not in str(refused.value)
    with pytest.raises(FileRefusedError):
        read_topics(b"\xff", "t.toml")
    assert topics.MAX_TOPICS > 0


@pytest.mark.parametrize("names", [("q-single",), ("q-multiple",)])
@pytest.mark.parametrize("where", ["one part", "two parts"])
def test_enemies_never_stand_in_one_form(names: tuple[str, ...], where: str) -> None:
    """Whichever of the two names the other."""
    pair = [single(), multiple()]
    items = [
        replace(item, metadata=replace(item.metadata, enemies=tuple(set(names) - {item.id})))
        for item in pair
    ]
    ids = tuple(item.id for item in items)
    parts = [ids] if where == "one part" else [ids[:1], ids[1:]]
    form = BaseForm("f", "Đề", "Toán", 45, tuple(BasePart("I", "", one) for one in parts))
    with pytest.raises(AssemblyError, match="must not stand together"):
        arrange(form, items, code="101", seed=b"s" * 16, exam="Kỳ thi")
    assert arrange(form, pair, code="101", seed=b"s" * 16, exam="Kỳ thi").form.parts
    alone = replace(form, parts=(BasePart("I", "", ids[:1]),))
    assert arrange(alone, items, code="101", seed=b"s" * 16, exam="Kỳ thi").form.parts


def test_an_item_is_not_its_own_enemy() -> None:
    for enemies in (("q-single",), ("a b",), tuple(f"q{n}" for n in range(101))):
        with pytest.raises(ItemError):
            replace(single(), metadata=replace(METADATA, enemies=enemies))


def test_the_stored_form_holds_it_all_and_older_items_keep_their_bytes() -> None:
    item = replace(single(), metadata=FULL)
    assert item_from_plain(json.loads(json.dumps(item_to_plain(item)))) == item
    old = item_to_plain(single())["metadata"]
    assert isinstance(old, dict) and set(old) == {
        "subject", "grade", "topic", "level", "code", "language", "author",
    }  # fmt: skip
    for wrong in ({"bloom": "think"}, {"enemies": ["a b"]}, {"enemies": "q"}, {"more": ""}):
        plain = item_to_plain(item)
        plain["metadata"] = {**old, **wrong}
        with pytest.raises(MalformedError):
            item_from_plain(plain)


_TEXTS = st.text("Toán học 12/ăđ&<>", max_size=12).map(lambda text: " ".join(text.split()))
_METADATA = st.builds(
    ItemMetadata,
    subject=_TEXTS.filter(bool),
    grade=_TEXTS,
    topic=_TEXTS,
    level=st.sampled_from((None, *LEVELS)),
    code=_TEXTS,
    language=st.sampled_from(("", "vi", "en")),
    author=_TEXTS,
    bloom=st.sampled_from((None, *Bloom)),
    source=_TEXTS,
    enemies=st.lists(st.sampled_from(("e1", "e2", "e-3")), unique=True).map(tuple),
)


@given(_METADATA, st.sampled_from(("3.0", "2.2")))
def test_metadata_goes_through_qti_and_back(metadata: ItemMetadata, version: str) -> None:
    item = replace(cluster(), metadata=metadata)
    read = read_qti3(write_package([item], [], version), "t.zip")
    assert (read.items, read.problems) == ((item,), ())


def test_qti_s_own_metadata_is_written() -> None:
    for version, space in (("3.0", "v3p0"), ("2.2", "v2p2")):
        manifest = Archive(write_package([multiple()], [], version)).read("imsmanifest.xml")
        (found,) = parse_xml(manifest, "m").iter(
            f"{{http://www.imsglobal.org/xsd/imsqti_metadata_{space}}}qtiMetadata"
        )
        said = [(str(one.tag).partition("}")[2], one.text) for one in found]
        assert said == [
            ("timeDependent", "false"),
            ("composite", "false"),
            ("interactionType", "choiceInteraction"),
            ("solutionAvailable", "true"),
        ]


def test_foreign_metadata_is_read_or_named() -> None:
    log = ProblemLog("m.xml")
    resource = parse_xml(
        b"""<resource><metadata><lom>
        <general><title><string>Ti\xc3\xaau</string></title>
          <identifier><entry>2D1H3-1</entry></identifier></general>
        <lifeCycle><contribute><role><value>publisher</value></role>
          <entity>NXB</entity></contribute></lifeCycle>
        <rights><cost><value>no</value></cost></rights>
        <classification><purpose><value>competency</value></purpose>
          <taxonPath><taxon><entry><string>Analyzing</string></entry></taxon></taxonPath>
          <taxonPath><taxon><entry><string>Level 9</string></entry></taxon></taxonPath>
        </classification>
        <classification><purpose><value>discipline</value></purpose><taxonPath>
          <taxon><entry>To\xc3\xa1n</entry></taxon><taxon><entry>H\xc3\xacnh</entry></taxon>
          <taxon><entry>C\xe1\xba\xa7u</entry></taxon>
        </taxonPath></classification>
        <relation><kind><value>enemy</value></kind><resource><identifier>
          <entry>a b</entry></identifier></resource></relation>
        </lom><qtiMetadata><timeDependent>true</timeDependent><toolName>Tao</toolName>
        <interactionType>choiceInteraction</interactionType></qtiMetadata></metadata></resource>""",
        "m.xml",
    )
    metadata = read_metadata(resource, log)
    assert (metadata.bloom, metadata.known_level) == (Bloom.ANALYSE, "C")
    assert (metadata.subject, metadata.topic, metadata.code) == ("Toán", "Hình / Cầu", "2D1H3-1")
    assert [problem.element for problem in log.problems] == [
        "title", "contribute", "rights", "taxonPath", "relation", "timeDependent", "toolName",
    ]  # fmt: skip
