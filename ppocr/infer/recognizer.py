"""Text recognition: crops in, texts out."""

from __future__ import annotations

from typing import NamedTuple, Sequence, Tuple

import numpy as np

from ppocr.errors import ModelError
from ppocr.infer.model_dir import ModelDir, open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.create import create_runtime
from ppocr.infer.words import Span
from ppocr.ops.characters import character_spans, lateness
from ppocr.ops.charset import SPACE, Decoded
from ppocr.ops.text_image import natural_width, padded_width, resize_normalize_pad, split_long_crop
from ppocr.utils.dictionary import read_dictionary
from ppocr.utils.malloc import MemoryNeed, return_freed_memory

MAX_BATCH_WIDTH_PIXELS = 2560  # pixels of width in a batch: more crops at once gain no speed, but need memory
GROUP_NEED_BYTES = 240_000_000  # bytes that the batches of a group ask for …
RECENT_BATCHES = 128  # … unless one of the last so many had the same shape
MAX_HEIGHTS = 60  # crops longer than this many heights are cut between characters, and their texts joined …
MIN_LONG_HEIGHT = 3  # … unless they are lower, in pixels: a hairline holds no text, but 60,000 pixels of it 1100 pieces


class Batch(NamedTuple):
    """Crops to read together: their indices, and the width they are padded to."""

    indices: list[int]
    width: int


class Recognition(NamedTuple):
    """What a crop says, how sure that is, and where along the crop each character stands."""

    text: str
    score: float
    spans: Tuple[Span, ...] = ()


class TextRecognizer:
    """The recogniser of a model directory.

    Args:
        options: `rec`, the engine, and shape and dictionary for a directory without `inference.yml`.

    Raises:
        ModelError, ConfigError: the directory is missing, incomplete or for another task, or a setting is wrong.
    """

    def __init__(self, options: OCROptions = OCROptions()):
        model = open_model(options.rec, "rec")
        shape = model.transform("RecResizeImg", None, image_shape=options.rec_image_shape)
        self.image_shape = shape.image_shape
        self.decode = model.transform("DecodeImage", {})
        characters = None
        if options.rec_char_dict_path is not None:
            characters = read_dictionary(options.rec_char_dict_path)
            _check_same(characters, model, options.rec_char_dict_path)
        self.postprocess = model.postprocess(
            "CTCLabelDecode", character_dict=characters, use_space_char=options.use_space_char
        )
        self.batch_size, self.spans = options.rec_batch_size, options.spans
        self.logits = model.logits is not None
        self.runtime = create_runtime(model, options, logits=self.logits)
        self._need = MemoryNeed(RECENT_BATCHES)

    def __call__(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        """(text, score) of each crop, uint8[h, w, 3] BGR, in the order they came."""
        return [(text, score) for text, score, _ in self.read(crops)]

    def read(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        """The same with where the characters stand, unless `options.spans` is off. A hairline reads as empty."""
        parts: list[np.ndarray] = []
        owners: list[int] = []
        for index, crop in enumerate(crops):
            height, width = crop.shape[:2]
            is_hairline = height < MIN_LONG_HEIGHT and width > MAX_HEIGHTS * height
            pieces = [] if is_hairline else split_long_crop(crop, MAX_HEIGHTS)
            parts += pieces
            owners += [index] * len(pieces)
        read = self._read(parts)
        answers: list[list[Recognition]] = [[] for _ in crops]
        lengths: list[list[int]] = [[] for _ in crops]
        for owner, answer, part in zip(owners, read, parts):
            answers[owner].append(answer)
            lengths[owner].append(part.shape[1])
        return [pieces[0] if len(pieces) == 1 else _join(pieces, sizes) for pieces, sizes in zip(answers, lengths)]

    def _read(self, crops: Sequence[np.ndarray]) -> list[Recognition]:
        height = self.image_shape[1]
        late = lateness(height)
        answers = [Recognition("", 0.0)] * len(crops)
        widths = [natural_width(crop, height) for crop in crops]
        batches = plan_batches(widths, self.batch_size, few_shapes=self.runtime.few_shapes)
        # Asked once for all batches of the call: trimming between them would take away what the next one reuses.
        needs = [self._need.bytes_for((len(indices), width), GROUP_NEED_BYTES) for indices, width in batches]
        return_freed_memory(need=max(needs, default=0))
        for indices, width in batches:
            batch = np.empty((len(indices), 3, height, width), np.float32)
            for index, out in zip(indices, batch):
                resize_normalize_pad(self.decode.order(crops[index]), height, width, out=out)
            decoded, steps = self.runtime.run(batch, self._decode)
            for index, answer in zip(indices, decoded):
                step = width / steps / min(width, widths[index])
                located = _located(answer, crops[index], step, late) if self.spans else Recognition(*answer[:2])
                answers[index] = located
        return answers

    def _decode(self, scores: np.ndarray) -> tuple[list[Decoded], int]:
        """What each crop of a batch says, and the number of time steps."""
        return self.postprocess.read(scores, logits=self.logits), scores.shape[1]


def _located(decoded: Decoded, crop: np.ndarray, step: float, late: float) -> Recognition:
    """A reading with its characters' places; `step` is a time step as a share of the crop's length."""
    length = crop.shape[1]
    steps = [character.step for character in decoded.characters]
    places = character_spans(crop, steps, step * length, late_steps=late)
    spans = tuple(
        Span(character.text, character.score, begin / length, end / length)
        for character, (begin, end) in zip(decoded.characters, places)
    )
    return Recognition(decoded.text, decoded.score, spans)


def _check_same(characters: Sequence[str], model: ModelDir, path: str) -> None:
    """A dictionary beside a directory that has one must be the same; else texts would be gibberish.

    Raises:
        ModelError: it is not; with both counts, and where they part.
    """
    own = list((model.spec.get("PostProcess") or {}).get("character_dict") or ())
    ends = [*characters, SPACE]
    if not own or own in (list(characters), ends) or [*own, SPACE] == list(characters):
        return
    part = next((n for n, pair in enumerate(zip(own, characters), start=1) if pair[0] != pair[1]), None)
    where = f"they differ from entry {part} on" if part else "one is the beginning of the other"
    raise ModelError(
        f"{path}: {len(characters)} characters, but {model.path} was made with {len(own)}, and {where}; "
        "leave the dictionary out: the directory has its own"
    )


def plan_batches(widths: Sequence[int], batch_size: int, *, few_shapes: bool = True) -> list[Batch]:
    """Group crops that are padded to the same width, so that what a crop reads as never depends on its neighbours.

    Args:
        widths: pixels at the recogniser's height.
        batch_size: most crops in a batch.
        few_shapes: make the sizes powers of two. With few widths and few sizes, the engine sees few input shapes.
    """
    same: dict[int, list[int]] = {}
    for index, width in enumerate(widths):
        same.setdefault(padded_width(width), []).append(index)
    batches = []
    for width, indices in sorted(same.items()):
        most = min(batch_size, max(1, MAX_BATCH_WIDTH_PIXELS // width))
        while indices:
            count = min(len(indices), most)
            if few_shapes:
                count = 1 << (count.bit_length() - 1)  # the largest power of two that is not above it
            batches.append(Batch(indices[:count], width))
            indices = indices[count:]
    return batches


def _join(pieces: Sequence[Recognition], lengths: Sequence[int]) -> Recognition:
    """One reading of a crop that was cut into pieces of these lengths; the score is the mean over its characters."""
    characters = sum(len(text) for text, _, _ in pieces)
    score = sum(len(text) * score for text, score, _ in pieces) / characters if characters else 0.0
    total, begin, spans = sum(lengths), 0, []
    for piece, length in zip(pieces, lengths):
        for span in piece.spans:
            first, last = ((begin + place * length) / total for place in (span.begin, span.end))
            spans.append(span._replace(begin=first, end=last))
        begin += length
    return Recognition("".join(text for text, _, _ in pieces), score, tuple(spans))
