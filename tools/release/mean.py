"""The mean of several runs' weights, which often reads better than each of them (Wortsman et al. 2022, model soups).

    python tools/release/mean.py first.pdparams second.pdparams mean.pdparams

The runs must have begun from the same weights, with normalisations that kept their statistics.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from pathlib import Path
from typing import Sequence

import numpy as np

from ppocr.errors import ModelError
from ppocr.utils.atomic import replacing_file
from ppocr.utils.pickles import read_arrays


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", type=Path, metavar="FILE", help=".pdparams")
    parser.add_argument("output", type=Path, metavar="OUT", help="the .pdparams to write")
    args = parser.parse_args()
    average(args.weights, args.output)
    return 0


def average(weights: Sequence[Path], output: Path) -> None:
    """Write the mean of each array.

    Raises:
        ModelError: the files are of different networks.
    """
    runs = [read_arrays(path) for path in weights]
    for path, run in zip(weights, runs):
        if {name: array.shape for name, array in run.items()} != {name: a.shape for name, a in runs[0].items()}:
            raise ModelError(f"{path}: is another network than {weights[0]}")
    mean = {name: np.mean([run[name] for run in runs], axis=0).astype(array.dtype) for name, array in runs[0].items()}
    with replacing_file(output) as temporary:
        temporary.write_bytes(pickle.dumps(mean, protocol=4))


if __name__ == "__main__":
    sys.exit(main())
