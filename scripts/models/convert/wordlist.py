"""Word lists → one JSON form: language → sorted words, lower case, composed (NFC)."""

import ast
import json
import unicodedata
from pathlib import Path

FORMAT = "weir.wordlist.v1"


def convert_python_list(members: list[Path], output: Path) -> None:
    """`members`: a Python module that assigns one list of strings. It is parsed, not run. Language: Vietnamese."""
    tree = ast.parse(members[0].read_text(encoding="utf-8"))
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    words = [word for value in values for word in ast.literal_eval(value)]
    _write({"vi": words}, output)


def convert_parquet(members: list[Path], output: Path) -> None:
    """`members`: a Parquet file with the columns `lang` and `word`."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(members[0], columns=["lang", "word"]).to_pydict()
    languages: dict[str, list[str]] = {}
    for language, word in zip(table["lang"], table["word"], strict=True):
        languages.setdefault(language, []).append(word)
    _write(languages, output)


def _write(languages: dict[str, list[str]], output: Path) -> None:
    cleaned = {language: _clean(words) for language, words in sorted(languages.items())}
    text = json.dumps({"format": FORMAT, "languages": cleaned}, ensure_ascii=False, indent=0)
    (output / f"{output.name}.json").write_text(text + "\n", encoding="utf-8")


def _clean(words: list[str]) -> list[str]:
    normal = (" ".join(unicodedata.normalize("NFC", word).lower().split()) for word in words)
    return sorted({word for word in normal if word})
