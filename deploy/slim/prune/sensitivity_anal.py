"""`ppocr prune-sensitivity` under the name that users of PaddleOCR know."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["prune-sensitivity", *sys.argv[1:]]))
