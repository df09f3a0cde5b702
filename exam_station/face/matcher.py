"""Turns faces into templates and compares them: dlib's ResNet, run by OpenCV's DNN module.

A template is the mean of the encodings of four views: aligned by 5 and by 68 points, each also
mirrored.  Several pictures are fused by the mean of their templates.  One `FaceEncoder` serves
one thread at a time.  Templates stay in memory.
"""

from pathlib import Path

import dlib
import numpy as np
from numpy.typing import NDArray

from exam_station.face.detection import Face, FaceFinder
from exam_station.face.errors import FaceReason, ModelError, PortraitError
from exam_station.face.opencv import cv2
from exam_station.face.picture import (
    MAX_SIDE,
    Picture,
    UnreadablePictureError,
    decode_picture,
    shrink,
)
from exam_station.face.weights import read_encoder

Template = NDArray[np.float64]  # shape (128,)

CROP_SIDE = 150
CROP_PADDING = 0.25  # both as dlib's own compute_face_descriptor
MAX_PORTRAIT_BYTES = 4_000_000


class FaceEncoder:
    """The encoder that set-up made.  Raises `ModelError` where it is missing or damaged."""

    def __init__(self, model_folder: Path) -> None:
        model, self.model_sha256 = read_encoder(model_folder)
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        except cv2.error as error:
            raise ModelError(FaceReason.MODEL_DAMAGED, "OpenCV cannot read the encoder") from error

    def encode(self, crops: list[Picture]) -> NDArray[np.float64]:
        """Encodes n aligned RGB crops of 150 x 150 pixels; returns shape (n, 128)."""
        batch = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)
        self._net.setInput(batch)
        return np.array(self._net.forward(), np.float64)

    def template(self, picture: Picture, face: Face) -> Template:
        """Returns the mean encoding of the four views of `face` in `picture` (RGB)."""
        return np.asarray(self.encode(four_views(picture, face)).mean(axis=0))


def crop_face(picture: Picture, alignment: object) -> Picture:
    """Returns the face, upright and centred, 150 x 150 RGB, as dlib's encoder was taught."""
    crop = dlib.get_face_chip(picture, alignment, CROP_SIDE, CROP_PADDING)
    return np.asarray(crop, np.uint8)


def four_views(picture: Picture, face: Face) -> list[Picture]:
    """Returns the crop by 5 points, its mirror image, the crop by 68 points, its mirror image."""
    crops = [crop_face(picture, alignment) for alignment in (face.five, face.sixty_eight)]
    return [view for crop in crops for view in (crop, crop[:, ::-1])]


def fuse(templates: list[Template]) -> Template:
    """Returns the mean of at least one template."""
    return np.asarray(np.mean(templates, axis=0))


def distance(a: Template, b: Template) -> float:
    """Euclidean distance: 0 for the same picture, about 0.8 for different people."""
    return float(np.linalg.norm(a - b))


def portrait_template(data: bytes, finder: FaceFinder, encoder: FaceEncoder) -> Template:
    """Returns the template of the portrait in DG2, given as JPEG or JPEG 2000 bytes.

    Raises `PortraitError` where the picture is unreadable or shows no face.
    """
    if len(data) > MAX_PORTRAIT_BYTES:
        raise PortraitError(FaceReason.PORTRAIT_UNREADABLE, "The portrait is too large")
    try:
        picture = shrink(decode_picture(data), MAX_SIDE)[0]
    except UnreadablePictureError as error:
        raise PortraitError(FaceReason.PORTRAIT_UNREADABLE, f"The portrait is {error}") from error
    boxes = finder.find_in_portrait(picture)
    if not boxes:
        raise PortraitError(FaceReason.PORTRAIT_WITHOUT_FACE, "No face is seen in the portrait")
    return encoder.template(picture, finder.landmarks(picture, boxes[0]))
