"""Frame sources: real files, and devices that are not there."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exam_station.face import camera
from exam_station.face.camera import StillSource, VideoSource, open_source
from exam_station.face.errors import CameraError, CameraStoppedError, NoCameraError
from exam_station.face.opencv import cv2
from exam_station.face.picture import (
    MAX_SIDE,
    UnreadablePictureError,
    decode_picture,
    encode_jpeg,
    shrink,
)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    assert writer.isOpened()
    for value in (40, 120, 200):
        frame = np.zeros((240, 320, 3), np.uint8)
        frame[:, :, 2] = value  # red, in OpenCV's order
        writer.write(frame)
    writer.release()
    return path


@pytest.mark.parametrize("name", ["987", "/dev/video987", "nowhere/film.mp4", "nowhere"])
def test_missing_source_is_told_with_a_remedy(name):
    with pytest.raises(NoCameraError, match="Connect a camera") as caught:
        next(open_source(name).frames())
    assert caught.value.reason == "no_camera"
    assert "\n" not in str(caught.value)


def test_failing_camera_writes_nothing(capfd):
    with pytest.raises(NoCameraError):
        next(open_source("987").frames())
    assert capfd.readouterr() == ("", "")


def test_empty_folder(tmp_path):
    with pytest.raises(NoCameraError, match="holds 0 pictures"):
        open_source(str(tmp_path))
    with pytest.raises(NoCameraError):
        StillSource([])


@pytest.mark.parametrize("name", ["a.jpg", "a.mp4"])
def test_file_that_is_neither_picture_nor_video(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of the kind" * 50)
    with pytest.raises(NoCameraError):
        next(open_source(str(tmp_path / name)).frames())


def test_folder_shows_each_picture_in_turn(tmp_path):
    for name, colour in (("b.png", "blue"), ("a.png", "red")):
        Image.new("RGB", (64, 48), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    frames = list(open_source(str(tmp_path)).frames())
    assert len(frames) == 2 * camera.FRAMES_PER_PICTURE * camera.ROUNDS
    assert frames[0].shape == (48, 64, 3)
    assert frames[0].dtype == np.uint8
    assert tuple(frames[0][0, 0]) == (255, 0, 0)
    assert tuple(frames[camera.FRAMES_PER_PICTURE][0, 0]) == (0, 0, 255)


def test_large_pictures_are_shrunk(tmp_path):
    Image.new("RGB", (2600, 1300)).save(tmp_path / "a.png")
    frame = next(open_source(str(tmp_path / "a.png")).frames())
    assert frame.shape == (640, MAX_SIDE, 3)


def test_video_gives_rgb_and_ends(video):
    source = open_source(str(video))
    for _ in range(2):  # each try opens it anew
        frames = list(source.frames())
        assert len(frames) == 3
        assert [
            abs(int(f[100, 100, 0]) - v) < 8 for f, v in zip(frames, (40, 120, 200), strict=True)
        ]
        assert frames[2][100, 100, 0] > 180 > 20 > frames[2][100, 100, 2]


def test_video_is_bounded(video, monkeypatch):
    monkeypatch.setattr(camera, "MAX_FRAMES", 2)
    assert len(list(open_source(str(video)).frames())) == 2


def test_camera_that_goes_silent(video, monkeypatch):
    """A film taken for a device: when its frames end, that is a lost camera."""
    monkeypatch.setattr(VideoSource, "is_live", property(lambda self: False))
    source = VideoSource(str(video))
    frames = source.frames()
    assert len(list(islice(frames, 3))) == 3
    monkeypatch.setattr(VideoSource, "is_live", property(lambda self: True))
    with pytest.raises(CameraStoppedError, match="gives no frames") as caught:
        next(frames)
    assert isinstance(caught.value, CameraError)
    assert caught.value.reason == "camera_stopped"


@given(st.binary(max_size=200))
def test_decoding_never_fails_otherwise(data):
    try:
        picture = decode_picture(data)
    except UnreadablePictureError:
        return
    assert picture.ndim == 3


@given(st.integers(0, 3000), st.integers(0, 255))
def test_damaged_jpeg_never_fails_otherwise(position, value):
    data = bytearray(encode_jpeg(np.full((40, 40, 3), 90, np.uint8)))
    data[position % len(data)] = value
    try:
        picture = decode_picture(bytes(data[: position + 1]))
    except UnreadablePictureError:
        return
    assert picture.shape[2] == 3


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300))
def test_shrink_never_enlarges(height, width, side):
    small, factor = shrink(np.zeros((height, width, 3), np.uint8), side)
    assert max(small.shape[:2]) <= max(side, 1) or factor == 1.0
    assert factor <= 1.0
    assert min(small.shape[:2]) >= 1
