# `make check` is what CI runs; `make fast` takes less than a minute, `make models` and
# `make fuzz` half an hour.
.PHONY: check fast format lint types test models fuzz android fix

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

# The Kotlin for Android, with a compiler from PyPI and any JDK.
android: build/kotlin
	TFSTYLE_KOTLIN=build/kotlin pytest tests/test_android.py

build/kotlin:
	python3 -m venv build/pip
	build/pip/bin/pip install -q --no-deps --target $@ kotlin-jupyter-kernel==0.19.0.944

fix:
	ruff check --fix .
	ruff format .
