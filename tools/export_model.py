"""Export a trained network: `python tools/export_model.py -c FILE -o KEY.KEY=VALUE …`, or `ppocr export`."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
