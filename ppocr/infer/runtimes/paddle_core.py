"""Paddle's predictor without the rest of Paddle, which takes four times as long to import.

`import paddle` runs 1,500 modules, most of them for training, distribution and data sets: a second. The predictor's
classes are in one extension module, which loads by itself in 0.2 s. A later `import paddle` finds it loaded, and is
none the wiser.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import threading
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from pathlib import Path
from typing import Any, Optional

logger = logging.getLogger(__name__)

NAME = "paddle.base.libpaddle"
_LOADING = threading.Lock()


def paddle_core() -> Any:
    """The extension module, with `AnalysisConfig` and `PaddleInferPredictor`.

    Raises:
        ImportError: Paddle is not installed.
    """
    with _LOADING:
        if "paddle" not in sys.modules and NAME not in sys.modules:
            os.environ.setdefault("OMP_NUM_THREADS", "1")  # as Paddle does; each predictor then says how many it takes
            extension = _extension()
            if extension is not None:
                _load(extension)
        if NAME not in sys.modules:
            import paddle.base.libpaddle  # noqa: F401  # Paddle's own way
    core = sys.modules[NAME]
    core.PaddleInferTensor.copy_from_cpu = core.PaddleInferTensor._copy_from_cpu_bind  # type: ignore[attr-defined]
    return core


def _extension() -> Optional[Path]:
    """The file of the extension module, where it can be loaded by itself."""
    spec = importlib.util.find_spec("paddle")  # looks for it, and imports nothing
    if spec is None or spec.origin is None or os.name == "nt":  # Windows must be told of its libraries first
        return None
    stem = Path(spec.origin).parent / "base" / "libpaddle"
    return next((file for suffix in EXTENSION_SUFFIXES if (file := Path(f"{stem}{suffix}")).is_file()), None)


def _load(file: Path) -> None:
    """Put the extension module among the loaded ones; leave it to Paddle if that fails."""
    loader = ExtensionFileLoader(NAME, str(file))
    spec = importlib.util.spec_from_file_location(NAME, file, loader=loader)
    try:
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        loader.exec_module(module)
    except ImportError as error:
        logger.debug("%s: cannot be loaded by itself: %s", file, error)
    else:
        sys.modules[NAME] = module
