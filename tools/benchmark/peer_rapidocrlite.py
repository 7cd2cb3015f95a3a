"""RapidOCRLite 5 (`rapidocrlite`, an interpreter of its own in C++) with PP-OCRv6 tiny and the classifier as a racer.

Without paths it would download models; it is given those that RapidOCR 3's peer reads with.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Iterable

from peer_protocol import Line, Recognise, arguments, one_by_one, serve


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--det", required=True, help="ONNX file of the detector")
    parser.add_argument("--cls", required=True, help="ONNX file of the direction classifier")
    parser.add_argument("--rec", required=True, help="ONNX file of the recogniser")
    parser.add_argument("--keys", required=True, help="the recogniser's characters, one a line")
    options = parser.parse_args()

    def load() -> Recognise:
        from rapidocr import RapidOCR

        engine = RapidOCR(
            params={
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": options.threads,
                "Det.model_path": options.det,
                "Cls.model_path": options.cls,
                "Rec.model_path": options.rec,
                "Rec.rec_keys_path": options.keys,
            }
        )

        def read(path: str) -> Iterable[Line]:
            found = engine(path)
            if not found.txts:  # None or empty when there is no text
                return []
            return zip(found.boxes.tolist(), found.txts, found.scores)

        return one_by_one(read)

    serve(load, engine=options.name or "rapidocrlite", version=version("rapidocrlite"), threads=options.threads)


if __name__ == "__main__":
    main()
