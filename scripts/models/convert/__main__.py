"""`python -m convert CONVERSION OUTPUT MEMBER…`: runs one converter. The folder's name is the model's name."""

import sys
from pathlib import Path

from . import nsfwjs, profanity, tfjs, whisper, wordlist

CONVERSIONS = {
    "tfjs": tfjs.convert,
    "nsfwjs": nsfwjs.convert,
    "whisper": whisper.convert,
    "profanity": profanity.convert,
    "wordlist_python": wordlist.convert_python_list,
    "wordlist_parquet": wordlist.convert_parquet,
}


def main(arguments: list[str]) -> int:
    name, output, *members = arguments
    if name not in CONVERSIONS:
        print(f"conversion `{name}` is not known; known: {', '.join(sorted(CONVERSIONS))}", file=sys.stderr)
        return 2
    CONVERSIONS[name]([Path(member) for member in members], Path(output))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
