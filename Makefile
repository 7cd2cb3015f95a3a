# `make ocr IMAGE=picture.jpg` reads a picture; `make test` runs every check; `make smoke`
# trains the three networks on the sample set, kills and resumes them, exports them and reads with them. All set up .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
IMAGE  ?= train_data/sample
MODELS ?= slim
SECONDS ?= 600
PAGES ?= 10000
KILLS ?= 200

WORK   ?= $(HOME)/.cache/ppocr-release

.PHONY: results test-browser test-ocrmypdf cpp test-cpp test-bulk web test-web ocr test fuzz soak robustness smoke lint setup setup-test clean smoke-slim release-models
.DELETE_ON_ERROR:

ocr: $(VENV)/.base
	@$(BIN)/ppocr models path $(MODELS) >/dev/null 2>&1 || $(BIN)/ppocr models fetch $(MODELS)
	@$(BIN)/ppocr ocr "$(IMAGE)" --models $(MODELS)

# Two processes, each of which runs whole files: what the tests of a file share is made once.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

# The page of `ppocr serve` in a real Chromium (Debian: apt install chromium; else CHROMIUM=path).
test-browser: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable ".[browser]"
	$(BIN)/python -m pytest tests/unit/test_serve_page.py

# ppocr-cpp in build/cpp (Debian: apt install cmake g++ libopencv-dev libyaml-cpp-dev nlohmann-json3-dev); docs/cpp.md.
cpp: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable ".[openvino]"
	cmake -S deploy/cpp -B build/cpp -DCMAKE_PREFIX_PATH=$$($(BIN)/python -c "import openvino; print(openvino.__path__[0])")/cmake
	cmake --build build/cpp

# The same, and built with AddressSanitizer; then the tests of both, with damaged files and decompression bombs. OpenVINO's own
# TBB can be told not to load libraries in a way that AddressSanitizer refuses, Debian's cannot.
test-cpp: cpp
	OPENVINO=$$($(BIN)/python -c "import openvino; print(openvino.__path__[0])") && \
	cmake -S deploy/cpp -B build/cpp-asan -DPPOCR_SANITIZE=ON -DCMAKE_PREFIX_PATH=$$OPENVINO/cmake && \
	cmake --build build/cpp-asan && \
	PPOCR_FUZZ=1 $(BIN)/python -m pytest tests/unit/test_cpp.py && \
	PPOCR_FUZZ=1 PPOCR_CPP=build/cpp-asan/ppocr-cpp LD_LIBRARY_PATH=$$OPENVINO/libs TBB_ENABLE_SANITIZERS=1 \
	ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=halt_on_error=1 $(BIN)/python -m pytest tests/unit/test_cpp.py

# A page that reads in the browser, in build/web (needs npm); docs/web.md.
web: $(VENV)/.test
	npm install --prefix deploy/web --ignore-scripts --no-package-lock --no-audit --no-fund
	$(BIN)/python deploy/web/build.py --models $(MODELS) --output build/web

# The same in a real Chromium, and in Node.
test-web: web
	$(BIN)/python -m pip install --quiet --editable ".[browser]"
	$(BIN)/python -m pytest tests/unit/test_web.py

# `ppocr bulk` with workers, drivers and a node of a Ray cluster killed, and from an S3 server.
test-bulk: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable ".[ray]" s3fs "moto[server,s3]>=5,<6"
	PPOCR_BULK=1 $(BIN)/python -m pytest tests/unit/test_batch.py tests/e2e/test_bulk.py

# The plugin in a real OCRmyPDF, in an environment of its own (Debian: apt install ghostscript tesseract-ocr; Python 3.11).
test-ocrmypdf:
	test -x .venv-ocrmypdf/bin/python || $(PYTHON) -m venv .venv-ocrmypdf
	.venv-ocrmypdf/bin/python -m pip install --quiet --editable ".[ocrmypdf,onnxruntime]" "pytest>=8,<10"
	.venv-ocrmypdf/bin/python -m pytest tests/unit/test_ocrmypdf.py

smoke: $(VENV)/.test
	$(BIN)/python tests/smoke.py
	$(BIN)/python tests/overfit.py

# Changed files for all that reads files of strangers, SECONDS for each kind; what ends otherwise than documented is kept.
fuzz: $(VENV)/.test
	PPOCR_FUZZ=1 $(BIN)/python -m pytest tests/robustness/test_bombs.py
	$(BIN)/python tests/robustness/fuzz.py --seconds $(SECONDS)

# PAGES pages through one OCR of each engine: the curve of memory, and the same texts from 16 threads, fork and spawn.
soak: $(VENV)/.test
	$(BIN)/python tests/robustness/soak.py --pages $(PAGES) --json build/soak.json

# The tests of robustness with all that `make test` leaves out for its time, and KILLS kills of each writer.
robustness: $(VENV)/.test
	PPOCR_FUZZ=1 PPOCR_KILLS=$(KILLS) $(BIN)/python -m pytest tests/robustness

smoke-slim: $(VENV)/.test
	$(BIN)/python tools/smoke_slim.py

# Models of our own from the labelled sets in DATA; goes on where it was stopped (docs/models.md). FONTS: a folder.
release-models: $(VENV)/.test
	@test -n "$(DATA)" || { echo "say where the labelled sets are: make release-models DATA=folder" >&2; exit 2; }
	nice $(BIN)/python tools/release/make.py --data "$(DATA)" --work "$(WORK)" $(if $(FONTS),--fonts "$(FONTS)")

# The generated tables of README and docs, from docs/results/*.json; a test says whether they are up to date.
results: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	$(BIN)/python tools/results/fill.py

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pip check

setup: $(VENV)/.base
setup-test: $(VENV)/.test

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.base: setup.py requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[onnxruntime]"
	@touch $@

$(VENV)/.test: setup.py requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	$(BIN)/python -m ppocr.slim.install
	@touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) build dist *.egg-info
