"""The encoder against dlib's own, the four views, portraits as chips hold them."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from exam_station.face.errors import FaceReason, ModelError, PortraitError
from exam_station.face.matcher import (
    FaceEncoder,
    crop_face,
    distance,
    four_views,
    portrait_template,
)
from exam_station.face.weights import RESNET_WEIGHTS, weight_file

PEOPLE = ("obama", "obama2", "obama3", "biden")
SCRIPT = Path(__file__).parents[3] / "scripts" / "face_model.py"


def face_in(models, picture):
    return models.finder.landmarks(picture, models.finder.find(picture)[0])


@pytest.fixture(scope="module")
def templates(models, pictures):
    return {n: models.encoder.template(p, face_in(models, p)) for n, p in pictures.items()}


@pytest.mark.slow
def test_agrees_with_dlib(models, pictures, photographs):
    """dlib reads, aligns and encodes by itself: the order of channels is checked along."""
    encoder = dlib.face_recognition_model_v1(str(weight_file(RESNET_WEIGHTS)))
    for name in PEOPLE:
        picture = dlib.load_rgb_image(str(photographs / f"{name}.jpg"))
        face = face_in(models, pictures[name])
        for alignment in (face.five, face.sixty_eight):
            expected = np.array(encoder.compute_face_descriptor(picture, alignment))
            (ours,) = models.encoder.encode([crop_face(pictures[name], alignment)])
            assert np.abs(ours - expected).max() < 1e-5


def test_batch_equals_single(models, pictures):
    views = four_views(pictures["biden"], face_in(models, pictures["biden"]))
    together = models.encoder.encode(views)
    alone = np.concatenate([models.encoder.encode([view]) for view in views])
    assert together.shape == (4, 128)
    assert np.abs(together - alone).max() < 1e-5


def test_views_are_two_alignments_and_their_mirrors(models, pictures):
    views = four_views(pictures["obama2"], face_in(models, pictures["obama2"]))
    assert [view.shape for view in views] == [(150, 150, 3)] * 4
    assert np.array_equal(views[1], views[0][:, ::-1])
    assert np.array_equal(views[3], views[2][:, ::-1])
    assert not np.array_equal(views[0], views[2])


def test_people_are_told_apart(templates):
    same = [distance(templates[a], templates[b]) for a in PEOPLE[:3] for b in PEOPLE[:3] if a < b]
    other = [distance(templates["biden"], templates[a]) for a in PEOPLE[:3]]
    assert max(same) < 0.40
    assert min(other) > 0.75


def test_swapped_channels_would_be_seen(models, pictures, templates):
    swapped = np.ascontiguousarray(pictures["obama"][:, :, ::-1])
    moved = models.encoder.template(swapped, face_in(models, swapped))
    assert distance(moved, templates["obama"]) > 0.12


def as_chip_portrait(picture, kind: str, size: tuple[int, int], mode: str = "RGB") -> bytes:
    """Cuts head and shoulders out of obama.jpg and stores them as DG2 would."""
    cut = Image.fromarray(picture[0:640, 260:740]).resize(size).convert(mode)
    buffer = io.BytesIO()
    if kind == "J2K":
        cut.save(buffer, "JPEG2000", no_jp2=True, quality_mode="rates", quality_layers=[12])
    else:
        cut.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "size", "mode"),
    [
        ("JPEG", (480, 640), "RGB"),
        ("JPEG", (240, 320), "RGB"),
        ("JPEG2000", (240, 320), "RGB"),
        ("J2K", (240, 320), "RGB"),
        ("J2K", (240, 320), "L"),
        ("JPEG", (150, 200), "RGB"),
    ],
)
def test_portraits_as_chips_hold_them(models, pictures, templates, kind, size, mode):
    data = as_chip_portrait(pictures["obama"], kind, size, mode)
    template = portrait_template(data + bytes(64), models.finder, models.encoder)
    assert distance(template, templates["obama"]) < 0.30
    assert distance(template, templates["biden"]) > 0.70


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\xff\x4f\xff\x51" + bytes(40), b"GIF89a"])
def test_unreadable_portrait(models, data):
    with pytest.raises(PortraitError, match="ask the proctor") as caught:
        portrait_template(data, models.finder, models.encoder)
    assert caught.value.reason is FaceReason.PORTRAIT_UNREADABLE


@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000", "J2K"])
def test_truncated_portrait(models, pictures, kind):
    data = as_chip_portrait(pictures["obama"], kind, (240, 320))
    with pytest.raises(PortraitError):
        portrait_template(data[: len(data) // 2], models.finder, models.encoder)


def test_oversized_portraits(models):
    for data in (bytes(5_000_000), _png(6000, 6000)):
        with pytest.raises(PortraitError) as caught:
            portrait_template(data, models.finder, models.encoder)
        assert caught.value.reason is FaceReason.PORTRAIT_UNREADABLE


def test_portrait_without_face(models):
    with pytest.raises(PortraitError, match="proctor") as caught:
        portrait_template(_png(240, 320), models.finder, models.encoder)
    assert caught.value.reason is FaceReason.PORTRAIT_WITHOUT_FACE


def _png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def test_damaged_or_missing_model(model_folder, tmp_path):
    with pytest.raises(ModelError, match="make setup") as caught:
        FaceEncoder(tmp_path)
    assert caught.value.reason is FaceReason.MODEL_MISSING
    for name in ("face_encoder.onnx", "face_encoder.json"):
        shutil.copy(model_folder / name, tmp_path / name)
    with (tmp_path / "face_encoder.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00\x01\x02\x03")
    with pytest.raises(ModelError) as caught:
        FaceEncoder(tmp_path)
    assert caught.value.reason is FaceReason.MODEL_DAMAGED
    (tmp_path / "face_encoder.json").write_text("[]")
    with pytest.raises(ModelError):
        FaceEncoder(tmp_path)


@pytest.mark.slow
def test_conversion_is_reproducible_and_idle_when_done(model_folder, tmp_path):
    def convert() -> float:
        subprocess.run([sys.executable, SCRIPT, tmp_path], check=True, timeout=280)
        return (tmp_path / "face_encoder.onnx").stat().st_mtime_ns

    first = convert()
    assert convert() == first
    for name in ("face_encoder.onnx", "face_encoder.json"):
        assert (tmp_path / name).read_bytes() == (model_folder / name).read_bytes()
    (tmp_path / "face_encoder.onnx").write_bytes(b"damaged")
    convert()
    card = json.loads((tmp_path / "face_encoder.json").read_text())
    assert FaceEncoder(tmp_path).model_sha256 == card["model_sha256"]
