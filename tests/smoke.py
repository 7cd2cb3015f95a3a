"""The whole way on the sample set: train, be killed, resume, evaluate, export, read. `make smoke` runs it.

Each step is a command as a user would type it, in a process of its own; what it wrote is checked before the next one.
Ends with 0 only if everything was as it should be.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "train_data"
STEPS, KILL_AT, PATIENCE = 6, 2, 300  # steps of each run, the step after which it is killed, seconds
CONFIGS = {
    "det": "det/ch_ppocr_mobile_v2.0_det.yml",
    "rec": "rec/ch_ppocr_mobile_v2.0_rec.yml",
    "cls": "cls/ch_ppocr_mobile_v2.0_cls.yml",
}
INDICATORS = {"det": "hmean", "rec": "acc", "cls": "acc"}


class Failure(Exception):
    """A step did not do what it should."""


def check(condition: object, what: str) -> None:
    if not condition:
        raise Failure(what)


def directions(folder: Path) -> Path:
    """The sample lines upright and upside down, with labels for the direction classifier."""
    rows = []
    for line in (SAMPLES / "sample_lines" / "rec.txt").read_text(encoding="utf-8").splitlines():
        name = line.split("\t")[0]
        crop = cv2.imread(str(SAMPLES / "sample_lines" / name))
        for label, picture in (("0", crop), ("180", crop[::-1, ::-1])):
            check(cv2.imwrite(str(folder / f"{label}_{name}"), picture), f"{folder} is not writable")
            rows.append(f"{label}_{name}\t{label}\n")
    (folder / "cls.txt").write_text("".join(rows), encoding="utf-8")
    return folder / "cls.txt"


def settings(task: str, labels: Path, output: Path) -> list[str]:
    """Overrides that point a shipped configuration at the samples."""
    values = {
        "Global.epoch_num": STEPS,
        "Global.save_batch_step": 1,
        "Global.save_epoch_step": 1000,
        "Global.print_batch_step": 1,
        "Global.eval_batch_step": STEPS,
        "Global.save_model_dir": output,
        "Global.save_inference_dir": output / "inference",
        "Optimizer.lr": "{name: Cosine, learning_rate: 0.001}",
    }
    for section in ("Train", "Eval"):
        values[f"{section}.dataset.data_dir"] = labels.parent
        values[f"{section}.dataset.label_file_list"] = f"[{labels}]"
        values[f"{section}.loader.num_workers"] = 1 if section == "Train" else 0
        values[f"{section}.loader.batch_size_per_card"] = 1 if task == "det" else 6
    values["Train.loader.drop_last"] = "false"
    return ["-c", CONFIGS[task], "-o", *(f"{key}={value}" for key, value in values.items())]


def run(*arguments: object) -> str:
    """A command's output, standard error included."""
    command = [sys.executable, "-m", "ppocr", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE
    )
    check(done.returncode == 0, f"{' '.join(map(str, arguments[:3]))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def train_killed_and_resumed(task: str, arguments: list[str], output: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ppocr", "train", *arguments],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    states, deadline = output / "latest.states", time.monotonic() + PATIENCE
    while not (states.is_file() and json.loads(states.read_text(encoding="utf-8"))["step"] >= KILL_AT):
        check(process.poll() is None, f"{task}: training ended early; see {output / 'train.log'}")
        check(time.monotonic() < deadline, f"{task}: no step in {PATIENCE} seconds")
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    log = run("train", *arguments, "--resume")
    begun = re.search(r"training from step (\d+) of (\d+)", log)
    check(begun and int(begun[1]) >= KILL_AT and int(begun[2]) == STEPS, f"{task}: it did not go on:\n{log}")
    stood = json.loads(states.read_text(encoding="utf-8"))
    check(stood["step"] == STEPS and stood["best"], f"{task}: it stands at {stood}")
    losses = [float(value) for value in re.findall(r" loss: ([\d.]+)", log)]
    check(losses and all(loss == loss for loss in losses), f"{task}: no losses in the log:\n{log}")


def evaluate(task: str, arguments: list[str], weights: Path) -> None:
    results = run("eval", *arguments, f"Global.pretrained_model={weights}")
    found = re.search(rf"{INDICATORS[task]}: ([\d.]+)", results)
    check(found and 0 <= float(found[1]) <= 1, f"{task}: no {INDICATORS[task]} in {results!r}")


def export(task: str, arguments: list[str], weights: Path, directory: Path) -> None:
    told = run("export", *arguments, f"Global.pretrained_model={weights}")
    check("read as the network reads them" in told, f"{task}: the export was not compared:\n{told}")
    names = {path.name for path in directory.iterdir()}
    check({"inference.json", "inference.pdiparams", "inference.yml"} <= names, f"{task}: {directory} holds {names}")


def read(models: dict[str, Path]) -> None:
    arguments = [f"--{kind}={directory}" for kind, directory in models.items()]
    picture = SAMPLES / "sample" / "receipt.jpg"
    (line,) = run("ocr", picture, *arguments, "--format", "jsonl", "--box-thresh", 0, "--thresh", 0.2).splitlines()[-1:]
    result = json.loads(line)
    check(result["file"] == str(picture) and isinstance(result["lines"], list), f"not a result: {line[:200]}")


def main() -> int:
    os.environ.setdefault("GLOG_minloglevel", "2")
    begin, models = time.monotonic(), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = {
            "det": SAMPLES / "sample" / "det.txt",
            "rec": SAMPLES / "sample_lines" / "rec.txt",
            "cls": directions(folder),
        }
        try:
            for task, path in labels.items():
                output = folder / task
                arguments, weights = settings(task, path, output), output / "latest"
                train_killed_and_resumed(task, arguments, output)
                evaluate(task, arguments, weights)
                models[task] = output / "inference"
                export(task, arguments, weights, models[task])
                print(
                    f"{task}: trained, killed, resumed, evaluated, exported ({time.monotonic() - begin:.0f} s)",
                    flush=True,
                )
            read(models)
        except (Failure, subprocess.TimeoutExpired) as error:
            print(f"smoke: {error}", file=sys.stderr)
            return 1
    print(f"read a picture with the three models: all well ({time.monotonic() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
