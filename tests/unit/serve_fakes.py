"""Readers without networks for the server's tests: what a page says is the colour of its first pixel."""

import contextlib
import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ppocr.errors import InputError
from ppocr.infer.results import OCRResult, TextLine
from ppocr.serve import process

DEADLY, SLOW = 13, 77  # shades of grey: the process dies, or takes for ever
GROUP = 4
QUAD = ((1.0, 1.0), (5.0, 1.0), (5.0, 4.0), (1.0, 4.0))


class FakeOCR:
    def __init__(self, options):
        self.options = options

    def with_settings(self, **changes):
        return self

    def stream(self, pages):
        """Results come in groups, as with networks: a death in a group does not say which page it was."""
        pages = iter(pages)
        for group in iter(lambda: list(itertools.islice(pages, GROUP)), []):
            yield from [page if isinstance(page, InputError) else self.read(page) for page in group]

    def read(self, page):
        shade = int(page.image[0, 0, 0])
        if shade == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        if shade == SLOW:
            time.sleep(60)
        height, width = page.image.shape[:2]
        line = TextLine(f"shade {shade}", 0.9, QUAD)
        return OCRResult(page.source, page.index, width, height, 0.01, (line,))


def fake_main(readers, connection):
    process.OCR = FakeOCR
    process.main(readers, connection)


class _Ear:
    """The server's end of a connection: hands out what a session sends."""

    def __init__(self, pool, ticket):
        self.pool, self.ticket, self.has_stopped = pool, ticket, False

    def send(self, message):
        if isinstance(message, process.Done):
            self.pool.gate.wait(10)
            if not self.ticket.cancelled.is_set():
                self.ticket.take(message.page)

    def poll(self):
        return self.ticket.cancelled.is_set() and not self.has_stopped

    def recv(self):
        self.has_stopped = True
        return process.Stop(self.ticket.work.number)


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
        from ppocr.serve.tickets import Ticket

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
            process.Session(_Ear(self, ticket)).read(replace(ticket.work, alone=True), FakeOCR(None))
            ticket.end()


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
from ppocr.serve import worker
from ppocr.serve.server import serve
from ppocr.serve.settings import ServeSettings

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    worker.main = serve_fakes.fake_main
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
