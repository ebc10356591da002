"""BlazeFace: faces; FaceRes and the expression classifier: how old, how they look; face mesh and iris: where they look."""

import cv2
import numpy as np

from . import models
from .boxes import kept, letterbox, square_around

SIDE = 256
_GROWN = 1.5
_EYES = ((33, 133), (362, 263))


def _anchors() -> np.ndarray:
    centres = []
    for cells, count in ((16, 2), (8, 6)):
        for row in range(cells):
            for column in range(cells):
                centres += [((column + 0.5) / cells * SIDE, (row + 0.5) / cells * SIDE)] * count
    return np.array(centres)


_ANCHORS = _anchors()


def detect(picture: np.ndarray, threshold: float = 0.5) -> list[dict]:
    """`{score, box, points}`, the surest first; six points: eyes, nose, mouth, ears."""
    square, factor, corner = letterbox(picture, SIDE)
    outputs = models.run("blazeface", {"input": (square[None] / 127.5 - 1).astype(np.float32)})
    logits = np.concatenate([outputs["Identity"], outputs["Identity_1"]], axis=1)[0, :, 0]
    boxes = np.concatenate([outputs["Identity_2"], outputs["Identity_3"]], axis=1)[0]
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    sure = scores > threshold
    centre, size = _ANCHORS[sure] + boxes[sure, :2], boxes[sure, 2:4]
    points = _ANCHORS[sure][:, None] + boxes[sure, 4:16].reshape(-1, 6, 2)
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    found = []
    for index in kept(corners, scores[sure], 0.3):
        x, y = (corners[index, :2] - corner) / factor
        width, height = size[index] / factor
        there = ((points[index] - corner) / factor).tolist()
        found.append({"score": float(scores[sure][index]), "box": [float(v) for v in (x, y, width, height)], "points": there})
    return found


def age(picture: np.ndarray, box: list[float]) -> float:
    """Years: the mean of the distribution."""
    face = square_around(picture, box, _GROWN, 224).astype(np.float32)
    years = models.run("faceres", {"input_1": face[None]})["age_pred/Softmax"][0]
    return float((years * np.arange(100)).sum())


def expression(picture: np.ndarray, box: list[float]) -> list[float]:
    """angry, disgust, fear, happy, sad, surprise, neutral."""
    face = cv2.cvtColor(square_around(picture, box, _GROWN, 64), cv2.COLOR_RGB2GRAY)
    grey = ((face.astype(np.float32) / 255 - 0.5) * 2)[None, :, :, None]
    return models.run("emotion", {"input_1": grey})["Identity"][0].tolist()


def gaze(picture: np.ndarray, box: list[float]) -> list[list[float]]:
    """For each eye: the iris' place between the corners, 0 to 1 in both directions."""
    edge = max(box[2:]) * _GROWN
    face = square_around(picture, box, _GROWN, 192).astype(np.float32) / 255
    mesh = models.run("facemesh", {"input_1": face[None]})["output_mesh"].reshape(468, 3)
    origin = [box[0] + box[2] / 2 - edge / 2, box[1] + box[3] / 2 - edge / 2]
    result = []
    for corners in _EYES:
        inner, outer = (mesh[index, :2] / 192 * edge + origin for index in corners)
        middle, width = (inner + outer) / 2, float(np.linalg.norm(inner - outer))
        eye = square_around(picture, [*(middle - width / 2), width, width], 2.3, 64).astype(np.float32) / 255
        points = models.run("iris", {"input_1": eye[None]})["Identity"].reshape(76, 3)
        outline = points[:16, :2]
        low, size = outline.min(axis=0), np.maximum(np.ptp(outline, axis=0), 1e-3)
        result.append(((points[71, :2] - low) / size).tolist())
    return result
