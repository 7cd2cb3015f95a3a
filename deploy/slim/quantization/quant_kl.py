"""`ppocr quantize`, which needs no training, under the name that users of PaddleOCR know.

Without `--pictures` it calibrates on those of `Train`; without `--output` it writes to `Global.save_inference_dir`.
"""

import sys

from ppocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["quantize", *sys.argv[1:]]))
