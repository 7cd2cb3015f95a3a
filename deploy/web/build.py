"""Put the page, the engine and a family of models into a folder that any web server can serve.

npm install --prefix deploy/web --ignore-scripts --no-package-lock
python deploy/web/build.py --models slim --output build/web
python -m http.server --directory build/web
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import yaml

from ppocr.errors import ModelError
from ppocr.infer.model_dir import resolve_model

HERE = Path(__file__).resolve().parent
ENGINE = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
GRAPHS = ("inference.logits.graph.onnx", "inference.graph.onnx")
WEIGHTS = "inference.pdiparams"


def copy_model(family: str, kind: str, target: Path) -> dict:
    """Copy a model's graph and weights; what its `inference.yml` says, and which graph it is.

    Raises:
        ModelError: there is no such model, or it has no ONNX graph.
    """
    directory = resolve_model(family, kind)  # type: ignore[arg-type]
    graph = next((name for name in GRAPHS if (directory / name).is_file()), None)
    if graph is None:
        raise ModelError(f"{directory}: has no ONNX graph ({' or '.join(GRAPHS)})")
    (target / kind).mkdir(parents=True)
    for name in (graph, WEIGHTS):
        shutil.copyfile(directory / name, target / kind / name)
    spec = yaml.safe_load((directory / "inference.yml").read_text(encoding="utf-8"))
    return {"graph": graph, "PreProcess": spec["PreProcess"], "PostProcess": spec["PostProcess"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="slim", metavar="FAMILY")
    parser.add_argument("--output", default="build/web", metavar="DIR")
    args = parser.parse_args()
    output = Path(args.output)
    for name in ("models", "ort", "src"):
        shutil.rmtree(output / name, ignore_errors=True)
    specs = {kind: copy_model(args.models, kind, output / "models") for kind in ("det", "cls", "rec")}
    (output / "models/models.json").write_text(json.dumps(specs, ensure_ascii=False), encoding="utf-8")
    shutil.copytree(HERE / "src", output / "src")
    shutil.copyfile(HERE / "index.html", output / "index.html")
    (output / "ort").mkdir()
    for name in ENGINE:
        shutil.copyfile(HERE / "node_modules/onnxruntime-web/dist" / name, output / "ort" / name)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"{output}: {size / 1e6:.1f} MB; python -m http.server --directory {output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
