"""Builds an ONNX graph node by node. The same calls in the same order give the same bytes."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
BATCH = "N"
"""The name of a first dimension that varies: pictures or windows computed together."""


class Graph:
    """Nodes and initialisers in the order in which they were added."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initialisers: dict[str, onnx.TensorProto] = {}
        self._count = 0

    def add(self, op: str, inputs: list[str], *, output: str | None = None, **attributes) -> str:
        """Adds a node with one output and returns that output's name."""
        return self.add_many(op, inputs, [output or self._name(op)], **attributes)[0]

    def add_split(self, op: str, inputs: list[str], count: int, **attributes) -> list[str]:
        """Adds a node with `count` outputs and returns their names."""
        return self.add_many(op, inputs, [self._name(op) for _ in range(count)], **attributes)

    def add_many(self, op: str, inputs: list[str], outputs: list[str], **attributes) -> list[str]:
        """Adds a node with the outputs named and returns the names."""
        self._nodes.append(helper.make_node(op, inputs, outputs, **attributes))
        return outputs

    def constant(self, array: np.ndarray, name: str | None = None) -> str:
        """Adds an initialiser and returns its name."""
        name = name or self._name("constant")
        # Not `ascontiguousarray`, which turns a scalar into a vector of one.
        self._initialisers[name] = numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def has_constant(self, name: str) -> bool:
        """Whether an initialiser of this name was added."""
        return name in self._initialisers

    def int64(self, *values: int) -> str:
        """Adds a one-dimensional int64 initialiser."""
        return self.constant(np.array(values, np.int64))

    def float32(self, value: float) -> str:
        """Adds a scalar float32 initialiser."""
        return self.constant(np.array(value, np.float32))

    def save(self, path: Path, name: str, inputs: list, outputs: list) -> None:
        """Checks the model and writes it to `path`. An output given without a shape gets the inferred one; where its first
        dimension varies, that is the batch."""
        nodes, initialisers = self._used({output.name for output in outputs})
        graph = helper.make_graph(nodes, name, inputs, outputs, initialisers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        model.producer_name = "weir"
        inferred = {output.name: output for output in onnx.shape_inference.infer_shapes(model).graph.output}
        for output in model.graph.output:
            if not output.type.tensor_type.HasField("shape"):
                output.CopyFrom(inferred[output.name])
                first = output.type.tensor_type.shape.dim[0]
                if not first.HasField("dim_value"):
                    first.dim_param = BATCH
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString(deterministic=True))

    def _used(self, wanted: set[str]) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
        """The nodes and initialisers that the outputs `wanted` need."""
        nodes = []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                nodes.append(node)
        return nodes[::-1], [value for name, value in self._initialisers.items() if name in wanted]

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


def float_tensor(name: str, shape: list) -> onnx.ValueInfoProto:
    """A float32 input or output; a string in `shape` is a dimension that varies."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def int32_tensor(name: str, shape: list) -> onnx.ValueInfoProto:
    """An int32 input or output; a string in `shape` is a dimension that varies."""
    return helper.make_tensor_value_info(name, TensorProto.INT32, shape)


def int64_tensor(name: str, shape: list) -> onnx.ValueInfoProto:
    """An int64 input or output; a string in `shape` is a dimension that varies."""
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)
