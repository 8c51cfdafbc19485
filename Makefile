# `make check` is what CI runs; `make fast` takes less than a minute, `make fuzz` half an hour.
.PHONY: check fast format lint types test fuzz fix

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

fuzz:
	TFSTYLE_FUZZ=$(or $(TIMES),100) pytest -n 2 tests/test_fuzz.py

fix:
	ruff check --fix .
	ruff format .
