"""What `paddleslim`, `old_ir`, `fpgm` and `qat` in `ppocr.slim` bridge is still there, and nothing else has moved.

A failure here means that Paddle or PaddleSlim has changed below us: read the message, look at that file, and either
adapt it or, better, take the bridge down.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import sys

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.errors import SlimError
from ppocr.slim import old_ir
from ppocr.slim import paddleslim as bridge
from ppocr.slim import qat as qat_module
from ppocr.slim.install import PACKAGE, folder
from ppocr.slim.paddleslim import paddleslim

SHAPE = [1, 3, 8, 8]


@pytest.fixture(autouse=True)
def installed():
    try:
        paddleslim("dygraph.prune.fpgm_pruner")
    except SlimError as error:
        pytest.skip(str(error))


def network():
    return nn.Sequential(
        ("stem", nn.Conv2D(3, 8, 3, bias_attr=False)), ("act", nn.Sigmoid()), ("last", nn.Conv2D(8, 2, 1))
    )


def test_it_is_the_paddleslim_that_was_bridged():
    found = {
        dist.version for path in (sys.path, [str(folder())])
        for dist in importlib.metadata.distributions(name="paddleslim", path=path)
    }  # fmt: skip
    assert found == {PACKAGE.partition("==")[2]}


def test_the_constructors_take_what_we_give():
    pruner = paddleslim("dygraph.prune.fpgm_pruner").FPGMFilterPruner
    assert list(inspect.signature(pruner.cal_mask).parameters)[:3] == ["self", "pruned_ratio", "collection"]
    qat = paddleslim("dygraph.quant.qat").QAT
    assert {"config", "act_preprocess"} <= set(inspect.signature(qat.__init__).parameters)


def test_paddle_still_has_the_old_ir():
    from paddle import _C_ops

    assert hasattr(paddle.pir_utils, "OldIrGuard")
    assert all(hasattr(_C_ops, name) for name in old_ir.PIR_ONLY)


def test_tracing_leaves_everything_as_it_was():
    from paddle import _C_ops

    model = network()
    before = {name: getattr(_C_ops, name) for name in old_ir.PIR_ONLY}
    with old_ir.old_ir(model):
        assert _C_ops.sigmoid is not before["sigmoid"]
    assert {name: getattr(_C_ops, name) for name in old_ir.PIR_ONLY} == before
    assert paddle.in_dynamic_mode()
    assert np.isfinite(model(paddle.ones(SHAPE)).numpy()).all()


def test_no_stand_in_stays_behind():
    paddleslim("dygraph.quant.qat")
    assert not [name for name in bridge.UNUSED if isinstance(sys.modules.get(name), bridge._Hollow)]


def test_the_quantized_layers_have_the_parts_that_we_read():
    from paddle.nn.quant.quant_layers import QuantizedConv2D, QuantizedLinear

    from ppocr.slim import pact

    model = pact.quantize(network(), alpha=20.0, alpha_decay=1e-4, moving_rate=0.9, float_layers=["la*"])
    layers = dict(model.named_sublayers())
    assert isinstance(layers["stem"], QuantizedConv2D) and not isinstance(layers["last"], QuantizedConv2D)
    assert QuantizedLinear.__name__ == "QuantizedLinear"
    assert layers["stem"]._fake_quant_input._scale.numpy().item() == pytest.approx(qat_module.UNSEEN_RANGE)
    assert layers["stem"]._act_preprocess.alpha.numpy().item() == 20.0
    names = [name for name in model.state_dict() if name.startswith("stem.")]
    assert sorted(names) == [
        "stem._act_preprocess.alpha", "stem._fake_quant_input._accum", "stem._fake_quant_input._scale",
        "stem._fake_quant_input._state", "stem._fake_quant_weight._scale", "stem.weight",
    ]  # fmt: skip
