"""NanoDet: objects of the 80 COCO classes; MoveNet: the body of each person."""

import cv2
import numpy as np

from . import models
from .boxes import kept, letterbox

SIDE = 416
_MEAN = np.array([103.53, 116.28, 123.675], np.float32)
_DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
_OUTPUTS = {8: ("Identity", "Identity_3"), 16: ("Identity_1", "Identity_4"), 32: ("Identity_2", "Identity_5")}
PERSON = 0


def detect(picture: np.ndarray, threshold: float = 0.3) -> list[dict]:
    """`{class, score, box}`, the surest first."""
    stretched = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
    planes = ((stretched - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None].astype(np.float32)
    outputs = models.run("nanodet", {"input_1": planes})
    corners, scores, classes = (np.concatenate(part) for part in zip(*_by_stride(outputs), strict=True))
    sure = scores > threshold
    corners, scores, classes = corners[sure], scores[sure], classes[sure]
    # Apart by class: boxes of two classes never touch.
    apart = corners + classes[:, None] * 4.0 * SIDE
    height, width = picture.shape[:2]
    scale = np.array([width, height, width, height]) / SIDE
    found = []
    for index in kept(apart, scores, 0.5):
        left, top, right, bottom = np.clip(corners[index], 0, SIDE) * scale
        box = [float(v) for v in (left, top, right - left, bottom - top)]
        found.append({"class": int(classes[index]), "score": float(scores[index]), "box": box})
    return found


def _by_stride(outputs: dict[str, np.ndarray]):
    for stride, (scores, sides) in _OUTPUTS.items():
        cells = SIDE // stride
        bins = outputs[sides][0].reshape(-1, 4, 11)
        weights = np.exp(bins - bins.max(axis=2, keepdims=True))
        distance = (weights / weights.sum(axis=2, keepdims=True) * np.arange(11)).sum(axis=2) * stride
        row, column = np.divmod(np.arange(cells * cells), cells)
        centre = np.stack([column + 0.5, row + 0.5], axis=1) * stride
        corners = np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], axis=1)
        yield corners, outputs[scores][0].max(axis=1), outputs[scores][0].argmax(axis=1)


def poses(picture: np.ndarray) -> list[list[list[float]]]:
    """17 points `[x, y, score]` of each person."""
    found = []
    for person in (item for item in detect(picture) if item["class"] == PERSON):
        x, y, width, height = (int(round(v)) for v in person["box"])
        crop = picture[y : y + height, x : x + width]
        if not crop.size:
            continue
        square, factor, (left, top) = letterbox(crop, 192)
        points = models.run("movenet", {"input": square[None].astype(np.int32)})["Identity"][0, 0]
        found.append([[(c * 192 - left) / factor + x, (r * 192 - top) / factor + y, float(s)] for r, c, s in points])
    return found
