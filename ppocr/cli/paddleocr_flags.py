"""The flags of PaddleOCR's `tools/infer/predict_*.py` → those of `ppocr`, by one table.

Defaults are those of `ppocr`: what a model directory says. Only the direction classifier stays off unless
`--use_angle_cls True` is given, as users of these scripts expect. Results are JSON lines (docs/results.md) on standard
output, and PaddleOCR's own `system_results.txt` or `det_results.txt` in `--draw_img_save_dir`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from ppocr.cli.main import main

_EVERY = ("ocr", "detect", "recognize", "classify")
_DET, _CLS, _REC = ("ocr", "detect"), ("ocr", "classify"), ("ocr", "recognize")


class _Flag(NamedTuple):
    """The option of `ppocr` that does the same, and the commands that have it."""

    target: str
    commands: Sequence[str]


_FLAGS = {
    "det_model_dir": _Flag("--det", _DET),
    "det_limit_side_len": _Flag("--limit-side-len", _DET),
    "det_limit_type": _Flag("--limit-type", _DET),
    "det_db_thresh": _Flag("--thresh", _DET),
    "det_db_box_thresh": _Flag("--box-thresh", _DET),
    "det_db_unclip_ratio": _Flag("--unclip-ratio", _DET),
    "det_db_score_mode": _Flag("--score-mode", _DET),
    "det_box_type": _Flag("--box-type", _DET),
    "use_dilation": _Flag("--use-dilation", _DET),
    "draw_img_save_dir": _Flag("--draw", _DET),
    "vis_font_path": _Flag("--font", _DET),
    "cls_model_dir": _Flag("--cls", _CLS),
    "cls_image_shape": _Flag("--cls-image-shape", _CLS),
    "cls_batch_num": _Flag("--cls-batch-size", _CLS),
    "cls_thresh": _Flag("--cls-thresh", _CLS),
    "rec_model_dir": _Flag("--rec", _REC),
    "rec_image_shape": _Flag("--rec-image-shape", _REC),
    "rec_batch_num": _Flag("--rec-batch-size", _REC),
    "rec_char_dict_path": _Flag("--rec-char-dict-path", _REC),
    "use_space_char": _Flag("--use-space-char", _REC),
    "drop_score": _Flag("--drop-score", ("ocr",)),
    "cpu_threads": _Flag("--threads", _EVERY),
    "total_process_num": _Flag("--workers", _EVERY),
    "precision": _Flag("--precision", _EVERY),
    "lang": _Flag("--lang", _EVERY),
}
_BOOLEAN = {"use_dilation", "use_space_char"}
_RESULTS_FOLDER = "./inference_results"  # PaddleOCR's default for --draw_img_save_dir

# Flags of which only these values are what we do; another one is refused.
_ONLY = {
    "det_algorithm": ("DB",),
    "rec_algorithm": ("CRNN", "Rosetta", "SVTR", "SVTR_LCNet", "SVTR_HGNet"),
    "label_list": ("['0','180']", "0,180"),
    **dict.fromkeys(("invert", "binarize", "save_crop_res", "use_pdserving"), ("false",)),
    "page_num": ("0",),
}

# The processor and oneDNN are always used, nothing is logged, and networks are known by their directories.
_WITHOUT_EFFECT = (
    "use_gpu", "use_xpu", "use_npu", "use_mlu", "use_gcu", "gpu_id", "gpu_mem", "ir_optim", "use_tensorrt",
    "min_subgraph_size", "enable_mkldnn", "max_batch_size", "rec_image_inverse", "rec_char_type", "max_text_length",
    "crop_res_save_dir", "process_id", "warmup", "benchmark", "show_log", "save_log_path", "is_visualize",
    "use_zero_copy_run", "use_fp16", "use_int8", "alphacolor",
)  # fmt: skip

# What PaddleOCR assumes of a recogniser directory that does not say (its exports before release 3 have no
# inference.yml).
_SILENT_REC = {
    "rec_image_shape": "3,48,320",
    "rec_char_dict_path": "ppocr_keys_v1.txt",
    "use_space_char": "true",
}


def run(command: str, argv: Optional[Sequence[str]] = None) -> int:
    """Run a command of `ppocr` (`"ocr"`, `"detect"`, …) with PaddleOCR's flags; returns the exit status."""
    try:
        arguments, ignored = translate(command, list(sys.argv[1:] if argv is None else argv))
    except SystemExit as end:  # argparse
        return end.code if isinstance(end.code, int) else 2
    if ignored:
        print("ppocr: without effect here: " + " ".join(f"--{name}" for name in ignored), file=sys.stderr)
    return main([command, *arguments])


def predict_system() -> int:
    """The command `predict_system`."""
    return run("ocr")


def predict_det() -> int:
    """The command `predict_det`."""
    return run("detect")


def predict_rec() -> int:
    """The command `predict_rec`."""
    return run("recognize")


def predict_cls() -> int:
    """The command `predict_cls`."""
    return run("classify")


def translate(command: str, argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """(arguments of `ppocr COMMAND`, the flags that change nothing).

    Raises:
        SystemExit: wrong usage, reported on standard error.
    """
    given = {name: value for name, value in vars(_parser().parse_args(argv)).items() if value is not None}
    image_dir, use_cls, use_mp = (
        given.pop("image_dir"),
        given.pop("use_angle_cls", "false"),
        given.pop("use_mp", "false"),
    )
    if use_mp == "false":
        given.pop("total_process_num", None)
    rec_dir = given.get("rec_model_dir")
    if rec_dir and command in _REC and not (Path(rec_dir) / "inference.yml").is_file():
        given = {**_SILENT_REC, **given}
    refused = [
        f"--{name} {given[name]}: not available here; only {' or '.join(allowed)}"
        for name, allowed in _ONLY.items()
        if name in given and given[name].replace(" ", "").replace('"', "'").lower() not in [x.lower() for x in allowed]
    ]
    if refused:
        _parser().error("; ".join(refused))
    given = {name: value for name, value in given.items() if name not in _ONLY}
    arguments, ignored = ["--format", "jsonl"], []
    if given.pop("return_word_box", "false") == "true":
        if command != "ocr":
            _parser().error("--return_word_box: predict_system has it")
        arguments.append("--words")
    if given.pop("use_onnx", "false") == "true":
        arguments.append("--engine=onnxruntime")
    if command in _DET:
        arguments.append(f"--results={given.get('draw_img_save_dir', _RESULTS_FOLDER)}")
    for name, value in given.items():
        flag = _FLAGS.get(name)
        if flag is not None and command in flag.commands:
            arguments.append(f"{flag.target}={value}")  # one argument: values may begin with a dash
        else:
            ignored.append(name)
    if command == "ocr":
        arguments.append("--pdf-text=skip")
    if command == "ocr" and use_cls == "false":
        arguments.append("--cls=none")
    return [*arguments, "--", image_dir], ignored


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image_dir", required=True, help="picture, PDF, folder or glob pattern")
    for name, flag in _FLAGS.items():
        parse = _boolean if name in _BOOLEAN else _shape if name.endswith("_shape") else str
        parser.add_argument(f"--{name}", type=parse, help=f"ppocr {flag.target}")
    parser.add_argument("--use_angle_cls", type=_boolean, help="turn lines that lie upside down (default: False)")
    parser.add_argument("--use_mp", type=_boolean, help="use --total_process_num processes")
    parser.add_argument("--return_word_box", type=_boolean, help="ppocr --words")
    parser.add_argument("--use_onnx", type=_boolean, help="ppocr --engine onnxruntime")
    for name, allowed in _ONLY.items():
        parse = _boolean if allowed == ("false",) else str
        parser.add_argument(f"--{name}", type=parse, help=f"only {' or '.join(allowed)}")
    for name in _WITHOUT_EFFECT:
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    return parser


def _boolean(text: str) -> str:
    if text.lower() in ("true", "t", "yes", "y", "1"):
        return "true"
    if text.lower() in ("false", "f", "no", "n", "0"):
        return "false"
    raise ValueError


_boolean.__name__ = "True or False"


def _shape(text: str) -> str:
    return text.replace(" ", "")
