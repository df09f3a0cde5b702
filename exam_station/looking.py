"""One face check: frames from the camera to the screen and to the matcher, until it is decided.

Pictures live in memory only, for as long as the check runs.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from exam_server.contract import api
from exam_station.face.camera import open_source
from exam_station.face.check import FaceCheck, FrameFinding
from exam_station.face.errors import FaceError
from exam_station.face.picture import Picture, shrink
from exam_station.face.policy import (
    MAX_TRIES,
    FaceDecision,
    FaceRecord,
    record_without_comparison,
)
from exam_station.flow import events
from exam_station.flow.screens import FaceResult, Frame

log = logging.getLogger("exam_station")

PREVIEW_SIDE = 640
#: Seconds between frames: what a person can follow, and what a file source must not outrun.
PACE = 0.05


class Looking:
    """A face check under way, on the thread that calls `run`."""

    def __init__(
        self, turn: int, portrait: bytes, *, camera: str, models: Path, wanted: Callable[[], bool]
    ) -> None:
        self._turn = turn
        self._portrait = portrait
        self._camera = camera
        self._models = models
        self._wanted = wanted
        self._pace = threading.Event()

    def run(self, post: Callable[[events.Event], None]) -> None:
        """Posts FrameSeen and at the end FaceDecided, unless it is not wanted any more."""
        try:
            result = self._compare(post)
        except FaceError as error:
            log.warning("no face was compared: %s", error)
            result = not_compared(error.reason.value)
        if result is not None and self._wanted():
            post(events.FaceDecided(self._turn, result))

    def _compare(self, post: Callable[[events.Event], None]) -> FaceResult | None:
        check = FaceCheck(self._models, self._portrait)
        try:
            record = self._try(check, 1, post)
            for attempt in range(2, MAX_TRIES + 1):
                if record is None or record.decision is not FaceDecision.TRY_AGAIN:
                    break
                record = self._try(check, attempt, post)
            return None if record is None else _result(record, check)
        finally:
            check.forget()

    def _try(
        self, check: FaceCheck, attempt: int, post: Callable[[events.Event], None]
    ) -> FaceRecord | None:
        """One try's record, None where it is not wanted any more."""
        self._watch(check, attempt, post)
        return check.decide() if self._wanted() else None

    def _watch(self, check: FaceCheck, attempt: int, post: Callable[[events.Event], None]) -> None:
        frames = open_source(self._camera).frames()
        for frame in frames:
            if not self._wanted():
                return
            finding = check.consider(frame)
            post(self._seen(frame, finding, attempt))
            if check.finished:
                return
            self._pace.wait(PACE)

    def _seen(self, frame: Picture, finding: FrameFinding, attempt: int) -> events.FrameSeen:
        preview = shrink(frame, PREVIEW_SIDE)[0]
        height, width = preview.shape[:2]
        shown = Frame(width, height, preview.tobytes())
        return events.FrameSeen(self._turn, shown, finding.hint.value, attempt, finding.pictures)


def not_compared(cause: str) -> FaceResult:
    """A referral: nothing could be compared, for `cause`, which this station's log tells."""
    return FaceResult(_contract(record_without_comparison(cause)))


def _result(record: FaceRecord, check: FaceCheck) -> FaceResult:
    picture = check.referral_picture() if record.decision is FaceDecision.REFER else None
    return FaceResult(_contract(record), () if picture is None else (picture,))


def _contract(record: FaceRecord) -> api.FaceRecord:
    """The record as the server keeps it. Without an accepting threshold nothing is accepted: 0.

    Where nothing was compared, `fusion` is ``none``, and neither model nor score are named.
    """
    return api.FaceRecord(
        decision=api.FaceVerdict(record.decision.value),
        score=record.distance,
        accept_threshold=record.accept_at or 0.0,
        refer_threshold=record.refuse_above,
        fusion=record.fusion_mode.value,
        model=record.model_sha256,
        frames=record.frames,
        attempts=record.attempt,
        quality=record.quality,
        liveness=api.Liveness(record.liveness),
    )
