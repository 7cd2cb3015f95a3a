"""Prune, train, quantize, export and predict with three small networks on drawn pictures: `make smoke-slim`.

Exit status 0 only if files became smaller, weights are stored as int8, and exported models compute what networks do.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any, List, Tuple

import cv2
import numpy as np

from ppocr.cli.main import main
from ppocr.config import load_config
from ppocr.engine.experiment import Experiment
from ppocr.infer.model_dir import ModelDir
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.create import create_runtime
from ppocr.utils.networks import predict

SMALL = {
    "det": ["Architecture.Backbone.model_name=small", "Architecture.Backbone.scale=0.35",
            "Architecture.Neck.out_channels=24", "Train.loader.batch_size_per_card=4",
            "Eval.dataset.transforms.2.DetResizeForTest.limit_side_len=320"],
    "rec": ["Architecture.Backbone.scale=0.35", "Architecture.Neck.hidden_size=16",
            "Train.loader.batch_size_per_card=8"],
    "cls": ["Train.loader.batch_size_per_card=8"],
}  # fmt: skip
CONFIGS = {
    "det": "det/finetune_mobile_det.yml",
    "rec": "rec/finetune_mobile_rec.yml",
    "cls": "cls/ch_ppocr_mobile_v2.0_cls.yml",
}
COMMANDS = {"det": "detect", "rec": "recognize", "cls": "classify"}
PRUNED, QUANTIZED = 0.9, 0.6  # of the float model's bytes, at most
MAX_MEAN_DIFFERENCE = 0.03  # mean difference of a probability between exported model and network
INT8 = '"0.t_i8"'  # how a graph of Paddle 3 calls it


def draw(folder: Path) -> None:
    """Pages with words, the words as crops, and crops some of which lie upside down, each with its labels."""
    random = np.random.default_rng(0)
    labels: dict[str, List[str]] = {"det": [], "rec": [], "cls": []}
    for number in range(8):
        page, regions = np.full((320, 320, 3), 255, np.uint8), []
        for row in range(4):
            text = "".join(random.choice(list("abcdefghknopsx"), 6))
            top = 20 + 75 * row
            cv2.putText(page, text, (30, top + 32), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2, cv2.LINE_AA)
            corners = [[24, top], [200, top], [200, top + 44], [24, top + 44]]
            regions.append({"transcription": text, "points": corners})
            crop = page[top : top + 44, 24:200]
            turned = (number + row) % 2
            name = f"crop{number}{row}.png"
            cv2.imwrite(str(folder / name), crop)
            cv2.imwrite(str(folder / f"turned_{name}"), crop[::-1, ::-1] if turned else crop)
            labels["rec"].append(f"{name}\t{text}")
            labels["cls"].append(f"turned_{name}\t{180 if turned else 0}")
        cv2.imwrite(str(folder / f"page{number}.png"), page)
        labels["det"].append(f"page{number}.png\t{json.dumps(regions)}")
    for task, lines in labels.items():
        (folder / f"{task}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(*arguments: Any) -> None:
    """A `ppocr` command that must succeed."""
    words = [str(argument) for argument in arguments]
    logging.getLogger("ppocr").handlers.clear()  # each command adds its own
    if main(words):
        raise SystemExit(f"smoke-slim: ppocr {' '.join(words)} failed")


def settings(task: str, data: Path) -> List[str]:
    labels = f"[{data / task}.txt]"
    return [
        "-o", "Global.epoch_num=1", "Global.save_batch_step=null", "Global.cal_metric_during_train=false", *SMALL[task],
        *(f"{part}.dataset.{key}" for part in ("Train", "Eval") for key in (
            "name=SimpleDataSet", f"label_file_list={labels}", f"data_dir={data}")),
        "Train.loader.num_workers=0", "Eval.loader.num_workers=0", "Eval.loader.batch_size_per_card=1",
    ]  # fmt: skip


def smoke(task: str, data: Path, work: Path) -> None:
    """One network through all stages."""
    config, common = ["-c", CONFIGS[task]], settings(task, data)

    def stage(name: str, start: str, *slim: str) -> str:
        output = work / f"{task}_{name}"
        run("train", *config, *common, f"Global.pretrained_model={start}", f"Global.save_model_dir={output}", *slim)
        return str(output / "latest")

    def export(weights: str, name: str) -> Path:
        target = work / f"{task}_{name}"
        run("export", *config, *common, f"Global.pretrained_model={weights}", f"Global.save_inference_dir={target}")
        return target

    unpruned = stage("float", "null")
    if task == "cls":  # the others find nothing yet, and from a score of 0 there is no loss to measure
        found = work / "cls_sensitivity.json"
        run("prune-sensitivity", *config, *common, f"Global.pretrained_model={unpruned}", "--output", found,
            "--ratios", 0.25, 0.5, "--max-batches", 4, "--target-size", 0.8)  # fmt: skip
        prune = f"Slim={{Prune: {{sensitivity: {found}, target_size: 0.8}}}}"
    else:
        prune = 'Slim={Prune: {ratios: {"backbone.*expand_conv.conv": 0.5}}}'
    pruned = stage("pruned", unpruned, prune)
    quantized = stage("quantized", pruned, f"Slim={{Quantize: {{execution: {'int8' if task == 'det' else 'float'}}}}}")
    directories = export(unpruned, "model"), export(pruned, "pruned_model"), export(quantized, "int8_model")
    check(task, directories)
    check_outputs(task, quantized, directories[-1], [*config, *common], data)
    pictures = sorted(data.glob({"det": "page*", "rec": "crop*", "cls": "turned*"}[task]))[:2]
    for directory in directories:
        run(COMMANDS[task], *pictures, f"--{task}", directory, "--output", work / "results.txt")


def check(task: str, directories: Tuple[Path, Path, Path]) -> None:
    unpruned, pruned, quantized = ((path / "inference.pdiparams").stat().st_size for path in directories)
    print(f"{task}: weights of {unpruned}, pruned {pruned}, quantized {quantized} bytes")
    if pruned > PRUNED * unpruned or quantized > QUANTIZED * pruned:
        raise SystemExit(f"smoke-slim: {task}: the files are not small enough")
    graph = directories[-1] / "inference.json"
    if graph.is_file() and INT8 not in graph.read_text(encoding="utf-8"):
        raise SystemExit(f"smoke-slim: {task}: no weight is stored as int8")


def check_outputs(task: str, weights: str, directory: Path, words: List[str], data: Path) -> None:
    """The exported model against the network that was trained with rounding."""
    config = load_config(words[1], [*words[3:], f"Global.pretrained_model={weights}"])
    experiment = Experiment(config)
    batch = np.asarray(next(iter(experiment.loader("Eval").epoch(0)))["image"])
    model = ModelDir.open(directory)
    runtime = create_runtime(model, OCROptions(threads=1))
    difference = float(np.abs(runtime.run(batch) - predict(experiment.model, batch)).mean())
    print(f"{task}: {model.spec['Quantization']}, differs from the trained network by {difference:.1e} on average")
    if not difference <= MAX_MEAN_DIFFERENCE:
        raise SystemExit(f"smoke-slim: {task}: the exported model does not compute what the network does")


def smoke_all() -> None:
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        data, work = Path(folder) / "data", Path(folder) / "work"
        data.mkdir()
        draw(data)
        for task in ("cls", "rec", "det"):
            smoke(task, data, work)
    print(f"smoke-slim: all well after {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    smoke_all()
