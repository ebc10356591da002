"""`python -m convert CONVERSION OUTPUT MEMBER…`: runs one converter. The folder's name is the model's name."""

import sys
from pathlib import Path

from . import brisque, efficientnet, isnet, keras_cnn, movenet, nsfwjs, profanity
from . import resemblyzer, tfjs, transnetv2, whisper, wordlist

CONVERSIONS = {
    "brisque": brisque.convert,
    "efficientnet": efficientnet.convert,
    "isnet": isnet.convert,
    "keras_cnn": keras_cnn.convert,
    "movenet": movenet.convert,
    "nsfwjs": nsfwjs.convert,
    "profanity": profanity.convert,
    "resemblyzer": resemblyzer.convert,
    "tfjs": tfjs.convert,
    "transnetv2": transnetv2.convert,
    "whisper": whisper.convert,
    "wordlist_parquet": wordlist.convert_parquet,
    "wordlist_python": wordlist.convert_python_list,
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
