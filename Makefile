# `make ocr IMAGE=picture.jpg` reads a picture; `make test` runs every check; `make smoke`
# trains the three networks on the sample set, kills and resumes them, exports them and reads with them. All set up .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
IMAGE  ?= train_data/sample
MODELS ?= tiny

.PHONY: ocr test smoke lint setup setup-test clean smoke-slim
.DELETE_ON_ERROR:

ocr: $(VENV)/.base
	@$(BIN)/ppocr models path $(MODELS) >/dev/null 2>&1 || $(BIN)/ppocr models fetch $(MODELS)
	@$(BIN)/ppocr ocr "$(IMAGE)" --models $(MODELS)

test: lint
	$(BIN)/python -m pytest

smoke: $(VENV)/.test
	$(BIN)/python tests/smoke.py
	$(BIN)/python tests/overfit.py

smoke-slim: $(VENV)/.test
	$(BIN)/python tools/smoke_slim.py

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
