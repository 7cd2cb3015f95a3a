"""Find and read the text of pictures with PaddleOCR flags: `python tools/infer/predict_system.py --image_dir PATH`.

The same as `ppocr ocr`; which flag does what is in ppocr/cli/paddleocr_flags.py.
"""

import sys

from ppocr.cli.paddleocr_flags import run

if __name__ == "__main__":
    sys.exit(run("ocr"))
