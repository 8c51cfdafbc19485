# `make check` is what CI runs; `make fast` takes less than a minute.
.PHONY: check fast format lint types test fix

check: format lint types test

format:
	ruff format --check .

lint:
	ruff check .

types:
	mypy

test:
	pytest -n 2

fast: format lint types
	pytest -n 2 -m "not slow"

fix:
	ruff check --fix .
	ruff format .
