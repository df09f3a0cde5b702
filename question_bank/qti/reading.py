"""An item's or a test's declarations and processing, from QTI 2.0, 2.1, 2.2 and 3.0 XML."""

from functools import lru_cache

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import parse_xml
from question_bank.qti.declarations import declaration_of, table_of
from question_bank.qti.names import all_elements, attributes_of, elements, line, name_of, text_of
from question_bank.qti.operators import OPERATORS
from question_bank.qti.program import (
    Branch,
    Condition,
    Constraint,
    Declaration,
    Exit,
    Expression,
    LookUp,
    Program,
    Rule,
    SetValue,
    Target,
)
from question_bank.qti.templates import template_named
from question_bank.qti.values import BASE_TYPES, BaseType, parsed

MAX_DEPTH = 100
QTI_3 = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
# What `program_text` keeps of an item, and in which order: that of the schema.
_KEPT = {
    "responsedeclaration": 0, "outcomedeclaration": 1, "templatedeclaration": 2,
    "templateprocessing": 3, "responseprocessing": 4,
}  # fmt: skip

_DECLARATIONS = ("responsedeclaration", "outcomedeclaration", "templatedeclaration")
_SETTERS: dict[str, Target] = {
    "setoutcomevalue": "outcome",
    "setresponsevalue": "response",  # beyond the standard
    "settemplatevalue": "template",
    "setdefaultvalue": "default",
    "setcorrectresponse": "correct",
}
_EXITS = ("exitresponse", "exittemplate", "exittest")
_CONDITIONS = ("responsecondition", "templatecondition", "outcomecondition")
_FRAGMENTS = (
    "responseprocessingfragment",
    "outcomeprocessingfragment",
    "templateprocessingfragment",
)
_BRANCHES = ("if", "elseif", "else")


def read_program(data: bytes, file: str) -> Program:
    """The program of the item or test in `data`; raises FileRefusedError with the line."""
    root = parse_xml(data, file)
    if name_of(root) not in ("assessmentitem", "assessmenttest"):
        raise FileRefusedError(f"{file}: no QTI assessment item or test")
    return program_of(root, file)


def program_text(root: etree._Element) -> str:
    """The declarations and the processing of an assessmentItem alone, in canonical XML, whose
    default namespace is the item's, whatever prefixes and layout the file has."""
    kept = etree.Element(root.tag, nsmap={None: etree.QName(root).namespace or QTI_3})
    for name in ("identifier", "adaptive"):
        if name in root.attrib:
            kept.set(name, str(root.get(name)))
    parts = sorted(
        (element for element in elements(root) if name_of(element) in _KEPT),
        key=lambda element: _KEPT[name_of(element)],
    )
    for part in parts:
        _copy(part, kept)
    canonical: bytes = etree.tostring(kept, method="c14n", exclusive=True)
    return canonical.decode()


def _copy(source: etree._Element, parent: etree._Element) -> None:
    target = etree.SubElement(parent, source.tag)
    for name, value in source.attrib.items():
        target.set(name, value)
    usual = source.tag == f"{{{QTI_3}}}qti-map-entry" and "case-sensitive" not in parent.attrib
    if usual and source.get("case-sensitive") == "false":
        del target.attrib["case-sensitive"]  # as it is where nothing is said
    inside = list(all_elements(source))
    target.text = None if inside else source.text
    for child in inside:
        _copy(child, target)


@lru_cache(maxsize=4096)
def program_from(text: str) -> Program:
    """The program of XML that the bank holds; raises FileRefusedError."""
    return read_program(text.encode(), "response processing")


def program_of(root: etree._Element, file: str) -> Program:
    """The program of an assessmentItem or assessmentTest element; raises FileRefusedError."""
    reader = _Reader(file)
    declarations: dict[str, Declaration] = {}
    parts: dict[str, tuple[Rule, ...]] = {}
    for element in elements(root):
        name = name_of(element)
        if name in _DECLARATIONS:
            declaration = declaration_of(element, file)
            declarations[declaration.identifier] = declaration
        elif name in ("templateprocessing", "responseprocessing", "outcomeprocessing"):
            parts[name] = reader.processing(element)
    attributes = attributes_of(root)
    return Program(
        attributes.get("identifier", ""),
        attributes.get("adaptive", "false") in ("true", "1"),
        declarations,
        parts.get("templateprocessing", ()),
        parts.get("responseprocessing", ()),
        parts.get("outcomeprocessing", ()),
        tuple(dict.fromkeys(reader.unsupported)),
        is_test=name_of(root) == "assessmenttest",
    )


class _Reader:
    """Reads rules and expressions, and remembers what it does not know."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._depth = 0
        self.unsupported: list[str] = []

    def processing(self, element: etree._Element) -> tuple[Rule, ...]:
        """The rules of responseProcessing and its like; of its template where it has none."""
        attributes = attributes_of(element)
        address = attributes.get("template") or attributes.get("templatelocation")
        if address and not list(all_elements(element)):
            template = template_named(address)
            if template is None:
                self._unknown(element, f"the template {address[:100]}")
                return ()
            element = parse_xml(template, self._file)
        return self._rules(element)

    def _rules(self, element: etree._Element) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        for part in all_elements(element):
            rules += self._rule(part)
        return tuple(rules)

    def _rule(self, element: etree._Element) -> tuple[Rule, ...]:
        name = name_of(element)
        identifier = attributes_of(element).get("identifier", "")
        if name in _FRAGMENTS:
            return self._nested(element)
        if name in _CONDITIONS:
            return (Condition(tuple(self._branch(part, name) for part in elements(element))),)
        if name in _EXITS:
            return (Exit(),)
        if name in _SETTERS:
            children = list(all_elements(element))
            if not children and name == "setdefaultvalue":
                return (SetValue("default", identifier, None),)
            return (SetValue(_SETTERS[name], identifier, self._only(element)),)
        if name == "lookupoutcomevalue":
            return (LookUp(identifier, self._only(element)),)
        if name == "templateconstraint":
            return (Constraint(self._only(element)),)
        self._unknown(element, f"the rule {name}")
        return ()

    def _nested(self, element: etree._Element) -> tuple[Rule, ...]:
        self._enter(element)
        rules = self._rules(element)
        self._depth -= 1
        return rules

    def _branch(self, element: etree._Element, condition: str) -> Branch:
        kind = name_of(element).removeprefix(condition.removesuffix("condition"))
        if kind not in _BRANCHES:
            raise self._refused(element, f"{name_of(element)} does not belong into {condition}")
        self._enter(element)
        children = list(all_elements(element))
        test = None
        if kind != "else":
            if not children:
                raise self._refused(element, f"{name_of(element)} has no condition")
            test = self._expression(children.pop(0))
        rules: list[Rule] = []
        for part in children:
            rules += self._rule(part)
        self._depth -= 1
        return Branch(test, tuple(rules))

    def _only(self, element: etree._Element) -> Expression:
        children = list(all_elements(element))
        if len(children) != 1:
            raise self._refused(element, f"{name_of(element)} needs exactly one expression")
        return self._expression(children[0])

    def _expression(self, element: etree._Element) -> Expression:
        name = name_of(element)
        attributes = attributes_of(element)
        if name not in OPERATORS or name == "unsupported":
            what = f"{name} {attributes.get('class', '')}".strip()
            self._unknown(element, what)
            return Expression("unsupported", {"what": what}, line=line(element))
        if name == "basevalue":
            return self._base_value(element, attributes)
        if name == "record":
            return self._record(element)
        self._enter(element)
        table = None
        children = list(all_elements(element))
        if name == "lookuptable" and children:
            table = table_of(children.pop(), "single", "float", self._file)
        operands = tuple(self._expression(child) for child in children)
        self._depth -= 1
        operator = OPERATORS[name]
        if not operator.least <= len(operands) <= operator.most:
            raise self._refused(element, f"{name} cannot take {len(operands)} expressions")
        return Expression(name, attributes, operands, table=table, line=line(element))

    def _base_value(self, element: etree._Element, attributes: dict[str, str]) -> Expression:
        base_type: BaseType | None = next(
            (known for known in BASE_TYPES if known == attributes.get("basetype")), None
        )
        if base_type is None:
            raise self._refused(element, "baseValue without a known base type")
        try:
            value = parsed(base_type, text_of(element))
        except ValueError as error:
            raise self._refused(element, f"baseValue: {error}") from None
        return Expression("basevalue", attributes, value=value, line=line(element))

    def _record(self, element: etree._Element) -> Expression:
        """`record` holds fieldValue elements that name its fields, each around an expression."""
        self._enter(element)
        names, operands = [], []
        for part in elements(element):
            attributes = attributes_of(part)
            names.append(attributes.get("fieldidentifier") or attributes.get("identifier", ""))
            operands.append(self._only(part))
        self._depth -= 1
        fields = {"fields": " ".join(names)}
        if len(fields["fields"].split()) != len(names):
            raise self._refused(element, "record: a field without a name")
        return Expression("record", fields, tuple(operands), line=line(element))

    def _enter(self, element: etree._Element) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refused(element, f"nested deeper than {MAX_DEPTH}")

    def _unknown(self, element: etree._Element, what: str) -> None:
        where = line(element)
        self.unsupported.append(what if where is None else f"line {where}: {what}")

    def _refused(self, element: etree._Element, message: str) -> FileRefusedError:
        return FileRefusedError(f"{self._file}:{line(element)}: {message}")
