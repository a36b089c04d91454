# The checks that a change must pass, in the active environment (pip install -c constraints.txt -e '.[dev]').
.PHONY: check lint types test findings

check: lint types test

lint:
	ruff check
	ruff format --check

types:
	python -m mypy

test:
	python -m pytest -n logical --dist worksteal

findings:
	for script in findings/*.sh; do echo "== $$script" && $$script || exit 1; done
