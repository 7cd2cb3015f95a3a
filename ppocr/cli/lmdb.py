"""Pack label files and their pictures into an LMDB database, for `LMDBDataSet`.

The database appears whole or not at all. Samples whose line or picture cannot be read are reported and left out (exit
status 1); what labels say is not judged: run `ppocr check-data` first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Iterator, Tuple

import numpy as np

from ppocr.cli.main import print_error
from ppocr.data.datasets import SimpleDataSet
from ppocr.data.lmdb_dataset import import_lmdb, write_lmdb
from ppocr.errors import PPOCRError, SampleError
from ppocr.utils.atomic import replacing_directory

FILES = {"data.mdb", "lock.mdb"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", nargs="+", metavar="LABELS", help="label files (picture<TAB>label)")
    parser.add_argument("--output", required=True, metavar="DIR", help="the database; an older one is replaced")
    parser.add_argument("--root", metavar="DIR", help="where the pictures' paths start (default: each file's folder)")


def run(args: argparse.Namespace) -> int:
    import_lmdb()  # before any work
    dataset, out = SimpleDataSet(args.labels, data_dir=args.root), Path(args.output)
    if out.exists() and not (out.is_dir() and {path.name for path in out.iterdir()} <= FILES):
        raise PPOCRError(f"{out}: exists and is no LMDB database; name another directory")
    try:
        with replacing_directory(out) as folder:
            count = write_lmdb(folder, good_samples(dataset))
            if not count:
                raise PPOCRError("no sample could be read; nothing was written")
    except OSError as error:
        raise PPOCRError(f"{out}: cannot be written: {error.strerror or error}") from error
    print(f"{out}: {count} samples", file=sys.stderr)
    return 0 if count == len(dataset) else 1


def good_samples(dataset: SimpleDataSet) -> Iterator[Tuple[bytes, str]]:
    """(picture file, label) of the samples that can be read; the others are reported."""
    rng = np.random.default_rng(0)  # files don't need it
    for index in range(len(dataset)):
        try:
            sample = dataset.read(index, rng)
        except SampleError as error:
            print_error(error)
        else:
            yield sample["image"].tobytes(), sample["label"]
