"""Tell which cropped lines lie upside down with PaddleOCR flags: `python tools/infer/predict_cls.py --image_dir PATH`.

The same as `ppocr classify`; which flag does what is in ppocr/cli/paddleocr_flags.py.
"""

import sys

from ppocr.cli.paddleocr_flags import run

if __name__ == "__main__":
    sys.exit(run("classify"))
