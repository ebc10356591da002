"""Networks that are built here layer by layer, on small random weights, against plain computations in numpy."""

import json
import math
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import h5py
import numpy as np
from onnx.reference import ReferenceEvaluator

from convert import brisque, efficientnet, keras_cnn, movenet, resemblyzer, transnetv2
from convert.graph import BATCH, Graph, float_tensor


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.random = np.random.default_rng(5)

    def normal(self, *shape: int) -> np.ndarray:
        return (self.random.normal(size=shape) * 0.5).astype(np.float32)


class TransNet(Case):
    def test_neighbours_are_those_within_fifty_frames(self) -> None:
        weights = {"fc.weight": self.normal(4, 101), "fc.bias": self.normal(4)}
        network = transnetv2._Network(weights)
        network._graph.add("Identity", [network._neighbours("x", "fc")], output="y")
        path = self.folder / "n.onnx"
        network._graph.save(path, "n", [float_tensor("x", [BATCH, 100, 6])], [float_tensor("y", [BATCH, 100, 4])])
        value = self.normal(2, 100, 6)
        (result,) = ReferenceEvaluator(str(path)).run(None, {"x": value})
        unit = value / np.linalg.norm(value, axis=2, keepdims=True)
        for batch in range(2):
            for frame in (0, 3, 49, 50, 99):
                near = np.zeros(101, np.float32)
                for place in range(101):
                    other = frame + place - 50
                    if 0 <= other < 100:
                        near[place] = unit[batch, frame] @ unit[batch, other]
                expected = np.maximum(weights["fc.weight"] @ near + weights["fc.bias"], 0)
                np.testing.assert_allclose(result[batch, frame], expected, atol=1e-5)


class MoveNet(Case):
    """The decoding, for pictures whose heads are made so that the answer is known."""

    def test_points_of_two_pictures(self) -> None:
        heads = {name: np.zeros((2, 48, 48, width), np.float32) for name, width in self.widths().items()}
        expected = np.zeros((2, 1, 17, 3), np.float32)
        for picture, (row, column) in enumerate([(10, 20), (40, 5)]):
            heads[movenet._CENTER][picture, row, column] = 1
            for point in range(17):
                # Where the point is expected, one cell further where it is, and a stronger one far away.
                there = (row + point % 4, column - point % 3)
                heads[movenet._REGRESS][picture, row, column, 2 * point : 2 * point + 2] = (point % 4, -(point % 3))
                found = (there[0] + 1, there[1])
                heads[movenet._HEATMAP][picture, *found, point] = 0.5
                heads[movenet._HEATMAP][picture, (row + 24) % 48, column, point] = 0.9
                heads[movenet._OFFSET][picture, *found, 2 * point : 2 * point + 2] = (0.25, 0.75)
                expected[picture, 0, point] = ((found[0] + 0.25) / 48, (found[1] + 0.75) / 48, 0.5)
        (result,) = ReferenceEvaluator(str(self.decoding())).run(None, heads)
        np.testing.assert_allclose(result, expected, atol=1e-5)

    def widths(self) -> dict[str, int]:
        return {movenet._CENTER: 1, movenet._HEATMAP: 17, movenet._REGRESS: 34, movenet._OFFSET: 34}

    def decoding(self) -> Path:
        graph = Graph()
        movenet._Decoding(Heads(graph)).add("points")
        path = self.folder / "m.onnx"
        inputs = [float_tensor(name, [BATCH, 48, 48, width]) for name, width in self.widths().items()]
        graph.save(path, "m", inputs, [float_tensor("points", [BATCH, 1, 17, 3])])
        return path


class Heads:
    """Stands for the converter: the heads are inputs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        rows, columns = np.meshgrid(np.arange(48.0), np.arange(48.0), indexing="ij")
        self._constants = {
            movenet._ROWS: rows[..., None],
            movenet._COLUMNS: columns[..., None],
            movenet._DISTANCE: np.array(1.8),
            movenet._SCALE: np.full((1, 1, 1, 2), 1 / 48, np.float32),
        }

    def value(self, name: str) -> str:
        return name

    def constant(self, name: str) -> np.ndarray:
        return self._constants[name]


class Resemblyzer(Case):
    def test_against_the_lstm_written_plainly(self) -> None:
        weights = {"linear.weight": self.normal(256, 256), "linear.bias": self.normal(256)}
        for layer in range(3):
            weights[f"lstm.weight_ih_l{layer}"] = self.normal(1024, 256 if layer else 40)
            weights[f"lstm.weight_hh_l{layer}"] = self.normal(1024, 256) * 0.1
            weights[f"lstm.bias_ih_l{layer}"] = self.normal(1024)
            weights[f"lstm.bias_hh_l{layer}"] = self.normal(1024)
        output = self.folder / "r"
        output.mkdir()
        with unittest.mock.patch.object(resemblyzer, "load", return_value={"model_state": weights}):
            resemblyzer.convert([Path("none")], output)
        mels = self.normal(2, 3, 40)
        (result,) = ReferenceEvaluator(str(output / "r.onnx")).run(None, {"mels": mels})
        for found, sequence in zip(result, mels, strict=True):
            for layer in range(3):
                sequence = self.lstm(sequence, weights, layer)
            raw = np.maximum(weights["linear.weight"] @ sequence[-1] + weights["linear.bias"], 0)
            np.testing.assert_allclose(found, raw / np.linalg.norm(raw), atol=1e-4)

    def lstm(self, sequence: np.ndarray, weights: dict, layer: int) -> np.ndarray:
        def logistic(value: np.ndarray) -> np.ndarray:
            return 1 / (1 + np.exp(-value))

        hidden = cell = np.zeros(256)
        states = []
        for value in sequence:
            total = weights[f"lstm.weight_ih_l{layer}"] @ value + weights[f"lstm.bias_ih_l{layer}"]
            total = total + weights[f"lstm.weight_hh_l{layer}"] @ hidden + weights[f"lstm.bias_hh_l{layer}"]
            into, forget, new, out = np.split(total, 4)
            cell = logistic(forget) * cell + logistic(into) * np.tanh(new)
            hidden = logistic(out) * np.tanh(cell)
            states.append(hidden)
        return np.array(states)


class Keras(Case):
    LAYERS = (
        ("Reshape", {"name": "shape", "target_shape": [6, 5, 1]}),
        ("Conv2D", {"name": "conv", "padding": "valid", "activation": "linear", "strides": [1, 1]}),
        ("BatchNormalization", {"name": "norm", "epsilon": 0.001}),
        ("Activation", {"name": "relu", "activation": "relu"}),
        ("MaxPooling2D", {"name": "pool", "pool_size": [2, 2], "strides": [2, 2], "padding": "valid"}),
        ("Flatten", {"name": "flat"}),
        ("Dropout", {"name": "drop"}),
        ("Dense", {"name": "dense", "units": 2, "activation": "softmax"}),
    )

    def write(self, layers: tuple) -> dict[str, np.ndarray]:
        weights = {"conv/kernel": self.normal(3, 2, 1, 4), "conv/bias": self.normal(4), "dense/kernel": self.normal(16, 2)}
        for part in ("gamma", "beta", "moving_mean"):
            weights[f"norm/{part}"] = self.normal(4)
        weights["norm/moving_variance"] = self.random.random(4).astype(np.float32) + 0.5
        with h5py.File(self.folder / "k.hdf5", "w") as file:
            config = [{"class_name": kind, "config": config} for kind, config in layers]
            file.attrs["model_config"] = json.dumps({"config": {"layers": config}})
            for name in ("conv", "norm", "dense"):
                own = [key for key in weights if key.startswith(f"{name}/")]
                group = file.create_group(f"model_weights/{name}")
                group.attrs["weight_names"] = [f"{key}:0".encode() for key in own]
                for key in own:
                    group[f"{key}:0"] = weights[key]
        return weights

    def test_against_numpy(self) -> None:
        weights = self.write(self.LAYERS)
        with h5py.File(self.folder / "k.hdf5") as file:
            keras_cnn._Network(file).save(self.folder / "k.onnx")
        mel = self.normal(3, 6, 5)
        (result,) = ReferenceEvaluator(str(self.folder / "k.onnx")).run(None, {"mel": mel})
        for found, picture in zip(result, mel, strict=True):
            np.testing.assert_allclose(found, self.forward(weights, picture), atol=1e-5)

    def forward(self, weights: dict, picture: np.ndarray) -> np.ndarray:
        value = np.zeros((4, 4, 4))
        for row in range(4):
            for column in range(4):
                window = picture[row : row + 3, column : column + 2]
                value[row, column] = np.tensordot(window, weights["conv/kernel"][:, :, 0], 2) + weights["conv/bias"]
        scale = weights["norm/gamma"] / np.sqrt(weights["norm/moving_variance"] + 0.001)
        value = np.maximum((value - weights["norm/moving_mean"]) * scale + weights["norm/beta"], 0)
        value = value.reshape(2, 2, 2, 2, 4).max(axis=(1, 3))
        scores = np.exp(value.reshape(-1) @ weights["dense/kernel"])
        return scores / scores.sum()

    def test_other_layers_are_named(self) -> None:
        for kind, config, words in (
            ("LSTM", {"name": "l"}, "layer `LSTM`"),
            ("Conv2D", {"name": "conv", "padding": "same"}, "`padding` of `conv`"),
        ):
            self.write((self.LAYERS[0], (kind, config)))
            with h5py.File(self.folder / "k.hdf5") as file, self.assertRaisesRegex(ValueError, words):
                keras_cnn._Network(file).save(self.folder / "k.onnx")


class Brisque(Case):
    HEAD = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv 2\nrho -155.845\nSV\n"

    def convert(self, text: str) -> dict:
        (self.folder / "svm.txt").write_text(text, encoding="ascii")
        with unittest.mock.patch.object(brisque, "load", return_value={"min_": [-1] * 36, "max_": [2] * 36}):
            brisque.convert([self.folder / "svm.txt", Path("none")], self.folder)
        return json.loads((self.folder / f"{self.folder.name}.json").read_text(encoding="ascii"))

    def test_what_a_vector_leaves_out_is_zero(self) -> None:
        result = self.convert(self.HEAD + "-1024 1:-0.5 36:0.25 \n3.5 2:1 \n")
        self.assertEqual(result["coefficients"], [-1024, 3.5])
        self.assertEqual([len(vector) for vector in result["vectors"]], [36, 36])
        self.assertEqual((result["vectors"][0][0], result["vectors"][0][1], result["vectors"][0][35]), (-0.5, 0, 0.25))
        self.assertEqual((result["gamma"], result["rho"]), (0.05, -155.845))

    def test_another_kind_or_a_cut_file_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "linear kernel"):
            self.convert(self.HEAD.replace("rbf", "linear"))
        with self.assertRaisesRegex(ValueError, "1 support vectors"):
            self.convert(self.HEAD + "1 1:1 \n")


class Labels(Case):
    def test_first_name_in_the_order_of_the_classes(self) -> None:
        (self.folder / "s").write_text("n2\nn1\n", encoding="utf-8")
        (self.folder / "n").write_text("n1\ttench, Tinca tinca\nn2\tbow\nn3\tother\n", encoding="utf-8")
        self.assertEqual(efficientnet._labels(self.folder / "s", self.folder / "n"), "bow\ntench\n")


class Real(unittest.TestCase):
    """What the real files must satisfy, where they are here."""

    def test_labels_and_brisque(self) -> None:
        import pull

        cache = pull.cache_folder()
        if not (cache / "brisque" / "brisque.json").exists():
            self.skipTest("model brisque is not here; run weir models pull")
        model = json.loads((cache / "brisque" / "brisque.json").read_text(encoding="ascii"))
        self.assertEqual((len(model["vectors"]), len(model["coefficients"])), (770, 770))
        self.assertTrue(all(low < high for low, high in zip(model["minimum"], model["maximum"], strict=True)))
        self.assertTrue(all(math.isfinite(value) for vector in model["vectors"] for value in vector))
        labels = (cache / "efficientnet" / "labels.txt").read_text(encoding="utf-8").splitlines()
        self.assertEqual((len(labels), labels[0], labels[654], labels[999]), (1000, "tench", "minibus", "toilet tissue"))


if __name__ == "__main__":
    unittest.main()
