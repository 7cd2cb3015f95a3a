"""What every test leaves behind as it found it."""

import logging
import os
import signal

import pytest
from ink import ink_family, paddleocr_settings  # noqa: F401 - fixtures


def pytest_configure(config):
    """Tests name other engines where they want them.

    A job in the background of a shell ignores Ctrl-C, and so would the commands that tests start and interrupt.
    """
    os.environ["PPOCR_ENGINE"] = "paddle"
    config.addinivalue_line("markers", "theirs(file): stands for a test of this file of PaddleOCR's")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logging_as_before():
    """A command run in this process shows the package's log; the next test must not."""
    package, root = logging.getLogger("ppocr"), logging.getLogger()
    before = list(package.handlers), package.level, package.propagate, root.level
    yield
    for handler in set(package.handlers) - set(before[0]):
        package.removeHandler(handler)
        handler.close()
    package.setLevel(before[1])
    package.propagate = before[2]
    root.setLevel(before[3])
