"""One QTI assessment item → Item. Elements have the names of QTI 3.0 (`qti3_vocabulary`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from lxml import etree

from question_bank.errors import ItemError
from question_bank.interactions import Composite, ExtendedText, Interaction, NumericEntry, Part
from question_bank.interchange.markup import (
    attribute,
    child,
    children,
    line_of,
    name_of,
    namespace_of,
)
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.qti3_body import (
    ContentReader,
    PictureSource,
    composite_stem,
    remove,
    stands_in_a_line,
    stem_of,
)
from question_bank.interchange.qti3_interactions import INLINE, ReadInteraction, read_interaction
from question_bank.interchange.qti3_marks import Marked, marked
from question_bank.interchange.qti3_own import Binding, own_processing
from question_bank.interchange.qti3_parts import composite_marks
from question_bank.interchange.qti3_scoring import (
    KeyMissingError,
    MatchCorrect,
    UnrecognisedError,
    is_external,
    maximum_of,
    processing_of,
)
from question_bank.interchange.qti3_sounds import take_players
from question_bank.interchange.qti3_terms import EXPLANATION, QTI, STIMULUS
from question_bank.item import Item, ItemMetadata, Media, Stimulus
from question_bank.keys import (
    CompositeKey,
    External,
    Key,
    NoKey,
    PartMarks,
    ScoringRule,
    SumOfParts,
)

READ = (
    "qti-response-declaration",
    "qti-outcome-declaration",
    "qti-template-declaration",
    "qti-template-processing",
    "qti-assessment-stimulus-ref",
    "qti-item-body",
    "qti-response-processing",
)
# The stimulus that an href written in the item's file means, with its pictures.
StimulusSource = Callable[[str], tuple[Stimulus, tuple[Media, ...]]]


@dataclass(frozen=True, slots=True)
class ReadItem:
    """An item and how its responses are spelled in its file (of a composite: its parts' ids)."""

    item: Item
    binding: Binding


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the body and the processing give together."""

    stem: str
    interaction: Interaction
    key: Key
    rule: ScoringRule
    points: Decimal


def read_item(
    root: etree._Element,
    log: ProblemLog,
    pictures: PictureSource,
    metadata: ItemMetadata,
    stimuli: StimulusSource | None = None,
) -> ReadItem | None:
    """The item, or None with an error in `log` that says why not."""
    before = len(log.problems)
    try:
        read = _Reader(root, log, pictures, stimuli).read(metadata)
        return (
            read if not log.failed_since(before) else None
        )  # an item without its picture is another one
    except UnrecognisedError as error:
        log.error(line_of(error.element), name_of(error.element), str(error))
    except ItemError as error:
        log.error(line_of(root), name_of(root), str(error))
    return None


class _Reader:
    """Reads one item."""

    def __init__(
        self,
        root: etree._Element,
        log: ProblemLog,
        pictures: PictureSource,
        stimuli: StimulusSource | None,
    ) -> None:
        self._root = root
        self._log = log
        self._stimuli = stimuli
        take_players(root, log)
        declared = list(children(root, "qti-template-declaration"))
        self._templates = frozenset(attribute(one, "identifier") for one in declared)
        self._content = ContentReader(log, pictures, self._templates)

    def read(self, metadata: ItemMetadata) -> ReadItem:
        root = self._root
        if name_of(root) != "qti-assessment-item" or namespace_of(root) != QTI:
            raise UnrecognisedError(root, "is no QTI assessment item")
        self._check_known()
        body = child(root, "qti-item-body")
        if body is None:
            raise UnrecognisedError(root, "has no item body")
        explanation = self._explanation(body)
        stimulus, pictures = self._stimulus(body)
        elements = [e for e in body.iter() if name_of(e).endswith("-interaction")]
        if not elements:
            raise UnrecognisedError(body, "has no interaction")
        self._report_unasked(elements)
        parts, binding = self._parts(body, elements)
        language = metadata.language or attribute(
            root, "{http://www.w3.org/XML/1998/namespace}lang"
        )
        metadata = self._without_itself(metadata)
        media = {one.id: one for one in (*self._content.media.values(), *pictures)}
        item = Item(
            id=attribute(root, "identifier"),
            stem=parts.stem,
            interaction=parts.interaction,
            key=parts.key,
            scoring=parts.rule,
            points=parts.points,
            metadata=replace(
                metadata, code=metadata.code or attribute(root, "label"), language=language
            ),
            media=tuple(sorted(media.values(), key=lambda one: one.id)),
            stimulus=stimulus,
            explanation=explanation,
        )
        return ReadItem(item, binding)

    def _check_known(self) -> None:
        self._log.unknown_children(self._root, *READ)
        for declaration in children(self._root, "qti-template-declaration"):
            if attribute(declaration, "math-variable", "false") in ("true", "1"):
                raise UnrecognisedError(declaration, "a variable in formulas is not supported")
        for element in self._root.iter():
            if name_of(element) in ("qti-template-inline", "qti-template-block"):
                raise UnrecognisedError(element, "texts shown by a variable are not supported")

    def _without_itself(self, metadata: ItemMetadata) -> ItemMetadata:
        name = attribute(self._root, "identifier")
        if name not in metadata.enemies:
            return metadata
        message = "the item names itself as one that must not stand with it; left out"
        self._log.warning(line_of(self._root), name_of(self._root), message)
        others = tuple(enemy for enemy in metadata.enemies if enemy != name)
        return replace(metadata, enemies=others)

    def _report_unasked(self, elements: list[etree._Element]) -> None:
        """Responses that nothing in the body asks for."""
        asked = {attribute(element, "response-identifier") for element in elements}
        for declaration in children(self._root, "qti-response-declaration"):
            name = attribute(declaration, "identifier")
            if name not in asked and not self._is_used(name):
                message = f"nothing asks for the response {name[:40]!r}; it was left out"
                self._log.warning(line_of(declaration), name_of(declaration), message)

    def _is_used(self, name: str) -> bool:
        """Whether the processing speaks of it: then it is kept with the processing, or refused."""
        processing = child(self._root, "qti-response-processing")
        return processing is not None and any(
            attribute(node, "identifier") == name for node in processing.iter()
        )

    def _explanation(self, body: etree._Element) -> str:
        """The explanation, taken out of the body."""
        fragments = []
        for block in list(body.iter("{*}qti-rubric-block")):
            if EXPLANATION in attribute(block, "class").split():
                inner = child(block, "qti-content-body")
                fragments.append(self._content.fragment(block if inner is None else inner))
                remove(block)
        return "".join(fragments)

    def _stimulus(self, body: etree._Element) -> tuple[Stimulus | None, tuple[Media, ...]]:
        """What the item stands under: a file of its own, or (in 2.x) a marked part of the body."""
        references = list(children(self._root, "qti-assessment-stimulus-ref"))
        if references:
            if self._stimuli is None or len(references) > 1:
                raise UnrecognisedError(references[0], "needs one stimulus, in a package")
            return self._stimuli(attribute(references[0], "href"))
        for block in list(children(body, "div")):
            if STIMULUS in attribute(block, "class").split() and attribute(block, "id"):
                identifier = attribute(block, "id")
                stimulus = Stimulus(identifier, self._content.fragment(block))
                remove(block)
                return stimulus, ()
        return None, ()

    def _parts(
        self, body: etree._Element, elements: list[etree._Element]
    ) -> tuple[_Parts, Binding]:
        first = elements[0]
        in_line = name_of(first) in INLINE and stands_in_a_line(first)
        if len(elements) == 1:
            read = self._interaction(first)
            if not in_line or isinstance(read.interaction, NumericEntry):
                return self._single(body, read), read.binding
            return self._composite(body, [read]), Binding("")
        return self._composite(body, [self._interaction(element) for element in elements]), Binding(
            ""
        )

    def _interaction(self, element: etree._Element, *, columns: bool = True) -> ReadInteraction:
        declaration = self._declaration(attribute(element, "response-identifier"))
        self._log.unknown_children(
            declaration, "qti-correct-response", "qti-mapping", "qti-area-mapping",
            "qti-default-value",
        )  # fmt: skip
        return read_interaction(element, declaration, self._content, self._log, columns=columns)

    def _declaration(self, identifier: str) -> etree._Element:
        for declaration in children(self._root, "qti-response-declaration"):
            if attribute(declaration, "identifier") == identifier:
                return declaration
        raise UnrecognisedError(self._root, f"no response declaration for {identifier[:40]!r}")

    def _single(self, body: etree._Element, read: ReadInteraction) -> _Parts:
        stem = stem_of(body, read.element, self._content)
        try:
            self._check_plain()
            own = self._marked(read)
            return _Parts(stem, own.interaction, own.key, own.rule, own.points)
        except KeyMissingError:
            raise
        except UnrecognisedError as error:
            rule, points = own_processing(
                self._root, read.binding, error, self._warn, interaction=read.interaction
            )
            return _Parts(stem, read.interaction, read.key or NoKey(), rule, points)

    def _check_plain(self) -> None:
        """Raises UnrecognisedError where only the item's own processing says what it is worth."""
        if attribute(self._root, "adaptive", "false") in ("true", "1"):
            raise UnrecognisedError(self._root, "an adaptive item without response processing")
        for element in children(self._root, "qti-template-declaration", "qti-template-processing"):
            raise UnrecognisedError(element, "template processing without response processing")

    def _marked(self, read: ReadInteraction) -> Marked:
        """By the bank's rule that the processing is; a text without any is left to people."""
        processing = processing_of(self._root, read.binding.response)
        maximum = maximum_of(self._root, "SCORE")
        if processing is None:
            external = is_external(self._root, "SCORE")
            if external or isinstance(read.interaction, ExtendedText):
                if not external:
                    self._warn("is missing; people must mark the text")
                points = Decimal(1) if maximum is None else maximum
                return Marked(read.interaction, read.key or NoKey(), External(), points)
            self._warn("is missing; taken as all or nothing, 1 point")
            processing = MatchCorrect(Decimal(1))
        return marked(read, processing, maximum)

    def _warn(self, message: str) -> None:
        self._log.warning(line_of(self._root), "qti-response-processing", message)

    def _composite(self, body: etree._Element, reads: list[ReadInteraction]) -> _Parts:
        parts = {read.binding.response: read for read in reads}
        if len(parts) != len(reads):
            raise UnrecognisedError(reads[-1].element, "two interactions share a response")
        named = [(read.element, name, read.interaction) for name, read in parts.items()]
        stem = composite_stem(body, named, self._content)
        try:
            self._check_plain()
            marks, rule, points = self._composite_marks(parts)
        except KeyMissingError:
            raise
        except UnrecognisedError as error:
            rule, points = own_processing(
                self._root, Binding(""), error, self._warn, responses=tuple(parts)
            )
            reads = [self._interaction(read.element, columns=False) for read in reads]
            interactions = {read.binding.response: read.interaction for read in reads}
            keys = {read.binding.response: read.key or NoKey() for read in reads}
        else:
            interactions = {name: one.interaction for name, one in marks.items()}
            keys = {name: one.key for name, one in marks.items()}
        interaction = Composite(tuple(Part(name, one) for name, one in interactions.items()))
        return _Parts(stem, interaction, CompositeKey(keys), rule, points)

    def _composite_marks(
        self, parts: Mapping[str, ReadInteraction]
    ) -> tuple[Mapping[str, Marked], ScoringRule, Decimal]:
        if is_external(self._root, "SCORE"):
            maximum = maximum_of(self._root, "SCORE") or Decimal(1)
            marks = {
                name: Marked(read.interaction, read.key or NoKey(), External(), Decimal(0))
                for name, read in parts.items()
            }
            return marks, External(), maximum
        if len(parts) == 1:
            ((name, read),) = parts.items()
            try:
                return composite_marks(self._root, parts)
            except UnrecognisedError:
                one = self._marked(read)
                rule = SumOfParts({name: PartMarks(one.rule, one.points)})
                return {name: one}, rule, one.points
        return composite_marks(self._root, parts)
