# SPDX-License-Identifier: AGPL-3.0-or-later
# Benches print a table for people and one JSON line per goal; they are no tests.
BENCHES =
include tests/bench/area.mk
BENCHES += tests/bench/bench_area

.PHONY: bench
bench: $(BENCHES) tocsind$(EXEEXT)
	@failed=0; for b in $(BENCHES); do ./$$b || failed=1; done; exit $$failed

EXTRA_PROGRAMS += tests/bench/bench_cap
BENCHES += tests/bench/bench_cap
tests_bench_bench_cap_SOURCES = tests/bench/bench_cap.c tests/bench/pairs.h tests/bench/pairs.c
tests_bench_bench_cap_LDADD = libcore.a libgeo.a libcap.a libcodec.a libbase.a $(OSMO_LIBS) \
	$(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) -lm

include tests/bench/fanout.mk
BENCHES += tests/bench/bench_fanout

EXTRA_PROGRAMS += tests/bench/bench_recipients
BENCHES += tests/bench/bench_recipients
tests_bench_bench_recipients_SOURCES = tests/bench/bench_recipients.c tests/bench/pairs.h tests/bench/pairs.c
tests_bench_bench_recipients_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bench_bench_recipients_LDADD = libcore.a libgeo.a libcap.a libcodec.a libbase.a $(OSMO_LIBS) \
	$(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) -lm

EXTRA_PROGRAMS += tests/bench/bench_smpp
BENCHES += tests/bench/bench_smpp
tests_bench_bench_smpp_SOURCES = tests/bench/bench_smpp.c tests/bench/pairs.h tests/bench/pairs.c
tests_bench_bench_smpp_LDADD = liblink.a libcore.a libgeo.a libcap.a libcodec.a libbase.a $(OSMO_LIBS) \
	$(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) -lm
