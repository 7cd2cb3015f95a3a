"""Texts of unlabelled pictures as a larger model reads them: kept where it is sure, and a second one agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

import numpy as np
from recipe import LineWriter, charset, logger, split_of

from ppocr.data.labels import read_detection_labels
from ppocr.errors import InputError
from ppocr.infer.detector import TextDetector
from ppocr.infer.io.sources import read_pages
from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.ops.boxes import crop_quad

LEAST_HEIGHT = 11  # pixels of a crop
GROUP = 8  # pictures that make a set of lines, so that the work can be stopped

Picture = Tuple[Path, List[np.ndarray]]  # the file, and the boxes (empty: to be found)


def label_pictures(data: Path, work: Path, recipe: Mapping[str, Any], *, engine: str, threads: int) -> None:
    """Write `WORK/lines/unlabelled/NUMBER/train.txt` for each group of pictures that has none yet."""
    spec = recipe["unlabelled"]
    pictures = list(_pictures(data, spec, recipe))
    groups = [pictures[start : start + GROUP] for start in range(0, len(pictures), GROUP)]
    folders = [work / "lines" / "unlabelled" / f"{number:03d}" for number in range(len(groups))]
    todo = [(folder, group) for folder, group in zip(folders, groups) if not (folder / "done").exists()]
    if not todo:
        return
    reader = Reader(spec, engine=engine, threads=threads)
    for folder, group in todo:
        writer = LineWriter(folder, recipe["height"], charset())
        for path, boxes in group:
            try:
                for crop, text in reader(path, boxes):
                    writer.add("train", crop, text)
            except InputError as error:
                logger.warning("%s", error)
        writer.close()
        (folder / "done").touch()


class Reader:
    """Finds and reads lines with the teacher, and reads them again with the witness.

    Args:
        spec: `unlabelled` of the recipe.
        engine, threads: of the models.
    """

    def __init__(self, spec: Mapping[str, Any], *, engine: str, threads: int):
        common: Dict[str, Any] = {"engine": engine, "threads": threads}
        self.detector = TextDetector(OCROptions(det=spec["detector"], **common))
        self.teacher = TextRecognizer(OCROptions(rec=spec["teacher"], **common))
        self.witness = TextRecognizer(OCROptions(rec=spec["witness"], **common))
        self.sure, self.surer = spec["sure"], spec["surer"]

    def __call__(self, path: Path, boxes: List[np.ndarray]) -> Iterator[Tuple[np.ndarray, str]]:
        """(crop, text) of the lines of a picture that are read surely.

        Raises:
            InputError: the picture cannot be read.
        """
        image = next(iter(read_pages(str(path)))).image
        crops = [crop_quad(image, box) for box in boxes or self.detector(image).boxes]
        crops = [crop for crop in crops if min(crop.shape[:2]) >= LEAST_HEIGHT]
        for crop, (text, score), (other, _) in zip(crops, self.teacher(crops), self.witness(crops)):
            same = "".join(text.split()) == "".join(other.split())
            if score >= self.surer or (score >= self.sure and same):
                yield crop, text


def _pictures(data: Path, spec: Mapping[str, Any], recipe: Mapping[str, Any]) -> Iterator[Picture]:
    """Pages of detection sets first, then the pictures of the list; nothing that `dev` or `pick` hold back."""
    for name in spec["labelled"]:
        for page in read_detection_labels(str(data / name), check_pictures=False, repair=True):
            boxes = [np.array(r.points, np.float32) for r in page.regions if not r.ignore and len(r.points) == 4]
            if boxes and split_of(f"{Path(name).parent}/{page.picture}", recipe["shares"]) == "train":
                yield page.path, boxes
    for path in each_unlabelled(data, recipe):
        yield path, []


def each_unlabelled(data: Path, recipe: Mapping[str, Any]) -> Iterator[Path]:
    """The pictures of the list that may teach."""
    spec = recipe["unlabelled"]
    listing = data / spec["list"]
    names = [name for name in listing.read_text(encoding="utf-8").split() if _folder(name) not in spec["leave_out"]]
    turns = {folder: turn for turn, folder in enumerate(spec["first"])}
    for name in sorted(names, key=lambda name: turns.get(_folder(name), len(turns))):
        yield listing.parent / name


def _folder(name: str) -> str:
    return name.split("/")[0]
