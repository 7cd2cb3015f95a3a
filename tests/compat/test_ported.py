"""What PaddleOCR's own tests check of detection, recognition, direction, transforms and losses, checked here.

`COVERED` counts their tests by file, each parameter set as one. Ours were written anew from what theirs expect;
`python -m pytest tests/compat/test_ported.py` runs them. A mistake that is told in other words or by another exception
counts as met: theirs is refused, too. Not counted: tables, formulas, layout, document pictures, super-resolution, the
web service, right-to-left word boxes, and tests that merely look whether arguments are handed on to PaddleX.
"""

import collections
import pickle

import cv2
import numpy as np
import paddle
import pytest
import yaml
from ink import black_on_white

from ppocr.config import load_config
from ppocr.data.datasets import MultiScaleDataSet
from ppocr.data.lmdb_dataset import LMDBDataSet
from ppocr.data.samplers import MultiScaleSampler, Plan
from ppocr.data.transforms.det_augment import IaaAugment
from ppocr.data.transforms.label_encode import ClsLabelEncode, CTCLabelEncode, DetLabelEncode, SARLabelEncode
from ppocr.data.transforms.view import apply_view
from ppocr.errors import ConfigError, DataError, InputError, LabelError, ModelError, SampleError
from ppocr.infer.io.sources import read_pages
from ppocr.infer.languages import family_of
from ppocr.infer.words import estimated_spans, paddleocr_words, word_groups
from ppocr.losses.mutual import DistillationDMLLoss
from ppocr.metrics.tasks import ClsMetric
from ppocr.ops.boxes import reading_order
from ppocr.ops.charset import Charset
from ppocr.paddleocr import PaddleOCR
from ppocr.postprocess.cls import ClsPostProcess

COVERED = {
    "test_iaa_augment.py": 10,
    "test_cls_postprocess.py": 4,
    "test_label_ops.py": 19,
    "test_rec_postprocess.py": 15,
    "test_simple_dataset.py": 3,
    "test_distillation_loss.py": 3,
    "test_sorted_boxes.py": 2,
    "test_check_and_read.py": 6,
    "test_program_safe_yaml.py": 2,
    "test_lmdb_pickle.py": 2,
    "test_paddleocr_api.py": 8,
    "test_ocr.py": 20,
}


def theirs(file):
    """Marks a test of ours with the file of PaddleOCR's whose tests it stands for."""
    return pytest.mark.theirs(file)


def test_all_are_counted(request):
    found = collections.Counter()
    for item in request.session.items:
        mark = item.get_closest_marker("theirs")
        if mark and item.path == request.path:
            found[mark.args[0]] += mark.kwargs.get("count", 1)
    if len(request.session.items) >= sum(found.values()) > 60:  # not when one test alone is run
        assert found == COVERED


def page():
    rng = np.random.default_rng(0)
    squares = np.array([[[at, at], [at + 10, at], [at + 10, at + 10], [at, at + 10]] for at in (10, 30)], np.float32)
    image = rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)
    return {"image": image, "polys": squares, "ignore_tags": np.zeros(2, bool), "texts": ["a", "b"]}


def augmented(*steps, seed=0):
    return apply_view(IaaAugment(*steps)(page(), np.random.default_rng(seed)))


@theirs("test_iaa_augment.py")
def test_usual_augmentation_moves_outlines():
    sample = augmented()
    assert sample["image"].ndim == 3 and not np.allclose(sample["polys"], page()["polys"])


@theirs("test_iaa_augment.py")
def test_no_augmentation_changes_nothing():
    sample = augmented([])
    assert (sample["image"] == page()["image"]).all() and (sample["polys"] == page()["polys"]).all()


@theirs("test_iaa_augment.py")
@pytest.mark.parametrize(("size", "side"), [(None, 100), ([0.5, 0.5], 50), ([2.0, 2.0], 200)])
def test_resizing(size, side):
    steps = [] if size is None else [{"type": "Resize", "args": {"size": size}}]
    assert augmented(steps)["image"].shape == (side, side, 3)


@theirs("test_iaa_augment.py")
def test_turning_then_resizing():
    sample = augmented(
        [{"type": "Affine", "args": {"rotate": [45, 45]}}, {"type": "Resize", "args": {"size": [0.5, 0.5]}}]
    )
    assert sample["image"].shape[:2] == (50, 50) and not np.allclose(sample["polys"], page()["polys"])


@theirs("test_iaa_augment.py")
@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"type": "UnknownTransform", "args": {}}, "no augmenter 'UnknownTransform'"),
        (
            {"type": "Resize", "args": {"size": "invalid_size"}},
            r"Resize takes `size: \[from, to\]`, came 'invalid_size'",
        ),
    ],
)
def test_steps_that_are_none(step, told):
    with pytest.raises(ValueError, match=told):
        IaaAugment([step])


@theirs("test_iaa_augment.py")
def test_a_quarter_turn_moves_outlines():
    moved = augmented([{"type": "Affine", "args": {"rotate": [90, 90]}}])["polys"]
    assert np.allclose(moved[0, 0], [90, 10], atol=0.01)  # about the middle, clockwise


@theirs("test_iaa_augment.py")
def test_several_steps():
    sample = augmented([{"type": "Fliplr", "args": {"p": 1.0}}, {"type": "Affine", "args": {"shear": 10}}])
    assert not (sample["image"] == page()["image"]).all() and not np.allclose(sample["polys"], page()["polys"])


PREDICTIONS = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
CLASSES = {0: "class0", 1: "class1", 2: "class2"}


@theirs("test_cls_postprocess.py")
@pytest.mark.parametrize(
    ("labels", "expected"), [(CLASSES, [("class1", 0.7), ("class2", 0.4)]), (None, [("1", 0.7), ("2", 0.4)])]
)
def test_directions_with_and_without_names(labels, expected):
    assert ClsPostProcess(labels)(PREDICTIONS) == expected


@theirs("test_cls_postprocess.py")
def test_one_output_of_several():
    assert ClsPostProcess(CLASSES, key="key")({"key": PREDICTIONS}) == [("class1", 0.7), ("class2", 0.4)]


@theirs("test_cls_postprocess.py")
def test_labels_get_the_same_names():
    metric = ClsMetric(list(CLASSES.values()))
    metric.reset()
    metric.add(ClsPostProcess(CLASSES)(PREDICTIONS), {"label": np.array([2, 0])})
    assert metric.results() == {"acc": 0.0}
    metric.add(ClsPostProcess(CLASSES)(PREDICTIONS), {"label": np.array([1, 2])})
    assert metric.results() == {"acc": 0.5}


def encoded(encoder, label):
    return encoder({"label": label, "place": "labels.txt:1"})


def refused(encoder, label):
    with pytest.raises(SampleError):
        encoded(encoder, label)
    return True


@theirs("test_label_ops.py")
@pytest.mark.parametrize(("label", "number"), [("label1", 0), ("unknown_label", None), ("", None)])
def test_names_of_directions(label, number):
    encoder = ClsLabelEncode(["label1", "label2", "label3"])
    assert refused(encoder, label) if number is None else encoded(encoder, label)["label"] == number


TIBETAN = ["ཀ", "ཁ", "ག", "ང", "ཀྵ", "ཀྪོ", "ཀྩོ", "ཀྤྲེ", "ཀླཱ", "གྒྲ"]


@theirs("test_label_ops.py")
@pytest.mark.parametrize(
    ("characters", "length", "label", "indices"),
    [
        ("abc", 10, "abc", [1, 2, 3]),
        ("abc", 10, "unknown", None),
        ("abc", 10, "", None),
        ("abc", 10, "a" * 20, None),
        ("你好世界", 10, "你好世界", [1, 2, 3, 4]),
        (TIBETAN, 25, "ཀཁགངཀྪོཀྩོཀྤྲེཀླཱགྒྲགྒྲ", [1, 2, 3, 4, 6, 7, 8, 9, 10, 10]),
        (TIBETAN, 25, "ཀྵཁགངཀྩོཀྪོ", [5, 2, 3, 4, 7, 6]),
    ],
)
def test_texts_for_ctc(characters, length, label, indices):
    encoder = CTCLabelEncode(Charset(characters), max_text_length=length)
    if indices is None:
        assert refused(encoder, label)
        return
    sample = encoded(encoder, label)
    assert sample["label"].tolist() == indices + [0] * (length - len(indices)) and sample["length"] == len(indices)


@theirs("test_label_ops.py")
@pytest.mark.parametrize("label", ["abc", "unknown", "", "a" * 20, "你好世界"])
def test_texts_for_a_decoder_with_attention(label):
    """Their class is the attention head's, which we do not have; SAR's decoder has the same marks before and after."""
    encoder = SARLabelEncode(Charset("abc你好世界"), max_text_length=10)
    if label not in ("abc", "你好世界"):
        assert refused(encoder, label)
        return
    sample, mark = encoded(encoder, label), 8
    assert sample["label"].shape == (12,)
    assert (
        sample["label"][0] == sample["label"][len(label) + 1] == mark
        and mark not in sample["label"][1 : len(label) + 1]
    )


@theirs("test_label_ops.py")
def test_a_region():
    sample = encoded(DetLabelEncode(), '[{"points": [[0,0],[1,0],[1,1],[0,1]], "transcription": "text"}]')
    assert (
        sample["texts"] == ["text"] and sample["polys"].shape == (1, 4, 2) and sample["ignore_tags"].tolist() == [False]
    )


@theirs("test_label_ops.py")
def test_a_page_without_regions():
    """PaddleOCR drops such pages. Here they stay: a detector learns from them where no text is."""
    assert encoded(DetLabelEncode(), "[]")["polys"].shape == (0, 4, 2)


@theirs("test_label_ops.py")
@pytest.mark.parametrize("label", ["", '[{"points": [0,0],[1,0],[1,1],[0,1]], "transcription": "text"}]'])
def test_labels_that_are_no_json(label):
    with pytest.raises(LabelError, match="broken JSON"):
        encoded(DetLabelEncode(), label)


@theirs("test_rec_postprocess.py")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Grüßen", ["Grüßen"]),
        ("ungewöhnlichen", ["ungewöhnlichen"]),
        ("café", ["café"]),
        ("hello_world", ["hello", "world"]),
        ("Grüßen Sie", ["Grüßen", "Sie"]),
        ("n'êtes", ["n'êtes"]),
        ("été", ["été"]),
        ("français", ["français"]),
        ("élève", ["élève"]),
        ("à demain", ["à", "demain"]),
        ("C'était très français", ["C'était", "très", "français"]),
        ("hello world", ["hello", "world"]),
        ("VGG-16", ["VGG-16"]),
        ("price 3.14", ["price", "3.14"]),
        ("你好啊", ["你好啊"]),
    ],
)
def test_words(text, words):
    groups = word_groups(estimated_spans(text, 1.0))
    assert ["".join(span.text for span in spans) for _, spans in groups] == words
    assert {kind for kind, _ in groups} == {"cn" if text == "你好啊" else "en&num"}


def test_boxes_of_words():
    box = ((0.0, 0.0), (80.0, 0.0), (80.0, 10.0), (0.0, 10.0))
    pieces = paddleocr_words(estimated_spans("你好, ab", 0.5), box)
    assert [piece.text for piece in pieces] == ["你", "好", "ab"]
    assert [piece.box[0][0] for piece in pieces] == [0, 20, 60] and pieces[2].box[1][0] == 80


def pictures(folder, prefix, count, width):
    lines = []
    for number in range(count):
        cv2.imwrite(str(folder / f"{prefix}{number}.png"), np.zeros((10, width * (number + 1), 3), np.uint8))
        lines.append(f"{prefix}{number}.png\t{prefix}{number}\t{width}\t10")
    (folder / f"{prefix}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / f"{prefix}.txt")


@theirs("test_simple_dataset.py")
@pytest.mark.parametrize("ds_width", [False, True])
def test_shares_of_several_sets(tmp_path, ds_width):
    dataset = MultiScaleDataSet([pictures(tmp_path, "A", 2, 10), pictures(tmp_path, "B", 2, 20)], ratio_list=[0.5, 0.5])
    plan = Plan(dataset.parts, 2, widths=dataset.widths)
    sampler = MultiScaleSampler(plan, [[320, 48]], first_bs=2, ds_width=ds_width)
    for epoch in range(3):
        chosen = [index for batch in sampler.epoch(epoch) for index in batch.indices.tolist()]
        assert sorted(dataset.read(index, np.random.default_rng(0))["label"][0] for index in chosen) == ["A", "B"]


@theirs("test_simple_dataset.py")
def test_a_new_share_has_its_own_proportions(tmp_path):
    dataset = MultiScaleDataSet([pictures(tmp_path, "A", 4, 10)], ratio_list=[0.5])
    plan = Plan(dataset.parts, 2, widths=dataset.widths)
    sampler = MultiScaleSampler(plan, [[320, 48]], first_bs=2, ds_width=True)
    seen = {}
    for epoch in range(20):
        (batch,) = sampler.epoch(epoch)
        seen[tuple(sorted(batch.indices.tolist()))] = batch.size[1]
    heights = {indices: np.mean([index + 1 for index in indices]) for indices in seen}  # 1, 2, 3 or 4 heights wide each
    assert len(seen) > 1 and all(abs(seen[indices] / 48 - mean) <= 0.5 for indices, mean in heights.items())


def mutual_loss(first, second):
    loss = DistillationDMLLoss(["a", "b"], act="softmax", use_log=True, key="head_out")
    return loss({"a": {"head_out": paddle.to_tensor(first)}, "b": {"head_out": paddle.to_tensor(second)}}, {})["loss"]


def softmax(values):
    return np.exp(values) / np.exp(values).sum(-1, keepdims=True)


@theirs("test_distillation_loss.py")
@pytest.mark.parametrize("shape", [(1, 1, 8), (2, 8, 16)])
def test_mutual_learning_is_a_mean_over_the_batch(shape):
    first, second = (np.random.default_rng(seed).random(shape).astype(np.float32) for seed in (0, 1))
    one, other = softmax(first.astype(np.float64)), softmax(second.astype(np.float64))
    both_ways = (one * np.log(one / other)).sum() + (other * np.log(other / one)).sum()
    assert float(mutual_loss(first, second)) == pytest.approx(both_ways / 2 / shape[0], rel=1e-4)


@theirs("test_distillation_loss.py")
def test_its_loss_is_one_number():
    first, second = np.random.default_rng(0).random((2, 2, 4, 8)).astype(np.float32)
    assert mutual_loss(first, second).shape == []


def boxes_of_lines(counts, degrees):
    boxes = []
    for row, count in enumerate(counts):
        for column in range(count):
            x, y = column * 120, row * 44
            boxes.append([[x, y], [x + 80, y], [x + 80, y + 26], [x, y + 26]])
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.array(boxes, np.float64)
    middle = points.reshape(-1, 2).mean(axis=0)
    return ((points - middle) @ turn.T + middle).astype(np.float32)


@theirs("test_sorted_boxes.py")
@pytest.mark.parametrize("degrees", [[0], [3, 6, 10, -5]])
def test_reading_order_of_wide_pages(degrees):
    shuffled = np.random.default_rng(0).permutation(30)
    for angle in degrees:
        boxes = boxes_of_lines([10, 10, 10], angle)[shuffled]
        assert shuffled[reading_order(boxes)].tolist() == list(range(30))


@theirs("test_check_and_read.py")
@pytest.mark.parametrize("what", ["error", "path"])
def test_a_damaged_gif_is_told_by_its_path(tmp_path, what):
    path = tmp_path / "broken.gif"
    path.write_bytes(b"GIF89a\x00\xff not a real gif")
    with pytest.raises(InputError) as caught:
        list(read_pages(str(path)))
    assert what == "error" or str(path) in str(caught.value)


@theirs("test_check_and_read.py")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".txt", ""])
def test_files_that_are_no_pictures(tmp_path, suffix):
    path = tmp_path / f"sample{suffix}"
    path.write_bytes(b"whatever")
    with pytest.raises(InputError, match=f"sample{suffix}"):
        list(read_pages(str(path)))


EVIL = '!!python/object/apply:os.system ["touch {}"]'


@theirs("test_program_safe_yaml.py")
@pytest.mark.parametrize("where", ["file", "override"])
def test_yaml_makes_no_objects(tmp_path, where):
    path, marker = tmp_path / "c.yml", tmp_path / "ran"
    evil = EVIL.format(marker)
    path.write_text(evil if where == "file" else "Global: {}\n", encoding="utf-8")
    with pytest.raises((ConfigError, yaml.YAMLError)):
        load_config(path, [f"Global.debug={evil}"] if where == "override" else [])
    assert not marker.exists()


class _Exploit:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return (open, (self.marker, "w"))


@theirs("test_lmdb_pickle.py")
@pytest.mark.parametrize("where", ["num-samples", "label-000000001"])
def test_databases_are_never_unpickled(tmp_path, where):
    lmdb = pytest.importorskip("lmdb")
    marker = tmp_path / "ran"
    values = {
        "num-samples": b"1",
        "label-000000001": b"x",
        "image-000000001": b"y",
        where: pickle.dumps(_Exploit(marker)),
    }
    with lmdb.open(str(tmp_path / "data"), map_size=1 << 20) as database, database.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    with pytest.raises((DataError, LabelError, SampleError, ConfigError)):
        dataset = LMDBDataSet(str(tmp_path / "data"))
        dataset.read(0, np.random.default_rng(0))
    assert not marker.exists()


@theirs("test_paddleocr_api.py")
@pytest.mark.parametrize("lang", ["en", "ch"])
@pytest.mark.parametrize("flags", [None, {}, {"det": True, "rec": False}, {"det": False, "rec": True}])
def test_release_2(ink, lang, flags):
    reader = PaddleOCR(lang=lang, **ink)
    if flags is not None:
        found = reader.ocr(black_on_white(), **flags)
        assert isinstance(found, list) and len(found) == 1 and len(found[0]) == 1


@theirs("test_ocr.py")
def test_release_3(ink):
    (result,) = PaddleOCR(**ink).predict(black_on_white())
    assert len(result["dt_polys"]) == 1 and result["rec_texts"] == ["2"]


@theirs("test_ocr.py")
@pytest.mark.parametrize(
    "settings",
    [
        {"use_doc_orientation_classify": False},
        {"use_doc_unwarping": False},
        {"use_textline_orientation": False},
        {"text_det_limit_side_len": 640, "text_det_limit_type": "min"},
        {"text_det_thresh": 0.5},
        {"text_det_box_thresh": 0.3},
        {"text_det_unclip_ratio": 3.0},
        {"text_rec_score_thresh": 0.5},
    ],
)
def test_settings_of_one_call(ink, settings):
    reader = PaddleOCR(**ink)
    (usual,), (result,), (again,) = (reader.predict(black_on_white(), **each) for each in ({}, settings, {}))
    assert len(result["rec_texts"]) == 1 and usual["rec_texts"] == again["rec_texts"]
    assert (again["rec_boxes"] == usual["rec_boxes"]).all()
    if "text_det_unclip_ratio" in settings:
        assert np.ptp(result["rec_boxes"][0]) > np.ptp(usual["rec_boxes"][0])


@theirs("test_ocr.py")
@pytest.mark.parametrize(
    ("lang", "version", "family"),
    [
        ("ch", "PP-OCRv5", "v5"), ("chinese_cht", "PP-OCRv5", "v5"), ("en", "PP-OCRv5", "v5"),
        ("japan", "PP-OCRv5", "v5"), ("ch", "PP-OCRv4", "v4"), ("en", "PP-OCRv4", "v4"),
        ("ch", "PP-OCRv3", "v3"), ("japan", "PP-OCRv3", "v3_japan"),
        ("fr", "PP-OCRv3", None), ("ar", "PP-OCRv3", None), ("hi", "PP-OCRv3", None),
    ],
)  # fmt: skip
def test_languages_and_versions(tmp_path, monkeypatch, lang, version, family):
    """Where no package carries PaddleOCR's weights, that is told."""
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    for name in ("v3", "v3_japan", "v4", "v5"):
        (tmp_path / "models" / name / "rec").mkdir(parents=True)
    if family is None:
        with pytest.raises(ModelError, match=r"no package carries it|no weights of PP-OCRv3 for it"):
            family_of(lang, version=version)
    else:
        assert family_of(lang, version=version) == family


def test_word_boxes(ink):
    (result,) = PaddleOCR(return_word_box=True, **ink).predict(black_on_white())
    assert result["text_word"] == [["2"]]
    assert result["text_word_boxes"][0].shape == (1, 4) and result["text_word_region"][0][0].shape == (4, 2)
    assert "text_word" not in PaddleOCR(**ink).predict(black_on_white())[0]
