"""The whole comparison as the kiosk uses it: frames in, hints out, one record at the end.

    check = FaceCheck(model_folder, portrait)
    for frame in source.frames():
        show(check.consider(frame).hint)
        if check.finished:
            break
    record = check.decide()          # TRY_AGAIN: open the source anew and go on with `check`

Use it on one worker thread.  Pictures and templates live in the object only.
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exam_station.face.detection import Box, FaceFinder
from exam_station.face.matcher import (
    FaceEncoder,
    Template,
    crop_face,
    distance,
    fuse,
    portrait_template,
)
from exam_station.face.picture import Picture, encode_jpeg, shrink
from exam_station.face.policy import WANTED_PICTURES, FaceDecision, FaceRecord, record
from exam_station.face.quality import LIMITS, Check, Hint, Quality, assess

MAX_FRAMES_PER_TRY = 150
# Noise, a shift, brightness, size, tilt or compression move a template by up to 0.071; different
# pictures of a person lie 0.30 to 0.38 apart (docs/face.md).
DIFFERENT_FROM = 0.12
SAME_PERSON_WITHIN = 0.50  # a frame further away belongs to somebody else: begin anew
REFERRAL_SIDE = 640


@dataclass(frozen=True, slots=True)
class FaceModels:
    """What takes a second to load and serves every candidate."""

    finder: FaceFinder
    encoder: FaceEncoder


@functools.lru_cache(maxsize=1)
def load_models(model_folder: Path) -> FaceModels:
    """Loads detector, landmark models and encoder once.  Raises `ModelError`.

    The station calls it while it starts, so that the first candidate does not wait.
    """
    return FaceModels(FaceFinder(), FaceEncoder(model_folder))


@dataclass(frozen=True, slots=True)
class FrameFinding:
    """What one frame gave: `hint` for the person, `box` in the frame's pixels, `taken` if kept."""

    hint: Hint
    box: Box | None = None
    quality: Quality | None = None
    taken: bool = False
    pictures: int = 0
    wanted: int = WANTED_PICTURES


@dataclass(frozen=True, slots=True)
class _Taken:
    template: Template
    quality: Quality


class FaceCheck:
    """Compares one person with one portrait (JPEG or JPEG 2000 bytes of DG2), in at most two tries.

    Raises `ModelError` and `PortraitError`.
    """

    def __init__(self, model_folder: Path, portrait: bytes) -> None:
        self._models = load_models(model_folder)
        self._portrait = portrait_template(portrait, self._models.finder, self._models.encoder)
        self._attempt = 1
        self._frames = 0
        self._taken: list[_Taken] = []
        self._last_frame: Picture | None = None
        self._last_finding = FrameFinding(Hint.NO_FACE)
        self._best_view: Picture | None = None

    @property
    def finished(self) -> bool:
        """Whether `decide` is due: three different pictures, or enough frames without them."""
        return len(self._taken) >= WANTED_PICTURES or self._frames >= MAX_FRAMES_PER_TRY

    def consider(self, frame: Picture) -> FrameFinding:
        """Looks at one RGB frame and keeps it where it is good and unlike those kept before."""
        self._frames += 1
        repeated = self._last_frame is not None and np.array_equal(frame, self._last_frame)
        finding = _seen_again(self._last_finding) if repeated else self._look(frame)
        # After a change of face the very same frame may begin the new collection.
        self._last_frame = None if finding.hint is Hint.FACE_CHANGED else frame
        self._last_finding = replace(finding, pictures=len(self._taken))
        return self._last_finding

    def decide(self) -> FaceRecord:
        """Compares what was kept with the portrait; after `try_again` the next try begins."""
        compared = None
        if self._taken:
            compared = distance(self._portrait, fuse([t.template for t in self._taken]))
        result = record(
            distance=None if compared is None else round(compared, 4),
            pictures=len(self._taken),
            frames=self._frames,
            attempt=self._attempt,
            model_sha256=self._models.encoder.model_sha256,
            quality=_worst([t.quality for t in self._taken]),
        )
        if result.decision is FaceDecision.TRY_AGAIN:
            self._begin_again(self._attempt + 1)
        return result

    def referral_picture(self) -> bytes | None:
        """Returns a JPEG for the proctor of a referred case, from memory; the caller encrypts it.

        None where no face was ever seen.  Call it for a referred case only.
        """
        if self._best_view is None:
            return None
        return encode_jpeg(shrink(self._best_view, REFERRAL_SIDE)[0])

    def forget(self) -> None:
        """Drops every picture and template of this person."""
        self._begin_again(self._attempt)
        self._portrait = np.zeros_like(self._portrait) * np.nan
        self._best_view = None

    def _begin_again(self, attempt: int) -> None:
        self._attempt = attempt
        self._frames = 0
        self._taken.clear()
        self._last_frame = None

    def _look(self, frame: Picture) -> FrameFinding:
        finder = self._models.finder
        boxes = finder.find(frame)
        if not boxes:
            return FrameFinding(Hint.NO_FACE)
        if self._best_view is None or not self._taken:
            self._best_view = frame if len(boxes) > 1 else _around(frame, boxes[0])
        if len(boxes) > 1:
            return FrameFinding(Hint.TWO_FACES, boxes[0])
        face = finder.landmarks(frame, boxes[0])
        quality = assess(frame, face, crop_face(frame, face.five))
        if not quality.passed:
            return FrameFinding(quality.hint, face.box, quality)
        hint = self._take(self._models.encoder.template(frame, face), quality)
        return FrameFinding(hint, face.box, quality, taken=hint is Hint.OK)

    def _take(self, template: Template, quality: Quality) -> Hint:
        gaps = [distance(template, taken.template) for taken in self._taken]
        if gaps and max(gaps) > SAME_PERSON_WITHIN:
            # One face throughout: the mean of two people would lie near both.
            self._taken.clear()
            return Hint.FACE_CHANGED
        if len(gaps) >= WANTED_PICTURES or (gaps and min(gaps) < DIFFERENT_FROM):
            return Hint.TURN_A_LITTLE
        self._taken.append(_Taken(template, quality))
        return Hint.OK


def _around(frame: Picture, box: Box) -> Picture:
    """Head and shoulders in the shape of a portrait, as far as the frame reaches."""
    middle = box.left + box.width // 2
    left, right = middle - 5 * box.width // 4, middle + 5 * box.width // 4
    top, bottom = box.top - box.height, box.top + 7 * box.height // 3
    return frame[max(0, top) : bottom, max(0, left) : right].copy()


def _seen_again(finding: FrameFinding) -> FrameFinding:
    """An identical frame teaches nothing: a good one is not taken twice."""
    hint = Hint.TURN_A_LITTLE if finding.hint is Hint.OK else finding.hint
    return replace(finding, hint=hint, taken=False)


def _worst(qualities: list[Quality]) -> dict[str, float]:
    """Returns check → the number nearest to (or furthest beyond) its limit."""
    if not qualities:
        return {}
    plain = [quality.to_plain() for quality in qualities]
    return {
        check.value: _nearest_to_limit(check, [p[check.value] for p in plain]) for check in Check
    }


def _nearest_to_limit(check: Check, values: list[float]) -> float:
    limit = LIMITS[check]
    return min(values, key=lambda value: min(value - limit.low, limit.high - value))
