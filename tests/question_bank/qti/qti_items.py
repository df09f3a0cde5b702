"""Items in few words, in the spelling of QTI 2.2 or of 3.0."""

import re

from question_bank.qti import processed, read_program, to_plain

NAMESPACES = {
    "2.0": "http://www.imsglobal.org/xsd/imsqti_v2p0",
    "2.1": "http://www.imsglobal.org/xsd/imsqti_v2p1",
    "2.2": "http://www.imsglobal.org/xsd/imsqti_v2p2",
    "3.0": "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
}
NULL = "<null/>"


def value(base_type: str, text: object) -> str:
    return f'<baseValue baseType="{base_type}">{text}</baseValue>'


def i(number: int) -> str:
    return value("integer", number)


def f(number: object) -> str:
    return value("float", number)


def s(text: str) -> str:
    return value("string", text)


def b(truth: bool) -> str:
    return value("boolean", str(truth).lower())


T, F = b(True), b(False)


def op(name: str, /, *operands: str, **attributes: object) -> str:
    written = "".join(f' {key}="{text}"' for key, text in attributes.items())
    return f"<{name}{written}>{''.join(operands)}</{name}>"


def bag(*values: str) -> str:
    return op("multiple", *values)


def ordered(*values: str) -> str:
    return op("ordered", *values)


def declaration(kind: str, name: str, base_type: str, cardinality: str, inside: str = "") -> str:
    typed = f' baseType="{base_type}"' if base_type else ""
    return (
        f'<{kind}Declaration identifier="{name}" cardinality="{cardinality}"{typed}>'
        f"{inside}</{kind}Declaration>"
    )


def values_in(element: str, *texts: object) -> str:
    return f"<{element}>{''.join(f'<value>{text}</value>' for text in texts)}</{element}>"


def set_outcome(name: str, expression: str) -> str:
    return op("setOutcomeValue", expression, identifier=name)


def item(
    declarations: str, rules: str, *, template: str = "", adaptive: str = "false",
    version: str = "2.2",
) -> bytes:  # fmt: skip
    processing = f"<templateProcessing>{template}</templateProcessing>" if template else ""
    xml = (
        f'<assessmentItem xmlns="{NAMESPACES[version]}" identifier="i" title="t"'
        f' adaptive="{adaptive}" timeDependent="false">{declarations}{processing}'
        f"<itemBody/><responseProcessing>{rules}</responseProcessing></assessmentItem>"
    )
    return (as_version_3(xml) if version == "3.0" else xml).encode()


def as_version_3(xml: str) -> str:
    """The same in QTI 3's spelling: `qti-` before names, hyphens for capitals."""

    def hyphened(name: str) -> str:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
        return spaced.lower()

    def tag(found: re.Match[str]) -> str:
        attributes = re.sub(r" ([A-Za-z]+)=", lambda a: f" {hyphened(a[1])}=", found[3])
        return f"<{found[1]}qti-{hyphened(found[2])}{attributes}>"

    return re.sub(r"<(/?)([A-Za-z0-9]+)([^>]*)>", tag, xml)


def run(
    data: bytes, responses: dict[str, object] | None = None, **options: object
) -> dict[str, object]:
    """The outcomes, JSON-able."""
    options.setdefault("seed", b"1")
    result = processed(read_program(data, "item.xml"), responses or {}, **options)  # type: ignore[arg-type]
    return {name: to_plain(found) for name, found in result.outcomes.items()}


def result_of(
    expression: str, base_type: str = "float", cardinality: str = "single", version: str = "2.2"
) -> object:
    """What an outcome becomes that is set to an expression."""
    declared = declaration("outcome", "RESULT", base_type, cardinality)
    data = item(declared, set_outcome("RESULT", expression), version=version)
    return run(data)["RESULT"]
