"""Does RapidOCR read the ONNX files that `ppocr export --format onnx` writes, and does it read the same texts?

    python tools/benchmark/onnx_in_rapidocr.py ~/check tiny v4 v5 --pictures some/pages
    python tools/benchmark/onnx_in_rapidocr.py ~/check tiny --peers ~/peers    # installed by make_peers.sh

The folder gets RapidOCR 3.10.0 in a virtual environment of its own, each family as three model directories with
`inference.onnx`, and the lines that the family's detector finds on drawn pages and on `--pictures`. Both programs read
the lines with the same file, each with its own resizing and padding, which is why a doubtful line may read differently.
Then both read the whole pages, with the same three files and each with its own settings. RapidOCR takes the characters
from the file of the recogniser. The exit status is 1 if more lines than `--allowed` read differently.
"""

from __future__ import annotations

import argparse
import collections
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
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

PINS = ("rapidocr==3.10.0", "onnxruntime==1.32.0", "opencv-python-headless==5.0.0.93", "shapely==2.2.0")
KINDS = ("det", "cls", "rec")


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


def rapid_reads(python: Path, directories: Dict[str, Path], paths: Sequence[str], *extra: str) -> List[Dict[str, Any]]:
    """What RapidOCR reads on each picture, in the results schema."""
    height = ModelDir.open(directories["rec"]).transform("RecResizeImg", None).image_shape[1]
    files = [f"--{kind}={directory / 'inference.onnx'}" for kind, directory in directories.items()]
    command = [str(python), str(HERE / "peer_rapidocr3.py"), "--threads=1", f"--rec-height={height}", *files, *extra]
    with Racer("rapidocr3", command, cpus=(), threads=1) as racer:
        return racer.run(paths, results=True).results


def compare(name: str, directories: Dict[str, Path], python: Path, pages: Sequence[str], folder: Path) -> float:
    """Print how many texts agree; the share of lines that do."""
    page_files, line_files = save_inputs(directories, pages, folder)
    det, cls, rec = (str(directories[kind]) for kind in KINDS)
    options = OCROptions(det=det, cls=cls, rec=rec, engine="onnxruntime", threads=1)
    crops = [page.image for path in line_files for page in read_pages(path)]
    ours = [reading[0] for reading in TextRecognizer(options)(crops)]
    read = rapid_reads(python, directories, line_files, "--crops")
    theirs = ["".join(line["text"] for line in page["lines"]) for page in read]
    same = sum(mine == other for mine, other in zip(ours, theirs))
    print(f"{name}: {same} of {len(ours)} lines read alike")
    for path, mine, other in zip(line_files, ours, theirs):
        if mine != other:
            print(f"    {Path(path).name}: ppocr {mine!r}, RapidOCR {other!r}")
    mine_on = collections.Counter(line.text for result in ppocr.OCR(options)(page_files) for line in result.lines)
    read = rapid_reads(python, directories, page_files)
    theirs_on = collections.Counter(line["text"] for page in read for line in page["lines"])
    both = sum((mine_on & theirs_on).values())
    counts = f"{sum(mine_on.values())} and {sum(theirs_on.values())}"
    print(f"{name}: {len(page_files)} whole pages: {counts} lines found, {both} texts in both")
    return same / len(ours)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("families", nargs="+", choices=sorted(FAMILIES), metavar="FAMILY")
    parser.add_argument("--pictures", nargs="+", default=[], metavar="PATH", help="pages, or folders of pages")
    parser.add_argument("--limit", type=int, metavar="N", help="of the pages, spread evenly over them")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="what make_peers.sh filled")
    parser.add_argument("--allowed", type=float, default=0.05, help="share of lines that may read differently (0.05)")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    python = python_of(arguments.folder, arguments.peers)
    pages = spread(list(expand(arguments.pictures)), arguments.limit)
    shares = []
    for name in arguments.families:
        directories = export_family(name, arguments.folder)
        shares.append(compare(name, directories, python, pages, arguments.folder / name / "pictures"))
    return int(min(shares) < 1 - arguments.allowed)


if __name__ == "__main__":
    sys.exit(main())
