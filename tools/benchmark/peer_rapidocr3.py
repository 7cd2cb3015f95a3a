"""RapidOCR 3.x (`rapidocr`, onnxruntime) as a racer: its default models, or others given as ONNX files."""

from __future__ import annotations

from importlib.metadata import version
from typing import Iterable

from peer_protocol import Line, Recognise, StageSeconds, arguments, one_by_one, serve


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--det", help="ONNX file of the detector (default: RapidOCR's own choice)")
    parser.add_argument("--rec", help="ONNX file of the recogniser")
    parser.add_argument("--keys", help="the recogniser's characters, one a line")
    parser.add_argument("--engine", default="onnxruntime", choices=["onnxruntime", "openvino"])
    options = parser.parse_args()
    stages = StageSeconds()

    def load() -> Recognise:
        from rapidocr import EngineType, RapidOCR

        params = {
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": options.threads,
            "EngineConfig.openvino.inference_num_threads": options.threads,
            "Det.model_path": options.det,
            "Rec.model_path": options.rec,
            "Rec.rec_keys_path": options.keys,
        }
        params.update({f"{part}.engine_type": EngineType(options.engine) for part in ("Det", "Cls", "Rec")})
        engine = RapidOCR(params={key: value for key, value in params.items() if value is not None})

        def read(path: str) -> Iterable[Line]:
            found = engine(path)
            stages.add(found.elapse_list)
            if not found.txts:  # None or empty when there is no text
                return []
            return zip(found.boxes.tolist(), found.txts, found.scores)

        return one_by_one(read)

    serve(
        load,
        engine=options.name or "rapidocr3",
        version=version("rapidocr"),
        threads=options.threads,
        stages=stages.take,
    )


if __name__ == "__main__":
    main()
