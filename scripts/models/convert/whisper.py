"""Whisper in CTranslate2 form → an ONNX encoder and an ONNX decoder with a key/value cache.

Weights are stored as float16 and written as float32, which is what a CPU computes in.

encoder.onnx   mel f32 [1, 80, frames] → cross_k_L f32 [1, heads, width, T_enc], cross_v_L f32 [1, heads, T_enc, width]
decoder.onnx   tokens i64 [1, T], offset i64 [1] (tokens already in the cache), past_k_L and past_v_L f32 [1, heads, past, width],
               cross_k_L, cross_v_L
             → logits f32 [1, 1, vocabulary] of the last token; alignment f32 [1, A, T, T_enc]: the attention scores, before
               softmax, of the heads that follow the sound, from which words get their times; present_k_L, present_v_L

`frames` is 3000 (30 s) and T_enc 1500; both may be shorter.
"""

import json
import math
import shutil
from pathlib import Path

import numpy as np

from .ctranslate2 import read_variables
from .graph import Graph, float_tensor, int64_tensor

_END = 2**31 - 1


def convert(members: list[Path], output: Path) -> None:
    """`members`: config.json, tokenizer.json, then the parts of model.bin in order."""
    config, tokenizer, *parts = members
    weights = read_variables(b"".join(part.read_bytes() for part in parts))
    heads = [tuple(pair) for pair in json.loads(config.read_text(encoding="utf-8"))["alignment_heads"]]
    _Encoder(weights).save(output / "encoder.onnx")
    _Decoder(weights, heads).save(output / "decoder.onnx")
    shutil.copyfile(tokenizer, output / "tokenizer.json")
    shutil.copyfile(config, output / "config.json")


class _Transformer:
    """What encoder and decoder share."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.graph = Graph()
        self.width = weights["encoder/conv1/bias"].shape[0]
        self.heads = int(weights["encoder/num_heads"])
        self.head_width = self.width // self.heads
        self.decoder_layers = _layers(weights, "decoder")

    def weight(self, name: str) -> str:
        if not self.graph.has_constant(name):
            self.graph.constant(self.weights[name].astype(np.float32), name)
        return name

    def linear(self, value: str, scope: str) -> str:
        name = f"{scope}/weight_transposed"
        if not self.graph.has_constant(name):
            self.graph.constant(self.weights[f"{scope}/weight"].astype(np.float32).T, name)
        return self.graph.add("Add", [self.graph.add("MatMul", [value, name]), self.weight(f"{scope}/bias")])

    def norm(self, value: str, scope: str) -> str:
        inputs = [value, self.weight(f"{scope}/gamma"), self.weight(f"{scope}/beta")]
        return self.graph.add("LayerNormalization", inputs, axis=-1, epsilon=1e-5)

    def gelu(self, value: str) -> str:
        """x · 0.5 · (1 + erf(x / √2)); ONNX has Gelu from opset 20 on."""
        error = self.graph.add("Erf", [self.graph.add("Mul", [value, self.graph.float32(math.sqrt(0.5))])])
        half = self.graph.add("Mul", [value, self.graph.float32(0.5)])
        return self.graph.add("Mul", [half, self.graph.add("Add", [error, self.graph.float32(1)])])

    def feed_forward(self, value: str, layer: str) -> str:
        hidden = self.gelu(self.linear(self.norm(value, f"{layer}/ffn/layer_norm"), f"{layer}/ffn/linear_0"))
        return self.graph.add("Add", [value, self.linear(hidden, f"{layer}/ffn/linear_1")])

    def split_heads(self, value: str, order: list[int] | None = None, output: str | None = None) -> str:
        """[1, T, heads · width] → [1, heads, T, width], or as `order` says."""
        split = self.graph.add("Reshape", [value, self.graph.int64(0, -1, self.heads, self.head_width)])
        return self.graph.add("Transpose", [split], perm=order or [0, 2, 1, 3], output=output)

    def scores(self, query: str, key_transposed: str) -> str:
        scaled = self.graph.add("Mul", [query, self.graph.float32(self.head_width**-0.5)])
        return self.graph.add("MatMul", [scaled, key_transposed])

    def attend(self, scores: str, value: str) -> str:
        mixed = self.graph.add("MatMul", [self.graph.add("Softmax", [scores], axis=-1), value])
        joined = self.graph.add("Transpose", [mixed], perm=[0, 2, 1, 3])
        return self.graph.add("Reshape", [joined, self.graph.int64(0, -1, self.width)])

    def length(self, value: str, axis: int) -> str:
        """The size of one dimension, as a vector of one."""
        return self.graph.add("Shape", [value], start=axis, end=axis + 1)

    def cross_inputs(self) -> list:
        shapes = {"k": [1, self.heads, self.head_width, "T_enc"], "v": [1, self.heads, "T_enc", self.head_width]}
        layers = range(self.decoder_layers)
        return [float_tensor(f"cross_{part}_{layer}", shapes[part]) for layer in layers for part in "kv"]


class _Encoder(_Transformer):
    def save(self, path: Path) -> None:
        value = self._convolve("mel", "encoder/conv1", 1)
        value = self._convolve(value, "encoder/conv2", 2)
        value = self.graph.add("Transpose", [value], perm=[0, 2, 1])
        positions = [
            self.weight("encoder/position_encodings/encodings"),
            self.graph.int64(0),
            self.length(value, 1),
            self.graph.int64(0),
        ]
        value = self.graph.add("Add", [value, self.graph.add("Slice", positions)])
        for layer in range(_layers(self.weights, "encoder")):
            value = self._layer(value, f"encoder/layer_{layer}")
        value = self.norm(value, "encoder/layer_norm")
        for layer in range(self.decoder_layers):
            both = self.linear(value, f"decoder/layer_{layer}/attention/linear_1")
            key, content = self.graph.add_split("Split", [both], 2, axis=2)
            self.split_heads(key, [0, 2, 3, 1], f"cross_k_{layer}")
            self.split_heads(content, None, f"cross_v_{layer}")
        self.graph.save(path, "whisper_encoder", [float_tensor("mel", [1, 80, "frames"])], self.cross_inputs())

    def _convolve(self, value: str, scope: str, stride: int) -> str:
        inputs = [value, self.weight(f"{scope}/weight"), self.weight(f"{scope}/bias")]
        return self.gelu(self.graph.add("Conv", inputs, pads=[1, 1], strides=[stride]))

    def _layer(self, value: str, layer: str) -> str:
        scope = f"{layer}/self_attention"
        packed = self.linear(self.norm(value, f"{scope}/layer_norm"), f"{scope}/linear_0")
        query, key, content = self.graph.add_split("Split", [packed], 3, axis=2)
        scores = self.scores(self.split_heads(query), self.split_heads(key, [0, 2, 3, 1]))
        mixed = self.attend(scores, self.split_heads(content))
        value = self.graph.add("Add", [value, self.linear(mixed, f"{scope}/linear_1")])
        return self.feed_forward(value, layer)


class _Decoder(_Transformer):
    def __init__(self, weights: dict[str, np.ndarray], alignment_heads: list[tuple[int, int]]) -> None:
        super().__init__(weights)
        self._alignment_heads = alignment_heads
        self._alignment: list[str] = []

    def save(self, path: Path) -> None:
        embedding = self.weight("decoder/embeddings/weight")
        end = self.graph.add("Add", ["offset", self.length("tokens", 1)])
        positions = [self.weight("decoder/position_encodings/encodings"), "offset", end, self.graph.int64(0)]
        value = self.graph.add(
            "Add", [self.graph.add("Gather", [embedding, "tokens"]), self.graph.add("Slice", positions)]
        )
        mask = self._causal_mask(end)
        for layer in range(self.decoder_layers):
            value = self._layer(value, layer, mask)
        value = self.norm(value, "decoder/layer_norm")
        # The embedding is also the output projection. Gemm reads it as it lies, where a transposed copy would cost 100 MB.
        last = self.graph.add("Slice", [value, self.graph.int64(-1), self.graph.int64(_END), self.graph.int64(1)])
        row = self.graph.add("Reshape", [last, self.graph.int64(1, self.width)])
        logits = self.graph.add("Gemm", [row, embedding], transB=1)
        self.graph.add("Reshape", [logits, self.graph.int64(1, 1, -1)], output="logits")
        self.graph.add("Concat", self._alignment, axis=1, output="alignment")
        self.graph.save(path, "whisper_decoder", self._inputs(), self._outputs())

    def _inputs(self) -> list:
        tokens = [int64_tensor("tokens", [1, "T"]), int64_tensor("offset", [1])]
        return tokens + self._cache("past", "past") + self.cross_inputs()

    def _outputs(self) -> list:
        vocabulary = self.weights["decoder/embeddings/weight"].shape[0]
        results = [
            float_tensor("logits", [1, 1, vocabulary]),
            float_tensor("alignment", [1, len(self._alignment_heads), "T", "T_enc"]),
        ]
        return results + self._cache("present", "total")

    def _cache(self, stem: str, length: str) -> list:
        shape = [1, self.heads, length, self.head_width]
        layers = range(self.decoder_layers)
        return [float_tensor(f"{stem}_{part}_{layer}", shape) for layer in layers for part in "kv"]

    def _causal_mask(self, end: str) -> str:
        """[T, total]: a token sees itself and what is before it."""
        zero, one = (self.graph.constant(np.array(v, np.int64)) for v in (0, 1))
        start = self.graph.add("Squeeze", ["offset", self.graph.int64(0)])
        stop = self.graph.add("Squeeze", [end, self.graph.int64(0)])
        rows = self.graph.add("Unsqueeze", [self.graph.add("Range", [start, stop, one]), self.graph.int64(1)])
        columns = self.graph.add("Unsqueeze", [self.graph.add("Range", [zero, stop, one]), self.graph.int64(0)])
        hidden = self.graph.add("Greater", [columns, rows])
        return self.graph.add("Where", [hidden, self.graph.float32(-1e9), self.graph.float32(0)])

    def _layer(self, value: str, index: int, mask: str) -> str:
        layer = f"decoder/layer_{index}"
        value = self._self_attention(value, layer, index, mask)
        scope = f"{layer}/attention"
        query = self.split_heads(self.linear(self.norm(value, f"{scope}/layer_norm"), f"{scope}/linear_0"))
        scores = self.scores(query, f"cross_k_{index}")
        self._keep_alignment(scores, index)
        mixed = self.attend(scores, f"cross_v_{index}")
        value = self.graph.add("Add", [value, self.linear(mixed, f"{scope}/linear_2")])
        return self.feed_forward(value, layer)

    def _self_attention(self, value: str, layer: str, index: int, mask: str) -> str:
        scope = f"{layer}/self_attention"
        packed = self.linear(self.norm(value, f"{scope}/layer_norm"), f"{scope}/linear_0")
        query, key, content = (
            self.split_heads(part) for part in self.graph.add_split("Split", [packed], 3, axis=2)
        )
        key = self.graph.add("Concat", [f"past_k_{index}", key], axis=2, output=f"present_k_{index}")
        content = self.graph.add("Concat", [f"past_v_{index}", content], axis=2, output=f"present_v_{index}")
        scores = self.scores(query, self.graph.add("Transpose", [key], perm=[0, 1, 3, 2]))
        mixed = self.attend(self.graph.add("Add", [scores, mask]), content)
        return self.graph.add("Add", [value, self.linear(mixed, f"{scope}/linear_1")])

    def _keep_alignment(self, scores: str, index: int) -> None:
        heads = [head for layer, head in self._alignment_heads if layer == index]
        if heads:
            self._alignment.append(self.graph.add("Gather", [scores, self.graph.int64(*heads)], axis=1))


def _layers(weights: dict[str, np.ndarray], side: str) -> int:
    """The number of layers of the encoder or the decoder."""
    prefix = f"{side}/layer_"
    numbers = {name[len(prefix) :].split("/")[0] for name in weights if name.startswith(prefix)}
    return max(int(number) for number in numbers if number.isdigit()) + 1
