"""`ppocr export`, which rebuilds a pruned network from its checkpoint, under the name that users of PaddleOCR know."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
