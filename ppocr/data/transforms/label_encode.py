"""From what a label says to what a loss compares with."""

from __future__ import annotations

from typing import List, Literal, Optional, Sequence

import numpy as np

from ppocr.data.labels import TextRegion, parse_regions, text_faults
from ppocr.data.transforms.basic import Sample
from ppocr.errors import SampleError
from ppocr.ops.charset import Charset


class DetLabelEncode:
    """Regions of a page → `polys` float32[N, P, 2], `texts` (N strings), `ignore_tags` bool[N].

    P is 4, or the most points of a region on this page; shorter outlines repeat their last point.
    """

    def __call__(self, sample: Sample) -> Sample:
        label = sample.pop("label")
        regions: Sequence[TextRegion] = parse_regions(label) if isinstance(label, str) else label
        count = max([4, *(len(region.points) for region in regions)])
        outlines = [[*region.points, *[region.points[-1]] * (count - len(region.points))] for region in regions]
        sample["polys"] = np.array(outlines, np.float32).reshape(-1, count, 2)
        sample["texts"] = [region.text for region in regions]
        sample["ignore_tags"] = np.array([region.ignore for region in regions], bool)
        return sample


class CTCLabelEncode:
    """A text → `label` int64[max_text_length], class indices followed by blanks (0), and `length` int64[].

    Args:
        charset: from the builder: `Global.character_dict_path`.
        max_text_length: from the builder: `Global.max_text_length`.
    """

    def __init__(self, charset: Charset, max_text_length: int = 25):
        self.charset, self.max_text_length = charset, max_text_length

    def __call__(self, sample: Sample) -> Sample:
        indices = self.encode(sample)
        sample["text"] = self.charset.normal(sample["label"])
        sample["label"] = np.zeros(self.max_text_length, np.int64)
        sample["label"][: len(indices)] = indices
        sample["length"] = np.int64(len(indices))
        return sample

    def encode(self, sample: Sample) -> List[int]:
        """Class indices of the sample's text.

        Raises:
            SampleError: the text is empty, too long, or has characters outside the dictionary.
        """
        faults = text_faults(sample["label"], self.charset, self.max_text_length)
        if faults:
            raise SampleError(sample["place"], "; ".join(fault.text for fault in faults))
        return self.charset.encode(sample["label"])


class ClsLabelEncode:
    """The name of a direction → `label` int64[], its number in the list.

    Args:
        label_list: the directions in the order of the network's classes.
    """

    def __init__(self, label_list: Optional[List[str]] = None):
        self.label_list = [str(label) for label in label_list or ("0", "180")]

    def __call__(self, sample: Sample) -> Sample:
        name = str(sample["label"]).strip()
        if name not in self.label_list:
            raise SampleError(sample["place"], f"expected one of {', '.join(self.label_list)}, came {name!r}")
        sample["label"] = np.int64(self.label_list.index(name))
        return sample


class NRTRLabelEncode(CTCLabelEncode):
    """A text → `label` int64[max_text_length + 2], for a decoder that writes character by character, and `length`.

    Indices are those of PaddleOCR: 0 padding, 1 unknown, 2 start, 3 end, then the dictionary. `length` is that of the
    text with start and end.
    """

    START, END, FIRST = 2, 3, 4

    def __call__(self, sample: Sample) -> Sample:
        indices = [self.START, *(index - 1 + self.FIRST for index in self.encode(sample)), self.END]
        sample["text"] = self.charset.normal(sample["label"])
        sample["label"] = np.zeros(self.max_text_length + 2, np.int64)
        sample["label"][: len(indices)] = indices
        sample["length"] = np.int64(len(indices))
        return sample


class SARLabelEncode(CTCLabelEncode):
    """The same with the indices that PaddleOCR gives it for SAR's decoder.

    First the dictionary, then unknown, start and end (one mark), padding.
    """

    def __call__(self, sample: Sample) -> Sample:
        characters = len(self.charset.characters)
        mark, padding = characters + 1, characters + 2
        indices = [mark, *(index - 1 for index in self.encode(sample)), mark]
        sample["text"] = self.charset.normal(sample["label"])
        sample["label"] = np.full(self.max_text_length + 2, padding, np.int64)
        sample["label"][: len(indices)] = indices
        sample["length"] = np.int64(len(indices))
        return sample


class MultiLabelEncode:
    """A text → `label_ctc`, `label_gtc` and `label_sar`, for a head of several branches, and `length` (of `label_ctc`).

    Args:
        charset, max_text_length: from the builder.
        gtc_encode: the encoding of `label_gtc`; `label_sar` always is SAR's.
    """

    def __init__(
        self,
        charset: Charset,
        max_text_length: int = 25,
        gtc_encode: Literal["NRTRLabelEncode", "SARLabelEncode"] = "NRTRLabelEncode",
    ):
        self._ctc, self._sar = CTCLabelEncode(charset, max_text_length), SARLabelEncode(charset, max_text_length)
        self._gtc = self._sar if gtc_encode == "SARLabelEncode" else NRTRLabelEncode(charset, max_text_length)

    def __call__(self, sample: Sample) -> Sample:
        gtc, sar = (encode(dict(sample))["label"] for encode in (self._gtc, self._sar))
        sample = self._ctc(sample)
        sample.update(label_ctc=sample["label"], label_gtc=gtc, label_sar=sar)
        return sample
