"""PP-OCR: where text is and what it says; TrueOCR: the same line read by one who knows Vietnamese."""

import functools
import json
import re
import unicodedata

import cv2
import numpy as np

from . import models

_LONG_SIDE = 1280
_THRESHOLD, _BOX_SCORE, _UNCLIP = 0.3, 0.5, 1.6
_SURE = 0.8


def read(picture: np.ndarray) -> list[dict]:
    """`{text, score, box}` of each line, from top to bottom."""
    lines = []
    for corners in _regions(picture):
        crop = _straight(picture, corners)
        text, score = _recognise(crop)
        other, sure = _vietnamese(picture, corners)
        if sure >= _SURE and set(other) - _characters():
            text, score = other, sure
        if text.strip():
            low, high = corners.min(axis=0), corners.max(axis=0)
            lines.append({"text": text, "score": score, "box": [float(v) for v in (*low, *(high - low))]})
    return sorted(lines, key=lambda line: line["box"][1])


def _regions(picture: np.ndarray) -> list[np.ndarray]:
    """The corners of each line: differentiable binarisation, then a rectangle that is grown."""
    height, width = picture.shape[:2]
    factor = min(1.0, _LONG_SIDE / max(height, width))
    size = [max(32, round(side * factor / 32) * 32) for side in (width, height)]
    values = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)[:, :, ::-1].astype(np.float32)
    planes = ((values / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
    session = models.session("ppocr_det")
    probabilities = session.run(None, {session.get_inputs()[0].name: planes})[0][0, 0]
    contours, _ = cv2.findContours((probabilities > _THRESHOLD).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < 3 or _mean_inside(probabilities, cv2.boxPoints(rectangle)) < _BOX_SCORE:
            continue
        (x, y), (w, h), angle = rectangle
        grow = 2 * w * h * _UNCLIP / (2 * (w + h))
        corners = cv2.boxPoints(((x, y), (w + grow, h + grow), angle))
        found.append(corners * [width / size[0], height / size[1]])
    return found


def _mean_inside(values: np.ndarray, corners: np.ndarray) -> float:
    mask = np.zeros(values.shape, np.uint8)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    return cv2.mean(values, mask)[0]


def _straight(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The region with its longer side level."""
    by_sum, by_difference = corners.sum(axis=1), np.diff(corners, axis=1)[:, 0]
    order = [by_sum.argmin(), by_difference.argmin(), by_sum.argmax(), by_difference.argmax()]
    points = corners[order].astype(np.float32)
    width = int(max(np.linalg.norm(points[0] - points[1]), np.linalg.norm(points[2] - points[3])))
    height = int(max(np.linalg.norm(points[0] - points[3]), np.linalg.norm(points[1] - points[2])))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(points, target)
    crop = cv2.warpPerspective(picture, matrix, (max(width, 1), max(height, 1)), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.rot90(crop) if height > 1.5 * width else crop


@functools.cache
def _alphabet() -> list[str]:
    metadata = models.session("ppocr_rec").get_modelmeta().custom_metadata_map
    return ["", *metadata["character"].splitlines(), " "]


@functools.cache
def _characters() -> set[str]:
    return set("".join(_alphabet()))


def _recognise(crop: np.ndarray) -> tuple[str, float]:
    height, width = crop.shape[:2]
    wide = max(320, round(48 * width / height))
    scaled = cv2.resize(crop, (min(wide, max(1, round(48 * width / height))), 48), interpolation=cv2.INTER_LINEAR)
    planes = np.zeros((1, 3, 48, wide), np.float32)
    planes[0, :, :, : scaled.shape[1]] = ((scaled[:, :, ::-1].astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)
    session = models.session("ppocr_rec")
    steps = session.run(None, {session.get_inputs()[0].name: planes})[0][0]
    ids, scores = steps.argmax(axis=1), steps.max(axis=1)
    keep = (ids != 0) & np.concatenate([[True], ids[1:] != ids[:-1]])
    return "".join(_alphabet()[index] for index in ids[keep]), float(scores[keep].mean()) if keep.any() else 0.0


def _vietnamese(picture: np.ndarray, corners: np.ndarray) -> tuple[str, float]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    # Its makers' boxes begin lower and end later than PP-OCR's; a dot below is lost when this is missed by a twentieth of the height.
    low, high = corners.min(axis=0), corners.max(axis=0)
    left, top, bottom = (share * (high[1] - low[1]) for share in (0.1, 0.09, 0.01))
    ink = _ink(grey, [low[0] + left, low[1] + top, high[0] - left, high[1] + bottom])
    width = -(-ink.shape[1] // 8) * 8 + 8
    padded = np.zeros((1, 1, 96, width), np.float32)
    padded[0, 0, :, : ink.shape[1]] = ink
    inputs = {"x": padded, "widths": np.array([ink.shape[1]], np.int64)}
    outputs = models.run("trueocr", inputs, "rec.onnx")
    length = int(outputs["lengths"][0])
    ids, scores = outputs["ids"][0, :length], outputs["conf"][0, :length]
    keep = (ids != 0) & np.concatenate([[True], ids[1:] != ids[:-1]])
    text = unicodedata.normalize("NFC", "".join(_charset()[index - 1] for index in ids[keep]))
    return re.sub(r"\s+", " ", text).strip(), float(scores[keep].mean()) if keep.any() else 0.0


@functools.cache
def _charset() -> list[str]:
    return json.loads((models.folder() / "trueocr" / "meta.json").read_text(encoding="utf-8"))["charset"]


def _ink(grey: np.ndarray, box: list[float]) -> np.ndarray:
    """The line and what is above and below it, 96 high; paper 0, ink 1."""
    left, top, right, bottom = box
    line = max(1.0, bottom - top)
    x0, x1 = int(np.floor(left - 0.3 * line)), int(np.ceil(right + 0.3 * line))
    y0, y1 = int(np.floor(top - 1.6 * line)), int(np.ceil(bottom + 1.6 * line))
    inside = grey[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
    dark, middle, bright = np.percentile(inside, (2, 50, 98)) if inside.size else (0, 0, 0)
    light_on_dark = bright - middle > 2 * (middle - dark) + 8
    crop = np.full((y1 - y0, x1 - x0), 0 if light_on_dark else 255, np.uint8)
    rows, columns = slice(max(0, y0), min(grey.shape[0], y1)), slice(max(0, x0), min(grey.shape[1], x1))
    crop[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = grey[rows, columns]
    width = max(8, min(768, round(crop.shape[1] * 96 / crop.shape[0])))
    how = cv2.INTER_AREA if crop.shape[0] > 96 else cv2.INTER_LINEAR
    values = cv2.resize(crop, (width, 96), interpolation=how).astype(np.float32) / 255
    return values if light_on_dark else 1 - values
