"""Measure what each family's files take: docs/results/models.json.

python tools/results/measure_models.py            families that are not fetched are told: ppocr models fetch NAME
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Tuple

from documents import RESULTS

from ppocr.ablation.records import about, write_record
from ppocr.errors import ModelError
from ppocr.infer.model_dir import PARAMS, Kind, open_model, resolve_model

FAMILIES = ("slim", "tiny", "small", "mobile")
KINDS: Tuple[Kind, ...] = ("det", "cls", "rec")


def main() -> int:
    families: Dict[str, Any] = {}
    try:
        for family in FAMILIES:
            weights = {kind: (resolve_model(family, kind) / PARAMS).stat().st_size for kind in KINDS}
            characters = open_model(family, "rec").spec["PostProcess"]["character_dict"]
            families[family] = {"weights_bytes": weights, "characters": len([c for c in characters if c != " "])}
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    command = "python tools/results/measure_models.py"
    write_record(
        RESULTS / "models.json", {"kind": "models", "command": command, "about": about(), "families": families}
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
