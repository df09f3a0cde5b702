"""What all types of questions in Moodle XML have: texts with their files, marks, tags, settings."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from xml.sax.saxutils import escape

from lxml import etree

from question_bank.content import is_loss
from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import attribute, child, children, line_of, name_of, text_of
from question_bank.interchange.moodle.carried import is_foreign
from question_bank.interchange.moodle.html import (
    content_of,
    markable,
    plain,
    stimulus_apart,
    stimulus_of,
)
from question_bank.interchange.moodle.questions import (
    Answer,
    Question,
    UnsupportedError,
    number_of,
    points_of,
)
from question_bank.interchange.moodle.tags import metadata_of
from question_bank.interchange.pictures import medium, picture
from question_bank.interchange.problems import ProblemLog
from question_bank.item import Media, Stimulus

# Settings of Moodle's own, and what is read by name elsewhere.
_ALWAYS = (
    "name questiontext generalfeedback defaultgrade penalty hidden idnumber tags answernumbering "
    "showstandardinstruction shownumcorrect correctfeedback partiallycorrectfeedback "
    "incorrectfeedback hint"
)
_UNITS = "unitgradingtype unitpenalty showunits unitsleft units"
_CALCULATED = f"answer synchronize single shuffleanswers dataset_definitions {_UNITS}"
_KNOWN = {
    "multichoice": "single shuffleanswers answer",
    "truefalse": "answer",
    "numerical": f"answer {_UNITS}",
    "shortanswer": "usecase answer",
    "essay": "responseformat responserequired responsefieldlines minwordlimit maxwordlimit "
    "attachments attachmentsrequired maxbytes filetypeslist graderinfo responsetemplate",
    "matching": "shuffleanswers subquestion",
    "ddmatch": "shuffleanswers subquestion",
    "gapselect": "shuffleanswers selectoption",
    "ddwtos": "shuffleanswers dragbox",
    "ordering": "layouttype selecttype selectcount gradingtype showgrading numberingstyle answer",
    "ddimageortext": "shuffleanswers file drag drop dropzonevisibility",
    "ddmarker": "shuffleanswers showmisplaced file drag drop",
    "cloze": "",
    "calculated": _CALCULATED,
    "calculatedsimple": _CALCULATED,
    "calculatedmulti": _CALCULATED,
}
_FEEDBACK = ("feedback", "correctfeedback", "partiallycorrectfeedback", "incorrectfeedback", "hint")
_NONE: Mapping[str, str] = MappingProxyType({})
#: A picture that stands in its address (RFC 2397).
_DATA = re.compile(r"data:image/[a-z+.-]{1,20};base64,")
_MARKDOWN = re.compile(r"[*_`#\[]")


@dataclass(slots=True)
class QuestionReader:
    """Reads the pieces of one question; `media` collects its pictures and sounds."""

    node: etree._Element
    log: ProblemLog
    kind: str
    media: dict[str, Media] = field(default_factory=dict)

    def question(self, name: str, topic: str, language: str) -> Question:
        """The question without its stem, which the reader of its type makes."""
        code = self.text("idnumber") or self.text("name")
        tags = self.node.iterfind("tags/tag")
        metadata, left = metadata_of(topic, code, map(text_of, tags))
        for tag in filter(is_foreign, left):
            self.warn("tag", f"no field of the metadata takes it: {tag[:60]!r}")
        if self.text("hidden") == "1":
            self.warn("hidden", "is hidden in Moodle; it was taken all the same")
        points = points_of(self.text("defaultgrade"))
        explanation = self.content("generalfeedback")
        line = line_of(self.node)
        return Question(name, line, "", metadata, explanation, points, around=language)

    def finished(
        self,
        question: Question,
        edit: Callable[[str], str] = markable,
        places: Mapping[str, str] = _NONE,
    ) -> Question:
        """The question with its stem, its stimulus and its pictures, once all else is read.
        `edit` puts marks into the HTML of the stem; `places` stand there. Raises
        UnsupportedError where there is no stem."""
        node = child(self.node, "questiontext")
        name, passage, rest = stimulus_apart(self._source(node))
        stimulus: Stimulus | None = None
        if passage.strip():
            stimulus = stimulus_of(name, self._made(node, passage, _NONE, rest))
        stem = self._made(node, edit(rest), places, passage)
        if not stem:
            raise UnsupportedError("it has no text")
        pictures = tuple(self.media.values())
        return replace(question, stem=stem, stimulus=stimulus, media=pictures)

    def source(self) -> str:
        """The HTML of the question's text, without its stimulus."""
        return stimulus_apart(self._source(child(self.node, "questiontext")))[2]

    def text(self, name: str) -> str:
        """The words of a child."""
        return text_of(child(self.node, name))

    def flag(self, name: str, *, default: bool) -> bool:
        """A child that says yes or no; an empty one says yes."""
        node = child(self.node, name)
        return default if node is None else text_of(node) not in ("false", "0")

    def answers(self) -> list[Answer]:
        """The answers whose texts are plain words: numbers, spellings."""
        return [
            Answer(
                text_of(child(node, "text")),
                number_of(attribute(node, "fraction", "0")),
                number_of(text_of(child(node, "tolerance")) or "0"),
            )
            for node in children(self.node, "answer")
        ]

    def choices(
        self, edit: Callable[[str], str] = markable, places: Mapping[str, str] = _NONE
    ) -> list[Answer]:
        """The answers whose texts are content; `edit` and `places` as in `finished`."""
        return [
            Answer(
                self._made(node, edit(self._source(node)), places, ""),
                number_of(attribute(node, "fraction", "0")),
            )
            for node in children(self.node, "answer")
        ]

    def content(self, name: str) -> str:
        """A child's text as content."""
        return self.content_in(child(self.node, name))

    def content_in(self, node: etree._Element | None) -> str:
        """The text of a node as content, the files beside it as its pictures."""
        return self._made(node, self._source(node), _NONE, "")

    def words_in(self, node: etree._Element | None) -> str:
        """The plain words of a node as content."""
        text = "" if node is None else text_of(child(node, "text"))
        return self._made(node, escape(text), _NONE, "")

    def embedded(self, source: str) -> str:
        """HTML out of the question's text as content."""
        return self._made(child(self.node, "questiontext"), source, _NONE, self.source())

    def warn(self, element: str, message: str) -> None:
        """Something of the question is not taken as it stood."""
        node = child(self.node, element)
        self.log.warning(line_of(self.node if node is None else node), element, message)

    def unit(self) -> str:
        """The unit that stands behind the field; several of them, or a factor, are said."""
        node = child(self.node, "units")
        units = [] if node is None else list(children(node, "unit"))
        if self.text("showunits") == "3" or not units:
            return ""
        if len(units) > 1 or number_of(text_of(child(units[0], "multiplier")) or "1") != 1:
            self.warn("units", "answers in other units were left out")
        return text_of(child(units[0], "unit_name"))[:64]

    def file(self, node: etree._Element) -> Media | None:
        """The picture that is a file beneath `node`; one that cannot be taken is an error."""
        file = child(node, "file")
        return None if file is None else self._media(file, attribute(file, "name"), picture)

    def _source(self, node: etree._Element | None) -> str:
        found = None if node is None else child(node, "text")
        if node is None or found is None:
            return ""
        source = "".join(map(str, found.itertext()))
        if attribute(node, "format") not in ("plain_text", "markdown"):
            return source
        if attribute(node, "format") == "markdown" and _MARKDOWN.search(source):
            self.log.warning(line_of(node), name_of(node), "is Markdown; its signs were kept")
        return plain(source)

    def _made(
        self, node: etree._Element | None, source: str, places: Mapping[str, str], beside: str
    ) -> str:
        """`beside`: other HTML that the files of the node belong to as well."""
        if node is None:
            return ""
        files = {attribute(file, "name"): file for file in children(node, "file")}
        shown: set[str] = set()

        def pictured(name: str) -> str | None:
            if embedded := _DATA.match(name):
                media = self._decoded(name[embedded.end() :], node, "picture", medium)
                return media.id if media else None
            file = files.get(name)
            if file is None:
                message = f"{name[:60]!r} is not in the file; what it shows is missing"
                self.log.error(line_of(node), "picture", message)
                return None
            shown.add(name)
            media = self._media(file, name, medium)
            return media.id if media else None

        def report(element: str, message: str) -> None:
            tell = self.log.error if is_loss(element, message) else self.log.warning
            tell(line_of(node), element, message)

        content = content_of(source, report, pictured, places)
        for name in sorted(files.keys() - shown):
            if name not in beside:
                message = f"{name[:80]!r} is shown nowhere and was left out"
                self.log.warning(line_of(node), "file", message)
        return content

    def _media(
        self, file: etree._Element, name: str, read: Callable[[bytes, str], Media]
    ) -> Media | None:
        return self._decoded(file.text or "", file, name, read)

    def _decoded(
        self, text: str, node: etree._Element, name: str, read: Callable[[bytes, str], Media]
    ) -> Media | None:
        try:
            media = read(base64.b64decode("".join(text.split()), validate=True), name)
        except (binascii.Error, ValueError):
            self.log.error(line_of(node), "file", f"{name[:80]!r} is no base64")
            return None
        except FileRefusedError as error:
            self.log.error(line_of(node), "file", str(error))
            return None
        self.media[media.id] = media
        return media

    def report_rest(self) -> None:
        """Warns of everything in the question that is in no item."""
        for node in self.node.iter():
            if name_of(node) in _FEEDBACK and text_of(node):
                message = "is kept for no single answer and was left out"
                self.log.warning(line_of(node), name_of(node), message)
        known = f"{_ALWAYS} {_KNOWN[self.kind]}".split()
        for node in self.node:
            if name_of(node) not in known and (text_of(node) or len(node)):
                self.log.warning(line_of(node), name_of(node), "is not known and was left out")
