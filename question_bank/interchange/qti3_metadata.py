"""Item metadata in IEEE LOM, as a package's manifest carries it. Read and written here."""

from lxml import etree
from lxml.builder import ElementMaker

from question_bank.interchange.markup import child, children, line_of, name_of, text_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_terms import COMPETENCY, DISCIPLINE, EDUCATIONAL_LEVEL, LOM
from question_bank.item import LEVELS, ItemMetadata

CATALOG = "code"
_E = ElementMaker(namespace=LOM, nsmap={None: LOM})


def write_metadata(metadata: ItemMetadata) -> etree._Element:
    """A `lom` element."""
    general = _E.general()
    if metadata.code:
        general.append(_E.identifier(_E.catalog(CATALOG), _E.entry(metadata.code)))
    if metadata.language:
        general.append(_E.language(metadata.language))
    lom = _E.lom(general)
    if metadata.author:
        role = _E.role(_E.source("LOMv1.0"), _E.value("author"))
        lom.append(_E.lifeCycle(_E.contribute(role, _E.entity(metadata.author))))
    subject = (metadata.subject, metadata.topic) if metadata.topic else (metadata.subject,)
    for purpose, path in (
        (DISCIPLINE, subject),
        (EDUCATIONAL_LEVEL, (metadata.grade,)),
        (COMPETENCY, (metadata.level or "",)),
    ):
        if any(path):
            lom.append(_classification(purpose, path))
    return lom


def read_metadata(resource: etree._Element, log: ProblemLog) -> ItemMetadata:
    """What the resource's `lom` says; what is not understood is a warning."""
    found = next((e for e in resource.iter() if name_of(e) == "lom"), None)
    if found is None:
        return ItemMetadata()
    paths = _paths(found, log)
    level = next(iter(paths.get(COMPETENCY, [])), "")
    if level and level not in LEVELS:
        log.warning(line_of(found), "taxonPath", f"level {level[:20]!r} is none of N, H, V, C")
    discipline = paths.get(DISCIPLINE, [])
    return ItemMetadata(
        subject=discipline[0] if discipline else "",
        grade=next(iter(paths.get(EDUCATIONAL_LEVEL, [])), ""),
        topic=discipline[1] if len(discipline) > 1 else "",
        level=next((known for known in LEVELS if known == level), None),
        code=_deep_text(found, "general", "identifier", "entry"),
        language=_deep_text(found, "general", "language"),
        author=_deep_text(found, "lifeCycle", "contribute", "entity"),
    )


def _classification(purpose: str, path: tuple[str, ...]) -> etree._Element:
    taxons = [_E.taxon(_E.entry(_E.string(entry))) for entry in path]
    return _E.classification(
        _E.purpose(_E.source("LOMv1.0"), _E.value(purpose)), _E.taxonPath(*taxons)
    )


def _paths(lom: etree._Element, log: ProblemLog) -> dict[str, list[str]]:
    paths = {}
    for element in lom:
        if name_of(element) in ("general", "lifeCycle"):
            continue
        purpose = _deep_text(element, "purpose", "value")
        if purpose not in (DISCIPLINE, EDUCATIONAL_LEVEL, COMPETENCY):
            log.warning(line_of(element), name_of(element), "metadata not understood; left out")
            continue
        path = child(element, "taxonPath")
        taxons = [] if path is None else children(path, "taxon")
        paths[purpose] = [text_of(child(taxon, "entry")) for taxon in taxons]
    return paths


def _deep_text(element: etree._Element, *path: str) -> str:
    place: etree._Element | None = element
    for name in path:
        place = None if place is None else child(place, name)
    return text_of(place)
