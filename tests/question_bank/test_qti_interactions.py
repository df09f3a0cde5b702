"""Every interaction out to QTI 3.0 and 2.2 and back: the same items, the same marks."""

import copy
import io
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from item_builders import FIGURE, cluster, multiple, numeric, options, single
from lxml import etree
from test_interactions import form_of, presented, randomised

from exam_station.robot.answers import response_to
from question_bank.assembly import BaseForm, BasePart
from question_bank.content import clean
from question_bank.errors import AssemblyError
from question_bank.interactions import (
    Composite,
    GraphicGapMatch,
    Hotspot,
    MultipleChoice,
    Order,
    Part,
    Piece,
    SelectPoint,
    SingleChoice,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.pictures import picture
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_writer import Version, write_item, write_package
from question_bank.item import Item
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    CompositeKey,
    External,
    MappedChoice,
    NoKey,
    OrderKey,
    PairsKey,
    PartMarks,
    ResponseProcessing,
    SumOfParts,
    TextKey,
)
from question_bank.package import decode, encode
from question_bank.qti.reading import program_text
from question_bank.records import item_from_plain, item_to_plain
from question_bank.response import TextResponse
from question_bank.scoring import score
from tests.interaction_items import (
    AREAS,
    ITEMS,
    MAP,
    PASSAGE,
    RIGHT,
    cloze,
    composite,
    essay,
    inline,
    order,
)

VERSIONS: tuple[Version, ...] = ("3.0", "2.2")
#: Pictures are named by their content when they are read.
NAMED = picture(FIGURE.data, "x.svg")


def named(item: Item) -> Item:
    """The item with its picture under the name that a reader gives it."""

    def renamed(fragment: str) -> str:
        return clean(fragment.replace(FIGURE.id, NAMED.id))

    interaction = item.interaction
    if (
        isinstance(interaction, Hotspot | GraphicGapMatch | SelectPoint)
        or item.kind == "graphic_order"
    ):
        interaction = replace(interaction, picture=replace(MAP, media=NAMED.id))
        media = (NAMED,)
    else:
        shown = "media:" in item.stem or (item.stimulus and "media:" in item.stimulus.content)
        media = (NAMED,) if shown else ()
    stimulus = item.stimulus
    if stimulus is not None:
        stimulus = replace(stimulus, content=renamed(stimulus.content))
    return replace(
        item, stem=renamed(item.stem), interaction=interaction, media=media, stimulus=stimulus
    )


def back(version: Version, *items: Item) -> Imported:
    return read_qti3(write_package(items, (), version), "goi.zip")


def clusters() -> Item:
    """Two clusters in one text, each with its table of marks."""
    (judged,) = (cluster().interaction,)
    assert isinstance(judged, TrueFalseCluster)
    parts = (Part("a", judged), Part("b", judged))
    key = CompositeKey({"a": cluster().key, "b": cluster("x", "FFTT").key})
    marks = PartMarks(cluster().scoring, Decimal(1))
    stem = '<p>Xét</p><div data-part="a"></div><p>và</p><div data-part="b"></div>'
    return replace(
        composite(), id="clusters", stem=stem, interaction=Composite(parts), key=key,
        scoring=SumOfParts({"a": marks, "b": marks}), points=Decimal(2),
    )  # fmt: skip


def explained() -> Item:
    return replace(order(), id="explained", explanation="<p>Vì <b>1954</b> sau 1945.</p>")


def limited() -> Item:
    """Two options at most, each with its worth: choosing all is no way to have all marks."""
    worth = {"A": Decimal("0.5"), "C": Decimal("0.5")}
    interaction = MultipleChoice(options(*"abcd"), max_choices=2)
    return replace(multiple("limited"), interaction=interaction, scoring=MappedChoice(worth))


def every() -> Iterator[Item]:
    yield from map(named, ITEMS)
    yield from (
        named(clusters()),
        named(explained()),
        named(single()),
        multiple(),
        cluster(),
        numeric(),
    )
    yield named(randomised())
    yield named(replace(inline(), stimulus=PASSAGE))


EVERY = {item.id + ("+" if item.stimulus else ""): replace(item) for item in every()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", EVERY)
def test_an_item_comes_back_as_it_was(name: str, version: Version) -> None:
    item = EVERY[name]
    read = back(version, item)
    assert read.problems == ()
    (again,) = read.items
    if isinstance(item.scoring, ResponseProcessing):  # its program is spelt in 3.0's names
        assert isinstance(again.scoring, ResponseProcessing)
        again = replace(again, scoring=replace(again.scoring, program=item.scoring.program))
    assert again == item


@pytest.mark.parametrize("version", VERSIONS)
def test_a_package_with_a_test_and_a_passage_comes_back(version: Version) -> None:
    reading = [named(replace(item, stimulus=PASSAGE)) for item in (inline(), order(), cloze())]
    part = BasePart("Đọc", "<p>Đọc đoạn văn</p>", tuple(item.id for item in reading))
    form = BaseForm("de", "Đề", "Ngữ văn", 45, (part,))
    data = write_package(reading, (form,), version)
    assert data == write_package(reading, (form,), version)
    read = read_qti3(data, "goi.zip")
    assert read.problems == ()
    assert read.items == tuple(reading)
    assert read.base_forms == (replace(form, paper="Ngữ văn"),)


@pytest.mark.slow
@settings(deadline=None)
@given(st.sampled_from(sorted(EVERY)), st.sampled_from(VERSIONS), st.integers(0, 2**32))
def test_marks_are_the_same_after_out_and_in(name: str, version: Version, chance: int) -> None:
    item = EVERY[name]
    (again,) = back(version, item).items
    arranged = form_of(replace(item, stimulus=None))
    shown = presented(arranged, item)
    said = response_to(shown.interaction, random.Random(chance))
    answer = arranged.mapping.to_bank(shown.id, said)
    assert score(again, answer, draw="x") == score(item, answer, draw="x")


def by_the_engine(item: Item, version: Version) -> Item:
    """The item, marked by the QTI that is written for it and nothing else."""
    root = etree.fromstring(write_item(item, version))
    columns = ("T", "F") if isinstance(item.interaction, TrueFalseCluster) else ()
    response = "" if isinstance(item.interaction, Composite) else "RESPONSE"
    return replace(item, scoring=ResponseProcessing(program_text(root), response, *columns))


MARKED = [
    name for name, item in EVERY.items()
    if name != "clusters" and not isinstance(item.scoring, External | ResponseProcessing)
]  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(st.sampled_from(MARKED), st.sampled_from(VERSIONS), st.integers(0, 2**32))
def test_what_is_written_is_worth_the_same_to_any_engine(
    name: str, version: Version, chance: int
) -> None:
    item = EVERY[name]
    arranged = form_of(replace(item, stimulus=None))
    shown = presented(arranged, item)
    said = response_to(shown.interaction, random.Random(chance))
    answer = arranged.mapping.to_bank(shown.id, said)
    assert score(by_the_engine(item, version), answer).raw == score(item, answer).raw
    if name in RIGHT:
        right = EXACT.get(name, RIGHT[name][1])
        assert score(by_the_engine(item, version), right).raw == score(item, right).raw > 0


#: An engine compares texts letter by letter.
EXACT = {"gap": TextResponse("bác hồ")}


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_damaged_item_is_taken_or_named_and_nothing_else(data: st.DataObject) -> None:
    """Elements taken out, doubled or put elsewhere, attributes exchanged: what is still taken can
    be stored, shown, answered and written again."""
    name, version = data.draw(st.sampled_from(sorted(EVERY))), data.draw(st.sampled_from(VERSIONS))
    root = etree.fromstring(write_item(EVERY[name], version))
    values = sorted({str(v) for e in root.iter() for v in e.attrib.values()})
    values += ["", "-1", "99999999", "a b", "1,2"]
    for _ in range(data.draw(st.integers(1, 3))):
        nodes = [e for e in root.iter() if e.getparent() is not None]
        if not nodes:
            break
        node, other = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
        parent = node.getparent()
        match data.draw(st.integers(0, 4)):
            case 0:
                parent.remove(node)
            case 1:
                parent.append(copy.deepcopy(other))
            case 2:
                parent.replace(node, copy.deepcopy(other))
            case 3 if node.attrib:
                node.set(data.draw(st.sampled_from(sorted(map(str, node.attrib)))),
                         data.draw(st.sampled_from(values)))  # fmt: skip
            case _:
                node.text = data.draw(st.sampled_from(values))
    read = read_qti3(etree.tostring(root), "i.xml", lambda _: FIGURE.data)
    assert read.items or read.has_errors
    for item in read.items:
        assert item_from_plain(item_to_plain(item)) == item
        assert back("3.0", item).items[0].interaction == item.interaction
        try:
            arranged = form_of(replace(item, stimulus=None))
        except AssemblyError:  # a number of an item that is not there
            continue
        assert decode(encode(arranged.form)) == arranged.form


words = st.text("abcđêư", min_size=1, max_size=8)
worths = st.decimals(-3, 3, places=2).map(lambda d: d.normalize() + 0)


@st.composite
def composites(draw: st.DrawFn) -> Item:
    """Texts with any mixture of gaps, lists and choices."""
    count = draw(st.integers(2, 5))
    parts, keys, marks, stem = [], {}, {}, "<p>"
    for number in range(count):
        name = f"R{number}"
        points = draw(st.decimals("0.25", 2, places=2))
        if draw(st.booleans()):
            texts = draw(st.lists(words, min_size=1, max_size=3, unique=True))
            parts.append(Part(name, TextEntry(draw(st.integers(8, 60)))))
            keys[name] = TextKey(tuple(texts), draw(st.booleans()))
            stem += f'x <span data-part="{name}"></span>'
        else:
            parts.append(Part(name, SingleChoice(options(*"abcd"), draw(st.booleans()))))
            keys[name] = ChoiceKey((draw(st.sampled_from("ABCD")),))
            stem += f'</p><div data-part="{name}"></div><p>'
        marks[name] = PartMarks(AllOrNothing(), points)
    total = sum((one.points for one in marks.values()), Decimal(0))
    rule = SumOfParts(marks) if draw(st.booleans()) else AllOrNothing()
    return Item("c", stem + "y</p>", Composite(tuple(parts)), CompositeKey(keys), rule, total)


@pytest.mark.slow
@settings(deadline=None)
@given(composites(), st.sampled_from(VERSIONS))
def test_any_composite_comes_back(item: Item, version: Version) -> None:
    read = back(version, item)
    assert read.problems == ()
    assert read.items == (item,)


@st.composite
def orders(draw: st.DrawFn) -> Item:
    texts = draw(st.lists(words, min_size=1, max_size=8))
    shown = options(*texts)
    right = tuple(draw(st.permutations([option.id for option in shown])))
    return Item("o", "<p>x</p>", Order(shown, draw(st.booleans())), OrderKey(right),
                AllOrNothing(), draw(st.decimals(0, 5, places=2)))  # fmt: skip


@pytest.mark.slow
@settings(deadline=None)
@given(orders(), st.sampled_from(VERSIONS))
def test_any_order_comes_back(item: Item, version: Version) -> None:
    assert back(version, item).items == (item,)


# -------------------------------------------------------------------------- what others write

HEAD = (
    '<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="i" title="t"'
    ' adaptive="false" timeDependent="false">'
)
SCORE = '<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>'
MATCHED = (
    '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/{}"/>'
)


def foreign(declaration: str, body: str, rules: str = MATCHED.format("match_correct")) -> Imported:
    xml = f"{HEAD}{declaration}{SCORE}<itemBody>{body}</itemBody>{rules}</assessmentItem>"
    return read_qti3(xml.encode(), "i.xml", lambda name: FIGURE.data if name == "a.svg" else None)


def declared(cardinality: str, base: str, *values: str, more: str = "") -> str:
    correct = "".join(f"<value>{value}</value>" for value in values)
    return (
        f'<responseDeclaration identifier="RESPONSE" cardinality="{cardinality}" baseType="{base}">'
        f"<correctResponse>{correct}</correctResponse>{more}</responseDeclaration>"
    )


def test_a_hotspot_of_2_1_with_its_object_beside_it() -> None:
    body = (
        '<hotspotInteraction responseIdentifier="RESPONSE" maxChoices="1"><prompt>Đâu?</prompt>'
        '<object data="a.svg" type="image/svg+xml" width="40" height="30">Bản đồ</object>'
        '<hotspotChoice identifier="A" shape="circle" coords="1,2,3" hotspotLabel="Huế"/>'
        "</hotspotInteraction>"
    )
    read = foreign(declared("single", "identifier", "A"), body)
    assert read.problems == ()
    (item,) = read.items
    assert isinstance(item.interaction, Hotspot)
    assert (item.stem, item.interaction.picture) == (
        "<div>Đâu?</div>", replace(MAP, media=NAMED.id, width=40, height=30, alt="Bản đồ"),
    )  # fmt: skip
    assert item.interaction.areas == (
        replace(AREAS[1], id="A", shape=replace(AREAS[1].shape, coords=(1, 2, 3)), label="Huế"),
    )


def test_case_counts_in_2_x_mappings_unless_said_otherwise() -> None:
    entries = '<mapping><mapEntry mapKey="Huế" mappedValue="1"/></mapping>'
    body = '<textEntryInteraction responseIdentifier="RESPONSE" expectedLength="5"/>'
    read = foreign(
        declared("single", "string", "Huế", more=entries), body, MATCHED.format("map_response")
    )
    (item,) = read.items
    assert (item.key, item.interaction) == (TextKey(("Huế",), True), TextEntry(50))
    free = entries.replace("mappedValue", 'caseSensitive="false" mappedValue')
    read = foreign(
        declared("single", "string", "Huế", more=free), body, MATCHED.format("map_response")
    )
    assert read.items[0].key == TextKey(("Huế",), False)


def test_a_template_item_of_2_1_prints_its_values() -> None:
    template = (
        '<templateDeclaration identifier="A" cardinality="single" baseType="integer"/>'
        '<templateProcessing><setTemplateValue identifier="A"><randomInteger min="2" max="9"/>'
        '</setTemplateValue><setCorrectResponse identifier="RESPONSE"><variable identifier="A"/>'
        "</setCorrectResponse></templateProcessing>"
    )
    body = (
        '<p>Nhập <printedVariable identifier="A" format="%d"/>: '
        '<textEntryInteraction responseIdentifier="RESPONSE"/></p>'
    )
    number = '<responseDeclaration identifier="RESPONSE" cardinality="single" baseType="integer"/>'
    read = foreign(number + template, body)
    assert read.problems == ()
    (item,) = read.items
    assert 'data-value="A"' in item.stem
    assert (item.key, item.points, item.kind) == (NoKey(), 1, "numeric")
    arranged = form_of(item)
    assert "data-value" not in arranged.form.items[0].stem


NAMED_PROBLEMS = {
    "custom": ('<customInteraction responseIdentifier="RESPONSE"/>', "customInteraction"),
    "upload": ('<uploadInteraction responseIdentifier="RESPONSE"/>', "uploadInteraction"),
    "drawing": ('<drawingInteraction responseIdentifier="RESPONSE"/>', "drawingInteraction"),
    "media": ('<mediaInteraction responseIdentifier="RESPONSE"/>', "mediaInteraction"),
    "no picture": (
        '<selectPointInteraction responseIdentifier="RESPONSE"><object data="b.png"/>'
        "</selectPointInteraction>", "object",
    ),
    "percent": (
        '<hotspotInteraction responseIdentifier="RESPONSE"><object data="a.svg" width="9" '
        'height="9"/><hotspotChoice identifier="A" shape="circle" coords="1%,2,3"/>'
        "</hotspotInteraction>", "hotspotChoice",
    ),
    "template choice": (
        '<choiceInteraction responseIdentifier="RESPONSE"><simpleChoice identifier="A" '
        'templateIdentifier="T" showHide="show">x</simpleChoice></choiceInteraction>',
        "simpleChoice",
    ),
    "template block": (
        '<templateBlock templateIdentifier="T" identifier="A"/><choiceInteraction '
        'responseIdentifier="RESPONSE"/>', "templateBlock",
    ),
    "some of an order": (
        '<orderInteraction responseIdentifier="RESPONSE" maxChoices="2"><simpleChoice '
        'identifier="A">x</simpleChoice></orderInteraction>', "orderInteraction",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "element"), NAMED_PROBLEMS.values(), ids=NAMED_PROBLEMS)
def test_what_cannot_be_held_is_named_in_the_files_own_words(body: str, element: str) -> None:
    read = foreign(declared("single", "identifier", "A"), body)
    assert read.items == ()
    (problem,) = [one for one in read.problems if one.severity == "error"]
    assert (problem.element, problem.line) == (element, 1)
    assert "qti-" not in problem.message


def test_a_text_without_processing_is_left_to_people_and_said_so() -> None:
    body = '<extendedTextInteraction responseIdentifier="RESPONSE" expectedLines="3"/>'
    text = '<responseDeclaration identifier="RESPONSE" cardinality="single" baseType="string"/>'
    read = foreign(text, body, "")
    assert [one.message for one in read.problems] == ["is missing; people must mark the text"]
    assert score(read.items[0], RIGHT[essay().id][1]).external == 1


def test_pieces_that_are_pictures_are_images() -> None:
    shown = f'<img alt="a" height="5" src="media:{NAMED.id}" width="5"/>'
    both = (Piece("p0", shown), Piece("p1", "y"))
    drawn = GraphicGapMatch(replace(MAP, media=NAMED.id), AREAS, both)
    item = replace(named(RIGHT["graphic-gap"][0]), interaction=drawn, key=PairsKey((("p0", "HN"),)))
    for version in VERSIONS:
        xml = write_item(item, version).decode()
        assert ("gapImg" if version == "2.2" else "qti-gap-img") in xml
        assert back(version, item).items == (item,)


SHOWN = '<object data="a.svg" type="image/svg+xml" width="9" height="9"/>'
REFUSED = {
    "graphicAssociateInteraction": SHOWN
    + '<associableHotspot identifier="A" shape="circle" coords="1,1,1" matchMax="1"/>',
    "positionObjectInteraction": SHOWN,
    "uploadInteraction": "<prompt>Nộp tệp</prompt>",
    "drawingInteraction": SHOWN,
    "mediaInteraction": '<object data="phim.mp4" type="video/mp4" width="9" height="9"/>',
    "endAttemptInteraction": "",
    "customInteraction": "",
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_a_package_is_taken_but_for_what_no_kind_of_ours_is_for(version: Version) -> None:
    """Each such item is an error with its file, line and element; the others are taken."""
    archive = zipfile.ZipFile(io.BytesIO(write_package([single()], [], version)))
    files = {name: archive.read(name) for name in archive.namelist()}
    manifest = files["imsmanifest.xml"].decode()
    before = manifest.index("</resources>")
    kind = re.findall(r'type="(imsqti_item[^"]*)"', manifest)[0]
    for place, (name, inside) in enumerate(REFUSED.items()):
        body = f'<p>Xem\n</p><{name} responseIdentifier="RESPONSE" maxChoices="1">{inside}</{name}>'
        item = (
            f"{HEAD}{declared('single', 'identifier', 'A')}{SCORE}<itemBody>{body}</itemBody>"
            "</assessmentItem>"
        )
        files[f"khac/{name}.xml"] = item.encode()
        href = f'href="khac/{name}.xml"'
        manifest = (
            f'{manifest[:before]}<resource identifier="k{place}" type="{kind}" {href}>'
            f"<file {href}/></resource>{manifest[before:]}"
        )
    files["imsmanifest.xml"] = manifest.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    read = read_qti3(packed.getvalue(), "goi.zip")
    assert [item.id for item in read.items] == [single().id]
    told = {(p.file, p.line, p.element) for p in read.problems if p.severity == "error"}
    assert told == {(f"goi.zip/khac/{name}.xml", 2, name) for name in REFUSED}


@pytest.mark.parametrize(
    "shown",
    ['<video src="a.mp4"/>', '<object data="a.mp4" type="video/mp4"/>', '<iframe src="x"/>'],
)
def test_a_video_that_is_missing_is_an_error(shown: str) -> None:
    body = (
        f'<p>Xem {shown}</p><choiceInteraction responseIdentifier="RESPONSE" maxChoices="1">'
        '<simpleChoice identifier="A">x</simpleChoice><simpleChoice identifier="B">y</simpleChoice>'
        "</choiceInteraction>"
    )
    read = foreign(declared("single", "identifier", "A"), body)
    assert [one.severity for one in read.problems] == ["error"]
