"""QTI 2.x in the names of QTI 3.0, and back.

`choiceInteraction maxChoices` and `qti-choice-interaction max-choices` are the same thing: readers
and writers know QTI 3.0's names alone. Places in the file and the file's own names are kept for
problems.
"""

import re
from collections.abc import Mapping
from typing import Literal

from lxml import etree

from question_bank.content import MATHML
from question_bank.interchange.markup import name_of, namespace_of
from question_bank.interchange.qti3_terms import QTI, QTI_2_2, TEMPLATES, TEMPLATES_2_2

#: What is written.
Version = Literal["3.0", "2.2"]

_VERSION_2 = re.compile(r"http://www\.imsglobal\.org/xsd/imsqti_v2p[0-2]")
_ROOT = re.compile(r"assessment(Item|Test|Stimulus)|qti-assessment-(item|test|stimulus)")
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_HYPHEN = re.compile(r"-([a-z0-9])")
# What QTI takes from HTML and calls by HTML's names in every version.
_WORDS = """a abbr acronym address b big blockquote br caption center cite code col colgroup dd dfn
div dl dt em embed figcaption figure h1 h2 h3 h4 h5 h6 hr i img kbd li link object ol p param pre q
samp script section small span strong style sub sup table tbody td tfoot th thead tr tt u ul var
video audio source iframe form input button"""
_HTML = frozenset(_WORDS.split())


_DRAWN = frozenset(
    (
        "qti-hotspot-interaction",
        "qti-graphic-order-interaction",
        "qti-graphic-gap-match-interaction",
        "qti-select-point-interaction",
        "qti-gap-img",
    )
)
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml"}


def is_version_2(root: etree._Element) -> bool:
    """Whether a document is of QTI 2.0 to 2.2."""
    return _VERSION_2.fullmatch(namespace_of(root)) is not None


def modernise(root: etree._Element) -> Mapping[str, str]:
    """Gives a QTI 2.x document the names of 3.0, in place; the file's own name of each element
    by its new one. A document of 3.0 stays as it is; one without a namespace gets its version's."""
    _name_space(root)
    if not is_version_2(root):
        return {}
    names = {"qti-response-processing": "responseProcessing"}  # is named where it is missing too
    for element in root.iter():
        old = name_of(element)
        if not _VERSION_2.fullmatch(namespace_of(element)):
            continue
        if old in _HTML:
            element.tag = f"{{{QTI}}}{old}"
            continue
        new = f"qti-{_hyphenated(old)}"
        names[new] = old
        element.tag = f"{{{QTI}}}{new}"
        _modern_attributes(element)
    for mapping in root.iter(f"{{{QTI}}}qti-mapping"):
        usual = mapping.attrib.pop("case-sensitive", "true")
        for entry in mapping:  # true unless said otherwise in 2.x, and false in 3.0
            if str(entry.attrib.pop("case-sensitive", usual)) in ("true", "1"):
                entry.set("case-sensitive", "true")
    return names


def _name_space(root: etree._Element) -> None:
    if namespace_of(root) or not _ROOT.fullmatch(name_of(root)):
        return
    for math in [node for node in root.iter("math") if not namespace_of(node)]:
        for node in math.iter():
            _take_into(node, MATHML)
    space = QTI if name_of(root).startswith("qti-") else QTI_2_2
    for node in root.iter():
        _take_into(node, space)


def _take_into(node: etree._Element, space: str) -> None:
    if name_of(node) and not namespace_of(node):
        node.tag = f"{{{space}}}{name_of(node)}"


def _modern_attributes(element: etree._Element) -> None:
    attributes = [(str(key), str(value)) for key, value in element.attrib.items()]
    element.attrib.clear()
    for key, value in attributes:
        element.set(key if key.startswith("{") else _hyphenated(key), value)


def _hyphenated(name: str) -> str:
    return _CAPITAL.sub(lambda found: "-" + found[1].lower(), name)


def downgrade(root: etree._Element) -> etree._Element:
    """A copy of a QTI 3.0 document in the names of 2.2."""
    target = etree.Element(_old_tag(root), nsmap={None: QTI_2_2})
    _downgrade_into(root, target)
    return target


def _downgrade_into(source: etree._Element, target: etree._Element) -> None:
    own = name_of(source).startswith("qti-")
    for key, value in source.attrib.items():
        name = str(key)
        if own and not name.startswith(("{", "data-")):
            name = _HYPHEN.sub(lambda found: found[1].upper(), name)
        target.set(name, str(value).replace(TEMPLATES, TEMPLATES_2_2).removesuffix(".xml")
                   if name == "template" else str(value))  # fmt: skip
    if name_of(source) == "qti-map-entry" and source.get("case-sensitive") is None:
        target.set("caseSensitive", "false")  # as it is in 3.0 where nothing is said
    target.text = source.text
    for child in source:
        if name_of(child) == "qti-content-body":  # unknown to 2.x, and only a wrapper
            _downgrade_into(child, target)
            continue
        if name_of(child) == "img" and name_of(source) in _DRAWN:
            copy = _object(child, target)
        elif namespace_of(child) == QTI:
            copy = etree.SubElement(target, _old_tag(child))
            _downgrade_into(child, copy)
        else:
            copy = child.__copy__()
            target.append(copy)
        copy.tail = child.tail


def _object(img: etree._Element, target: etree._Element) -> etree._Element:
    """A picture that is answered on, or dragged, is an object in 2.x."""
    source = str(img.get("src", ""))
    drawn = etree.SubElement(target, f"{{{QTI_2_2}}}object", data=source)
    kind = _TYPES.get(source.rpartition(".")[2], "image/png")
    drawn.set("type", kind)
    for name in ("width", "height"):
        if img.get(name):
            drawn.set(name, str(img.get(name)))
    drawn.text = str(img.get("alt", "")) or None
    return drawn


def _old_tag(element: etree._Element) -> str:
    name = name_of(element)
    if name.startswith("qti-"):
        name = _HYPHEN.sub(lambda found: found[1].upper(), name.removeprefix("qti-"))
    return f"{{{QTI_2_2}}}{name}"
