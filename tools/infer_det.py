"""Find text, in training: `python tools/infer_det.py -c FILE -o Global.infer_img=PATH`, or `ppocr predict`."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["predict", "--task", "det", *sys.argv[1:]]))
