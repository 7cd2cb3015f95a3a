"""`ppocr quantize`, which needs no training, under the name that users of PaddleOCR know."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["quantize", *sys.argv[1:]]))
