"""Pictures in memory: RGB, uint8, shape (height, width, 3)."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from exam_station.face.opencv import cv2

Picture = NDArray[np.uint8]

FORMATS = ("JPEG", "JPEG2000", "PNG", "BMP", "WEBP")
MAX_PIXELS = 25_000_000
MAX_SIDE = 1280  # larger pictures are shrunk: they cost time and add nothing


class UnreadablePictureError(Exception):
    """The bytes are no whole picture of a known format and a sensible size."""


def decode_picture(data: bytes) -> Picture:
    """Decodes JPEG, JPEG 2000 (JP2 or raw codestream), PNG, BMP or WebP to RGB.

    Pillow decides, since OpenCV fails on one-channel JPEG 2000 codestreams.
    Raises `UnreadablePictureError`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UnreadablePictureError(
                        f"{image.width} x {image.height} pixels are too many"
                    )
                upright = ImageOps.exif_transpose(image)
                return np.array(upright.convert("RGB"))
    # Pillow's decoders and their plug-ins raise these on hostile input, and SyntaxError among them.
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        OverflowError,
        MemoryError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise UnreadablePictureError("not a readable picture") from error


def encode_jpeg(picture: Picture, quality: int = 85) -> bytes:
    """Encodes an RGB picture as JPEG, in memory."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def shrink(picture: Picture, longest_side: int) -> tuple[Picture, float]:
    """Returns (picture, factor) with no side above `longest_side`; never enlarges."""
    factor = longest_side / max(picture.shape[:2])
    return (picture, 1.0) if factor >= 1 else (scale(picture, factor), factor)


def scale(picture: Picture, factor: float) -> Picture:
    """Returns `picture` with both sides multiplied by `factor`."""
    height, width = picture.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)
