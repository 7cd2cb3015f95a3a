"""From a Paddle program to an ONNX file: `python -m ppocr.infer.runtimes.paddle_to_onnx PROGRAM PARAMS ONNX`.

A process of its own, since paddle2onnx prints, leaves files in the current folder, and aborts the process on what it
cannot convert. `ppocr.infer.runtimes.converted` is who runs it.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

OPSET = 17
MIN_WHOLE_AXIS_WINDOW = 1024  # a pooling window at least this long takes the mean of the whole axis


def convert(program: Path, params: Path, target: Path) -> None:
    """Write the ONNX file of a program. Intermediate files go into the current folder.

    Args:
        program: `.json`, or `.pdmodel` of the years before Paddle 3.
        params: its weights.
        target: the file to write.
    """
    from paddle2onnx.paddle2onnx_cpp2py_export import export

    if program.suffix == ".pdmodel":
        program, params = _modernize(program)
    graph = json.loads(program.read_text(encoding="utf-8"))
    _narrow_lists(graph)
    narrowed = Path("narrowed.json")
    narrowed.write_text(json.dumps(graph), encoding="utf-8")
    # What paddle2onnx.export() calls, without what that does next: fold constants by a package that it would have pip
    # download. Engines fold them themselves.
    upgrade, verbose, check, experimental, optimize, float16 = True, False, True, True, True, False
    settings: tuple[Any, ...] = (upgrade, verbose, check, experimental, optimize, {}, "onnxruntime", "", "", float16)
    model = export(str(narrowed), str(params), OPSET, *settings)
    if not model:
        raise SystemExit("paddle2onnx gave an empty model")
    target.write_bytes(_repaired(model))


def _modernize(program: Path) -> tuple[Path, Path]:
    """The program and weights of a `.pdmodel` as today's Paddle writes them."""
    import paddle
    from paddle2onnx import load_parameter, save_program

    paddle.enable_static()
    executor = paddle.static.Executor(paddle.CPUPlace())
    with paddle.pir_utils.OldIrGuard():
        old, _, _ = paddle.static.load_inference_model(str(program.with_suffix("")), executor)
    new = paddle.pir.translate_to_pir(old.desc)
    load_parameter(new)
    save_program(new, "modern")
    return Path("modern.json"), Path("modern.pdiparams")


def _narrow_lists(node: Any) -> None:
    """Mark lists of float64 attributes as float32, in place: paddle2onnx reads no others (scales of up-sampling)."""
    if isinstance(node, dict):
        if node.get("#") == "0.a_array":
            for item in node["D"]:
                if item.get("#") == "0.a_f64":
                    item["#"] = "0.a_f32"
        for value in node.values():
            _narrow_lists(value)
    elif isinstance(node, list):
        for value in node:
            _narrow_lists(value)


def _repaired(model: bytes) -> bytes:
    """The model in the form that every engine takes."""
    import onnx

    network = onnx.load_from_string(model)
    _take_whole_means(network.graph)
    _join_axes_of_shapes(network.graph)
    _repeat_pixels(network.graph)
    return network.SerializeToString()


def _take_whole_means(graph: onnx.GraphProto) -> None:
    """Replace average pooling with windows that cover a whole axis by the mean over that axis, in place.

    Our exports take means of maps in this way, for Paddle adds up the poolings better; OpenVINO refuses windows larger
    than the map, and has a faster mean.
    """
    from onnx import helper

    for node in graph.node:
        if node.op_type != "AveragePool":
            continue
        settings = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        window = settings["kernel_shape"]
        axes = [2 + axis for axis, length in enumerate(window) if length >= MIN_WHOLE_AXIS_WINDOW]
        others = [length for length in window if length < MIN_WHOLE_AXIS_WINDOW]
        if axes and settings.get("ceil_mode") and not any(settings["pads"]) and set(others) <= {1}:
            node.CopyFrom(helper.make_node("ReduceMean", node.input, node.output, node.name, axes=axes, keepdims=1))


def _repeat_pixels(graph: onnx.GraphProto) -> None:
    """Replace transposed convolutions that merely repeat pixels by up-sampling of the nearest pixel, in place.

    Our exports repeat pixels that way, since oneDNN knows no other; OpenVINO's detector is a seventh faster with this.
    """
    from onnx import helper, numpy_helper

    values = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = node.attribute[0].t
        elif node.op_type in ("Identity", "Cast") and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
        elif node.op_type == "ConvTranspose" and node.input[1] in values and len(node.input) == 2:
            settings = {item.name: helper.get_attribute_value(item) for item in node.attribute}
            weights = numpy_helper.to_array(values[node.input[1]])
            tiles = settings["strides"] == list(weights.shape[2:]) and not any(settings.get("pads", ()))
            if tiles and settings.get("group") == len(weights) and weights.shape[1] == 1 and (weights == 1).all():
                factors = f"{node.output[0]}.factors"
                scales = np.array([1, 1, *weights.shape[2:]], np.float32)
                graph.initializer.append(numpy_helper.from_array(scales, factors))
                node.CopyFrom(
                    helper.make_node(
                        "Resize",
                        [node.input[0], "", factors],
                        node.output,
                        node.name,
                        mode="nearest",
                        nearest_mode="floor",
                        coordinate_transformation_mode="asymmetric",
                    )
                )


def _join_axes_of_shapes(graph: onnx.GraphProto) -> None:
    """Make every part of a shape that is put together a list of axes, in place.

    In programs older than Paddle 3 a single axis was a list of one; translated it is a number, and Concat joins none.
    """
    from onnx import TensorProto, helper

    shapes = {node.input[1] for node in graph.node if node.op_type in ("Reshape", "Expand", "Tile")}
    joins = [node for node in graph.node if node.op_type == "Concat" and node.output[0] in shapes]
    if not joins:
        return
    graph.initializer.append(helper.make_tensor("ppocr.flat", TensorProto.INT64, [1], [-1]))
    flatten: dict[str, Any] = {}  # one node for each part, wherever it is used
    for node in joins:
        for index, part in enumerate(node.input):
            flat = f"{part}.flat"
            flatten[part] = helper.make_node("Reshape", [part, "ppocr.flat"], [flat], f"{part}.flatten")
            node.input[index] = flat
    makers = {name for node in graph.node for name in node.output}
    nodes = [flatten[part] for part in flatten if part not in makers]  # initializers
    for node in graph.node:
        nodes.append(node)
        nodes += [flatten[name] for name in node.output if name in flatten]
    nodes = [copy.deepcopy(node) for node in nodes]  # deleting frees those of the graph
    del graph.node[:]
    graph.node.extend(nodes)


if __name__ == "__main__":
    convert(*(Path(argument) for argument in sys.argv[1:4]))
