"""Real photographs and models, as set-up provides them."""

from pathlib import Path

import pytest

from exam_station.face.check import FaceModels, load_models
from exam_station.face.picture import Picture, decode_picture

CACHE = Path(__file__).parents[3] / ".cache"
PHOTOGRAPHS = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")


@pytest.fixture(scope="session")
def photographs() -> Path:
    folder = CACHE / "photographs"
    missing = [name for name in PHOTOGRAPHS if not (folder / name).is_file()]
    if missing:
        pytest.fail(f"{', '.join(missing)} missing in .cache/photographs: run `make setup`")
    return folder


@pytest.fixture(scope="session")
def model_folder() -> Path:
    folder = CACHE / "models"
    if not (folder / "face_encoder.onnx").is_file():
        pytest.fail("the face model is missing in .cache/models: run `make setup`")
    return folder


@pytest.fixture(scope="session")
def models(model_folder: Path) -> FaceModels:
    return load_models(model_folder)


@pytest.fixture(scope="session")
def pictures(photographs: Path) -> dict[str, Picture]:
    """Name without suffix → RGB picture."""
    return {Path(n).stem: decode_picture((photographs / n).read_bytes()) for n in PHOTOGRAPHS}
