"""ONNX files of Paddle models: converted once, kept beside the model cache, checked once by every engine."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Optional, Sequence, Union

import numpy as np

import ppocr
from ppocr.errors import MissingExtraError, ModelError
from ppocr.infer.model_dir import ONNX_GRAPH, cache_root
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.utils.atomic import replacing_file
from ppocr.utils.children import tied_to_us
from ppocr.utils.hashes import remembered_sha256

logger = logging.getLogger(__name__)

# Of a probability, or relative to the largest logit; float32 in another order of summation differs by about 1e-5.
MAX_DIFFERENCE = 1e-3
# Raised whenever paddle_to_onnx.py makes something else of a program: files of older versions are not used then.
CONVERSION_VERSION = b"3"
CONVERSION_SECONDS = 600.0  # seconds for a conversion, which takes about two
# Count, height and width of the inputs of the check, where the network leaves them free.
CHECKED_SIZES = ((1, 96, 320), (3, 64, 96))


class Conversion:
    """The ONNX form of one Paddle program and its weights.

    The file lies in `converted/` beside the model cache, in a folder whose name is made of what the program and the
    weights hold, so that a model that is trained or fetched anew is converted anew. Its own name holds the hash of its
    content: a damaged one is converted again. Where that folder cannot be written, every start converts again, and a
    warning says so.

    Args:
        program, params: graph and weights; the same file if it is ONNX already, which is taken as it is.

    Raises:
        ModelError: one of them cannot be read.
    """

    def __init__(self, program: Path, params: Path):
        self.program, self.params = program, params
        digest = hashlib.sha256(CONVERSION_VERSION)
        try:
            for path in (program, params):
                digest.update(bytes.fromhex(remembered_sha256(path)))
        except OSError as error:
            raise ModelError(f"{error.filename}: cannot be read: {error.strerror}") from error
        self.folder = cache_root().parent / "converted" / digest.hexdigest()

    def onnx(self, extra: str) -> Union[bytes, str]:
        """The ONNX file's content, from the cache or converted now; the path of a program that is ONNX already.

        Args:
            extra: of the package, to be named when the converter is not installed.

        Raises:
            MissingExtraError: the converter is not installed.
            ModelError: paddle2onnx cannot convert the program.
        """
        if self.program.suffix == ".onnx":
            return str(self.program)  # its weights may lie in another file beside it
        model = self._kept("*.onnx")
        if model is None:
            model = _convert(self.program, self.params, extra)
            self._keep(self.folder / f"{hashlib.sha256(model).hexdigest()}.onnx", model)
        return model

    def prepared(self, form: str) -> Optional[bytes]:
        """What `keep_prepared` was given for a form, if it is still whole."""
        return self._kept(f"*.{form}")

    def keep_prepared(self, form: str, content: bytes) -> None:
        """Keep a network as an engine has made it ready to run, which takes longer than all else at start-up.

        Args:
            form: names the engine, its version, its precision, and the kind of processor.
            content: whatever the engine can load again.
        """
        for path in self.folder.glob(f"*.{form}"):  # which the engine could not load
            with contextlib.suppress(OSError):
                path.unlink()
        self._keep(self.folder / f"{hashlib.sha256(content).hexdigest()}.{form}", content)

    def _kept(self, pattern: str) -> Optional[bytes]:
        """A file of the cache whose content is what was written: its name begins with its hash."""
        for path in sorted(self.folder.glob(pattern)):
            with contextlib.suppress(OSError):  # removed meanwhile, or unreadable: as if it were not there
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() == path.name.split(".")[0]:
                    return content
                logger.warning("%s: damaged: made again", path)
                path.unlink()
        return None

    def is_checked(self, engine: str) -> bool:
        """Whether `check` has been passed before by an engine, which its name and version identify.

        A program that came as ONNX has no Paddle form to be compared with.
        """
        return self.program.suffix == ".onnx" or (self.folder / f"{engine}.checked").is_file()

    def check(self, engine: str, shape: Sequence[Optional[int]], run: Callable[[np.ndarray], np.ndarray]) -> None:
        """Compare an engine's outputs in float32 with Paddle Inference's, and keep that they agree.

        Args:
            engine: its name and version.
            shape: of the network's input, None where it is free.
            run: the engine.

        Raises:
            ModelError: they differ by more than `MAX_DIFFERENCE`.
        """
        reference = PaddleRuntime(self.program, self.params)
        for batch in example_batches(shape):
            expected, found = reference.run(batch), run(batch)
            if expected.shape != found.shape:
                difference = f"has the shape {list(found.shape)}, not {list(expected.shape)}"
            else:
                # Relative for logits, which reach 25; absolute for probabilities, which never exceed 1.
                largest = float(np.abs(expected - found).max() / max(1.0, np.abs(expected).max()))
                if largest <= MAX_DIFFERENCE:
                    continue
                difference = f"differs from Paddle's by {largest:.1e} (at most {MAX_DIFFERENCE:.0e} is allowed)"
            raise ModelError(f"{self.program}: not usable with {engine}: its output {difference}")
        self._keep(self.folder / f"{engine}.checked", b"")

    def _keep(self, path: Path, content: bytes) -> None:
        """Write a file of the cache, whole or not at all."""
        try:
            with replacing_file(path, durable=False) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            logger.warning("%s cannot be written (%s): converted and checked at every start", path, error.strerror)


def can_convert(program: Path, params: Path) -> bool:
    """Whether engines that read ONNX can run a program without converting it at every start.

    It is ONNX, was converted before, or can be converted now and kept.
    """
    if program.suffix == ".onnx" or program.with_suffix(ONNX_GRAPH).is_file():
        return True
    try:
        folder = Conversion(program, params).folder
    except ModelError:
        return False
    there = next(path for path in folder.parents if path.exists())
    return any(folder.glob("*.onnx")) or not (_missing_packages() or not os.access(there, os.W_OK | os.X_OK))


def _missing_packages() -> list[str]:
    return [name for name in ("paddle2onnx", "onnx", "paddle") if importlib.util.find_spec(name) is None]


def example_batches(shape: Sequence[Optional[int]]) -> list[np.ndarray]:
    """Pages of dark strokes on light paper with some noise, float32[N, C, H, W] in the range of normalised pictures.

    Noise alone would not do: a detector answers it with zeros, however wrong it may be.
    """
    random = np.random.default_rng(0)
    batches = []
    for count, height, width in CHECKED_SIZES:
        size = [free if given is None else given for given, free in zip(shape, (count, 3, height, width))]
        batch = np.full(size, 0.8, np.float32)
        for picture in batch:
            for top in range(8, size[2] - 16, 20):
                for left in np.cumsum(random.integers(4, 10, size[3] // 8)):
                    picture[:, top : top + 12, left : left + random.integers(2, 6)] = random.uniform(-1.0, -0.4)
        batches.append(batch + random.uniform(-0.1, 0.1, size).astype(np.float32))
    return batches


def _convert(program: Path, params: Path, extra: str) -> bytes:
    """Run `paddle_to_onnx.py`, without a word reaching the user's terminal."""
    if _missing_packages():
        if sys.version_info >= (3, 13):  # the extra cannot bring it
            raise ModelError(f"{program}: converting needs paddle2onnx, which is there for Python up to 3.12")
        raise MissingExtraError(f"engine {extra}", extra)
    environment = dict(os.environ, GLOG_minloglevel="2", PYTHONIOENCODING="utf-8")
    home = str(Path(ppocr.__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [home, environment.get("PYTHONPATH")]))
    logger.debug("%s: converting to ONNX", program)
    with tempfile.TemporaryDirectory(prefix="ppocr-") as folder:
        target = Path(folder) / "model.onnx"
        command = [sys.executable, "-m", "ppocr.infer.runtimes.paddle_to_onnx"]
        command += [str(program.resolve()), str(params.resolve()), str(target)]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=CONVERSION_SECONDS, check=False, **tied_to_us(),
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelError(f"{program}: cannot be converted to ONNX: {error}") from error
        if done.returncode or not target.is_file():
            lines = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
            # The last line that names an error: what comes after it is usually a traceback of C++.
            message = next((line for line in reversed(lines) if "rror" in line), f"exit status {done.returncode}")
            raise ModelError(f"{program}: paddle2onnx cannot convert it: {message}")
        return target.read_bytes()
