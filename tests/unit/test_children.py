import os
import signal
import subprocess
import sys
import time

import pytest

STARTER = """
import subprocess, sys
from ppocr.utils.children import tied_to_us
program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
subprocess.run([sys.executable, "-c", program], **tied_to_us())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends them")
def test_a_program_ends_with_the_process_that_was_killed_while_it_waited():
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        program = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
    for _ in range(200):
        if not _runs(program):
            return
        time.sleep(0.05)
    os.kill(program, signal.SIGKILL)
    pytest.fail("it went on")


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"  # one that ended waits for init to take notice
    except FileNotFoundError:
        return False
