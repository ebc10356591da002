"""TensorFlow.js graph model → ONNX.

Covers the operations of the models in the registry and says which one is missing otherwise. Inputs and outputs keep their
names and their layout; a convolution gets a transpose on either side, which ONNX Runtime removes again where it can.
"""

import base64
import json
from pathlib import Path

import numpy as np

from .graph import Graph, float_tensor
from .tfjs_weights import read_weights

_BINARY = {"Add": "Add", "AddV2": "Add", "BiasAdd": "Add", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div"}
_FOLDED = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
_UNARY = {"Relu": "Relu", "Sigmoid": "Sigmoid", "Identity": "Identity"}


def convert(members: list[Path], output: Path) -> None:
    """`members`: the model's JSON, then its shards."""
    model = json.loads(members[0].read_text(encoding="utf-8"))
    convert_model(model, [shard.read_bytes() for shard in members[1:]], output / f"{output.name}.onnx")


def convert_model(model: dict, shards: list[bytes], path: Path) -> None:
    """Writes the ONNX form of `model` to `path`."""
    weights = read_weights(model["weightsManifest"], shards)
    _Converter(model["modelTopology"]["node"], weights).save(path)


class _Converter:
    def __init__(self, nodes: list[dict], weights: dict[str, np.ndarray]) -> None:
        self._graph = Graph()
        self._nodes = nodes
        self._constants = dict(weights)
        self._values: dict[str, list[str]] = {}
        self._inputs: list = []
        self._used = {_source(name)[0] for node in nodes for name in node.get("input", [])}

    def save(self, path: Path) -> None:
        for node in self._nodes:
            self._node(node)
        ends = [n["name"] for n in self._nodes if n["name"] not in self._used]
        outputs = []
        for name in ends:
            self._graph.add("Identity", [self._values[name][0]], output=name)
            outputs.append(float_tensor(name, None))
        self._graph.save(path, path.stem, self._inputs, outputs)

    def _node(self, node: dict) -> None:
        op, name = node["op"], node["name"]
        if op == "Const":
            return
        if op == "Placeholder":
            shape = [1 if size == -1 else size for size in _attribute(node, "shape", [])]
            self._inputs.append(float_tensor(name, shape))
            self._values[name] = [name]
            return
        if op == "SparseToDense":
            self._constants[name] = self._dense(node)
            return
        if op in _BINARY and all(_source(i)[0] in self._constants for i in node["input"]):
            left, right = (self._constant(i) for i in node["input"])
            self._constants[name] = _FOLDED[_BINARY[op]](left, right)
            return
        if op in _BINARY:
            inputs = [self._value(i) for i in node["input"]]
            self._values[name] = [self._graph.add(_BINARY[op], inputs)]
            return
        if op in _UNARY:
            self._values[name] = [self._graph.add(_UNARY[op], [self._value(node["input"][0])])]
            return
        handler = _HANDLERS.get(op)
        if handler is None:
            raise ValueError(f"operation `{op}` of `{name}` has no conversion")
        result = handler(self, node)
        self._values[name] = result if isinstance(result, list) else [result]

    def _value(self, reference: str) -> str:
        """The ONNX name of a node's output; a constant becomes an initialiser at its first use."""
        name, index = _source(reference)
        if name not in self._values:
            self._values[name] = [self._graph.constant(self._constants[name], name)]
        return self._values[name][index]

    def _constant(self, reference: str) -> np.ndarray:
        name, _ = _source(reference)
        if name not in self._constants:
            raise ValueError(f"`{name}` is computed at run time; a constant is needed here")
        return self._constants[name]

    def _dense(self, node: dict) -> np.ndarray:
        """`SparseToDense` over constants: the shapes of reshapes, in models that came from ONNX."""
        indices, shape, values, default = (self._constant(i) for i in node["input"])
        dense = np.full(shape.astype(int), default, dtype=values.dtype)
        rows = indices.reshape(-1, len(shape)).astype(int)
        for row, value in zip(rows, np.broadcast_to(values, (len(rows),)), strict=True):
            dense[tuple(row)] = value
        return dense

    def _to_nchw(self, value: str) -> str:
        return self._graph.add("Transpose", [value], perm=[0, 3, 1, 2])

    def _to_nhwc(self, value: str) -> str:
        return self._graph.add("Transpose", [value], perm=[0, 2, 3, 1])

    def _activation(self, value: str, name: str, node: dict) -> str:
        if name == "Relu6":
            return self._graph.add("Clip", [value, self._graph.float32(0), self._graph.float32(6)])
        if name == "LeakyRelu":
            return self._graph.add("LeakyRelu", [value], alpha=_attribute(node, "leakyrelu_alpha", 0.2))
        if name in ("Relu", "Elu", "Sigmoid"):
            return self._graph.add(name, [value])
        raise ValueError(f"activation `{name}` of `{node['name']}` has no conversion")

    def _convolution(self, node: dict) -> str:
        kernel = self._constant(node["input"][1]).astype(np.float32)
        if "Depthwise" in node["op"]:
            height, width, groups, multiplier = kernel.shape
            kernel = kernel.transpose(2, 3, 0, 1).reshape(groups * multiplier, 1, height, width)
        else:
            groups = 1
            kernel = kernel.transpose(3, 2, 0, 1)
        fused = _attribute(node, "fused_ops", [])
        inputs = [self._to_nchw(self._value(node["input"][0])), self._graph.constant(kernel)]
        if "BiasAdd" in fused:
            inputs.append(self._graph.constant(self._constant(node["input"][2]).reshape(-1)))
        value = self._graph.add(
            "Conv",
            inputs,
            kernel_shape=list(kernel.shape[2:]),
            strides=_attribute(node, "strides", [1, 1, 1, 1])[1:3],
            dilations=_attribute(node, "dilations", [1, 1, 1, 1])[1:3],
            group=groups,
            **_padding(node),
        )
        for name in fused:
            value = value if name == "BiasAdd" else self._activation(value, name, node)
        return self._to_nhwc(value)

    def _pool(self, node: dict) -> str:
        value = self._graph.add(
            {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[node["op"]],
            [self._to_nchw(self._value(node["input"][0]))],
            kernel_shape=_attribute(node, "ksize", [])[1:3],
            strides=_attribute(node, "strides", [])[1:3],
            **_padding(node),
        )
        return self._to_nhwc(value)

    def _pad(self, node: dict) -> str:
        pads = self._constant(node["input"][1])
        inputs = [self._value(node["input"][0]), self._graph.int64(*pads[:, 0].tolist(), *pads[:, 1].tolist())]
        if node["op"] == "PadV2":
            inputs.append(self._graph.constant(self._constant(node["input"][2]).astype(np.float32)))
        return self._graph.add("Pad", inputs, mode="constant")

    def _resize(self, node: dict) -> str:
        value = self._to_nchw(self._value(node["input"][0]))
        size = self._constant(node["input"][1]).astype(np.int64)
        shape = self._graph.add("Shape", [value], start=0, end=2)
        sizes = self._graph.add("Concat", [shape, self._graph.constant(size)], axis=0)
        mode = "asymmetric"
        if _attribute(node, "align_corners", False):
            mode = "align_corners"
        elif _attribute(node, "half_pixel_centers", False):
            mode = "half_pixel"
        value = self._graph.add(
            "Resize", [value, "", "", sizes], mode="linear", coordinate_transformation_mode=mode
        )
        return self._to_nhwc(value)

    def _matmul(self, node: dict) -> str:
        left, right = (self._value(i) for i in node["input"][:2])
        if _attribute(node, "transpose_a", False):
            left = self._graph.add("Transpose", [left], perm=[1, 0])
        if _attribute(node, "transpose_b", False):
            right = self._graph.add("Transpose", [right], perm=[1, 0])
        value = self._graph.add("MatMul", [left, right])
        for name in _attribute(node, "fused_ops", []):
            if name == "BiasAdd":
                value = self._graph.add("Add", [value, self._value(node["input"][2])])
            else:
                value = self._activation(value, name, node)
        return value

    def _transpose(self, node: dict) -> str:
        order = self._constant(node["input"][1]).astype(int).tolist()
        return self._graph.add("Transpose", [self._value(node["input"][0])], perm=order)

    def _reshape(self, node: dict) -> str:
        shape = self._graph.constant(self._constant(node["input"][1]).astype(np.int64))
        return self._graph.add("Reshape", [self._value(node["input"][0]), shape])

    def _concat(self, node: dict) -> str:
        axis = int(self._constant(node["input"][-1]))
        return self._graph.add("Concat", [self._value(i) for i in node["input"][:-1]], axis=axis)

    def _split(self, node: dict) -> list[str]:
        sizes = self._constant(node["input"][1]).astype(np.int64)
        inputs = [self._value(node["input"][0]), self._graph.constant(sizes)]
        axis = int(self._constant(node["input"][2]))
        return self._graph.add_split("Split", inputs, len(sizes), axis=axis)

    def _squeeze(self, node: dict) -> str:
        axes = _attribute(node, "squeeze_dims", [])
        return self._graph.add("Squeeze", [self._value(node["input"][0]), self._graph.int64(*axes)])

    def _softmax(self, node: dict) -> str:
        return self._graph.add("Softmax", [self._value(node["input"][0])], axis=-1)

    def _leaky_relu(self, node: dict) -> str:
        return self._graph.add(
            "LeakyRelu", [self._value(node["input"][0])], alpha=_attribute(node, "alpha", 0.2)
        )


_HANDLERS = {
    "Conv2D": _Converter._convolution,
    "_FusedConv2D": _Converter._convolution,
    "DepthwiseConv2dNative": _Converter._convolution,
    "FusedDepthwiseConv2dNative": _Converter._convolution,
    "MaxPool": _Converter._pool,
    "AvgPool": _Converter._pool,
    "Pad": _Converter._pad,
    "PadV2": _Converter._pad,
    "ResizeBilinear": _Converter._resize,
    "MatMul": _Converter._matmul,
    "_FusedMatMul": _Converter._matmul,
    "Transpose": _Converter._transpose,
    "Reshape": _Converter._reshape,
    "ConcatV2": _Converter._concat,
    "SplitV": _Converter._split,
    "Squeeze": _Converter._squeeze,
    "Softmax": _Converter._softmax,
    "LeakyRelu": _Converter._leaky_relu,
}


def _source(reference: str) -> tuple[str, int]:
    """Splits `name:2` into the node's name and the index of its output."""
    name, _, index = reference.lstrip("^").partition(":")
    return name, int(index or 0)


def _padding(node: dict) -> dict:
    padding = _attribute(node, "padding", "VALID")
    if padding == "SAME":
        return {"auto_pad": "SAME_UPPER"}
    if padding == "EXPLICIT":
        pads = _attribute(node, "explicit_paddings", [])
        return {"pads": [pads[2], pads[4], pads[3], pads[5]]}
    return {"auto_pad": "VALID"}


def _attribute(node: dict, key: str, default):
    """The value of a node's attribute; TensorFlow's JSON writes integers as strings and strings in base64."""
    entry = node.get("attr", {}).get(key)
    if entry is None:
        return default
    if "i" in entry:
        return int(entry["i"])
    if "f" in entry:
        return float(entry["f"])
    if "b" in entry:
        return bool(entry["b"])
    if "s" in entry:
        return base64.b64decode(entry["s"]).decode()
    if "shape" in entry:
        return [int(dimension.get("size", -1)) for dimension in entry["shape"].get("dim", [])]
    items = entry.get("list", {})
    if "i" in items:
        return [int(item) for item in items["i"]]
    if "s" in items:
        return [base64.b64decode(item).decode() for item in items["s"]]
    return default
