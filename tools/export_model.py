"""Write a trained network as a model directory, as `ppocr export` does: `python tools/export_model.py -c FILE -o KEY.KEY=VALUE …`."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
