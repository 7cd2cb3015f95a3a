"""Tell directions, in training: `python tools/infer_cls.py -c FILE -o Global.infer_img=PATH`, or `ppocr predict`."""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["predict", "--task", "cls", *sys.argv[1:]]))
