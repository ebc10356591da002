"""Reads the JavaScript object literal inside a minified module, without running the module."""

import re

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<punctuation>[{}\[\]:,])
      | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
      | (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)
      | (?P<word>[A-Za-z_$][\w$]*|![01])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_WORDS = {"true": True, "!0": True, "false": False, "!1": False, "null": None}
_MAX_DEPTH = 64


class JsLiteralError(ValueError):
    """The text is not a literal this reader knows."""


def exported_object(source: str) -> dict:
    """Returns the object of the first `….exports = {…}` whose right side is a plain literal."""
    for match in re.finditer(r"\.exports=(?=\{)", source):
        try:
            value, _ = _value(source, match.end(), 0)
        except JsLiteralError:
            continue
        return value
    raise JsLiteralError("no `exports={…}` with a plain object was found")


def exported_string(source: str) -> str:
    """Returns the string of the first `….exports = "…"`."""
    match = re.search(r"\.exports=(?=[\"'])", source)
    if match is None:
        raise JsLiteralError('no `exports="…"` was found')
    value, _ = _value(source, match.end(), 0)
    return value


def _value(source: str, at: int, depth: int):
    kind, text, at = _token(source, at)
    if kind == "string":
        return _unescape(text[1:-1]), at
    if kind == "number":
        return (float(text) if re.search(r"[.e]", text) else int(text)), at
    if kind == "word" and text in _WORDS:
        return _WORDS[text], at
    if text == "{":
        return _object(source, at, depth + 1)
    if text == "[":
        return _array(source, at, depth + 1)
    raise JsLiteralError(f"unexpected `{text[:20]}` at offset {at}")


def _object(source: str, at: int, depth: int):
    if depth > _MAX_DEPTH:
        raise JsLiteralError(f"nested deeper than {_MAX_DEPTH}")
    result = {}
    kind, text, after = _token(source, at)
    if text == "}":
        return result, after
    while True:
        kind, key, at = _token(source, at)
        if kind == "string":
            key = _unescape(key[1:-1])
        elif kind not in ("word", "number"):
            raise JsLiteralError(f"expected a key, found `{key}` at offset {at}")
        at = _expect(source, at, ":")
        result[key], at = _value(source, at, depth)
        kind, text, at = _token(source, at)
        if text == "}":
            return result, at
        if text != ",":
            raise JsLiteralError(f"expected `,` or `}}`, found `{text[:20]}` at offset {at}")


def _array(source: str, at: int, depth: int):
    if depth > _MAX_DEPTH:
        raise JsLiteralError(f"nested deeper than {_MAX_DEPTH}")
    result = []
    kind, text, after = _token(source, at)
    if text == "]":
        return result, after
    while True:
        value, at = _value(source, at, depth)
        result.append(value)
        kind, text, at = _token(source, at)
        if text == "]":
            return result, at
        if text != ",":
            raise JsLiteralError(f"expected `,` or `]`, found `{text[:20]}` at offset {at}")


def _expect(source: str, at: int, wanted: str) -> int:
    _, text, at = _token(source, at)
    if text != wanted:
        raise JsLiteralError(f"expected `{wanted}`, found `{text[:20]}` at offset {at}")
    return at


def _token(source: str, at: int):
    match = _TOKEN.match(source, at)
    if match is None:
        raise JsLiteralError(f"unexpected `{source[at:at + 20]}` at offset {at}")
    return match.lastgroup, match.group(match.lastgroup), match.end()


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def replace(match: re.Match) -> str:
        body = match.group(1)
        if body[0] in "ux" and len(body) > 1:
            return chr(int(body[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}.get(body, body)

    return _ESCAPE.sub(replace, text)
