"""RapidOCR 3.x (`rapidocr`, onnxruntime) as a racer: its default models, or others given as ONNX files."""

from __future__ import annotations

from importlib.metadata import version
from typing import Iterable

from peer_protocol import Line, Recognise, StageSeconds, arguments, one_by_one, serve


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--det", help="ONNX file of the detector (default: RapidOCR's own choice)")
    parser.add_argument("--cls", help="ONNX file of the direction classifier")
    parser.add_argument("--rec", help="ONNX file of the recogniser")
    parser.add_argument("--keys", help="the recogniser's characters, one a line, if its file does not hold them")
    parser.add_argument("--rec-height", type=int, default=48, help="height of the recogniser's input (default 48)")
    parser.add_argument("--crops", action="store_true", help="pictures are lines: read them, whatever the score")
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
            "Cls.model_path": options.cls,
            "Rec.model_path": options.rec,
            "Rec.rec_keys_path": options.keys,
            "Rec.rec_img_shape": [3, options.rec_height, 320],
        }
        params.update({f"{part}.engine_type": EngineType(options.engine) for part in ("Det", "Cls", "Rec")})
        engine = RapidOCR(params={key: value for key, value in params.items() if value is not None})

        def read_crop(path: str) -> Iterable[Line]:
            found = engine(path, use_det=False, use_cls=False, use_rec=True, text_score=0.0)
            return [([], text, score) for text, score in zip(found.txts or (), found.scores or ())]

        def read(path: str) -> Iterable[Line]:
            found = engine(path)
            stages.add(found.elapse_list)
            if not found.txts:  # None or empty when there is no text
                return []
            return zip(found.boxes.tolist(), found.txts, found.scores)

        return one_by_one(read_crop if options.crops else read)

    serve(
        load,
        engine=options.name or "rapidocr3",
        version=version("rapidocr"),
        threads=options.threads,
        stages=stages.take,
    )


if __name__ == "__main__":
    main()
