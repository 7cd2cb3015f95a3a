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
from ppocr.infer.io.sources import ReadOptions
from ppocr.infer.options import OCROptions
from ppocr.infer.results import OCRResult
from ppocr.serve import worker as worker_module
from ppocr.serve.client import Client
from ppocr.serve.pool import WorkerPool
from ppocr.serve.process import PageDone, Work
from ppocr.serve.tickets import Ticket, TicketQueue

READERS = {"tiny": OCROptions()}


def submit(pool, data, seconds=20.0):
    """The inbox of a file."""
    inbox = queue.Queue()
    ticket = pool.submit(Work(data, "file", "tiny", ReadOptions(seconds=seconds)), inbox.put)
    return inbox, ticket


def answer(inbox):
    """What came to an inbox: texts, and reasons of errors."""
    pages = iter(lambda: inbox.get(timeout=30), None)
    return [page.result.reason if isinstance(page.result, InputError) else page.result.text for page in pages]


def read(pool, data, seconds=20.0):
    return answer(submit(pool, data, seconds)[0])


@pytest.fixture
def make_pool(monkeypatch):
    monkeypatch.setattr(worker_module, "main", serve_fakes.fake_main)
    pools = []

    def make(count=1):
        pool = WorkerPool(READERS, count, replaced=lambda: pool.replaced.append(1))
        pool.replaced = []
        pools.append(pool)
        pool.start()
        return pool

    yield make
    for pool in pools:
        pool.close()
        assert pool.alive == 0


def test_workers_read_die_and_are_replaced(make_pool):
    pool = make_pool()
    assert pool.alive == 1
    assert read(pool, tiff(1, 2)) == ["shade 1", "shade 2"]
    (reason,) = read(pool, b"nothing")
    assert "picture" in reason and not pool.replaced
    os.kill(pool._workers[0]._process.pid, signal.SIGKILL)  # between two files: nothing is lost
    assert read(pool, png(3)) == ["shade 3"] and len(pool.replaced) == 1
    assert read(pool, png(DEADLY)) == ["page 1: its worker process died"]  # tried twice
    assert read(pool, png(SLOW), 0.5) == ["page 1: took longer than 0.5 seconds"]
    assert read(pool, png(4)) == ["shade 4"]


def test_files_that_wait_are_read_together_and_only_the_one_at_fault_is_lost(make_pool):
    pool = make_pool()
    first, _ = submit(pool, tiff(*range(20, 50)))  # long enough for the others to come
    shades = [(1,), (2,), (DEADLY,), (4,), (5, 6), (7,)]
    inboxes = [submit(pool, tiff(*pages) if len(pages) > 1 else png(*pages))[0] for pages in shades]
    gone, ticket = submit(pool, png(8))
    ticket.cancelled.set()
    assert answer(first) == [f"shade {shade}" for shade in range(20, 50)]
    read_as = [[f"shade {shade}" for shade in pages] for pages in shades]
    read_as[2] = ["page 1: its worker process died"]
    assert [answer(inbox) for inbox in inboxes] == read_as
    assert answer(gone) == [] and read(pool, png(9)) == ["shade 9"]


def test_a_group_takes_what_waits_and_leaves_some_to_the_other_workers():
    queue_ = TicketQueue(2)
    kinds = [("a", 1), ("a", 1), ("a", 1), ("a", 2), ("b", 1)]
    tickets = [Ticket(Work(b"", "", reader, ReadOptions(seconds=seconds)), print) for reader, seconds in kinds]
    for ticket in tickets:
        queue_.put(ticket)
    first = queue_.take()
    assert (
        queue_.like(first.work, leave_some=True) is tickets[1]
        and queue_.like(first.work, leave_some=True) is tickets[2]
    )
    assert queue_.like(first.work, leave_some=True) is None  # two are left for two workers
    assert queue_.like(first.work, leave_some=False) is None  # another time limit
    assert queue_.take() is tickets[3] and queue_.like(tickets[3].work, leave_some=False) is None  # another reader


def test_errors_that_were_told_are_not_told_again_when_a_worker_dies():
    heard = []
    ticket = Ticket(Work(b"%PDF-", "a.pdf", "tiny"), heard.append)
    page = PageDone(OCRResult("a.pdf", 0, 1, 1, 0.0, ()), None, 1)
    ticket.take(page)
    ticket.fail("page 2 of the PDF cannot be rendered")
    ticket.lost("died", is_to_blame=False)
    assert (ticket.work.first, ticket.work.alone) == (1, True)
    ticket.fail("page 2 of the PDF cannot be rendered")
    assert len(heard) == 2
    ticket.lost("died", is_to_blame=True)
    ticket.lost("died", is_to_blame=True)
    assert heard[-1].result.reason == "page 2: died" and ticket.work.first == 2 and not ticket.is_ended


def test_models_that_cannot_be_loaded_end_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="fetch"):
        WorkerPool({"none": OCROptions(det="none", cls=None, rec="none")}, 1).start()


@pytest.fixture
def server(tmp_path):
    with serve_fakes.running_server(tmp_path) as (process, url):
        yield process, url


def test_sigterm_answers_what_is_in_work_and_ends_well(server):
    process, url = server
    client = Client(url)
    assert [page.text for page in client.stream(tiff(1, 2), words=True)] == ["shade 1", "shade 2"]
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
