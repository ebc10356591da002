"""EfficientNet-Lite0 (PyTorch weights) → ONNX, and the names of its classes.

efficientnet.onnx   image f32 [N, 3, 224, 224] → probs f32 [N, 1000], features f32 [N, 1280]
labels.txt          line i: the name of class i

The layers are those of the paper's Lite0: no squeeze and excitation, ReLU6, TensorFlow's `SAME` padding.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .graph import BATCH, Graph, float_tensor
from .torch_weights import load

_EPSILON = 1e-3


@dataclass(frozen=True)
class _Stage:
    blocks: int
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int


_STAGES = (
    _Stage(1, 3, 1, 1, 32, 16),
    _Stage(2, 3, 2, 6, 16, 24),
    _Stage(2, 5, 2, 6, 24, 40),
    _Stage(3, 3, 2, 6, 40, 80),
    _Stage(3, 5, 1, 6, 80, 112),
    _Stage(4, 5, 2, 6, 112, 192),
    _Stage(1, 3, 1, 6, 192, 320),
)


def convert(members: list[Path], output: Path) -> None:
    """`members`: the weights, the classes' WordNet numbers in order, and the table of WordNet's names."""
    weights, synsets, names = members
    _Network(load(weights)).save(output / f"{output.name}.onnx")
    (output / "labels.txt").write_text(_labels(synsets, names), encoding="utf-8")


def _labels(synsets: Path, names: Path) -> str:
    """A WordNet number has several names, with commas; the first is taken."""
    rows = (line.split("\t", 1) for line in names.read_text(encoding="utf-8").splitlines())
    first = {number: text.split(",")[0].strip() for number, text in rows}
    return "".join(f"{first[number]}\n" for number in synsets.read_text(encoding="utf-8").split())


class _Network:
    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        self._graph = Graph()

    def save(self, path: Path) -> None:
        graph = self._graph
        value = self._relu6(self._norm(self._convolution("image", "_conv_stem", 2, 1), "_bn0"))
        number = 0
        for stage in _STAGES:
            for index in range(stage.blocks):
                value = self._block(value, f"_blocks.{number}", stage, index == 0)
                number += 1
        value = self._relu6(self._norm(self._convolution(value, "_conv_head", 1, 1), "_bn1"))
        value = graph.add("Flatten", [graph.add("GlobalAveragePool", [value])], output="features")
        weight, bias = (graph.constant(self._weights[f"_fc.{part}"]) for part in ("weight", "bias"))
        graph.add("Softmax", [graph.add("Gemm", [value, weight, bias], transB=1)], axis=-1, output="probs")
        outputs = [float_tensor("probs", [BATCH, 1000]), float_tensor("features", [BATCH, 1280])]
        graph.save(path, path.stem, [float_tensor("image", [BATCH, 3, 224, 224])], outputs)

    def _block(self, value: str, name: str, stage: _Stage, first: bool) -> str:
        stride = stage.stride if first else 1
        inputs = stage.inputs if first else stage.outputs
        hidden = value
        if stage.expansion != 1:
            hidden = self._relu6(self._norm(self._convolution(value, f"{name}._expand_conv", 1, 1), f"{name}._bn0"))
        groups = inputs * stage.expansion
        hidden = self._convolution(hidden, f"{name}._depthwise_conv", stride, groups)
        hidden = self._relu6(self._norm(hidden, f"{name}._bn1"))
        hidden = self._norm(self._convolution(hidden, f"{name}._project_conv", 1, 1), f"{name}._bn2")
        return self._graph.add("Add", [hidden, value]) if stride == 1 and inputs == stage.outputs else hidden

    def _convolution(self, value: str, name: str, stride: int, groups: int) -> str:
        kernel = self._weights[f"{name}.weight"]
        return self._graph.add(
            "Conv",
            [value, self._graph.constant(kernel)],
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=groups,
            auto_pad="SAME_UPPER",
        )

    def _norm(self, value: str, name: str) -> str:
        parts = ("weight", "bias", "running_mean", "running_var")
        values = [self._graph.constant(self._weights[f"{name}.{part}"]) for part in parts]
        return self._graph.add("BatchNormalization", [value, *values], epsilon=_EPSILON)

    def _relu6(self, value: str) -> str:
        return self._graph.add("Clip", [value, self._graph.float32(0), self._graph.float32(6)])
