"""Writing QTI 3.0: an item as XML, items and base forms as a content package.

The package's bytes are a function of its content: fixed order, fixed times. Scoring is written as
QTI response processing, in the shapes `qti3_scoring` lists.
"""

import io
import zipfile
from collections.abc import Iterable
from decimal import Decimal

from lxml import etree
from lxml.builder import ElementMaker

from question_bank.assembly import BaseForm, BasePart
from question_bank.content import parse
from question_bank.interchange.markup import name_of
from question_bank.interchange.qti3_metadata import write_metadata
from question_bank.interchange.qti3_terms import (
    ITEM_TYPE,
    MANIFEST,
    MAP_RESPONSE,
    MATCH_CORRECT,
    MEDIA_TYPE,
    PACKAGE,
    QTI,
    TEST_TYPE,
)
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    GradedCluster,
    Item,
    ItemMetadata,
    Key,
    MappedChoice,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    TrueFalseCluster,
)

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
TRUE, FALSE = "T", "F"
EPOCH = (1980, 1, 1, 0, 0, 0)
_Q = ElementMaker(namespace=QTI, nsmap={None: QTI})
_P = ElementMaker(namespace=PACKAGE, nsmap={None: PACKAGE})


def write_package(items: Iterable[Item], base_forms: Iterable[BaseForm]) -> bytes:
    """A QTI 3.0 content package."""
    files: dict[str, bytes] = {}
    resources = _P.resources()
    media = {}
    for item in items:
        href = f"items/{item.id}.xml"
        files[href] = write_item(item)
        files.update({f"media/{m.id}": m.data for m in item.media})
        media.update({m.id: m for m in item.media})
        names = [f"media-{m.id}" for m in item.media]
        resources.append(_resource(item.id, ITEM_TYPE, href, item.metadata, names))
    for form in base_forms:
        href = f"tests/{form.id}.xml"
        files[href] = _serialise(_test(form))
        about = ItemMetadata(subject=form.paper)
        resources.append(_resource(form.id, TEST_TYPE, href, about, form.items))
    for name in sorted(media):
        resources.append(_resource(f"media-{name}", MEDIA_TYPE, f"media/{name}", None, ()))
    metadata = _P.metadata(_P.schema("QTI Package"), _P.schemaversion("3.0.0"))
    manifest = _P.manifest(metadata, _P.organizations(), resources, identifier="manifest")
    etree.indent(manifest)
    return _zip({MANIFEST: _serialise(manifest)} | dict(sorted(files.items())))


def write_item(item: Item) -> bytes:
    """One `qti-assessment-item`; its pictures are at `../media/ID`."""
    root = _Q(
        "qti-assessment-item",
        identifier=item.id,
        title=item.metadata.code or item.id,
        adaptive="false",
    )
    root.set("time-dependent", "false")
    if item.metadata.language:
        root.set(XML_LANG, item.metadata.language)
    root.append(_declaration(item))
    root.append(_outcome(item))
    body = _Q("qti-item-body")
    _fill(body, item.stem)
    body.append(_interaction(item))
    root.append(body)
    root.append(_processing(item))
    return _serialise(root)


def _interaction(item: Item) -> etree._Element:
    interaction = item.interaction
    match interaction:
        case SingleChoice() | MultipleChoice():
            limit = "1" if isinstance(interaction, SingleChoice) else "0"
            element = _Q("qti-choice-interaction", shuffle=_boolean(interaction.shuffle))
            element.set("max-choices", limit)
            element.extend(_option("qti-simple-choice", o) for o in interaction.options)
        case TrueFalseCluster():
            element = _cluster(interaction)
        case NumericEntry():
            entry = _Q("qti-text-entry-interaction")
            entry.set("expected-length", str(interaction.max_length))
            entry.set("pattern-mask", _mask(interaction))
            if interaction.unit:
                entry.set("data-unit", interaction.unit)
            element = _Q.p(entry)
    holder = element[0] if isinstance(interaction, NumericEntry) else element
    holder.set("response-identifier", "RESPONSE")
    return element


def _cluster(interaction: TrueFalseCluster) -> etree._Element:
    statements = _Q("qti-simple-match-set")
    for option in interaction.statements:
        choice = _option("qti-simple-associable-choice", option)
        choice.set("match-max", "1")
        statements.append(choice)
    columns = _Q("qti-simple-match-set")
    for identifier, word in ((TRUE, "Đúng"), (FALSE, "Sai")):
        column = _Q("qti-simple-associable-choice", word, identifier=identifier)
        column.set("match-max", str(len(interaction.statements)))
        columns.append(column)
    element = _Q("qti-match-interaction", statements, columns)
    element.set("class", "qti-match-tabular")
    element.set("shuffle", _boolean(interaction.shuffle))
    element.set("max-associations", str(len(interaction.statements)))
    return element


def _option(name: str, option: Option) -> etree._Element:
    element = _Q(name, identifier=option.id)
    if option.fixed:
        element.set("fixed", "true")
    _fill(element, option.content)
    return element


def _fill(element: etree._Element, fragment: str) -> None:
    """The fragment's nodes below `element`, HTML in QTI's namespace, formulas in their own."""
    root = parse(fragment)
    for node in root.iter():
        if isinstance(node.tag, str) and not node.tag.startswith("{"):
            node.tag = f"{{{QTI}}}{node.tag}"
        if name_of(node) == "img":
            node.set("src", "../media/" + str(node.get("src", "")).removeprefix("media:"))
        if language := node.attrib.pop("lang", None):
            node.set(XML_LANG, str(language))
    element.text = root.text
    element.extend(list(root))


def _declaration(item: Item) -> etree._Element:
    cardinality, base_type = _types(item)
    declaration = _Q("qti-response-declaration", identifier="RESPONSE", cardinality=cardinality)
    declaration.set("base-type", base_type)
    values = [_Q("qti-value", value) for value in _correct(item.key)]
    declaration.append(_Q("qti-correct-response", *values))
    match item.scoring:
        case GradedCluster():
            declaration.append(_mapping(dict.fromkeys(_correct(item.key), Decimal(1))))
        case MappedChoice(worth=worth):
            mapping = _mapping(dict(worth), item.scoring)
            declaration.append(mapping)
        case AllOrNothing():
            pass
    return declaration


def _types(item: Item) -> tuple[str, str]:
    match item.interaction:
        case SingleChoice():
            return "single", "identifier"
        case MultipleChoice():
            return "multiple", "identifier"
        case TrueFalseCluster():
            return "multiple", "directedPair"
        case NumericEntry():
            return "single", "float"


def _correct(key: Key) -> list[str]:
    match key:
        case ChoiceKey(options=options):
            return list(options)
        case ClusterKey(values=values):
            return [f"{name} {TRUE if truth else FALSE}" for name, truth in values.items()]
        case NumericKey(value=value):
            return [_number(value)]


def _mapping(worth: dict[str, Decimal], rule: MappedChoice | None = None) -> etree._Element:
    mapping = _Q("qti-mapping")
    mapping.set("default-value", _number(rule.default if rule else Decimal(0)))
    if rule and rule.lower is not None:
        mapping.set("lower-bound", _number(rule.lower))
    if rule and rule.upper is not None:
        mapping.set("upper-bound", _number(rule.upper))
    for key, value in worth.items():
        entry = _Q("qti-map-entry")
        entry.set("map-key", key)
        entry.set("mapped-value", _number(value))
        mapping.append(entry)
    return mapping


def _outcome(item: Item) -> etree._Element:
    outcome = _Q("qti-outcome-declaration", identifier="SCORE", cardinality="single")
    outcome.set("base-type", "float")
    outcome.set("normal-maximum", _number(item.points))
    if isinstance(item.scoring, GradedCluster):
        table = _Q("qti-match-table")
        for right, marks in enumerate(item.scoring.table):
            entry = _Q("qti-match-table-entry")
            entry.set("source-value", str(right))
            entry.set("target-value", _number(marks))
            table.append(entry)
        outcome.append(table)
    return outcome


def _processing(item: Item) -> etree._Element:
    match item.scoring:
        case GradedCluster():
            right = _Q("qti-truncate", _Q("qti-map-response", identifier="RESPONSE"))
            rule = _Q("qti-lookup-outcome-value", right, identifier="SCORE")
            return _Q("qti-response-processing", rule)
        case MappedChoice():
            return _Q("qti-response-processing", template=MAP_RESPONSE)
        case AllOrNothing():
            return _all_or_nothing(item)


def _all_or_nothing(item: Item) -> etree._Element:
    tolerance = item.interaction.tolerance if isinstance(item.interaction, NumericEntry) else 0
    if item.points == 1 and not tolerance:
        return _Q("qti-response-processing", template=MATCH_CORRECT)
    comparison = _Q("qti-equal" if tolerance else "qti-match")
    if tolerance:
        comparison.set("tolerance-mode", "absolute")
        comparison.set("tolerance", f"{_number(tolerance)} {_number(tolerance)}")
    comparison.append(_Q("qti-variable", identifier="RESPONSE"))
    comparison.append(_Q("qti-correct", identifier="RESPONSE"))
    condition = _Q(
        "qti-response-condition",
        _Q("qti-response-if", comparison, _set_score(item.points)),
        _Q("qti-response-else", _set_score(Decimal(0))),
    )
    return _Q("qti-response-processing", condition)


def _set_score(points: Decimal) -> etree._Element:
    value = _Q("qti-base-value", _number(points))
    value.set("base-type", "float")
    return _Q("qti-set-outcome-value", value, identifier="SCORE")


def _test(form: BaseForm) -> etree._Element:
    limits = _Q("qti-time-limits")
    limits.set("max-time", str(form.minutes * 60))
    part = _Q("qti-test-part", identifier="part")
    part.set("navigation-mode", "nonlinear")
    part.set("submission-mode", "simultaneous")
    for index, section in enumerate(form.parts, 1):
        part.append(_section(section, f"section-{index}"))
    return _Q("qti-assessment-test", limits, part, identifier=form.id, title=form.title)


def _section(part: BasePart, identifier: str) -> etree._Element:
    section = _Q("qti-assessment-section", identifier=identifier, title=part.title, visible="true")
    if part.instructions:
        body = _Q("qti-content-body")
        _fill(body, part.instructions)
        section.append(_Q("qti-rubric-block", body, use="instructions", view="candidate"))
    for item in part.items:
        section.append(_Q("qti-assessment-item-ref", identifier=item, href=f"../items/{item}.xml"))
    return section


def _resource(
    identifier: str,
    kind: str,
    href: str,
    metadata: ItemMetadata | None,
    needs: Iterable[str],
) -> etree._Element:
    resource = _P.resource(identifier=identifier, type=kind, href=href)
    if metadata is not None:
        resource.append(_P.metadata(write_metadata(metadata)))
    resource.append(_P.file(href=href))
    resource.extend(_P.dependency(identifierref=name) for name in needs)
    return resource


def _mask(entry: NumericEntry) -> str:
    digits = "0123456789"
    rest = entry.allowed.removeprefix(digits)
    start = "0-9" if entry.allowed.startswith(digits) else ""
    escaped = "".join(rf"\{c}" if c in r"\]^-[" else c for c in rest)
    return f"[{start}{escaped}]{{1,{entry.max_length}}}"


def _number(value: Decimal | int) -> str:
    return format(value, "f")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _serialise(root: etree._Element) -> bytes:
    etree.cleanup_namespaces(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")) + b"\n"


def _zip(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return target.getvalue()
