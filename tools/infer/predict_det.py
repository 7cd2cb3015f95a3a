"""Find where text is with PaddleOCR flags: `python tools/infer/predict_det.py --image_dir PATH`.

The same as `ppocr detect`; which flag does what is in ppocr/cli/paddleocr_flags.py.
"""

import sys

from ppocr.cli.paddleocr_flags import run

if __name__ == "__main__":
    sys.exit(run("detect"))
