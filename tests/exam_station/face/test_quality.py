"""Each check fails on a picture that was spoilt in just that way."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_station.face.check import FaceModels
from exam_station.face.matcher import crop_face
from exam_station.face.opencv import cv2
from exam_station.face.picture import Picture, scale, shrink
from exam_station.face.quality import LIMITS, Check, Hint, Quality, assess, judge


def look(models: FaceModels, picture: Picture) -> Quality:
    picture = np.ascontiguousarray(picture)
    boxes = models.finder.find(picture)
    assert len(boxes) == 1
    face = models.finder.landmarks(picture, boxes[0])
    return assess(picture, face, crop_face(picture, face.five))


def failed(quality: Quality) -> set[Check]:
    return {finding.check for finding in quality.findings if not finding.passed}


def times(picture: Picture, factor: float) -> Picture:
    return np.clip(picture * factor, 0, 255).astype(np.uint8)


def blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def turned(picture: Picture, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 3), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height)), np.uint8)


def one_side_dark(picture: Picture) -> Picture:
    """Darkens all that lies left of the nose of obama.jpg."""
    result = picture.copy()
    result[:, :495] //= 4
    return result


@pytest.mark.parametrize("name", ["obama", "obama2", "obama3", "biden"])
def test_photographs_are_good_enough(models, pictures, name):
    quality = look(models, shrink(pictures[name], 1280)[0])
    assert quality.passed, failed(quality)
    assert set(quality.to_plain()) == {check.value for check in Check}


@pytest.mark.parametrize(
    ("spoil", "hint", "check"),
    [
        (partial(times, factor=0.25), Hint.TOO_DARK, Check.BRIGHTNESS),
        (partial(times, factor=2.2), Hint.TOO_BRIGHT, Check.OVEREXPOSED),
        (partial(blurred, sigma=6), Hint.BLURRED, Check.SHARPNESS),
        (partial(scale, factor=0.4), Hint.TOO_FAR, Check.EYE_DISTANCE),
        (partial(turned, degrees=25), Hint.TURN_TO_CAMERA, Check.ROLL),
        (one_side_dark, Hint.UNEVEN_LIGHT, Check.SIDE_LIGHT),
    ],
)
def test_spoilt_photograph_is_told_apart(models, pictures, spoil, hint, check):
    quality = look(models, spoil(pictures["obama"]))
    assert check in failed(quality)
    assert quality.hint is hint


def test_face_that_fills_the_frame(models, pictures):
    box = models.finder.find(pictures["obama"])[0]
    close = pictures["obama"][
        box.top - 40 : box.top + box.height + 20, box.left - 10 : box.left + box.width + 10
    ]
    assert Check.HEAD_SIZE in failed(look(models, close))


@pytest.mark.parametrize(
    ("move", "check", "hint"),
    [
        ({37: 3, 38: 3, 40: -3, 41: -3, 43: 3, 44: 3, 46: -3, 47: -3}, "eyes_open", "open_eyes"),
        ({62: -30, 66: 30}, "mouth", "close_mouth"),
        ({30: -50}, "pitch", "turn_to_camera"),
    ],
)
def test_landmarks_moved_as_a_face_would(models, pictures, move, check, hint):
    """No photograph at hand shows closed eyes, so its landmarks are moved (pixels downward)."""
    picture = pictures["obama"]
    face = models.finder.landmarks(picture, models.finder.find(picture)[0])
    for point, down in move.items():
        face.points[point, 1] += down
    findings = {
        f.check.value: f for f in assess(picture, face, crop_face(picture, face.five)).findings
    }
    assert findings[check].hint.value == hint


def test_yaw_grows_with_the_turn_of_the_nose(models, pictures):
    picture = pictures["obama"]
    face = models.finder.landmarks(picture, models.finder.find(picture)[0])
    face.points[30, 0] += 60
    assert Check.YAW in failed(assess(picture, face, crop_face(picture, face.five)))


@given(st.sampled_from(Check), st.floats(allow_nan=True))
def test_judging_follows_the_limits(check, value):
    limit, finding = LIMITS[check], judge(check, value)
    assert finding.passed == (limit.low <= value <= limit.high)
    if limit.above is not None and value > limit.high:
        assert finding.hint is limit.above
