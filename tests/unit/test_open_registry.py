"""Components from outside this package: named by where they are, or registered by their module."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import ppocr
from ppocr.config import Config
from ppocr.engine.build import build_model
from ppocr.errors import ConfigError
from ppocr.infer.model_dir import ModelDir
from ppocr.registry import BACKBONES, KINDS, LOSSES, NECKS, OPTIMIZERS, TRANSFORMS, register

MODULE = '''
from paddle import nn


class MyNet(nn.Layer):
    def __init__(self, in_channels: int, width: int = 4):
        super().__init__()
        self.conv = nn.Conv2D(in_channels, width, 3)
        self.out_channels = width


class Silent(nn.Layer):
    def __init__(self, in_channels: int):
        super().__init__()


class Open(MyNet):
    def __init__(self, in_channels: int, *more, **settings):
        super().__init__(in_channels, 8)


class Step:
    def __call__(self, sample):
        return sample


def a_function():
    return 1


number = 3
'''


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Nothing that a test registers or imports is there for the next one."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)
    for registry in KINDS.values():
        monkeypatch.setattr(registry, "_registered", {})
    yield
    for name in set(sys.modules) - modules:
        if name.startswith("own_"):
            del sys.modules[name]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A function that writes modules of a package `own_package` in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_package").mkdir()

    def write(text=MODULE, name="nets"):
        (tmp_path / "own_package" / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")

    write()
    return write


def problems(registry, name, **settings):
    return registry.problems({"name": name, **settings}, "P", given=("in_channels",))


def test_a_class_is_named_by_where_it_is(own):
    net = BACKBONES["det"].build({"name": "own_package.nets:MyNet", "width": 6}, "P", in_channels=3)
    assert type(net).__name__ == "MyNet" and net.conv.weight.shape == [6, 3, 3, 3]
    assert TRANSFORMS.build_named("own_package.nets:Step", {}, "P")(5) == 5


def test_its_signature_is_the_schema_as_ever(own):
    assert problems(NECKS, "own_package.nets:MyNet", widht=6) == [
        "P.widht: MyNet has no parameter 'widht'; did you mean 'width'?"
    ]
    assert problems(NECKS, "own_package.nets:MyNet", width="six") == ["P.width: expected int, came 'six'"]
    assert problems(NECKS, "own_package.nets:Open", width=6) == ["P.width: Open has no parameter 'width'"]
    assert problems(NECKS, "own_package.nets:Open") == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("own_package.nest:MyNet", "there is no module own_package.nest, neither installed nor in {folder}"),
        ("own_pakage.nets:MyNet", "there is no module own_pakage.nets, neither installed nor in {folder}"),
        ("own_package.nets:MyNte", "the module own_package.nets ({folder}/own_package/nets.py) has no 'MyNte'; did you "
         "mean 'MyNet'?"),
        ("own_package.nets:Zzz", "the module own_package.nets ({folder}/own_package/nets.py) has no 'Zzz'; it defines "
         "MyNet, Silent, Open, Step"),
        ("own_package.nets:", "expected package.module:Name"),
        (":MyNet", "expected package.module:Name"),
        ("own_package/nets.py:MyNet", "expected package.module:Name"),
        ("own_package.nets:MyNet.conv", "expected package.module:Name"),
        ("..nets:MyNet", "expected package.module:Name"),
        ("own_package.nets:Step", "it is no neck: it has no forward"),
        ("own_package.nets:number", "it is no class; what is none can be a neck only if its module registers it"),
        ("own_package.nets:a_function", "it is no class; what is none can be a neck only if its module registers it"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(own, tmp_path, name, told):
    assert problems(NECKS, name) == [f"P.name: {name}: {told.format(folder=tmp_path)}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_to_be_found\n", "ModuleNotFoundError: No module named 'nowhere_to_be_found' ({file}:1)"),
        ("\n\nx = 1 / 0\n", "ZeroDivisionError: division by zero ({file}:3)"),
        ("def f(:\n", "SyntaxError: "),
    ],
)
def test_a_module_that_does_not_run_is_told(own, tmp_path, text, told):
    own(text, "broken")
    (problem,) = problems(NECKS, "own_package.broken:MyNet")
    told = told.format(file=tmp_path / "own_package/broken.py")
    assert problem.startswith(f"P.name: own_package.broken:MyNet: importing own_package.broken failed: {told}")


def test_nothing_but_a_name_with_a_colon_is_imported(own, tmp_path):
    own("raise SystemExit('was run')\n", "trap")
    assert problems(NECKS, "own_package.trap")[0].startswith("P.name: no neck is called 'own_package.trap'; ")
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize("name", ["os:system", "subprocess:run", "subprocess:Popen", "builtins:eval", "builtins:type"])
def test_what_is_no_component_is_not_called(name):
    for registry in KINDS.values():
        (problem,) = registry.problems({"name": name, "command": "exit", "args": "exit", "shell": True}, "P")
        assert problem.startswith(f"P.name: {name}: it is no ")


def test_a_model_directory_cannot_have_anything_imported(own, tmp_path):
    """It decides settings of steps that the predictor names, never which step that is."""
    own("raise SystemExit('was run')\n", "trap")
    trap = "own_package.trap:Step"
    spec = {
        "PreProcess": {"transform_ops": [{"RecResizeImg": {"name": trap, "image_shape": [3, 32, 100]}}, {trap: None}]},
        "PostProcess": {"name": trap},
    }
    directory = ModelDir(tmp_path, tmp_path, tmp_path, None, spec)
    with pytest.raises(ConfigError, match="RecResizeImg has no parameter 'name'"):
        directory.transform("RecResizeImg", None)
    with pytest.raises(ppocr.ModelError, match=r"expected CTCLabelDecode, came 'own_package\.trap:Step'"):
        directory.postprocess("CTCLabelDecode")
    assert "own_package.trap" not in sys.modules


def test_a_step_is_what_its_key_says(own):
    """A `name` among the settings does not make another component of it."""
    found = []
    TRANSFORMS.prepare_steps([{"DecodeImage": {"name": "own_package.nets:Step"}}], "Train", {}, found)
    assert [problem.partition(";")[0] for problem in found] == [
        "Train.0.DecodeImage.name: DecodeImage has no parameter 'name'"
    ]


ARCHITECTURE = {"model_type": "cls", "Head": {"name": "ClsHead", "class_dim": 2}}


def test_a_part_that_does_not_say_its_size_is_told(own):
    config = Config({"Architecture": {**ARCHITECTURE, "Backbone": {"name": "own_package.nets:Silent"}}})
    with pytest.raises(ConfigError) as caught:
        build_model(config)
    assert caught.value.problems == [
        "Architecture.Backbone: Silent has no out_channels, which tells the next part its size"
    ]


def test_mistakes_in_names_are_told_with_all_the_others(own):
    backbone = {"name": "own_package.nets:MyNte"}
    config = Config({"Architecture": {**ARCHITECTURE, "Backbone": backbone, "Neck": {"name": "Fpn"}}})
    with pytest.raises(ConfigError) as caught:
        build_model(config)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "Architecture.Backbone.name", "Architecture.Neck.name"
    ]  # fmt: skip


def test_registered_names():
    @register("loss")
    class MyLoss:
        def __init__(self, weight: float = 1.0):
            self.weight = weight

        def __call__(self, outputs, batch):
            return {"loss": outputs * self.weight}

    @ppocr.register("neck", "Short")
    class VeryLongName(MyLoss):
        pass

    assert LOSSES.build({"name": "MyLoss", "weight": 2}, "Loss")(3, {}) == {"loss": 6}
    assert "MyLoss" in LOSSES.names() and "VeryLongName" not in NECKS.names()
    assert NECKS.resolve("Short") is VeryLongName
    assert problems(LOSSES, "MyLos") == ["P.name: no loss is called 'MyLos'; did you mean 'MyLoss'?"]


def test_functions_can_be_registered_and_then_named_by_their_place_too(own):
    text = "from ppocr import register\n\n@register('optimizer')\ndef adam2(parameters, rate: float = 1.0): ...\n"
    own(text, "own")
    assert problems(OPTIMIZERS, "own_package.own:adam2", rate=0.5) == ["P.parameters: missing; adam2 needs it"]
    assert "adam2" in OPTIMIZERS


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match=r"'DBFPN' is taken: there is a neck of that name, \.necks\.db_fpn:DBFPN"):
        register("neck", "DBFPN")(list)
    register("neck", "Mine")(list)
    register("neck", "Mine")(list)  # the module was run again
    with pytest.raises(ValueError, match="the name 'Mine' is taken"):
        register("neck", "Mine")(dict)
    with pytest.raises(ValueError, match="a name with a colon"):
        register("neck", "a:b")
        register("neck", "a:b")(list)


def test_unknown_kinds_are_told():
    with pytest.raises(ValueError, match="no kind of component is called 'nek'; did you mean 'neck'"):
        register("nek")


def test_workers_find_the_module_in_the_working_directory(own):
    """`sys.path` goes to worker processes, so that they can unpickle what is defined there."""
    TRANSFORMS.build_named("own_package.nets:Step", {}, "P")
    code = "import sys; sys.path[:] = eval(sys.argv[1]); from own_package.nets import Step"
    subprocess.run([sys.executable, "-c", code, repr(sys.path)], check=True, cwd="/")
