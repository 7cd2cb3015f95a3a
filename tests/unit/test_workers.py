"""Several processes give what one gives, in order, and survive the death of some of them."""

import os
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.cli.command import run_job
from ppocr.cli.jobs import Job, Runner, plan
from ppocr.cli.workers import run_in_workers
from ppocr.errors import InputError, ModelError, PPOCRError
from ppocr.infer.io.writers import create_writer
from ppocr.infer.options import OCROptions
from ppocr.infer.results import OCRResult, TextLine

QUAD = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def counting(options):
    """A reader (top-level, for worker processes to find): the text is the page's colour and the threads it may use."""

    def read(pages):
        group = []

        def finish():
            for page in group:
                if isinstance(page, InputError):
                    yield page
                    continue
                height, width = page.image.shape[:2]
                shade = int(page.image[0, 0, 0])
                time.sleep(0.05 if shade % 7 == 0 else 0)  # some pages take longer: order must not depend on it
                line = TextLine(f"{shade} by {options.threads}", 1.0, QUAD)
                yield OCRResult(page.source, page.index, width, height, 0.0, (line,))

        for page in pages:  # in groups of three, as the chain pools pages
            group.append(page)
            if len(group) == 3:
                yield from finish()
                group = []
        yield from finish()

    return read


def dying(options):
    """Kills its process (a crash in a C++ library) on a black page."""
    read = counting(options)

    def fatal(pages):
        for page in pages:
            if not isinstance(page, InputError) and page.image.max() == 0:
                sys.stdout.flush()
                os._exit(9)
            yield page

    return lambda pages: read(fatal(pages))


def on_black(act):
    """A reader that does something before a black page."""

    def reader(options):
        def acting(pages):
            for page in pages:
                if not isinstance(page, InputError) and page.image.max() == 0:
                    act()
                yield page

        read = counting(options)
        return lambda pages: read(acting(pages))

    return reader


def stopping(options):
    return on_black(lambda: os.kill(os.getpid(), signal.SIGSTOP))(options)


def sleeping(options):
    return on_black(lambda: time.sleep(60))(options)


def dying_once(options):
    """Dies unless it left a mark before."""
    mark = Path("died")

    def once():
        if not mark.exists():
            mark.touch()
            os._exit(9)

    return on_black(once)(options)


def unloadable(options):
    raise ModelError("no model here")


def unstartable(options):
    os._exit(3)


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """21 files: pages of shades 1 to 20, the tenth missing, and a document of several pages."""
    monkeypatch.chdir(tmp_path)
    names = []
    for shade in range(1, 21):
        names.append(f"{shade:02}.png")
        if shade != 10:
            cv2.imwrite(names[-1], np.full((9, 9, 3), shade, np.uint8))
    frames = [np.full((9, 9, 3), shade, np.uint8) for shade in (200, 210, 220)]
    cv2.imwritemulti("many.tif", frames)
    return [*names[:5], "many.tif", *names[5:]]


def texts(items):
    return [(i.number, i.result.reason if isinstance(i.result, InputError) else i.result.lines[0].text) for i in items]


@pytest.mark.parametrize("count", [2, 3])
def test_the_same_as_in_one_process(sources, count):
    job = Job(counting, OCROptions(threads=6), pictures=True)
    alone = list(Runner(Job(counting, OCROptions(threads=6 // count), pictures=True)).run(plan(sources)))
    together = list(run_in_workers(job, plan(sources), count))
    assert texts(together) == texts(alone)
    assert [item.result.file for item in together if not isinstance(item.result, InputError)] == [
        item.result.file for item in alone if not isinstance(item.result, InputError)
    ]
    assert [item.picture and item.picture.jpeg for item in together] == [
        item.picture and item.picture.jpeg for item in alone
    ]
    assert len(together) == 23


def test_only_the_pages_that_kill_a_worker_are_lost(sources):
    black = np.zeros((9, 9, 3), np.uint8)
    cv2.imwrite("07.png", black)
    cv2.imwritemulti("many.tif", [np.full((9, 9, 3), 200, np.uint8), black, np.full((9, 9, 3), 201, np.uint8)])
    expected = texts(Runner(Job(counting, OCROptions(threads=1))).run(plan(sources)))
    found = texts(run_in_workers(Job(dying, OCROptions(threads=2)), plan(sources), 2))
    lost = {sources.index("07.png"), sources.index("many.tif")}
    assert [item for item in found if item[0] not in lost] == [item for item in expected if item[0] not in lost]
    died = "the worker process ended with status 9 while reading it"
    assert [item for item in found if item[0] in lost] == [
        (5, "200 by 1"), (5, f"page 2: {died}"), (5, "201 by 1"), (7, died)
    ]  # fmt: skip


def test_a_page_is_read_again_after_its_worker_died_of_something_else(sources):
    job = Job(dying_once, OCROptions(threads=2))
    cv2.imwrite("07.png", np.zeros((9, 9, 3), np.uint8))
    found = texts(run_in_workers(job, plan(sources), 2))
    assert [text for _, text in found if "worker" in text] == [] and (7, "0 by 1") in found


@pytest.mark.parametrize("how", ["stopped", "slow"])
def test_a_worker_that_is_stopped_or_takes_too_long_costs_one_page(sources, how):
    cv2.imwrite("07.png", np.zeros((9, 9, 3), np.uint8))
    reader, reason, seconds = {
        "stopped": (stopping, "was stopped", 0.0), "slow": (sleeping, "took longer than 0.5 seconds", 0.5)
    }[how]  # fmt: skip
    found = texts(run_in_workers(Job(reader, OCROptions(threads=2), seconds=seconds), plan(sources), 2))
    assert (7, f"the worker process {reason} while reading it") in found
    assert len(found) == 23 and sum("worker" in text for _, text in found) == 1


def test_the_command_tells_what_killed_a_worker(sources, capsysbinary):
    cv2.imwrite("07.png", np.zeros((9, 9, 3), np.uint8))
    assert run_job(Job(dying, OCROptions()), sources, writer=create_writer("text"), workers=2) == 1
    captured = capsysbinary.readouterr()
    assert captured.out.count(b" by ") == 21
    assert captured.err.decode().splitlines() == [
        "ppocr: 07.png: the worker process ended with status 9 while reading it",
        "ppocr: 10.png: no such file",
    ]


def test_models_that_cannot_be_loaded_end_the_run(sources):
    with pytest.raises(ModelError, match="no model here"):
        list(run_in_workers(Job(unloadable, OCROptions()), plan(sources), 2))
    with pytest.raises(PPOCRError, match="status 3 while it was loading the models"):
        list(run_in_workers(Job(unstartable, OCROptions()), plan(sources), 2))


def test_stopping_early_leaves_no_processes(sources):
    import multiprocessing

    items = run_in_workers(Job(counting, OCROptions()), plan(sources), 2)
    next(items)
    assert multiprocessing.active_children()
    items.close()
    assert not multiprocessing.active_children()


def test_standard_input_reaches_a_worker(sources, monkeypatch):
    import io

    with open("03.png", "rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read())))
    items = list(run_in_workers(Job(counting, OCROptions(threads=2)), plan(["-", "05.png"]), 2))
    assert texts(items) == [(0, "3 by 1"), (1, "5 by 1")]
    assert items[0].result.file == "-"


def test_errors_survive_the_way_between_processes():
    import pickle

    from ppocr.errors import ConfigError

    for error in (InputError("a", "b"), ModelError("c"), ConfigError(["d", "e"])):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and str(copy) == str(error)
