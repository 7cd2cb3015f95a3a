"""Train a network, as `ppocr train` does: `python tools/train.py -c FILE -o KEY.KEY=VALUE …`."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
