"""Pictures that come with items: known by their bytes, named by their content."""

import hashlib
import re

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import name_of, namespace_of, parse_xml
from question_bank.item import Media

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}
SVG = "http://www.w3.org/2000/svg"
MAX_PICTURE = 8 * 1024 * 1024
_DRAWING = (
    "svg g defs title desc path rect circle ellipse line polyline polygon text tspan marker "
    "clipPath linearGradient radialGradient stop pattern symbol use"
)
SVG_ELEMENTS = frozenset(_DRAWING.split())
_LOCAL_URL = re.compile(r"url\(\s*#[A-Za-z0-9_-]+\s*\)")


def picture(data: bytes, file: str) -> Media:
    """The picture, its id made of its content; raises FileRefusedError for anything else."""
    if len(data) > MAX_PICTURE:
        raise FileRefusedError(f"{file}: a picture of more than {MAX_PICTURE} bytes")
    mime = _mime(data, file)
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Media(f"{digest}.{EXTENSIONS[mime]}", mime, data)


def _mime(data: bytes, file: str) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        _check_svg(data, file)
        return "image/svg+xml"
    raise FileRefusedError(f"{file}: neither PNG nor JPEG nor SVG")


def _check_svg(data: bytes, file: str) -> None:
    """SVG that draws and does nothing else: no scripts, styles sheets, events or links out."""
    for element in parse_xml(data, file).iter():
        if namespace_of(element) != SVG or name_of(element) not in SVG_ELEMENTS:
            raise FileRefusedError(f"{file}: <{name_of(element)}> is not allowed in an SVG picture")
        for key, raw in element.attrib.items():
            name, value = str(key).rpartition("}")[2], str(raw)
            foreign = name == "href" and not value.startswith("#")
            loads = "url(" in _LOCAL_URL.sub("", value) or "@import" in value
            if foreign or loads or name.startswith("on"):
                raise FileRefusedError(f"{file}: attribute {name} is not allowed in an SVG picture")
