"""Labels in capitals get the letters that stand in the picture, as a larger model reads it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import List, Mapping, Optional

from recipe import entries, logger, write_lines

from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.ops.images import decode_image

GROUP = 256  # pictures read at once
UNSURE = 0.4  # share of a label's letters that the reading may lack; else its case is not known
SPLITS = ("train", "pick")


def restore_case(folder: Path, spec: Mapping[str, str], *, engine: str, threads: int) -> None:
    """`SPLIT.upper.txt` → `SPLIT.txt`; lines whose case is not clear are left out."""
    reader: Optional[TextRecognizer] = None
    for split in SPLITS:
        source, target = folder / f"{split}.upper.txt", folder / f"{split}.txt"
        if not source.exists() or target.exists():
            continue
        reader = reader or TextRecognizer(OCROptions(rec=spec["teacher"], engine=engine, threads=threads))
        rows, kept = entries(source), []
        for start in range(0, len(rows), GROUP):
            part = rows[start : start + GROUP]
            crops = [next(decode_image((folder / name).read_bytes(), name)) for name, _ in part]
            for (name, text), (reading, _) in zip(part, reader(crops)):
                cased = with_case_of(text, reading)
                if cased is not None:
                    kept.append(f"{name}\t{cased}\n")
        write_lines(target, kept)
        logger.info("%s/%s: the case of %d of %d lines is known", folder.name, split, len(kept), len(rows))


def with_case_of(text: str, reading: str) -> Optional[str]:
    """`text` with the case that its letters have in `reading`; None where too few of them are there to tell.

    A letter that was read as something else takes the case of the letters read on both sides within its word.
    """
    letters = [index for index, character in enumerate(text) if character.upper() != character.lower()]
    result: List[str] = list(text)
    matcher = difflib.SequenceMatcher(None, text.lower(), reading.lower(), autojunk=False)
    known = {}
    for begin, other, size in matcher.get_matching_blocks():
        for step in range(size):
            known[begin + step] = reading[other + step]
    missing = [index for index in letters if index not in known]
    if letters and len(missing) > UNSURE * len(letters):
        return None
    for index in letters:
        if index in known:
            result[index] = known[index]
    for index in missing:
        near = {known[i].islower() for i in _neighbours(text, index) if i in known and i in letters}
        if len(near) != 1:
            return None
        result[index] = text[index].lower() if near.pop() else text[index].upper()
    return "".join(result)


def _neighbours(text: str, index: int) -> List[int]:
    """The characters beside one in its word; for the first one of a longer word nothing tells its case."""
    found = [i for i in (index - 1, index + 1) if 0 <= i < len(text) and text[i] != " "]
    first = index == 0 or text[index - 1] == " "
    return [] if first and len(found) == 1 and text[index + 1 : index + 2] not in ("", " ") else found
