"""A `presentation` of QTI 1.2: texts and responses in the order in which they stand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from question_bank.interactions import Shape
from question_bank.interchange.markup import attribute, children, line_of, name_of
from question_bank.interchange.qti12.conditions import NotTakenError
from question_bank.interchange.qti12.material import HOLDERS, MaterialReader, together

MAX_DEPTH = 40
_RESPONSES = ("response_lid", "response_str", "response_num", "response_xy", "response_grp")
_RENDERS = ("render_choice", "render_fib", "render_hotspot", "render_slider", "render_extension")
_RIGHTS = "RIGHT_MATCH_BLOCK"
_SHAPES = {"rectangle": "rect", "ellipse": "ellipse", "bounded": "poly"}


@dataclass(frozen=True, slots=True)
class Label:
    """One thing to choose: its text, its area, or what it may be grouped with."""

    id: str
    content: str
    fixed: bool
    element: etree._Element


@dataclass(frozen=True, slots=True)
class Response:
    """One `response_*`: how it is answered, with what, and the text that belongs to it alone."""

    element: etree._Element
    render: etree._Element
    id: str
    labels: tuple[Label, ...]
    prompt: str

    @property
    def kind(self) -> str:
        """`lid`, `str`, `num`, `xy` or `grp`."""
        return name_of(self.element).removeprefix("response_")

    @property
    def cardinality(self) -> str:
        """`single`, `multiple` or `ordered`."""
        return attribute(self.element, "rcardinality", "Single").lower()

    @property
    def shuffle(self) -> bool:
        return attribute(self.render, "shuffle", "No").lower() == "yes"

    @property
    def is_number(self) -> bool:
        """Whether a number is typed in."""
        types = ("integer", "decimal", "scientific")
        return self.kind == "num" or attribute(self.render, "fibtype").lower() in types


@dataclass(frozen=True, slots=True)
class Presentation:
    """What stands in the item: fragments and responses, by blocks.

    `rights`: what Blackboard lists beside its responses, for them to be paired with.
    """

    blocks: tuple[tuple[str | Response, ...], ...]
    rights: tuple[str, ...] = ()

    @property
    def responses(self) -> tuple[Response, ...]:
        return tuple(p for block in self.blocks for p in block if isinstance(p, Response))

    @property
    def is_amid_text(self) -> bool:
        """Whether a word is typed in amid a sentence."""
        pieces = [piece for block in self.blocks for piece in block if piece]
        typed = next((p for p in pieces if isinstance(p, Response)), None)
        return (
            typed is not None
            and typed.kind in ("str", "num")
            and attribute(typed.render, "rows", "1") in ("", "1")
            and typed is not pieces[-1]
        )

    def text(self, place: str = "", *, places: dict[str, str] | None = None) -> str:
        """All texts; `places` gives what stands for a response, by its ident."""
        known = places or {}
        made = [
            together(p if isinstance(p, str) else known.get(p.id, place) for p in block)
            for block in self.blocks
        ]
        kept = [text for text in made if text]
        return kept[0] if len(kept) == 1 else "".join(f"<div>{text}</div>" for text in kept)


def presentation_of(element: etree._Element, material: MaterialReader) -> Presentation:
    """What stands in a `presentation`; raises NotTakenError."""
    walk = _Walk(material)
    blocks = tuple(block for block in walk.blocks(element) if any(block))
    return Presentation(blocks, tuple(walk.rights))


@dataclass(slots=True)
class _Walk:
    material: MaterialReader
    rights: list[str] = field(default_factory=list)

    def blocks(
        self, element: etree._Element, depth: int = 0
    ) -> Iterator[tuple[str | Response, ...]]:
        if depth > MAX_DEPTH:
            raise NotTakenError(element, f"flows are nested deeper than {MAX_DEPTH}")
        line: list[str | Response] = []
        for node in element:
            name = name_of(node)
            if name == "flow" and attribute(node, "class") == _RIGHTS:
                self.rights += [self.material.fragment(one) for one in children(node, "flow")]
            elif name == "flow":
                yield tuple(line)
                line = []
                yield from self._flow(node, depth + 1)
            elif name in _RESPONSES:
                line += self._response(node)
            elif name in HOLDERS:
                line += self.material.pieces(node)
            elif name:
                self._unknown(node)
        yield tuple(line)

    def _flow(self, element: etree._Element, depth: int) -> Iterator[tuple[str | Response, ...]]:
        """The blocks of a flow; Blackboard's row is a flow with a text and a bare response."""
        blocks = [block for block in self.blocks(element, depth) if any(block)]
        last = blocks[-1][0] if blocks and len(blocks[-1]) == 1 else None
        texts = [piece for block in blocks[:-1] for piece in block]
        if (
            isinstance(last, Response)
            and texts
            and not last.prompt
            and last.labels
            and not any(label.content for label in last.labels)
        ):
            prompt = together(piece for piece in texts if isinstance(piece, str))
            blocks = [(replace(last, prompt=prompt),)]
        yield from blocks

    def _unknown(self, node: etree._Element) -> None:
        if name_of(node).startswith("response_") or name_of(node).endswith("_extension"):
            raise NotTakenError(node, "is not supported")
        self.material.log.warning(line_of(node), name_of(node), "is not supported and was left out")

    def _response(self, element: etree._Element) -> list[str | Response]:
        """The response; the texts within a fill-in are texts of the item."""
        renders = [node for node in element if name_of(node) in _RENDERS]
        if len(renders) != 1 or name_of(renders[0]) in ("render_slider",):
            raise NotTakenError(element, "needs one render_choice, render_fib or render_hotspot")
        (render,) = renders
        at = list(element).index(render)
        before = [p for node in list(element)[:at] for p in self._own(node)]
        after = [p for node in list(element)[at + 1 :] for p in self._own(node)]
        identifier = attribute(element, "ident")
        if name_of(render) != "render_fib":
            labels = tuple(self._labels(render, 0))
            prompt = together([*before, *after])
            return [Response(element, render, identifier, labels, prompt)]
        return [*before, *self._fill_in(element, render, identifier), *after]

    def _own(self, node: etree._Element) -> list[str]:
        return self.material.pieces(node) if name_of(node) in HOLDERS else []

    def _fill_in(
        self, element: etree._Element, render: etree._Element, identifier: str
    ) -> list[str | Response]:
        gaps = [node for node in render.iter() if name_of(node) == "response_label"]
        if len(gaps) > 1:
            raise NotTakenError(element, "several gaps of one response; give each a response_str")
        response = Response(element, render, identifier, (), "")
        if not gaps:
            return [*self._texts(render), response]
        pieces: list[str | Response] = []
        for node in render.iter():
            if node is gaps[0]:
                pieces.append(response)
            elif name_of(node) in ("material", "material_ref"):
                pieces += self.material.pieces(node)
        return pieces

    def _texts(self, render: etree._Element) -> list[str]:
        return [
            p for node in render if name_of(node) in HOLDERS for p in self.material.pieces(node)
        ]

    def _labels(self, parent: etree._Element, depth: int) -> Iterator[Label]:
        if depth > MAX_DEPTH:
            raise NotTakenError(parent, f"labels are nested deeper than {MAX_DEPTH}")
        for node in parent:
            match name_of(node):
                case "response_label":
                    fixed = attribute(node, "rshuffle", "Yes").lower() == "no"
                    yield Label(attribute(node, "ident"), self.material.fragment(node), fixed, node)
                case "flow_label" | "ims_render_object":
                    yield from self._labels(node, depth + 1)
                case "material" | "material_ref" | "response_na" | "":
                    pass  # the picture of a hotspot; the words of "no answer"
                case name:
                    message = "is not supported and was left out"
                    self.material.log.warning(line_of(node), name, message)


def shape_of(element: etree._Element, area: str, coords: str) -> Shape:
    """The region of `rarea` or `areatype` and its numbers; raises NotTakenError.

    An ellipse is its centre and its two diameters; a rectangle its corner, width and height.
    """
    words = coords.replace(",", " ").split()
    if not words or not all(w.lstrip("-").isdecimal() and len(w) < 7 for w in words):
        raise NotTakenError(element, f"{coords[:40]!r} are no whole pixels")
    numbers = tuple(map(int, words))
    name = _SHAPES.get(area.lower() or "ellipse")
    if name == "rect" and len(numbers) == 4:
        left, top, width, height = numbers
        return Shape("rect", (left, top, left + width, top + height))
    if name == "ellipse" and len(numbers) == 4:
        x, y, across, down = numbers
        return Shape("ellipse", (x, y, across // 2, down // 2))
    if name == "poly" and len(numbers) >= 6 and len(numbers) % 2 == 0:
        return Shape("poly", numbers)
    raise NotTakenError(element, f"the area {area[:20]!r} with {len(numbers)} numbers")


def image_of(render: etree._Element) -> etree._Element | None:
    """The picture that a `render_hotspot` shows."""
    for material in children(render, "material"):
        return next((node for node in material.iter() if name_of(node) == "matimage"), None)
    return None
