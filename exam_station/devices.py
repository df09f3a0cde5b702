"""What the station's devices are like; nothing is held open for longer than a look."""

import shutil
from pathlib import Path

from exam_station.face.camera import open_source
from exam_station.face.check import load_models
from exam_station.face.errors import CameraError, ModelError
from exam_station.flow.codes import Problem
from exam_station.flow.states import Devices
from exam_station.readers import ReaderWatch
from exam_station.settings import Settings

#: A day's journals and packages take less; below this a shift should not begin.
LEAST_FREE = 64 * 1024 * 1024
#: Below this people are warned, while there is time to make room.
LOW_FREE = 512 * 1024 * 1024


def look(settings: Settings, watch: ReaderWatch) -> Devices:
    """The devices now. Slow the first time: the face model is loaded."""
    reader = watch.problems
    camera = camera_problems(settings.camera)
    model, disk = model_problems(settings.models), disk_problems(settings.data)
    return Devices(
        problems=(*reader, *camera, *model, *disk),
        reader_ready=not reader,
        camera_ready=not camera,
        disk_low=free_space(settings.data) < LOW_FREE,
    )


def camera_problems(name: str) -> tuple[Problem, ...]:
    """Whether there is such a camera; a camera itself is not switched on for it."""
    if name.isascii() and name.isdigit():
        return () if Path(f"/dev/video{name}").exists() else (Problem.NO_CAMERA,)
    try:
        open_source(name)
    except CameraError:
        return (Problem.NO_CAMERA,)
    return ()


def model_problems(models: Path) -> tuple[Problem, ...]:
    try:
        load_models(models)
    except ModelError:
        return (Problem.NO_FACE_MODEL,)
    return ()


def disk_problems(data: Path) -> tuple[Problem, ...]:
    return () if free_space(data) >= LEAST_FREE else (Problem.DISK_FULL,)


def free_space(data: Path) -> int:
    """Bytes that this account may still write; none where the disk cannot even be asked."""
    try:
        return shutil.disk_usage(data).free
    except OSError:
        return 0
