"""Synthetic lines with the characters of tiny's dictionary, so that nothing is forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, List, Mapping, Optional

import numpy as np
from recipe import charset, logger, write_lines

from ppocr.data.synth.datasets import SynthLines
from ppocr.data.synth.words import frequency_list
from ppocr.data.synth.write import encoded_samples, write_files
from ppocr.utils.atomic import replacing_directory

SENTENCES = 4000  # of each Latin language
WORDS = 30000  # of its list that are used
STYLES = (str, str.capitalize, str.title, str.upper)


def draw_lines(
    data: Path, work: Path, spec: Mapping[str, Any], recipe: Mapping[str, Any], fonts: Optional[str]
) -> None:
    """Write `WORK/lines/NAME` with the list of its split."""
    corpus = {"de": [str(_latin_corpus(work, recipe["latin"]))]} if spec.get("corpus") == "latin" else None
    dataset = SynthLines(
        spec["count"], lang=spec["lang"], difficulty=spec["difficulty"], height=48, vertical=0.0,
        fonts=[fonts] if fonts else None, backgrounds=str(data / recipe["backgrounds"]), corpus=corpus,
        charset=charset(), max_text_length=spec["longest"],
    )  # fmt: skip
    with replacing_directory(work / "lines" / spec["name"]) as folder:
        count = write_files(folder, encoded_samples(dataset, seed=spec.get("seed", 0)))
        shutil.move(str(folder / "labels.txt"), str(folder / f"{spec.get('split', 'train')}.txt"))
    logger.info("%s: %d lines", spec["name"], count)


def _latin_corpus(work: Path, codes: List[str]) -> Path:
    """A file of made-up sentences in languages of Latin letters; German and French words stand among them."""
    path = work / "latin.txt"
    if not path.exists():
        rng, known = np.random.default_rng(0), frozenset(charset().characters)
        sentences: List[str] = []
        for code in [*codes, "de", "fr"]:
            listed = [(word, value**0.5) for word, value in frequency_list(code).items() if known.issuperset(word)]
            words, weights = zip(*listed[:WORDS])
            shares = np.array(weights) / sum(weights)
            drawn = rng.choice(len(words), (SENTENCES, 8), p=shares)
            for row in drawn:
                style = STYLES[rng.choice(4, p=[0.3, 0.3, 0.25, 0.15])]
                sentences.append(" ".join(style(words[index]) for index in row) + "\n")
        write_lines(path, sentences)
    return path
