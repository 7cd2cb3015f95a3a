"""OpenVINO and onnxruntime run what Paddle exported: the same outputs, converted once, and told when it cannot be."""

import dataclasses
import hashlib
import importlib.util
import logging
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.cli.main import main
from ppocr.errors import MissingExtraError, ModelError
from ppocr.export.onnx_graph import write_onnx_graph
from ppocr.infer.model_dir import ModelDir
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes import converted, create
from ppocr.infer.runtimes.converted import Conversion, example_batches
from ppocr.infer.runtimes.create import create_runtime
from ppocr.infer.runtimes.paddle import PaddleRuntime

ENGINES = ("openvino", "onnxruntime")


def need(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (extras openvino, onnxruntime)")


class Tiny(nn.Layer):
    """A convolution, the mean over maps by pooling (as our exports of PP-OCRv6 have it), and a softmax."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 5, 3, stride=2, padding=1)

    def forward(self, x):
        x = nn.functional.relu(self.conv(x))
        mean = nn.functional.avg_pool2d(x, [1, 1024], ceil_mode=True, exclusive=True)
        mean = nn.functional.avg_pool2d(mean, [1024, 1], ceil_mode=True, exclusive=True)
        return nn.functional.softmax(x + mean, axis=1)


def save(directory, seed=0):
    paddle.seed(seed)
    model = Tiny()
    model.eval()
    spec = paddle.static.InputSpec([-1, 3, -1, -1], "float32", name="x")
    paddle.jit.save(paddle.jit.to_static(model, input_spec=[spec], full_graph=True), str(directory / "inference"))
    return ModelDir.open(directory)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def warm_home(model, tmp_path_factory):
    """A cache in which the model is converted and checked."""
    need("paddle2onnx", *ENGINES)
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PPOCR_HOME", str(home))
        for engine in ENGINES:
            create_runtime(model, OCROptions(engine=engine))
    return home


@pytest.fixture
def home(warm_home, tmp_path, monkeypatch):
    """A copy of it for one test."""
    shutil.copytree(warm_home, tmp_path / "home")
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def batches(count, sides=(32, 64, 96)):
    random = np.random.default_rng(1)
    return [random.uniform(-1, 1, (1 + i % 3, 3, sides[i % 3], 64)).astype(np.float32) for i in range(count)]


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_are_paddles(engine, model, home):
    reference = PaddleRuntime(model.program, model.params)
    runtime = create_runtime(model, OCROptions(engine=engine, threads=1), shapes=1)
    for batch in batches(6):
        expected = reference.run(batch)
        assert np.ptp(expected) > 0.1
        np.testing.assert_allclose(runtime.run(batch), expected, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_are_the_callers_own(engine, model, home):
    runtime = create_runtime(model, OCROptions(engine=engine))
    first, second = (np.full((1, 3, 32, 32), value, np.float32) for value in (0.0, 1.0))
    answer = runtime.run(first)
    kept = answer.copy()
    runtime.run(second)
    assert np.array_equal(answer, kept) and answer.flags.writeable


@pytest.mark.parametrize("engine", ENGINES)
def test_eight_threads_get_what_one_gets(engine, model, home):
    runtime = create_runtime(model, OCROptions(engine=engine, threads=1))
    inputs = batches(48)
    expected = [runtime.run(batch) for batch in inputs]
    assert len({answer.tobytes() for answer in expected}) == len(inputs)
    with ThreadPoolExecutor(8) as pool:
        for alone, threaded in zip(expected, pool.map(runtime.run, inputs)):
            np.testing.assert_allclose(threaded, alone, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_that_does_not_fit_is_told(engine, model, home):
    with pytest.raises(ModelError, match=r"failed on an input of \[1, 7, 32, 32\]"):
        create_runtime(model, OCROptions(engine=engine)).run(np.zeros((1, 7, 32, 32), np.float32))


def test_openvino_in_bf16_is_close_and_not_the_same(model, home):
    options = OCROptions(engine="openvino", precision="bf16")
    batch = batches(1)[0]
    rounded, exact = create_runtime(model, options).run(batch), PaddleRuntime(model.program, model.params).run(batch)
    assert 0 <= np.abs(rounded - exact).max() < 0.02  # 0 where the processor has no bfloat16


def test_onnxruntime_has_no_bf16(model, home, monkeypatch):
    monkeypatch.setattr(create, "computes_in_bf16", lambda: True)
    with pytest.raises(ModelError, match="fp32 only, came 'bf16'"):
        create_runtime(model, OCROptions(engine="onnxruntime", precision="bf16"))
    create_runtime(model, OCROptions(engine="onnxruntime", precision="auto"))


def test_converted_and_checked_once(model, home, monkeypatch):
    def never(*_):
        raise AssertionError("again")

    monkeypatch.setattr(converted, "_convert", never)
    monkeypatch.setattr(Conversion, "check", never)
    for engine in ENGINES:
        create_runtime(model, OCROptions(engine=engine))
    (folder,) = (home / "converted").iterdir()
    names = sorted(re.sub(r"^[0-9a-f]{64}|-[\d.]+.*", "", path.name) for path in folder.iterdir())
    # What was converted, prepared and checked; nothing half-written is left.
    assert names == [".onnx", ".onnxruntime", ".openvino", "onnxruntime", "openvino"]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_engine_has_prepared_is_loaded_again(engine, model, home, monkeypatch, caplog):
    batch = batches(1)[0]
    expected = create_runtime(model, OCROptions(engine=engine)).run(batch)
    with monkeypatch.context() as patch:
        patch.setattr(Conversion, "onnx", lambda *_: pytest.fail("the conversion is not needed"))
        np.testing.assert_array_equal(create_runtime(model, OCROptions(engine=engine)).run(batch), expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("is_cut", "told"), [(True, "damaged: made again"), (False, "not loaded now")])
def test_what_cannot_be_loaded_again_is_prepared_again(is_cut, told, engine, model, home, caplog):
    batch = batches(1)[0]
    expected = create_runtime(model, OCROptions(engine=engine)).run(batch)
    (prepared,) = Conversion(model.program, model.params).folder.glob(f"*.{engine}-*")
    if is_cut:
        prepared.write_bytes(prepared.read_bytes()[:-1])
    else:  # whole, but nothing that the engine knows
        form = prepared.name[64:]
        prepared.unlink()
        prepared.with_name(hashlib.sha256(b"no network").hexdigest() + form).write_bytes(b"no network")
    for warnings in (told, ""):
        caplog.clear()
        np.testing.assert_array_equal(create_runtime(model, OCROptions(engine=engine)).run(batch), expected)
        assert warnings in caplog.text and bool(warnings) == bool(caplog.records)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_directory_of_onnx_alone(engine, model, home, tmp_path):
    need("paddle2onnx", engine)
    (tmp_path / "inference.onnx").write_bytes(Conversion(model.program, model.params).onnx(engine))
    alone = ModelDir.open(tmp_path)
    (batch, *_) = example_batches([None, 3, None, None])
    expected = create_runtime(model, OCROptions(engine=engine)).run(batch)
    assert np.array_equal(create_runtime(alone, OCROptions(engine=engine)).run(batch), expected)
    with pytest.raises(ModelError, match=r"has inference.onnx alone, which needs --engine onnxruntime or openvino"):
        create_runtime(alone, OCROptions())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_graph_over_paddles_weights_needs_no_conversion(engine, tmp_path, home, monkeypatch):
    need("paddle2onnx", engine)
    model = save(tmp_path, seed=3)
    expected = create_runtime(model, OCROptions(engine=engine)).run(batches(1)[0])
    write_onnx_graph(tmp_path)
    graph = tmp_path / "inference.graph.onnx"
    weights = next(iter(Tiny().conv.parameters())).numpy()
    assert graph.stat().st_size < len(Conversion(model.program, model.params).onnx(engine)) - weights.nbytes / 2
    monkeypatch.setattr(converted, "_convert", lambda *_: pytest.fail("converted again"))
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "elsewhere"))
    for _ in range(2):  # converted by nobody, then as it was prepared
        again = create_runtime(ModelDir.open(tmp_path), OCROptions(engine=engine)).run(batches(1)[0])
        np.testing.assert_array_equal(again, expected)


def test_other_weights_are_another_conversion(model, tmp_path, home):
    (tmp_path / "other").mkdir()
    other = save(tmp_path / "other", seed=1)
    assert Conversion(model.program, model.params).folder.is_dir()
    assert not Conversion(other.program, other.params).folder.exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_conversion_that_computes_something_else_is_refused(engine, model, tmp_path, home):
    (tmp_path / "other").mkdir()
    other = save(tmp_path / "other", seed=1)
    folder = Conversion(other.program, other.params).folder
    folder.mkdir()
    (file,) = Conversion(model.program, model.params).folder.glob("*.onnx")
    shutil.copy(file, folder)
    for _ in range(2):  # a failed check is not kept as passed
        with pytest.raises(ModelError, match=rf"not usable with {engine}-[\d.]+: its output differs from Paddle's by"):
            create_runtime(other, OCROptions(engine=engine))


def test_a_cache_that_cannot_be_written_is_told_and_does_without(
    model, warm_home, empty_home, caplog, capfd, monkeypatch
):
    need("paddle2onnx", "onnxruntime")
    whole = next((warm_home / "converted").rglob("*.onnx")).read_bytes()
    monkeypatch.setattr(converted, "_convert", lambda *_: whole)  # it takes two seconds
    empty_home.mkdir()
    (empty_home / "converted").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        runtime = create_runtime(model, OCROptions(engine="onnxruntime"))
    assert runtime.run(batches(1)[0]).shape == (1, 5, 16, 32)
    assert ".onnx cannot be written" in caplog.text
    assert capfd.readouterr().out == ""


def test_a_full_disk_leaves_nothing_behind(empty_home, model, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    conversion = Conversion(model.program, model.params)
    monkeypatch.setattr("ppocr.utils.atomic.os.replace", full)
    conversion._keep(conversion.folder / "model.onnx", b"x")
    assert list(conversion.folder.iterdir()) == [] and "No space left" in caplog.text


@pytest.mark.parametrize("engine", ENGINES)
def test_a_damaged_conversion_is_converted_again(engine, model, home, caplog, monkeypatch):
    (file,) = Conversion(model.program, model.params).folder.glob("*.onnx")
    whole = file.read_bytes()
    monkeypatch.setattr(converted, "_convert", lambda *_: whole)  # it takes two seconds
    expected = create_runtime(model, OCROptions(engine=engine)).run(batches(1)[0])
    middle = len(whole) // 2
    for damaged in (b"", whole[:middle], whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        file.write_bytes(damaged)
        for prepared in file.parent.glob(f"*.{engine}-*"):
            prepared.unlink()
        caplog.clear()
        runtime = create_runtime(model, OCROptions(engine=engine))
        np.testing.assert_array_equal(runtime.run(batches(1)[0]), expected)
        assert file.read_bytes() == whole and "damaged: made again" in caplog.text


def test_what_cannot_be_converted_is_told_in_one_line(empty_home, tmp_path, capfd):
    need("paddle2onnx", "onnxruntime")
    (tmp_path / "inference.json").write_text('{"program": {"regions": [{"blocks": [{"ops": []}]}]}}')
    (tmp_path / "inference.pdiparams").touch()
    with pytest.raises(ModelError, match=r"paddle2onnx cannot convert it: .+") as failure:
        create_runtime(ModelDir.open(tmp_path), OCROptions(engine="onnxruntime"))
    assert "\n" not in str(failure.value)
    assert not (empty_home / "converted").exists()
    assert capfd.readouterr() == ("", "")


def test_auto_takes_the_fastest_that_is_installed_and_can_run_the_model(model, home, monkeypatch, tmp_path):
    monkeypatch.delenv("PPOCR_ENGINE")
    installed = {"openvino", "onnxruntime", "paddle2onnx", "onnx", "paddle"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    other = save(tmp_path)
    options = OCROptions()
    for has_avx512, fastest in ((False, "onnxruntime"), (True, "openvino")):
        monkeypatch.setattr(create, "ends_at_avx2", lambda has_avx512=has_avx512: not has_avx512)
        assert [create.engine_for(options, each) for each in (model, other, None)] == 3 * [fastest]
    assert create.engine_for(OCROptions(engine="paddle"), model) == "paddle"
    monkeypatch.setenv("PPOCR_ENGINE", "onnxruntime")
    assert create.engine_for(options, model) == "onnxruntime"
    monkeypatch.delenv("PPOCR_ENGINE")
    installed.remove("openvino")
    assert create.engine_for(options, model) == "onnxruntime"
    installed.remove("paddle2onnx")  # what was converted before runs all the same
    converts = [create.engine_for(options, each) for each in (model, save(tmp_path, seed=7))]
    assert converts == ["onnxruntime", "paddle"]
    int8 = dataclasses.replace(model, spec={**model.spec, "Quantization": {"execution": "int8"}})
    assert create.engine_for(options, int8) == "paddle"
    installed.clear()
    assert create.engine_for(options, model) == "paddle"


@pytest.mark.parametrize("engine", ENGINES)
def test_missing_engine_names_the_extra(engine, model, empty_home, monkeypatch):
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(MissingExtraError, match=rf'engine {engine} needs .* pip install "ppocr\[{engine}\]"'):
        create_runtime(model, OCROptions(engine=engine))


def test_missing_converter_names_the_extra(model, empty_home, monkeypatch):
    need("onnxruntime")
    monkeypatch.setattr(converted.importlib.util, "find_spec", lambda name: None)
    kind, said = (
        (ModelError, "Python up to 3.12") if sys.version_info >= (3, 13) else (MissingExtraError, "onnxruntime")
    )
    with pytest.raises(kind, match=said):
        create_runtime(model, OCROptions(engine="onnxruntime"))


def test_example_batches_fill_free_axes_only():
    assert [batch.shape for batch in example_batches([None, 3, None, None])] == [(1, 3, 96, 320), (3, 3, 64, 96)]
    assert [batch.shape for batch in example_batches([2, 3, 48, 192])] == [(2, 3, 48, 192)] * 2
    assert all(batch.dtype == np.float32 and np.ptp(batch) > 1 for batch in example_batches([None, 3, 48, None]))


def test_an_unknown_engine_is_a_usage_error(capsys):
    assert main(["ocr", "page.png", "--engine", "tensorrt"]) == 2
    said = capsys.readouterr().err
    assert "tensorrt" in said and all(name in said for name in ("paddle", *ENGINES))


class Older(nn.Layer):
    """What programs older than Paddle 3 say otherwise: scales of up-sampling, and shapes put together from numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 5, 3, stride=2, padding=1)

    def forward(self, x):
        x = nn.functional.interpolate(self.conv(x), scale_factor=2, mode="nearest")
        count, channels, height, width = paddle.shape(x)
        return nn.functional.softmax(paddle.reshape(x, [count, channels, height * width]), axis=1)


@pytest.fixture(scope="module")
def old_model(tmp_path_factory):
    """A directory with `inference.pdmodel`."""
    directory = tmp_path_factory.mktemp("old")
    paddle.seed(0)
    with paddle.pir_utils.DygraphOldIrGuard():
        model = Older()
        model.eval()
        spec = paddle.static.InputSpec([-1, 3, -1, -1], "float32", name="x")
        paddle.jit.save(paddle.jit.to_static(model, input_spec=[spec], full_graph=True), str(directory / "inference"))
    return ModelDir.open(directory)


@pytest.fixture(scope="module")
def old_home(tmp_path_factory):
    """A cache that the first engine fills for the others."""
    return tmp_path_factory.mktemp("old home")


def with_onednn(model, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ppocr.infer.runtimes.paddle._legacy_predictor", lambda *_: None)
        return PaddleRuntime(model.program, model.params)


def test_paddle_runs_pdmodel_by_its_openvino_and_leaves_no_files(old_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reference, runtime = with_onednn(old_model, monkeypatch), PaddleRuntime(old_model.program, old_model.params)
    for batch in batches(6):
        np.testing.assert_allclose(runtime.run(batch), reference.run(batch), atol=1e-5)
    assert list(tmp_path.iterdir()) == []


def test_where_paddles_openvino_fails_onednn_runs_pdmodel(old_model, monkeypatch):
    from paddle import inference

    def fail(*_):
        raise RuntimeError("no OpenVINO")

    expected = with_onednn(old_model, monkeypatch).run(batches(1)[0])
    monkeypatch.setattr(inference.Config, "enable_openvino_engine", fail)
    answer = PaddleRuntime(old_model.program, old_model.params).run(batches(1)[0])
    np.testing.assert_array_equal(answer, expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_pdmodel_is_converted(engine, old_model, old_home, monkeypatch):
    need("paddle2onnx", engine)
    monkeypatch.setenv("PPOCR_HOME", str(old_home))
    reference = with_onednn(old_model, monkeypatch)
    runtime = create_runtime(old_model, OCROptions(engine=engine))
    for batch in batches(3):
        np.testing.assert_allclose(runtime.run(batch), reference.run(batch), atol=1e-5)


def test_shapes_put_together_from_numbers_become_lists():
    need("onnx", "onnxruntime")
    import onnxruntime
    from onnx import TensorProto, checker, helper, numpy_helper

    from ppocr.infer.runtimes.paddle_to_onnx import _join_axes_of_shapes

    nodes = [
        helper.make_node("Shape", ["x"], ["sides"]),
        helper.make_node("Gather", ["sides", "first"], ["count"]),  # a number: programs of Paddle 2 have such
        helper.make_node("Concat", ["count", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    constants = [numpy_helper.from_array(np.array(value), name) for name, value in (("first", 0), ("rest", [-1]))]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
        for name, axes in (("x", [2, 3, 4]), ("y", [None, None]))
    ]
    graph = helper.make_graph(nodes, "join", ends[:1], ends[1:], constants)
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def run():
        session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, {"x": np.zeros((2, 3, 4), np.float32)})[0]

    with pytest.raises(Exception, match=r"(?i)rank|axis|concat"):
        run()
    _join_axes_of_shapes(network.graph)
    checker.check_model(network)
    assert run().shape == (2, 12)


@pytest.mark.parametrize("filler", [1.0, 2.0])
def test_transposed_convolutions_of_ones_become_upsampling(filler):
    need("onnx", "onnxruntime")
    import onnxruntime
    from onnx import TensorProto, checker, helper, numpy_helper

    from ppocr.infer.runtimes.paddle_to_onnx import _repeat_pixels

    weights = numpy_helper.from_array(np.full((3, 1, 2, 2), filler, np.float32), "w")
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], group=3)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]) for name in "xy"]
    graph = helper.make_graph([node], "repeat", ends[:1], ends[1:], [weights])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = np.random.default_rng(0).random((1, 3, 4, 5), np.float32)

    _repeat_pixels(network.graph)
    checker.check_model(network)
    assert network.graph.node[0].op_type == ("Resize" if filler == 1 else "ConvTranspose")
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], filler * x.repeat(2, axis=2).repeat(2, axis=3))
