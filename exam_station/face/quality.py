"""Is a picture good enough to compare?  Checks in the manner of ISO/IEC 29794-5, plain OpenCV.

Each check gives one number with its limits.  The limits were set on photographs that were
darkened, blurred and turned (docs/face.md); they are no calibration of a camera.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from exam_station.face.detection import Box, Face
from exam_station.face.opencv import cv2
from exam_station.face.picture import Picture

INFINITY = float("inf")


class Check(StrEnum):
    """What is looked at, in the order in which a person should put it right."""

    EYE_DISTANCE = "eye_distance"  # pixels between the eyes' centres
    HEAD_SIZE = "head_size"  # width of the face box as a part of the picture's width
    HEAD_INSIDE = "head_inside"  # part of the face box that lies in the picture
    BRIGHTNESS = "brightness"  # mean grey of the face, 0..255
    OVEREXPOSED = "overexposed"  # part of the face at 250 and above
    UNDEREXPOSED = "underexposed"  # part of the face at 12 and below
    DYNAMIC_RANGE = "dynamic_range"  # 95th minus 5th percentile of grey
    SIDE_LIGHT = "side_light"  # difference of left and right, as a part of the mean
    YAW = "yaw"  # |a - b| / (a + b), nose tip to the outer corners of the eyes
    PITCH = "pitch"  # where the nose tip lies between eyes (0) and mouth (1)
    ROLL = "roll"  # degrees between the line of the eyes and the horizontal
    EYES_OPEN = "eyes_open"  # height of the eyes as a part of their width
    MOUTH = "mouth"  # opening of the mouth as a part of the eye distance
    SHARPNESS = "sharpness"  # mean squared gradient over the variance of grey


class Hint(StrEnum):
    """What to tell the person before the camera.  The value is the code screens translate."""

    OK = "ok"
    NO_FACE = "no_face"
    TWO_FACES = "two_faces"
    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    UNEVEN_LIGHT = "uneven_light"
    TURN_TO_CAMERA = "turn_to_camera"
    OPEN_EYES = "open_eyes"
    CLOSE_MOUTH = "close_mouth"
    BLURRED = "blurred"
    TURN_A_LITTLE = "turn_a_little"  # good, but like a picture that was taken already
    FACE_CHANGED = "face_changed"  # not the face of the pictures taken before; begun anew


@dataclass(frozen=True, slots=True)
class Limit:
    """What is good enough, and what to say where it is not; `above` where that differs."""

    low: float
    high: float
    hint: Hint
    above: Hint | None = None


LIMITS: dict[Check, Limit] = {
    # 45 pixels lie between the eyes in the encoder's own 150-pixel crop: less would be enlarged.
    Check.EYE_DISTANCE: Limit(45, INFINITY, Hint.TOO_FAR),
    Check.HEAD_SIZE: Limit(0, 0.75, Hint.TOO_NEAR),
    Check.HEAD_INSIDE: Limit(0.9, 1, Hint.TOO_NEAR),
    Check.BRIGHTNESS: Limit(50, 215, Hint.TOO_DARK, Hint.TOO_BRIGHT),
    Check.OVEREXPOSED: Limit(0, 0.12, Hint.TOO_BRIGHT),
    Check.UNDEREXPOSED: Limit(0, 0.25, Hint.TOO_DARK),
    Check.DYNAMIC_RANGE: Limit(45, INFINITY, Hint.UNEVEN_LIGHT),
    Check.SIDE_LIGHT: Limit(0, 0.5, Hint.UNEVEN_LIGHT),
    Check.YAW: Limit(0, 0.32, Hint.TURN_TO_CAMERA),
    Check.PITCH: Limit(0.18, 0.65, Hint.TURN_TO_CAMERA),
    Check.ROLL: Limit(0, 20, Hint.TURN_TO_CAMERA),
    Check.EYES_OPEN: Limit(0.14, INFINITY, Hint.OPEN_EYES),
    Check.MOUTH: Limit(0, 0.5, Hint.CLOSE_MOUTH),
    Check.SHARPNESS: Limit(3.0, INFINITY, Hint.BLURRED),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The number that one check gave, and what it says to the person (`ok` where it is good)."""

    check: Check
    value: float
    hint: Hint

    @property
    def passed(self) -> bool:
        """Whether the number lies within its limits."""
        return self.hint is Hint.OK


@dataclass(frozen=True, slots=True)
class Quality:
    """All findings on one face."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether the picture is good enough to compare."""
        return self.hint is Hint.OK

    @property
    def hint(self) -> Hint:
        """What to tell the person: the first check that failed, else `ok`."""
        return next((f.hint for f in self.findings if not f.passed), Hint.OK)

    def to_plain(self) -> dict[str, float]:
        """Returns check → number, rounded to three decimals."""
        return {f.check.value: round(f.value, 3) for f in self.findings}


def judge(check: Check, value: float) -> Finding:
    """Holds `value` against the limits of `check`; a NaN fails."""
    limit = LIMITS[check]
    if limit.low <= value <= limit.high:
        return Finding(check, value, Hint.OK)
    above = limit.above or limit.hint
    return Finding(check, value, above if value > limit.high else limit.hint)


def assess(picture: Picture, face: Face, crop: Picture) -> Quality:
    """Returns the quality of `face` in `picture`; `crop` is its aligned 150 x 150 cut-out."""
    values = _framing(picture, face) | _light(crop) | _pose(face.points)
    return Quality(tuple(judge(check, values[check]) for check in Check))


def _framing(picture: Picture, face: Face) -> dict[Check, float]:
    width = picture.shape[1]
    left, right = _eye_centres(face.points)
    return {
        Check.EYE_DISTANCE: _distance(left, right),
        Check.HEAD_SIZE: face.box.width / width,
        Check.HEAD_INSIDE: _part_inside(face.box, picture),
    }


def _part_inside(box: Box, picture: Picture) -> float:
    height, width = picture.shape[:2]
    across = min(box.left + box.width, width) - max(box.left, 0)
    down = min(box.top + box.height, height) - max(box.top, 0)
    return float(max(0, across) * max(0, down) / (box.width * box.height))


def _light(crop: Picture) -> dict[Check, float]:
    side = crop.shape[0]
    # The middle of the crop: skin, eyes and mouth, without hair and background.
    inner = crop[side // 5 : side * 9 // 10, side // 5 : side * 4 // 5]
    grey = np.asarray(cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY), np.float64)
    mean, half = float(grey.mean()), grey.shape[1] // 2
    low, high = np.percentile(grey, (5, 95))
    across, down = cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1)
    return {
        Check.BRIGHTNESS: mean,
        Check.OVEREXPOSED: float((grey >= 250).mean()),
        Check.UNDEREXPOSED: float((grey <= 12).mean()),
        Check.DYNAMIC_RANGE: float(high - low),
        Check.SIDE_LIGHT: abs(float(grey[:, :half].mean() - grey[:, half:].mean())) / (mean + 1),
        Check.SHARPNESS: float((across**2 + down**2).mean() / (grey.var() + 1)),
    }


def _pose(points: NDArray[np.float64]) -> dict[Check, float]:
    left, right = _eye_centres(points)
    eyes = _distance(left, right) + 1e-9
    along = (right - left) / eyes
    across = np.array([-along[1], along[0]])
    middle, nose, mouth = (left + right) / 2, points[30], points[48:60].mean(axis=0)
    to_left, to_right = _distance(nose, points[36]), _distance(nose, points[45])
    return {
        Check.YAW: abs(to_left - to_right) / (to_left + to_right + 1e-9),
        Check.PITCH: float((nose - middle) @ across) / (float((mouth - middle) @ across) + 1e-9),
        Check.ROLL: abs(float(np.degrees(np.arctan2(along[1], along[0])))),
        Check.EYES_OPEN: (_eye_opening(points[36:42]) + _eye_opening(points[42:48])) / 2,
        Check.MOUTH: _distance(points[62], points[66]) / eyes,
    }


def _eye_centres(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return points[36:42].mean(axis=0), points[42:48].mean(axis=0)


def _eye_opening(eye: NDArray[np.float64]) -> float:
    heights = _distance(eye[1], eye[5]) + _distance(eye[2], eye[4])
    return heights / 2 / (_distance(eye[0], eye[3]) + 1e-9)


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(a - b))
