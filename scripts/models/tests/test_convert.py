"""Converters on small models, computed with onnx's reference implementation."""

import base64
import json
import math
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

import pull
from convert import tfjs, whisper, wordlist


def node(name: str, op: str, inputs=(), **attributes) -> dict:
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def text(value: str) -> dict:
    return {"s": base64.b64encode(value.encode()).decode()}


def numbers(*values: int) -> dict:
    return {"list": {"i": [str(value) for value in values]}}


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class TensorFlowJs(Case):
    def convert(self, nodes: list[dict], weights: dict[str, np.ndarray]) -> Path:
        kinds = {np.dtype(np.float32): "float32", np.dtype(np.int32): "int32"}
        entries = [{"name": k, "shape": list(v.shape), "dtype": kinds[v.dtype]} for k, v in weights.items()]
        constants = [node(key, "Const") for key in weights]
        model = {
            "modelTopology": {"node": constants + nodes},
            "weightsManifest": [{"paths": ["1"], "weights": entries}],
        }
        path = self.folder / "m.onnx"
        tfjs.convert_model(model, [b"".join(v.tobytes() for v in weights.values())], path)
        return path

    def test_convolution_bias_activation_and_padding(self) -> None:
        random = np.random.default_rng(1)
        kernel = random.normal(size=(3, 3, 2, 4)).astype(np.float32)
        bias = random.normal(size=4).astype(np.float32)
        shape = {"shape": {"dim": [{"size": "-1"}, {"size": "5"}, {"size": "6"}, {"size": "2"}]}}
        attributes = {
            "strides": numbers(1, 1, 1, 1),
            "padding": text("SAME"),
            "fused_ops": {"list": {"s": [text("BiasAdd")["s"], text("Relu6")["s"]]}},
        }
        nodes = [node("x", "Placeholder", shape=shape), node("y", "_FusedConv2D", ["x", "k", "b"], **attributes)]
        path = self.convert(nodes, {"k": kernel, "b": bias})
        image = random.normal(size=(1, 5, 6, 2)).astype(np.float32)
        (result,) = ReferenceEvaluator(str(path)).run(None, {"x": image})
        padded = np.pad(image[0], ((1, 1), (1, 1), (0, 0)))
        expected = np.zeros((5, 6, 4))
        for row in range(5):
            for column in range(6):
                window = padded[row : row + 3, column : column + 3]
                expected[row, column] = np.tensordot(window, kernel, 3) + bias
        np.testing.assert_allclose(result[0], np.clip(expected, 0, 6), atol=1e-5)

    def test_depthwise_convolution_keeps_channels_apart(self) -> None:
        kernel = np.array([[[[2.0], [3.0]]]], np.float32)
        shape = {"shape": {"dim": [{"size": "1"}, {"size": "2"}, {"size": "2"}, {"size": "2"}]}}
        attributes = {"strides": numbers(1, 1, 1, 1), "padding": text("VALID")}
        nodes = [
            node("x", "Placeholder", shape=shape),
            node("y", "DepthwiseConv2dNative", ["x", "k"], **attributes),
        ]
        path = self.convert(nodes, {"k": kernel})
        image = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
        (result,) = ReferenceEvaluator(str(path)).run(None, {"x": image})
        np.testing.assert_allclose(result, image * [2.0, 3.0])

    def test_shape_computed_from_constants(self) -> None:
        shape = {"shape": {"dim": [{"size": "1"}, {"size": "6"}]}}
        nodes = [
            node("dense", "SparseToDense", ["where", "length", "values", "zero"]),
            node("shape", "Add", ["dense", "more"]),
            node("x", "Placeholder", shape=shape),
            node("y", "Reshape", ["x", "shape"]),
        ]
        constants = {
            "where": np.array([[1]], np.int32),
            "length": np.array([2], np.int32),
            "values": np.array([1], np.int32),
            "zero": np.array(0, np.int32),
            "more": np.array([2, 2], np.int32),
        }
        path = self.convert(nodes, constants)
        (result,) = ReferenceEvaluator(str(path)).run(None, {"x": np.arange(6, dtype=np.float32)[None]})
        np.testing.assert_array_equal(result, [[0, 1, 2], [3, 4, 5]])

    def test_batch_varies_also_through_a_fixed_reshape(self) -> None:
        shape = {"shape": {"dim": [{"size": "1"}, {"size": "2"}, {"size": "3"}]}}
        nodes = [
            node("x", "Placeholder", shape=shape),
            node("a", "Reshape", ["x", "whole"]),
            node("b", "Reshape", ["a", "open"]),
            node("y", "Mul", ["b", "two"]),
        ]
        constants = {
            "whole": np.array([1, 6], np.int32),
            "open": np.array([1, -1, 2], np.int32),
            "two": np.array(2, np.float32),
        }
        path = self.convert(nodes, constants)
        batch = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
        (result,) = ReferenceEvaluator(str(path)).run(None, {"x": batch})
        np.testing.assert_array_equal(result, 2 * batch.reshape(4, 3, 2))
        (output,) = onnx.load(path).graph.output
        self.assertEqual(output.type.tensor_type.shape.dim[0].dim_param, "N")

    def test_zeros_before_a_convolution_become_its_padding(self) -> None:
        kernel = np.ones((3, 3, 1, 1), np.float32)
        shape = {"shape": {"dim": [{"size": "1"}, {"size": "1"}, {"size": "2"}, {"size": "2"}]}}
        valid = {"strides": numbers(1, 1, 1, 1), "padding": text("VALID")}
        nodes = [
            node("x", "Placeholder", shape=shape),
            node("p", "Pad", ["x", "around"]),
            node("t", "Transpose", ["p", "order"]),
            node("y", "Conv2D", ["t", "k"], **valid),
        ]
        around = np.array([[0, 0], [0, 0], [1, 2], [1, 0]], np.int32)
        constants = {"around": around, "order": np.array([0, 2, 3, 1], np.int32), "k": kernel}
        path = self.convert(nodes, constants)
        picture = np.array([[[[1, 2], [3, 4]]]], np.float32)
        (result,) = ReferenceEvaluator(str(path)).run(None, {"x": picture})
        np.testing.assert_array_equal(result[0, :, :, 0], [[10], [10], [7]])
        self.assertNotIn("Pad", {item.op_type for item in onnx.load(path).graph.node})

    def test_slopes_and_bounds(self) -> None:
        shape = {"shape": {"dim": [{"size": "1"}, {"size": "4"}]}}
        values = np.array([[-8, -1, 1, 8], [2, -2, 3, -3]], np.float32)
        slopes = {"gentle": [0.0, 0.25, 0.5, 1.0], "wild": [-1.5, 0.25, 2.0, 1.0]}
        for name, slope in slopes.items():
            with self.subTest(name):
                nodes = [
                    node("x", "Placeholder", shape=shape),
                    node("p", "Prelu", ["x", "slope"]),
                    node("n", "Minimum", ["p", "six"]),
                    node("y", "Maximum", ["n", "low"]),
                ]
                limits = {"six": np.array(6, np.float32), "low": np.array(-2.5, np.float32)}
                path = self.convert(nodes, {"slope": np.array(slope, np.float32), **limits})
                (result,) = ReferenceEvaluator(str(path)).run(None, {"x": values})
                expected = np.clip(np.where(values > 0, values, values * np.array(slope)), -2.5, 6)
                np.testing.assert_array_equal(result, expected)
                kinds = [item.op_type for item in onnx.load(path).graph.node]
                self.assertEqual(kinds.count("Clip"), 1, "both bounds at once")

    def test_output_that_the_model_also_uses_keeps_its_name(self) -> None:
        model = {
            "modelTopology": {"node": [
                node("x", "Placeholder", shape={"shape": {"dim": [{"size": "1"}, {"size": "2"}]}}),
                node("inner", "Relu", ["x"]),
                node("end", "Sigmoid", ["inner"]),
            ]},
            "weightsManifest": [{"paths": [], "weights": []}],
            "signature": {"outputs": {"vector": {"name": "inner:0"}, "end:0": {"name": "end:0"}}},
        }
        path = self.folder / "m.onnx"
        tfjs.convert_model(model, [], path)
        evaluator = ReferenceEvaluator(str(path))
        self.assertEqual(evaluator.output_names, ["end", "vector"])
        np.testing.assert_array_equal(evaluator.run(["vector"], {"x": np.array([[-1, 2]], np.float32)})[0], [[0, 2]])

    def test_same_input_same_bytes(self) -> None:
        shape = {"shape": {"dim": [{"size": "1"}]}}
        nodes = [node("x", "Placeholder", shape=shape), node("y", "Mul", ["x", "k"])]
        weights = {"k": np.array([2], np.float32)}
        first = self.convert(nodes, weights).read_bytes()
        self.assertEqual(first, self.convert(nodes, weights).read_bytes())

    def test_unknown_operation_is_named(self) -> None:
        shape = {"shape": {"dim": [{"size": "1"}]}}
        nodes = [node("x", "Placeholder", shape=shape), node("y", "Einsum", ["x"])]
        with self.assertRaisesRegex(ValueError, "operation `Einsum` of `y`"):
            self.convert(nodes, {})


class Whisper(Case):
    """A random model of 2 layers, 2 heads, width 8, against a computation in numpy."""

    WIDTH, HEADS, VOCABULARY = 8, 2, 11

    def weights(self) -> dict[str, np.ndarray]:
        random = np.random.default_rng(2)
        weights = {"encoder/num_heads": np.array(self.HEADS, np.int16)}

        def add(scope: str, *shape: int) -> None:
            weights[scope] = (random.normal(size=shape) * 0.4).astype(np.float16)

        def linear(scope: str, outputs: int) -> None:
            add(f"{scope}/weight", outputs, self.WIDTH * (4 if scope.endswith("ffn/linear_1") else 1))
            add(f"{scope}/bias", outputs)

        def norm(scope: str) -> None:
            add(f"{scope}/gamma", self.WIDTH)
            add(f"{scope}/beta", self.WIDTH)

        for side in ("encoder", "decoder"):
            norm(f"{side}/layer_norm")
            add(f"{side}/position_encodings/encodings", 16, self.WIDTH)
            for layer in (f"{side}/layer_{index}" for index in range(2)):
                for part in ("self_attention", "ffn", "attention"):
                    norm(f"{layer}/{part}/layer_norm")
                linear(f"{layer}/self_attention/linear_0", 3 * self.WIDTH)
                linear(f"{layer}/self_attention/linear_1", self.WIDTH)
                linear(f"{layer}/attention/linear_0", self.WIDTH)
                linear(f"{layer}/attention/linear_1", 2 * self.WIDTH)
                linear(f"{layer}/attention/linear_2", self.WIDTH)
                linear(f"{layer}/ffn/linear_0", 4 * self.WIDTH)
                linear(f"{layer}/ffn/linear_1", self.WIDTH)
        add("decoder/embeddings/weight", self.VOCABULARY, self.WIDTH)
        for index, inputs in ((1, 80), (2, self.WIDTH)):
            add(f"encoder/conv{index}/weight", self.WIDTH, inputs, 3)
            add(f"encoder/conv{index}/bias", self.WIDTH)
        return weights

    def test_against_numpy(self) -> None:
        weights = self.weights()
        whisper._Encoder(weights).save(self.folder / "encoder.onnx")
        whisper._Decoder(weights, [(0, 1), (1, 0)]).save(self.folder / "decoder.onnx")
        mel = np.random.default_rng(3).normal(size=(1, 80, 12)).astype(np.float32)
        tokens = [3, 1, 4]
        expected = Numpy(weights, self.HEADS)
        sound = expected.encode(mel[0])
        logits, alignment = expected.decode(tokens, sound)

        encoder = ReferenceEvaluator(str(self.folder / "encoder.onnx"))
        cross = dict(zip(encoder.output_names, encoder.run(None, {"mel": mel}), strict=True))
        decoder = ReferenceEvaluator(str(self.folder / "decoder.onnx"))
        empty = np.zeros((1, self.HEADS, 0, self.WIDTH // self.HEADS), np.float32)
        past = {key: empty for key in decoder.input_names if key.startswith("past")}
        inputs = {"tokens": np.array([tokens]), "offset": np.array([0]), **past, **cross}
        whole = dict(zip(decoder.output_names, decoder.run(None, inputs), strict=True))
        np.testing.assert_allclose(whole["logits"][0, 0], logits, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(whole["alignment"][0], alignment, rtol=1e-3, atol=1e-3)

    def test_models_are_valid(self) -> None:
        weights = self.weights()
        whisper._Decoder(weights, [(0, 1)]).save(self.folder / "decoder.onnx")
        model = onnx.load(self.folder / "decoder.onnx")
        onnx.checker.check_model(model, full_check=True)
        names = [output.name for output in model.graph.output]
        self.assertEqual(names[:3], ["logits", "alignment", "present_k_0"])


class Numpy:
    """Whisper's forward pass, written plainly."""

    def __init__(self, weights: dict[str, np.ndarray], heads: int) -> None:
        self.weights = {key: value.astype(np.float64) for key, value in weights.items()}
        self.heads = heads

    def encode(self, mel: np.ndarray) -> np.ndarray:
        value = self.gelu(self.convolve(mel, "encoder/conv1", 1))
        value = self.gelu(self.convolve(value, "encoder/conv2", 2)).T
        value = value + self.weights["encoder/position_encodings/encodings"][: len(value)]
        for layer in ("encoder/layer_0", "encoder/layer_1"):
            value = self.self_attention(value, layer, np.zeros((len(value), len(value))))
            value = self.feed_forward(value, layer)
        return self.norm(value, "encoder/layer_norm")

    def decode(self, tokens: list[int], sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value = self.weights["decoder/embeddings/weight"][tokens]
        value = value + self.weights["decoder/position_encodings/encodings"][: len(tokens)]
        mask = np.triu(np.full((len(tokens), len(tokens)), -np.inf), 1)
        alignment = []
        for index, head in ((0, 1), (1, 0)):
            layer = f"decoder/layer_{index}"
            value = self.self_attention(value, layer, mask)
            query = self.linear(self.norm(value, f"{layer}/attention/layer_norm"), f"{layer}/attention/linear_0")
            key, content = np.split(self.linear(sound, f"{layer}/attention/linear_1"), 2, axis=1)
            mixed, scores = self.attend(query, key, content, 0)
            alignment.append(scores[head])
            value = value + self.linear(mixed, f"{layer}/attention/linear_2")
            value = self.feed_forward(value, layer)
        last = self.norm(value, "decoder/layer_norm")[-1]
        return self.weights["decoder/embeddings/weight"] @ last, np.stack(alignment)

    def self_attention(self, value: np.ndarray, layer: str, mask: np.ndarray) -> np.ndarray:
        scope = f"{layer}/self_attention"
        packed = self.linear(self.norm(value, f"{scope}/layer_norm"), f"{scope}/linear_0")
        mixed, _ = self.attend(*np.split(packed, 3, axis=1), mask)
        return value + self.linear(mixed, f"{scope}/linear_1")

    def attend(self, query, key, content, mask):
        queries, keys, contents = (np.split(part, self.heads, axis=1) for part in (query, key, content))
        scores = [q @ k.T / math.sqrt(k.shape[1]) for q, k in zip(queries, keys, strict=True)]
        mixed = []
        for score, part in zip(scores, contents, strict=True):
            weights = np.exp(score + mask - (score + mask).max(axis=1, keepdims=True))
            mixed.append(weights / weights.sum(axis=1, keepdims=True) @ part)
        return np.concatenate(mixed, axis=1), scores

    def feed_forward(self, value: np.ndarray, layer: str) -> np.ndarray:
        hidden = self.linear(self.norm(value, f"{layer}/ffn/layer_norm"), f"{layer}/ffn/linear_0")
        return value + self.linear(self.gelu(hidden), f"{layer}/ffn/linear_1")

    def convolve(self, value: np.ndarray, scope: str, stride: int) -> np.ndarray:
        padded = np.pad(value, ((0, 0), (1, 1)))
        starts = range(0, value.shape[1], stride)
        columns = [np.tensordot(self.weights[f"{scope}/weight"], padded[:, s : s + 3], 2) for s in starts]
        return np.stack(columns, axis=1) + self.weights[f"{scope}/bias"][:, None]

    def linear(self, value: np.ndarray, scope: str) -> np.ndarray:
        return value @ self.weights[f"{scope}/weight"].T + self.weights[f"{scope}/bias"]

    def norm(self, value: np.ndarray, scope: str) -> np.ndarray:
        centred = value - value.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return scaled * self.weights[f"{scope}/gamma"] + self.weights[f"{scope}/beta"]

    def gelu(self, value: np.ndarray) -> np.ndarray:
        return value * 0.5 * (1 + np.vectorize(math.erf)(value / math.sqrt(2)))


class Words(Case):
    def test_list_is_parsed_not_run(self) -> None:
        module = self.folder / "list.py"
        module.write_text('badwords = ["B  c", "a", "b c", ""]\nimport os\n', encoding="utf-8")
        output = self.folder / "words"
        output.mkdir()
        wordlist.convert_python_list([module], output)
        result = json.loads((output / "words.json").read_text(encoding="utf-8"))
        self.assertEqual(result, {"format": "weir.wordlist.v1", "languages": {"vi": ["a", "b c"]}})
        module.write_text("badwords = open('x')\n", encoding="utf-8")
        with self.assertRaises(ValueError):
            wordlist.convert_python_list([module], output)


class Profanity(unittest.TestCase):
    """What alt-profanity-check 1.9.1 with scikit-learn 1.9.1 answers, against the exported file, when it is here."""

    EXPECTED = (
        ("you are my friend", 0.013189753420396),
        ("I will fucking kill you", 0.9999999731807214),
        ("damn, that is bad", 0.9552687596446008),
        ("Those people are vermin and should disappear", 0.040059765909225935),
        ("", 0.036375752016469504),
        ("WAIT FOR IT... 50% OFF #sale", 0.05022478573532223),
        ("Bạn ơi đi đâu đấy", 0.036375752016469504),
        ("shit happens; a b c I'm ok_ok", 0.9998650589625434),
    )

    def test_probabilities(self) -> None:
        path = pull.cache_folder() / "profanity_en" / "profanity_en.json"
        if not path.exists():
            self.skipTest("model profanity_en is not here; run weir models pull")
        model = json.loads(path.read_text(encoding="utf-8"))
        index = {word: position for position, word in enumerate(model["vocabulary"])}
        for sentence, expected in self.EXPECTED:
            with self.subTest(sentence):
                self.assertAlmostEqual(self.score(model, index, sentence), expected, delta=1e-6)

    def score(self, model: dict, index: dict[str, int], sentence: str) -> float:
        counts: dict[int, float] = {}
        for word in re.findall(model["token_pattern"], sentence.lower()):
            if word in index:
                counts[index[word]] = counts.get(index[word], 0) + model["idf"][index[word]]
        length = math.sqrt(sum(value * value for value in counts.values())) or 1.0
        scores = []
        for item in model["classifiers"]:
            total = sum(value / length * item["weights"][position] for position, value in counts.items())
            scores.append(1 / (1 + math.exp(item["a"] * (total + item["intercept"]) + item["b"])))
        return sum(scores) / len(scores)


if __name__ == "__main__":
    unittest.main()
