"""RapidOCR 1.x (`rapidocr-onnxruntime`, PP-OCRv4 mobile models + v2.0 classifier, onnxruntime) as a racer."""

from __future__ import annotations

from importlib.metadata import version
from typing import Iterable

from peer_protocol import Line, Recognise, StageSeconds, arguments, one_by_one, serve


def main() -> None:
    options = arguments(__doc__).parse_args()
    stages = StageSeconds()

    def load() -> Recognise:
        from rapidocr_onnxruntime import RapidOCR

        # A global option: RapidOCR copies it to the three sessions. Everything else as it comes.
        engine = RapidOCR(intra_op_num_threads=options.threads)

        def read(path: str) -> Iterable[Line]:
            lines, seconds = engine(path)
            stages.add(seconds)
            return lines or []  # (corners, text, score); None when there is no text

        return one_by_one(read)

    serve(
        load,
        engine=options.name or "rapidocr1",
        version=version("rapidocr-onnxruntime"),
        threads=options.threads,
        stages=stages.take,
    )


if __name__ == "__main__":
    main()
