"""README's table of families, from docs/results/models.json."""

from __future__ import annotations

from typing import Callable, Dict

from documents import RESULTS
from system_tables import markdown

from ppocr.ablation.records import read_record

NETWORKS = {
    "slim": "PP-OCRv6 tiny in 8 bits, its recogniser trained on for spaces ([docs/models.md](docs/models.md))",
    "tiny": "PP-OCRv6 tiny: PP-LCNetV4 + DB, PP-LCNetV4 + CTC, {characters} characters",
    "small": "PP-OCRv6 small: larger networks of the same kinds, {characters} characters, Japanese too",
    "mobile": "the paper's: MobileNetV3 + DB, MobileNetV3, MobileNetV3 + BiLSTM + CTC, {characters} characters",
}


def family_table() -> str:
    rows = []
    families = read_record(RESULTS / "models.json")["families"]
    for name, networks in NETWORKS.items():
        megabytes = {kind: size / 1e6 for kind, size in families[name]["weights_bytes"].items()}
        title = f"`{name}`" + (" (default, in the package)" if name == "slim" else "")
        stored = f"{megabytes['det']:.1f} + {megabytes['rec']:.1f} MB, direction {megabytes['cls']:.1f}"
        rows.append([title, networks.format(characters=families[name]["characters"]), stored])
    return "\n".join(markdown(["family", "networks", "weights"], rows))


def model_tables() -> Dict[str, Callable[[], str]]:
    return {"families": family_table}
