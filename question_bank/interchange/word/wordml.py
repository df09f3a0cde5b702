"""WordprocessingML (ECMA-376 part 1 §17): runs, paragraphs, tables, pictures; a file's parts."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from question_bank.interchange.omml_writer import omml_of
from question_bank.interchange.pictures import EXTENSIONS, pixels_of
from question_bank.interchange.word.model import (
    Formula,
    Grid,
    Mark,
    Picture,
    Piece,
    Place,
    Strip,
    Text,
)
from question_bank.item import Media

SPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "asvg": "http://schemas.microsoft.com/office/drawing/2016/SVG/main",
}  # fmt: skip
DECLARED = " ".join(f'xmlns:{name}="{space}"' for name, space in SPACES.items())
HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
SVG_EXTENSION = "{96DAC541-7B7A-43D3-8B79-37D633B846F1}"
STAMP = (1980, 1, 1, 0, 0, 0)
EMU = 9525  # of a pixel, 96 to the inch
WIDEST, HIGHEST = 580, 720  # pixels of an A4 page between its margins
USUAL = 240
# A transparent point: what a program shows that knows no SVG.
POINT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49"
    "444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def run(text: str, mark: Mark | None = None) -> str:
    """A run; a tab and a line break are Word's own elements."""
    mark = mark or Mark()
    script = {"sub": "subscript", "sup": "superscript"}.get(mark.script, "")
    properties = (
        ("<w:b/>" if mark.bold else "")
        + ("<w:i/>" if mark.italic else "")
        + ('<w:u w:val="single"/>' if mark.underline else "")
        + (f'<w:vertAlign w:val="{script}"/>' if script else "")
    )
    held = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f"<w:r>{held}{_text(text)}</w:r>" if text else ""


def _text(text: str) -> str:
    signs = {"\t": "<w:tab/>", "\n": "<w:br/>"}
    return "".join(
        signs.get(part) or f'<w:t xml:space="preserve">{escape(_CONTROL.sub("", part))}</w:t>'
        for part in re.split(r"([\t\n])", text)
        if part
    )


def paragraph(*runs: str, style: str = "", properties: str = "") -> str:
    """A paragraph of runs. `style`: its name in `styles`; `properties`: more of §17.3.1."""
    inside = (f'<w:pStyle w:val="{style}"/>' if style else "") + properties
    held = f"<w:pPr>{inside}</w:pPr>" if inside else ""
    return f"<w:p>{held}{''.join(runs)}</w:p>"


def bookmark(number: int, name: str) -> str:
    """A place with a name."""
    place = f'w:id="{number}"'
    return f"<w:bookmarkStart {place} w:name={quoteattr(name)}/><w:bookmarkEnd {place}/>"


def table(rows: Sequence[Sequence[str]], widths: Sequence[int], style: str) -> str:
    """A table of cells, each the XML of its paragraphs; `widths` in twentieths of a point."""
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    body = "".join(
        "<w:tr><w:trPr><w:cantSplit/></w:trPr>"
        + "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
            f"{cell}</w:tc>"
            for cell, width in zip(row, widths, strict=True)
        )
        + "</w:tr>"
        for row in rows
    )
    look = (
        f'<w:tblPr><w:tblStyle w:val="{style}"/><w:tblW w:w="0" w:type="auto"/>'
        '<w:jc w:val="center"/></w:tblPr>'
    )
    return f"<w:tbl>{look}<w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>"


@dataclass(slots=True)
class Package:
    """A document that is being written."""

    blocks: list[str] = field(default_factory=list)
    parts: dict[str, bytes] = field(default_factory=dict)
    _relations: list[tuple[str, str]] = field(default_factory=list)
    _media: dict[str, str] = field(default_factory=dict)
    _drawn: int = 0

    def relate(self, kind: str, target: str) -> str:
        """A relationship of the main part; its id."""
        self._relations.append((kind, target))
        return f"rId{len(self._relations)}"

    def inline(
        self, pieces: Iterable[Piece], widths: Mapping[str, int], alts: Mapping[str, str]
    ) -> str:
        """Runs, formulas and pictures of a line. `widths`, `alts`: of its pictures, by id."""
        written = []
        for piece in pieces:
            match piece:
                case Text(text=text, mark=mark):
                    written.append(run(text, mark))
                case Formula(mathml=mathml):
                    written.append(omml_of(mathml))
                case Picture(media=media):
                    written.append(
                        self.picture(media, widths.get(media.id), alts.get(media.id, ""))
                    )
                case Grid() | Place():
                    pass  # tables stand between paragraphs
        return "".join(written)

    def picture(self, media: Media, width: int | None, alt: str) -> str:
        """A run with a picture in line; SVG with a point for programs that do not know it."""
        across, down = pixels_of(media)
        ratio = down / across if across and down else 0.75
        across = min(width or across or USUAL, WIDEST)
        if across * ratio > HIGHEST:
            across = int(HIGHEST / ratio)
        size = f'cx="{across * EMU}" cy="{max(1, round(across * ratio)) * EMU}"'
        self._drawn += 1
        named = (
            f'id="{self._drawn}" name="Hình {self._drawn}" descr={quoteattr(_CONTROL.sub("", alt))}'
        )
        key = self._part(media)
        blip = f'<a:blip r:embed="{key}"/>'
        if media.mime == "image/svg+xml":
            point = self._part(Media("diem.png", "image/png", POINT))
            blip = (
                f'<a:blip r:embed="{point}"><a:extLst><a:ext uri="{SVG_EXTENSION}">'
                f'<asvg:svgBlip r:embed="{key}"/></a:ext></a:extLst></a:blip>'
            )
        shape = (
            f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm>'
            '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
        )
        return (
            '<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">'
            f"<wp:extent {size}/><wp:docPr {named}/><a:graphic>"
            f'<a:graphicData uri="{SPACES["pic"]}"><pic:pic><pic:nvPicPr><pic:cNvPr {named}/>'
            f"<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill>{blip}<a:stretch><a:fillRect/></a:stretch>"
            f"</pic:blipFill>{shape}</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        )

    def _part(self, media: Media) -> str:
        if media.id not in self._media:
            ending = EXTENSIONS.get(media.mime, "bin")
            name = f"media/{len(self._media) + 1}.{ending}"
            self.parts[f"word/{name}"] = media.data
            self._media[media.id] = self.relate("image", name)
        return self._media[media.id]

    def file(self, styles: str, settings: str, section: str) -> bytes:
        """The package as a zip file, always the same bytes."""
        body = "".join(self.blocks)
        self.parts["word/styles.xml"] = f"{HEADER}{styles}".encode()
        self.parts["word/settings.xml"] = f"{HEADER}{settings}".encode()
        self.relate("styles", "styles.xml")
        self.relate("settings", "settings.xml")
        document = f"{HEADER}<w:document {DECLARED}><w:body>{body}{section}</w:body></w:document>"
        relations = "".join(
            _relationship(number, kind, target)
            for number, (kind, target) in enumerate(self._relations, 1)
        )
        root = _relationship(1, "officeDocument", "word/document.xml")
        files = {
            "[Content_Types].xml": _types().encode(),
            "_rels/.rels": _relationships(root),
            "word/document.xml": document.encode(),
            "word/_rels/document.xml.rels": _relationships(relations),
            **dict(sorted(self.parts.items())),
        }
        return _zipped(files)


def with_part(data: bytes, name: str, part: bytes) -> bytes:
    """The package with another part of that name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    return _zipped(files | {name: part})


def _zipped(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return held.getvalue()


def _relationship(number: int, kind: str, target: str) -> str:
    told = f'Type="{SPACES["r"]}/{kind}" Target={quoteattr(target)}'
    return f'<Relationship Id="rId{number}" {told}/>'


def _relationships(inside: str) -> bytes:
    return f'{HEADER}<Relationships xmlns="{RELATIONS}">{inside}</Relationships>'.encode()


def _types() -> str:
    form = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    parts = {"document": "document.main", "styles": "styles", "settings": "settings",
             "footer1": "footer"}  # fmt: skip
    named = "".join(
        f'<Override PartName="/word/{part}.xml" ContentType="{form}.{kind}+xml"/>'
        for part, kind in parts.items()
    )
    defaults = {
        "rels": "application/vnd.openxmlformats-package.relationships+xml",
        "xml": "application/xml", "bin": "application/octet-stream",
        **{ending: mime for mime, ending in EXTENSIONS.items()},
    }  # fmt: skip
    held = "".join(
        f'<Default Extension="{ending}" ContentType="{mime}"/>'
        for ending, mime in sorted(defaults.items())
    )
    return f'{HEADER}<Types xmlns="{TYPES}">{held}{named}</Types>'


def strip_lines(strip: Strip) -> Iterable[tuple[Piece, ...]]:
    """The lines of a strip; a table is a line of its own."""
    for line in strip.lines():
        held: list[Piece] = []
        for piece in line.trimmed().pieces:
            if isinstance(piece, Grid):
                if held:
                    yield tuple(held)
                yield (piece,)
                held = []
            else:
                held.append(piece)
        if held:
            yield tuple(held)
