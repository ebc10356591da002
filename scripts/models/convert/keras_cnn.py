"""inaSpeechSegmenter's networks (Keras, HDF5) → ONNX: convolutions, pools and dense layers in a row.

speech_music_noise.onnx   mel f32 [N, 68, 21] → probs f32 [N, 3]: speech, music, noise
gender.onnx               mel f32 [N, 68, 24] → probs f32 [N, 2]: female, male
"""

import json
from pathlib import Path

import h5py
import numpy as np

from .graph import BATCH, Graph, float_tensor

_FILES = ("speech_music_noise.onnx", "gender.onnx")


def convert(members: list[Path], output: Path) -> None:
    """`members`: the file of speech, music and noise, then the file of the two voices."""
    for member, name in zip(members, _FILES, strict=True):
        with h5py.File(member) as file:
            _Network(file).save(output / name)


class _Network:
    def __init__(self, file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])["config"]
        self._layers = config["layers"] if isinstance(config, dict) else config
        self._weights = file["model_weights"]
        self._graph = Graph()

    def save(self, path: Path) -> None:
        value, shape, width = "mel", (0, 0), 0
        for layer in self._layers:
            kind, config = layer["class_name"], layer["config"]
            if kind == "Reshape":
                shape = tuple(config["target_shape"][:2])
                value = self._graph.add("Unsqueeze", [value, self._graph.int64(1)])
            elif kind == "Dense":
                value, width = self._dense(value, config), config["units"]
            elif kind not in ("Dropout", "InputLayer"):
                value = self._layer(kind, value, config)
        self._graph.add("Identity", [value], output="probs")
        outputs = [float_tensor("probs", [BATCH, width])]
        self._graph.save(path, path.stem, [float_tensor("mel", [BATCH, *shape])], outputs)

    def _layer(self, kind: str, value: str, config: dict) -> str:
        if kind == "Conv2D":
            return self._convolution(value, config)
        if kind == "BatchNormalization":
            return self._norm(value, config)
        if kind == "MaxPooling2D":
            pad = "SAME_UPPER" if config["padding"] == "same" else "VALID"
            sizes = {"kernel_shape": config["pool_size"], "strides": config["strides"]}
            return self._graph.add("MaxPool", [value], auto_pad=pad, **sizes)
        if kind == "Activation" and config["activation"] == "relu":
            return self._graph.add("Relu", [value])
        if kind == "Flatten":
            # Keras has the channels last.
            return self._graph.add("Flatten", [self._graph.add("Transpose", [value], perm=[0, 2, 3, 1])])
        raise ValueError(f"layer `{kind}` has no conversion")

    def _convolution(self, value: str, config: dict) -> str:
        _require(config, padding="valid", activation="linear", strides=[1, 1], dilation_rate=[1, 1])
        weights = self._of(config)
        inputs = [value, self._graph.constant(weights["kernel"].transpose(3, 2, 0, 1))]
        if "bias" in weights:
            inputs.append(self._graph.constant(weights["bias"]))
        return self._graph.add("Conv", inputs)

    def _norm(self, value: str, config: dict) -> str:
        weights = self._of(config)
        gamma = weights.get("gamma", np.ones_like(weights["beta"]))
        parts = [gamma, weights["beta"], weights["moving_mean"], weights["moving_variance"]]
        inputs = [value, *(self._graph.constant(part) for part in parts)]
        return self._graph.add("BatchNormalization", inputs, epsilon=config["epsilon"])

    def _dense(self, value: str, config: dict) -> str:
        weights = self._of(config)
        value = self._graph.add("MatMul", [value, self._graph.constant(weights["kernel"])])
        if "bias" in weights:
            value = self._graph.add("Add", [value, self._graph.constant(weights["bias"])])
        if config["activation"] == "softmax":
            return self._graph.add("Softmax", [value], axis=-1)
        _require(config, activation="linear")
        return value

    def _of(self, config: dict) -> dict[str, np.ndarray]:
        group = self._weights[config["name"]]
        names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"]]
        return {name.rpartition("/")[2].partition(":")[0]: np.array(group[name]) for name in names}


def _require(config: dict, **expected) -> None:
    """The conversion knows only this kind of layer; another one must not pass as it."""
    for key, value in expected.items():
        found = config.get(key, value)
        if (list(found) if isinstance(found, tuple) else found) != value:
            raise ValueError(f"`{key}` of `{config['name']}` is {found!r}; only {value!r} has a conversion")
