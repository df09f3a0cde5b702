"""Windows metafiles as SVG ([MS-WMF]): what equation editors of old files leave as a picture.

Only what such pictures are made of is drawn: text with its fonts, lines, polygons, rectangles,
ellipses. Anything else that draws (bitmaps, regions, arcs) raises, so that no picture is shown
with a piece missing.
"""

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape, quoteattr

from question_bank.errors import FileRefusedError
from question_bank.interchange.word.symbols import SYMBOL

PLACEABLE = 0x9AC6CDD7
PLACEABLE_LENGTH, HEADER_LENGTH = 22, 18
MAX_RECORDS = 20_000
MAX_TEXT = 20_000
PIXELS_PER_INCH = 96
DEFAULT_INCH = 1440
# Of a font's height above its baseline, where text is set by its top.
ASCENT = 0.8
BASELINE, BOTTOM, RIGHT, CENTRE, UPDATE = 24, 8, 2, 6, 1
CODE_PAGES = {0: "cp1252", 1: "cp1252", 161: "cp1253", 163: "cp1258", 204: "cp1251", 238: "cp1250"}
# State that does not change how text and lines look here, and comments (MathType's own data).
SILENT = frozenset((0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0x0107, 0x0108, 0x020A, 0x0201, 0x0626,
                    0x0231, 0x0149, 0x0035, 0x0234, 0x020D, 0x020E, 0x0211, 0x020F))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Font:
    family: str = "Times New Roman"
    size: float = 12
    bold: bool = False
    italic: bool = False
    charset: int = 0


@dataclass(frozen=True, slots=True)
class _Pen:
    width: int = 1
    colour: str | None = "#000000"


@dataclass(frozen=True, slots=True)
class _Brush:
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class _State:
    font: _Font = field(default_factory=_Font)
    pen: _Pen = field(default_factory=_Pen)
    brush: _Brush = field(default_factory=_Brush)
    colour: str = "#000000"
    align: int = 0
    at: tuple[int, int] = (0, 0)


def svg_of_wmf(data: bytes, file: str) -> bytes:
    """The picture as SVG; raises FileRefusedError for what is damaged or cannot be drawn whole."""
    try:
        return _Player(data, file).svg()
    except (struct.error, UnicodeDecodeError, IndexError, OverflowError):
        raise FileRefusedError(f"{file}: a damaged metafile") from None


class _Player:
    """Plays the records of one metafile."""

    def __init__(self, data: bytes, file: str) -> None:
        self._file = file
        self._box: tuple[int, int, int, int] | None = None
        self._inch = DEFAULT_INCH
        start = 0
        if data[:4] == struct.pack("<I", PLACEABLE):
            left, top, right, bottom, inch = struct.unpack_from("<4hH", data, 6)
            self._box = (left, top, right - left, bottom - top)
            self._inch = inch or DEFAULT_INCH
            start = PLACEABLE_LENGTH
        kind, words = struct.unpack_from("<HH", data, start)
        if kind not in (1, 2) or words != HEADER_LENGTH // 2:
            raise FileRefusedError(f"{file}: no Windows metafile")
        self._records = data[start + HEADER_LENGTH :]
        self._state = _State()
        self._saved: list[_State] = []
        self._objects: list[_Font | _Pen | _Brush | None] = []
        self._drawn: list[str] = []
        self._origin, self._extent = (0, 0), (0, 0)
        self._letters = 0
        self._plays: dict[int, Callable[[bytes], None]] = {
            0x020B: self._window_origin, 0x020C: self._window_extent, 0x02FB: self._font,
            0x02FA: self._pen, 0x02FC: self._brush, 0x012D: self._select, 0x01F0: self._delete,
            0x012E: self._text_align, 0x0209: self._text_colour, 0x0214: self._move,
            0x0213: self._line, 0x0325: self._polyline, 0x0324: self._polygon,
            0x041B: self._rectangle, 0x0418: self._ellipse, 0x0521: self._text_out,
            0x0A32: self._text_out_extended, 0x001E: self._save, 0x0127: self._restore,
            0x00F7: self._other_object, 0x0142: self._other_object, 0x01F9: self._other_object,
        }  # fmt: skip

    def svg(self) -> bytes:
        for function, parameters in self._each():
            if function in self._plays:
                self._plays[function](parameters)
            elif function not in SILENT:
                raise FileRefusedError(f"{self._file}: a metafile with record {function:#06x}")
        if not self._drawn:
            raise FileRefusedError(f"{self._file}: an empty metafile")
        x, y, width, height = self._frame()
        size = [max(1, math.ceil(side * PIXELS_PER_INCH / self._inch)) for side in (width, height)]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="{x} {y} {width} {height}">{"".join(self._drawn)}</svg>'
        ).encode()

    def _frame(self) -> tuple[int, int, int, int]:
        width, height = map(abs, self._extent)
        if width and height:
            return (*self._origin, width, height)
        if self._box is None or self._box[2] <= 0 or self._box[3] <= 0:
            raise FileRefusedError(f"{self._file}: a metafile without a size")
        return self._box

    def _each(self) -> Iterator[tuple[int, bytes]]:
        at = 0
        for _ in range(MAX_RECORDS):
            words, function = struct.unpack_from("<IH", self._records, at)
            if function == 0:
                return
            if words < 3 or at + 2 * words > len(self._records):
                raise FileRefusedError(f"{self._file}: a damaged metafile")
            yield function, self._records[at + 6 : at + 2 * words]
            at += 2 * words
        raise FileRefusedError(f"{self._file}: a metafile of too many records")

    # --- state

    def _window_origin(self, data: bytes) -> None:
        y, x = struct.unpack_from("<2h", data)
        self._origin = (x, y)

    def _window_extent(self, data: bytes) -> None:
        height, width = struct.unpack_from("<2h", data)
        self._extent = (width, height)

    def _text_align(self, data: bytes) -> None:
        self._state = replace(self._state, align=struct.unpack_from("<H", data)[0])

    def _text_colour(self, data: bytes) -> None:
        self._state = replace(self._state, colour=_colour(data))

    def _move(self, data: bytes) -> None:
        y, x = struct.unpack_from("<2h", data)
        self._state = replace(self._state, at=(x, y))

    def _save(self, _: bytes) -> None:
        self._saved.append(self._state)

    def _restore(self, data: bytes) -> None:
        (which,) = struct.unpack_from("<h", data)
        place = which if which < 0 else which - 1
        self._state = self._saved[place]
        del self._saved[place:]

    # --- objects: each takes the first free place of the table

    def _keep(self, made: _Font | _Pen | _Brush) -> None:
        if None in self._objects:
            self._objects[self._objects.index(None)] = made
        else:
            self._objects.append(made)

    def _font(self, data: bytes) -> None:
        height, _, angle, _, weight, italic, _, _, charset = struct.unpack_from("<5h4B", data)
        if angle:
            raise FileRefusedError(f"{self._file}: a metafile with turned text")
        name = data[18:].split(b"\0")[0].decode("cp1252")
        self._keep(_Font(name, abs(height) or 12, weight >= 600, bool(italic), charset))

    def _pen(self, data: bytes) -> None:
        style, width = struct.unpack_from("<Hh", data)
        colour = None if style & 15 == 5 else _colour(data[6:])
        self._keep(_Pen(max(width, 1), colour))

    def _brush(self, data: bytes) -> None:
        (style,) = struct.unpack_from("<H", data)
        self._keep(_Brush(_colour(data[2:]) if style == 0 else None))

    def _other_object(self, _: bytes) -> None:
        self._keep(_Brush())

    def _select(self, data: bytes) -> None:
        chosen = self._objects[struct.unpack_from("<H", data)[0]]
        match chosen:
            case _Font():
                self._state = replace(self._state, font=chosen)
            case _Pen():
                self._state = replace(self._state, pen=chosen)
            case _Brush():
                self._state = replace(self._state, brush=chosen)

    def _delete(self, data: bytes) -> None:
        self._objects[struct.unpack_from("<H", data)[0]] = None

    # --- drawing

    def _line(self, data: bytes) -> None:
        y, x = struct.unpack_from("<2h", data)
        (x1, y1), self._state = self._state.at, replace(self._state, at=(x, y))
        self._draw(f'<line x1="{x1}" y1="{y1}" x2="{x}" y2="{y}"', filled=False)

    def _points(self, data: bytes) -> str:
        (count,) = struct.unpack_from("<H", data)
        numbers = struct.unpack_from(f"<{2 * count}h", data, 2)
        return " ".join(f"{x},{y}" for x, y in zip(numbers[::2], numbers[1::2], strict=True))

    def _polyline(self, data: bytes) -> None:
        self._draw(f'<polyline points="{self._points(data)}"', filled=False)

    def _polygon(self, data: bytes) -> None:
        self._draw(f'<polygon points="{self._points(data)}"', filled=True)

    def _rectangle(self, data: bytes) -> None:
        bottom, right, top, left = struct.unpack_from("<4h", data)
        size = f'width="{abs(right - left)}" height="{abs(bottom - top)}"'
        self._draw(f'<rect x="{min(left, right)}" y="{min(top, bottom)}" {size}', filled=True)

    def _ellipse(self, data: bytes) -> None:
        bottom, right, top, left = struct.unpack_from("<4h", data)
        middle = f'cx="{(left + right) / 2:g}" cy="{(top + bottom) / 2:g}"'
        radii = f'rx="{abs(right - left) / 2:g}" ry="{abs(bottom - top) / 2:g}"'
        self._draw(f"<ellipse {middle} {radii}", filled=True)

    def _draw(self, start: str, *, filled: bool) -> None:
        pen, fill = self._state.pen, self._state.brush.colour if filled else None
        stroke = f'stroke="{pen.colour or "none"}" stroke-width="{pen.width}"'
        self._drawn.append(f'{start} fill="{fill or "none"}" {stroke}/>')

    def _text_out(self, data: bytes) -> None:
        (length,) = struct.unpack_from("<H", data)
        padded = length + length % 2
        y, x = struct.unpack_from("<2h", data, 2 + padded)
        self._text(x, y, data[2 : 2 + length], ())

    def _text_out_extended(self, data: bytes) -> None:
        y, x, length, options = struct.unpack_from("<2hHH", data)
        start = 16 if options & 6 else 8
        text = data[start : start + length]
        after = start + length + length % 2
        widths = (len(data) - after) // 2
        advances = struct.unpack_from(f"<{length}h", data, after) if widths >= length else ()
        self._text(x, y, text, advances)

    def _text(self, x: int, y: int, raw: bytes, advances: tuple[int, ...]) -> None:
        state = self._state
        font = state.font
        if state.align & UPDATE:
            x, y = state.at
            self._state = replace(state, at=(x + sum(advances), y))
        letters = "".join(self._character(byte) for byte in raw)
        self._letters += len(letters)
        if self._letters > MAX_TEXT:
            raise FileRefusedError(f"{self._file}: a metafile with too much text")
        if not letters.strip():
            return
        base = y if state.align & BASELINE == BASELINE else y + ASCENT * font.size
        if state.align & BASELINE == BOTTOM:
            base = y - (1 - ASCENT) * font.size
        anchor = {RIGHT: "end", CENTRE: "middle"}.get(state.align & CENTRE, "start")
        family = "Times New Roman" if font.family == "Symbol" else font.family
        look = f'font-family={quoteattr(family + ", serif")} font-size="{font.size:g}"'
        look += ' font-weight="bold"' if font.bold else ""
        look += ' font-style="italic"' if font.italic else ""
        look += f' text-anchor="{anchor}"' if anchor != "start" else ""
        # every letter at its own place: not every viewer reads a list of places
        apart = anchor == "start" and bool(advances)
        parts = letters if apart else [letters]
        for part, advance in zip(parts, advances if apart else (0,), strict=True):
            self._drawn.append(
                f'<text x="{x}" y="{base:g}" {look} fill="{state.colour}">{escape(part)}</text>'
            )
            x += advance

    def _character(self, byte: int) -> str:
        font = self._state.font
        if font.family == "Symbol":
            character = SYMBOL.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else "")
        elif font.charset in CODE_PAGES and font.family != "MT Extra":
            character = bytes([byte]).decode(CODE_PAGES[font.charset])
        else:
            character = ""
        if not character or not character.isprintable():
            raise FileRefusedError(
                f"{self._file}: a metafile with character {byte:#04x} of {font.family[:32]!r}"
            )
        return character


def _colour(data: bytes) -> str:
    red, green, blue = struct.unpack_from("<3B", data)
    return f"#{red:02x}{green:02x}{blue:02x}"
