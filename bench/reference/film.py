"""What changes from frame to frame: cuts by colours and by TransNetV2, the camera's motion."""

import cv2
import numpy as np

from . import models

_HALF, _WINDOW = 25, 100


def content(frames: list[np.ndarray]) -> np.ndarray:
    """The mean change of hue, saturation and value from the frame before."""
    changes, last = [0.0], None
    for frame in frames:
        values = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV).astype(np.float32)
        if last is not None:
            changes.append(float(np.abs(values - last).mean()))
        last = values
    return np.array(changes)


def transnet(frames: np.ndarray) -> np.ndarray:
    """The probability that a shot ends with each frame. `frames`: [count, 27, 48, 3]."""
    count = len(frames)
    after = _HALF + 50 - (count % 50 or 50)
    padded = np.concatenate([frames[:1]] * _HALF + [frames] + [frames[-1:]] * after).astype(np.float32)
    parts = [window(padded[start : start + _WINDOW])[_HALF : _HALF + 50] for start in range(0, len(padded) - 99, 50)]
    return np.concatenate(parts)[:count]


def window(frames: np.ndarray) -> np.ndarray:
    """TransNetV2 on 100 frames."""
    return models.run("transnetv2", {"frames": frames[None]})["single_frame"][0, :, 0]


def motion(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """The transform (2 × 3) of the picture between two frames, by points that are followed."""
    first, second = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after))
    points = cv2.goodFeaturesToTrack(first, 200, 0.01, 7)
    if points is None or len(points) < 8:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(first, second, points, None)
    good = status[:, 0] == 1
    if good.sum() < 8:
        return None
    transform, _ = cv2.estimateAffinePartial2D(points[good], moved[good])
    return transform
