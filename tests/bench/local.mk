# SPDX-License-Identifier: AGPL-3.0-or-later
# Benches print a table for people and one JSON line per goal; they are no tests.
BENCHES =
include tests/bench/area.mk
BENCHES += tests/bench/bench_area

.PHONY: bench
bench: $(BENCHES)
	@for b in $(BENCHES); do ./$$b || exit 1; done
