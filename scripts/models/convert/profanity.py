"""alt-profanity-check (TF-IDF and five calibrated linear SVMs) → JSON.

The score of a text, as scikit-learn computes it:
1. lower case; tokens are the matches of `token_pattern` (two or more word characters; stop words are not in the vocabulary);
2. x[i] = count of vocabulary[i] · idf[i], divided by the Euclidean length of x (an empty x stays 0);
3. each classifier: f = weights · x + intercept, p = 1 / (1 + exp(a · f + b)); the score is the mean p.
"""

import json
from pathlib import Path

from .safe_joblib import Record, load

FORMAT = "weir.linear_text.v1"
_VECTORISER = {
    "analyzer": "word",
    "binary": False,
    "lowercase": True,
    "ngram_range": (1, 1),
    "norm": "l2",
    "preprocessor": None,
    "strip_accents": None,
    "sublinear_tf": False,
    "tokenizer": None,
    "use_idf": True,
}


def convert(members: list[Path], output: Path) -> None:
    """`members`: vectorizer.joblib, model.joblib."""
    vectoriser, model = (load(member) for member in members)
    _require(vectoriser, _VECTORISER)
    _require(model, {"method": "sigmoid"})
    words = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.get)
    result = {
        "format": FORMAT,
        "token_pattern": vectoriser.token_pattern,
        "vocabulary": words,
        "idf": vectoriser._tfidf.idf_.tolist(),
        "classifiers": [_classifier(item) for item in model.calibrated_classifiers_],
    }
    text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    (output / f"{output.name}.json").write_text(text, encoding="utf-8")


def _classifier(calibrated: Record) -> dict:
    (sigmoid,) = calibrated.calibrators
    return {
        "weights": calibrated.estimator.coef_[0].tolist(),
        "intercept": float(calibrated.estimator.intercept_[0]),
        "a": float(sigmoid.a_),
        "b": float(sigmoid.b_),
    }


def _require(record: Record, expected: dict) -> None:
    """The JSON form holds only this kind of model; another one must not pass as it."""
    for name, value in expected.items():
        if getattr(record, name) != value:
            raise ValueError(f"`{name}` is {getattr(record, name)!r}; only {value!r} is exported")
