"""Measure where words and characters are said to stand, on drawn lines whose glyphs' places are known.

    python tools/benchmark/character_boxes.py --models tiny --font en=DejaVuSans.ttf --font zh=wqy-zenhei.ttc

Lines are black on white, 24 to 40 pixels high, half of them slanted by 5 or 7 degrees, cut out with uneven margins and
read; those that are not read to the letter are left out. A glyph's truth is the extent of its ink. The score is the
intersection over union along the line, averaged in each line and then over the lines.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.ops.boxes import crop_quad

WORDS = [
    *("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dog", "Invoice", "Total", "Amount", "2024", "$12.50"),
    *("filling", "will", "little", "Tax", "ID", "No.", "4711", "Thank", "you", "street", "WORLD", "minimum"),
    *("1,118.00", "illegible"),
]
CHARACTERS = "中文识别测试北京上海天气今天明天我们大家学习工作时间人民电话地址公司价格合计收银小票单号日期数量商品名称"
SLANTS = (0.0, 0.0, 5.0, -7.0)  # degrees
INK = 100  # of 255: a pixel with more belongs to the glyph

Span = Tuple[float, float]


@dataclass(frozen=True)
class DrawnLine:
    """A crop uint8[h, w, 3], its text, and each character's ink along it in pixels."""

    text: str
    crop: np.ndarray
    spans: List[Span]


def draw_line(text: str, font: ImageFont.FreeTypeFont, slant: float, rng: random.Random) -> DrawnLine:
    """Draw a text glyph by glyph, turn the picture, and cut the line out of it."""
    size, x, spans = font.size, 20.0, []
    image = Image.new("RGB", (int(sum(map(font.getlength, text))) + 40, int(3 * size)), "white")
    brush, baseline = ImageDraw.Draw(image), int(1.9 * size)
    for character in text:
        brush.text((x, baseline), character, font=font, fill=(20, 20, 20), anchor="ls")
        begin, end = _ink(font, character)
        spans.append((x + begin, x + end))
        x += font.getlength(character)
    left, right = 20 - rng.uniform(0.05, 0.4) * size, x + rng.uniform(0.05, 0.4) * size
    top, bottom = baseline - 0.95 * size, baseline + 0.35 * size
    quad = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    page, quad = _turned(np.array(image), quad, slant)
    crop = crop_quad(page, quad.round())  # boxes are whole numbers
    scale = crop.shape[1] / (right - left)
    return DrawnLine(text, crop, [((begin - left) * scale, (end - left) * scale) for begin, end in spans])


def _ink(font: ImageFont.FreeTypeFont, character: str) -> Span:
    side = int(4 * font.size)
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).text((side // 4, side // 2), character, font=font, fill=255, anchor="ls")
    columns = np.flatnonzero((np.array(image) > INK).any(axis=0))
    if not len(columns):
        return 0.0, font.getlength(character)
    return float(columns[0] - side // 4), float(columns[-1] + 1 - side // 4)


def _turned(image: np.ndarray, quad: np.ndarray, degrees: float) -> Tuple[np.ndarray, np.ndarray]:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(height * sin + width * cos), int(height * cos + width * sin)
    matrix[:, 2] = matrix[:, 2] + np.array(size) / 2 - (width / 2, height / 2)
    page = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    return page, (quad @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def word_spans(text: str, spans: Sequence[Span]) -> List[Span]:
    """Begin of the first and end of the last character of each word."""
    found, begin = [], 0
    for word in text.split(" "):
        found.append((spans[begin][0], spans[begin + len(word) - 1][1]))
        begin += len(word) + 1
    return found


def overlap(a: Span, b: Span) -> float:
    """Intersection over union of two intervals."""
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0])) / max(max(a[1], b[1]) - min(a[0], b[0]), 1e-9)


def score(line: DrawnLine, found: Sequence[Span]) -> Tuple[float, float]:
    """Mean overlap of the line's characters (spaces left out), and of its words."""
    characters = [overlap(a, b) for a, b, character in zip(found, line.spans, line.text) if character != " "]
    words = [overlap(a, b) for a, b in zip(word_spans(line.text, found), word_spans(line.text, line.spans))]
    return float(np.mean(characters)), float(np.mean(words))


def _texts(script: str, rng: random.Random) -> str:
    if script == "zh":
        return "".join(rng.choices(CHARACTERS, k=rng.randint(5, 14)))
    return " ".join(rng.choices(WORDS, k=rng.randint(2, 5)))


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["tiny"], metavar="FAMILY")
    parser.add_argument("--font", action="append", required=True, metavar="en=FILE|zh=FILE", help="repeat for several")
    parser.add_argument("--lines", type=int, default=40, help="of each font")
    parser.add_argument("--engine", default="paddle")
    args = parser.parse_args(argv)
    fonts = [item.split("=", 1) for item in args.font]
    for model in args.models:
        recognizer = TextRecognizer(OCROptions(rec=model, engine=args.engine))
        for script in dict.fromkeys(script for script, _ in fonts):
            rng, scores, drawn = random.Random(1), [], 0
            for _, path in (pair for pair in fonts if pair[0] == script):
                for _ in range(args.lines):
                    font = ImageFont.truetype(path, rng.choice((24, 32, 40)))
                    line = draw_line(_texts(script, rng), font, rng.choice(SLANTS), rng)
                    (reading,) = recognizer.read([line.crop])
                    drawn += 1
                    if reading.text == line.text:
                        length = line.crop.shape[1]
                        scores.append(score(line, [(s.begin * length, s.end * length) for s in reading.spans]))
            characters, words = np.mean(scores, axis=0)
            sys.stdout.write(
                f"{model} {script}: {len(scores)} of {drawn} lines read to the letter, "
                f"characters {characters:.3f}, words {words:.3f}\n"
            )


if __name__ == "__main__":
    main()
