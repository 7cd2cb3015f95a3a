"""PP-OCRv2's to v6's training recipes: every key means something, also those that only the published files have."""

from __future__ import annotations

import cv2
import numpy as np
import paddle
import pytest
import yaml

from ppocr.config import load_config, thaw
from ppocr.data.loader import build_loader, loader_problems
from ppocr.engine.build import build_charset, build_model
from ppocr.optimizer.build import build_optimizer
from ppocr.registry import LOSSES, METRICS

MODELS = ("v6_tiny", "v6_small", "v6_medium", "v2_mobile", "v3_mobile", "v4_mobile", "v5_mobile")
CONFIGS = [f"{task}/PP-OCR{model}_{task}.yml" for task in ("det", "rec") for model in MODELS]
CONFIGS += [f"det/PP-OCRv{version}_det_cml.yml" for version in (2, 3, 4)]
CONFIGS += [f"rec/PP-OCRv{version}_rec_distillation.yml" for version in (2, 3)]


@pytest.mark.parametrize("path", CONFIGS)
def test_the_training_sections_are_understood(path):
    loaded = load_config(path)
    config = thaw(loaded)
    given = {"charset": build_charset(loaded), "max_text_length": 25, "label_list": None, "task": path[:3]}
    problems = loader_problems(config["Train"], "Train", given) + loader_problems(config["Eval"], "Eval", given)
    problems += METRICS.problems(config["Metric"], "Metric", given)
    assert problems == []
    LOSSES.build(config["Loss"], "Loss")
    parameters = dict(paddle.nn.Linear(2, 2).named_parameters())
    build_optimizer(config["Optimizer"], parameters, epochs=100, steps_per_epoch=2)


def write_lines(folder):
    """A label file of eight crops."""
    rows = []
    for number in range(8):
        crop = np.full((40, 90, 3), 220, np.uint8)
        cv2.putText(crop, f"no {number}", (5, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
        cv2.imwrite(str(folder / f"{number}.png"), crop)
        rows.append(f"{number}.png\tno {number}\n")
    path = folder / "train_list.txt"
    path.write_text("".join(rows), encoding="utf-8")
    return path


def as_published(folder):
    """The tiny recogniser's recipe with the keys that PaddleOCR's own file has and ours does without."""
    tree = thaw(load_config("rec/PP-OCRv6_tiny_rec.yml"))
    tree["Global"].update(debug=False, distributed=True, d2s_train_image_shape=[3, 48, 320], use_visualdl=False)
    tree["Global"].update(character_dict_path="ppocr/utils/dict/en63_dict.txt")  # fewer classes: a faster test
    tree["Architecture"]["Head"]["head_list"][1]["NRTRHead"]["nrtr_dim"] = 64
    train = tree["Train"]
    train["dataset"].update(
        ds_width=False, ext_op_transform_idx=1, data_dir=str(folder), label_file_list=[str(write_lines(folder))]
    )
    train["dataset"]["transforms"] = [step for step in train["dataset"]["transforms"] if "RecResizeImg" not in step]
    train["sampler"]["first_bs"] = 2
    train["loader"].update(batch_size_per_card=2, num_workers=0)
    tree["profiler_options"] = None
    path = folder / "published.yml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def test_the_published_recipe_of_the_recogniser_trains(tmp_path):
    paddle.seed(0)
    config = load_config(as_published(tmp_path))
    model, loss = build_model(config), LOSSES.build(thaw(config["Loss"]), "Loss")
    loader = build_loader(thaw(config["Train"]), task="rec", charset=build_charset(config))
    sizes = set()
    for batch in loader.epoch(0):
        tensors = {name: paddle.to_tensor(array) for name, array in batch.items() if isinstance(array, np.ndarray)}
        parts = loss(model(tensors["image"], tensors), tensors)
        assert set(parts) == {"loss", "CTCLoss", "NRTRLoss"}
        parts["loss"].backward()
        sizes.add(tuple(batch["image"].shape[2:]))
    assert sizes == {(32, 320), (48, 320), (64, 320)}
    learning = [name for name, tensor in model.named_parameters() if not tensor.stop_gradient]
    gradients = {name: tensor.grad for name, tensor in model.named_parameters() if name in learning}
    assert not [name for name, gradient in gradients.items() if gradient is None or not gradient.isfinite().all()]
