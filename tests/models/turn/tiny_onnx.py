"""Writes a tiny network with the inputs and outputs of Smart Turn v3, without the `onnx` package.

An ONNX file is one protobuf message (github.com/onnx/onnx, onnx/onnx.proto); field numbers are given by name.
The network averages each band over time, weighs the averages, and squashes the sum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

FLOAT, INT, INTS = 1, 2, 7  # TensorProto.FLOAT, AttributeProto.INT and INTS


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def nested(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def value_info(name: str, *shape: int | str) -> bytes:
    dims = b"".join(nested(1, nested(2, d) if isinstance(d, str) else number(1, d)) for d in shape)
    return nested(1, name) + nested(2, nested(1, number(1, FLOAT) + nested(2, dims)))


def node(kind: str, inputs: list[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(nested(1, name) for name in inputs) + nested(2, output) + nested(4, kind) + attributes


def write(path: Path, weights: npt.NDArray[np.float32], name: str = "input_features") -> None:
    """A network of `weights` (bands, 1) for inputs (batch, bands, 800) called `name`."""
    bands = len(weights)
    over_time = nested(1, "axes") + number(8, 2) + number(20, INTS)
    drop_time = nested(1, "keepdims") + number(3, 0) + number(20, INT)
    tensor = (
        number(1, bands) + number(1, 1) + number(2, FLOAT) + nested(8, "w") + nested(9, weights.tobytes())
    )
    graph = (
        nested(1, node("ReduceMean", [name], "average", nested(5, over_time) + nested(5, drop_time)))
        + nested(1, node("MatMul", ["average", "w"], "sum"))
        + nested(1, node("Sigmoid", ["sum"], "logits"))
        + nested(2, "tiny")
        + nested(5, tensor)
        + nested(11, value_info(name, "batch", bands, 800))
        + nested(12, value_info("logits", "batch", 1))
    )
    opset = nested(1, "") + number(2, 13)
    path.write_bytes(number(1, 8) + nested(8, opset) + nested(7, graph))
