"""Measure a network on labelled pictures, as `ppocr eval` does: `python tools/eval.py -c FILE -o KEY.KEY=VALUE …`."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["eval", *sys.argv[1:]]))
