"""BRISQUE's support vector regression (libsvm text, pickled ranges) → JSON.

The score of 36 features, as the package computes it:
1. x[i] = -1 + 2 (feature[i] - minimum[i]) / (maximum[i] - minimum[i]);
2. score = sum over the support vectors of coefficient · exp(-gamma · |x - vector|²), minus rho.
"""

import json
from pathlib import Path

from .safe_joblib import load

FORMAT = "weir.brisque.v1"
_FEATURES = 36


def convert(members: list[Path], output: Path) -> None:
    """`members`: svm.txt, normalize.pickle."""
    head, _, body = members[0].read_text(encoding="ascii").partition("SV\n")
    settings = dict(line.split(" ", 1) for line in head.splitlines())
    if (settings["svm_type"], settings["kernel_type"]) != ("epsilon_svr", "rbf"):
        raise ValueError(f"a {settings['svm_type']} with a {settings['kernel_type']} kernel has no conversion")
    vectors = [_vector(line) for line in body.splitlines()]
    if len(vectors) != int(settings["total_sv"]):
        raise ValueError(f"{len(vectors)} support vectors; the head says {settings['total_sv']}")
    ranges = load(members[1])
    result = {
        "format": FORMAT,
        "gamma": float(settings["gamma"]),
        "rho": float(settings["rho"]),
        "minimum": _range(ranges["min_"]),
        "maximum": _range(ranges["max_"]),
        "coefficients": [coefficient for coefficient, _ in vectors],
        "vectors": [vector for _, vector in vectors],
    }
    text = json.dumps(result, separators=(",", ":"))
    (output / f"{output.name}.json").write_text(text, encoding="ascii")


def _vector(line: str) -> tuple[float, list[float]]:
    """`coefficient index:value …`; what is left out is 0."""
    coefficient, *entries = line.split()
    vector = [0.0] * _FEATURES
    for entry in entries:
        index, value = entry.split(":")
        vector[int(index) - 1] = float(value)
    return float(coefficient), vector


def _range(values) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) != _FEATURES:
        raise ValueError(f"{len(numbers)} ranges; {_FEATURES} are needed")
    return numbers
