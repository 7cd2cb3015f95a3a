"""Readers without networks for the server's tests: what a page says is the colour of its first pixel."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from ppocr.infer.results import OCRResult, TextLine
from ppocr.serve import process

DEADLY, SLOW = 13, 77  # shades of grey: the process dies, or takes for ever
QUAD = ((1.0, 1.0), (5.0, 1.0), (5.0, 4.0), (1.0, 4.0))


class FakeOCR:
    def __init__(self, options, upright=False):
        self.options = options

    def stream(self, pages):
        for page in pages:
            shade = int(page.image[0, 0, 0])
            if shade == DEADLY:
                os.kill(os.getpid(), signal.SIGKILL)
            if shade == SLOW:
                time.sleep(60)
            height, width = page.image.shape[:2]
            line = TextLine(f"shade {shade}", 0.9, QUAD)
            yield OCRResult(page.source, page.index, width, height, 0.01, (line,))


def fake_main(readers, connection):
    process.OCR = FakeOCR
    process.main(readers, connection)


class ThreadPool:
    """As `WorkerPool`, but a thread, which stands still while `gate` is closed."""

    alive = 1

    def __init__(self):
        self.gate, self.queue = threading.Event(), queue.SimpleQueue()
        self.gate.set()
        self.read = []
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def waiting(self):
        return self.queue.qsize()

    def submit(self, work, deliver):
        from ppocr.serve.pool import Ticket

        ticket = Ticket(work, deliver)
        self.queue.put(ticket)
        return ticket

    def close(self):
        self.queue.put(None)

    def _run(self):
        while True:
            ticket = self.queue.get()
            if ticket is None:
                return
            self.read.append(ticket.work)
            for page in process._pages(ticket.work, FakeOCR(None)):
                self.gate.wait(10)
                if ticket.cancelled.is_set():
                    break
                ticket.deliver(page)
            ticket.deliver(None)


def png(shade=200, size=(20, 30)):
    return cv2.imencode(".png", np.full((*size, 3), shade, np.uint8))[1].tobytes()


def tiff(*shades):
    done, data = cv2.imencodemulti(".tiff", [np.full((20, 30, 3), shade, np.uint8) for shade in shades])
    assert done
    return data.tobytes()


SERVER = """
import logging, sys
import serve_fakes
from ppocr.infer.options import OCROptions
from ppocr.serve import pool
from ppocr.serve.server import serve
from ppocr.serve.settings import ServeSettings

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    pool.main = serve_fakes.fake_main
    settings = ServeSettings({"tiny": OCROptions()}, page_seconds=20.0, api_key=sys.argv[1] if sys.argv[1:] else None)
    serve(settings, host="127.0.0.1", port=0, grace_seconds=20)
"""


@contextlib.contextmanager
def running_server(folder, *arguments):
    """(process, address) of a server whose reader needs no models."""
    script = folder / "server.py"
    script.write_text(SERVER)
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (here, here.parents[1])))}
    command = [sys.executable, str(script), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        line = next(line for line in process.stderr if "listening at" in line)
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.wait()
