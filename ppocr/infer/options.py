"""Every setting of the predictor chain, in one immutable record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class OCROptions:
    """Settings of the predictor chain. `None` means: what the model directory says, else PP-OCR's own default.

    Attributes:
        det, cls, rec: a model family (`"mobile"`), a model directory, or `"default"`: the first family that was fetched
            of `tiny`, `mobile`, `small`, else any other; `cls=None` leaves crops as they lie.
        threads: threads on the CPU; 0 takes all cores.
        pages_at_once: pages read at the same time, each with its share of the threads: more pages a second than one
            after another with all threads, but a single page takes longer. The engine paddle reads one at a time.
        engine: what runs the networks: `"paddle"` (Paddle Inference), `"openvino"`, `"onnxruntime"`, or `"auto"`: the
            fastest that is installed (`PPOCR_ENGINE` in the environment names another).
        device: where the networks run: `"cpu"`, `"gpu"`, `"gpu:1"`, or an execution provider of onnxruntime by its name
            (`"CUDAExecutionProvider"`); with another than the CPU, "auto" engines are `paddle`, for providers
            `onnxruntime`.
        precision: `"fp32"`, `"bf16"`, or `"auto"`: bf16 where the processor multiplies in it.
        drop_score: lines read with a lower score are left out.
        limit_side_len, limit_type: size at which pages are given to the detector (`ppocr.ops.page_image`).
        thresh, box_thresh, unclip_ratio, max_candidates, use_dilation, score_mode, box_type: DB post-processing
            (`ppocr.postprocess.db`).
        cls_image_shape, cls_label_list: input and classes of a classifier directory that has no `inference.yml`.
        cls_thresh: probability above which a crop said to be upside down is turned.
        cls_doubt: crops read with no higher score are shown to the classifier (`ppocr.infer.crops`); 1 shows it all.
        cls_batch_size, rec_batch_size: most crops given to a network at once.
        rec_image_shape: (3, height, width) of a recogniser directory that has no `inference.yml`.
        order: of the lines: `"rows"` across the page, `"columns"`, or `"auto"`: columns of running text alone.
        orientation: `"auto"` reads a page that lies upside down or on its side as it stands upright, so that its lines
            come in order; `"off"` reads it as it lies.
        upright: the boxes of such a page are those of the upright picture instead of the picture as stored.
        pdf_text: the text that PDF pages hold, where `OCR` opens them: `"auto"` takes it where it can stand for what is
            seen, `"force"` wherever there is any, `"skip"` reads all pages as pictures.
        spans: find where words and characters stand in each line; without, their places are estimated from the text.
        rec_char_dict_path, use_space_char: its dictionary file, and whether the space follows the dictionary.
    """

    det: str = "default"
    cls: Optional[str] = "default"
    rec: str = "default"
    threads: int = 0
    pages_at_once: int = 1
    engine: str = "auto"
    device: str = "cpu"
    precision: str = "fp32"
    drop_score: float = 0.5
    limit_side_len: Optional[int] = None
    limit_type: Optional[str] = None
    thresh: Optional[float] = None
    box_thresh: Optional[float] = None
    unclip_ratio: Optional[float] = None
    max_candidates: Optional[int] = None
    use_dilation: Optional[bool] = None
    score_mode: Optional[str] = None
    box_type: Optional[str] = None
    cls_image_shape: Optional[Tuple[int, int, int]] = None
    cls_label_list: Optional[Tuple[str, ...]] = None
    cls_thresh: float = 0.9
    cls_doubt: float = 0.9
    cls_batch_size: int = 16
    rec_image_shape: Optional[Tuple[int, int, int]] = None
    rec_char_dict_path: Optional[str] = None
    use_space_char: Optional[bool] = None
    rec_batch_size: int = 8
    spans: bool = True
    order: str = "rows"
    orientation: str = "auto"
    upright: bool = False
    pdf_text: str = "auto"
