import numpy as np
import pytest

from ppocr.ops.page_image import limited_size, normalize_planes, tile_spans
from ppocr.ops.text_image import natural_width, resize_normalize_pad, split_long_crop


@pytest.mark.parametrize(
    "height, width, limit, kind, expected",
    [
        (1080, 1920, 960, "max", (512, 960)),
        (500, 300, 960, "max", (512, 288)),
        (600, 1200, 736, "min", (768, 1472)),
        (300, 600, 736, "min", (448, 896)),
        (100, 200, 960, "resize_long", (480, 960)),
        (3000, 4000, 960, "min", (1216, 1600)),
        (8000, 4000, 960, "min", (1984, 960)),
        (2000, 2000, 960, "min", (1408, 1408)),
        (1, 1, 960, "max", (32, 32)),
        (20000, 100, 960, "max", (960, 32)),
    ],
)
def test_limited_size(height, width, limit, kind, expected):
    bounds = {"max_side_limit": 2000, "max_pixels": 1_920_000}
    assert limited_size(height, width, limit_side_len=limit, limit_type=kind, **bounds) == expected


def test_unknown_limit_type_is_told():
    with pytest.raises(ValueError, match=r"limit_type.*'mid'"):
        limited_size(10, 10, limit_side_len=1, limit_type="mid", max_side_limit=2000, max_pixels=1_920_000)


def test_normalisation_is_the_formula():
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    out = normalize_planes(image, scale=1 / 255, mean=mean, std=std, out=np.empty((3, 4, 5), np.float32))
    np.testing.assert_allclose(out, ((image / 255 - mean) / std).transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize("length, longest", [(320, 320), (352, 320), (1600, 1024), (20032, 704), (9600, 384)])
def test_tiles_cover_the_page_and_overlap(length, longest):
    spans = tile_spans(length, longest, overlap=128)
    assert spans[0][0] == 0 and spans[-1][1] == length
    for (_, stop), (start, _) in zip(spans, spans[1:]):
        assert stop - start >= 128
    assert len({stop - start for start, stop in spans}) == 1  # one shape for the network
    assert all(start % 32 == 0 and stop % 32 == 0 and stop - start <= longest for start, stop in spans)


def test_crop_keeps_its_proportions_and_is_padded_with_zero():
    crop = np.full((16, 32, 3), 255, np.uint8)
    out = resize_normalize_pad(crop, 32, 100)
    assert out.shape == (3, 32, 100) and out.dtype == np.float32
    assert (out[:, :, :64] == 1.0).all() and (out[:, :, 64:] == 0.0).all()


def test_a_longer_crop_is_squeezed_and_black_is_minus_one():
    out = resize_normalize_pad(np.zeros((10, 1000, 3), np.uint8), 32, 320)
    assert out.shape == (3, 32, 320) and (out == -1.0).all()


def test_natural_width_is_never_zero():
    assert natural_width(np.zeros((500, 1, 3), np.uint8), 32) == 1


def test_a_very_long_crop_is_cut_between_its_words():
    crop = np.full((10, 2000, 3), 255, np.uint8)
    words = [(left, left + 80) for left in range(0, 2000, 100)]
    for left, right in words:
        crop[2:8, left:right] = 0
    pieces = split_long_crop(crop, longest=60)
    assert len(pieces) > 1 and max(piece.shape[1] for piece in pieces) <= 600
    assert np.array_equal(np.concatenate(pieces, axis=1), crop)
    cuts = np.cumsum([piece.shape[1] for piece in pieces])[:-1]
    assert not any(left < cut < right for cut in cuts for left, right in words)


def test_a_usual_crop_is_not_cut():
    crop = np.zeros((32, 320, 3), np.uint8)
    assert split_long_crop(crop, 60)[0] is crop
