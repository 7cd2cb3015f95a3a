"""A predictor chain without networks: ink counts as text, and every crop reads as its mean brightness."""

import numpy as np
import pytest
import yaml

from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes import create

SPECS = {
    "det": {
        "PreProcess": {"transform_ops": [
            {"DetLabelEncode": None},  # official files name steps of training too
            {"DetResizeForTest": {"limit_side_len": 960, "limit_type": "max"}},
            {"NormalizeImage": {"scale": "1./255.", "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0], "order": "hwc"}},
        ]},
        "PostProcess": {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "unclip_ratio": 0.2},
    },
    "cls": {
        "PreProcess": {"transform_ops": [{"ClsResizeImg": {"image_shape": [3, 48, 192]}}]},
        "PostProcess": {"name": "ClsPostProcess", "label_list": ["0", "180"]},
    },
    "rec": {
        "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 32, 320]}}]},
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": list("0123456789"), "use_space_char": True},
    },
}


class InkRuntime:
    """Stands for all three networks; which one is told by the directory's name."""

    def __init__(self, program, params, *, threads, precision, shapes, runs=1):
        self.kind, self.shapes = program.parent.name, []

    few_shapes = True

    def run(self, batch, use=np.array):
        return use(self._output(batch))

    def _output(self, batch):
        self.shapes.append(batch.shape)
        if self.kind == "det":  # dark pixels are text
            return (batch.mean(axis=1, keepdims=True) < 0.5).astype(np.float32)
        if self.kind == "cls":  # upside down: the left half is brighter than the right
            turned = batch[:, :, :, :96].mean(axis=(1, 2, 3)) > batch[:, :, :, 96:].mean(axis=(1, 2, 3)) + 0.3
            return np.stack([~turned, turned], axis=1).astype(np.float32)
        # One digit per crop: how bright its first 16 columns are, from 0 (black) to 9.
        digit = np.clip((batch[:, :, :, :16].mean(axis=(1, 2, 3)) + 1) * 5, 0, 9).astype(int)
        out = np.zeros((len(batch), batch.shape[3] // 4, 12), np.float32)
        out[:, :, 0] = 1.0
        out[np.arange(len(batch)), 0, 0] = 0.0
        out[np.arange(len(batch)), 0, digit + 1] = 0.9
        return out


@pytest.fixture
def ink_family(tmp_path, monkeypatch):
    """Options of a chain of `InkRuntime`s, in a model cache of its own under the name `ink`."""
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    monkeypatch.setattr(create, "InkRuntime", InkRuntime, raising=False)
    monkeypatch.setitem(create.ENGINES, "ink", "ppocr.infer.runtimes.create:InkRuntime")
    for kind, spec in SPECS.items():
        directory = tmp_path / "models" / "ink" / kind
        directory.mkdir(parents=True)
        (directory / "inference.json").write_text('{"program": {"regions": [{"blocks": [{"ops": []}]}]}}')
        (directory / "inference.pdiparams").write_bytes(b"")
        (directory / "inference.yml").write_text(yaml.safe_dump(spec))
    return OCROptions(det="ink", cls="ink", rec="ink", engine="ink")


@pytest.fixture(name="ink")
def paddleocr_settings(ink_family):
    """The same chain as settings of `ppocr.paddleocr.PaddleOCR`."""
    return {"engine": "ink", "det_model_dir": "ink", "rec_model_dir": "ink", "cls_model_dir": "ink"}


def black_on_white():
    """A page with one line, uint8[100, 300, 3]."""
    image = np.full((100, 300, 3), 255, np.uint8)
    image[30:60, 30:230] = 0
    return image
