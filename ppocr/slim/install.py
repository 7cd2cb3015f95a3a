"""Install PaddleSlim for `ppocr.slim`: `python -m ppocr.slim.install`.

PaddleSlim 2.6.0 says it needs OpenCV 4.6, which nothing of it that we use does. pip would replace a newer OpenCV, or
call the environment broken (`pip check`). So it goes, without dependencies, into its own folder in the environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = "paddleslim==2.6.0"
COMMAND = "python -m ppocr.slim.install"


def folder() -> Path:
    """Where it is installed: `lib/ppocr-slim` of the environment."""
    return Path(sys.prefix) / "lib" / "ppocr-slim"


def main() -> int:
    """Run pip; its exit status."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
    return subprocess.run([*command, "--target", str(folder()), PACKAGE], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
