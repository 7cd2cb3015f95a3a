"""PaddleOCR's script of this name takes a tenth of every layer's filters out and trains on; so does this one.

With `--output JSON` it measures which layers can spare filters: `ppocr prune-sensitivity`.
"""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if any(argument.split("=")[0] == "--output" for argument in arguments):
        sys.exit(main(["prune-sensitivity", *arguments]))
    given = any(argument.split("=")[0] == "--slim" for argument in arguments)
    overlay = [] if given else ["--slim", "slim/fpgm_tenth.yml"]
    sys.exit(main(["train", *overlay, *arguments]))
