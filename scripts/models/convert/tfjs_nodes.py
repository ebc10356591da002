"""Reads the nodes of a TensorFlow.js graph: `{"name", "op", "input": [...], "attr": {...}}`."""

import base64


def source(reference: str) -> tuple[str, int]:
    """Splits `name:2` into the node's name and the index of its output."""
    name, _, index = reference.lstrip("^").partition(":")
    return name, int(index or 0)


def inputs(node: dict) -> list[str]:
    """The references to a node's inputs, without the control inputs (`^name`)."""
    return [reference for reference in node.get("input", []) if not reference.startswith("^")]


def padding(node: dict) -> dict:
    """The padding of a convolution or pool, as attributes of the ONNX node."""
    kind = attribute(node, "padding", "VALID")
    if kind == "SAME":
        return {"auto_pad": "SAME_UPPER"}
    if kind == "EXPLICIT":
        pads = attribute(node, "explicit_paddings", [])
        return {"pads": [pads[2], pads[4], pads[3], pads[5]]}
    return {"auto_pad": "VALID"}


def attribute(node: dict, key: str, default):
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
    if "type" in entry:
        return entry["type"]
    if "shape" in entry:
        return [int(dimension.get("size", -1)) for dimension in entry["shape"].get("dim", [])]
    items = entry.get("list", {})
    if "i" in items:
        return [int(item) for item in items["i"]]
    if "s" in items:
        return [base64.b64decode(item).decode() for item in items["s"]]
    return default
