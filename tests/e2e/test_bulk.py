"""`ppocr bulk` with real models: restart, kills, Ray, an object store; all but the first test in `make test-bulk`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.cli.main import main

pq = pytest.importorskip("pyarrow.parquet")

heavy = pytest.mark.skipif("PPOCR_BULK" not in os.environ, reason="make test-bulk")
SECONDS = 580
PAGES, SHARD_FILES = int(os.environ.get("PPOCR_BULK_PAGES", "400")), 8


def png_text(text):
    page = np.full((120, 420, 3), 255, np.uint8)
    cv2.putText(page, text, (30, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0, 0, 0), 3, cv2.LINE_AA)
    return cv2.imencode(".png", page)[1].tobytes()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages that say their number, and a file that is none."""
    folder = tmp_path_factory.mktemp("pages")
    for number in range(PAGES):
        (folder / f"p{number}.png").write_bytes(png_text(f"PAGE {1000 + number}"))
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def command(inputs, output, *more):
    return [
        sys.executable, "-m", "ppocr", "bulk", str(inputs), "--output", str(output), "--models", "slim",
        "--engine", "onnxruntime", "--shard-files", str(SHARD_FILES), *more,
    ]  # fmt: skip


def rows(output):
    return pq.read_table(sorted(Path(output).glob("part-*.parquet"))).to_pylist()


def check(pages, output):
    """Every page once, with its text; the broken file as an error; the manifest tells of all files."""
    found = rows(output)
    assert Counter(Path(row["path"]).name for row in found) == Counter(path.name for path in pages.iterdir())
    for row in found:
        name = Path(row["path"]).stem
        if name == "broken":
            assert row["error"].startswith("not a picture") and row["text"] is None
        else:
            assert row["error"] is None and row["text"].replace(" ", "").endswith(str(1000 + int(name[1:]))), row
    manifest = [json.loads(line) for line in (output / "manifest.jsonl").read_text().splitlines()]
    assert [entry["file"] for entry in manifest] == sorted(path.name for path in output.glob("part-*.parquet"))
    assert sum(entry["rows"] for entry in manifest) == len(found)
    assert not list((output / ".attempts").iterdir())


def children(pid):
    """Processes that descend from one, with their commands."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            found.setdefault(parent, []).append(int(status.parent.name))
        except (OSError, ValueError):
            continue
    below, waiting = [], [pid]
    while waiting:
        below += (new := found.get(waiting.pop(), []))
        waiting += new
    return below


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def finish(pages, output, *more, inputs=None):
    done = subprocess.run(
        command(inputs or pages, output, *more), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 1, done.stderr  # of the broken file
    assert "1 could not be read" in done.stdout
    check(pages, output)


def test_pages_become_rows_and_a_second_start_has_nothing_to_do(tmp_path, capsys):
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(3):
        (folder / f"p{number}.png").write_bytes(png_text(f"PAGE {1000 + number}"))
    arguments = command(folder, tmp_path / "out", "--workers", "1")[3:]
    for new in ("1 of them new", "0 of them new"):
        assert main(arguments) == 0
        assert f"3 rows in 1 files, {new}" in capsys.readouterr().out
    assert [row["text"].replace(" ", "")[-4:] for row in rows(tmp_path / "out")] == ["1000", "1001", "1002"]
    assert main([*arguments, "--drop-score", "0.1"]) == 1
    assert "the results of another job (other settings)" in capsys.readouterr().err


@heavy
def test_workers_and_the_driver_are_killed_at_random(pages, tmp_path):
    dice, output, kills = random.Random(0), tmp_path / "out", Counter()
    for _ in range(3):  # drivers
        driver = subprocess.Popen(
            command(pages, output, "--workers", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        end = time.monotonic() + 12
        while driver.poll() is None and time.monotonic() < end:
            time.sleep(dice.uniform(1, 4))
            alive = children(driver.pid)
            if alive:
                kill(dice.choice(alive))
                kills["worker"] += 1
        if driver.poll() is None:
            orphans = children(driver.pid)
            kill(driver.pid)
            kills["driver"] += 1
            waited = time.monotonic() + 60  # they end with the shard in hand
            while any(map(_runs, orphans)):
                assert time.monotonic() < waited, "workers outlive their driver"
                time.sleep(0.5)
        errors = driver.communicate()[1]
        assert driver.returncode in (1, -signal.SIGKILL), errors
    print(dict(kills), len(list(output.glob("part-*"))), "files before the last start")
    assert kills["worker"] >= 3 and kills["driver"] >= 1
    finish(pages, output, "--workers", "2")


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@heavy
def test_ray_on_this_machine(pages, tmp_path):
    pytest.importorskip("ray")
    finish(pages, tmp_path / "out", "--ray", "local", "--workers", "1")


@heavy
def test_a_node_of_a_cluster_is_killed(pages, tmp_path):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    output = tmp_path / "out"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        driver = subprocess.Popen(
            command(pages, output, "--ray", cluster.address, "--workers", "2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        while len(list(output.glob("part-*"))) < 2:
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.2)
        before = len(list(output.glob("part-*")))
        for process in node.all_processes["raylet"]:
            kill(process.process.pid)  # all that runs on the node goes with it
        cluster.add_node(num_cpus=1)
        _, errors = driver.communicate(timeout=SECONDS)
        print(before, "files before the node was killed")
        assert driver.returncode == 1, errors
        check(pages, output)
    finally:
        cluster.shutdown()


@heavy
def test_the_reader_in_ray_data(pages):
    ray = pytest.importorskip("ray")
    from ppocr.batch import PageReader

    ray.init(address="local", num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    try:
        files = ray.data.read_binary_files(str(pages), include_paths=True)
        found = files.map_batches(
            PageReader, batch_size=8, batch_format="pyarrow", num_cpus=1, concurrency=1
        ).take_all()
    finally:
        ray.shutdown()
    assert len(found) == PAGES + 1 and sum(row["error"] is not None for row in found) == 1
    texts = Counter((row["text"] or "").replace(" ", "")[-4:] for row in found)
    assert texts == Counter(["", *(str(1000 + number) for number in range(PAGES))])


@heavy
def test_an_s3_server(pages, tmp_path, monkeypatch):
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    import fsspec

    server = moto.ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", f"http://{host}:{port}")
        store = fsspec.filesystem("s3")
        store.mkdir("scans")
        for path in pages.iterdir():
            store.pipe_file(f"scans/in/{path.name}", path.read_bytes())
        finish(pages, tmp_path / "out", "--workers", "1", inputs="s3://scans/in")
        assert {row["path"].split("/in/")[0] for row in rows(tmp_path / "out")} == {"s3://scans"}
    finally:
        server.stop()
