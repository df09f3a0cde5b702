"""The whole comparison with real photographs: the right person, another one, and tricks."""

import subprocess
import sys

import numpy as np
import pytest

from exam_station.face.camera import StillSource
from exam_station.face.check import MAX_FRAMES_PER_TRY, FaceCheck, load_models
from exam_station.face.errors import PortraitError
from exam_station.face.picture import Picture, decode_picture, shrink
from exam_station.face.policy import FaceDecision, FaceOutcome, FaceRecord, FusionMode
from exam_station.face.quality import Hint

pytestmark = pytest.mark.slow

ONE_PERSON = ("obama", "obama2", "obama3")


@pytest.fixture
def begin(model_folder, photographs):
    """Returns a function: portrait's name → a fresh check."""
    return lambda name: FaceCheck(model_folder, (photographs / f"{name}.jpg").read_bytes())


@pytest.fixture
def one_try(photographs):
    """Returns a function: one try of `check` with still pictures as camera."""

    def run(check: FaceCheck, *names: str) -> tuple[FaceRecord, list[Hint]]:
        hints = []
        for frame in StillSource([photographs / f"{name}.jpg" for name in names]).frames():
            hints.append(check.consider(frame).hint)
            if check.finished:
                break
        return check.decide(), hints

    return run


@pytest.fixture
def frames(pictures) -> dict[str, Picture]:
    return {name: shrink(picture, 1280)[0] for name, picture in pictures.items()}


@pytest.mark.parametrize(
    ("portrait", "a", "b"),
    [("obama", "obama2", "obama3"), ("obama2", "obama3", "obama"), ("obama3", "obama", "obama2")],
)
def test_two_other_pictures_of_the_person_are_accepted(begin, one_try, portrait, a, b):
    record, hints = one_try(begin(portrait), a, b)
    assert (record.decision, record.outcome) == (FaceDecision.ACCEPT, FaceOutcome.MATCHED)
    assert record.fusion_mode is FusionMode.MEAN_OF_TWO
    assert record.pictures == hints.count(Hint.OK) == 2
    assert record.distance is not None
    assert 0.2 < record.distance <= 0.376
    assert record.liveness == "not_done"


def test_three_pictures_end_the_collection(begin, one_try):
    check = begin("obama")
    record, hints = one_try(check, *ONE_PERSON)
    assert check.finished
    assert record.fusion_mode is FusionMode.MEAN_OF_THREE
    assert record.accept_at == 0.38
    assert hints.count(Hint.OK) == 3
    assert set(hints) == {Hint.OK, Hint.TURN_A_LITTLE}


@pytest.mark.parametrize(
    ("portrait", "live"),
    [("obama", ["biden"]), ("biden", ONE_PERSON)],
)
def test_another_person_is_referred_after_two_tries(begin, one_try, portrait, live):
    check = begin(portrait)
    first, _ = one_try(check, *live)
    second, _ = one_try(check, *live)
    assert (first.decision, first.attempt) == (FaceDecision.TRY_AGAIN, 1)
    assert (second.decision, second.attempt) == (FaceDecision.REFER, 2)
    assert second.outcome is FaceOutcome.DIFFERENT
    assert second.distance is not None
    assert second.distance > 0.75


def test_a_single_still_counts_once_however_often_it_is_shown(begin, one_try):
    check = begin("obama")
    record, hints = one_try(check, "obama2")
    assert hints[0] is Hint.OK
    assert set(hints[1:]) == {Hint.TURN_A_LITTLE}
    assert (record.pictures, record.fusion_mode) == (1, FusionMode.SINGLE)
    assert (record.decision, record.outcome) == (
        FaceDecision.TRY_AGAIN,
        FaceOutcome.TOO_FEW_PICTURES,
    )
    assert record.distance is not None
    assert record.distance < 0.376  # near enough, and still not accepted
    assert one_try(check, "obama2")[0].decision is FaceDecision.REFER


def test_noise_and_shifts_make_no_new_picture(begin, frames):
    """What a camera does to a person who stands still."""
    check, rng = begin("obama"), np.random.default_rng(7)
    still = frames["obama2"]
    for shift in range(5):
        noise = rng.normal(0, 4, still.shape)
        moved = np.roll(still, shift, axis=1) + noise
        finding = check.consider(np.clip(moved, 0, 255).astype(np.uint8))
    assert finding.hint is Hint.TURN_A_LITTLE
    assert finding.pictures == 1


def test_two_people_in_turn_are_never_mixed(begin, frames):
    check = begin("obama")
    assert check.consider(frames["obama2"]).taken
    assert check.consider(frames["biden"]).hint is Hint.FACE_CHANGED
    again = check.consider(frames["biden"])
    assert (again.hint, again.pictures) == (Hint.OK, 1)
    assert check.consider(frames["obama3"]).hint is Hint.FACE_CHANGED
    assert check.consider(frames["obama3"]).pictures == 1
    assert check.decide().decision is not FaceDecision.ACCEPT


def test_two_faces_in_view(begin, frames):
    one = frames["obama"][:600]
    finding = begin("obama").consider(np.hstack([one, one[:, ::-1]]))
    assert (finding.hint, finding.taken, finding.pictures) == (Hint.TWO_FACES, False, 0)


def test_nobody_before_the_camera(begin):
    check = begin("obama")
    for value in range(MAX_FRAMES_PER_TRY):
        assert not check.finished
        finding = check.consider(np.full((60, 80, 3), value, np.uint8))
        assert (finding.hint, finding.box) == (Hint.NO_FACE, None)
    assert check.finished
    record = check.decide()
    assert (record.decision, record.outcome) == (
        FaceDecision.TRY_AGAIN,
        FaceOutcome.TOO_FEW_PICTURES,
    )
    assert (record.distance, record.frames) == (None, MAX_FRAMES_PER_TRY)
    assert check.referral_picture() is None
    assert not check.finished


def test_poor_frames_are_not_taken(begin, frames):
    finding = begin("obama").consider((frames["obama2"] * 0.25).astype(np.uint8))
    assert (finding.hint, finding.taken) == (Hint.TOO_DARK, False)
    assert finding.quality is not None
    assert finding.box is not None


def test_picture_for_the_proctor_shows_the_face_and_stays_in_memory(
    begin, one_try, frames, model_folder
):
    check = begin("obama")
    one_try(check, "biden")
    picture = check.referral_picture()
    assert picture is not None
    seen = decode_picture(picture)
    height, width = seen.shape[:2]
    assert width < height <= 640
    (face,) = load_models(model_folder).finder.find(seen)
    assert face.width > width / 4
    assert abs(face.left + face.width / 2 - width / 2) < width / 8
    check.forget()
    assert check.referral_picture() is None
    check.consider(frames["obama2"])
    assert check.decide().decision is not FaceDecision.ACCEPT


def test_no_check_without_a_portrait(model_folder):
    with pytest.raises(PortraitError):
        FaceCheck(model_folder, b"no picture")


@pytest.mark.slow
def test_import_leaves_qt_and_the_process_alone():
    """Neither face_recognition nor its models are imported; Qt's variables are gone."""
    code = (
        "import os, sys; import exam_station.face.check, exam_station.face.camera\n"
        "from PIL import ImageFile\n"
        "assert not any(name.startswith('face_recognition') for name in sys.modules)\n"
        "assert 'QT_QPA_PLATFORM_PLUGIN_PATH' not in os.environ\n"
        "assert 'QT_QPA_FONTDIR' not in os.environ\n"
        "assert not ImageFile.LOAD_TRUNCATED_IMAGES\n"
        "assert 'PySide6' not in sys.modules\n"
        "print('well')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=280, check=False
    )
    assert (result.stdout.strip(), result.stderr) == ("well", "")
