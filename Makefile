# `make check` is what CI runs.
.PHONY: check format lint types test fix

check: format lint types test

format:
	ruff format --check .

lint:
	ruff check .

types:
	mypy

test:
	pytest -n 2

fix:
	ruff check --fix .
	ruff format .
