"""Make synthetic text to train on, and see what it is made of.

ppocr synth lines --lang zh,en --count 100000 --output lines --workers 2
                                   cropped lines of text, for the recogniser
ppocr synth directions --count 50000 --output directions --lmdb
                                   lines upright and upside down, for the direction classifier
ppocr synth pages --backgrounds photos --count 5000 --output pages
                                   whole pages with the place of every line, for the detector
ppocr synth fonts --lang ja        which fonts there are for a language, and what to install
ppocr synth dict fr --output fr.txt   the character dictionary of a language
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

from ppocr.cli.options import unit_interval
from ppocr.data.datasets import Dataset
from ppocr.data.lmdb_dataset import import_lmdb, write_lmdb
from ppocr.data.synth.datasets import SynthDirections, SynthLines, SynthPages, split
from ppocr.data.synth.dictionary import NAMES, build_dictionary
from ppocr.data.synth.faces import Face, read_faces
from ppocr.data.synth.fonts import default_cache, faces_for, fonts_in, system_fonts
from ppocr.data.synth.languages import LANGUAGES, Language, find_languages
from ppocr.data.synth.words import own_dictionary
from ppocr.data.synth.write import encoded_samples, write_files
from ppocr.errors import ConfigError, PPOCRError
from ppocr.ops.charset import Charset
from ppocr.utils.atomic import replacing_directory, replacing_file
from ppocr.utils.dictionary import read_dictionary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    lines = commands.add_parser("lines", help="cropped lines of text")
    _add_making(lines)
    lines.add_argument("--height", type=_positive, default=32, metavar="PIXELS", help="of the pictures (default: 32)")
    lines.add_argument("--max-length", type=_positive, default=25, metavar="N", help="characters a line (default: 25)")
    lines.add_argument("--dict", metavar="FILE", help="write these characters and the space only (one a line)")
    lines.add_argument(
        "--vertical", type=unit_interval, default=0.06, metavar="X", help="share of vertical text (default: 0.06)"
    )
    turned = commands.add_parser("directions", help="lines upright and upside down")
    _add_making(turned)
    turned.add_argument("--height", type=_positive, default=48, metavar="PIXELS", help="of the pictures (default: 48)")
    turned.add_argument(
        "--vertical", type=unit_interval, default=0.2, metavar="X", help="share of vertical text (default: 0.2)"
    )
    pages = commands.add_parser("pages", help="whole pages with the place of every line")
    _add_making(pages)
    pages.add_argument("--size", type=_size, default=(960, 960), metavar="HxW", help="pixels (default: 960x960)")
    pages.add_argument("--kinds", metavar="A,B", help="columns, vertical, table, receipt, form, scene, scattered")
    fonts = commands.add_parser("fonts", help="which fonts there are, and what to install")
    _add_fonts(fonts, ",".join(LANGUAGES))
    dictionary = commands.add_parser("dict", help="build a character dictionary")
    dictionary.add_argument("name", choices=NAMES)
    dictionary.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to standard output")


def _add_making(parser: argparse.ArgumentParser) -> None:
    """What `lines`, `directions` and `pages` share."""
    _add_fonts(parser, "zh,en")
    parser.add_argument("--count", type=_positive, required=True, metavar="N", help="samples to make")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a new or empty directory")
    parser.add_argument("--lmdb", action="store_true", help="write an LMDB database instead of files")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another number, other samples (default: 0)")
    parser.add_argument("--workers", type=_positive, default=1, metavar="W", help="processes (default: 1)")
    parser.add_argument(
        "--difficulty", type=_range, default=(0.0, 1.0), metavar="A[,B]",
        help="from 0, clean print, to 1, hard scene text; with two numbers each sample draws its own (default: 0,1)",
    )  # fmt: skip
    parser.add_argument("--backgrounds", metavar="DIR", help="photos without text (default: made-up textures only)")
    parser.add_argument(
        "--corpus", action="append", default=[], metavar="LANG=FILE",
        help="write from this text instead of word lists; may be given several times",
    )  # fmt: skip


def _add_fonts(parser: argparse.ArgumentParser, langs: str) -> None:
    parser.add_argument("--lang", default=langs, metavar="A,B", help=f"of {', '.join(LANGUAGES)} (default: {langs})")
    parser.add_argument(
        "--fonts", action="append", metavar="PATH", help="folder of fonts or a font; several times (default: system's)"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "fonts":
        return _fonts(args)
    if args.action == "dict":
        return _dict(args)
    if args.lmdb:
        import_lmdb()  # before any work
    if args.output.exists() and (not args.output.is_dir() or any(args.output.iterdir())):
        raise PPOCRError(f"{args.output}: exists already; name a new directory")
    dataset = _dataset(args)
    begin = time.monotonic()
    samples = encoded_samples(dataset, seed=args.seed, workers=args.workers)
    try:
        with replacing_directory(args.output) as folder:
            count = write_lmdb(folder, samples) if args.lmdb else write_files(folder, samples)
    except OSError as error:
        raise PPOCRError(f"{args.output}: cannot be written: {error.strerror or error}") from error
    speed = count / max(time.monotonic() - begin, 1e-9)
    print(f"{args.output}: {count} samples, {speed:.1f} a second", file=sys.stderr)
    return 0


def _dataset(args: argparse.Namespace) -> Dataset:
    common: Dict[str, Any] = {
        "length": args.count, "lang": args.lang, "difficulty": list(args.difficulty), "fonts": args.fonts,
        "backgrounds": args.backgrounds, "corpus": _corpus(args.corpus),
    }  # fmt: skip
    try:
        if args.action == "pages":
            return SynthPages(size=args.size, kinds=split(args.kinds) if args.kinds else None, **common)
        if args.action == "directions":
            return SynthDirections(height=args.height, vertical=args.vertical, **common)
        charset = Charset(read_dictionary(args.dict), use_space_char=True) if args.dict else None
        return SynthLines(
            height=args.height, vertical=args.vertical, charset=charset, max_text_length=args.max_length, **common
        )
    except ValueError as error:
        raise ConfigError([str(error)]) from error


def _corpus(given: List[str]) -> Dict[str, List[str]]:
    files: Dict[str, List[str]] = {}
    for text in given:
        code, equals, path = text.partition("=")
        if not equals or code not in LANGUAGES:
            raise ConfigError([f"--corpus {text}: expected LANG=FILE with LANG of {', '.join(LANGUAGES)}"])
        files.setdefault(code, []).append(path)
    return files


def _fonts(args: argparse.Namespace) -> int:
    languages = find_languages(split(args.lang))
    faces = read_faces(system_fonts() if args.fonts is None else fonts_in(args.fonts), default_cache())
    missing = False
    for language in languages:
        able = faces_for(language, faces)
        missing = missing or not able
        print("\n".join(_described(language, able)))
    return 1 if missing else 0


def _described(language: Language, faces: List[Face]) -> List[str]:
    """Lines that describe a language's fonts."""
    dictionary = own_dictionary(language.code)
    undrawn = [c for c in dictionary if c.strip() and not any(face.covers(c) for face in faces)]
    families: Dict[str, List[Face]] = {}
    for face in faces:
        families.setdefault(face.family, []).append(face)
    head = f"{language.code} {language.name}: {len(families)} families, {len(faces)} faces"
    lines = [f"{head}, {len(dictionary) - len(undrawn)} of {len(dictionary)} characters"]
    for family, members in sorted(families.items()):
        share = max(sum(map(face.covers, dictionary)) for face in members) / len(dictionary)
        lines.append(f"  {family}: {len(members)} faces, {share:.0%} of the characters")
    if undrawn:
        lines.append(f"  without a font: {''.join(undrawn[:60])}{' …' if len(undrawn) > 60 else ''}")
    return [*lines, f"  more of them: apt-get install {' '.join(language.packages)}"]


def _dict(args: argparse.Namespace) -> int:
    text = ("\n".join(build_dictionary(args.name)) + "\n").encode("utf-8")
    if args.output is None:
        sys.stdout.buffer.write(text)
        return 0
    try:
        with replacing_file(args.output) as path:
            path.write_bytes(text)
    except OSError as error:
        raise PPOCRError(f"{args.output}: cannot be written: {error.strerror}") from error
    return 0


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


def _range(text: str) -> Tuple[float, float]:
    """`0.5` or `0.2,0.8`."""
    ends = [unit_interval(part) for part in text.split(",")]
    if len(ends) > 2 or ends != sorted(ends):
        raise ValueError
    return ends[0], ends[-1]


def _size(text: str) -> Tuple[int, int]:
    height, _, width = text.partition("x")
    return _positive(height), _positive(width)


_positive.__name__, _size.__name__ = "whole number above 0", "size HxW"
_range.__name__ = "number from 0 to 1, or two with a comma"
