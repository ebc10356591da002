"""ISNet: the file lies in its package in pieces, and gives out what it has computed on the way.

isnet.onnx   input f32 [1, 3, 1024, 1024] → output f32 [1, 1, 1024, 1024]
"""

from pathlib import Path

import onnx

_OUTPUT = "output"


def convert(members: list[Path], output: Path) -> None:
    """`members`: the pieces in order. Of its twelve outputs (140 MB a picture) only the mask is kept."""
    model = onnx.load_from_string(b"".join(member.read_bytes() for member in members))
    (mask,) = (value for value in model.graph.output if value.name == _OUTPUT)
    del model.graph.output[:]
    model.graph.output.append(mask)
    onnx.checker.check_model(model)
    (output / f"{output.name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
