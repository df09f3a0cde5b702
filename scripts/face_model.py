"""Turns dlib's face encoder (a serialised ResNet) into an ONNX file for OpenCV's DNN module.

The same weights run many times faster there than in dlib's wheel, and without holding the
interpreter's lock.  Source of format and architecture: dlib's own serialisation
(dlib/serialize.h, dlib/dnn/core.h) and its face recognition example (dnn_face_recognition_ex).
Usage: face_model.py FOLDER
"""

import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from exam_station.face.errors import FaceError
from exam_station.face.weights import ENCODER, ENCODER_CARD, RESNET_WEIGHTS, weight_file

# Raise it when the graph changes, so that set-up writes the model anew.
CONVERTER = 1
# (filters, number of residual blocks whose first one halves the picture), from the input on.
LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
INPUT_SIDE = 150
ENCODING_LENGTH = 128
PIXEL_SCALE = 256.0  # dlib's input_rgb_image: (pixel - mean) / 256


class MalformedWeightsError(Exception):
    """The weight file is not dlib's face encoder."""


class DlibReader:
    """Reads dlib's serialised integers, floats, strings and tensors from `data`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, length: int) -> bytes:
        """Returns the next `length` bytes."""
        chunk = self.data[self.position : self.position + length]
        if len(chunk) != length:
            raise MalformedWeightsError("the file ends too early")
        self.position += length
        return chunk

    def integer(self) -> int:
        """A control byte (sign in the high bit, length in the low four), then little endian."""
        control = self.take(1)[0]
        if not 1 <= control & 0x0F <= 8 or control & 0x70:
            raise MalformedWeightsError(f"no integer at byte {self.position - 1}")
        value = int.from_bytes(self.take(control & 0x0F), "little")
        return -value if control & 0x80 else value

    def float(self) -> float:
        """Mantissa and binary exponent, each an integer."""
        mantissa = self.integer()
        return mantissa * 2.0 ** self.integer()

    def tensor(self) -> np.ndarray:
        """Version 2: four dimensions, then 4-byte little-endian floats."""
        if self.integer() != 2:
            raise MalformedWeightsError("unknown tensor version")
        shape = tuple(self.integer() for _ in range(4))
        count = int(np.prod(shape, dtype=np.int64))
        if not 0 < count <= len(self.data) // 4:
            raise MalformedWeightsError(f"impossible tensor shape {shape}")
        return np.frombuffer(self.take(4 * count), "<f4").reshape(shape)

    def skip_past(self, name: str) -> None:
        """Goes behind the next serialised string `name`: the tag that opens a layer."""
        tag = struct.pack("<BB", 1, len(name)) + name.encode("ascii")
        found = self.data.find(tag, self.position)
        if found < 0:
            raise MalformedWeightsError(f"the layer {name} is missing")
        self.position = found + len(tag)


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution with the affine layer behind it folded in: weights (out, in, h, w)."""

    weights: np.ndarray
    biases: np.ndarray
    stride: int
    padding: int


def read_convolution(reader: DlibReader, channels: int) -> Convolution:
    """Reads the next `con_` and `affine_` layer; `channels` come in."""
    reader.skip_past("con_4")
    parameters = reader.tensor().ravel()
    filters, rows, columns, stride, stride_x, padding, padding_x = (
        reader.integer() for _ in range(7)
    )
    size = filters * channels * rows * columns
    if (stride, padding) != (stride_x, padding_x) or parameters.size != size + filters:
        raise MalformedWeightsError("a convolution has an unexpected shape")
    reader.skip_past("affine_")
    affine = reader.tensor().ravel()
    if affine.size != 2 * filters:
        raise MalformedWeightsError("an affine layer has an unexpected shape")
    gamma, beta = affine[:filters], affine[filters:]
    weights = parameters[:size].reshape(filters, channels, rows, columns)
    return Convolution(
        weights * gamma[:, None, None, None], parameters[size:] * gamma + beta, stride, padding
    )


def read_network(data: bytes) -> tuple[np.ndarray, list[Convolution], np.ndarray]:
    """Returns (mean of R, G, B; 29 convolutions from the input on; matrix 256 x 128)."""
    reader = DlibReader(data)
    reader.skip_past("input_rgb_image_sized")
    mean = np.array([reader.float() for _ in range(3)], np.float32)
    if (reader.integer(), reader.integer()) != (INPUT_SIDE, INPUT_SIDE):
        raise MalformedWeightsError("the network wants pictures of another size")
    convolutions = [read_convolution(reader, 3)]
    for _ in range(2 * sum(blocks for _, blocks, _ in LEVELS)):
        convolutions.append(read_convolution(reader, convolutions[-1].biases.size))
    reader.skip_past("fc_2")
    outputs, inputs = reader.integer(), reader.integer()
    matrix = reader.tensor()
    if outputs != ENCODING_LENGTH or matrix.shape != (inputs, outputs, 1, 1):
        raise MalformedWeightsError("the last layer has an unexpected shape")
    return mean, convolutions, matrix.reshape(inputs, outputs)


class GraphBuilder:
    """Collects ONNX nodes; each method appends one and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name

    def convolution(self, source: str, layer: Convolution) -> str:
        return self.node(
            "Conv",
            source,
            self.constant(layer.weights),
            self.constant(layer.biases),
            kernel_shape=list(layer.weights.shape[2:]),
            strides=[layer.stride] * 2,
            pads=[layer.padding] * 4,
        )

    def grow(self, source: str, channels: int, pixels: int) -> str:
        """dlib's add_prev takes what is missing in the smaller operand as zero."""
        if not channels and not pixels:
            return source
        pads = np.array([0, 0, 0, 0, 0, channels, pixels, pixels], np.int64)
        return self.node("Pad", source, self.constant(pads), mode="constant")


def build_model(data: bytes) -> onnx.ModelProto:
    """Returns the network of the weight file `data`: Nx3x150x150 RGB 0..255 in, Nx128 out."""
    mean, convolutions, matrix = read_network(data)
    graph = GraphBuilder()
    layers: Iterator[Convolution] = iter(convolutions)
    centred = graph.node("Sub", "pictures", graph.constant(mean.reshape(1, 3, 1, 1)))
    scaled = graph.node("Mul", centred, graph.constant(np.array(1 / PIXEL_SCALE, np.float32)))
    first = graph.node("Relu", graph.convolution(scaled, next(layers)))
    current = graph.node("MaxPool", first, kernel_shape=[3, 3], strides=[2, 2])
    channels, side = LEVELS[0][0], ((INPUT_SIDE - 7) // 2 + 1 - 3) // 2 + 1
    for filters, blocks, halves in LEVELS:
        for block in range(blocks):
            inner = graph.node("Relu", graph.convolution(current, next(layers)))
            inner = graph.convolution(inner, next(layers))
            if halves and block == 0:
                pooled_side, inner_side = side // 2, (side - 3) // 2 + 1
                current = graph.node("AveragePool", current, kernel_shape=[2, 2], strides=[2, 2])
                current = graph.grow(current, filters - channels, 0)
                inner = graph.grow(inner, 0, pooled_side - inner_side)
                side, channels = pooled_side, filters
            current = graph.node("Relu", graph.node("Add", inner, current))
    pooled = graph.node("Flatten", graph.node("GlobalAveragePool", current), axis=1)
    graph.nodes.append(
        helper.make_node("MatMul", [pooled, graph.constant(matrix)], ["encodings"], "encodings")
    )
    shape_in: list[str | int | None] = ["N", 3, INPUT_SIDE, INPUT_SIDE]
    shape_out: list[str | int | None] = ["N", ENCODING_LENGTH]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "dlib_face_encoder",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape_in)],
            [helper.make_tensor_value_info("encodings", TensorProto.FLOAT, shape_out)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        producer_name="truong-thi",
    )
    model.ir_version = 8  # readers of 2022 and later
    onnx.checker.check_model(model, full_check=True)
    return model


def up_to_date(folder: Path, weights_sha256: str) -> bool:
    """Whether `folder` already holds the model that these weights and this converter give."""
    try:
        card = json.loads((folder / ENCODER_CARD).read_bytes())
        digest = hashlib.sha256((folder / ENCODER).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False
    wanted = {"converter": CONVERTER, "weights_sha256": weights_sha256, "model_sha256": digest}
    return isinstance(card, dict) and card == card | wanted


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file in one step, so that a break never leaves half of it."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    draft.replace(path)


def convert(folder: Path) -> None:
    """Writes model and card to `folder` unless they are there already."""
    weights = weight_file(RESNET_WEIGHTS).read_bytes()
    weights_sha256 = hashlib.sha256(weights).hexdigest()
    if up_to_date(folder, weights_sha256):
        return
    model = build_model(weights).SerializeToString(deterministic=True)
    card = {
        "converter": CONVERTER,
        "input": f"Nx3x{INPUT_SIDE}x{INPUT_SIDE} RGB 0..255",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "output": f"Nx{ENCODING_LENGTH}",
        "weights": RESNET_WEIGHTS,
        "weights_sha256": weights_sha256,
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / ENCODER, model)
    write_whole(folder / ENCODER_CARD, (json.dumps(card, indent=1) + "\n").encode())


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: face_model.py FOLDER")
    try:
        convert(Path(sys.argv[1]))
    except FaceError as error:
        raise SystemExit(f"face model: {error}") from None
    except (MalformedWeightsError, OSError) as error:
        raise SystemExit(f"face model: {error}; install the pinned packages again") from None


if __name__ == "__main__":
    main()
