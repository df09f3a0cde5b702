"""Finds faces and their landmarks with dlib, whose weight files are loaded directly.

dlib holds the interpreter's lock for up to 30 ms a call: use it on a worker thread.  One
`FaceFinder` serves one thread at a time.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray

from exam_station.face.errors import FaceReason, ModelError
from exam_station.face.opencv import cv2
from exam_station.face.picture import Picture, scale, shrink
from exam_station.face.weights import (
    FIVE_POINT_WEIGHTS,
    SIXTY_EIGHT_POINT_WEIGHTS,
    weight_file,
)

# Longest side, in pixels, of what is searched.  The detector sees faces from 80 pixels on.  The
# first is half of 640 x 480; a larger one costs four times as much and finds faces half as large.
SEARCH_SIDES = (320, 640, 1280)
OTHER_FACE = 2 / 3  # a second face counts from this part of the largest one's width on
DETECTOR_WINDOW = 80
ENLARGED_SIDE = 640  # portraits of some chips are smaller than the detector's window


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture it was found in."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Face:
    """A face: its box, the alignments dlib made, and the 68 points as float64 of shape (68, 2)."""

    box: Box
    five: Any  # dlib.full_object_detection, which dlib's cropping takes back
    sixty_eight: Any
    points: NDArray[np.float64]


class FaceFinder:
    """dlib's HOG detector with the 5- and the 68-point landmark models.

    Raises `ModelError` where a weight file is missing or damaged.
    """

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._five = _load_landmarks(weight_file(FIVE_POINT_WEIGHTS))
        self._sixty_eight = _load_landmarks(weight_file(SIXTY_EIGHT_POINT_WEIGHTS))

    def find(self, picture: Picture) -> list[Box]:
        """Returns the faces in `picture` (RGB), the largest first; quick where they are large.

        Faces in the background, below `OTHER_FACE` of the largest one's width, are left out.
        """
        boxes: list[Box] = []
        for side in SEARCH_SIDES:
            small, factor = shrink(picture, side)
            boxes = self._search(small, factor) or boxes
            fine_enough = boxes and boxes[0].width * factor * OTHER_FACE >= DETECTOR_WINDOW
            if fine_enough or factor == 1.0:
                break
        return [box for box in boxes if box.width >= OTHER_FACE * boxes[0].width]

    def find_in_portrait(self, picture: Picture) -> list[Box]:
        """As `find`, but enlarges a small picture in which no face was found."""
        boxes = self.find(picture)
        factor = ENLARGED_SIDE / max(picture.shape[:2])
        if boxes or factor <= 1:
            return boxes
        return self._search(scale(picture, factor), factor)

    def landmarks(self, picture: Picture, box: Box) -> Face:
        """Returns the face in `box` with both sets of landmarks."""
        rectangle = dlib.rectangle(
            box.left, box.top, box.left + box.width - 1, box.top + box.height - 1
        )
        five = self._five(picture, rectangle)
        sixty_eight = self._sixty_eight(picture, rectangle)
        points = np.array([(p.x, p.y) for p in sixty_eight.parts()], np.float64)
        return Face(box, five, sixty_eight, points)

    def _search(self, picture: Picture, factor: float) -> list[Box]:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        found = [
            Box(*(round(v / factor) for v in (r.left(), r.top(), r.width(), r.height())))
            for r in self._detector(grey, 0)
        ]
        return sorted(found, key=lambda box: box.width, reverse=True)


def _load_landmarks(path: Path) -> Any:
    try:
        return dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise ModelError(FaceReason.MODEL_DAMAGED, f"{path.name} cannot be loaded") from error
