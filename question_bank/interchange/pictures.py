"""Pictures and sounds that come with items: known by their bytes, named by their content."""

import hashlib
import re
import struct

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import name_of, namespace_of, parse_xml
from question_bank.item import Media
from question_bank.sounds import looks_like_sound, sound

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}
SVG = "http://www.w3.org/2000/svg"
MAX_PICTURE = 8 * 1024 * 1024
_DRAWING = (
    "svg g defs title desc path rect circle ellipse line polyline polygon text tspan marker "
    "clipPath linearGradient radialGradient stop pattern symbol use"
)
SVG_ELEMENTS = frozenset(_DRAWING.split())
_PIXELS = re.compile(r"(\d{1,5}(?:\.\d{1,6})?)(?:px)?")
_LOCAL_URL = re.compile(r"url\(\s*#[A-Za-z0-9_-]+\s*\)")


def medium(data: bytes, file: str) -> Media:
    """The picture or the sound; raises FileRefusedError for anything else."""
    return sound(data, file) if looks_like_sound(data) else picture(data, file)


def is_sound(media: Media) -> bool:
    return media.mime.startswith("audio/")


def picture(data: bytes, file: str) -> Media:
    """The picture, its id made of its content; raises FileRefusedError for anything else."""
    if len(data) > MAX_PICTURE:
        raise FileRefusedError(f"{file}: a picture of more than {MAX_PICTURE} bytes")
    mime = _mime(data, file)
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Media(f"{digest}.{EXTENSIONS[mime]}", mime, data)


def pixels_of(media: Media) -> tuple[int, int]:
    """Width and height in pixels; (0, 0) where the picture does not say them."""
    match media.mime:
        case "image/png" if len(media.data) >= 24:
            width, height = struct.unpack(">II", media.data[16:24])
            return width, height
        case "image/jpeg":
            return _jpeg_pixels(media.data)
        case "image/svg+xml":
            return _svg_pixels(media.data)
        case _:
            return 0, 0


def _jpeg_pixels(data: bytes) -> tuple[int, int]:
    """Of the first frame header (ITU T.81 B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0


def _svg_pixels(data: bytes) -> tuple[int, int]:
    root = parse_xml(data, "picture")
    sizes = [_PIXELS.fullmatch(str(root.get(name, ""))) for name in ("width", "height")]
    if all(sizes):
        width, height = (round(float(size[1])) for size in sizes if size)
        return width, height
    box = str(root.get("viewBox", "")).replace(",", " ").split()
    if len(box) == 4 and all(_PIXELS.fullmatch(number) for number in box[2:]):
        return round(float(box[2])), round(float(box[3]))
    return 0, 0


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
