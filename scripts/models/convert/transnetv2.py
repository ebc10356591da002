"""TransNetV2 (PyTorch weights) → ONNX, for a batch of windows.

transnetv2.onnx   frames f32 [N, 100, 27, 48, 3] (RGB, 0 to 255) → single_frame f32 [N, 100, 1], all_frames f32 [N, 100, 1]

`single_frame` is the probability that a cut follows the frame; `all_frames` that the frame is part of a transition.
"""

from pathlib import Path

import numpy as np

from .graph import BATCH, Graph, float_tensor
from .torch_weights import load

_FRAMES = 100
_HEIGHT, _WIDTH = 27, 48
_BLOCKS = 3
_DILATIONS = (1, 2, 4, 8)
_LOOKUP = 101
"""A frame is compared with itself and 50 frames on either side."""
_COLOURS = 512
_EPSILON = 1e-3


def convert(members: list[Path], output: Path) -> None:
    """`members`: the weights."""
    _Network(load(members[0])).save(output / f"{output.name}.onnx")


class _Network:
    """In the comments T is the window's length, C a number of channels, S the number of pixels."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        self._graph = Graph()

    def save(self, path: Path) -> None:
        graph = self._graph
        pictures = graph.add("Reshape", ["frames", graph.int64(-1, _HEIGHT, _WIDTH, 3)])
        value = graph.add("Mul", [pictures, graph.float32(1 / 255)])
        value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
        means = []
        height, width = _HEIGHT, _WIDTH
        for block in range(_BLOCKS):
            value = self._block(value, block, height, width)
            height, width = height // 2, width // 2
            means.append(graph.add("ReduceMean", [value], axes=[2, 3], keepdims=0))
        flat = graph.add("Transpose", [value], perm=[0, 2, 3, 1])
        flat = graph.add("Reshape", [flat, graph.int64(-1, _FRAMES, height * width * self._channels(_BLOCKS - 1))])
        joined = graph.add("Concat", [self._histograms(pictures), self._similarities(means), flat], axis=2)
        hidden = graph.add("Relu", [self._linear(joined, "fc1")])
        for name, layer in (("single_frame", "cls_layer1"), ("all_frames", "cls_layer2")):
            graph.add("Sigmoid", [self._linear(hidden, layer)], output=name)
        outputs = [float_tensor(name, [BATCH, _FRAMES, 1]) for name in ("single_frame", "all_frames")]
        inputs = [float_tensor("frames", [BATCH, _FRAMES, _HEIGHT, _WIDTH, 3])]
        graph.save(path, path.stem, inputs, outputs)

    def _block(self, value: str, block: int, height: int, width: int) -> str:
        """Two dilated layers; the first's output is added to the second's. Then half the height and width."""
        graph = self._graph
        names = [f"SDDCNN.{block}.DDCNN.{index}" for index in range(2)]
        first = graph.add("Relu", [self._dilated(value, names[0], height, width)])
        shortcut = self._pictures(first, block, height, width)
        second = self._pictures(self._dilated(shortcut, names[1], height, width), block, height, width)
        total = graph.add("Add", [graph.add("Relu", [second]), shortcut])
        return graph.add("AveragePool", [total], kernel_shape=[2, 2], strides=[2, 2])

    def _dilated(self, value: str, name: str, height: int, width: int) -> str:
        """[N T, C, height, width] → [N, C', T, S]: a convolution over each picture, then four over time, side by side."""
        graph = self._graph
        spatial = np.concatenate([self._weights[f"{name}.Conv3D_{d}.layers.0.weight"][:, :, 0] for d in _DILATIONS])
        value = graph.add("Conv", [value, graph.constant(spatial)], pads=[1, 1, 1, 1])
        value = graph.add("Reshape", [value, graph.int64(-1, _FRAMES, len(spatial), height * width)])
        value = graph.add("Transpose", [value], perm=[0, 2, 1, 3])
        parts = graph.add_split("Split", [value], len(_DILATIONS), axis=1)
        over_time = []
        for part, dilation in zip(parts, _DILATIONS, strict=True):
            kernel = self._weights[f"{name}.Conv3D_{dilation}.layers.1.weight"][:, :, :, :, 0]
            attributes = {"dilations": [dilation, 1], "pads": [dilation, 0, dilation, 0]}
            over_time.append(graph.add("Conv", [part, graph.constant(kernel)], **attributes))
        parts = ("weight", "bias", "running_mean", "running_var")
        norm = [graph.constant(self._weights[f"{name}.bn.{part}"]) for part in parts]
        return graph.add("BatchNormalization", [graph.add("Concat", over_time, axis=1), *norm], epsilon=_EPSILON)

    def _channels(self, block: int) -> int:
        return len(self._weights[f"SDDCNN.{block}.DDCNN.0.bn.weight"])

    def _pictures(self, value: str, block: int, height: int, width: int) -> str:
        """[N, C, T, S] → [N T, C, height, width]."""
        by_frame = self._graph.add("Transpose", [value], perm=[0, 2, 1, 3])
        shape = self._graph.int64(-1, self._channels(block), height, width)
        return self._graph.add("Reshape", [by_frame, shape])

    def _similarities(self, means: list[str]) -> str:
        """How alike the features of neighbouring frames are."""
        graph = self._graph
        value = graph.add("Concat", means, axis=1)
        width = sum(self._channels(block) for block in range(_BLOCKS))
        value = graph.add("Reshape", [value, graph.int64(-1, _FRAMES, width)])
        return self._neighbours(self._linear(value, "frame_sim_layer.projection"), "frame_sim_layer.fc")

    def _histograms(self, pictures: str) -> str:
        """How alike the colours of neighbouring frames are: histograms of 8 × 8 × 8 colours."""
        graph = self._graph
        steps = graph.add("Floor", [graph.add("Mul", [pictures, graph.float32(1 / 32)])])
        places = graph.add("MatMul", [steps, graph.constant(np.array([[64], [8], [1]], np.float32))])
        places = graph.add("Reshape", [places, graph.int64(-1, _HEIGHT * _WIDTH)])
        rows = graph.add("Shape", [places], start=0, end=1)
        empty = graph.add("ConstantOfShape", [graph.add("Concat", [rows, graph.int64(_COLOURS)], axis=0)])
        ones = graph.add("Add", [graph.add("Mul", [places, graph.float32(0)]), graph.float32(1)])
        # 7: int64.
        inputs = [empty, graph.add("Cast", [places], to=7), ones]
        counts = graph.add("ScatterElements", inputs, axis=1, reduction="add")
        counts = graph.add("Reshape", [counts, graph.int64(-1, _FRAMES, _COLOURS)])
        return self._neighbours(counts, "color_hist_layer.fc")

    def _neighbours(self, value: str, layer: str) -> str:
        """[N, T, C] → [N, T, 128]: cosines of frame t with the frames t - 50 to t + 50 (0 beyond the window), and a layer."""
        graph = self._graph
        unit = graph.add("LpNormalization", [value], axis=-1, p=2)
        cosines = graph.add("MatMul", [unit, graph.add("Transpose", [unit], perm=[0, 2, 1])])
        half = _LOOKUP // 2
        padded = graph.add("Pad", [cosines, graph.int64(0, 0, half, 0, 0, half)])
        # Row t is wanted from column t on: read as one line, a row that is one longer begins one further to the right.
        line = graph.add("Reshape", [padded, graph.int64(-1, _FRAMES * (_FRAMES + 2 * half))])
        line = graph.add("Pad", [line, graph.int64(0, 0, 0, _FRAMES)])
        shifted = graph.add("Reshape", [line, graph.int64(-1, _FRAMES, _FRAMES + 2 * half + 1)])
        near = graph.add("Slice", [shifted, graph.int64(0), graph.int64(_LOOKUP), graph.int64(2)])
        return graph.add("Relu", [self._linear(near, layer)])

    def _linear(self, value: str, name: str) -> str:
        weight = self._graph.constant(self._weights[f"{name}.weight"].T)
        product = self._graph.add("MatMul", [value, weight])
        return self._graph.add("Add", [product, self._graph.constant(self._weights[f"{name}.bias"])])
