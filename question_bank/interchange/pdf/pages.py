"""A paper as one HTML page whose pictures have names that this module alone gives."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape, unescape

from question_bank.content import clean, plain_text
from question_bank.drawing import draw
from question_bank.errors import FormulaError
from question_bank.interactions import Area
from question_bank.interchange.paper.model import (
    AnswerLine,
    Bank,
    Block,
    Columns,
    Figure,
    Group,
    Labelled,
    Options,
    Paper,
    Passage,
    Question,
    RuledLines,
    Section,
    Statements,
)
from question_bank.interchange.paper.questions import centre
from question_bank.interchange.paper.words import words_in

INK = "#000000"
#: What stands in the style sheet for the word before a page's number.
PAGE = "$page$"
# How many letters stand in a quarter and in half of a line.
QUARTER, HALF = 19, 42
#: A question of more letters may be parted by a page's end.
SHORT = 900
KEYS_A_ROW = 10
LONG_KEY = 9
NUMERIC_CELLS = 4
PIXELS = 0.2  # millimetres of a picture's pixel (about 127 to the inch)
WIDEST = 150.0
_MATH = re.compile(r"<math [^>]*>.*?</math>", re.DOTALL)
_ALTTEXT = re.compile(r'alttext="([^"]*)"')
_IMAGE = re.compile(r'<img((?: [a-z]+="[^"]*")*)/>')
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')


Pictures = dict[str, tuple[str, bytes]]


def html_of(papers: Sequence[Paper], css: str, pictures: Pictures, *, with_key: bool) -> str:
    """All papers as one page. `pictures` is told what it shows, by the URLs that stand in it."""
    first = papers[0]
    body = "".join(Pages(paper, pictures).html(with_key=with_key) for paper in papers)
    page = escape(words_in(first.language)["page"].partition("{")[0])
    return (
        f'<!doctype html><html lang="{words_language(first.language)}"><head>'
        f'<meta charset="utf-8"><title>{escape(first.title)}</title>'
        f"<style>{css.replace(PAGE, page)}</style></head><body>{body}</body></html>"
    )


class Pages:
    """Writes one paper."""

    def __init__(self, paper: Paper, pictures: Pictures) -> None:
        self._pictures = pictures
        self._paper = paper
        self._words = words_in(paper.language)
        self._media = {
            media.id: media for question in paper.questions for media in question.item.media
        }

    def html(self, *, with_key: bool) -> str:
        """The paper, and its key."""
        body = [self._head(), *(self._section(section) for section in self._paper.sections)]
        body.append(f'<p class="end">———— {escape(self._words["end"])} ————</p>')
        if with_key:
            body += [self._key(), self._solutions()]
        return f'<main lang="{words_language(self._paper.language)}">{"".join(body)}</main>'

    def _head(self) -> str:
        paper, words = self._paper, self._words
        about = [f"{words['subject']}: <b>{escape(paper.subject)}</b>"] if paper.subject else []
        about += [words["minutes"].format(paper.minutes)] if paper.minutes else []
        return (
            f"<header><h1>{escape(paper.title)}</h1>"
            + (f'<p class="about">{" &nbsp;·&nbsp; ".join(about)}</p>' if about else "")
            + f'<p class="who">{words["name"]}: <span class="name"></span>'
            f'{words["number"]}: <span class="number"></span></p></header>'
        )

    def _section(self, section: Section) -> str:
        parts = [f"<h2>{title}</h2>"] if (title := self._title(section)) else []
        if section.instructions:
            parts.append(
                f'<div class="instructions content">{self.content(section.instructions)}</div>'
            )
        return "".join([*parts, *(self._group(group) for group in section.groups)])

    def _title(self, section: Section) -> str:
        return escape(section_title(section, self._words["part"]))

    def _group(self, group: Group) -> str:
        asked = "".join(self._question(question) for question in group.questions)
        if group.stimulus is None:
            return asked
        return (
            f'<p class="lead">{escape(group.lead)}</p>'
            f'<div class="passage content">{self.content(group.passage)}</div>{asked}'
        )

    def _question(self, question: Question) -> str:
        label = f'<span class="label">{escape(question.label)}</span> '
        stem = led(self.content(question.stem), label)
        blocks = "".join(self._block(question, block) for block in question.blocks)
        short = " short" if len(plain_text(question.stem)) < SHORT else ""
        return f'<div class="question{short}"><div class="stem content">{stem}</div>{blocks}</div>'

    def _block(self, question: Question, block: Block) -> str:
        match block:
            case Options(options=options):
                return self._options(options)
            case Statements(statements=statements):
                return self._statements(question, statements)
            case AnswerLine(hint=hint, unit=unit):
                return self._line(question, hint, unit)
            case RuledLines(count=count):
                return '<div class="ruled"></div>' * count
            case Columns(left=left, right=right):
                return self._columns(left, right)
            case Bank(pieces=pieces):
                return f'<div class="bank">{"".join(map(self._option, pieces))}</div>'
            case Passage(content=content):
                return f'<div class="content">{self.content(content)}</div>'
            case Figure():
                return self._figure(block)

    def _option(self, option: Labelled) -> str:
        mark = f'<span class="mark">{escape(option.label)}</span>'
        return f'<div class="option content">{mark}{unwrapped(self.content(option.content))}</div>'

    def _options(self, options: Sequence[Labelled]) -> str:
        widest = max((self._width(option.content) for option in options), default=0)
        columns = 4 if widest <= QUARTER and len(options) > 2 else 2 if widest <= HALF else 1
        rows = [options[at : at + columns] for at in range(0, len(options), columns)]
        cells = "".join(
            f"<tr>{''.join(f'<td>{self._option(option)}</td>' for option in row)}"
            f"{'<td></td>' * (columns - len(row))}</tr>"
            for row in rows
        )
        return f'<table class="options">{cells}</table>'

    def _width(self, fragment: str) -> float:
        """About how many letters wide a piece of content is in one line."""
        letters: float = len(plain_text(_MATH.sub("", fragment)))
        for math in _MATH.findall(fragment):
            letters += self._measure(math)
        pictures = [dict(_ATTRIBUTE.findall(found)) for found in _IMAGE.findall(fragment)]
        letters += sum(int(picture.get("width", "200")) / 9 for picture in pictures)
        return letters + (HALF if "<table" in fragment or "<br" in fragment else 0)

    def _measure(self, math: str) -> float:
        try:
            return draw(math, INK).width * 2
        except FormulaError:
            return float(len(latex_of(math)))

    def _statements(self, question: Question, statements: Sequence[Labelled]) -> str:
        words = words_in(question.item.metadata.language)
        boxes = "".join(f'{words[truth]}<span class="box"></span>' for truth in ("true", "false"))
        rows = "".join(
            f'<tr><td>{self._option(one)}</td><td class="judge">{boxes}</td></tr>'
            for one in statements
        )
        return f'<table class="judged"><tbody>{rows}</tbody></table>'

    def _line(self, question: Question, hint: str, unit: str) -> str:
        reply = words_in(question.item.metadata.language)["reply"]
        said = f"{reply} ({hint}):" if hint else f"{reply}:"
        space = '<span class="rule"></span>'
        if question.item.kind == "numeric":
            count = min(getattr(question.item.interaction, "max_length", NUMERIC_CELLS), 12)
            space = " " + '<span class="cell"></span>' * count + " "
        return f'<p class="line">{escape(said)}{space}{escape(unit)}</p>'

    def _columns(self, left: Sequence[Labelled], right: Sequence[Labelled]) -> str:
        cells = "".join(
            f"<tr><td>{self._option(left[at]) if at < len(left) else ''}</td>"
            f"<td>{self._option(right[at]) if at < len(right) else ''}</td></tr>"
            for at in range(max(len(left), len(right)))
        )
        return f'<table class="columns">{cells}</table>'

    def _figure(self, figure: Figure) -> str:
        picture = figure.picture
        across = min(picture.width * PIXELS, WIDEST)
        down = across * picture.height / picture.width
        drawn = "".join(_area(letter, area) for letter, area in figure.areas)
        overlay = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} '
            f'{picture.height}" preserveAspectRatio="none">{drawn}</svg>'
        )
        named = "".join(
            f"<span><b>{letter}.</b> {escape(area.label)}</span>"
            for letter, area in figure.areas
            if area.label
        )
        return (
            f'<div class="figure" style="width:{across:.1f}mm;height:{down:.1f}mm">'
            f'<img src="{self._picture(picture.media)}" alt="{escape(picture.alt)}">{overlay}</div>'
            + (f'<p class="areas">{named}</p>' if named else "")
        )

    # --- the key

    def _key(self) -> str:
        parts = [f'<h2 class="apart">{escape(self._words["key"])}</h2>']
        for section in self._paper.sections:
            if title := self._title(section):
                parts.append(f"<h3>{title}</h3>")
            long = any(len(question.key) > LONG_KEY for question in section.questions)
            parts.append(_key_list(section.questions) if long else _key_table(section.questions))
        return "".join(parts)

    def _solutions(self) -> str:
        explained = [
            s for s in self._paper.sections if any(q.item.explanation for q in s.questions)
        ]
        if not explained:
            return ""
        parts = [f'<h2 class="after">{escape(self._words["solutions"])}</h2>']
        for section in explained:
            if title := self._title(section):
                parts.append(f"<h3>{title}</h3>")
            parts += [self._solution(q) for q in section.questions if q.item.explanation]
        return "".join(parts)

    def _solution(self, question: Question) -> str:
        answer = words_in(question.item.metadata.language)["answer"]
        label = (
            f'<span class="label">{escape(question.label)}</span> '
            f"{escape(answer)}: <b>{escape(question.key)}</b>. "
        )
        explained = led(self.content(question.item.explanation), label)
        return f'<div class="question content">{explained}</div>'

    # --- content

    def content(self, fragment: str) -> str:
        """Cleaned content as HTML: formulas and pictures under names of this page."""
        parts, end = [], 0
        cleaned = clean(fragment, lambda _element, _message: None)
        for math in _MATH.finditer(cleaned):
            parts += [self._pictured(cleaned[end : math.start()]), self._formula(math[0])]
            end = math.end()
        return "".join([*parts, self._pictured(cleaned[end:])])

    def _pictured(self, html: str) -> str:
        return _IMAGE.sub(self._image, html)

    def _image(self, found: re.Match[str]) -> str:
        held: Mapping[str, str] = dict(_ATTRIBUTE.findall(found[1]))
        name = unescape(held.get("src", "")).removeprefix("media:")
        width = f' style="width:{int(held["width"]) * PIXELS:.1f}mm"' if "width" in held else ""
        return (
            f'<img class="figure" src="{self._picture(name)}" alt="{held.get("alt", "")}"{width}>'
        )

    def _picture(self, name: str) -> str:
        url = f"media:{name}"
        if name in self._media:
            self._pictures[url] = (self._media[name].mime, self._media[name].data)
        return escape(url)

    def _formula(self, math: str) -> str:
        latex = latex_of(math)
        try:
            drawing = draw(math, INK)
        except FormulaError:
            return f'<code class="undrawn">{escape(latex)}</code>'
        url = f"formula:{len(self._pictures)}"
        self._pictures[url] = ("image/svg+xml", drawing.svg.encode())
        height = drawing.ascent + drawing.descent
        block = " block" if 'display="block"' in math.partition(">")[0] else ""
        place = "" if block else f";vertical-align:{-drawing.descent:.3f}em"
        return (
            f'<img class="formula{block}" src="{url}" alt="{escape(latex)}" '
            f'style="width:{drawing.width:.3f}em;height:{height:.3f}em{place}">'
        )


def words_language(language: str) -> str:
    """The language of the page, for readers aloud."""
    return "en" if words_in(language) is words_in("en") else "vi"


def section_title(section: Section, part: str) -> str:
    """ "PHẦN II. Đúng sai"; the section's own title where it says its part itself."""
    roman = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
    if not section.number or section.number >= len(roman):
        return section.title
    if re.match(rf"\W*{part}\b", section.title, re.IGNORECASE):
        return section.title
    return f"{part} {roman[section.number]}. {section.title}".removesuffix(". ")


def led(html: str, label: str) -> str:
    """The label in the first paragraph of the content, or before it."""
    for opening in ("<p>", "<div>", "<div><p>"):
        if html.startswith(opening):
            return f"{opening}{label}{html[len(opening) :]}"
    block = html.startswith(("<table", "<ul", "<ol", "<blockquote", "<pre"))
    return f"<p>{label}</p>{html}" if block else label + html


def unwrapped(html: str) -> str:
    """The content without a paragraph that is all of it."""
    inner = html.removeprefix("<p>").removesuffix("</p>")
    whole = html.startswith("<p>") and html.endswith("</p>") and "<p" not in inner
    return inner if whole else html


def latex_of(math: str) -> str:
    """The LaTeX of a formula."""
    found = _ALTTEXT.search(math.partition(">")[0])
    return unescape(found[1]) if found else ""


def _area(letter: str, area: Area) -> str:
    """The area's outline and its letter in it, in the picture's pixels."""
    coords, name = area.shape.coords, area.shape.name
    look = 'fill="none" stroke="#000" stroke-width="2"'
    x, y = centre(area.shape)
    if name == "rect":
        left, top, right, bottom = coords
        drawn = (
            f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" {look}/>'
        )
    elif name == "poly":
        points = zip(coords[::2], coords[1::2], strict=True)
        drawn = f'<polygon points="{" ".join(f"{a},{b}" for a, b in points)}" {look}/>'
    else:
        drawn = f'<ellipse cx="{x}" cy="{y}" rx="{coords[2]}" ry="{coords[-1]}" {look}/>'
    place = f'x="{x}" y="{y + 6}" text-anchor="middle" font-family="Noto Serif"'
    return (
        f'{drawn}<circle cx="{x}" cy="{y}" r="12" fill="#fff" stroke="#000"/>'
        f'<text {place} font-size="17" font-weight="700">{letter}</text>'
    )


def _key_table(questions: Sequence[Question]) -> str:
    tables = []
    for at in range(0, len(questions), KEYS_A_ROW):
        row = questions[at : at + KEYS_A_ROW]
        numbers = "".join(f"<th>{question.number}</th>" for question in row)
        keys = "".join(f"<td>{escape(question.key)}</td>" for question in row)
        tables.append(f'<table class="key"><tr>{numbers}</tr><tr>{keys}</tr></table>')
    return "".join(tables)


def _key_list(questions: Iterable[Question]) -> str:
    rows = "".join(
        f"<li><b>{question.number}.</b> {escape(question.key)}</li>" for question in questions
    )
    return f'<ul class="key">{rows}</ul>'
