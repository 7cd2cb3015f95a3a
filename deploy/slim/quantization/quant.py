"""`ppocr train` with PACT, unless another `--slim` is given, under the name that users of PaddleOCR know."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    overlay = [] if any(argument.split("=")[0] == "--slim" for argument in arguments) else ["--slim", "slim/pact.yml"]
    sys.exit(main(["train", *overlay, *arguments]))
