"""The page of `deploy/web` in a real Chromium, and the same code in Node: `make test-web`; left out without a build."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build/web"
RECEIPT = ROOT / "train_data/sample/receipt.jpg"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
MILLISECONDS = 120_000
SURE = 0.6  # lines with lower scores hang on single pixels, which versions of OpenCV compute differently

pytestmark = pytest.mark.skipif(not (SITE / "models").is_dir(), reason="make web has not been run")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Isolates the page, so that the engine may use threads; keeps no log."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The sample receipt as it is, half its size, lines of it upside down, a long strip, and an empty page.

    As PNG: decoders of JPEG in JavaScript give other pixels.
    """
    folder = tmp_path_factory.mktemp("pictures")
    receipt = cv2.imread(str(RECEIPT))
    turned = receipt.copy()
    turned[250:330] = np.rot90(turned[250:330], 2)
    made = {
        "receipt.png": receipt,
        "half.png": cv2.resize(receipt, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "turned.png": turned,
        "long.png": np.vstack([receipt] * 3),
        "empty.png": np.full((64, 96, 3), 255, np.uint8),
    }
    for name, image in made.items():
        cv2.imwrite(str(folder / name), image)
    return [folder / name for name in made]


@pytest.fixture(scope="module")
def expected(pictures):
    from ppocr import OCR

    read = OCR(det="slim", rec="slim", cls="slim", engine="onnxruntime", orientation="off", drop_score=SURE)
    return [read(path)[0] for path in pictures]


def check(lines, result, name):
    lines = [line for line in lines if line["score"] >= SURE]
    assert [line["text"] for line in lines] == [line.text for line in result.lines], name
    pairs = list(zip(lines, result.lines))
    if pairs:
        assert np.median([abs(line["score"] - other.score) for line, other in pairs]) < 0.005, name
        assert np.max([np.abs(np.subtract(line["box"], other.box)) for line, other in pairs]) <= 2, name


def test_node_reads_as_python_does(pictures, expected):
    node = shutil.which("node")
    if not node or not (ROOT / "deploy/web/node_modules/onnxruntime-node").is_dir():
        pytest.skip("no node, or npm did not bring onnxruntime-node")
    command = [node, str(ROOT / "deploy/web/node.mjs"), "--site", str(SITE), "--threads", "1", *map(str, pictures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records[0]["lines"]) > 20 and records[-1]["lines"] == []
    for record, result in zip(records, expected):
        check(record["lines"], result, record["file"])


def test_the_page_reads_as_python_does(pictures, expected, address, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no chromium")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    outside, problems = [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on(
            "request",
            lambda request: outside.append(request.url) if not request.url.startswith((address, "blob:")) else None,
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        page.wait_for_function("document.querySelector('#state').textContent === 'Ready.'", timeout=MILLISECONDS)
        page.set_input_files("#files", [*map(str, pictures), str(tmp_path / "broken.png"), str(RECEIPT)])
        page.wait_for_function(
            "![...document.querySelectorAll('h2')].some((h) => h.textContent.endsWith('…'))", timeout=MILLISECONDS
        )
        titles = page.locator("article h2").all_inner_texts()[::-1]
        results = page.evaluate("[...document.querySelectorAll('article')].map((a) => a.result ?? null)")[::-1]
        drawn = page.locator("polygon").count()
        browser.close()
    print(titles)
    assert not problems and not outside
    assert titles[-2] == "broken.png: not a picture that this browser can read" and results[-2] is None
    check(results[-1]["lines"], expected[0], RECEIPT.name)
    for path, result, other in zip(pictures, results, expected):
        assert (result["width"], result["height"]) == (other.width, other.height)
        check(result["lines"], other, path.name)
    assert drawn == sum(len(result["lines"]) for result in results if result)
