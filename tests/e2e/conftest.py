"""Real networks with random weights, exported once for all tests: everything but the meaning of what is read."""

import pytest


@pytest.fixture(scope="session")
def random_models(tmp_path_factory):
    """A model cache with the family `random`: the three mobile networks with seeded weights."""
    import paddle

    from ppocr.config import load_config
    from ppocr.engine.build import build_model
    from ppocr.export.export import export_model

    home = tmp_path_factory.mktemp("home")
    configs = {
        "det": "det/ch_ppocr_mobile_v2.0_det.yml",
        "cls": "cls/ch_ppocr_mobile_v2.0_cls.yml",
        "rec": "rec/en63_mobile_rec.yml",
    }
    for kind, path in configs.items():
        paddle.seed(1)
        config = load_config(path)
        export_model(build_model(config), config, home / "models" / "random" / kind)
    return home


@pytest.fixture
def random_options(random_models, monkeypatch):
    from ppocr.infer.options import OCROptions

    monkeypatch.setenv("PPOCR_HOME", str(random_models))
    return OCROptions(det="random", cls="random", rec="random", threads=1, drop_score=0.0, thresh=0.5, box_thresh=0.0)
