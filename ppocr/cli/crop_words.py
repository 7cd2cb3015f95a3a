"""Cut the texts out of labelled pages: from a detection set to a recognition set.

ppocr crop-words train_data/det/train.txt --output train_data/rec/train

writes train/images/*.png and train/train.txt, `picture<TAB>text` a line. Each region is straightened exactly as
`ppocr ocr` does it before reading. Regions that are ignored (### or without a text) are left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Iterator

import cv2
import numpy as np

from ppocr.cli.main import print_error
from ppocr.cli.progress import Progress
from ppocr.data.labels import PageLabel, read_detection_labels
from ppocr.errors import InputError, LabelError, PPOCRError
from ppocr.ops.boxes import crop_quad
from ppocr.utils.atomic import replacing_file
from ppocr.utils.overwriting import refuse_inputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", nargs="+", metavar="LABELS", help="label files for detection")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="folder to write; its name names the list"
    )
    parser.add_argument(
        "--min-side", type=int, default=8, metavar="N", help="leave out crops lower or narrower (8 pixels)"
    )


def run(args: argparse.Namespace) -> int:
    pages = [page for name in args.labels for page in read_detection_labels(name, check_pictures=False, repair=True)]
    for repair in (repair for page in pages for repair in page.repairs):
        print_error(LabelError(repair))
    target = args.output / f"{args.output.name}.txt"
    read = [*args.labels, *(page.path for page in pages)]
    refuse_inputs(target, read)
    images, lines, failed, progress = args.output / "images", [], False, Progress(len(pages))
    try:
        images.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages, start=1):
            try:
                for region, (crop, text) in enumerate(words_of(page, args.min_side)):
                    name = f"{number:06d}_{region:03d}.png"
                    if (images / name).exists():
                        refuse_inputs(images / name, read)
                    save_crop(images / name, crop)
                    lines.append(f"images/{name}\t{text}\n")
            except InputError as error:
                progress.hide()
                print_error(error)
                failed = True
            progress.advance(number)
        with replacing_file(target) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise PPOCRError(f"{args.output}: cannot be written: {error.strerror}") from error
    finally:
        progress.hide()
    print(f"{target}: {len(lines)} texts of {len(pages)} pages", file=sys.stderr)
    return 1 if failed else 0


def save_crop(path: Path, crop: np.ndarray) -> None:
    """Write uint8[h, w, 3], BGR, as a PNG file.

    Raises:
        OSError: it cannot be written.
    """
    _, data = cv2.imencode(".png", crop)
    with replacing_file(path, durable=False) as temporary:  # the list, which comes last, is what says that all is there
        temporary.write_bytes(data.tobytes())


def words_of(page: PageLabel, min_side: int) -> Iterator[tuple[np.ndarray, str]]:
    """(crop as uint8[h, w, 3] BGR, text) of each region that is to be read.

    Raises:
        InputError: the picture cannot be read.
    """
    from ppocr.infer.io.sources import read_pages

    regions = [region for region in page.regions if not region.ignore and len(region.points) >= 4]
    image = next(iter(read_pages(str(page.path)))).image if regions else np.zeros((0, 0, 3), np.uint8)
    for region in regions:
        points = np.array(region.points, np.float32)
        quad = points if len(points) == 4 else cv2.boxPoints(cv2.minAreaRect(points))
        if len(points) > 4:
            quad = _from_first(quad, points[0])
        crop = crop_quad(image, quad)
        if min(crop.shape[:2]) >= min_side:
            yield crop, " ".join(region.text.split())


def _from_first(quad: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Corners of a rectangle around an outline, clockwise from the one nearest to the outline's first point."""
    nearest = int(np.linalg.norm(quad - first, axis=1).argmin())
    return np.roll(quad, -nearest, axis=0)
