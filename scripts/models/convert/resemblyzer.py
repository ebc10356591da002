"""Resemblyzer's voice encoder (PyTorch weights) → ONNX: three LSTM layers, a linear layer, ReLU, length 1.

resemblyzer.onnx   mels f32 [N, frames, 40] → embedding f32 [N, 256]
"""

from pathlib import Path

import numpy as np

from .graph import BATCH, Graph, float_tensor
from .torch_weights import load

_LAYERS = 3
_HIDDEN = 256
_BANDS = 40


def convert(members: list[Path], output: Path) -> None:
    """`members`: the checkpoint."""
    weights = load(members[0])["model_state"]
    graph = Graph()
    value = graph.add("Transpose", ["mels"], perm=[1, 0, 2])
    last = ""
    for layer in range(_LAYERS):
        parts = [_gates(weights[f"lstm.{part}_l{layer}"])[None] for part in ("weight_ih", "weight_hh")]
        biases = [_gates(weights[f"lstm.{part}_l{layer}"]) for part in ("bias_ih", "bias_hh")]
        constants = [graph.constant(part) for part in (*parts, np.concatenate(biases)[None])]
        sequence, last = graph.add_split("LSTM", [value, *constants], 2, hidden_size=_HIDDEN)
        value = graph.add("Squeeze", [sequence, graph.int64(1)])
    weight, bias = (graph.constant(weights[f"linear.{part}"]) for part in ("weight", "bias"))
    hidden = graph.add("Squeeze", [last, graph.int64(0)])
    linear = graph.add("Relu", [graph.add("Gemm", [hidden, weight, bias], transB=1)])
    graph.add("LpNormalization", [linear], axis=-1, p=2, output="embedding")
    inputs = [float_tensor("mels", [BATCH, "frames", _BANDS])]
    graph.save(output / f"{output.name}.onnx", output.name, inputs, [float_tensor("embedding", [BATCH, _HIDDEN])])


def _gates(rows: np.ndarray) -> np.ndarray:
    """PyTorch keeps the gates in the order input, forget, cell, output; ONNX in the order input, output, forget, cell."""
    into, forget, cell, out = np.split(rows, 4)
    return np.concatenate([into, out, forget, cell])
