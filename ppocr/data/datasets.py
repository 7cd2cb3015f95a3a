"""Where samples come from: label files beside pictures. Nothing is decoded here; the transforms do that."""

from __future__ import annotations

import contextlib
import math
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Protocol, Sequence, Tuple, Union

import numpy as np

from ppocr.data.labels import BROKEN_LINE, folder_of_pictures, picture_names
from ppocr.errors import InputError, LabelError, SampleError
from ppocr.ops.images import picture_size

Sample = Dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A run of samples of which each epoch sees a share.

    Attributes:
        count: samples in it.
        ratio: the share, in (0, 1]; every epoch draws its own.
    """

    count: int
    ratio: float = 1.0


class Dataset(Protocol):
    """What a loader needs of a data set. It is sent to worker processes, so it must pickle.

    A data set whose epochs see only a share of some samples also has `parts`, a list of `Part`s in order. One whose
    labels people write also has `label(index)`, (place, label as written), so that `check-data` can judge it apart from
    the picture.
    """

    def __len__(self) -> int: ...

    def read(self, index: int, rng: np.random.Generator) -> Sample:
        """One raw sample.

        Returns:
            `image`: the encoded picture, uint8[n], or pixels, uint8[H, W, 3], BGR; `label`: text, or the regions of a
            page; `place`: `file:line` or another name for messages.

        Raises:
            SampleError: it cannot be read.
        """
        ...


class SimpleDataSet:
    """Pictures listed in label files, `picture<TAB>label` a line (see `ppocr.data.labels`).

    A line may name several pictures as a JSON list, of which each epoch sees one. Of a file whose first line has more
    than two fields, as PaddleOCR's with pictures' sizes, the others are not read.

    Args:
        label_file_list: the label files; one may be given without a list.
        data_dir: folder that the pictures' paths start from; by default each label file's own, or the one above it
            where the paths begin with that folder's name, as PPOCRLabel writes them.
        ratio_list: for each label file the share of its lines that an epoch sees, in (0, 1]; one number for all.
        delimiter: between the fields of a line.
        ext_op_transform_idx: PaddleOCR's; RecConAug always gets the other samples as they are at its own place.

    Raises:
        ValueError: `ratio_list` does not fit.
        LabelError: a label file cannot be read or is empty.
    """

    def __init__(
        self,
        label_file_list: Union[str, List[str]],
        data_dir: Optional[str] = None,
        ratio_list: Union[float, Sequence[float]] = (1.0,),
        delimiter: str = "\t",
        ext_op_transform_idx: int = 1,
    ):
        label_file_list = [label_file_list] if isinstance(label_file_list, str) else label_file_list
        if not label_file_list:
            raise ValueError("label_file_list: it is empty")
        if not delimiter:
            raise ValueError("delimiter: it is empty")
        self._delimiter = delimiter
        ratios = checked_ratios(ratio_list, len(label_file_list), "label files")
        self._files = [LabelFile(Path(name)) for name in label_file_list]
        self._has_more = [self._first_line(file).count(delimiter) > 1 for file in self._files]
        self._folders = [self._folder(file) if data_dir is None else Path(data_dir) for file in self._files]
        self.parts = [Part(len(file), ratio) for file, ratio in zip(self._files, ratios)]
        self._ends = np.cumsum([part.count for part in self.parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, index: int, rng: np.random.Generator) -> Sample:
        place, paths, label = self._entry(index)
        path = paths[int(rng.integers(len(paths))) if len(paths) > 1 else 0]
        try:
            image = np.fromfile(path, np.uint8)
        except OSError as error:
            raise SampleError(place, f"{path}: {error.strerror}", "missing picture") from error
        return {"image": image, "label": label, "place": place}

    def widths(self, height: int) -> np.ndarray:
        """How wide each picture is when it is scaled to a height, pixels: int64[n]. Only the files' headers are read.

        A picture that cannot be read counts as wide as high: it is reported when its turn comes.
        """
        return np.array([self._width(index, height) for index in range(len(self))], np.int64)

    def label(self, index: int) -> Tuple[str, str]:
        """(place, label) of a sample, its picture not read.

        Raises:
            SampleError: the line is not `picture<TAB>label`.
        """
        place, _, label = self._entry(index)
        return place, label

    def files(self) -> Iterator[Path]:
        """What is read: the label files, and the pictures of all lines that can be understood."""
        yield from (file.path for file in self._files)
        for index in range(len(self)):
            with contextlib.suppress(SampleError):
                yield from self._entry(index)[1]

    def _width(self, index: int, height: int) -> int:
        try:
            columns, rows = picture_size(self._entry(index)[1][0])
        except (SampleError, InputError):
            return height
        return max(1, math.ceil(height * columns / rows))

    def _entry(self, index: int) -> Tuple[str, List[Path], str]:
        """(place, paths of the picture or of those to choose from, label)."""
        which, row = locate(self._ends, index)
        file = self._files[which]
        picture, *fields = file.line(row).split(self._delimiter, -1 if self._has_more[which] else 1)
        names = picture_names(picture)
        if not fields or not names:
            between = "<TAB>" if self._delimiter == "\t" else self._delimiter
            raise SampleError(file.place(row), f"expected `picture{between}label`", BROKEN_LINE)
        return file.place(row), [self._folders[which] / name for name in names], fields[0]

    def _folder(self, file: LabelFile) -> Path:
        """Where the pictures of a label file are, by its first line."""
        names = picture_names(self._first_line(file).split(self._delimiter)[0])
        return folder_of_pictures(file.path, names[0] if names else "")

    def _first_line(self, file: LabelFile) -> str:
        try:
            return file.line(0)
        except SampleError:  # told when its turn comes
            return ""


class MultiScaleDataSet(SimpleDataSet):
    """`SimpleDataSet` for batches of several picture sizes, see `MultiScaleSampler`.

    PaddleOCR's resizes pictures itself: where `transforms` has no RecResizeImg, the loader puts one before KeepKeys.

    Args:
        label_file_list, data_dir, ratio_list, delimiter, ext_op_transform_idx: of `SimpleDataSet`.
        ds_width: batches of similar proportions; the sampler's `ds_width` is what makes them. PaddleOCR reads them from
            further columns of the label file, which there need not be: the pictures' own sizes are taken.
    """

    resizes = True

    def __init__(
        self,
        label_file_list: Union[str, List[str]],
        data_dir: Optional[str] = None,
        ratio_list: Union[float, Sequence[float]] = (1.0,),
        delimiter: str = "\t",
        ext_op_transform_idx: int = 1,
        ds_width: bool = False,
    ):
        super().__init__(label_file_list, data_dir, ratio_list, delimiter, ext_op_transform_idx)


def checked_ratios(ratios: Union[float, Sequence[float]], count: int, what: str) -> List[float]:
    """A ratio for each of `count` sources; one number stands for all.

    Raises:
        ValueError: there are more or fewer, or one is not in (0, 1].
    """
    given = list(ratios) if isinstance(ratios, Sequence) else [float(ratios)]
    all_ratios = given * count if len(given) == 1 else given
    if len(all_ratios) != count:
        raise ValueError(f"ratio_list: {len(all_ratios)} ratios for {count} {what}")
    wrong = [ratio for ratio in all_ratios if not 0 < ratio <= 1]
    if wrong:
        raise ValueError(f"ratio_list: expected numbers above 0 and at most 1, came {wrong[0]}")
    return all_ratios


def locate(ends: np.ndarray, index: int) -> Tuple[int, int]:
    """(source, number within it) of a sample; `ends` int[sources] is where each source ends."""
    which = int(np.searchsorted(ends, index, side="right"))
    return which, index - (int(ends[which - 1]) if which else 0)


class LabelFile:
    """The lines of a label file that are not blank, read when asked for: a worker holds no million strings.

    Raises:
        LabelError: the file cannot be read, or has no lines.
    """

    def __init__(self, path: Path):
        self.path = path
        self._text: Any = None  # the file's bytes, mapped when first needed in each process
        data = np.frombuffer(self._map(), np.uint8)
        ends = np.flatnonzero(data == ord("\n"))
        starts = np.concatenate([[0], ends + 1])
        lengths = np.append(ends, len(data)) - starts
        short = np.flatnonzero(lengths < 4)  # may be blank: spaces, a carriage return
        blank = [row for row in short if not bytes(data[starts[row] : starts[row] + lengths[row]]).strip()]
        kept = np.delete(np.arange(len(starts)), blank)
        if not len(kept):
            raise LabelError(f"{path}: the file has no labels")
        self._starts, self._lengths, self._numbers = starts[kept], lengths[kept], kept + 1

    def __len__(self) -> int:
        return len(self._starts)

    def place(self, row: int) -> str:
        return f"{self.path}:{self._numbers[row]}"

    def line(self, row: int) -> str:
        """The text of a line, without its end.

        Raises:
            SampleError: it is not UTF-8.
        """
        start = int(self._starts[row])
        try:
            text = self._map()[start : start + int(self._lengths[row])].decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 (byte {error.start}); save the file as UTF-8"
            raise SampleError(self.place(row), reason, BROKEN_LINE) from error
        return text.rstrip("\r").lstrip("\ufeff")

    def _map(self) -> Any:
        if self._text is None:
            try:
                with open(self.path, "rb") as file:
                    self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError:  # an empty file cannot be mapped
                self._text = b""
            except OSError as error:
                raise LabelError(f"{self.path}: cannot be read: {error.strerror}") from error
        return self._text

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_text": None}
