import io
import re
import zipfile
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from item_builders import METADATA, cluster, multiple, numeric, single

from question_bank.assembly import BaseForm, BasePart
from question_bank.errors import FileRefusedError
from question_bank.formulas import mathml_of
from question_bank.interchange.archive import Archive
from question_bank.interchange.markup import parse_xml
from question_bank.interchange.pictures import picture
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.interchange.qti3 import read_qti3
from question_bank.interchange.qti3_item import read_item
from question_bank.interchange.qti3_metadata import read_metadata
from question_bank.interchange.qti3_vocabulary import Version
from question_bank.interchange.qti3_writer import write_item, write_package
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Item,
    ItemMetadata,
    MappedChoice,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    Stimulus,
    TrueFalseCluster,
)

PNG = picture(b"\x89PNG\r\n\x1a\n" + bytes(20), "a.png")
TEXTS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12).map(
    lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
)
MARKS = st.decimals(min_value="0.25", max_value=10, places=2)
CONTENT = TEXTS.map(lambda text: f"<p>{text} <b>x</b><br/></p>")


@st.composite
def items(draw: st.DrawFn, name: str = "q1") -> Item:
    texts = draw(st.lists(TEXTS, min_size=2, max_size=5))
    options = tuple(
        Option(letter, text, draw(st.booleans()))
        for letter, text in zip("ABCDE", texts, strict=False)
    )
    ids = [option.id for option in options]
    stem, points, shuffle = draw(CONTENT), draw(MARKS), draw(st.booleans())
    rule: AllOrNothing | MappedChoice | GradedCluster = AllOrNothing()
    match draw(st.integers(0, 4)):
        case 0:
            key = ChoiceKey((draw(st.sampled_from(ids)),))
            return Item(name, stem, SingleChoice(options, shuffle), key, rule, points, METADATA)
        case 1:
            chosen = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
            interaction = MultipleChoice(options, shuffle)
            return Item(name, stem, interaction, ChoiceKey(tuple(sorted(chosen))), rule, points)
        case 2:
            worth = {option: draw(MARKS) for option in ids}
            rule = MappedChoice(worth, Decimal(0), Decimal(0), None)
            key, best = ChoiceKey((ids[0],)), max(worth.values())
            return Item(name, stem, SingleChoice(options, shuffle), key, rule, best)
        case 3:
            truths = {option: draw(st.booleans()) for option in ids}
            table = sorted(draw(st.lists(MARKS, min_size=len(ids), max_size=len(ids))))
            rule = GradedCluster((Decimal(0), *table))
            cluster_key = ClusterKey(truths)
            statements = TrueFalseCluster(options, shuffle)
            return Item(name, stem, statements, cluster_key, rule, table[-1], METADATA)
        case _:
            tolerance = draw(st.sampled_from((Decimal(0), Decimal("0.05"))))
            entry = NumericEntry(draw(st.integers(1, 9)), r"0123456789.,-]\^", tolerance, "cm")
            value = NumericKey(draw(st.decimals(min_value=-99, max_value=99, places=2)))
            return Item(name, stem, entry, value, rule, points)


@given(items())
def test_items_come_back_from_a_package(item: Item) -> None:
    form = BaseForm("f1", "Đề 1", "Toán", 45, (BasePart("I", "<p>Đọc kĩ.</p>", (item.id,)),))
    read = read_qti3(write_package([item], [form]), "t.zip")
    assert (read.items, read.base_forms, read.problems) == ((item,), (form,), ())


def test_pictures_and_metadata_come_back() -> None:
    stem = f'<p>Cho hình <img alt="hình" src="media:{PNG.id}" width="20"/></p>'
    item = replace(single(), stem=stem, media=(PNG,))
    read = read_qti3(write_package([item, cluster(), numeric(), multiple()], []), "t.zip")
    assert read.items == (item, cluster(), numeric(), multiple())
    assert read.problems == ()


def test_keys_stand_in_printed_order() -> None:
    xml = write_item(cluster()).decode()
    pairs = re.findall("<qti-value>.*?</qti-value>", xml)
    turned = _show(xml.replace("".join(pairs), "".join(reversed(pairs)))).items[0].key
    assert isinstance(turned, ClusterKey)
    assert list(turned.values.items()) == list(cluster().key.values.items())
    xml = write_item(multiple()).decode()
    values = "<qti-value>A</qti-value>", "<qti-value>C</qti-value>"
    assert _show(xml.replace("".join(values), "".join(reversed(values)))).items == (multiple(),)


def test_a_package_is_reproducible() -> None:
    assert write_package([cluster()], []) == write_package([cluster()], [])


def test_a_cluster_is_standard_qti() -> None:
    xml = write_item(cluster()).decode()
    for piece in ("qti-match-interaction", 'class="qti-match-tabular"', "s1 F",
                  'source-value="3" target-value="0.5"', "qti-lookup-outcome-value"):  # fmt: skip
        assert piece in xml


# ------------------------------------------------------------------ what is not taken is named


def _show(xml: str) -> Imported:
    return read_qti3(xml.encode(), "item.xml")


def _changed(item: Item, old: str, new: str) -> str:
    xml = write_item(replace(item, media=(), stem="<p>Chọn</p>")).decode()
    assert old in xml
    return xml.replace(old, new, 1)


CLOSE = "</qti-assessment-item>"


@pytest.mark.parametrize(
    ("item", "old", "new", "element"),
    [
        (single(), "qti-choice-interaction", "qti-hotspot-interaction", "qti-hotspot-interaction"),
        (single(), "qti-assessment-item ", "assessment-item ", "assessment-item"),
        (single(), "<qti-value>B</qti-value>", "<qti-value>Z</qti-value>", "qti-assessment-item"),
        (single(), "<qti-value>B</qti-value>", "", "qti-choice-interaction"),
        (single(), "qti-match>", "qti-custom-operator>", "qti-custom-operator"),
        (single(), ">0.25<", ">viel<", "qti-set-outcome-value"),
        (single(), 'identifier="RESPONSE" cardinality', 'identifier="R" cardinality',
         "qti-assessment-item"),
        (cluster(), "s1 F", "s1 Q", "qti-response-declaration"),
        (numeric(), 'base-type="float"', 'base-type="pair"', "qti-text-entry-interaction"),
        (numeric(), ">-1.5<", ">1e999999999<", "qti-response-declaration"),
        (single(), CLOSE, f'<qti-template-declaration identifier="T"/>{CLOSE}',
         "qti-template-declaration"),
        (single(), "<p>Chọn</p>", '<p><img src="a.png" alt=""/></p>', "img"),
    ],
)  # fmt: skip
def test_an_item_that_says_something_else_is_refused(
    item: Item, old: str, new: str, element: str
) -> None:
    changed = _changed(item, old, new)
    if "<qti-" in old or old.startswith("qti-") or "assessment-item " in old:
        changed = changed.replace(f"</{old.strip()}", f"</{new.strip()}")
    try:
        read = _show(changed)
    except FileRefusedError as error:
        assert element in str(error)
        return
    assert read.items == ()
    errors = [problem for problem in read.problems if problem.severity == "error"]
    assert [problem.element for problem in errors] == [element]
    assert errors[0].line is not None


@pytest.mark.parametrize(
    ("old", "new", "element"),
    [
        (CLOSE, f'<qti-modal-feedback identifier="x"/>{CLOSE}', "qti-modal-feedback"),
        ("shuffle=", 'orientation="horizontal" shuffle=', "qti-choice-interaction"),
        ("<p>Chọn</p>", "<p class='a'>Chọn</p>", "p"),
        ("<p>Chọn</p>", "<p>Chọn<script>x</script></p>", "script"),
        ("<p>Chọn</p>", "<p>Chọn<qti-feedback-inline>B</qti-feedback-inline></p>",
         "qti-feedback-inline"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_named(old: str, new: str, element: str) -> None:
    read = _show(_changed(single(), old, new))
    assert [item.stem for item in read.items] == ["<p>Chọn</p>"]
    assert [(p.element, p.severity) for p in read.problems] == [(element, "warning")]


def test_prompt_and_gap_become_part_of_the_stem() -> None:
    xml = write_item(replace(single(), media=(), stem="<p>Cho.</p>")).decode()
    xml = re.sub(r"(<qti-choice-interaction[^>]*>)", r"\1<qti-prompt>Chọn</qti-prompt>", xml)
    assert _show(xml).items[0].stem == "<p>Cho.</p><div>Chọn</div>"
    xml = write_item(numeric()).decode().replace("<p><qti-text", "<p>x = <qti-text")
    assert _show(xml).items[0].stem == "<p>Tính</p><p>x = ____</p>"


def test_a_scorers_rubric_never_becomes_instructions() -> None:
    form = BaseForm("f1", "Đề 1", "Toán", 45, (BasePart("I", "<p>Đáp án B</p>", ("q-numeric",)),))
    files = _unpacked(write_package([numeric()], [form]))
    test = files["tests/f1.xml"].replace(b'view="candidate"', b'view="scorer"')
    read = read_qti3(_zip(files | {"tests/f1.xml": test}), "t.zip")
    assert read.base_forms[0].parts[0].instructions == ""
    assert [problem.element for problem in read.problems] == ["qti-rubric-block"]


def test_standard_templates_are_known() -> None:
    xml = write_item(replace(single(points="1"), media=(), stem="<p>x</p>")).decode()
    assert 'template="https://purl' in xml
    assert _show(xml).items[0].points == 1
    named = re.sub(r'template="[^"]*"', 'template="../rp/match_correct.xml"', xml)
    assert _show(named).items[0].scoring == AllOrNothing()
    other = re.sub(r'template="[^"]*"', 'template="map_response_point.xml"', xml)
    assert _show(other).has_errors


# ------------------------------------------------------------------------------ hostile files


def _zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def _unpacked(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: archive.read(name) for name in archive.namelist()}


FILES = _unpacked(write_package([numeric()], []))


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 and then nothing",
        _zip({}),
        _zip({"imsmanifest.xml": b"<manifest/>"}),
        _zip({"imsmanifest.xml": b"<!DOCTYPE m [<!ENTITY a 'b'>]><manifest>&a;</manifest>"}),
        _zip(FILES | {"../evil.xml": b"x"}),
        _zip(FILES | {"/etc/evil.xml": b"x"}),
        _zip(FILES | {"..\\evil.xml": b"x"}),
        _zip(FILES | {"bomb.svg": bytes(5_000_000)}),
    ],
)
def test_hostile_archives_are_refused(data: bytes) -> None:
    with pytest.raises(FileRefusedError):
        read_qti3(data, "t.zip")


def test_entities_are_refused_and_never_read() -> None:
    xml = write_item(numeric()).decode().partition("?>")[2]
    for entity in ("<!ENTITY x SYSTEM 'file:///etc/passwd'>", "<!ENTITY x 'aaaaaaaa'>"):
        hostile = f"<!DOCTYPE q [{entity}]>" + xml.replace("Tính", "&x;")
        with pytest.raises(FileRefusedError, match="DOCTYPE"):
            read_qti3(hostile.encode(), "item.xml")


@pytest.mark.parametrize(
    "svg",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect fill="url(http://x/y)"/></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://x/y"/></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><use href="other.svg#a"/></svg>',
        b"<html/>",
        b"GIF89a",
    ],
)
def test_pictures_that_do_more_than_show_are_refused(svg: bytes) -> None:
    with pytest.raises(FileRefusedError):
        picture(svg, "a.svg")


def test_a_picture_outside_of_the_package_is_refused() -> None:
    item = next(name for name in FILES if name.startswith("items/"))
    body = FILES[item].replace(b"<p>T", b'<p><img src="../../../etc/passwd" alt=""/>T')
    read = read_qti3(_zip(FILES | {item: body}), "t.zip")
    assert read.items == ()
    assert "outside" in read.problems[0].message


def test_files_nobody_uses_and_missing_files_are_named() -> None:
    read = read_qti3(_zip(FILES | {"notes.txt": b"x"}), "t.zip")
    assert [problem.file for problem in read.problems] == ["t.zip/notes.txt"]
    item = next(name for name in FILES if name.startswith("items/"))
    read = read_qti3(_zip({name: data for name, data in FILES.items() if name != item}), "t.zip")
    assert read.has_errors and item in read.problems[0].message


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_item_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    source = data.draw(st.sampled_from((cluster(), numeric(), multiple())))
    raw = bytearray(write_item(source))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw) - 1))
        raw[start : start + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=4))
    try:
        read = read_qti3(bytes(raw), "item.xml")
    except FileRefusedError:
        return
    assert read.items or read.has_errors


# ------------------------------------------------------------------ what is odd and no obstacle


@pytest.mark.parametrize("version", ["3.0", "2.2"])
def test_an_item_without_a_namespace_is_taken(version: Version) -> None:
    item = replace(single(), stem=f"<p>Chọn {mathml_of('x^2')}</p>", media=())
    xml = write_item(item, version).decode()
    bare = re.sub(r' xmlns(:\w+)?="[^"]*"| xsi:schemaLocation="[^"]*"', "", xml)
    assert "xmlns" not in bare and _show(bare) == _show(xml)


def test_a_response_that_nothing_asks_for_is_named() -> None:
    another = '<qti-response-declaration identifier="R2" cardinality="single" base-type="float"/>'
    read = _show(_changed(single(), "<qti-outcome", f"{another}<qti-outcome"))
    (problem,) = read.problems
    assert (problem.element, problem.severity) == ("qti-response-declaration", "warning")
    assert "'R2'" in problem.message
    assert read.items == _show(_changed(single(), "x", "x")).items


def test_an_item_that_is_its_own_enemy_is_taken_without() -> None:
    item = replace(single(), metadata=ItemMetadata(enemies=("q7", "q-other")), media=(), stem="x")
    package = write_package([item], [])
    log, files = ProblemLog("t"), Archive(package)
    manifest = files.read("imsmanifest.xml").decode()
    resource = parse_xml(manifest.replace(">q7<", f">{item.id}<").encode(), "m")
    metadata = read_metadata(next(resource.iter("{*}resource")), log)
    root = parse_xml(write_item(replace(item, metadata=ItemMetadata())), "i")
    read = read_item(root, log, lambda _: PNG, metadata)
    assert read is not None and read.item.metadata.enemies == ("q-other",)
    assert [problem.severity for problem in log.problems] == ["warning"]


def test_two_passages_of_one_id_stay_two() -> None:
    """As where items of two files stand in one bank, each with its `passage-1`."""
    passages = [Stimulus("passage-1", f"<p>Đoạn {which}</p>") for which in "abab"]
    items = [
        replace(single(f"q{number}"), media=(), stem="x", stimulus=passage)
        for number, passage in enumerate(passages)
    ]
    read = read_qti3(Archive(write_package(items, [])), "x.zip")
    assert read.problems == ()
    told = {item.id: item.stimulus for item in read.items}
    assert [told[f"q{number}"].content for number in range(4)] == [one.content for one in passages]
    assert [told[f"q{number}"].id for number in range(4)] == ["passage-1", "passage-1-2"] * 2
