"""The weights of a run as a small file: matrices in half precision, half the size. Training and export read it.

python tools/release/keep.py ~/.cache/ppocr-release/rec/latest.pdparams tools/release/weights/slim_rec.pdparams
"""

from __future__ import annotations

import argparse
import pickle
import sys
from pathlib import Path

import numpy as np

from ppocr.utils.atomic import replacing_file
from ppocr.utils.pickles import read_arrays


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, metavar="FILE", help="a .pdparams")
    parser.add_argument("output", type=Path, metavar="OUT", help="the .pdparams to write")
    args = parser.parse_args()
    keep(args.weights, args.output)
    return 0


def keep(weights: Path, output: Path) -> None:
    """Write `output`; vectors, among them the statistics of normalisations, stay as they are."""
    arrays = {
        name: array.astype(np.float16) if array.ndim > 1 else array for name, array in read_arrays(weights).items()
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing_file(output) as temporary:
        temporary.write_bytes(pickle.dumps(arrays, protocol=4))


if __name__ == "__main__":
    sys.exit(main())
