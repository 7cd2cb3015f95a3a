"""Layers for prediction whose weights are stored in 8 bits.

A weight w of output channel c is stored as the whole number q = round(127 w / s_c), s_c being the largest |w| of the
channel. Paddle's `dequantize_linear` and oneDNN count the same way, so every form of a model has the same weights:

- **float execution** (`StoredConv2D` and its like): q s_c / 127 is computed once, when the model is loaded, by constant
  folding. Speed and engines are those of the float model; only the file is a quarter.
- **int8 execution** (`Int8Conv2D`): the input is rounded to 8 bits as well, over [−range, range], and Paddle Inference
  with oneDNN multiplies whole numbers. It reads only programs of Paddle's old IR, in which each convolution is written
  as quantize → dequantize → convolution → bias. The bias stands alone as a vector, or oneDNN would not take it into the
  convolution, nor then the activation after it: the detector at 1600×512 takes 89 ms so, and 42 ms fused.
"""

from __future__ import annotations

from typing import Any, Mapping, Tuple, Type

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.slim.old_ir import is_old, operator, run_with_weights, take_weights
from ppocr.utils.networks import replace_layer

INT8_LEVELS = 127  # of each sign
MIN_CHANNEL_RANGE = 1e-8  # range of a channel of zeros


def round_to_8_bits(weight: np.ndarray, axis: int) -> Tuple[np.ndarray, np.ndarray]:
    """int8 numbers of the weight's shape and float32[channels], the largest |weight| along `axis`."""
    others = tuple(other for other in range(weight.ndim) if other != axis)
    peaks = np.maximum(np.abs(weight).max(axis=others), MIN_CHANNEL_RANGE)
    shape = [-1 if other == axis else 1 for other in range(weight.ndim)]
    # float64: in float32 the quotient itself is rounded, and may end up on the other side of a half.
    rounded = np.round(weight.astype(np.float64) / peaks.reshape(shape) * INT8_LEVELS)
    return np.clip(rounded, -INT8_LEVELS, INT8_LEVELS).astype(np.int8), peaks.astype(np.float32)


class _Stored(nn.Layer):
    """The weights, for all kinds.

    Args:
        layer: what to replace; its bias is used as it is.
    """

    axis = 0  # of the output channels

    def __init__(self, layer: Any):
        super().__init__()
        rounded, peaks = round_to_8_bits(layer.weight.numpy(), self.axis)
        shape = [1] * rounded.ndim
        shape[self.axis] = -1
        self.register_buffer("weight_int8", paddle.to_tensor(rounded))
        self.register_buffer("weight_step", paddle.to_tensor((peaks / INT8_LEVELS).reshape(shape)))
        self.bias = layer.bias

    @property
    def weight(self) -> paddle.Tensor:
        """float32, as rounded."""
        return self.weight_int8.astype("float32") * self.weight_step


class StoredConv2D(_Stored):
    """`nn.Conv2D` with weights in 8 bits, computed in float."""

    def __init__(self, layer: nn.Conv2D):
        super().__init__(layer)
        self._options = _options(layer)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.conv2d(x, self.weight, self.bias, **self._options)


class StoredConv2DTranspose(_Stored):
    """`nn.Conv2DTranspose` without groups, with weights in 8 bits, computed in float."""

    axis = 1

    def __init__(self, layer: nn.Conv2DTranspose):
        super().__init__(layer)
        self._options = _options(layer)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.conv2d_transpose(x, self.weight, self.bias, **self._options)


class StoredLinear(_Stored):
    """`nn.Linear` with weights in 8 bits, computed in float."""

    axis = 1

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.linear(x, self.weight, self.bias)


class StoredLSTM(nn.Layer):
    """`nn.LSTM` with weights in 8 bits, one range for each unit of each gate, computed in float.

    Args:
        layer: what to replace; it is used up.
    """

    def __init__(self, layer: nn.LSTM):
        super().__init__()
        weights = take_weights(layer)
        for number, weight in enumerate(weights):
            if weight.ndim == 2:  # matrices; biases are few, and rounding them would shift every step of the sequence
                rounded, peaks = round_to_8_bits(weight.numpy(), 0)
                self.register_buffer(f"weight_int8_{number}", paddle.to_tensor(rounded))
                self.register_buffer(f"weight_step_{number}", paddle.to_tensor((peaks / INT8_LEVELS)[:, None]))
            else:
                self.add_parameter(f"bias_{number}", weight)
        self._count = len(weights)
        self.lstm = layer

    def forward(self, x: paddle.Tensor) -> Any:
        return run_with_weights(self.lstm, [self._weight(number) for number in range(self._count)], x)

    def _weight(self, number: int) -> paddle.Tensor:
        """float32, as rounded; or a bias."""
        bias = getattr(self, f"bias_{number}", None)
        if bias is not None:
            return bias
        return getattr(self, f"weight_int8_{number}").astype("float32") * getattr(self, f"weight_step_{number}")


class Int8Conv2D(StoredConv2D):
    """`nn.Conv2D` for int8 execution.

    Args:
        layer: what to replace.
        input_range: range of the input: |x| beyond it is cut off. None leaves the multiplication in float.
    """

    def __init__(self, layer: nn.Conv2D, input_range: float | None):
        super().__init__(layer)
        self.quantizes_input = input_range is not None
        self.register_buffer("input_peak", paddle.to_tensor(np.array([input_range or 1.0], np.float32)))
        self.register_buffer("zero", paddle.zeros([1]))
        self.register_buffer("weight_peak", self.weight_step.flatten() * INT8_LEVELS)
        self.register_buffer("zeros", paddle.zeros(self.weight_peak.shape))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if is_old(x):
            return self._old(x)
        # What the engine will compute, in float: for comparing decisions before anything is exported.
        if self.quantizes_input:
            step = self.input_peak / INT8_LEVELS
            x = paddle.clip(paddle.round(x / step), -INT8_LEVELS, INT8_LEVELS) * step
        return super().forward(x)

    def _old(self, x: Any) -> Any:
        """The operators of the old IR in the order that oneDNN's passes look for."""
        scaled = {"bit_length": 8, "quant_axis": -1}
        if self.quantizes_input:
            scale = {"Scale": self.input_peak, "ZeroPoint": self.zero}
            rounded = operator("quantize_linear", {"X": x, **scale}, "Y", scaled)
            x = operator("dequantize_linear", {"X": rounded, **scale}, "Y", scaled)
        kernel = operator(
            "dequantize_linear",
            {"X": self.weight_int8, "Scale": self.weight_peak, "ZeroPoint": self.zeros}, "Y",
            {"bit_length": 8, "quant_axis": 0},
        )  # fmt: skip
        groups = self._options["groups"]
        inputs = {"Input": x, "Filter": kernel}
        y = operator("conv2d" if groups == 1 else "depthwise_conv2d", inputs, "Output", _old_options(self._options))
        # Along the channels (axis 1), as a vector: a reshaped bias would not be fused into the convolution.
        return y if self.bias is None else operator("elementwise_add", {"X": y, "Y": self.bias}, "Out", {"axis": 1})


def _options(layer: Any) -> Mapping[str, Any]:
    return {
        "stride": layer._stride, "padding": layer._padding, "dilation": layer._dilation, "groups": layer._groups,
    }  # fmt: skip


def _old_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of the old operator: all lists."""
    pair = {key: value if isinstance(value, (list, tuple)) else [value] * 2 for key, value in options.items()}
    return {
        "strides": list(pair["stride"]), "paddings": list(pair["padding"]), "dilations": list(pair["dilation"]),
        "groups": options["groups"], "padding_algorithm": "EXPLICIT", "data_format": "NCHW",
    }  # fmt: skip


STORED: Mapping[Type[nn.Layer], Any] = {
    nn.Conv2D: StoredConv2D,
    nn.Conv2DTranspose: StoredConv2DTranspose,
    nn.Linear: StoredLinear,
    nn.LSTM: StoredLSTM,
}


def store_in_8_bits(model: nn.Layer, *, depthwise: bool = True) -> nn.Layer:
    """Replace, in place, each convolution, linear layer and LSTM by its stored form; the same model.

    Args:
        depthwise: also depthwise kernels. They are a fiftieth of a network, and where they were not trained with
            rounding most of what it costs comes from them: of 500 words the mobile recogniser reads 79.2 % in float,
            73.6 % with them alone rounded, 78.8 % with all others. Their few weights nearly cancel each other out, so
            that small errors times large inputs shift whole channels.
    """
    for name, layer in list(model.named_sublayers()):
        kind = STORED.get(type(layer))
        if kind is not None and can_store(layer) and (depthwise or not is_depthwise(layer)):
            replace_layer(model, name, kind(layer))
    return model


def can_store(layer: nn.Layer) -> bool:
    """A transposed convolution with groups has its output channels on two axes."""
    return not (isinstance(layer, nn.Conv2DTranspose) and layer._groups > 1)


def is_depthwise(layer: nn.Layer) -> bool:
    return getattr(layer, "_groups", 1) > 1


def execute_in_8_bits(model: nn.Layer, ranges: Mapping[str, float], *, depthwise: bool = True) -> nn.Layer:
    """The same for int8 execution: convolutions multiply whole numbers.

    Args:
        model: changed in place.
        ranges: name of a convolution → range of its input; those that are not named multiply in float.
        depthwise: also depthwise ones; else they stay as they are.
    """
    for name, layer in list(model.named_sublayers()):
        if type(layer) is nn.Conv2D and (depthwise or not is_depthwise(layer)):
            replace_layer(model, name, Int8Conv2D(layer, ranges.get(name)))
    return store_in_8_bits(model, depthwise=depthwise)
