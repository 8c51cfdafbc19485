# `make check` is what CI runs; `make fast` takes less than a minute, `make models` and
# `make fuzz` half an hour.
.PHONY: check fast format lint types test models fuzz fix

check: format lint types test

format:
	ruff format --check .

lint:
	ruff check .

types:
	mypy

test:
	pytest -n 2 --dist loadgroup

fast: format lint types
	pytest -n 2 --dist loadgroup -m "not slow"

models:
	TFSTYLE_ALL_MODELS=1 pytest -n 2 tests/test_models.py tests/test_exporting.py tests/test_transfer.py \
		tests/test_fixed_style_programs.py tests/test_revision.py

fuzz:
	TFSTYLE_FUZZ=$(or $(TIMES),100) pytest -n 2 tests/test_fuzz.py

fix:
	ruff check --fix .
	ruff format .
