"""Readers without networks for the server's tests: what a page says is the colour of its first pixel."""

import os
import queue
import signal
import threading
import time

import cv2
import numpy as np

from ppocr.infer.io.sources import ReadOptions
from ppocr.infer.results import OCRResult, TextLine
from ppocr.serve import process

DEADLY, SLOW = 13, 77  # shades of grey: the process dies, or takes for ever
QUAD = ((1.0, 1.0), (5.0, 1.0), (5.0, 4.0), (1.0, 4.0))


class FakeOCR:
    def __init__(self, options):
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


READING = ReadOptions()
