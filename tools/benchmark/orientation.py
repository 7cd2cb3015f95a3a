"""Measure how pages that lie turned are read: each page is stored at 0, 90, 180 and 270 degrees and read.

    python tools/benchmark/orientation.py DATA/sroie/images/*.jpg --models tiny --engine openvino

Counts the pages whose texts come in the order of the upright page, and those whose angle is right. With
`--upright-only` each page is read as it is, every page that is turned is named, and second looks are counted with their
share of the processor time.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Optional, Sequence

import numpy as np

from ppocr.infer.io.sources import Page, read_pages
from ppocr.infer.pipeline import OCR
from ppocr.infer.results import OCRResult

ANGLES = (0, 90, 180, 270)


class _Counting(OCR):
    """Counts the pages that are read once more, turned, and the processor time for that."""

    second_looks, second_seconds = 0, 0.0

    def _read_turned(self, page: Page, angle: int, before: np.ndarray) -> Optional[OCRResult]:
        begin = time.process_time()
        try:
            return super()._read_turned(page, angle, before)
        finally:
            self.second_looks += 1
            self.second_seconds += time.process_time() - begin


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--models", default="tiny")
    parser.add_argument("--engine", default="paddle")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--upright-only", action="store_true", help="only name pages that are turned as they are")
    args = parser.parse_args(argv)
    models = {"det": args.models, "cls": args.models, "rec": args.models}
    ocr = _Counting(**models, engine=args.engine, threads=args.threads, spans=False)
    same, right, pages, seconds = [0] * 4, [0] * 4, 0, 0.0
    for path in args.pictures:
        for page in read_pages(path):
            begin = time.process_time()
            expected = ocr(page.image)[0]
            seconds += time.process_time() - begin
            pages += 1
            if expected.angle:
                sys.stdout.write(f"{path}: turned by {expected.angle} as it is\n")
            for number, angle in enumerate(() if args.upright_only else ANGLES):
                result = expected if not angle else ocr(np.ascontiguousarray(np.rot90(page.image, -angle // 90)))[0]
                same[number] += result.text == expected.text
                right[number] += result.angle == (expected.angle + angle) % 360
                if result.angle != (expected.angle + angle) % 360:
                    sys.stdout.write(f"{path} at {angle}: {result.angle}, {len(result.lines)} lines\n")
            sys.stdout.flush()
    sys.stdout.write(f"{pages} pages, {seconds / max(1, pages):.2f} s of processor time for each as it is\n")
    if args.upright_only:
        share = ocr.second_seconds / max(seconds, 1e-9)
        sys.stdout.write(f"{ocr.second_looks} second looks, {100 * share:.2f} % of the processor time\n")
    for number, angle in enumerate(() if args.upright_only else ANGLES):
        sys.stdout.write(f"{angle:3d}: same texts {same[number]}, angle right {right[number]} of {pages}\n")


if __name__ == "__main__":
    main()
