"""Fill the tables of README and docs, and draw the plot, from docs/results/*.json.

make results                                  writes them
python tools/results/fill.py --check          says which documents are behind their results; a test does so too
"""

from __future__ import annotations

import argparse
import sys
from typing import Callable, Dict, Optional, Sequence

from ablation_tables import ablation_tables
from documents import ROOT, documents, filled
from model_tables import model_tables
from plots import is_current, plot
from system_tables import system_tables

from ppocr.errors import PPOCRError
from ppocr.utils.atomic import replacing_file


def tables() -> Dict[str, Callable[[], str]]:
    """Name → what makes its Markdown."""
    return {**ablation_tables(), **system_tables(), **model_tables()}


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 if a document is behind")
    args = parser.parse_args(argv)
    behind = 0
    known = tables()
    try:
        for path in documents():
            name = str(path.relative_to(ROOT))
            text = path.read_text(encoding="utf-8")
            now = filled(text, known, source=name)
            if now != text:
                behind += 1
                print(f"{name}: {'differs from its results: make results' if args.check else 'written'}")
                if not args.check:
                    with replacing_file(path) as temporary:
                        temporary.write_text(now, encoding="utf-8")
        if not is_current():
            behind += 1
            print(f"the plot {'differs from its results: make results' if args.check else 'is drawn'}")
            if not args.check:
                plot()
    except PPOCRError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if args.check and behind else 0


if __name__ == "__main__":
    sys.exit(main())
