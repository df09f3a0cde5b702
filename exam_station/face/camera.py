"""Where frames come from: a camera, a video file, one picture, or a folder of pictures.

Every source is bounded: it ends after a number of frames, and a camera that goes silent raises.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from exam_station.face.errors import CameraStoppedError, NoCameraError
from exam_station.face.opencv import cv2
from exam_station.face.picture import (
    MAX_SIDE,
    Picture,
    UnreadablePictureError,
    decode_picture,
    shrink,
)

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".jp2", ".bmp", ".webp"})
MAX_FRAMES = 600  # of a camera or a video
MAX_LOST_FRAMES = 20  # in a row, before a camera counts as stopped
MAX_PICTURES = 32  # in a folder
FRAMES_PER_PICTURE = 6
ROUNDS = 2  # a folder is shown so many times over
OPEN_TIMEOUT_MS = 5000


class FrameSource(Protocol):
    """Gives frames: RGB, uint8, no side longer than `MAX_SIDE`."""

    def frames(self) -> Iterator[Picture]:
        """Opens the source anew and yields its frames; closing the iterator releases it.

        Raises `NoCameraError` where it cannot be opened, `CameraStoppedError` where it goes silent.
        """
        ...


class StillSource:
    """Pictures shown in turn, each for some frames, as if a camera had seen them."""

    def __init__(self, paths: list[Path]) -> None:
        if not paths:
            raise NoCameraError("There is no picture to show")
        self.paths = paths

    def frames(self) -> Iterator[Picture]:
        """Yields every picture `FRAMES_PER_PICTURE` times, `ROUNDS` times over."""
        pictures = [_read_still(path) for path in self.paths]
        for _ in range(ROUNDS):
            for picture in pictures:
                for _ in range(FRAMES_PER_PICTURE):
                    yield picture.copy()


class VideoSource:
    """A camera by index or device path, or a video file, through OpenCV."""

    def __init__(self, name: int | str) -> None:
        self.name = name

    def frames(self) -> Iterator[Picture]:
        """Yields at most `MAX_FRAMES` frames; a video file may end earlier."""
        capture = self._open()
        try:
            yield from self._read(capture)
        finally:
            capture.release()

    @property
    def is_live(self) -> bool:
        """Whether this is a device: one does not end, it only fails."""
        return isinstance(self.name, int) or Path(self.name).is_char_device()

    def _open(self) -> cv2.VideoCapture:
        if isinstance(self.name, str) and not Path(self.name).exists():
            raise NoCameraError(f"{self.name} does not exist")
        if isinstance(self.name, str) and not os.access(self.name, os.R_OK):
            raise NoCameraError(f"This account may not use {self.name} (group video)")
        try:
            if self.is_live:
                capture = cv2.VideoCapture(self.name)
            else:
                timeout = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS]
                capture = cv2.VideoCapture(str(self.name), cv2.CAP_FFMPEG, timeout)
        except cv2.error as error:
            raise NoCameraError(f"The camera {self.name} cannot be opened") from error
        if not capture.isOpened():
            capture.release()
            raise NoCameraError(f"The camera {self.name} cannot be opened")
        return capture

    def _read(self, capture: cv2.VideoCapture) -> Iterator[Picture]:
        given = lost = 0
        while given < MAX_FRAMES:
            got, frame = capture.read()
            if got and frame is not None:
                lost, given = 0, given + 1
                picture = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
                yield shrink(picture, MAX_SIDE)[0]
                continue
            if given and not self.is_live:
                return
            lost += 1
            if lost >= MAX_LOST_FRAMES:
                raise CameraStoppedError(f"The camera {self.name} gives no frames")


def open_source(name: str) -> FrameSource:
    """Returns the source called `name`: a camera's number, a device, a picture, a video, a folder.

    Raises `NoCameraError` where there is no such thing; a camera itself is opened by `frames`.
    """
    if name.isascii() and name.isdigit() and len(name) <= 3:
        return VideoSource(int(name))
    path = Path(name)
    if path.is_dir():
        paths = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        if not 0 < len(paths) <= MAX_PICTURES:
            raise NoCameraError(
                f"{name} holds {len(paths)} pictures; 1 to {MAX_PICTURES} are wanted"
            )
        return StillSource(paths)
    if not path.exists():
        raise NoCameraError(f"{name} does not exist")
    return StillSource([path]) if path.suffix.lower() in PICTURE_SUFFIXES else VideoSource(name)


def _read_still(path: Path) -> Picture:
    try:
        return shrink(decode_picture(path.read_bytes()), MAX_SIDE)[0]
    except (OSError, UnreadablePictureError) as error:
        raise NoCameraError(f"{path} is not a readable picture") from error
