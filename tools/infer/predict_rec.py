"""Read already cropped lines with PaddleOCR flags: `python tools/infer/predict_rec.py --image_dir PATH`.

The same as `ppocr recognize`; which flag does what is in ppocr/cli/paddleocr_flags.py.
"""

import sys

from ppocr.cli.paddleocr_flags import run

if __name__ == "__main__":
    sys.exit(run("recognize"))
