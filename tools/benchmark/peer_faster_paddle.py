"""`faster-paddle` (PP-OCRv6 in Rust + onnxruntime, no classifier) as a racer, all pages of a pass in its batch call.

It tells upright rectangles only, so its figures that need places (detection, end to end) are lower on slanted text than
its texts deserve.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Iterator, Sequence

from peer_protocol import Line, Pages, Recognise, arguments, page, serve


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model-size", default="tiny", choices=["tiny", "small"])
    options = parser.parse_args()

    def load() -> Recognise:
        from faster_paddle import OcrEngine

        engine = OcrEngine(model_size=options.model_size, threads=options.threads)

        def lines(found: Any) -> Iterator[Line]:
            for _, line in sorted(found["bounds"].items()):
                (left, top), (right, bottom) = line["topLeftCoord"], line["bottomRightCoord"]
                corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
                yield corners, line["text"], line["confidence"]

        def recognise(paths: Sequence[str]) -> Pages:
            pictures = []
            for path in paths:
                with open(path, "rb") as file:
                    pictures.append(file.read())
            return [page(path, lines(found), 0.0) for path, found in zip(paths, engine.ocr_batch(pictures))]

        return recognise

    serve(load, engine=options.name or "faster-paddle", version=version("faster-paddle"), threads=options.threads)


if __name__ == "__main__":
    main()
