"""Boxes and letterboxes that several detectors share."""

import cv2
import numpy as np


def kept(corners: np.ndarray, scores: np.ndarray, overlap: float) -> list[int]:
    """Greedy suppression: the indices of the boxes that no better box overlaps more than `overlap`."""
    order = np.argsort(-scores, kind="stable")
    chosen: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        chosen.append(int(best))
        low = np.maximum(corners[best, :2], corners[rest, :2])
        high = np.minimum(corners[best, 2:], corners[rest, 2:])
        both = np.prod(np.maximum(high - low, 0), axis=1)
        areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
        order = rest[both / (areas[best] + areas[rest] - both) <= overlap]
    return chosen


def letterbox(picture: np.ndarray, side: int) -> tuple[np.ndarray, float, tuple[float, float]]:
    """The picture in the middle of a black square, the factor, and where its corner is."""
    height, width = picture.shape[:2]
    factor = side / max(width, height)
    # The picture's corner may lie between two pixels, so it is moved by a transform and not copied.
    left, top = (side - width * factor) / 2, (side - height * factor) / 2
    matrix = np.array([[factor, 0, left + factor / 2 - 0.5], [0, factor, top + factor / 2 - 0.5]])
    square = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return square, factor, (left, top)


def square_around(picture: np.ndarray, box: list[float], grown: float, side: int) -> np.ndarray:
    """The square around a box, `grown` times as large, scaled to `side`; black beyond the picture."""
    x, y, width, height = box
    edge = max(width, height) * grown
    factor = side / edge
    left, top = x + width / 2 - edge / 2, y + height / 2 - edge / 2
    matrix = np.array([[factor, 0, factor / 2 - 0.5 - left * factor], [0, factor, factor / 2 - 0.5 - top * factor]])
    return cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
