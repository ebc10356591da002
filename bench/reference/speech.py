"""Silero: when someone speaks; Whisper: what is said; Resemblyzer: who speaks."""

import functools

import numpy as np
from tokenizers import Tokenizer

from . import models
from .media import RATE

VAD_WINDOW = 512
_SILENCE, _SPEECH, _PAD = 100 * RATE // 1000, 250 * RATE // 1000, 30 * RATE // 1000
_WINDOW = 30 * RATE
_TOKENS_MAX = 220


def voice(samples: np.ndarray) -> np.ndarray:
    """The probability of speech in each 32 ms."""
    session = models.session("silero_vad")
    state, before, rate = np.zeros((2, 1, 128), np.float32), np.zeros((1, 64), np.float32), np.array(RATE, np.int64)
    found = []
    for start in range(0, len(samples) - VAD_WINDOW + 1, VAD_WINDOW):
        given = np.concatenate([before, samples[None, start : start + VAD_WINDOW]], axis=1)
        probability, state = session.run(["output", "stateN"], {"input": given, "state": state, "sr": rate})
        before = given[:, -64:]
        found.append(float(probability[0, 0]))
    return np.array(found)


def spans(probabilities: np.ndarray, length: int) -> list[tuple[int, int]]:
    """Where someone speaks, in samples: the rules of silero-vad's `get_speech_timestamps` with its defaults."""
    found, start, silent = [], None, None
    for index, probability in enumerate(probabilities):
        here = index * VAD_WINDOW
        if probability >= 0.5:
            start, silent = (here if start is None else start), None
        elif probability < 0.35 and start is not None:
            silent = here if silent is None else silent
            if here - silent >= _SILENCE:
                found.append((start, silent))
                start, silent = None, None
    if start is not None:
        found.append((start, length))
    found = [(first, last) for first, last in found if last - first > _SPEECH]
    return _padded(found, length)


def _padded(found: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """30 ms more on either side, or half of the pause where it is shorter."""
    result = [list(span) for span in found]
    for index, span in enumerate(result):
        if index == 0:
            span[0] = max(0, span[0] - _PAD)
        if index + 1 == len(result):
            span[1] = min(length, span[1] + _PAD)
            continue
        pause = result[index + 1][0] - span[1]
        margin = _PAD if pause >= 2 * _PAD else pause // 2
        span[1] += margin
        result[index + 1][0] -= margin
    return [(first, last) for first, last in result]


def transcribe(samples: np.ndarray, model: str) -> str:
    """The text, 30 s at a time, greedily."""
    parts = [samples[start : start + _WINDOW] for start in range(0, len(samples), _WINDOW)]
    return " ".join(_window(np.pad(part, (0, _WINDOW - len(part))), model).strip() for part in parts)


def _window(samples: np.ndarray, model: str) -> str:
    tokenizer = _tokenizer(model)
    cross = models.run(model, {"mel": _log_mel(samples)[None]}, "encoder.onnx")
    layers = len(cross) // 2
    heads, width = cross["cross_k_0"].shape[1:3]
    past = {f"past_{part}_{layer}": np.zeros((1, heads, 0, width), np.float32) for layer in range(layers) for part in "kv"}
    start, end, plain = (tokenizer.token_to_id(f"<|{name}|>") for name in ("startoftranscript", "endoftext", "notimestamps"))
    tokens, offset, said = [start, *_task(tokenizer, model), plain], 0, []
    for _ in range(_TOKENS_MAX):
        inputs = {"tokens": np.array([tokens], np.int64), "offset": np.array([offset], np.int64), **cross, **past}
        outputs = models.run(model, inputs, "decoder.onnx")
        offset += len(tokens)
        past = {name.replace("present", "past"): value for name, value in outputs.items() if name.startswith("present")}
        best = int(outputs["logits"][0, 0].argmax())
        if best == end:
            break
        said.append(best)
        tokens = [best]
    return tokenizer.decode(said)


def _task(tokenizer: Tokenizer, model: str) -> list[int]:
    """The English-only model takes no language."""
    names = () if model.endswith("_en") else ("<|en|>", "<|transcribe|>")
    return [tokenizer.token_to_id(name) for name in names]


@functools.cache
def _tokenizer(model: str) -> Tokenizer:
    return Tokenizer.from_file(str(models.folder() / model / "tokenizer.json"))


def _log_mel(samples: np.ndarray) -> np.ndarray:
    """[80, 3000], as OpenAI's."""
    import librosa

    power = np.abs(librosa.stft(samples, n_fft=400, hop_length=160, pad_mode="reflect")[:, :-1]) ** 2
    values = np.log10(np.maximum(_filters() @ power, 1e-10))
    return ((np.maximum(values, values.max() - 8) + 4) / 4).astype(np.float32)


@functools.cache
def _filters() -> np.ndarray:
    import librosa

    return librosa.filters.mel(sr=RATE, n_fft=400, n_mels=80)


def voices(samples: np.ndarray) -> np.ndarray:
    """A vector for each 1.6 s, 0.8 s apart."""
    import librosa

    bands = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=400, hop_length=160, n_mels=40).T.astype(np.float32)
    if len(bands) < 160:
        return np.zeros((0, 256))
    pieces = np.stack([bands[at : at + 160] for at in range(0, len(bands) - 159, 80)])
    return models.run("resemblyzer", {"mels": pieces})["embedding"]
