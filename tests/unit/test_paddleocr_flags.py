"""PaddleOCR's flags lead to the same runs as ours."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppocr.cli import detect, ocr, options, paddleocr_flags
from ppocr.cli import main as cli
from ppocr.cli.paddleocr_flags import run, translate
from ppocr.utils.dictionary import find_dictionary

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "infer"


def options_of(command, *argv):
    """The OCROptions that a translated command line means."""
    import argparse
    import importlib

    arguments, _ = translate(command, ["--image_dir", "x", *argv])
    parser = argparse.ArgumentParser()
    importlib.import_module(cli.COMMANDS[command][0]).add_arguments(parser)
    args = parser.parse_args(arguments)
    return options.options_from(args), args


def test_every_mapped_flag_is_one_of_ours():
    for flag in paddleocr_flags._FLAGS.values():
        for command in flag.commands:
            value = {"--limit-type": "min", "--score-mode": "slow", "--box-type": "poly"}.get(flag.target)
            value = value or {"--use-dilation": "true", "--use-space-char": "false"}.get(flag.target)
            value = value or {"--precision": "fp32", "--lang": "en"}.get(flag.target)
            value = value or ("3,48,320" if flag.target.endswith("shape") else "1")
            name = next(name for name, other in paddleocr_flags._FLAGS.items() if other == flag)
            extra = ["--use_mp", "True"] if flag.target == "--workers" else []
            _, args = options_of(command, f"--{name}", value, *extra)
            assert getattr(args, flag.target[2:].replace("-", "_")) is not None


def test_a_typical_command_line(tmp_path):
    (tmp_path / "inference.yml").touch()
    chosen, args = options_of(
        "ocr", "--det_model_dir=det/", f"--rec_model_dir={tmp_path}", "--cls_model_dir", "cls/", "--use_angle_cls=true",
        "--det_limit_side_len", "1280", "--det_limit_type", "min", "--det_db_thresh", "0.2", "--det_db_box_thresh=0.5",
        "--det_db_unclip_ratio", "1.7", "--use_dilation", "True", "--det_db_score_mode=slow", "--det_box_type=poly",
        "--rec_image_shape", "3, 32, 320", "--rec_batch_num", "6", "--cls_batch_num", "5", "--cls_thresh", "0.8",
        "--drop_score", "0.3", "--cpu_threads", "3", "--use_space_char", "False", "--draw_img_save_dir", "out",
        "--use_mp", "True", "--total_process_num", "2", "--vis_font_path", "font.ttf",
    )  # fmt: skip
    assert (chosen.det, chosen.cls, chosen.rec) == ("det/", "cls/", str(tmp_path))
    assert (chosen.limit_side_len, chosen.limit_type, chosen.thresh, chosen.box_thresh) == (1280, "min", 0.2, 0.5)
    assert (chosen.unclip_ratio, chosen.use_dilation, chosen.score_mode, chosen.box_type) == (1.7, True, "slow", "poly")
    assert (chosen.rec_image_shape, chosen.rec_batch_size, chosen.cls_batch_size) == ((3, 32, 320), 6, 5)
    assert (chosen.cls_thresh, chosen.drop_score, chosen.threads, chosen.use_space_char) == (0.8, 0.3, 3, False)
    assert (args.paths, args.draw, args.font, args.workers) == (["x"], "out", "font.ttf", 2)
    assert chosen.rec_char_dict_path is None  # the directory says it itself


def test_the_classifier_is_off_unless_asked_for():
    assert options_of("ocr", "--cls_model_dir", "cls/")[0].cls is None
    assert options_of("ocr", "--use_angle_cls", "True")[0].cls == "default"
    assert options_of("classify")[0].cls == "default"


def test_directories_that_say_nothing_get_paddleocrs_assumptions(tmp_path):
    chosen, _ = options_of("ocr", "--rec_model_dir", str(tmp_path))
    assert chosen.rec_image_shape == (3, 48, 320) and chosen.use_space_char is True
    assert find_dictionary(chosen.rec_char_dict_path).is_file()
    chosen, _ = options_of("ocr", "--rec_model_dir", str(tmp_path), "--rec_image_shape", "3,32,100")
    assert chosen.rec_image_shape == (3, 32, 100)
    assert options_of("ocr")[0].rec_image_shape is None  # our own models say it


def test_dictionaries_are_found_where_paddleocr_keeps_them():
    chosen, _ = options_of("recognize", "--rec_char_dict_path", "./ppocr/utils/ppocr_keys_v1.txt")
    assert find_dictionary(chosen.rec_char_dict_path).is_file()
    chosen, _ = options_of("recognize", "--rec_char_dict_path", "gone/other.txt")
    assert chosen.rec_char_dict_path == "gone/other.txt"


def test_processes_only_with_use_mp():
    assert options_of("ocr", "--total_process_num", "4")[1].workers is None


def test_flags_without_effect_are_named_once(ink_family, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = np.full((100, 300, 3), 255, np.uint8)
    image[30:60, 30:230] = 0
    Image.fromarray(image).save("a b.png")
    seen = []
    monkeypatch.setattr(paddleocr_flags, "main", lambda arguments: seen.append(arguments) or 0)
    assert (
        run("detect", ["--image_dir", "a b.png", "--use_gpu", "False", "--rec_batch_num", "3", "--show_log=true"]) == 0
    )
    assert capsys.readouterr().err == "ppocr: without effect here: --rec_batch_num --use_gpu --show_log\n"
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert seen == [["detect", "--format", "jsonl", "--results=./inference_results", "--", "a b.png"]]


@pytest.mark.parametrize("argv", [[], ["--image_dir"], ["--image_dir", "x", "--no_such_flag", "1"],
                                  ["--image_dir", "x", "--use_angle_cls", "perhaps"]])  # fmt: skip
def test_wrong_usage_is_2(argv, capsys):
    assert run("ocr", argv) == 2
    assert capsys.readouterr().err


def test_a_whole_run(ink_family, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = np.full((100, 300, 3), 255, np.uint8)
    image[30:60, 30:230] = 0
    Image.fromarray(image).save("-odd name.png")
    monkeypatch.setattr(ocr, "add_model_arguments", _defaulting_to_ink(ocr.add_model_arguments))
    assert run("ocr", ["--image_dir=-odd name.png", "--use_angle_cls", "True"]) == 0
    results = (tmp_path / "inference_results/system_results.txt").read_text(encoding="utf-8")
    name, _, regions = results.partition("\t")
    (region,) = json.loads(regions)
    assert (name, region["transcription"], len(region["points"])) == ("-odd name.png", "2", 4)
    assert all(isinstance(value, int) for point in region["points"] for value in point)
    record = json.loads(capsys.readouterr().out)
    assert record["file"] == "-odd name.png" and [line["text"] for line in record["lines"]] == ["2"]


def test_results_of_detection(ink_family, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = np.full((100, 300, 3), 255, np.uint8)
    image[30:60, 30:230] = 0
    Image.fromarray(image).save("a.png")
    monkeypatch.setattr(detect, "add_model_arguments", _defaulting_to_ink(detect.add_model_arguments))
    assert run("detect", ["--image_dir=a.png", "--draw_img_save_dir", "out/here"]) == 0
    name, _, boxes = (tmp_path / "out/here/det_results.txt").read_text(encoding="utf-8").partition("\t")
    (box,) = json.loads(boxes)
    assert name == "a.png" and len(box) == 4 and 20 <= box[0][0] <= 30


@pytest.mark.parametrize(
    ("flag", "value", "only"),
    [
        ("det_algorithm", "EAST", "DB"),
        ("rec_algorithm", "SRN", "CRNN or Rosetta"),
        ("label_list", "0,90", "['0','180']"),
        ("binarize", "true", "false"),
    ],
)
def test_what_is_not_here_is_refused(flag, value, only, capsys):
    assert run("ocr", ["--image_dir", "x", f"--{flag}", value]) == 2
    told = capsys.readouterr().err
    assert f"--{flag} {value}: not available here; only {only}" in told


def test_word_boxes_are_words():
    assert options_of("ocr", "--return_word_box", "True")[1].words
    assert not options_of("ocr", "--return_word_box", "False")[1].words
    assert run("recognize", ["--image_dir", "x", "--return_word_box=True"]) == 2


def test_onnx_means_onnxruntime():
    assert options_of("ocr", "--use_onnx", "True")[0].engine == "onnxruntime"
    assert options_of("ocr", "--det_algorithm", "DB", "--rec_algorithm=SVTR_LCNet", "--label_list", "['0', '180']")


def _defaulting_to_ink(add):
    def wrapped(parser, *rest):
        add(parser, *rest)
        parser.set_defaults(models="ink", engine="ink")

    return wrapped


@pytest.mark.parametrize("name", ["system", "det", "rec", "cls"])
def test_the_scripts_are_thin_and_run(name):
    script = TOOLS / f"predict_{name}.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 25
    done = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "--image_dir" in done.stdout
