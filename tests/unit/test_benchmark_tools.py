"""The benchmark scripts: protocol, race and memory curve, with stand-ins for the engines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "tools" / "benchmark"

FAKE_PEER = """
import sys, time
sys.path.insert(0, {scripts!r})
from peer_protocol import arguments, one_by_one, serve
options = arguments("fake").parse_args()

def load():
    def read(path):
        print("chatter of a library")  # must not disturb the protocol
        time.sleep({delay})
        if "broken" in path:
            raise ValueError("cannot read " + path)
        return [([[0, 0], [9, 0], [9, 5], [0, 5]], "店 " + path.rsplit("/", 1)[-1], 0.5)]
    return one_by_one(read)

serve(load, engine=options.name, version="1", threads=options.threads, stages=lambda: {{"det": 0.5}})
"""


@pytest.fixture(autouse=True)
def scripts_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))


def fake_peer(folder: Path, name: str, delay: float = 0.0) -> str:
    script = folder / f"{name}.py"
    script.write_text(FAKE_PEER.format(scripts=str(SCRIPTS), delay=delay), encoding="utf-8")
    return f"{name}={sys.executable} {script} --name {name} --threads 1"


def label_file(folder: Path, *pictures: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "dev.txt"
    path.write_text("".join(f"{picture}\t[]\n" for picture in pictures), encoding="utf-8")
    return str(path)


def test_a_race(tmp_path, capsys):
    import race

    labels = [label_file(tmp_path / name, "1.png", "2.png") for name in ("first", "second")]
    peers = [fake_peer(tmp_path, "slow", 0.02), fake_peer(tmp_path, "fast", 0.002)]
    options = f"--passes 2 --pause 0 --results {tmp_path / 'out'} --json {tmp_path / 'race.json'}".split()
    outcome = race.main(["--labels", *labels, *options, "--cpus", "", "--engine", peers[0], "--engine", peers[1]])
    assert outcome == 0
    figures = json.loads((tmp_path / "race.json").read_text())
    assert (figures["pages"], figures["reference"]) == (4, "slow")
    slow, fast = figures["engines"]["slow"], figures["engines"]["fast"]
    assert slow["ratio"] == {"median": 1, "min": 1, "max": 1}
    assert fast["ratio"]["min"] > 1.5
    assert fast["pages_per_second"]["min"] <= fast["pages_per_second"]["median"] <= fast["pages_per_second"]["max"]
    assert fast["peak_rss_mb"] > 1
    assert fast["stages"] == {"det": 125}  # milliseconds per page
    lines = (tmp_path / "out" / "fast" / "second-dev.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["file"] for line in lines] == [
        str(tmp_path / "second" / name) for name in ("1.png", "2.png")
    ]
    assert json.loads(lines[0])["lines"] == [
        {"text": "店 1.png", "score": 0.5, "box": [[0.0, 0.0], [9.0, 0.0], [9.0, 5.0], [0.0, 5.0]]}
    ]
    printed = capsys.readouterr().out
    assert printed.index("round 1/2  slow") < printed.index("round 1/2  fast") < printed.index("round 2/2  slow")


def test_the_results_of_a_race_can_be_scored(tmp_path):
    import race

    from ppocr.infer.io.results_file import read_results

    labels = label_file(tmp_path / "set", "1.png")
    peer = fake_peer(tmp_path, "peer")
    race.main(["--labels", labels, "--passes", "0", "--cpus", "", "--results", str(tmp_path), "--engine", peer])
    (result,) = read_results(tmp_path / "peer" / "set-dev.jsonl")
    assert result.lines[0].text == "店 1.png"


def test_an_engine_that_dies_is_told_with_its_last_words(tmp_path, capsys):
    import race

    labels = label_file(tmp_path / "set", "broken.png")
    assert race.main(["--labels", labels, "--cpus", "", "--engine", fake_peer(tmp_path, "peer")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("peer ended with status 1: ")
    assert "cannot read" in told


def test_an_engine_that_does_not_start(tmp_path, capsys):
    import race

    labels = label_file(tmp_path / "set", "1.png")
    assert (
        race.main(["--labels", labels, "--cpus", "", "--engine", f"gone={sys.executable} -c 'raise SystemExit(7)'"])
        == 1
    )
    assert "gone ended with status 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engines", "nobody"], "no engine is called 'nobody'"),
        (["--engines", "rapidocr1"], "say with --peers"),
        (["--engine", "name"], "expected NAME=COMMAND"),
        ([], "no engine chosen"),
    ],
)
def test_wrong_choice_of_engines(arguments, message):
    import race

    with pytest.raises(SystemExit, match=message):
        race.commands(race.parse(arguments))


def test_known_engines_run_in_their_own_python():
    import race

    chosen = race.commands(race.parse(["--peers", "/peers", "--engines", "ppocr,rapidocr3-tiny", "--threads", "3"]))
    assert chosen["ppocr"][:2] == [sys.executable, str(race.CHAIN)]
    assert chosen["rapidocr3-tiny"][0] == str(Path("/peers/rapidocr3/bin/python"))
    assert chosen["rapidocr3-tiny"][2:4] == ["--threads", "3"]
    assert "/peers/v6tiny/det.onnx" in chosen["rapidocr3-tiny"]
    assert all((SCRIPTS / script).is_file() for _, script, _ in race.ENGINES.values())


def test_pages_are_spread_over_the_set(tmp_path):
    import race

    assert race.spread("abcdefghij", 4) == ["a", "c", "f", "h"]
    assert race.spread("abc", 5) == race.spread("abc", None) == ["a", "b", "c"]
    for name in ("b.jpg", "a.PNG", "notes.txt"):
        (tmp_path / name).touch()
    sets = race.page_sets(race.parse(["--images", str(tmp_path)]))
    assert [Path(path).name for path in sets[tmp_path.name]] == ["a.PNG", "b.jpg"]


def test_summary_by_hand():
    from ppocr.bench import racer as race

    rounds = {
        "a": [race.Pass(2.0, 10, 100, 1.0), race.Pass(4.0, 10, 120, 2.0), race.Pass(2.0, 10, 90, 1.0)],
        "b": [race.Pass(1.0, 10, 50, 0.5), race.Pass(1.0, 10, 50, 0.5), race.Pass(2.0, 10, 50, 0.5)],
    }
    table = race.summary(rounds, "a")
    assert table["a"]["pages_per_second"] == {"median": 5, "min": 2.5, "max": 5}
    assert table["b"]["ratio"] == {"median": 2, "min": 1, "max": 4}
    assert table["a"]["peak_rss_mb"] == 120
    assert (table["a"]["cpu_ms_per_page"], table["b"]["cpu_ms_per_page"], table["b"]["cpu_ratio"]) == (100, 50, 0.5)
    first, second = race.table_text(table, "a").splitlines()[1:]
    assert first.split()[0] == "b"
    assert second.split()[0] == "a"


def curve(module, memory):
    return [module.Reading(20 * step, rss, rss) for step, rss in enumerate(memory)]


def test_memory_verdicts():
    import memory_curve

    flat = curve(memory_curve, [300.0] * 10 + [500.0, 510.0] * 8)
    growing = curve(memory_curve, [300.0 + 5 * step for step in range(26)])
    high = curve(memory_curve, [300.0, 1100.0] + [900.0] * 24)
    limits = {"limit_mb": 1024, "flat_mb": 30, "last": 300}
    assert memory_curve.verdict(flat, **limits) == []
    assert memory_curve.rise(growing, 300) == pytest.approx(75)
    assert "rises by 75 MiB over the last 300 pages" in memory_curve.verdict(growing, **limits)[0]
    assert "peak of 1100 MiB" in memory_curve.verdict(high, **limits)[0]
    assert memory_curve.rise(flat[:1], 300) == 0


def test_pages_of_random_sizes():
    import memory_curve

    pages = list(memory_curve.drawn_pages(6, seed=1, sides=(40, 300)))
    assert len({page.image.shape for page in pages}) == 6
    assert all(40 <= side <= 300 for page in pages for side in page.image.shape[:2])
    again = list(memory_curve.drawn_pages(6, seed=1, sides=(40, 300)))
    assert all((first.image == second.image).all() for first, second in zip(pages, again))


def test_parts_of_pictures(tmp_path):
    import cv2
    import memory_curve
    import numpy as np

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((50, 80, 3), np.uint8))
    pages = list(memory_curve.photographed_pages([str(tmp_path)], 5, seed=1, sides=(40, 300)))
    assert len(pages) == 5
    assert all(40 <= max(page.image.shape) <= 300 for page in pages)


def test_memory_of_this_process():
    import memory_curve

    assert 5 < memory_curve.rss_mb() <= memory_curve.peak_rss_mb() + 1


def test_stages_told_page_by_page_are_summed_for_a_pass():
    from peer_protocol import StageSeconds

    stages = StageSeconds()
    stages.add([1.0, None, 2.0])
    stages.add([0.5, 0.25, None])
    stages.add(None)  # of a page without text
    assert stages.take() == {"det": 1.5, "cls": 0.25, "rec": 2.0}
    assert stages.take() == {}
