"""nsfwjs: the model lies in minified JavaScript modules, its topology as an object and each shard as base64 text."""

import base64
from pathlib import Path

from .js_literal import exported_object, exported_string
from .tfjs import convert_model


def convert(members: list[Path], output: Path) -> None:
    """`members`: the module of the topology, then the modules of the shards in order."""
    model = exported_object(members[0].read_text(encoding="utf-8"))
    shards = [base64.b64decode(exported_string(m.read_text(encoding="utf-8")), validate=True) for m in members[1:]]
    convert_model(model, shards, output / f"{output.name}.onnx")
