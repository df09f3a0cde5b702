"""Where the model files lie, and proof that the encoder is the one that set-up made.

The package `face_recognition_models` is located but never imported: its import needs
`pkg_resources`, and `face_recognition` ends the whole process where that is missing.
"""

import hashlib
import importlib.util
import json
from pathlib import Path

from exam_station.face.errors import FaceReason, ModelError

RESNET_WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"
FIVE_POINT_WEIGHTS = "shape_predictor_5_face_landmarks.dat"
SIXTY_EIGHT_POINT_WEIGHTS = "shape_predictor_68_face_landmarks.dat"

ENCODER = "face_encoder.onnx"
ENCODER_CARD = "face_encoder.json"


def weight_file(name: str) -> Path:
    """Returns the path of the weight file `name`.  Raises `ModelError` where it is missing."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise ModelError(
            FaceReason.MODEL_MISSING, "The package face_recognition_models is not installed"
        )
    path = Path(spec.origin).parent / "models" / name
    if not path.is_file():
        raise ModelError(FaceReason.MODEL_MISSING, f"The weight file {name} is missing")
    return path


def read_encoder(folder: Path) -> tuple[bytes, str]:
    """Returns (ONNX bytes, their SHA-256 in lower-case hex) from the model folder of set-up.

    Raises `ModelError` where the file is missing or differs from the card beside it.
    """
    try:
        model = (folder / ENCODER).read_bytes()
        card = json.loads((folder / ENCODER_CARD).read_bytes())
    except OSError as error:
        raise ModelError(FaceReason.MODEL_MISSING, f"{folder / ENCODER} is missing") from error
    except ValueError as error:
        raise ModelError(FaceReason.MODEL_DAMAGED, f"{ENCODER_CARD} is not JSON") from error
    digest = hashlib.sha256(model).hexdigest()
    if not isinstance(card, dict) or card.get("model_sha256") != digest:
        raise ModelError(FaceReason.MODEL_DAMAGED, f"{ENCODER} differs from {ENCODER_CARD}")
    return model, digest
