# SPDX-License-Identifier: AGPL-3.0-or-later
# Each harness holds one LLVMFuzzerTestOneInput(). "make check" replays its corpus with a plain
# main; "make fuzz" builds the same file with libFuzzer.

check_PROGRAMS += \
	tests/fuzz/fuzz_cap \
	tests/fuzz/fuzz_cbsp \
	tests/fuzz/fuzz_area \
	tests/fuzz/fuzz_cells

tests_fuzz_fuzz_cap_SOURCES = tests/fuzz/fuzz_cap.c tests/fuzz/replay.c
tests_fuzz_fuzz_cap_LDADD = $(TEST_LIBS_CAP)
tests_fuzz_fuzz_cbsp_SOURCES = tests/fuzz/fuzz_cbsp.c tests/fuzz/replay.c
tests_fuzz_fuzz_cbsp_LDADD = $(TEST_LIBS_CODEC)
tests_fuzz_fuzz_area_SOURCES = tests/fuzz/fuzz_area.c tests/fuzz/replay.c
tests_fuzz_fuzz_area_LDADD = $(TEST_LIBS_GEO)
tests_fuzz_fuzz_cells_SOURCES = tests/fuzz/fuzz_cells.c tests/fuzz/replay.c
tests_fuzz_fuzz_cells_LDADD = $(TEST_LIBS_CORE)
EXTRA_DIST += tests/fuzz/corpus

check_PROGRAMS += tests/fuzz/fuzz_draft
tests_fuzz_fuzz_draft_SOURCES = tests/fuzz/fuzz_draft.c tests/fuzz/replay.c
tests_fuzz_fuzz_draft_LDADD = $(TEST_LIBS_CORE)
