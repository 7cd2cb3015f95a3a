"""`ppocr export`, which stores quantized weights in 8 bits, under the name that users of PaddleOCR know."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
