"""Model files and sessions."""

import functools
import os
from pathlib import Path

import numpy as np

# Before the library is loaded: else it calls its makers.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime  # noqa: E402

THREADS = int(os.environ.get("REFERENCE_THREADS", "2"))


def folder() -> Path:
    """Where `weir models pull` keeps the files."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("WEIR_MODEL_CACHE") or Path(base) / "weir" / "models")


@functools.cache
def session(name: str, file: str | None = None) -> onnxruntime.InferenceSession:
    """The model's file, loaded once per process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    path = folder() / name / (file or f"{name}.onnx")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(name: str, inputs: dict[str, np.ndarray], file: str | None = None) -> dict[str, np.ndarray]:
    """The outputs by name."""
    loaded = session(name, file)
    names = [output.name for output in loaded.get_outputs()]
    return dict(zip(names, loaded.run(names, inputs), strict=True))
