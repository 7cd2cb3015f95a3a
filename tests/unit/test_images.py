"""Every kind of picture file comes out as the same upright BGR pixels, and bad ones as one clear InputError."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ppocr.errors import InputError
from ppocr.ops.images import composite, decode_image, orient, to_uint8


def decode(data: bytes, **options):
    return list(decode_image(data, "picture", **options))


def save(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """uint8[60, 100, 3], RGB: smooth (JPEG keeps it) and with no symmetry (so that flips and turns show)."""
    y, x = np.mgrid[0:60, 0:100]
    return np.stack([x * 2, y * 4, 255 - x - y], axis=-1).astype(np.uint8)


def bgr(rgb: np.ndarray) -> np.ndarray:
    return rgb[..., ::-1]


def grey_of(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize(
    "file_format, options",
    [
        ("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}), ("WEBP", {"lossless": True}), ("GIF", {}),
        ("JPEG", {"quality": 98, "subsampling": 0}), ("JPEG", {"quality": 98, "progressive": True}),
        ("WEBP", {"quality": 95}),
    ],
)  # fmt: skip
def test_every_format_gives_the_same_pixels(photo, file_format, options):
    (frame,) = decode(save(Image.fromarray(photo), file_format, **options))
    assert frame.dtype == np.uint8 and frame.shape == (60, 100, 3) and frame.flags.c_contiguous
    exact = file_format in ("PNG", "BMP", "TIFF") or "lossless" in options
    error = np.abs(frame.astype(int) - bgr(photo)).max()
    assert error == 0 if exact else np.abs(frame.astype(int) - bgr(photo)).mean() < 6


@pytest.mark.parametrize(
    "file_format, mode",
    [("PNG", mode) for mode in ("L", "1", "P", "LA", "RGBA")]
    + [("JPEG", mode) for mode in ("L", "CMYK")]
    + [("TIFF", mode) for mode in ("L", "1", "P", "CMYK", "LAB", "RGBA")],
)
def test_colour_modes(photo, file_format, mode):
    image = Image.fromarray(photo)
    image = Image.merge("LAB", image.split()) if mode == "LAB" else image.convert(mode)
    (frame,) = decode(save(image, file_format))
    assert frame.shape == (60, 100, 3)
    # The channel means must survive (dithering of "1" and "P" keeps them as well).
    if mode == "LAB":
        wanted = np.repeat(photo[..., :1], 3, axis=2)
    elif mode in ("L", "1", "LA"):
        wanted = np.repeat(grey_of(photo)[..., None], 3, axis=2)
    else:
        wanted = bgr(photo)
    assert np.abs(frame.reshape(-1, 3).mean(axis=0) - wanted.reshape(-1, 3).mean(axis=0)).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation(photo, orientation, file_format):
    inverse = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, 1)
    stored = orient(photo, inverse)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if file_format in ("JPEG", "WEBP") else {}
    (frame,) = decode(save(Image.fromarray(stored), file_format, exif=exif, **options))
    assert frame.shape == (60, 100, 3)
    assert np.abs(frame.astype(int) - bgr(photo)).mean() < 5


def test_orientation_agrees_with_pillow(photo):
    from PIL import ImageOps

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(save(Image.fromarray(photo), "PNG", exif=exif))))
        assert np.array_equal(orient(photo, orientation), np.asarray(wanted))


def test_broken_exif_does_not_spoil_the_picture(photo):
    data = save(Image.fromarray(photo), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x12")
    assert decode(data)[0].shape == (60, 100, 3)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_sixteen_bit_grey_is_scaled_not_truncated(photo, bits):
    grey = grey_of(photo)
    grey[0, 0] = 255
    deep = (grey.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    for file_format in ("PNG", "TIFF"):
        (frame,) = decode(save(Image.fromarray(deep), file_format))
        assert np.abs(frame[..., 0].astype(int) - grey).max() <= 1
        assert np.array_equal(frame[..., 0], frame[..., 2])


def test_sixteen_bit_big_endian_tiff(photo):
    deep = (grey_of(photo).astype(np.uint16) * 257).astype(">u2")
    pixels = deep.tobytes()
    tags = [
        (256, 4, 100), (257, 4, 60), (258, 3, 16 << 16), (259, 3, 1 << 16), (262, 3, 1 << 16), (273, 4, 8),
        (277, 3, 1 << 16), (278, 4, 60), (279, 4, len(pixels)),
    ]  # fmt: skip
    directory = struct.pack(">H", len(tags)) + b"".join(struct.pack(">HHII", t, k, 1, v) for t, k, v in tags)
    data = b"MM\0*" + struct.pack(">I", 8 + len(pixels)) + pixels + directory + bytes(4)
    (frame,) = decode(data)
    assert np.array_equal(frame[..., 0], grey_of(photo))


def test_sixteen_bit_colour_png(photo):
    deep = photo.astype(np.uint16) * 257
    data = cv2.imencode(".png", deep[..., ::-1])[1].tobytes()
    assert np.abs(decode(data)[0].astype(int) - bgr(photo)).max() <= 1


@pytest.mark.parametrize("scale, offset", [(1 / 255, 0), (1, 0), (100, -500)])
def test_floating_point_tiff(photo, scale, offset):
    grey = grey_of(photo).astype(np.float32)
    grey[0, :2] = 0, 255
    (frame,) = decode(save(Image.fromarray(grey * np.float32(scale) + np.float32(offset)), "TIFF"))
    assert np.abs(frame[..., 0].astype(int) - grey).max() <= 1


def test_float_values_that_are_not_numbers():
    assert to_uint8(np.array([[np.nan, np.inf, 1.0, 0.5]], np.float32)).tolist() == [[0, 0, 255, 128]]


def glyphs(colour, opaque=255) -> np.ndarray:
    """uint8[40, 120, 4]: writing on nothing."""
    mask = np.zeros((40, 120), np.uint8)
    cv2.putText(mask, "Text", (5, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, 255, 2, cv2.LINE_AA)
    image = np.zeros((40, 120, 4), np.uint8)
    image[..., :3] = colour
    image[..., 3] = mask.astype(np.uint16) * opaque // 255
    return image


@pytest.mark.parametrize(
    "colour, background",
    [((0, 0, 0), 255), ((255, 255, 255), 0), ((0, 0, 200), 255), ((120, 240, 250), 0), ((40, 40, 40), 255)],
)
def test_text_on_transparency_stays_visible(colour, background):
    image = glyphs(colour)
    out = composite(image)
    assert (out[image[..., 3] == 0] == background).all()
    assert (out[image[..., 3] == 255] == colour).all()


def test_black_and_white_text_in_one_picture_are_both_visible():
    image = np.concatenate([glyphs((0, 0, 0)), glyphs((255, 255, 255))])
    out = composite(image)
    strokes = out[image[..., 3] == 255].astype(int)
    background = int(out[image[..., 3] == 0][0, 0])
    assert np.abs(strokes - background).min() > 100


def test_hidden_colours_do_not_decide():
    image = glyphs((255, 255, 255))
    image[image[..., 3] == 0, :3] = 0  # black beneath full transparency, as many editors leave it
    assert composite(image)[0, 0].tolist() == [0, 0, 0]


def test_faint_watermark_and_nothing_at_all():
    assert composite(glyphs((255, 255, 255), opaque=90))[0, 0, 0] == 0
    assert (composite(np.zeros((5, 5, 4), np.uint8)) == 255).all()


def test_blending_is_exact():
    image = np.zeros((1, 256, 4), np.uint8)
    image[0, :, 3] = np.arange(256)
    assert composite(image)[0, :, 0].tolist() == [255 - a for a in range(256)]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "GIF"])
def test_white_text_on_transparency_from_a_file(file_format):
    image = Image.fromarray(glyphs((255, 255, 255)))
    options = {"lossless": True} if file_format == "WEBP" else {}
    (frame,) = decode(save(image, file_format, **options))
    assert frame.min() == 0 and frame.max() == 255


def test_palette_transparency(photo):
    palette = Image.fromarray(np.tile(np.array([[0, 1]], np.uint8), (10, 10)), "P")
    palette.putpalette([255, 255, 255, 255, 255, 255])
    (frame,) = decode(save(palette, "PNG", transparency=0))
    assert sorted(np.unique(frame)) == [0, 255]


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_all_frames_in_order(file_format):
    shades = [40, 120, 200, 250]
    frames = [
        Image.new("RGB", (50 + (10 * i if file_format == "TIFF" else 0), 30), (s,) * 3) for i, s in enumerate(shades)
    ]
    options = {"lossless": True} if file_format == "WEBP" else {}
    decoded = decode(save(frames[0], file_format, save_all=True, append_images=frames[1:], **options))
    assert [int(np.median(frame)) for frame in decoded] == shades
    if file_format == "TIFF":
        assert [frame.shape[1] for frame in decoded] == [50, 60, 70, 80]


def test_frames_are_decoded_lazily():
    frames = [Image.new("L", (20, 20), shade) for shade in (10, 20, 30)]
    data = save(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    stream = decode_image(data[: len(data) - 10], "cut.tif")
    assert next(stream).shape == (20, 20, 3)
    with pytest.raises(InputError):
        list(stream)


def test_mpo_of_a_phone_gives_the_main_picture_only(photo):
    main, extra = Image.fromarray(photo), Image.new("RGB", (10, 10))
    assert [frame.shape for frame in decode(save(main, "MPO", save_all=True, append_images=[extra]))] == [(60, 100, 3)]


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1), (20000, 60), (3, 2)])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "BMP"])
def test_extreme_sizes(size, file_format):
    (frame,) = decode(save(Image.new("RGB", size, (10, 200, 30)), file_format))
    assert frame.shape == (size[1], size[0], 3)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def bombs():
    bmp = b"BM" + struct.pack("<IHHIIiiHH24x", 60, 0, 0, 54, 40, 60000, 60000, 1, 24)
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    tags = [(256, 60000), (257, 60000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 60000), (279, 4)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags) + bytes(4)
    tiff = b"II*\0" + struct.pack("<I", 8) + directory
    return {"png": png_header(50000, 50000), "bmp": bmp, "gif": gif + b"\x08\0;", "tiff": tiff}


@pytest.mark.parametrize("kind", ["png", "bmp", "gif", "tiff"])
def test_decompression_bombs_are_refused_by_their_header(kind, recwarn):
    with pytest.raises(InputError, match="exceed the limit of 200 million"):
        decode(bombs()[kind])
    assert not recwarn.list


def test_the_limit_is_an_option(photo):
    data = save(Image.fromarray(photo), "PNG")
    assert decode(data, max_pixels=6000)
    with pytest.raises(InputError, match=r"picture: 100 x 60 pixels exceed the limit of 0\.005999 million"):
        decode(data, max_pixels=5999)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.95])
def test_truncated_files_are_told(photo, file_format, keep, capfd):
    noisy = photo ^ np.random.default_rng(0).integers(0, 64, photo.shape, dtype=np.uint8)
    data = save(Image.fromarray(noisy), file_format)
    with pytest.raises(InputError) as caught:
        decode(data[: int(len(data) * keep)])
    assert caught.value.source == "picture" and "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""  # the decoders' own complaints would add lines


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty"), (b"hello", "not a picture"), (b"%PDF-1.7", "not a picture"), (b"RIFF1234WAVE", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a readable picture"), (b"BM is how this text begins", "not a readable picture"),
        (b"\xff\xd8\xff", "not a readable picture"), (b"GIF89a", "not a readable picture"),
    ],
)  # fmt: skip
def test_files_that_are_no_pictures(data, reason):
    with pytest.raises(InputError, match=reason):
        decode(data)


def test_damaged_png_leaves_standard_error_alone(photo, capfd):
    data = bytearray(save(Image.fromarray(photo), "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InputError, match="wrong checksum"):
        decode(bytes(data))
    assert capfd.readouterr().err == ""


SEEDS = {
    kind: save(Image.fromarray(np.random.default_rng(1).integers(0, 255, (9, 11, 3), dtype=np.uint8)), kind)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(SEEDS)),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
)
def test_damage_never_raises_anything_else(kind, changes):
    data = bytearray(SEEDS[kind])
    for position, value in changes:
        data[position % len(data)] = value
    try:
        for frame in decode_image(bytes(data), "x", max_pixels=10**6):
            assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3
    except InputError as error:
        assert "\n" not in str(error)
