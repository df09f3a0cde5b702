r"""Content as Moodle keeps it: HTML with TeX between `\(…\)` and `\[…\]`, pictures beside it.

What is written is read again at once: where our own reader would not find the same content, it is
written another way, or said.
"""

import base64
import html
import re
from collections.abc import Mapping
from types import MappingProxyType
from xml.sax.saxutils import escape

from lxml import etree

from question_bank.content import clean, media_ids, plain_text
from question_bank.errors import ContentError, FormulaError
from question_bank.formulas import mathml_of
from question_bank.interchange.moodle.html import content_of
from question_bank.item import Item

_AUDIO = re.compile(r"<audio ([^>]*)/>")
_FORMULA = re.compile(r"<math [^>]*>.*?</math>", re.DOTALL)
_ALTTEXT = re.compile(r'^<math [^>]*\balttext="([^"]*)"')
_SOURCE = re.compile(r'(?<=src=")media:([A-Za-z0-9._-]+)(?=")')
_PLACE = re.compile(r'<(span|div) data-(?:number|value)="[^"]*"(?: data-format="[^"]*")?></\1>')
_PART = re.compile(r'<(span|div) data-part="([^"]*)"></\1>')
# Letters for private use hold a part's place until the HTML around it is written.
_OPEN, _CLOSE = "\ue010", "\ue011"
NO_MARKS: Mapping[str, str] = MappingProxyType({})
FILES = "@@PLUGINFILE@@/"
BLANK = "…"


def made(tag: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
    """An element with its texts, elements and attributes."""
    element = etree.Element(tag, attributes)
    for part in content:
        if not isinstance(part, str):
            element.append(part)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + part
        else:
            element.text = (element.text or "") + part
    return element


def text(tag: str, words: str, **attributes: str) -> etree._Element:
    """`<tag><text>words</text></tag>`, words without any markup."""
    return made(tag, made("text", words), **attributes)


class Texts:
    """Writes the texts of one item; `warnings`: what cannot be written as it is."""

    def __init__(self, item: Item) -> None:
        self.warnings: list[tuple[str, str]] = []
        self._media = {media.id: media for media in item.media}

    def warn(self, element: str, message: str) -> None:
        """Something of the item that Moodle does not carry."""
        self.warnings.append((element, message))

    def rich(
        self, tag: str, fragment: str, marks: Mapping[str, str] = NO_MARKS, **attributes: str
    ) -> etree._Element:
        """`<tag format="html">` with the content and the pictures that it shows; `marks` are the
        HTML that stands at its parts' places."""
        blank = _PLACE.sub(BLANK, fragment)
        if blank != fragment:
            self.warn(tag, f"Moodle numbers nothing in a text: {BLANK!r} is written there")
        held = _PART.sub(lambda found: f"{_OPEN}{found[2]}{_CLOSE}", blank)
        source = self._html(tag, held)
        for name, mark in marks.items():
            source = source.replace(f"{_OPEN}{name}{_CLOSE}", mark)
        node = made(tag, made("text", source), format="html", **attributes)
        node.extend(self._files(fragment))
        return node

    def plain(self, element: str, fragment: str) -> str:
        """The words of content where Moodle has no markup; formulas as TeX."""
        words = " ".join(html.unescape(fragment).split())
        if escape(words) == fragment:
            return words
        self.warn(element, "Moodle keeps the words alone here, without their markup")
        return _in_tex(plain_text(fragment))

    def _html(self, tag: str, fragment: str) -> str:
        wanted = clean(fragment)
        source = _SOURCE.sub(lambda found: FILES + found[1], wanted)
        source = _AUDIO.sub(r'<audio controls="controls" \1></audio>', source)  # as HTML has it
        for written in (_FORMULA.sub(_as_tex, source), source):
            if self._again(written) == wanted:
                return written
        self.warn(tag, "its text has marks of TeX that are none, and will be read otherwise")
        return source

    def _again(self, written: str) -> str | None:
        """What our reader makes of it; nothing where it refuses or reports."""
        reported: list[str] = []
        try:
            read = content_of(written, lambda name, _: reported.append(name), _named)
        except ContentError:
            return None
        return None if reported else read

    def _files(self, fragment: str) -> list[etree._Element]:
        found = [self._media[name] for name in media_ids(fragment) if name in self._media]
        return [self.file(media.id) for media in found]

    def file(self, media: str) -> etree._Element:
        """A picture of the item as Moodle embeds it."""
        data = base64.b64encode(self._media[media].data).decode()
        return made("file", data, name=media, path="/", encoding="base64")


def _named(file: str) -> str:
    return file


def _as_tex(found: re.Match[str]) -> str:
    """A formula as TeX where its LaTeX makes this very MathML, else as it stands."""
    latex = _ALTTEXT.match(found[0])
    if latex is None:
        return found[0]
    source = html.unescape(latex[1])
    display = 'display="block"' in found[0].partition(">")[0]
    try:
        same = mathml_of(source, display=display) == found[0]
    except FormulaError:
        same = False
    if not same:
        return found[0]
    return escape(f"\\[{source}\\]" if display else f"\\({source}\\)")


def _in_tex(words: str) -> str:
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", words)
