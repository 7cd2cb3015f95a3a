"""ONNX graphs beside Paddle's files, over the same weights: ONNX engines need neither to convert nor Paddle then.

ONNX lets a tensor lie in another file, from some byte on ("external data"). A converted graph has the weights of
`inference.pdiparams` byte by byte, so what is left of its file is small. Biases stay: engines use them as they are, and
what onnxruntime keeps of a network it has prepared must not need another file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np

from ppocr.errors import ModelError
from ppocr.export.onnx_file import PROGRAM, converted_bytes
from ppocr.infer.integrity import seal_again
from ppocr.infer.model_dir import LOGITS, ONNX_GRAPH, PARAMS, SPEC
from ppocr.infer.runtimes.converted import example_batches
from ppocr.infer.runtimes.onnxruntime import OnnxRuntime

MIN_BYTES = 128  # smaller tensors stay in the graph


def write_onnx_graph(directory: Path) -> None:
    """Write the ONNX graph of a model directory, and its hash into `inference.yml`.

    Args:
        directory: with `inference.json`, of a recogniser `inference.logits.json`, and their weights.

    Raises:
        MissingExtraError: onnxruntime, or what converts, is not installed.
        ModelError: the graph cannot be converted, or computes something else then.
        OSError: it cannot be written.
    """
    params = directory / PARAMS
    program = directory / (LOGITS if (directory / LOGITS).is_file() else PROGRAM)  # the one that predictors run
    runtime = OnnxRuntime(program, params, threads=1)  # converts, and compares with Paddle Inference
    graph = program.with_suffix(ONNX_GRAPH)
    graph.write_bytes(_without_weights(converted_bytes(program, params), params.read_bytes()))
    alone = OnnxRuntime(graph, params, threads=1)
    for batch in example_batches(runtime.shape()):
        if not np.array_equal(runtime.run(batch), alone.run(batch)):
            raise ModelError(f"{graph}: computes something else than {program}")
    if (directory / SPEC).is_file():
        seal_again(directory / SPEC)


def _without_weights(model: bytes, weights: bytes) -> bytes:
    """The model with every tensor that is somewhere in `weights` taken from there."""
    import onnx
    from onnx.external_data_helper import set_external_data

    network = onnx.load_from_string(model)
    for tensor in _tensors(network.graph):
        size = len(tensor.raw_data)
        begin = weights.find(tensor.raw_data) if len(tensor.dims) > 1 and size >= MIN_BYTES else -1
        if begin >= 0:
            set_external_data(tensor, PARAMS, begin, size)
            tensor.ClearField("raw_data")
    return network.SerializeToString()


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        if node.op_type == "Constant":
            yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))
