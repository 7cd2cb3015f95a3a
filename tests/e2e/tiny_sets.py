"""Pictures, labels and configurations of the three tasks, so small that a network can be trained in a test."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import yaml

WORDS = ("ant", "Bee7", "cat", "dog90", "Eel", "fox1", "Gnu", "hen42")


def draw(word: str, *, height: int = 32, width: int = 96) -> np.ndarray:
    """A crop of dark text on light paper, uint8[height, width, 3]."""
    crop = np.full((height, width, 3), 225, np.uint8)
    cv2.putText(crop, word, (4, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.75, (30, 40, 20), 2, cv2.LINE_AA)
    return crop


def write_lines(folder: Path, count: int) -> Path:
    """`count` crops and their texts; some numbers of them repeat the words."""
    rows = []
    for index in range(count):
        word = WORDS[index % len(WORDS)]
        cv2.imwrite(str(folder / f"line{index}.png"), draw(word))
        rows.append(f"line{index}.png\t{word}\n")
    (folder / "rec.txt").write_text("".join(rows), encoding="utf-8")
    return folder / "rec.txt"


def write_directions(folder: Path, count: int) -> Path:
    """Crops, every other one upside down."""
    rows = []
    for index in range(count):
        crop = draw(WORDS[index // 2 % len(WORDS)], height=48, width=192)
        turned = index % 2
        cv2.imwrite(str(folder / f"way{index}.png"), crop[::-1, ::-1] if turned else crop)
        rows.append(f"way{index}.png\t{180 * turned}\n")
    (folder / "cls.txt").write_text("".join(rows), encoding="utf-8")
    return folder / "cls.txt"


def write_pages(folder: Path, count: int) -> Path:
    """Pages of 128 × 128 pixels with two words each."""
    rows = []
    for index in range(count):
        page = np.full((128, 128, 3), 225, np.uint8)
        regions = []
        for line in range(2):
            left, top = 4 + 5 * ((index + line) % 5), 16 + 56 * line + 3 * (index % 4)
            page[top : top + 32, left : left + 96] = draw(WORDS[(index + line) % len(WORDS)])
            word = WORDS[(index + line) % len(WORDS)]
            wide = 4 + 15 * len(word)
            box = [[left, top + 2], [left + wide, top + 2], [left + wide, top + 28], [left, top + 28]]
            regions.append({"transcription": word, "points": box})
        cv2.imwrite(str(folder / f"page{index}.png"), page)
        rows.append(f"page{index}.png\t{json.dumps(regions)}\n")
    (folder / "det.txt").write_text("".join(rows), encoding="utf-8")
    return folder / "det.txt"


WRITERS = {"det": write_pages, "rec": write_lines, "cls": write_directions}
DECODE = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
NORMALIZE = {"NormalizeImage": {"scale": "1./255.", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
BACKBONE = {"name": "MobileNetV3", "model_name": "small", "scale": 0.35}
PARTS = {
    "det": {
        "Architecture": {
            "model_type": "det", "algorithm": "DB", "Backbone": {**BACKBONE, "disable_se": True},
            "Neck": {"name": "DBFPN", "out_channels": 32}, "Head": {"name": "DBHead"},
        },
        "Loss": {"name": "DBLoss"},
        "PostProcess": {"name": "DBPostProcess", "box_thresh": 0.5},
        "Metric": {"name": "DetMetric"},
        "encode": {"DetLabelEncode": None},
        "augment": [{"IaaAugment": {"augmenter_args": [{"type": "Fliplr", "args": {"p": 0.5}}]}},
                    {"EastRandomCropData": {"size": [128, 128], "max_tries": 10}}],
        "train": [{"MakeBorderMap": None}, {"MakeShrinkMap": None}, NORMALIZE],
        "keep": ["image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask"],
        "eval": [{"DetResizeForTest": {"image_shape": [128, 128]}}, NORMALIZE],
        "eval_keep": ["image", "shape", "polys", "ignore_tags"],
    },
    "rec": {
        "Architecture": {
            "model_type": "rec", "algorithm": "CRNN", "Backbone": {**BACKBONE, "small_stride": [1, 2, 2, 2]},
            "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 32}, "Head": {"name": "CTCHead"},
        },
        "Loss": {"name": "CTCLoss"},
        "PostProcess": {"name": "CTCLabelDecode"},
        "Metric": {"name": "RecMetric"},
        "encode": {"CTCLabelEncode": None},
        "augment": [{"RecAug": None}],
        "train": [{"RecResizeImg": {"image_shape": [3, 32, 96]}}],
        "keep": ["image", "label", "length"],
        "eval": [{"RecResizeImg": {"image_shape": [3, 32, 96]}}],
        "eval_keep": ["image", "label", "length"],
    },
    "cls": {
        "Architecture": {"model_type": "cls", "Backbone": BACKBONE, "Head": {"name": "ClsHead"}},
        "Loss": {"name": "ClsLoss"},
        "PostProcess": {"name": "ClsPostProcess", "label_list": ["0", "180"]},
        "Metric": {"name": "ClsMetric"},
        "encode": {"ClsLabelEncode": None},
        "augment": [{"BaseDataAugmentation": None}, {"RandAugment": None}],
        "train": [{"ClsResizeImg": {"image_shape": [3, 48, 192]}}],
        "keep": ["image", "label"],
        "eval": [{"ClsResizeImg": {"image_shape": [3, 48, 192]}}],
        "eval_keep": ["image", "label"],
    },
}  # fmt: skip


def tiny_config(task: str, folder: Path, *, count: int = 8, batch: int = 4, augment: bool = True, **settings) -> dict:
    """A configuration over `count` pictures, which are written to `folder`; `settings` go into `Global`."""
    labels, parts = str(WRITERS[task](folder, count)), PARTS[task]
    dictionary = {"character_dict_path": "ppocr/utils/dict/en63_dict.txt"} if task == "rec" else {}

    def dataset(steps, keep):
        transforms = [DECODE, parts["encode"], *steps, {"KeepKeys": {"keep_keys": keep}}]
        return {"name": "SimpleDataSet", "label_file_list": [labels], "transforms": transforms}

    return {
        "Global": {"save_model_dir": str(folder / "output"), "print_batch_step": 1, **dictionary, **settings},
        **{part: parts[part] for part in ("Architecture", "Loss", "PostProcess", "Metric")},
        "Optimizer": {"name": "Adam", "lr": {"name": "Cosine", "learning_rate": 0.003, "warmup_steps": 2}},
        "Train": {
            "dataset": dataset([*(parts["augment"] if augment else []), *parts["train"]], parts["keep"]),
            "loader": {"shuffle": True, "batch_size_per_card": batch},
        },
        "Eval": {
            "dataset": dataset(parts["eval"], parts["eval_keep"]),
            "loader": {"batch_size_per_card": 1 if task == "det" else 8},
        },
    }


def write_config(config: dict, path: Path) -> Path:
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path
