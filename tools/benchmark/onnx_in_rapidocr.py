"""Does RapidOCR read the ONNX files that `ppocr export --format onnx` writes, and does it read the same texts?

    python tools/benchmark/onnx_in_rapidocr.py ~/check tiny v4 v5 --pictures some/pages
    python tools/benchmark/onnx_in_rapidocr.py ~/check tiny --peers ~/peers    # installed by make_peers.sh

The folder gets RapidOCR 3.10.0 in a virtual environment of its own, each family as three model directories with
`inference.onnx`, and the lines that the family's detector finds on drawn pages and on `--pictures`.

1. Lines that are scaled beforehand to a size that RapidOCR leaves as it is, and that our network gets without our
   padding: both see the same numbers, so the texts must be the same, or the exit status is 1.
2. The lines as they are: each program scales and pads in its own way, which decides doubtful characters and spaces.
3. The whole pages, with the same three files and each program's own settings.

RapidOCR takes the characters from the recogniser's file.
"""

from __future__ import annotations

import argparse
import collections
import math
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
from race import HERE, Racer, spread

import ppocr
from ppocr.engine.inputs import drawn_pages
from ppocr.infer.detector import TextDetector
from ppocr.infer.io.sources import expand, read_pages
from ppocr.infer.model_dir import ModelDir
from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.official.families import FAMILIES
from ppocr.ops.boxes import crop_quad
from ppocr.ops.text_image import resize_normalize_pad

PINS = ("rapidocr==3.10.0", "onnxruntime==1.32.0", "opencv-python-headless==5.0.0.93", "shapely==2.2.0")
KINDS = ("det", "cls", "rec")
RAPID_WIDTH, RAPID_SIDE = 320, 2000  # pixels: RapidOCR pads narrower lines, and shrinks longer pictures
SHOWN = 12  # differences


def python_of(folder: Path, peers: Optional[Path]) -> Path:
    """The Python that has RapidOCR; its environment is made where it is missing."""
    home = peers / "rapidocr3" if peers else folder / "rapidocr"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
    return python


def export_family(name: str, folder: Path) -> Dict[str, Path]:
    """The fetched family as directories with `inference.onnx`: kind → directory. What is there is kept."""
    directories = {kind: folder / name / kind for kind in KINDS}
    for model in FAMILIES[name].models:
        directory = directories[model.kind]
        if not (directory / "inference.onnx").exists():
            command = [sys.executable, "-m", "ppocr", "export", "-c", model.config, "--format", "onnx"]
            overrides = [*model.overrides, f"Global.pretrained_model={name}"]
            subprocess.run([*command, "--output", str(directory), "-o", *overrides], check=True)
    return directories


def save_inputs(directories: Dict[str, Path], pages: Sequence[str], folder: Path) -> Tuple[List[str], List[str]]:
    """Files of pages and of the lines on them."""
    detector = TextDetector(OCROptions(det=str(directories["det"]), engine="onnxruntime", threads=1))
    folder.mkdir(parents=True, exist_ok=True)
    images = drawn_pages() + [page.image for path in pages for page in read_pages(path)]
    page_files, line_files = [], []
    for number, image in enumerate(images):
        page_files.append(str(folder / f"page{number}.png"))
        cv2.imwrite(page_files[-1], image)
        for place, box in enumerate(detector(image).boxes):
            line = crop_quad(image, box)
            if line.shape[1] > line.shape[0]:  # no columns
                line_files.append(str(folder / f"line{number}.{place}.png"))
                cv2.imwrite(line_files[-1], line)
    return page_files, line_files


def save_fitted(line_files: Sequence[str], height: int) -> List[str]:
    """The lines as high as the input, and a multiple of that wide, which RapidOCR neither scales nor pads."""
    fitted = []
    for path in line_files:
        (page,) = read_pages(path)
        ratio = max(math.ceil(RAPID_WIDTH / height), round(page.image.shape[1] / page.image.shape[0]))
        ratio = min(ratio, RAPID_SIDE // height)
        fitted.append(path.replace("line", "fitted"))
        cv2.imwrite(fitted[-1], cv2.resize(page.image, (height * ratio, height), interpolation=cv2.INTER_AREA))
    return fitted


def read_unpadded(recognizer: TextRecognizer, files: Sequence[str]) -> List[str]:
    """What the network reads on pictures of its own height."""
    texts = []
    for path in files:
        (page,) = read_pages(path)
        height, width = page.image.shape[:2]
        batch = resize_normalize_pad(recognizer.decode.order(page.image), height, width)[np.newaxis]
        texts.append(recognizer.postprocess(recognizer.runtime.run(batch))[0][0])
    return texts


def read_lines(recognizer: TextRecognizer, files: Sequence[str]) -> List[str]:
    """What our recogniser reads."""
    return [reading[0] for reading in recognizer([page.image for path in files for page in read_pages(path)])]


def height_of(directories: Dict[str, Path]) -> int:
    return ModelDir.open(directories["rec"]).transform("RecResizeImg", None).image_shape[1]


def rapid_reads(python: Path, directories: Dict[str, Path], paths: Sequence[str], *extra: str) -> List[Dict[str, Any]]:
    """What RapidOCR reads on each picture, in the results schema."""
    files = [f"--{kind}={directory / 'inference.onnx'}" for kind, directory in directories.items()]
    command = [str(python), str(HERE / "peer_rapidocr3.py"), "--threads=1", *files, *extra]
    command.append(f"--rec-height={height_of(directories)}")
    with Racer("rapidocr3", command, cpus=(), threads=1) as racer:
        return racer.run(paths, results=True).results


def compare(name: str, directories: Dict[str, Path], python: Path, pages: Sequence[str], folder: Path) -> bool:
    """Print how many texts agree; whether all do that must."""
    page_files, line_files = save_inputs(directories, pages, folder)
    det, cls, rec = (str(directories[kind]) for kind in KINDS)
    options = OCROptions(det=det, cls=cls, rec=rec, engine="onnxruntime", threads=1, spans=False)
    recognizer = TextRecognizer(options)

    def alike(files: Sequence[str], ours: Sequence[str], what: str) -> bool:
        read = rapid_reads(python, directories, files, "--crops")
        theirs = ["".join(line["text"] for line in page["lines"]) for page in read]
        different = [each for each in zip(files, ours, theirs) if each[1] != each[2]]
        print(f"{name}: {len(files) - len(different)} of {len(files)} {what} read alike", flush=True)
        for path, mine, other in different[:SHOWN]:
            print(f"    {Path(path).name}: ppocr {mine!r}, RapidOCR {other!r}", flush=True)
        return not different

    fitted = save_fitted(line_files, height_of(directories))
    same = alike(fitted, read_unpadded(recognizer, fitted), "lines of the network's own size")
    alike(line_files, read_lines(recognizer, line_files), "lines as they are")
    mine_on = collections.Counter(line.text for result in ppocr.OCR(options)(page_files) for line in result.lines)
    read = rapid_reads(python, directories, page_files)
    theirs_on = collections.Counter(line["text"] for page in read for line in page["lines"])
    both = sum((mine_on & theirs_on).values())
    counts = f"{sum(mine_on.values())} and {sum(theirs_on.values())}"
    print(f"{name}: {len(page_files)} whole pages: {counts} lines found, {both} texts in both", flush=True)
    return same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("families", nargs="+", choices=sorted(FAMILIES), metavar="FAMILY")
    parser.add_argument("--pictures", nargs="+", default=[], metavar="PATH", help="pages, or folders of pages")
    parser.add_argument("--limit", type=int, metavar="N", help="of the pages, spread evenly over them")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="what make_peers.sh filled")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    python = python_of(arguments.folder, arguments.peers)
    pages = spread(list(expand(arguments.pictures)), arguments.limit)
    same = True
    for name in arguments.families:
        directories = export_family(name, arguments.folder)
        same &= compare(name, directories, python, pages, arguments.folder / name / "pictures")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
