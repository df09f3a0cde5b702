"""Milliseconds of one face encoding in OpenCV and in dlib, and of the steps around it.

Writes build/bench/face.json: `value` is the share of one frame (detection, landmarks, quality,
four views encoded), `ceiling` the budget of a frame at ten frames a second.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import dlib

from exam_station.face.check import load_models
from exam_station.face.matcher import crop_face, four_views
from exam_station.face.picture import decode_picture, shrink
from exam_station.face.quality import assess
from exam_station.face.weights import RESNET_WEIGHTS, weight_file

ROOT = Path(__file__).parents[1]
FRAME_BUDGET_MS = 100.0
CAMERA_SIDE = 640
RUNS = 30


def milliseconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """Returns the median time of `work` after one run that is not counted."""
    work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(median(times), 2)


def measure() -> dict[str, float]:
    """Returns step → milliseconds, on one photograph at a camera's size."""
    models = load_models(ROOT / ".cache" / "models")
    photograph = decode_picture((ROOT / ".cache" / "photographs" / "obama.jpg").read_bytes())
    # Head and shoulders, as a kiosk's camera sees them.
    frame = shrink(photograph[:640, 60:910].copy(), CAMERA_SIDE)[0]
    finder, encoder = models.finder, models.encoder
    box = finder.find(frame)[0]
    face = finder.landmarks(frame, box)
    crop = crop_face(frame, face.five)
    theirs = dlib.face_recognition_model_v1(str(weight_file(RESNET_WEIGHTS)))
    return {
        "encoding_opencv": milliseconds(lambda: encoder.encode([crop])),
        "encoding_dlib": milliseconds(lambda: theirs.compute_face_descriptor(crop), runs=10),
        "detection": milliseconds(lambda: finder.find(frame)),
        "landmarks": milliseconds(lambda: finder.landmarks(frame, box)),
        "quality": milliseconds(lambda: assess(frame, face, crop)),
        "four_views": milliseconds(lambda: encoder.encode(four_views(frame, face))),
    }


def main() -> None:
    steps = measure()
    frame = sum(steps[name] for name in ("detection", "landmarks", "quality", "four_views"))
    result = {
        "name": "face",
        "value": round(frame, 2),
        "unit": "ms per frame",
        "ceiling": FRAME_BUDGET_MS,
        "ratio": round(frame / FRAME_BUDGET_MS, 3),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": steps
        | {"dlib_over_opencv": round(steps["encoding_dlib"] / steps["encoding_opencv"], 1)},
    }
    target = ROOT / "build" / "bench" / "face.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
