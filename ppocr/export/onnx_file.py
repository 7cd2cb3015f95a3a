"""A network's graph as `inference.onnx`, with a dictionary beside it, for programs that do not read Paddle's files.

Conversion, repairs and the comparison with Paddle Inference are those of the ONNX engines (`ppocr.infer.runtimes`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

from ppocr.infer.model_dir import LOGITS, ONNX, PARAMS
from ppocr.infer.runtimes.converted import Conversion
from ppocr.infer.runtimes.onnxruntime import OnnxRuntime
from ppocr.ops.charset import SPACE

PROGRAM = "inference.json"
DICTIONARY = "dictionary.txt"  # one character a line, for programs that do not read inference.yml
CHARACTERS = "character"  # of the ONNX file's metadata: the same lines, where RapidOCR looks for them


def write_onnx(directory: Path, characters: Optional[Sequence[str]]) -> None:
    """Write the ONNX form beside a network's Paddle files, which it must compute the same as.

    Args:
        directory: holds `inference.json` and `inference.pdiparams`.
        characters: of a recogniser, one for each class after the blank.

    Raises:
        MissingExtraError: onnxruntime, or what converts, is not installed.
        ModelError: the graph cannot be converted, or computes something else then.
        OSError: the disk is full.
    """
    program, params = directory / PROGRAM, directory / PARAMS
    OnnxRuntime(program, params)  # converts and compares
    model = converted_bytes(program, params)
    if characters is not None:
        lines = dictionary_lines(characters)
        (directory / DICTIONARY).write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8"))
        model = _with_characters(model, lines)
    (directory / ONNX).write_bytes(model)


def converted_bytes(program: Path, params: Path) -> bytes:
    """The ONNX form of a Paddle program, as it was converted for onnxruntime."""
    model = Conversion(program, params).onnx(OnnxRuntime.name)
    return Path(model).read_bytes() if isinstance(model, str) else model


def dictionary_lines(characters: Sequence[str]) -> Sequence[str]:
    """The list as dictionaries have it: PaddleOCR and RapidOCR append the last space themselves."""
    return characters[:-1] if list(characters[-1:]) == [SPACE] else characters


def remove_paddle_files(directory: Path) -> None:
    """Leave the ONNX form alone."""
    for name in (PROGRAM, PARAMS, LOGITS):
        (directory / name).unlink(missing_ok=True)


def _with_characters(model: bytes, lines: Sequence[str]) -> bytes:
    import onnx

    network = onnx.load_from_string(model)
    network.metadata_props.add(key=CHARACTERS, value="\n".join(lines))
    return network.SerializeToString()
