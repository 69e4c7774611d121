# `make chat` and `make test` do everything from nothing: Python 3.11 or newer, make, a C++ compiler and a package
# registry are all they need.
#
#   make chat ARGS="--port 8000"            arguments for `rag serve`
#   make chat LLM=none                      without the language model library: answers are then extractive
#   make llm CMAKE_ARGS="-DGGML_CUDA=on"    that library again, for a GPU
#   make chat PYTHON=python3.12             another interpreter
#   make chat PIP_ARGS="..."                more arguments for pip. On Linux the registry's torch brings several GB of
#                                           CUDA libraries, which nothing here uses; PyTorch publishes an index of
#                                           builds for the CPU only, which pip can be given here.

VENV := .venv
BIN := $(VENV)/bin
SETUP := pyproject.toml constraints.txt setup/install.sh setup/llama_cpp.cmake

export PYTHON PIP_ARGS CMAKE_ARGS LLM

.DEFAULT_GOAL := help
.PHONY: help chat index test lint llm clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10
	@sed -n '/^#   make/,/^$$/s/^#/ /p' $(firstword $(MAKEFILE_LIST))

chat: index ## set up, index seeds/, and open the chat page at http://127.0.0.1:7860
	@[ -e $(VENV)/.llm ] || echo 'No language model library: answers will be extractive. "make llm" builds it.'
	@$(BIN)/rag serve $(ARGS)

index: $(VENV)/.chat ## set up, and index seeds/ (costs nothing when nothing changed)
	@$(BIN)/rag index

test: lint ## set up, check the style and the types, and run all tests
	$(BIN)/pytest

lint: $(VENV)/.test ## check the style and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

llm: ## compile the language model library again
	@[ -e $(VENV)/.chat ] || LLM=none setup/install.sh chat
	@setup/install.sh llm

clean: ## remove the environment and the caches; index/ and models/downloads/ stay
	rm -rf $(VENV) models/cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist tests/screenshots
	find rag tests eval models -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.chat: $(SETUP)
	@setup/install.sh chat

$(VENV)/.test: $(SETUP)
	@setup/install.sh test
