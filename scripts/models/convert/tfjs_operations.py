"""What stands in ONNX for each operation of a TensorFlow.js graph. A handler gets the converter and the node, and returns the
ONNX name of the node's output, or a list of names when it has several."""

import numpy as np

from .tfjs_nodes import attribute, inputs, padding

BINARY = {"Add": "Add", "AddV2": "Add", "BiasAdd": "Add", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div"}
FOLDED = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
UNARY = {"Relu": "Relu", "Sigmoid": "Sigmoid", "Identity": "Identity"}
_ONNX_TYPES = {"DT_FLOAT": 1, "DT_INT32": 6}


def _to_nchw(model, value: str) -> str:
    return model.graph.add("Transpose", [value], perm=[0, 3, 1, 2])


def _to_nhwc(model, value: str) -> str:
    return model.graph.add("Transpose", [value], perm=[0, 2, 3, 1])


def _first(model, node: dict) -> str:
    return model.value(inputs(node)[0])


def _activation(model, value: str, name: str, node: dict) -> str:
    if name == "Relu6":
        return model.graph.add("Clip", [value, model.graph.float32(0), model.graph.float32(6)])
    if name == "LeakyRelu":
        return model.graph.add("LeakyRelu", [value], alpha=attribute(node, "leakyrelu_alpha", 0.2))
    if name in ("Relu", "Elu", "Sigmoid"):
        return model.graph.add(name, [value])
    raise ValueError(f"activation `{name}` of `{node['name']}` has no conversion")


def _convolution(model, node: dict) -> str:
    kernel = model.constant(inputs(node)[1]).astype(np.float32)
    if "Depthwise" in node["op"]:
        height, width, groups, multiplier = kernel.shape
        kernel = kernel.transpose(2, 3, 0, 1).reshape(groups * multiplier, 1, height, width)
    else:
        groups = 1
        kernel = kernel.transpose(3, 2, 0, 1)
    fused = attribute(node, "fused_ops", [])
    value, pads = _unpadded(model, node, 0)
    sources = [_to_nchw(model, value), model.graph.constant(kernel)]
    if "BiasAdd" in fused:
        sources.append(model.graph.constant(model.constant(inputs(node)[2]).reshape(-1)))
    value = model.graph.add(
        "Conv",
        sources,
        kernel_shape=list(kernel.shape[2:]),
        strides=attribute(node, "strides", [1, 1, 1, 1])[1:3],
        dilations=attribute(node, "dilations", [1, 1, 1, 1])[1:3],
        group=groups,
        **pads,
    )
    for name in fused:
        if name == "Prelu":
            slope = model.constant(inputs(node)[-1])
            value = _with_slope(model, value, slope.reshape(-1, 1, 1))
        elif name != "BiasAdd":
            value = _activation(model, value, name, node)
    return _to_nhwc(model, value)


def _unpadded(model, node: dict, filler: float) -> tuple[str, dict]:
    """The input of a convolution or pool and its padding. What was put around the input before becomes padding, which costs
    nothing, when it is `filler`: 0 for a convolution, -∞ for a maximum."""
    value = _first(model, node)
    pads = padding(node)
    inner, around, found = model.padded.get(value, (value, None, filler))
    if around is None or found != filler or pads != {"auto_pad": "VALID"} or around[[0, 3]].any():
        return value, pads
    return inner, {"pads": around[1:3].T.reshape(-1).tolist()}


def _transposed_convolution(model, node: dict) -> str:
    shape, kernel = (model.constant(i) for i in inputs(node)[:2])
    # TensorFlow's kernel is height, width, outputs, inputs; ONNX's is inputs, outputs, height, width.
    weights = kernel.astype(np.float32).transpose(3, 2, 0, 1)
    value = model.graph.add(
        "ConvTranspose",
        [_to_nchw(model, model.value(inputs(node)[2])), model.graph.constant(weights)],
        kernel_shape=list(weights.shape[2:]),
        strides=attribute(node, "strides", [1, 1, 1, 1])[1:3],
        output_shape=[int(side) for side in shape[1:3]],
        **padding(node),
    )
    return _to_nhwc(model, value)


def _pool(model, node: dict) -> str:
    op = {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[node["op"]]
    value, pads = (_first(model, node), padding(node)) if op == "AveragePool" else _unpadded(model, node, -np.inf)
    kernel, strides = (attribute(node, key, [])[1:3] for key in ("ksize", "strides"))
    value = model.graph.add(op, [_to_nchw(model, value)], kernel_shape=kernel, strides=strides, **pads)
    return _to_nhwc(model, value)


def _pad(model, node: dict) -> str:
    pads = model.constant(inputs(node)[1])
    filler = float(model.constant(inputs(node)[2])) if node["op"] == "PadV2" else 0.0
    given, amounts = _first(model, node), model.graph.int64(*pads[:, 0].tolist(), *pads[:, 1].tolist())
    value = model.graph.add("Pad", [given, amounts, model.graph.float32(filler)], mode="constant")
    model.padded[value] = (given, pads, filler)
    return value


def _resize(model, node: dict) -> str:
    value = _to_nchw(model, _first(model, node))
    size = model.constant(inputs(node)[1]).astype(np.int64)
    shape = model.graph.add("Shape", [value], start=0, end=2)
    sizes = model.graph.add("Concat", [shape, model.graph.constant(size)], axis=0)
    mode = "asymmetric"
    if attribute(node, "align_corners", False):
        mode = "align_corners"
    elif attribute(node, "half_pixel_centers", False):
        mode = "half_pixel"
    value = model.graph.add(
        "Resize", [value, "", "", sizes], mode="linear", coordinate_transformation_mode=mode
    )
    return _to_nhwc(model, value)


def _matmul(model, node: dict) -> str:
    left, right = (model.value(i) for i in inputs(node)[:2])
    if attribute(node, "transpose_a", False):
        left = model.graph.add("Transpose", [left], perm=[1, 0])
    if attribute(node, "transpose_b", False):
        right = model.graph.add("Transpose", [right], perm=[1, 0])
    value = model.graph.add("MatMul", [left, right])
    for name in attribute(node, "fused_ops", []):
        if name == "BiasAdd":
            value = model.graph.add("Add", [value, model.value(inputs(node)[2])])
        else:
            value = _activation(model, value, name, node)
    return value


def _transpose(model, node: dict) -> str:
    order = model.constant(inputs(node)[1]).astype(int).tolist()
    given = _first(model, node)
    value = model.graph.add("Transpose", [given], perm=order)
    if given in model.padded:
        inner, around, filler = model.padded[given]
        model.padded[value] = (model.graph.add("Transpose", [inner], perm=order), around[order], filler)
    return value


def _reshape(model, node: dict) -> str:
    """A leading 1 is the batch, which varies here: ONNX's -1 takes what is left, 0 keeps the dimension of the input."""
    shape = model.constant(inputs(node)[1]).astype(np.int64)
    if shape[0] == 1:
        shape[0] = 0 if -1 in shape else -1
    return model.graph.add("Reshape", [_first(model, node), model.graph.constant(shape)])


def _concat(model, node: dict) -> str:
    *parts, axis = inputs(node)
    return model.graph.add("Concat", [model.value(i) for i in parts], axis=int(model.constant(axis)))


def _split(model, node: dict) -> list[str]:
    sizes = model.constant(inputs(node)[1]).astype(np.int64)
    sources = [_first(model, node), model.graph.constant(sizes)]
    axis = int(model.constant(inputs(node)[2]))
    return model.graph.add_split("Split", sources, len(sizes), axis=axis)


def _squeeze(model, node: dict) -> str:
    axes = attribute(node, "squeeze_dims", [])
    return model.graph.add("Squeeze", [_first(model, node), model.graph.int64(*axes)])


def _softmax(model, node: dict) -> str:
    return model.graph.add("Softmax", [_first(model, node)], axis=-1)


def _leaky_relu(model, node: dict) -> str:
    return model.graph.add("LeakyRelu", [_first(model, node)], alpha=attribute(node, "alpha", 0.2))


def _prelu(model, node: dict) -> str:
    return _with_slope(model, _first(model, node), model.constant(inputs(node)[1]))


def _with_slope(model, value: str, slope: np.ndarray) -> str:
    """x where it is positive, else slope · x. ONNX Runtime's `PRelu` takes more than half of the time of a face model; the same
    in plain operations takes a fifth of that."""
    graph = model.graph
    factor = graph.constant(slope.astype(np.float32))
    if slope.min() >= 0 and slope.max() <= 1:
        return graph.add("Max", [value, graph.add("Mul", [value, factor])])
    negative = graph.add("Mul", [graph.add("Min", [value, graph.float32(0)]), factor])
    return graph.add("Add", [graph.add("Relu", [value]), negative])


def _relu6(model, node: dict) -> str:
    return _activation(model, _first(model, node), "Relu6", node)


def _bound(model, node: dict) -> str:
    """`Minimum` and `Maximum` with a constant. ONNX Runtime fuses a `Clip` with both bounds into the convolution before it."""
    given, limit = model.value(inputs(node)[0]), model.constant(inputs(node)[1])
    bound = model.graph.float32(float(limit))
    if node["op"] == "Minimum":
        value = model.graph.add("Clip", [given, "", bound])
        model.bounded[value] = (given, bound)
        return value
    inner, upper = model.bounded.get(given, (given, ""))
    return model.graph.add("Clip", [inner, bound, upper] if upper else [inner, bound])


def _mean(model, node: dict) -> str:
    axes = np.atleast_1d(model.constant(inputs(node)[1])).astype(int).tolist()
    keep = int(attribute(node, "keep_dims", False))
    return model.graph.add("ReduceMean", [_first(model, node)], axes=axes, keepdims=keep)


def _sum_of(model, node: dict) -> str:
    return model.graph.add("Sum", [model.value(i) for i in inputs(node)])


def _cast(model, node: dict) -> str:
    return model.graph.add("Cast", [_first(model, node)], to=_ONNX_TYPES[attribute(node, "DstT", "")])


HANDLERS = {
    "AddN": _sum_of,
    "AvgPool": _pool,
    "Cast": _cast,
    "ConcatV2": _concat,
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _transposed_convolution,
    "DepthwiseConv2dNative": _convolution,
    "FusedDepthwiseConv2dNative": _convolution,
    "LeakyRelu": _leaky_relu,
    "MatMul": _matmul,
    "Maximum": _bound,
    "MaxPool": _pool,
    "Mean": _mean,
    "Minimum": _bound,
    "Pad": _pad,
    "PadV2": _pad,
    "Prelu": _prelu,
    "Relu6": _relu6,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Softmax": _softmax,
    "SplitV": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "_FusedConv2D": _convolution,
    "_FusedMatMul": _matmul,
}
