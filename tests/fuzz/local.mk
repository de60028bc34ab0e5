# SPDX-License-Identifier: AGPL-3.0-or-later
# Each harness holds one LLVMFuzzerTestOneInput(). "make check" replays its corpus with a plain
# main; "make fuzz" builds the same files with libFuzzer, as fuzz/tests/fuzz/fuzz_*.

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

check_PROGRAMS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/replay.c \
	tests/fuzz/http_message.c tests/fuzz/http_message.h \
	tests/unit/fake_gateway.c tests/unit/fake_gateway.h tests/unit/json_path.c tests/unit/json_path.h
tests_fuzz_fuzz_http_LDADD = $(TEST_LIBS_FRONT) $(JSON_LIBS)

FUZZ_CC = clang-14
FUZZERS = \
	tests/fuzz/fuzz_cap \
	tests/fuzz/fuzz_cbsp \
	tests/fuzz/fuzz_area \
	tests/fuzz/fuzz_cells \
	tests/fuzz/fuzz_draft \
	tests/fuzz/fuzz_http \
	tests/fuzz/fuzz_smpp \
	tests/fuzz/fuzz_msc_text \
	tests/fuzz/fuzz_recipients

# libFuzzer brings the main; that of replay.c gets another name.
fuzz:
	@$(MKDIR_P) fuzz
	test -f fuzz/Makefile || { cd fuzz && $(abs_top_srcdir)/configure -q --enable-sanitize \
		CC='$(FUZZ_CC)' CFLAGS='-g -O1 -fsanitize=fuzzer-no-link'; }
	cd fuzz && $(MAKE) $(AM_MAKEFLAGS) CFLAGS='-g -O1 -Dmain=replay_main -Wno-missing-prototypes' \
		tests/fuzz/replay.$(OBJEXT)
	cd fuzz && $(MAKE) $(AM_MAKEFLAGS) LDFLAGS=-fsanitize=fuzzer $(FUZZERS)
.PHONY: fuzz

check_PROGRAMS += tests/fuzz/fuzz_smpp
tests_fuzz_fuzz_smpp_SOURCES = tests/fuzz/fuzz_smpp.c tests/fuzz/replay.c
tests_fuzz_fuzz_smpp_LDADD = $(TEST_LIBS_CODEC)

check_PROGRAMS += tests/fuzz/fuzz_recipients
tests_fuzz_fuzz_recipients_SOURCES = tests/fuzz/fuzz_recipients.c tests/fuzz/replay.c
tests_fuzz_fuzz_recipients_LDADD = $(TEST_LIBS_CORE)

check_PROGRAMS += tests/fuzz/fuzz_msc_text
tests_fuzz_fuzz_msc_text_SOURCES = tests/fuzz/fuzz_msc_text.c tests/fuzz/replay.c
tests_fuzz_fuzz_msc_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_fuzz_msc_text_LDADD = liblink.a $(TEST_LIBS_CORE)
