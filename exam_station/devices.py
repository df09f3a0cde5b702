"""What the station's devices are like; nothing is held open for longer than a look."""

import shutil
from pathlib import Path

from exam_station.face.camera import open_source
from exam_station.face.check import load_models
from exam_station.face.errors import CameraError, ModelError
from exam_station.flow.states import Devices, Problem
from exam_station.readers import ReaderWatch
from exam_station.settings import Settings

#: A day's journals and packages take less; below this a shift should not begin.
LEAST_FREE = 64 * 1024 * 1024


def look(settings: Settings, watch: ReaderWatch) -> Devices:
    """The devices now. Slow the first time: the face model is loaded."""
    reader = watch.problems
    camera = camera_problems(settings.camera)
    model, disk = model_problems(settings.models), disk_problems(settings.data)
    return Devices(
        problems=(*reader, *camera, *model, *disk),
        reader_ready=not reader,
        camera_ready=not camera,
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
    try:
        free = shutil.disk_usage(data).free
    except OSError:
        return (Problem.DISK_FULL,)
    return () if free >= LEAST_FREE else (Problem.DISK_FULL,)
