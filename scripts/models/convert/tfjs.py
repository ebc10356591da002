"""TensorFlow.js graph model → ONNX.

Covers the operations of the models in the registry and says which one is missing otherwise. Inputs keep their names and their
layout, except that the first dimension, the batch, varies; outputs keep the names of the model's signature. A convolution gets a
transpose on either side, which ONNX Runtime removes again where it can.
"""

import json
from pathlib import Path

import numpy as np

from .graph import BATCH, Graph, float_tensor, int32_tensor
from .tfjs_nodes import attribute, inputs, source
from .tfjs_operations import BINARY, FOLDED, HANDLERS, UNARY
from .tfjs_weights import read_weights


def convert(members: list[Path], output: Path) -> None:
    """`members`: the model's JSON, then its shards."""
    model = json.loads(members[0].read_text(encoding="utf-8"))
    convert_model(model, [shard.read_bytes() for shard in members[1:]], output / f"{output.name}.onnx")


def convert_model(model: dict, shards: list[bytes], path: Path) -> None:
    """Writes the ONNX form of `model` to `path`."""
    converter = Converter(model, shards)
    outputs = _outputs(model)
    converter.run([reference for _, reference in outputs])
    for name, reference in outputs:
        converter.graph.add("Identity", [converter.value(reference)], output=name)
    converter.save(path, [float_tensor(name, None) for name, _ in outputs])


def _outputs(model: dict) -> list[tuple[str, str]]:
    """The outputs' names and the nodes that they come from: what no node takes up, then what else the signature names."""
    nodes = model["modelTopology"]["node"]
    used = {source(name)[0] for node in nodes for name in node.get("input", [])}
    ends = [node["name"] for node in nodes if node["name"] not in used and node["op"] != "Const"]
    signature = model.get("signature") or (model.get("userDefinedMetadata") or {}).get("signature") or {}
    named = {source(entry["name"])[0]: source(key)[0] for key, entry in signature.get("outputs", {}).items()}
    inner = sorted(name for name in named if name not in ends)
    return [(named.get(name, name), name) for name in ends + inner]


class Converter:
    """Takes a model over node by node."""

    def __init__(self, model: dict, shards: list[bytes]) -> None:
        self.graph = Graph()
        self._nodes = model["modelTopology"]["node"]
        self._constants = dict(read_weights(model["weightsManifest"], shards))
        self._values: dict[str, list[str]] = {}
        self._inputs: list = []
        self.padded: dict[str, tuple[str, np.ndarray, float]] = {}
        """Values that are another value with something around it: how much ([dimensions, 2]) and what."""
        self.bounded: dict[str, tuple[str, str]] = {}
        """Values that are another value with an upper bound, and the bound's name."""

    def run(self, ends: list[str]) -> None:
        """Adds what the nodes `ends` need and is not there."""
        needed = self._needed(ends)
        for node in self._nodes:
            if node["name"] in needed:
                self._node(node)

    def give(self, name: str, value: str) -> None:
        """Lets the ONNX value stand for the node `name`."""
        self._values[name] = [value]

    def save(self, path: Path, outputs: list) -> None:
        """Writes the graph."""
        self.graph.save(path, path.stem, self._inputs, outputs)

    def value(self, reference: str) -> str:
        """The ONNX name of a node's output; a constant becomes an initialiser at its first use."""
        name, index = source(reference)
        if name not in self._values:
            self._values[name] = [self.graph.constant(self.constant(name), name)]
        return self._values[name][index]

    def is_constant(self, reference: str) -> bool:
        """Whether the node's output is known now."""
        return source(reference)[0] in self._constants

    def constant(self, reference: str) -> np.ndarray:
        """The value of a node's output that is known now."""
        name, _ = source(reference)
        if name not in self._constants:
            raise ValueError(f"`{name}` is computed at run time; a constant is needed here")
        return self._constants[name]

    def _needed(self, ends: list[str]) -> set[str]:
        by_name = {node["name"]: node for node in self._nodes}
        needed: set[str] = set()
        waiting = [source(end)[0] for end in ends]
        while waiting:
            name = waiting.pop()
            if name in needed or name in self._values:
                continue
            needed.add(name)
            waiting += [source(reference)[0] for reference in inputs(by_name[name])]
        return needed

    def _node(self, node: dict) -> None:
        op, name = node["op"], node["name"]
        if op == "Const":
            return
        if op == "Placeholder":
            self._placeholder(node)
        elif op == "SparseToDense":
            self._constants[name] = self._dense(node)
        elif op in BINARY and all(self.is_constant(i) for i in inputs(node)):
            left, right = (self.constant(i) for i in inputs(node))
            self._constants[name] = FOLDED[BINARY[op]](left, right)
        elif op in BINARY:
            self._values[name] = [self.graph.add(BINARY[op], [self.value(i) for i in inputs(node)])]
        elif op in UNARY:
            self._values[name] = [self.graph.add(UNARY[op], [self.value(inputs(node)[0])])]
        elif op in HANDLERS:
            result = HANDLERS[op](self, node)
            self._values[name] = result if isinstance(result, list) else [result]
        else:
            raise ValueError(f"operation `{op}` of `{name}` has no conversion")

    def _placeholder(self, node: dict) -> None:
        tensor = int32_tensor if attribute(node, "dtype", "DT_FLOAT") == "DT_INT32" else float_tensor
        shape = attribute(node, "shape", [])
        self._inputs.append(tensor(node["name"], [BATCH, *shape[1:]]))
        self._values[node["name"]] = [node["name"]]

    def _dense(self, node: dict) -> np.ndarray:
        """`SparseToDense` over constants: the shapes of reshapes, in models that came from ONNX."""
        indices, shape, values, default = (self.constant(i) for i in inputs(node))
        dense = np.full(shape.astype(int), default, dtype=values.dtype)
        rows = indices.reshape(-1, len(shape)).astype(int)
        for row, value in zip(rows, np.broadcast_to(values, (len(rows),)), strict=True):
            dense[tuple(row)] = value
        return dense
