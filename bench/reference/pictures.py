"""What a picture shows as a whole: nudity, ImageNet's classes, people's outline, quality, colours."""

import cv2
import numpy as np

from . import models

_OPEN_NSFW_MEAN = np.array([104, 117, 123], np.float32)
NSFWJS = ("drawing", "hentai", "neutral", "porn", "sexy")


def open_nsfw(picture: np.ndarray) -> float:
    """The probability that it is not safe for work."""
    stretched = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_LINEAR)[16:240, 16:240, ::-1]
    session = models.session("open_nsfw")
    values = (stretched - _OPEN_NSFW_MEAN).astype(np.float32)[None]
    return float(session.run(None, {session.get_inputs()[0].name: values})[0][0, 1])


def nsfwjs(picture: np.ndarray) -> dict[str, float]:
    """Five classes."""
    stretched = cv2.resize(picture, (224, 224), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    scores = models.run("nsfwjs", {"input": stretched[None]})["Identity"][0]
    return dict(zip(NSFWJS, map(float, scores), strict=True))


def tags(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of ImageNet's classes, and a vector of the picture."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = cv2.resize(picture[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_CUBIC)
    planes = ((middle.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
    outputs = models.run("efficientnet", {"image": planes})
    return outputs["probs"][0], outputs["features"][0]


def people(picture: np.ndarray) -> float:
    """The share of the picture that is people."""
    stretched = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    return float((models.run("selfie", {"input_1": stretched[None]})["activation_10"] > 0.5).mean())


def brisque(picture: np.ndarray) -> float:
    """The package's own score."""
    import warnings

    from brisque import BRISQUE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(BRISQUE(url=False).score(picture))


def sharpness(picture: np.ndarray) -> float:
    """The variance of the Laplacian."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def palette(picture: np.ndarray) -> np.ndarray:
    """Five colours in Lab, the most frequent first."""
    small = cv2.resize(picture, (64, 36), interpolation=cv2.INTER_AREA)
    values = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, labels, centres = cv2.kmeans(values, 5, None, stop, 1, cv2.KMEANS_PP_CENTERS)
    return centres[np.argsort(-np.bincount(labels.ravel(), minlength=5))]
