"""Put model directories into the package as the family `slim`, with a manifest of their hashes.

python tools/release/ship.py det=DIR cls=DIR rec=DIR        parts that are not named stay as they are
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from ppocr.export.onnx_graph import write_onnx_graph
from ppocr.infer.model_dir import LOGITS, PARAMS, PROGRAMS, SHIPPED, SPEC, ModelDir
from ppocr.official.install import MANIFEST
from ppocr.utils.hashes import file_sha256

FAMILY = SHIPPED / "slim"
TITLE = "PP-OCRv6 tiny made smaller, trained on for spaces; detection and recognition of 49 languages, {size:.1f} MB"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="KIND=DIR", help="det, cls or rec, and its model directory")
    args = parser.parse_args()
    for part in args.parts:
        kind, _, source = part.partition("=")
        if kind not in ("det", "cls", "rec"):
            parser.error(f"{part}: expected det=DIR, cls=DIR or rec=DIR")
        put(Path(source), FAMILY / kind)
    write_manifest()
    return 0


def put(source: Path, target: Path) -> None:
    """Copy the files of a model that predictors need, once they were checked."""
    ModelDir.open(source)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in (*PROGRAMS, LOGITS, PARAMS, SPEC):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    write_onnx_graph(target)


def write_manifest() -> None:
    files = sorted(path for path in FAMILY.rglob("*") if path.is_file() and path.name != MANIFEST)
    size = sum(path.stat().st_size for path in files)
    content = {
        "title": TITLE.format(size=size / 1e6),
        "files": {path.relative_to(FAMILY).as_posix(): file_sha256(path) for path in files},
    }
    (FAMILY / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{FAMILY}: {len(files)} files, {size} bytes")


if __name__ == "__main__":
    sys.exit(main())
