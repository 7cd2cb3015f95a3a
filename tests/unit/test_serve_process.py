"""The server's processes: pages in order, deaths, time limits; and a real server that gets SIGTERM."""

import os
import queue
import signal
import threading
import time
import urllib.request

import pytest
import serve_fakes
from serve_fakes import DEADLY, SLOW, png, tiff

from ppocr.errors import InputError, ModelError, PPOCRError
from ppocr.infer.options import OCROptions
from ppocr.serve import pool as pool_module
from ppocr.serve.client import Client
from ppocr.serve.pool import WorkerPool
from ppocr.serve.process import Work

READERS = {"tiny": OCROptions()}


def read(pool, data):
    """What a pool says of a file: texts, and reasons of errors."""
    inbox = queue.Queue()
    pool.submit(Work(data, "file", "tiny"), inbox.put)
    pages = iter(lambda: inbox.get(timeout=30), None)
    return [page.result.reason if isinstance(page.result, InputError) else page.result.text for page in pages]


def test_workers_read_die_and_are_replaced(monkeypatch):
    monkeypatch.setattr(pool_module, "main", serve_fakes.fake_main)
    replaced = []
    pool = WorkerPool(READERS, 1, page_seconds=4.0, replaced=lambda: replaced.append(1))
    pool.start()
    try:
        assert pool.alive == 1
        assert read(pool, tiff(1, 2)) == ["shade 1", "shade 2"]
        (reason,) = read(pool, b"nothing")
        assert "picture" in reason and not replaced
        os.kill(pool._workers[0]._process.pid, signal.SIGKILL)  # between two files: nothing is lost
        assert read(pool, png(3)) == ["shade 3"] and len(replaced) == 1
        assert read(pool, png(DEADLY)) == ["page 1: its worker process died"]  # tried twice
        pool._workers[0]._seconds = 0.5
        assert read(pool, png(SLOW)) == ["page 1: took longer than 0.5 seconds"]
        pool._workers[0]._seconds = 4.0
        assert read(pool, png(4)) == ["shade 4"]
    finally:
        pool.close()
    assert pool.alive == 0


def test_models_that_cannot_be_loaded_end_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="fetch"):
        WorkerPool({"none": OCROptions(det="none", cls=None, rec="none")}, 1, page_seconds=5.0).start()


@pytest.fixture
def server(tmp_path):
    with serve_fakes.running_server(tmp_path) as (process, url):
        yield process, url


def test_sigterm_answers_what_is_in_work_and_ends_well(server):
    process, url = server
    client = Client(url)
    assert [page.text for page in client.stream(tiff(1, 2), words="true")] == ["shade 1", "shade 2"]
    with pytest.raises(PPOCRError, match="422: upload: "):
        client.read(b"nothing")
    answers = []

    def ask():
        answers.extend(page.text for page in client.read(tiff(*range(100, 160))))

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 20
    while b"ppocr_requests_in_hand 0.0" in urllib.request.urlopen(f"{url}/metrics").read() and asking.is_alive():
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGTERM)
    asking.join(30)
    assert process.wait(30) == 0
    assert answers == [f"shade {shade}" for shade in range(100, 160)]
    with pytest.raises(PPOCRError):
        client.read(png())
